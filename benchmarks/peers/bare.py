"""The measure of all: OpenSSH's own `sftp put`, without sealing, verifying, receipt or a word to the disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.peer import Peer
from benchmarks.peers.site import Site
from benchmarks.steps import Steps


class Bare(Peer):
    """One session, `put -r` of every case."""

    name = "bare OpenSSH sftp put"
    needs: ClassVar = {"sshd": "openssh-server", "sftp": "openssh-client"}

    def carry(self, site: Site, steps: Steps, cases: Sequence[Path]) -> None:
        """Upload all."""
        site.sftp(steps, *(f'put -r "{case}" "{site.into}"' for case in cases))

    def arrived(self, site: Site, case: Path) -> Path:
        """Return where a case lies afterwards."""
        return site.into / case.name
