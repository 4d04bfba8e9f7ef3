"""Convoys: many small bundles in one file, so that they cost a boundary what one costs."""

import struct
from collections.abc import Iterator, Sequence

from gateway.domain.errors import SecurityError
from gateway.domain.ids import BundleId, bundle_id

MAGIC = b"\x89CFC\r\n\x1a\n"
VERSION = 1
COUNT_MAX = 128
"""Bundles in one convoy: what still costs less to write and to record than to look at one by one."""
FILE_MAX = 8 * 2**20
"""Bytes of one convoy: held in memory by whoever makes it or takes it apart, and repeated whole if the line breaks."""

_HEAD = struct.Struct(">8sBH")
_ROW = struct.Struct(">16sI")

Bundles = Sequence[tuple[BundleId, bytes | memoryview]]
"""(bundle id, the bundle's bytes)"""


def convoy_size(sizes: Sequence[int]) -> int:
    """Return the bytes of a convoy of bundles of these `sizes`."""
    return _HEAD.size + _ROW.size * len(sizes) + sum(sizes)


def join_bundles(bundles: Bundles) -> bytes:
    """Return a convoy: magic | u8 version | u16 count | count x (16 bytes id | u32 length) | the bundles.

    None of them is looked at. The same bundles in the same order always give the same bytes. ValueError beyond its
    limits, or if an id comes twice.
    """
    if not 1 <= len(bundles) <= COUNT_MAX or len({one for one, _ in bundles}) != len(bundles):
        raise ValueError(f"a convoy holds 1 to {COUNT_MAX} bundles, each once")
    if convoy_size([len(body) for _, body in bundles]) > FILE_MAX or not all(body for _, body in bundles):
        raise ValueError(f"a bundle is not empty, a convoy has at most {FILE_MAX} bytes")
    head = _HEAD.pack(MAGIC, VERSION, len(bundles))
    rows = (_ROW.pack(bytes.fromhex(one), len(body)) for one, body in bundles)
    return b"".join((head, *rows, *(body for _, body in bundles)))


def split_bundles(raw: bytes) -> list[tuple[BundleId, memoryview]]:
    """Return the bundles of a convoy in their order, none of them looked at: each is proven by itself, as if it had
    come alone under the name that its row gives it. SecurityError `convoy-malformed`.
    """
    if len(raw) > FILE_MAX or len(raw) < _HEAD.size:
        raise _malformed("not as long as a convoy")
    magic, version, count = _HEAD.unpack_from(raw)
    if magic != MAGIC or version != VERSION:
        raise _malformed("not a convoy, or of another version")
    start = _HEAD.size + count * _ROW.size
    if not 1 <= count <= COUNT_MAX or start > len(raw):
        raise _malformed("number of bundles out of range, or the file ends within its table")
    rows = list(_ROW.iter_unpack(memoryview(raw)[_HEAD.size : start]))
    if len({one for one, _ in rows}) != count:
        raise _malformed("an id comes twice")
    if not all(length for _, length in rows) or start + sum(length for _, length in rows) != len(raw):
        raise _malformed("a bundle is empty, or the file is not as long as its bundles")
    return list(_taken_apart(memoryview(raw), start, rows))


def _taken_apart(raw: memoryview, at: int, rows: Sequence[tuple[bytes, int]]) -> Iterator[tuple[BundleId, memoryview]]:
    for one, length in rows:
        yield bundle_id(one.hex()), raw[at : at + length]
        at += length


def _malformed(detail: str) -> SecurityError:
    return SecurityError("convoy-malformed", detail)
