"""A file of a guest while it grows under its temporary name: never with holes, durable when asked."""

import asyncio
import os
from collections.abc import Callable

from gateway import linux
from gateway.transport import disk

_SETTLE_EVERY = 32 << 20
"""Bytes written before it is waited for those before them: no more wait for a slow disk, and its errors show early."""
_WRITEBACK_STEP = 8 << 20
"""Bytes written after which the disk is set to work: an fsync, also of a small file of somebody else, then finds little
in its way."""
_ISLANDS_MAX = 256
"""Stretches written ahead of a gap; a client that writes out of order has as many as requests under way."""


class GapsError(Exception):
    """The guest writes in too many places at once."""


class Growth:
    """The open file behind `descriptor`, used by one event loop; `size` bytes of it were there before.

    temp:      its name in the mailbox.
    owner:     the session that opened it.
    appends:   writes go to the end, wherever they say.
    condemned: called when the disk fails: after a failed fsync the next one may succeed although bytes are lost, so
               such a file must never be published.
    """

    def __init__(
        self,
        descriptor: int,
        temp: str,
        size: int,
        *,
        owner: object,
        appends: bool,
        condemned: "Callable[[Growth], None]",
    ) -> None:
        self.descriptor = descriptor
        self.temp = temp
        self.owner = owner
        self.size = size
        self.readable = size
        """Bytes that may be read back: what was there at the opening, to compare before it is continued."""
        self.is_told = False
        """Whether it was told that it grows."""
        self.is_final = False
        """Whether it is being published, or was: then nobody writes any more, whoever has it open."""
        self._appends = appends
        self._condemned = condemned
        self._solid = size
        self._islands: dict[int, int] = {}
        self._unsettled = 0
        self._unhinted = 0
        self._is_dirty = True
        self._pushing: asyncio.Future[None] | None = None

    @property
    def solid(self) -> int:
        """Bytes from the beginning that have no gap."""
        return self._solid

    def place(self, offset: int) -> int:
        """Return where a write for `offset` goes."""
        return self.size if self._appends else offset

    async def write(self, offset: int, data: bytes) -> None:
        """Write `data` at `offset`; GapsError if too much would lie beyond gaps."""
        end = offset + len(data)
        self._require_few_islands(offset)
        view, at = memoryview(data), offset
        while view:
            written = os.pwrite(self.descriptor, view, at)
            at += written
            view = view[written:]
        # Only now: a write that failed has left a gap.
        self._note(offset, end)
        self.size = max(self.size, end)
        self._unsettled += len(data)
        self._unhinted += len(data)
        self._is_dirty = True
        # In threads, since a busy disk takes its time, and other guests are served meanwhile. No sync in between: each
        # has the journal written and the disk's cache emptied, for which whatever is small would wait.
        if self._unsettled >= _SETTLE_EVERY:
            await self._push(linux.settle_writing)
            self._unsettled = self._unhinted = 0
        elif self._unhinted >= _WRITEBACK_STEP and (self._pushing is None or self._pushing.done()):
            await self._push(linux.start_writing)
            self._unhinted = 0

    def cut(self, size: int) -> int:
        """Keep the first `size` bytes; return how many went."""
        gone = self.size - size
        os.ftruncate(self.descriptor, size)
        self.size, self.readable, self._solid = size, min(self.readable, size), min(self._solid, size)
        self._islands = {start: min(end, size) for start, end in self._islands.items() if start < size}
        self._is_dirty = True
        return gone

    def cut_at_gap(self) -> int:
        """Keep what lies before the first gap; return how many bytes went."""
        return self.cut(self._solid) if self._islands else 0

    async def synced(self) -> None:
        """Make everything durable that was written: with its name, where `disk.is_settled` says so, else now."""
        await self._pushed()
        if self._is_dirty:
            force = linux.finish_writing if disk.is_settled(self.descriptor, self.size) else os.fsync
            try:
                await asyncio.to_thread(force, self.descriptor)
            except OSError:
                self._condemned(self)
                raise
            self._is_dirty = False

    async def _push(self, push: Callable[[int], None]) -> None:
        await self._pushed()
        self._pushing = asyncio.ensure_future(asyncio.to_thread(push, self.descriptor))

    async def _pushed(self) -> None:
        pushing, self._pushing = self._pushing, None
        if pushing is not None:
            try:
                await pushing
            except OSError:
                self._condemned(self)
                raise

    def _island_of(self, start: int) -> int | None:
        """Return where the stretch begins that a write at `start` lies on or follows; what follows on a stretch is no
        stretch of its own."""
        return next((at for at, stop in self._islands.items() if at <= start <= stop), None)

    def _require_few_islands(self, start: int) -> None:
        if start > self._solid and len(self._islands) >= _ISLANDS_MAX and self._island_of(start) is None:
            raise GapsError

    def _note(self, start: int, end: int) -> None:
        if start > self._solid:
            at = self._island_of(start)
            at = start if at is None else at
            self._islands[at] = max(end, self._islands.get(at, 0))
            return
        self._solid = max(self._solid, end)
        while self._islands and (near := min(self._islands)) <= self._solid:
            self._solid = max(self._solid, self._islands.pop(near))
