"""Watches a PDF pass (ISO 32000-1): whole, open to all, marked as a secret by its title, covered by its signatures."""

import re
from typing import Final

from gateway.standard.content_seal import Seal
from gateway.standard.markings import is_marked
from gateway.standard.pdf_lock import opens_without_password

_TAIL: Final = 4096
_END: Final = 2048
"""7.5.5: the end mark is the last line; Acrobat accepts it in the last 1024 bytes, and old scanners add more."""
_SEAM: Final = 2600
"""Longer than anything looked for, so that none is missed between two chunks."""
_ENCRYPT: Final = re.compile(rb"/Encrypt\s*(?:<<|\d{1,10}\s+\d{1,5}\s+R)")
_INFO: Final = re.compile(
    rb"/(?:Title|Subject|Keywords)\s*(?:\(((?:[^()\\]|\\.){0,1200})\)|<([0-9A-Fa-f\s]{0,2400})>)", re.DOTALL
)
_STATED: Final = (b"/Title", b"/Subject", b"/Keywords")
_RANGE: Final = re.compile(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
_LOCK: Final = re.compile(rb"/Standard\b")
_LOCK_BEFORE: Final = 1200
_LOCK_AFTER: Final = 1400
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_INFOS_MAX: Final = 64
_RANGES_MAX: Final = 64


class PdfWatch:
    """Looks for the end, an encryption dictionary, titles and signatures. Constant memory."""

    def __init__(self) -> None:
        self.is_marked = False
        self._size = 0
        self._tail = b""
        self._seam = b""
        self._encrypted = False
        self._lock = b""
        self._infos = 0
        self._ranges: list[tuple[int, int, int, int]] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._size += len(chunk)
        seen = self._seam + chunk
        if not self._encrypted and b"/Encrypt" in seen:
            self._encrypted = _ENCRYPT.search(seen) is not None
        if b"/Standard" in seen and (match := _LOCK.search(seen)) is not None:
            # The dictionary may go on in the next chunk: the longer view of it counts.
            found = seen[max(0, match.start() - _LOCK_BEFORE) : match.end() + _LOCK_AFTER]
            self._lock = max(self._lock, found, key=len)
        if not self.is_marked and self._infos < _INFOS_MAX and any(name in seen for name in _STATED):
            self._read_infos(seen)
        if b"/ByteRange" in seen and len(self._ranges) < _RANGES_MAX:
            found_ranges = [(int(a), int(b), int(c), int(d)) for a, b, c, d in _RANGE.findall(seen)]
            self._ranges += [one for one in found_ranges if one not in self._ranges]
        self._seam = seen[-_SEAM:]
        self._tail = (self._tail + chunk[-_TAIL:])[-_TAIL:]

    def trouble(self) -> str:
        """Return `incomplete` without an end, `password` if it must be given to read it, `restricted` if not."""
        if b"%%EOF" not in self._tail[-_END:] or b"startxref" not in self._tail:
            return "incomplete"
        if not self._encrypted:
            return ""
        return "restricted" if opens_without_password(self._lock, self._tail + self._lock) else "password"

    def seal(self) -> Seal:
        """Return what the signatures cover (12.8.1): all but themselves, and the last of them up to the end."""
        if not self._ranges:
            return Seal.NONE
        if any(not self._is_sound(one) for one in self._ranges):
            return Seal.MALFORMED
        last = max(c + d for _a, _b, c, d in self._ranges)
        # What follows the last signature is no part of what was signed; line ends of a gateway or editor are nothing.
        rest = self._tail[len(self._tail) - (self._size - last) :] if self._size - last <= len(self._tail) else b"?"
        return Seal.PRESENT if last == self._size or not rest.strip(b"\r\n\0 ") else Seal.APPENDED

    def covered(self) -> tuple[tuple[int, int, int, int], ...]:
        """Return which bytes each signature covers, in the order found."""
        return tuple(self._ranges)

    def _is_sound(self, one: tuple[int, int, int, int]) -> bool:
        a, b, c, d = one
        return a == 0 and 0 < b < c and c + d <= self._size

    def _read_infos(self, seen: bytes) -> None:
        for text, digits in _INFO.findall(seen):
            self._infos += 1
            raw = _ESCAPED.sub(rb"\1", text) if text else bytes.fromhex(_even(digits))
            self.is_marked = self.is_marked or is_marked(_text(raw))


def _even(digits: bytes) -> str:
    text = b"".join(digits.split()).decode("ascii")
    return text if len(text) % 2 == 0 else text + "0"


def _text(raw: bytes) -> str:
    """Return a text string (7.9.2.2): UTF-16 or UTF-8 with its mark, else what old Chinese software wrote."""
    if raw[:2] == b"\xfe\xff":
        return raw[2:].decode("utf-16-be", "replace")
    if raw[:3] == b"\xef\xbb\xbf":
        return raw[3:].decode("utf-8", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")
