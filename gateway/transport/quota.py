"""How much of a guest's mailbox is in use, known without looking at the disk for every write."""

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.transport import disk
from gateway.transport.floors import NO_FLOORS, Floors
from gateway.transport.growth import Growth
from gateway.transport.hosted import IN, OUT

_BLOCK = 4096
_COUNT_AGAIN = 1.0
"""Seconds that a count of the folder stays good enough to refuse by."""


class QuotaError(Exception):
    """The guest has used up what it may."""


@dataclass(frozen=True, slots=True)
class Room:
    """A guest's view of the filesystem, in blocks of `block` bytes, and in files."""

    block: int
    blocks: int
    free_blocks: int
    files: int
    free_files: int


class Mailbox:
    """One guest's folders with the usage of `in`; used by one event loop.

    quota_bytes, quota_files: what may lie in `in`, temporary files included.
    floors: what stays free of our disk, whatever the quota says.

    The collector takes files away behind our back, so the usage we carry is an upper bound; it is counted anew before
    anything is refused.
    """

    def __init__(
        self, root: Path, quota_bytes: int, quota_files: int, clock: Clock, floors: Floors = NO_FLOORS
    ) -> None:
        self._root = root
        self._floors = floors
        self._quota_bytes = quota_bytes
        self._quota_files = quota_files
        self._clock = clock
        self.growing: dict[str, Growth] = {}
        """Temporary name -> what grows under it. What was opened before that, or had the name before it was renamed,
        grows no more, whoever holds it open."""
        self.publishing: set[str] = set()
        """Temporary names that are being renamed: until that is done nobody opens them."""
        self._bytes = 0
        self._files = 0
        self._counted_at = float("-inf")
        self._counting: asyncio.Task[None] | None = None
        self._bytes_meanwhile = 0
        """What came while the folder was being counted, and may not have been seen there."""
        self._files_meanwhile = 0

    def allow(self, quota_bytes: int, quota_files: int, floors: Floors = NO_FLOORS) -> None:
        """Change what may lie in `in`; what lies there already stays."""
        self._floors = floors
        self._quota_bytes = quota_bytes
        self._quota_files = quota_files

    def folder(self, name: str) -> Path:
        """Return the path of `in` or `out`."""
        return self._root / name

    def disown(self, session: object) -> list[str]:
        """Return the temporary names that are the session's, and forget that they are."""
        names = [name for name, growth in self.growing.items() if growth.owner is session]
        for name in names:
            del self.growing[name]
        return names

    async def admit(self, *, size: int = 0, files: int = 0, reaching: int = 0) -> None:
        """Return if `size` more bytes and `files` more files fit; QuotaError if they do not.

        reaching: bytes that the file has with them. Up to what is small it may use room that is kept from the larger.
        """
        floor = self._floors.small if reaching <= self._floors.small_bytes else self._floors.ordinary
        if floor and _free(os.statvfs(self._root)) - size < floor:
            raise QuotaError
        if self._counted_at == float("-inf") or not self._fits(size, files):
            await self._count()
            if not self._fits(size, files):
                raise QuotaError

    def created(self) -> None:
        """A file was created."""
        self._files += 1
        self._files_meanwhile += 1

    def grown(self, size: int) -> None:
        """A file grew by `size` bytes."""
        self._bytes += size
        self._bytes_meanwhile += size

    def shrunk(self, size: int) -> None:
        """A file lost `size` bytes."""
        self._bytes = max(self._bytes - size, 0)

    def removed(self, size: int) -> None:
        """A file of `size` bytes was removed."""
        self._files = max(self._files - 1, 0)
        self._bytes = max(self._bytes - size, 0)

    async def space(self) -> Room:
        """Return what is left for the guest: the quota's rest, or the disk's if that is less."""
        await self._count()
        found = await asyncio.to_thread(os.statvfs, self._root)
        free = max(min(self._quota_bytes - self._bytes, self._floors.room(_free(found))), 0)
        free_files = max(self._quota_files - self._files, 0)
        if found.f_files:
            free_files = min(free_files, found.f_favail)
        return Room(_BLOCK, self._quota_bytes // _BLOCK, free // _BLOCK, self._quota_files, free_files)

    def waiting(self) -> list[tuple[str, int]]:
        """Return names and sizes of what waits in `out`; blocking."""
        return [
            (name, size) for name, size, _ in _regular_files(self.folder(OUT)) if disk.as_wire_name(name) is not None
        ]

    def remove_abandoned(self, below: int) -> int:
        """Remove temporary files of `in` that nobody will continue; return how many. Blocking.

        They are those under `below` bytes, and what was sent while it was being sealed.

        For when no guest is there yet: a server that was killed could not clear up after its sessions.
        """
        count = 0
        with disk.opened_folder(self.folder(IN)) as folder:
            for name, size, _touched in _regular_files(self.folder(IN)):
                if disk.is_hidden(name) and (size < below or name == disk.HEAD_START):
                    disk.discard(name, folder)
                    count += 1
        return count

    def remove_stale(self, before: float) -> int:
        """Remove temporary files untouched since `before` (seconds since 1970); return how many. Blocking."""
        count = 0
        for place in (self.folder(IN), self.folder(OUT)):
            with disk.opened_folder(place) as folder:
                for name, _, touched in _regular_files(place):
                    if touched < before and disk.is_hidden(name):
                        disk.discard(name, folder)
                        count += 1
        return count

    def _fits(self, size: int, files: int) -> bool:
        return self._bytes + size <= self._quota_bytes and self._files + files <= self._quota_files

    async def _count(self) -> None:
        """Count the folder, unless that was done a moment ago; once for all sessions that ask at a time."""
        now = self._clock.monotonic()
        if now - self._counted_at < _COUNT_AGAIN:
            return
        if self._counting is None:
            self._bytes_meanwhile = self._files_meanwhile = 0
            self._counting = asyncio.ensure_future(self._counted(now))
        await asyncio.shield(self._counting)

    async def _counted(self, now: float) -> None:
        try:
            found = await asyncio.to_thread(_regular_files, self.folder(IN))
        finally:
            self._counting = None
        self._bytes = sum(size for _, size, _ in found) + self._bytes_meanwhile
        self._files = len(found) + self._files_meanwhile
        self._counted_at = now


def _free(found: os.statvfs_result) -> int:
    return found.f_bavail * found.f_frsize


def _regular_files(folder: Path) -> list[tuple[str, int, float]]:
    files = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                files.append((entry.name, found.st_size, found.st_mtime))
    return files
