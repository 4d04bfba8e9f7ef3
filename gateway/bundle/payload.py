"""The payload: group B of the checks, that every byte behind a verified envelope is the one its sender signed."""

from collections.abc import Iterator
from typing import BinaryIO

from gateway.bundle.envelope import Envelope
from gateway.bundle.policy import check_size
from gateway.bundle.streams import PIECE, Progress, disk_errors, fill, silent
from gateway.bundle.suites import HASH_LENGTH, algorithms
from gateway.bundle.unlocking import read_manifest
from gateway.domain.errors import SecurityError

_HASHES_HELD = 2048
"""Segment hashes read at once."""


def verify_payload(source: BinaryIO, size: int, envelope: Envelope, *, progress: Progress = silent) -> None:
    """Do group B without any key: every byte after a verified envelope is the one its sender signed.

    source: seekable; `size`: its bytes.     progress: told the bytes of DATA checked so far.
    Raises SecurityError `truncated`, `trailing-bytes`, `manifest-corrupt`, `segment-list-corrupt` or
    `segment-corrupt` (facts: `segment`, counted from 0); TransientError `local-io`. May be repeated.
    """
    check_size(envelope, size)
    with disk_errors("reading the bundle"):
        read_manifest(source, envelope)
        check_segment_list(source, envelope)
        done = 0
        for count in checked_segments(source, envelope, envelope.segment_count):
            done += count
            progress(done)


def check_segment_list(source: BinaryIO, envelope: Envelope) -> None:
    """Raise SecurityError `segment-list-corrupt` or `truncated` unless SEGS is the signed one."""
    running = algorithms(envelope.suite).digest()
    for hashes in _segment_list(source, envelope):
        running.update(hashes)
    if running.digest() != envelope.segments_hash:
        raise SecurityError("segment-list-corrupt", "SEGS is not the signed one")


def _segment_list(source: BinaryIO, envelope: Envelope) -> Iterator[bytes]:
    """SEGS in pieces: it may be larger than memory should be."""
    end = envelope.segments_offset + HASH_LENGTH * envelope.segment_count
    buffer = memoryview(bytearray(HASH_LENGTH * _HASHES_HELD))
    for at in range(envelope.segments_offset, end, len(buffer)):
        piece = buffer[: end - at]
        source.seek(at)
        if fill(source, piece) < len(piece):
            raise SecurityError("truncated", "ends within SEGS")
        yield bytes(piece)


def checked_segments(source: BinaryIO, envelope: Envelope, count: int) -> Iterator[int]:
    """Yield the lengths of the first `count` segments of DATA, each after its hash was compared.

    SEGS was checked. Raises SecurityError `segment-corrupt` (facts: `segment`, counted from 0) or `truncated`.
    """
    piece = memoryview(bytearray(min(PIECE, envelope.data_length)))
    number = 0
    for hashes in _segment_list(source, envelope):
        for at in range(0, len(hashes), HASH_LENGTH):
            if number == count:
                return
            start = number * envelope.segment_size
            length = min(envelope.segment_size, envelope.data_length - start)
            source.seek(envelope.data_offset + start)
            if _hash_of(source, length, envelope, piece, number) != hashes[at : at + HASH_LENGTH]:
                raise SecurityError(
                    "segment-corrupt", f"segment {number} is not the signed one", facts={"segment": number}
                )
            yield length
            number += 1


def _hash_of(source: BinaryIO, length: int, envelope: Envelope, piece: memoryview, number: int) -> bytes:
    running = algorithms(envelope.suite).digest()
    for at in range(0, length, len(piece)):
        wanted = piece[: length - at]
        if fill(source, wanted) < len(wanted):
            raise SecurityError("truncated", f"ends within segment {number}")
        running.update(wanted)
    return running.digest()
