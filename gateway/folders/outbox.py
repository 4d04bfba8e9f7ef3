"""Papers that wait to leave by a link and that the ledger does not owe: what a hub carries on for others, rosters."""

from pathlib import Path

from gateway.bundle.names import parse
from gateway.domain.ids import LinkName, WireName
from gateway.folders import disk

WAITING_MAX = 4096
"""Papers of one link; beyond it the oldest gives way, since whoever wrote it will write a newer one."""


class Outbox:
    """Papers by link, durable until they were deposited. Safe between threads: each is one file under its name."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, link: LinkName, name: WireName, body: bytes) -> None:
        """Keep `body` until it has left by `link`; may be repeated. Raises as `disk.failure` says."""
        folder = self._root / link
        disk.owner_only(folder)
        waiting = self.waiting(link)
        for path in waiting[: len(waiting) + 1 - WAITING_MAX]:
            disk.remove_tree(path)
        disk.write_durably(folder / name, body)

    def waiting(self, link: LinkName) -> list[Path]:
        """Return what waits for `link`, the oldest first."""
        folder = self._root / link
        with disk.mapped(folder):
            if not folder.is_dir():
                return []
            found = [(path.stat().st_mtime_ns, path) for path in folder.iterdir() if parse(path.name) is not None]
        return [path for _written, path in sorted(found)]

    def drop(self, path: Path) -> None:
        """Forget what was deposited; may be repeated."""
        disk.remove_tree(path)
