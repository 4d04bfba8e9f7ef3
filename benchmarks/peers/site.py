"""Where other tools are compared: two folders for the two sides, and a real sshd between them."""

import getpass
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Family
from benchmarks.steps import Command, Steps
from gateway.transport.accounts import public_line
from tests.support.sshd import sshd
from tests.support.sshkeys import key_pair

SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@dataclass(frozen=True, slots=True)
class Site:
    """The two sides on one machine, and how the server is reached.

    ours:   folder of the sender. theirs: folder of the receiver, which the server writes into.
    server: sshd and its children.
    """

    root: Path
    ours: Path
    theirs: Path
    port: int
    server: Family

    @property
    def out(self) -> Path:
        """What the sender has packed."""
        return self.ours / "out"

    @property
    def receipts(self) -> Path:
        """What the sender got back."""
        return self.ours / "receipts"

    @property
    def into(self) -> Path:
        """What has been sent to the receiver."""
        return self.theirs / "in"

    @property
    def signed(self) -> Path:
        """The receiver's receipts."""
        return self.theirs / "receipts"

    @property
    def final(self) -> Path:
        """What the receiver has unpacked."""
        return self.theirs / "final"

    @property
    def key(self) -> Path:
        """The sender's SSH key."""
        return self.root / "key"

    @property
    def known_hosts(self) -> Path:
        """The server's SSH key, as OpenSSH clients read it."""
        return self.root / "known_hosts"

    @property
    def user(self) -> str:
        """Who logs in."""
        return getpass.getuser()

    def clear(self) -> None:
        """Remove what a run has left, and make its folders anew."""
        for folder in (self.out, self.receipts, self.into, self.signed, self.final):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

    def sftp(self, steps: Steps, *orders: str) -> None:
        """Carry out orders in one session of OpenSSH's client."""
        # It repeats every order, which nobody reads.
        steps.run(self._client(), told="".join(f"{order}\n" for order in orders).encode(), into=Path(os.devnull))

    def put(self, steps: Steps, source: Path, target: Path) -> None:
        """Upload one file as scripts do: under another name first."""
        self.sftp(steps, *put(source, target))

    def _client(self) -> Command:
        options = (
            f"Port={self.port}",
            f"IdentityFile={self.key}",
            f"UserKnownHostsFile={self.known_hosts}",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
        )
        spelled = [part for option in options for part in ("-o", option)]
        return ["sftp", "-F", os.devnull, "-q", "-b", "-", *spelled, f"{self.user}@127.0.0.1"]


def put(source: Path, target: Path) -> tuple[str, str]:
    """Return the orders that upload one file under another name and rename it then."""
    return f'put "{source}" "{target}.part"', f'rename "{target}.part" "{target}"'


def is_installed() -> bool:
    """Whether OpenSSH's server and client are both there."""
    return shutil.which("sshd", path=SBIN) is not None and shutil.which("sftp") is not None


@contextmanager
def site(root: Path) -> Iterator[Site]:
    """Run sshd, with everything below the new folder `root`."""
    root.mkdir()
    ours = key_pair()
    (root / "key").touch(mode=0o600)
    (root / "key").write_bytes(ours.private)
    with sshd(root, [ours.public]) as server:
        known = f"[127.0.0.1]:{server.port} {public_line(server.host_key.public)}\n"
        (root / "known_hosts").write_text(known, "ascii")
        made = Site(root, root / "a", root / "b", server.port, Family(server.pid, ""))
        for folder in (made.ours, made.theirs):
            folder.mkdir(mode=0o700)
        yield made
