"""What a file really is: looks at its bytes as they pass and says whether it is whole, of its kind and open to all."""

import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

_HEAD = 4096
_TAIL = 4096
_ENCRYPT = re.compile(rb"/Encrypt\s*(?:<<|\d{1,10}\s+\d{1,5}\s+R)")
_OVERLAP = 64
"""Longer than any match of _ENCRYPT and of the names looked for, so that none is missed between two chunks."""


class Trouble(StrEnum):
    """What is wrong with a file's content."""

    EMPTY = "empty"
    OTHER_TYPE = "other-type"
    INCOMPLETE = "incomplete"
    PASSWORD = "password"  # noqa: S105  the name of a trouble, no secret
    UNPLAYABLE = "unplayable"
    PROPRIETARY = "proprietary"


@dataclass(frozen=True, slots=True)
class Content:
    """The finding about one file: `kind` is what it is (`pdf`, `ofd`, `jpg`, `mp4`, `doc`, `unknown`, ...)."""

    kind: str
    trouble: Trouble | None = None


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
    (b"{\\rtf", "rtf"),
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


def suffix_of(path: str) -> str:
    """Return the suffix of `path` in lower case without its dot, empty if it has none."""
    return path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""


class ContentWatch:
    """Takes a file's bytes in order and any portions; `result` says what they were. Constant memory."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix.lower()
        self._head = b""
        self._tail = b""
        self._size = 0
        self._encrypted = False
        self._has_ofd_root = False
        self._boxes = _BoxWalk() if self._suffix == "mp4" else None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._size += len(chunk)
        if len(self._head) < _HEAD:
            self._head += chunk[: _HEAD - len(self._head)]
        seam = self._tail[-_OVERLAP:] + chunk
        if self._suffix == "pdf" and not self._encrypted:
            self._encrypted = _ENCRYPT.search(seam) is not None
        elif self._suffix == "ofd" and not self._has_ofd_root:
            self._has_ofd_root = b"OFD.xml" in seam
        elif self._boxes is not None:
            self._boxes.feed(chunk)
        self._tail = (self._tail + chunk[-_TAIL:])[-_TAIL:]

    def result(self) -> Content:
        """Return what the bytes fed so far are."""
        kind = self._kind()
        if self._size == 0:
            return Content(kind, Trouble.EMPTY)
        expected = _KIND_OF_SUFFIX.get(self._suffix)
        if expected is not None and kind not in expected:
            return Content(kind, Trouble.OTHER_TYPE)
        return Content(kind, self._trouble())

    def _kind(self) -> str:
        if b"%PDF-" in self._head[:1024]:
            return "pdf"
        if self._head[4:8] == b"ftyp":
            return "mp4"
        return next((kind for magic, kind in _MAGIC if self._head.startswith(magic)), "unknown")

    def _trouble(self) -> Trouble | None:
        if self._suffix == "pdf":
            # ISO 32000-1, 7.5.5: the end mark is the last line; Acrobat accepts it in the last 1024 bytes.
            whole = b"%%EOF" in self._tail[-2048:] and b"startxref" in self._tail
            return Trouble.INCOMPLETE if not whole else Trouble.PASSWORD if self._encrypted else None
        if self._suffix == "ofd":
            whole = b"PK\x05\x06" in self._tail and self._has_ofd_root
            return None if whole else Trouble.INCOMPLETE
        if self._boxes is not None:
            return None if self._boxes.is_playable else Trouble.UNPLAYABLE
        return Trouble.PROPRIETARY if self._suffix in PROPRIETARY_SUFFIXES else None


class _BoxWalk:
    """Walks the top-level boxes of an MP4 (ISO 14496-12, 4.2) and notes whether the index `moov` is among them."""

    def __init__(self) -> None:
        self.has_index = False
        self._skip = 0
        self._header = b""
        self._open_ended = False

    @property
    def is_playable(self) -> bool:
        """Whether the index was there and the last box ended where the file did."""
        return self.has_index and self._skip == 0 and not self._header

    def feed(self, chunk: bytes) -> None:
        at = 0
        while at < len(chunk) and not self._open_ended:
            step = min(self._skip, len(chunk) - at)
            self._skip -= step
            at += step
            if at == len(chunk):
                return
            needed = 16 if self._header[:4] == b"\x00\x00\x00\x01" else 8
            part = chunk[at : at + needed - len(self._header)]
            self._header += part
            at += len(part)
            if len(self._header) == needed and (needed == 16 or self._header[:4] != b"\x00\x00\x00\x01"):
                self._enter(self._header)
                self._header = b""

    def _enter(self, header: bytes) -> None:
        self.has_index = self.has_index or header[4:8] == b"moov"
        size = int.from_bytes(header[8:16] if len(header) == 16 else header[:4], "big")
        # Size 0 means up to the end of the file; a size below its own header can only be damage.
        self._open_ended = size < len(header)
        self._skip = max(size - len(header), 0)
