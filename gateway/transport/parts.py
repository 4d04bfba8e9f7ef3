"""The form in which a file crosses a gap device: one or more parts, each of which says itself what it is a part of."""

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum

from gateway.bundle.names import parse
from gateway.domain.ids import WireName, wire_name

HEADER = 256
"""Bytes before the content of a part."""
TOTAL_MAX = 1 << 46
"""Bytes; as much as a bundle may hold."""

_MAGIC = b"\x89CFP\r\n\x1a\n"  # no text, and no file that a device knows; torn by whatever converts line ends
_FIXED = struct.Struct(">8sIIQQ32sB")
_STEM_MAX = 26
_SALTS = 64
"""Names tried for one part before something is wrong with the folder."""


class Letters(StrEnum):
    """Of which characters the names may be made, besides the ending."""

    LOWER = "lower"  # digits and lower-case letters
    UPPER = "upper"  # digits and capital letters
    DIGITS = "digits"  # digits only


@dataclass(frozen=True, slots=True)
class Shape:
    """What a gap device lets through.

    max_file: bytes of its largest file, None if it does not say. ending: of every name, with its dot.
    longest: characters of a name, ending included; at least eight more than the ending.
    max_files: files that may lie in the folder at a time, None if it does not say.
    """

    max_file: int | None = None
    ending: str = ".dat"
    letters: Letters = Letters.LOWER
    longest: int = 100
    max_files: int | None = None

    def stride(self, total: int) -> int:
        """Return the bytes of content in every part but the last, of a file of `total` bytes."""
        return max(total, 1) if self.max_file is None else self.max_file - HEADER


@dataclass(frozen=True, slots=True)
class Whole:
    """The file that parts belong to. Parts of two different wholes never make one file."""

    name: WireName
    total: int
    stride: int

    @property
    def count(self) -> int:
        """How many parts there are; an empty file has one."""
        return max(1, -(-self.total // self.stride))

    def length(self, index: int) -> int:
        """Return the bytes of content of one part."""
        return min(self.stride, self.total - index * self.stride)


@dataclass(frozen=True, slots=True)
class Header:
    """The first 256 bytes of a part. `digest`: SHA-256 over the header without it, and the content."""

    whole: Whole
    index: int
    digest: bytes

    @property
    def length(self) -> int:
        """Bytes of content that follow."""
        return self.whole.length(self.index)

    def pack(self) -> bytes:
        """Return the header's bytes."""
        whole = self.whole
        name = whole.name.encode("ascii")
        fixed = _FIXED.pack(_MAGIC, self.index, whole.count, whole.stride, whole.total, self.digest, len(name))
        return (fixed + name).ljust(HEADER, b"\0")

    def hasher(self) -> "hashlib._Hash":
        """Return a SHA-256 that still has to be fed with the content."""
        return hashlib.sha256(Header(self.whole, self.index, bytes(32)).pack())


def parse_header(raw: bytes) -> Header | None:
    """Return what the first bytes of a file say; None if it is no part, or not a whole header of one.

    What is accepted packs to the same bytes again.
    """
    if len(raw) != HEADER or not raw.startswith(_MAGIC):
        return None
    _magic, index, count, stride, total, digest, length = _FIXED.unpack_from(raw)
    try:
        name = wire_name(raw[_FIXED.size : _FIXED.size + length].decode("ascii"))
    except ValueError:
        return None
    if not stride or total > TOTAL_MAX:
        return None
    whole = Whole(name, total, stride)
    header = Header(whole, index, digest)
    is_sound = count == whole.count and index < count and header.pack() == raw
    return header if is_sound else None


def part_names(shape: Shape, whole: Whole, index: int) -> list[str]:
    """Return the names that a part may bear, the first that is free is taken.

    Made from checked ids only. The first says what, which of how many, and the size of the whole, where `shape` leaves
    room for that; the others are digests. Nobody ever reads a name back: the header is what counts.
    """
    letters = "0123456789" if shape.letters is Letters.DIGITS else "0123456789abcdefghijklmnopqrstuvwxyz"
    names = []
    known = parse(whole.name)
    if known is not None and shape.letters is not Letters.DIGITS:
        kind, identifier = known
        names.append(f"{identifier}{kind[-1]}{index:08x}{whole.count:08x}{whole.total:012x}")
    length = min(shape.longest - len(shape.ending), _STEM_MAX)
    for salt in range(_SALTS):
        said = f"{whole.name}/{index}/{whole.stride}/{whole.total}/{salt}"
        number = int.from_bytes(hashlib.sha256(said.encode()).digest())
        digits = []
        for _ in range(length):
            number, digit = divmod(number, len(letters))
            digits.append(letters[digit])
        names.append("".join(digits))
    if shape.letters is Letters.UPPER:
        names = [stem.upper() for stem in names]
    return [stem + shape.ending for stem in names if len(stem) + len(shape.ending) <= shape.longest]
