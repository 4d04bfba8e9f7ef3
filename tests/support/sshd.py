"""A real OpenSSH server on loopback with its own keys and configuration, stopped by its process id."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.transport.accounts import public_line
from tests.support.ports import held_port
from tests.support.sshkeys import KeyPair, key_pair

_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_PRIVILEGE_SEPARATION = Path("/run/sshd")
"""Compiled into the program; it refuses to run as root without."""
_STARTS_WITHIN = _ENDS_WITHIN = 60.0


@dataclass(frozen=True)
class Sshd:
    """A running server; everybody in `allowed` logs in as `username`, the account that runs the tests."""

    port: int
    username: str
    host_key: KeyPair
    log: Path
    pid: int


@contextmanager
def sshd(folder: Path, allowed: Sequence[bytes], extra: str = "", subsystem: str = "internal-sftp") -> Iterator[Sshd]:
    """Run sshd with its files below `folder` until the context ends; `extra` are further lines of configuration."""
    program = shutil.which("sshd", path=_SBIN)
    assert program is not None, "mark the test with needs_sshd"
    if os.geteuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    host_key = key_pair()
    private = folder / "host_key"
    private.touch(mode=0o600)
    private.write_bytes(host_key.private)
    authorized = folder / "authorized_keys"
    authorized.write_text("".join(public_line(blob) + "\n" for blob in allowed))
    log = folder / "sshd.log"
    with held_port() as port, log.open("wb") as complaints:
        config = folder / "sshd_config"
        config.write_text(
            f"""
            ListenAddress 127.0.0.1
            Port {port}
            HostKey {private}
            AuthorizedKeysFile {authorized}
            PidFile none
            StrictModes no
            UsePAM no
            PermitRootLogin prohibit-password
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            MaxStartups 100
            PerSourcePenalties no
            Subsystem sftp {subsystem}
            {extra}
            """.replace("PerSourcePenalties no\n", _penalties(program))
        )
        process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=complaints)
        try:
            _wait_until_listening(process, log)
            yield Sshd(port, getpass.getuser(), host_key, log, process.pid)
        finally:
            process.terminate()
            process.wait(_ENDS_WITHIN)


def _penalties(program: str) -> str:
    # OpenSSH 9.8 and later shut an address out that fails to log in; older ones do not know the word.
    known = subprocess.run([program, "-T", "-f", os.devnull], capture_output=True, text=True, check=False)
    return "PerSourcePenalties no\n" if "persourcepenalties" in known.stdout else "\n"


def _wait_until_listening(process: subprocess.Popen[bytes], log: Path) -> None:
    # The server says so on stderr; following the file costs no fixed pause.
    deadline = _STARTS_WITHIN
    while b"Server listening" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            deadline -= 0.02
            assert deadline > 0, log.read_text()
