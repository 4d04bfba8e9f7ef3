"""Watches an OFD pass (GB/T 33190): a zip with OFD.xml at its root, whose document information may mark it secret."""

import re
import zlib
from typing import Final

from gateway.standard.markings import is_marked

_TAIL: Final = 66_000
"""The end record of a zip lies within its comment's longest length of the end (PKWARE APPNOTE 4.3.16)."""
_ROOT: Final = b"OFD.xml"
_ENTRY: Final = b"PK\x03\x04"
_FIXED: Final = 30
_KEPT: Final = 64 << 10
_READ_MAX: Final = 256 << 10
_ENCRYPTED: Final = (b"Encryptions.xml", b"CryptoKey.dat", b"EncryptEntries.xml", b"encryptinfo.dat")
"""GB/T 33190 and GM/T 0099: what an encrypted OFD has beside its OFD.xml."""
_INFO: Final = re.compile(r"<(?:\w+:)?(?:Title|Subject|Keyword|Abstract|CustomData)\b[^>]{0,200}>([^<]{0,400})<")
_OVERLAP: Final = _FIXED + 64
_STORED: Final = 0


class OfdWatch:
    """Looks for the root document, the end record and what encryption leaves. Constant memory."""

    def __init__(self) -> None:
        self.is_marked = False
        self._seam = b""
        self._tail = b""
        self._root: bytearray | None = None
        self._has_root = False
        self._is_locked = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        seen = self._seam + chunk
        if self._root is not None and len(self._root) < _KEPT:
            self._root += chunk[: _KEPT - len(self._root)]
        elif self._root is None:
            self._find_root(seen)
        self._has_root = self._has_root or _ROOT in seen
        self._is_locked = self._is_locked or any(name in seen for name in _ENCRYPTED)
        self._seam = seen[-_OVERLAP:]
        self._tail = (self._tail + chunk)[-_TAIL:]

    def trouble(self) -> str:
        """Return `incomplete` without directory or root, `password` if it is encrypted; reads what was kept of it."""
        self.is_marked = self.is_marked or any(map(is_marked, _INFO.findall(self._root_text())))
        if self._is_locked or self._has_flag():
            return "password"
        return "" if b"PK\x05\x06" in self._tail and self._has_root else "incomplete"

    def _find_root(self, seen: bytes) -> None:
        at = seen.find(_ENTRY)
        while at >= 0:
            name = seen[at + _FIXED : at + _FIXED + len(_ROOT)]
            if name == _ROOT and int.from_bytes(seen[at + 26 : at + 28], "little") == len(_ROOT):
                self._root = bytearray(seen[at : at + _KEPT])
                return
            at = seen.find(_ENTRY, at + 1)

    def _has_flag(self) -> bool:
        return self._root is not None and len(self._root) > _FIXED and bool(self._root[6] & 1)

    def _root_text(self) -> str:
        if self._root is None or len(self._root) < _FIXED:
            return ""
        raw = bytes(self._root)
        start = _FIXED + int.from_bytes(raw[26:28], "little") + int.from_bytes(raw[28:30], "little")
        if int.from_bytes(raw[8:10], "little") == _STORED:
            size = int.from_bytes(raw[18:22], "little")
            return raw[start : start + (size or _KEPT)].decode("utf-8", "replace")
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw[start:], _READ_MAX).decode("utf-8", "replace")
        except zlib.error:
            return ""
