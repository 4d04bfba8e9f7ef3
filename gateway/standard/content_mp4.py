"""Watches an MP4 pass: its index is there and says that it plays, and the file ends where its last box does."""

from typing import Final

_FULL: Final = 16
_KEPT: Final = 64
"""Bytes of the index that are looked at: its first box, `mvhd`, says how long the film is."""


class Mp4Watch:
    """Walks the top-level boxes of an MP4 (ISO 14496-12, 4.2). Constant memory."""

    is_marked = False

    def __init__(self) -> None:
        self._has_index = False
        self._has_fragments = False
        self._is_index = False
        self._index = b""
        self._skip = 0
        self._header = b""
        self._open_ended = False

    def trouble(self) -> str:
        """Return `unplayable` without an index, with a length of nothing, or where the file was cut off."""
        whole = self._has_index and self._skip == 0 and not self._header
        return "" if whole and (self._has_fragments or _duration(self._index) != 0) else "unplayable"

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        at = 0
        while at < len(chunk) and not self._open_ended:
            step = min(self._skip, len(chunk) - at)
            if self._is_index:
                self._index += chunk[at : at + min(step, _KEPT - len(self._index))]
            self._skip -= step
            at += step
            if at == len(chunk):
                return
            needed = _FULL if self._header[:4] == b"\x00\x00\x00\x01" else 8
            part = chunk[at : at + needed - len(self._header)]
            self._header += part
            at += len(part)
            if len(self._header) == needed and (needed == _FULL or self._header[:4] != b"\x00\x00\x00\x01"):
                self._enter(self._header)
                self._header = b""

    def _enter(self, header: bytes) -> None:
        kind = header[4:8]
        self._is_index = kind == b"moov" and not self._has_index
        self._has_index = self._has_index or kind == b"moov"
        self._has_fragments = self._has_fragments or kind == b"moof"
        size = int.from_bytes(header[8:16] if len(header) == _FULL else header[:4], "big")
        # Size 0 means up to the end of the file; a size below its own header can only be damage.
        self._open_ended = size < len(header)
        self._skip = max(size - len(header), 0)


def _duration(index: bytes) -> int | None:
    """Return the duration that the `mvhd` at the beginning of `index` states (ISO 14496-12, 8.2.2); None without."""
    body = index[8:]
    if index[4:8] != b"mvhd" or not body:
        return None
    start, end = (24, 32) if body[0] == 1 else (16, 20)
    return int.from_bytes(body[start:end], "big") if len(body) >= end else None
