"""What is kept between the members of a bundle says nothing of one in another."""

import io
import random

import pytest
import zstandard

from gateway.bundle import compression
from gateway.bundle.compression import WINDOW_MAX, BadFrameError, Decompressor
from gateway.bundle.streams import PIECE

TEXTS = (
    b"caseferry " * 50,
    b"".join(b"%d," % number for number in range(60_000)),
    b"",
    random.Random(6).randbytes(300_000) * 2,
    b"x",
)


def frame_of(text: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_checksum=False, write_content_size=True).compress(text)


def read(decompressor: Decompressor, frame: bytes, size: int) -> bytes:
    return b"".join(decompressor.content(io.BytesIO(frame).read, len(frame), size))


def test_one_after_another_each_is_what_it_was() -> None:
    decompressor = Decompressor()
    for text in (*TEXTS, *reversed(TEXTS)):
        assert read(decompressor, frame_of(text), len(text)) == text


def test_it_is_read_in_few_pieces_and_none_is_larger() -> None:
    text = b"".join(b"%d;" % number for number in range(400_000))
    frame = frame_of(text)
    sizes = [len(piece) for piece in Decompressor().content(io.BytesIO(frame).read, len(frame), len(text))]
    assert sum(sizes) == len(text)
    assert max(sizes) <= PIECE
    assert len(sizes) <= 2 * len(text) // PIECE + 1


@pytest.mark.parametrize("cut", [3, 7, 12, 400, -1])
def test_what_breaks_leaves_nothing_behind(cut: int) -> None:
    decompressor, text = Decompressor(), TEXTS[1]
    frame = frame_of(text)
    with pytest.raises(BadFrameError):
        read(decompressor, frame[:cut], len(text))
    with pytest.raises(BadFrameError):
        read(decompressor, frame[:99] + bytes([frame[99] ^ 0xFF]) + frame[100:], len(text) - 1)
    half = decompressor.content(io.BytesIO(frame).read, len(frame), len(text))
    assert next(half)
    assert read(decompressor, frame_of(TEXTS[3]), len(TEXTS[3])) == TEXTS[3]


def test_a_large_window_is_refused_also_later() -> None:
    decompressor = Decompressor()
    assert read(decompressor, frame_of(TEXTS[0]), len(TEXTS[0])) == TEXTS[0]
    large = zstandard.ZstdCompressionParameters(window_log=(2 * WINDOW_MAX).bit_length() - 1)
    packer = zstandard.ZstdCompressor(compression_params=large).compressobj(2 * WINDOW_MAX)
    frame = packer.compress(bytes(2 * WINDOW_MAX)) + packer.flush()
    with pytest.raises(BadFrameError):
        read(decompressor, frame, 2 * WINDOW_MAX)


def test_one_is_made_for_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    made, real = [], zstandard.ZstdDecompressor

    def counted(**how: int) -> zstandard.ZstdDecompressor:
        made.append(how)
        return real(**how)

    monkeypatch.setattr(compression.zstandard, "ZstdDecompressor", counted)
    decompressor = Decompressor()
    for text in TEXTS:
        read(decompressor, frame_of(text), len(text))
    assert made == [{"max_window_size": WINDOW_MAX}]
