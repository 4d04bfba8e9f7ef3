"""The roster file: one roster with all the signed metadata that leads to it from any older root.

    off  len  field
    0    8    magic 89 43 46 54 0D 0A 1A 0A
    8    2    r   number of roots, big-endian, 1 to 256
              r x { length 4 | root }   versions 1 to r, each signed by the one before it and by itself
              { length 4 | timestamp } { length 4 | snapshot } { length 4 | targets } { length 4 | roster }
              nothing after

The metadata is that of The Update Framework, as docs/roster.md says; the roster is the canonical JSON of `codec`.
"""

import struct
from dataclasses import dataclass

from gateway.domain.errors import Scope, SecurityError

ENDING = ".cft"
ROOTS_MAX = 256
ROOT_MAX = 64 << 10
METADATA_MAX = 64 << 10
"""Bytes; a signature takes 200, and nobody has a hundred officers."""
CONTENT_MAX = 48 << 20
"""Bytes; 5000 units with two pairs of the largest keys each."""
FILE_MAX = 64 << 20
"""Bytes; the largest roster, and all roots at their usual size."""

_MAGIC = b"\x89CFT\r\n\x1a\n"
_HEAD = len(_MAGIC) + 2


@dataclass(frozen=True, slots=True)
class RosterFile:
    """The parts of a roster file, each exactly as it was signed; nothing is verified yet."""

    roots: tuple[bytes, ...]
    timestamp: bytes
    snapshot: bytes
    targets: bytes
    roster: bytes


def join(file: RosterFile) -> bytes:
    """Return the file's bytes; SecurityError `roster-malformed` if a part is longer than may be."""
    parts = [*file.roots, file.timestamp, file.snapshot, file.targets, file.roster]
    raw = b"".join(
        [_MAGIC, struct.pack(">H", len(file.roots)), *(struct.pack(">I", len(part)) + part for part in parts)]
    )
    split(raw)
    return raw


def split(raw: bytes) -> RosterFile:
    """Undo `join`; SecurityError `roster-malformed` for anything else."""
    if not _HEAD <= len(raw) <= FILE_MAX or not raw.startswith(_MAGIC):
        raise malformed("not a roster file")
    (count,) = struct.unpack_from(">H", raw, len(_MAGIC))
    if not 1 <= count <= ROOTS_MAX:
        raise malformed(f"a roster file has 1 to {ROOTS_MAX} roots")
    parts: list[bytes] = []
    at = _HEAD
    for limit in (*[ROOT_MAX] * count, METADATA_MAX, METADATA_MAX, METADATA_MAX, CONTENT_MAX):
        if len(raw) < at + 4:
            raise malformed("cut short")
        (length,) = struct.unpack_from(">I", raw, at)
        if length > limit or len(raw) < at + 4 + length:
            raise malformed("a part is cut short or too long")
        parts.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    if at != len(raw):
        raise malformed("bytes after the roster")
    return RosterFile(tuple(parts[:count]), *parts[count:])


def malformed(why: str) -> SecurityError:
    """Return `roster-malformed`."""
    return SecurityError("roster-malformed", why, scope=Scope.NODE, facts={"why": why})
