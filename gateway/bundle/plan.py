"""Before sealing: how each member will be stored and how long it will be, so that DATA can be written in its place."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import SEEK_END
from typing import BinaryIO

from gateway.bundle.compression import Compressor, Frame
from gateway.bundle.manifest import ZSTD_MEMBER_MAX, Coding, may_be_zstd
from gateway.bundle.primitives import Hasher
from gateway.bundle.streams import PIECE, Beside, Progress, disk_errors, fill, in_turn, pour
from gateway.domain.errors import TransientError

SAMPLE = 128 * 1024
"""First bytes of a member of more than a piece that tell whether compressing the whole is worth while."""
KEPT_MAX = 32 * 2**20
"""Stored bytes kept in memory between planning and writing, all members together."""


@dataclass(frozen=True, slots=True)
class SealMember:
    """One file to be sealed.

    path: relative POSIX path, NFC.     raw: original name bytes where they were not that UTF-8 text, else None.
    size: bytes that `open()` yields; it may be called more than once, by two threads at the same time, and must yield
          the same bytes each time.
    """

    path: str
    raw: bytes | None
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Kept:
    """What planning already knows of a member: its stored bytes and H of its content."""

    stored: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Spilled:
    """As Kept, but the stored bytes lie from `offset` of `spill`."""

    spill: BinaryIO
    offset: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Planned:
    """A member with its coding and stored length; `kept` or `spilled` where its stored bytes are there already."""

    member: SealMember
    coding: Coding
    stored: int
    kept: Kept | None = None
    spilled: Spilled | None = None


def plan(
    members: Sequence[SealMember],
    new_hasher: Callable[[], Hasher],
    progress: Progress,
    *,
    beside: Beside = in_turn,
    spills: Sequence[BinaryIO] = (),
) -> list[Planned]:
    """Decide the coding of every member; reads what may be compressed, keeps up to KEPT_MAX of it.

    beside:   lets a second planner work where there are two spills.
    spills:   empty files, one for each planner, that keep what has no room in memory and shrinks to half at least, so
              that they and the bundle together are never larger than the members. What is not kept is read again.
    progress: told 0 for every piece read: nothing is written yet, but somebody is at work. In the planner's thread.
    Raises TransientError `source-changed` or `local-io`.
    """
    places = spills or (None,)
    # No larger than it takes: clearing a mebibyte for each of thousands of small bundles costs as much as sealing them.
    length = min(PIECE, max((member.size for member in members), default=0) + 1)
    planners = [_Planner(new_hasher, length, progress, KEPT_MAX // len(places), spill) for spill in places]
    waiting = deque(enumerate(members))
    planned: dict[int, Planned] = {}

    def work(planner: _Planner) -> None:
        try:
            for at, member in _taken(waiting):
                planned[at] = planner.plan(member)
        finally:
            waiting.clear()  # after a failure nobody need go on

    ends = [beside(partial(work, planner)) for planner in planners[1:]]
    try:
        work(planners[0])
    finally:
        for end in ends:
            end()
    return [planned[at] for at in range(len(members))]


def source_changed(member: SealMember, found: int) -> TransientError:
    """The error for a member that yielded `found` (or more) bytes instead of its size."""
    return TransientError("source-changed", f"a member of {member.size} bytes yielded {found}")


def _taken(waiting: deque[tuple[int, SealMember]]) -> Iterator[tuple[int, SealMember]]:
    """Yield what waits until there is nothing left; several threads may take from the same."""
    with suppress(IndexError):
        while True:
            yield waiting.popleft()


class _Planner:
    """Plans members one after another, in one thread."""

    def __init__(
        self, new_hasher: Callable[[], Hasher], length: int, progress: Progress, room: int, spill: BinaryIO | None
    ) -> None:
        self._new_hasher = new_hasher
        self._buffer = memoryview(bytearray(length))
        self._progress = progress
        self._room = room
        self._spill = spill
        self._compressor = Compressor()

    def plan(self, member: SealMember) -> Planned:
        """Return how one member is stored."""
        self._progress(0)
        as_it_is = Planned(member, Coding.IDENTITY, member.size)
        if not 0 < member.size <= ZSTD_MEMBER_MAX:
            return as_it_is
        with disk_errors("reading a member"), member.open() as source:
            first = self._buffer[: fill(source, self._buffer[: min(member.size, PIECE)])]
            if member.size > PIECE and not self._compressor.shrinks(first[:SAMPLE], may_be_zstd):
                return as_it_is
            frame = self._compressor.frame(first, source, member.size, self._buffer)
            if self._spill is None or member.size <= self._room:
                packed = self._plan_kept(member, frame)
            else:
                packed = self._plan_spilled(member, frame, self._spill)
            if packed is not None:
                return packed
            # Small exports keep all they read, so that each file is opened once; large ones have texts to keep.
            if member.size > min(PIECE, self._room) or self._spill is not None:
                return as_it_is
            if len(first) < member.size or source.read(1):
                raise source_changed(member, len(first))
            running = self._new_hasher()
            running.update(first)
            self._room -= member.size
            return Planned(member, Coding.IDENTITY, member.size, Kept(bytes(first), running.digest()))

    def _plan_kept(self, member: SealMember, frame: Frame) -> Planned | None:
        """Keep in memory what has room there; None if the member does not shrink."""
        read = stored = 0
        parts: list[bytes] = []
        running = self._new_hasher()
        for piece, packed in frame:
            read += len(piece)
            stored += len(packed)
            if stored > 0 and not may_be_zstd(member.size, stored):
                return None
            running.update(piece)
            self._progress(0)
            if stored <= self._room:
                parts.append(packed)
        if read != member.size:
            raise source_changed(member, read)
        if stored > self._room:
            return Planned(member, Coding.ZSTD, stored)
        self._room -= stored
        return Planned(member, Coding.ZSTD, stored, Kept(b"".join(parts), running.digest()))

    def _plan_spilled(self, member: SealMember, frame: Frame, spill: BinaryIO) -> Planned | None:
        """Keep in `spill` what shrinks to half at least; None if the member does not shrink."""
        begin = spill.seek(0, SEEK_END)
        read = stored = 0
        running = self._new_hasher()
        for piece, packed in frame:
            read += len(piece)
            stored += len(packed)
            if stored > 0 and not may_be_zstd(member.size, stored):
                spill.truncate(begin)
                return None
            running.update(piece)
            self._progress(0)
            if 2 * stored <= member.size:
                pour(memoryview(packed), spill)
        if read != member.size:
            raise source_changed(member, read)
        if 2 * stored > member.size:
            spill.truncate(begin)
            return Planned(member, Coding.ZSTD, stored)
        return Planned(member, Coding.ZSTD, stored, spilled=Spilled(spill, begin, running.digest()))
