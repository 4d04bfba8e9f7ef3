"""Looks through the bytes of a member for names and numbers that may not leave, in constant memory."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import IO, Final

from gateway.bundle.streams import PIECE
from gateway.packing import Member
from gateway.standard.identity import read_number

ENCODINGS: Final = ("utf-8", "gb18030", "utf-16-le")
"""In which a name is looked for; a number is the same in the first two."""
OVERLAP: Final = 512
"""Bytes of a piece that are looked at again with the next: more than a name has in any encoding."""
INFLATED_MAX: Final = 1 << 30
"""Bytes that a packed member may hold; more is a bomb, or no table that anybody shares."""
PACKED_MAX: Final = 10_000
"""Files in a packed member; a workbook has some dozens."""

_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""How files are packed that are looked into: as Office packs them. Of others the library unpacks a piece whole, and
that may be gigabytes."""

_ZIP: Final = b"PK\x03\x04"
_NUMBER = re.compile(rb"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|1[3-9]\d{9})(?![0-9A-Za-z])")
_MOBILE: Final = 11


class Seen(Enum):
    """What looking through a member gave."""

    CLEAN = auto()
    FOUND = auto()
    UNSEEN = auto()  # packed in a way that cannot be looked through


class Search:
    """Looks for `secrets`, for sound identity numbers (GB 11643) and for mobile numbers."""

    def __init__(self, secrets: Iterable[str], progress: Callable[[int], None]) -> None:
        """progress: told 0 for every piece read."""
        words = {word.encode(encoding) for word in secrets for encoding in ENCODINGS if _can(word, encoding)}
        self._words = re.compile(b"|".join(map(re.escape, sorted(words)))) if words else None
        self._progress = progress

    def in_member(self, member: Member) -> Seen:
        """Look through `member`, and through what is packed in it if it is a zip or an Office file. Raises OSError."""
        with member.open() as stream:
            is_packed = stream.read(len(_ZIP)) == _ZIP
        with member.open() as stream:
            if not is_packed:
                return Seen.FOUND if self._is_in(stream) else Seen.CLEAN
            return self._in_packed(stream)

    def _in_packed(self, stream: IO[bytes]) -> Seen:
        if not stream.seekable():
            return Seen.UNSEEN
        try:
            with zipfile.ZipFile(stream) as packed:
                entries = packed.infolist()
                if not _may_be_unpacked(entries):
                    return Seen.UNSEEN
                for one in entries:
                    with packed.open(one) as inner:
                        if inner.read(len(_ZIP)) == _ZIP:
                            return Seen.UNSEEN  # packed once more
                    with packed.open(one) as inner:
                        if self._is_in(inner):
                            return Seen.FOUND
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError):
            return Seen.UNSEEN  # damaged or encrypted
        return Seen.CLEAN

    def _is_in(self, stream: IO[bytes]) -> bool:
        return any(self._is_hit(piece) for piece in self._pieces(stream))

    def _pieces(self, stream: IO[bytes]) -> Iterator[bytes]:
        kept = b""
        while read := stream.read(PIECE):
            self._progress(0)
            yield kept + read
            kept = (kept + read)[-OVERLAP:]

    def _is_hit(self, piece: bytes) -> bool:
        if self._words is not None and self._words.search(piece) is not None:
            return True
        return any(_is_number(found[0].decode("ascii")) for found in _NUMBER.finditer(piece))


def _may_be_unpacked(entries: Sequence[zipfile.ZipInfo]) -> bool:
    is_small = len(entries) <= PACKED_MAX and sum(one.file_size for one in entries) <= INFLATED_MAX
    return is_small and all(one.compress_type in _METHODS for one in entries)


def _can(word: str, encoding: str) -> bool:
    try:
        word.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _is_number(text: str) -> bool:
    if len(text) == _MOBILE:
        return True
    read = read_number(text.upper())
    return read is not None and read.is_sound
