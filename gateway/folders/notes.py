"""Small durable notes on our own disk: canonical JSON, strict and bounded on the way back."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.domain.errors import PermanentError
from gateway.folders import disk

NOTE_MAX = 1 << 20
"""Bytes; the largest real note, a claim of a few hundred parts, stays under a tenth of it."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)

Json = str | int | None | Sequence["Json"] | Mapping[str, "Json"]


def encode(note: Mapping[str, Json]) -> bytes:
    """Return `note` as canonical JSON: ASCII, sorted keys, no spaces; undecodable names survive as lone surrogates."""
    return _ENCODER.encode(note).encode("ascii")


class Note:
    """A note read back; every access says which type it must have."""

    __slots__ = ("_path", "_values")

    def __init__(self, path: Path, values: Mapping[str, object]) -> None:
        self._path = path
        self._values = values

    def text(self, key: str) -> str:
        """Return the string at `key`; `note-damaged` if there is none."""
        value = self._values.get(key)
        if not isinstance(value, str):
            raise _damaged(self._path)
        return value

    def number(self, key: str) -> int:
        """Return the integer at `key`; `note-damaged` if there is none."""
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _damaged(self._path)
        return value

    def optional_text(self, key: str) -> str | None:
        """Return the string at `key`, None where the note says null; `note-damaged` for anything else."""
        return None if self._values.get(key, "") is None else self.text(key)

    def rows(self, key: str) -> list["Note"]:
        """Return the list of objects at `key`; `note-damaged` if there is none."""
        value = self._values.get(key)
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise _damaged(self._path)
        return [Note(self._path, row) for row in value]


def read(path: Path) -> Note | None:
    """Return the note at `path`, None if there is none; `note-damaged` (permanent, transfer) if it is not canonical."""
    with disk.mapped(path.parent):
        try:
            raw = disk.read_small(path, NOTE_MAX + 1)
        except FileNotFoundError:
            return None
    try:
        values = json.loads(raw)
        # Numbers beyond all bounds are read, but not written.
        if not isinstance(values, dict) or len(raw) > NOTE_MAX or encode(values) != raw:
            raise _damaged(path)
    except (ValueError, RecursionError) as error:
        raise _damaged(path) from error
    return Note(path, values)


def _damaged(path: Path) -> PermanentError:
    return PermanentError("note-damaged", "one of our own notes cannot be read", facts={"folder": str(path.parent)})
