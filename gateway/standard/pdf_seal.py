"""Whether a PDF was changed within what its signatures cover: the digest that each states against the bytes (12.8.1).

The value of a signature and its certificate are not looked at (docs/adr/0034-checks.md).
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from gateway.standard.content import Content
from gateway.standard.content_seal import Seal

Range = tuple[int, int, int, int]

_DIGEST: Final = bytes.fromhex("06092a864886f70d010904")
"""The attribute messageDigest of CMS (RFC 5652, 11.2), as it stands in DER: then SET, OCTET STRING, the digest."""
_BY_SIZE: Final = ((20, ("sha1",)), (32, ("sha256", "sm3")), (48, ("sha384",)), (64, ("sha512",)))
_HOLE_MAX: Final = 1 << 20
"""Bytes of a signature in hexadecimal; usual ones have 16 to 60 KiB."""
_PIECE: Final = 1 << 20


def proven(content: Content, open_file: Callable[[], BinaryIO]) -> Seal:
    """Return what the signatures of a file are worth once its bytes have been compared with the digests they state.

    open_file: yields the whole file, again each time. Raises OSError. A signature that states no digest over the file
    (adbe.pkcs7.sha1) leaves the seal as the layout had it.
    """
    if content.seal is not Seal.PRESENT or not content.covered:
        return content.seal
    answers = [_compare(one, open_file) for one in content.covered]
    if False in answers:
        return Seal.CHANGED
    return Seal.WHOLE if all(answers) else Seal.PRESENT


def _compare(covered: Range, open_file: Callable[[], BinaryIO]) -> bool | None:
    """Return whether the digest agrees; None where none is stated, or in an algorithm that is not here."""
    _start, first, second, rest = covered
    with open_file() as stream:
        for _ in _pieces(stream, first):
            pass
        stated = _stated(stream.read(min(second - first, _HOLE_MAX)))
    names = next((names for size, names in _BY_SIZE if stated is not None and size == len(stated)), ())
    running = []
    for name in names:
        with suppress(ValueError):  # sm3 is not in every build
            running.append(hashlib.new(name, usedforsecurity=False))
    if not running:
        return None
    with open_file() as stream:
        for piece in _pieces(stream, first):
            for one in running:
                one.update(piece)
        for _ in _pieces(stream, second - first):
            pass
        for piece in _pieces(stream, rest):
            for one in running:
                one.update(piece)
    return any(one.digest() == stated for one in running)


def _stated(hole: bytes) -> bytes | None:
    digits = hole.strip().removeprefix(b"<").removesuffix(b">")
    try:
        raw = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return None
    at = raw.find(_DIGEST)
    value = raw[at + len(_DIGEST) :] if at >= 0 else b""
    if len(value) < 4 or value[0] != 0x31 or value[2] != 0x04 or value[3] != value[1] - 2:
        return None
    found = value[4 : 4 + value[3]]
    return found if len(found) == value[3] else None


def _pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left > 0 and (piece := stream.read(min(left, _PIECE))):
        left -= len(piece)
        yield piece
