"""The reference: a bare OpenSSH `sftp put` of the same bytes to a real sshd on loopback."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import BenchmarkError
from gateway.domain.clock import SystemClock
from gateway.transport.accounts import public_line
from tests.support.sshd import sshd
from tests.support.sshkeys import key_pair

_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
PUT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Reference:
    """A running sshd and how to reach it."""

    folder: Path
    port: int

    def put(self, source: Path) -> float:
        """Upload a file or folder, return the seconds from the start of the client to its end, and remove the copy."""
        target = self.folder / "target"
        target.mkdir()
        clock = SystemClock()
        began = clock.monotonic()
        result = subprocess.run(
            self._command(),
            input=f'put -r "{source}" "{target}"\n'.encode(),
            capture_output=True,
            timeout=PUT_SECONDS,
            check=False,
        )
        seconds = clock.monotonic() - began
        if result.returncode:
            raise BenchmarkError(f"sftp put failed: {result.stderr.decode('utf-8', 'replace')[-500:]}")
        shutil.rmtree(target)
        return seconds

    def _command(self) -> list[str]:
        options = (
            f"Port={self.port}",
            f"IdentityFile={self.folder / 'key'}",
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
        )
        spelled = [part for option in options for part in ("-o", option)]
        return ["sftp", "-F", os.devnull, "-q", "-b", "-", *spelled, f"{getpass.getuser()}@127.0.0.1"]


def is_installed() -> bool:
    """Whether OpenSSH's server and client are both there."""
    return shutil.which("sshd", path=_SBIN) is not None and shutil.which("sftp") is not None


@contextmanager
def reference(folder: Path) -> Iterator[Reference]:
    """Run sshd with its files below the new folder `folder`."""
    folder.mkdir()
    ours = key_pair()
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_bytes(ours.private)
    with sshd(folder, [ours.public]) as server:
        known = f"[127.0.0.1]:{server.port} {public_line(server.host_key.public)}\n"
        (folder / "known_hosts").write_text(known, "ascii")
        yield Reference(folder, server.port)
