"""Before sealing: how each member will be stored and how long it will be, so that DATA can be written in its place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO

from gateway.bundle import compression
from gateway.bundle.manifest import ZSTD_MEMBER_MAX, Coding, may_be_zstd
from gateway.bundle.primitives import Hasher
from gateway.bundle.streams import Progress, disk_errors, fill, pour
from gateway.domain.errors import TransientError

SAMPLE = 128 * 1024
"""First bytes of a member that tell whether compressing the whole is worth while."""
KEPT_MAX = 32 * 2**20
"""Stored bytes kept in memory between planning and writing, all members together."""


@dataclass(frozen=True, slots=True)
class SealMember:
    """One file to be sealed.

    path: relative POSIX path, NFC.     raw: original name bytes where they were not that UTF-8 text, else None.
    size: bytes that `open()` yields; it may be called more than once, and must yield the same bytes each time.
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
    """As Kept, but the stored bytes lie from `offset` of the spill."""

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
    buffer: memoryview,
    progress: Progress,
    spill: BinaryIO | None = None,
) -> list[Planned]:
    """Decide the coding of every member; reads what may be compressed, keeps up to KEPT_MAX of it.

    buffer:   scratch space of at least one piece.
    spill:    an empty file that keeps what has no room in memory and shrinks to half at least, so that it and the
              bundle together are never larger than the members; what is not kept is read and compressed again.
    progress: told 0 for every piece read: nothing is written yet, but somebody is at work.
    Raises TransientError `source-changed` or `local-io`.
    """
    room = KEPT_MAX
    planned = []
    for member in members:
        progress(0)
        with disk_errors("reading a member"):
            one = _plan_one(member, room, new_hasher, buffer, progress=progress, spill=spill)
        room -= len(one.kept.stored) if one.kept else 0
        planned.append(one)
    return planned


def source_changed(member: SealMember, found: int) -> TransientError:
    """The error for a member that yielded `found` (or more) bytes instead of its size."""
    return TransientError("source-changed", f"a member of {member.size} bytes yielded {found}")


def _plan_one(
    member: SealMember,
    room: int,
    new_hasher: Callable[[], Hasher],
    buffer: memoryview,
    *,
    progress: Progress,
    spill: BinaryIO | None,
) -> Planned:
    if not 0 < member.size <= ZSTD_MEMBER_MAX:
        return Planned(member, Coding.IDENTITY, member.size)
    with member.open() as source:
        sample = buffer[: fill(source, buffer[: min(SAMPLE, member.size)])]
        if not compression.shrinks(sample, may_be_zstd):
            return _plan_as_it_is(member, source, sample, room, new_hasher)
    with member.open() as source:
        if member.size > room and spill is not None:
            return _plan_spilled(member, source, spill, new_hasher, buffer, progress=progress)
        return _plan_compressed(member, source, room, new_hasher, buffer, progress=progress)


def _plan_as_it_is(
    member: SealMember, source: BinaryIO, sample: memoryview, room: int, new_hasher: Callable[[], Hasher]
) -> Planned:
    """A member that was read whole as the sample is kept, so that small ones are opened once."""
    if len(sample) < member.size or len(sample) > room:
        return Planned(member, Coding.IDENTITY, member.size)
    if source.read(1):
        raise source_changed(member, member.size + 1)
    running = new_hasher()
    running.update(sample)
    return Planned(member, Coding.IDENTITY, member.size, Kept(bytes(sample), running.digest()))


def _plan_compressed(
    member: SealMember,
    source: BinaryIO,
    room: int,
    new_hasher: Callable[[], Hasher],
    buffer: memoryview,
    *,
    progress: Progress,
) -> Planned:
    read = stored = 0
    parts: list[bytes] = []
    running = new_hasher()
    for piece, packed in compression.compress(source, member.size, buffer):
        read += len(piece)
        stored += len(packed)
        running.update(piece)
        progress(0)
        if stored <= room:
            parts.append(packed)
        if stored > 0 and not may_be_zstd(member.size, stored):
            return Planned(member, Coding.IDENTITY, member.size)
    if read != member.size:
        raise source_changed(member, read)
    kept = Kept(b"".join(parts), running.digest()) if stored <= room else None
    return Planned(member, Coding.ZSTD, stored, kept)


def _plan_spilled(
    member: SealMember,
    source: BinaryIO,
    spill: BinaryIO,
    new_hasher: Callable[[], Hasher],
    buffer: memoryview,
    *,
    progress: Progress,
) -> Planned:
    begin = spill.seek(0, SEEK_END)
    read = stored = 0
    running = new_hasher()
    for piece, packed in compression.compress(source, member.size, buffer):
        read += len(piece)
        stored += len(packed)
        running.update(piece)
        progress(0)
        if 2 * stored <= member.size:
            pour(memoryview(packed), spill)
        if stored > 0 and not may_be_zstd(member.size, stored):
            spill.truncate(begin)
            return Planned(member, Coding.IDENTITY, member.size)
    if read != member.size:
        raise source_changed(member, read)
    if 2 * stored > member.size:
        spill.truncate(begin)
        return Planned(member, Coding.ZSTD, stored)
    return Planned(member, Coding.ZSTD, stored, spilled=Spilled(begin, running.digest()))
