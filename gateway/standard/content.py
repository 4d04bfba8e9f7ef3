"""What a file really is: looks at its bytes as they pass and says whether it is whole, of its kind and open to all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from gateway.standard.content_mp4 import Mp4Watch
from gateway.standard.content_ofd import OfdWatch
from gateway.standard.content_pdf import PdfWatch
from gateway.standard.content_seal import Seal

_HEAD: Final = 4096
_PDF_HEAD: Final = 1024
"""ISO 32000-1, annex H: Acrobat accepts the header anywhere in the first 1024 bytes."""


class Trouble(StrEnum):
    """What is wrong with a file's content."""

    EMPTY = "empty"
    OTHER_TYPE = "other-type"
    INCOMPLETE = "incomplete"
    PASSWORD = "password"  # noqa: S105  the name of a trouble, no secret
    RESTRICTED = "restricted"  # everybody may read it; printing or copying is forbidden
    UNPLAYABLE = "unplayable"
    PROPRIETARY = "proprietary"


@dataclass(frozen=True, slots=True)
class Content:
    """The finding about one file: `kind` is what it is (`pdf`, `ofd`, `jpg`, `mp4`, `doc`, `unknown`, ...).

    is_marked: its own title or keywords mark it as a state secret.
    seal:      what its signatures are worth, as far as somebody looked (gateway/standard/content_seal.py).
    """

    kind: str
    trouble: Trouble | None = None
    is_marked: bool = False
    seal: Seal = Seal.NONE


class Watch(Protocol):
    """Looks at one kind of file from its first byte to its last."""

    is_marked: bool

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        ...

    def trouble(self) -> str:
        """Return the value of a Trouble, empty if the file is sound."""
        ...


_MAGIC = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tif"),
    (b"MM\x00*", "tif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
    (b"PK\x03\x04", "zip"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"{\\rtf", "rtf"),
    (b"DHAV", "dav"),
    (b"IMKH", "hik"),
)
_KIND_OF_SUFFIX = MappingProxyType(
    {
        "pdf": {"pdf"},
        "ofd": {"zip"},
        "jpg": {"jpg"},
        "jpeg": {"jpg"},
        "png": {"png"},
        "gif": {"gif"},
        "bmp": {"bmp"},
        "tif": {"tif"},
        "tiff": {"tif"},
        "doc": {"doc", "rtf"},
        "docx": {"zip"},
        "mp4": {"mp4"},
    }
)
PROPRIETARY_SUFFIXES = frozenset({"dav", "264", "h264", "hik", "ifv", "mbf"})
"""Recorder formats that need their maker's player (catalogue D76)."""
_WATCHES: Mapping[str, Callable[[], Watch]] = MappingProxyType({"pdf": PdfWatch, "ofd": OfdWatch, "mp4": Mp4Watch})


def suffix_of(path: str) -> str:
    """Return the suffix of `path` in lower case without its dot, empty if it has none."""
    return path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""


class ContentWatch:
    """Takes a file's bytes in order and any portions; `result` says what they were. Constant memory."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix.lower()
        self._head = b""
        self._size = 0
        make = _WATCHES.get(self._suffix)
        self._watch: Watch | None = make() if make is not None else None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._size += len(chunk)
        if len(self._head) < _HEAD:
            self._head += chunk[: _HEAD - len(self._head)]
        if self._watch is not None:
            self._watch.feed(chunk)

    def result(self) -> Content:
        """Return what the bytes fed so far are."""
        kind = self._kind()
        found = self._watch.trouble() if self._watch is not None else ""
        is_marked = self._watch is not None and self._watch.is_marked
        if self._size == 0:
            return Content(kind, Trouble.EMPTY)
        expected = _KIND_OF_SUFFIX.get(self._suffix)
        if expected is not None and kind not in expected:
            return Content(kind, Trouble.OTHER_TYPE, is_marked)
        if not found and (self._suffix in PROPRIETARY_SUFFIXES or kind in PROPRIETARY_SUFFIXES):
            found = Trouble.PROPRIETARY
        seal = self._watch.seal() if isinstance(self._watch, PdfWatch) else Seal.NONE
        return Content(kind, Trouble(found) if found else None, is_marked, seal)

    def _kind(self) -> str:
        if b"%PDF-" in self._head[:_PDF_HEAD]:
            return "pdf"
        if self._head[4:8] == b"ftyp":
            return "mp4"
        return next((kind for magic, kind in _MAGIC if self._head.startswith(magic)), "unknown")
