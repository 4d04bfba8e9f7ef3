"""Papers that wait to leave by a link and that the ledger does not owe: what a hub carries on for others, rosters."""

import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from gateway.bundle.names import parse
from gateway.domain.ids import LinkName, WireName
from gateway.folders import disk

WAITING_MAX = 4096
"""Papers of one link; beyond it the oldest gives way, since whoever wrote it will write a newer one."""
WAITING_BYTES = 256 << 20
"""Of one link, likewise; a paper has at most some MiB, most have some KiB."""


@dataclass(frozen=True, slots=True, order=True)
class _Held:
    written: int
    path: Path
    size: int


class Outbox:
    """Papers by link, durable until they were deposited. Safe between threads: each is one file under its name."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, link: LinkName, name: WireName, body: bytes) -> None:
        """Keep `body` until it has left by `link`; may be repeated. Raises as `disk.failure` says."""
        folder = self._root / link
        disk.owner_only(folder)
        held = self._held(link)
        # The newest that fit beside this one stay.
        room = list(accumulate((one.size for one in reversed(held)), initial=len(body)))[1:]
        kept = sum(size <= WAITING_BYTES for size in room[: WAITING_MAX - 1])
        for one in held[: len(held) - kept]:
            disk.remove_tree(one.path)
        disk.write_durably(folder / name, body)

    def waiting(self, link: LinkName) -> list[Path]:
        """Return what waits for `link`, the oldest first."""
        return [one.path for one in self._held(link)]

    def drop(self, path: Path) -> None:
        """Forget what was deposited; may be repeated."""
        disk.remove_tree(path)

    def _held(self, link: LinkName) -> list[_Held]:
        folder = self._root / link
        found: list[_Held] = []
        with disk.mapped(folder), suppress(FileNotFoundError), os.scandir(folder) as listed:
            for item in listed:
                # One that was deposited at this moment waits no more.
                with suppress(FileNotFoundError):
                    if parse(item.name) is not None:
                        told = item.stat(follow_symlinks=False)
                        found.append(_Held(told.st_mtime_ns, folder / item.name, told.st_size))
        return sorted(found)
