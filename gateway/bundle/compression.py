"""The coding `zstd`: one frame of a fixed shape per member, written and read with bounded memory (RFC 8878)."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

import zstandard

from gateway.bundle.streams import PIECE, fill

LEVEL = 1
"""Of case texts it leaves 7 % more than level 3 does, for half of the work; what is faster still leaves more than it
saves."""
WINDOW_MAX = 8 * 2**20
"""Bytes of history a frame may ask a reader to keep: what RFC 8878 section 3.1.1.1.2 recommends to support."""
_HEADER_MAX = 18
_DESCRIPTOR, _DICTIONARY_BITS = 4, 0b11
_BLOCK_HEADER = 3
_BLOCK_MAX = 128 * 1024
_TOGETHER = PIECE // _BLOCK_MAX
"""Blocks read at once: one by one they cost more calls than work, and each would be hashed by whoever reads it."""
_RLE, _RESERVED = 1, 3


class BadFrameError(ValueError):
    """The stored bytes are not exactly one frame of the allowed shape with the promised content."""


Frame = Iterator[tuple[memoryview, bytes]]
"""Pairs of (piece of a member, compressed bytes that came of it)."""


class Compressor:
    """Compresses members one after another, in one thread: what the library sets up for a frame costs as much as the
    frame of a small member does. The same content always gives the same frame."""

    def __init__(self) -> None:
        self._packer = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=True)

    def shrinks(self, sample: memoryview, is_enough: Callable[[int, int], bool]) -> bool:
        """Say whether compressing `sample` alone gives a size that `is_enough` takes (original, compressed)."""
        return is_enough(len(sample), len(self._packer.compress(sample)))

    def frame(self, first: memoryview, source: BinaryIO, size: int, buffer: memoryview) -> Frame:
        """Yield a member of `size` bytes and its frame in pieces.

        first: the beginning of the member, already read from `source`: a piece, or all of it if that is less. It may
        lie in `buffer`, which takes the rest.
        Stops reading once more than `size` bytes came. The caller counts the pieces: unless they add up to `size`, the
        compressed bytes are no frame. No other frame may be begun meanwhile.
        """
        if size <= PIECE:
            yield first, self._packer.compress(first)
            yield memoryview(source.read(1)), b""
            return
        packer = self._packer.compressobj(size)
        piece, done = first, len(first)
        while piece:
            yield piece, packer.compress(piece) if done <= size else b""
            piece = buffer[: fill(source, buffer[:PIECE]) if done <= size else 0]
            done += len(piece)
        yield piece, packer.flush() if done == size else b""


class Decompressor:
    """Reads members one after another, in one thread: what the library sets up costs more than the frame of a small
    member. No frame sees anything of the one before it."""

    def __init__(self) -> None:
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX)

    def content(self, take: Callable[[int], bytes], stored: int, size: int) -> Iterator[bytes]:
        """Yield the `size` bytes of the frame that takes up the next `stored` bytes, in pieces of PIECE at most.

        take: returns exactly the next so many bytes of DATA.
        Raises BadFrameError for another frame shape, a block or a sum that is too large, and bytes left over.
        No other frame may be begun meanwhile.
        """
        left, done, is_last = stored, 0, False
        decoder = self._unpacker.decompressobj(write_size=min(PIECE, max(size, 1)))
        try:
            start = take(min(_HEADER_MAX, left))
            header = _check_frame(start, size)
            decoder.decompress(start[:header])
            rest = _Rest(start[header:], take, left - len(start))
            while not is_last:
                blocks, is_last = rest.blocks()
                piece = decoder.decompress(blocks)
                done += len(piece)
                if done > size:
                    raise BadFrameError("more content than promised")
                yield piece
            if not decoder.eof or rest.left or done != size:
                raise BadFrameError("frame and promised lengths disagree")
        except zstandard.ZstdError as error:
            raise BadFrameError("not a valid frame") from error


def _check_frame(start: bytes, size: int) -> int:
    """Return the length of the frame header; only frames with content size and without checksum and dictionary pass."""
    shape = zstandard.get_frame_parameters(start)
    # The library reads a dictionary id of 0 as none; here the field itself is refused.
    has_dictionary = bool(start[_DESCRIPTOR] & _DICTIONARY_BITS)
    if shape.content_size != size or shape.window_size > WINDOW_MAX or has_dictionary or shape.has_checksum:
        raise BadFrameError("a frame of another shape")
    return zstandard.frame_header_size(start)


class _Rest:
    """The blocks of a frame, cut apart, so that the decoder never sees more input than gives a piece."""

    def __init__(self, start: bytes, take: Callable[[int], bytes], left: int) -> None:
        self._start = start
        self._take = take
        self._left = left

    @property
    def left(self) -> int:
        return len(self._start) + self._left

    def blocks(self) -> tuple[bytes, bool]:
        """Return the next blocks with their headers, and whether the last one of the frame is among them."""
        found: list[bytes] = []
        is_last = False
        while not is_last and len(found) < _TOGETHER:
            block, is_last = self._block()
            found.append(block)
        return b"".join(found), is_last

    def _block(self) -> tuple[bytes, bool]:
        """Return the next block with its header, and whether it is the last one of the frame."""
        header = self._bytes(_BLOCK_HEADER)
        number = int.from_bytes(header, "little")
        is_last, kind, length = bool(number & 1), number >> 1 & 3, number >> 3
        if kind == _RESERVED or length > _BLOCK_MAX:
            raise BadFrameError("a block of another shape")
        return header + self._bytes(1 if kind == _RLE else length), is_last

    def _bytes(self, count: int) -> bytes:
        if count > self.left:
            raise BadFrameError("the frame goes on after its end")
        first, self._start = self._start[:count], self._start[count:]
        more = count - len(first)
        self._left -= more
        return first + self._take(more)
