"""The writing side of DATA and SEGS: encrypt, cut into segments, hash each, put both where they belong."""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from gateway.bundle import compression
from gateway.bundle.chunked import Encryptor, room_for
from gateway.bundle.manifest import Coding
from gateway.bundle.plan import Planned, Spilled, source_changed
from gateway.bundle.primitives import Hasher
from gateway.bundle.streams import PIECE, Beside, Progress, fill, in_turn, pour
from gateway.domain.errors import TransientError

_HASHES_HELD = 2048
"""Segment hashes collected before they are written to their place."""


class SegmentHashes:
    """SEGS, written at `offset` of `out` as DATA grows, so that memory does not grow with the number of segments."""

    def __init__(self, out: BinaryIO, offset: int, running: Hasher) -> None:
        self._out = out
        self._offset = offset
        self._running = running
        self._held = bytearray()

    def add(self, segment_hash: bytes) -> None:
        self._held += segment_hash
        if len(self._held) >= _HASHES_HELD * len(segment_hash):
            self._flush()

    def close(self) -> bytes:
        """Write what is held and return H(SEGS)."""
        self._flush()
        return self._running.digest()

    def _flush(self) -> None:
        here = self._out.tell()
        self._out.seek(self._offset)
        pour(memoryview(bytes(self._held)), self._out)
        self._out.seek(here)
        self._running.update(bytes(self._held))
        self._offset += len(self._held)
        self._held.clear()


class DataWriter:
    """DATA, written from `offset` of `out` on. What is written is plaintext; the file gets ciphertext."""

    def __init__(
        self,
        out: BinaryIO,
        offset: int,
        *,
        segment_size: int,
        new_hasher: Callable[[], Hasher],
        segments: SegmentHashes,
        encryptor: Encryptor,
        size: int,
    ) -> None:
        """size: bytes of plaintext that will come, as far as is known; the room taken is for no more at once."""
        self._out = out
        self._segment_size = segment_size
        self._new_hasher = new_hasher
        self._segments = segments
        self._encryptor = encryptor
        self._piece = max(1, min(PIECE, size))
        self._target = memoryview(bytearray(room_for(self._piece)))
        self._running = new_hasher()
        self._left = segment_size
        out.seek(offset)

    def write(self, plain: memoryview) -> None:
        """Add plaintext of any length."""
        for at in range(0, len(plain), self._piece):
            count = self._encryptor.update_into(plain[at : at + self._piece], self._target)
            self._put(self._target[:count])

    def write_zeros(self, count: int) -> None:
        """Add `count` zero bytes of padding."""
        zeros = memoryview(bytes(min(count, PIECE)))
        for at in range(0, count, PIECE):
            self.write(zeros[: count - at])

    def close(self) -> None:
        """Write the last chunk and the hash of the last segment."""
        self._put(memoryview(self._encryptor.finalize()))
        if self._left < self._segment_size:
            self._next_segment()

    def _put(self, cipher: memoryview) -> None:
        while cipher:
            piece, cipher = cipher[: self._left], cipher[self._left :]
            self._running.update(piece)
            pour(piece, self._out)
            self._left -= len(piece)
            if self._left == 0:
                self._next_segment()

    def _next_segment(self) -> None:
        self._segments.add(self._running.digest())
        self._running = self._new_hasher()
        self._left = self._segment_size


class MemberWriter:
    """Puts members into DATA one after another and tells how far it is."""

    def __init__(
        self,
        data: DataWriter,
        new_hasher: Callable[[], Hasher],
        buffer: memoryview,
        progress: Progress,
        *,
        beside: Beside = in_turn,
        spill: BinaryIO | None = None,
    ) -> None:
        self._data = data
        self._new_hasher = new_hasher
        self._buffer = buffer
        self._progress = progress
        self._beside = beside
        self._spill = spill
        self._done = 0

    def write(self, one: Planned) -> bytes:
        """Write the stored bytes of one member and return H of its content; TransientError `source-changed`."""
        if one.kept is not None:
            self._data.write(memoryview(one.kept.stored))
            self._tell(one.member.size)
            return one.kept.hash
        if one.spilled is not None and self._spill is not None:
            return self._pour_back(one, one.spilled, self._spill)
        with one.member.open() as source:
            return self._copy(one, source) if one.coding is Coding.IDENTITY else self._compress(one, source)

    def _pour_back(self, one: Planned, spilled: Spilled, spill: BinaryIO) -> bytes:
        spill.seek(spilled.offset)
        left = one.stored
        while left:
            count = fill(spill, self._buffer[: min(left, PIECE)])
            if count == 0:
                raise TransientError("local-io", f"{left} of the stored bytes are missing")
            self._data.write(self._buffer[:count])
            left -= count
        self._tell(one.member.size)
        return spilled.hash

    def _copy(self, one: Planned, source: BinaryIO) -> bytes:
        running = self._new_hasher()
        left = one.member.size
        while left:
            count = fill(source, self._buffer[: min(left, PIECE)])
            if count == 0:
                raise source_changed(one.member, one.member.size - left)
            piece = self._buffer[:count]
            hashed = self._beside(partial(running.update, piece))
            self._data.write(piece)
            hashed()
            left -= count
            self._tell(count)
        if source.read(1):
            raise source_changed(one.member, one.member.size + 1)
        return running.digest()

    def _compress(self, one: Planned, source: BinaryIO) -> bytes:
        running = self._new_hasher()
        read = stored = 0
        for piece, packed in compression.compress(source, one.member.size, self._buffer):
            running.update(piece)
            self._data.write(memoryview(packed))
            read += len(piece)
            stored += len(packed)
            self._tell(len(piece))
        # Another stored length from the same number of bytes means other bytes than were planned with.
        if read != one.member.size or stored != one.stored:
            raise source_changed(one.member, read)
        return running.digest()

    def _tell(self, count: int) -> None:
        self._done += count
        self._progress(self._done)
