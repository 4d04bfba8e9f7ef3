"""What a soak keeps an eye on: memory and open files of every daemon that ever ran, and who outlives it."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import PROC, Family, members
from tests.support.nodes import Node

KINDS = ("daemon", "sftp-server", "crew")
"""What the processes of a node are called; what a library starts for a moment is left out."""


def name_of(pid: int) -> str:
    """Return what a process calls itself; empty if it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text("utf-8").strip()
    except OSError:
        return ""


def children(node: Node, name: str) -> list[int]:
    """Return the children of the daemon that call themselves `name...`."""
    return [pid for pid in members(node.pid) if pid != node.pid and name_of(pid).startswith(name)]


@dataclass
class Watch:
    """Peaks over all daemons of a run."""

    families: dict[int, Family] = field(default_factory=dict)
    files: int = 0
    """Most files that one daemon had open."""

    def look(self, nodes: tuple[Node, ...]) -> None:
        """Note what the daemons that are at work use now."""
        for node in nodes:
            if node.is_ready:
                pid = node.pid
                self.families.setdefault(pid, Family(pid)).look()
                self.files = max(self.files, _open_files(pid))

    def peaks(self) -> dict[str, int]:
        """Return kind of process -> most bytes that one of it ever had resident."""
        found: dict[str, int] = {}
        for family in self.families.values():
            for peak in family.peaks():
                if peak.name not in KINDS:
                    continue
                found[peak.name] = max(peak.bytes, found.get(peak.name, 0))
        return found

    def survivors(self) -> list[int]:
        """Return the processes of any daemon that live, though every daemon has ended."""
        known = {peak.pid for family in self.families.values() for peak in family.peaks()}
        return [pid for pid in known if b"gateway" in _command(pid)]


def _open_files(pid: int) -> int:
    try:
        return len(list((PROC / str(pid) / "fd").iterdir()))
    except OSError:
        return 0


def _command(pid: int) -> bytes:
    try:
        return Path(PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
