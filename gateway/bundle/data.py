"""The writing side of DATA and SEGS: encrypt, cut into segments, hash each, put both where they belong."""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from gateway.bundle.chunked import Encryptor, room_for
from gateway.bundle.compression import Compressor
from gateway.bundle.manifest import Coding
from gateway.bundle.plan import Planned, Spilled, source_changed
from gateway.bundle.primitives import Hasher
from gateway.bundle.streams import PIECE, Beside, Progress, fill, in_turn, over, pour
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
    """DATA, written from `offset` of `out` on. What is written is plaintext; the file gets ciphertext.

    Plaintext is gathered to a piece before it is sealed, whoever gives it, and one piece is sealed beside the gathering
    of the next.
    """

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
        beside: Beside = in_turn,
    ) -> None:
        """size: bytes of plaintext that will come, as far as is known; the room taken is for no more at once."""
        self._out = out
        self._segment_size = segment_size
        self._new_hasher = new_hasher
        self._segments = segments
        self._encryptor = encryptor
        self._beside = beside
        self._piece = max(1, min(PIECE, size))
        self._gathered = memoryview(bytearray(self._piece))
        self._filled = 0
        self._sealed: memoryview | None = None
        """The buffer of the piece before, which may still be read."""
        self._wait = over
        self._target = memoryview(bytearray(room_for(self._piece)))
        self._running = new_hasher()
        self._left = segment_size
        out.seek(offset)

    def room(self) -> memoryview:
        """Return the room for what comes next, never empty: what is put there counts once `took` says so."""
        if self._filled == self._piece:
            self._turn()
        return self._gathered[self._filled :]

    def took(self, count: int) -> None:
        """Add the first `count` bytes of what `room` returned."""
        self._filled += count

    def write(self, plain: memoryview) -> None:
        """Add plaintext of any length."""
        while plain:
            room = self.room()
            count = min(len(plain), len(room))
            room[:count] = plain[:count]
            self.took(count)
            plain = plain[count:]

    def write_zeros(self, count: int) -> None:
        """Add `count` zero bytes of padding."""
        zeros = memoryview(bytes(min(count, PIECE)))
        for at in range(0, count, PIECE):
            self.write(zeros[: count - at])

    def close(self) -> None:
        """Write what was gathered, the last chunk and the hash of the last segment."""
        self._wait()
        self._seal(self._gathered[: self._filled])
        self._put(memoryview(self._encryptor.finalize()))
        if self._left < self._segment_size:
            self._next_segment()

    def _turn(self) -> None:
        self._wait()
        full = self._gathered
        self._gathered = self._sealed if self._sealed is not None else memoryview(bytearray(self._piece))
        self._sealed, self._filled = full, 0
        self._wait = self._beside(partial(self._seal, full))

    def _seal(self, plain: memoryview) -> None:
        count = self._encryptor.update_into(plain, self._target)
        self._put(self._target[:count])

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

    def __init__(self, data: DataWriter, new_hasher: Callable[[], Hasher], progress: Progress) -> None:
        self._data = data
        self._new_hasher = new_hasher
        self._progress = progress
        self._done = 0

    def write(self, one: Planned) -> bytes:
        """Write the stored bytes of one member and return H of its content; TransientError `source-changed`."""
        if one.kept is not None:
            self._data.write(memoryview(one.kept.stored))
            self._tell(one.member.size)
            return one.kept.hash
        if one.spilled is not None:
            return self._pour_back(one, one.spilled)
        with one.member.open() as source:
            return self._copy(one, source) if one.coding is Coding.IDENTITY else self._compress(one, source)

    def _pour_back(self, one: Planned, spilled: Spilled) -> bytes:
        spilled.spill.seek(spilled.offset)
        left = one.stored
        while left:
            count = fill(spilled.spill, self._data.room()[:left])
            if count == 0:
                raise TransientError("local-io", f"{left} of the stored bytes are missing")
            self._data.took(count)
            left -= count
        self._tell(one.member.size)
        return spilled.hash

    def _copy(self, one: Planned, source: BinaryIO) -> bytes:
        running = self._new_hasher()
        left = one.member.size
        while left:
            piece = self._data.room()[:left]
            count = fill(source, piece)
            if count == 0:
                raise source_changed(one.member, one.member.size - left)
            running.update(piece[:count])
            self._data.took(count)
            left -= count
            self._tell(count)
        if source.read(1):
            raise source_changed(one.member, one.member.size + 1)
        return running.digest()

    def _compress(self, one: Planned, source: BinaryIO) -> bytes:
        running = self._new_hasher()
        read = stored = 0
        buffer = memoryview(bytearray(min(PIECE, one.member.size)))
        first = buffer[: fill(source, buffer)]
        for piece, packed in Compressor().frame(first, source, one.member.size, buffer):
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
