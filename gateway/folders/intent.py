"""What a claim means to take, written down before anything moves."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import PermanentError
from gateway.domain.ids import ClaimToken, RouteName, claim_token, route_name
from gateway.folders import disk, notes
from gateway.packing import Entry

MARK_MAX = 64 << 10
"""Bytes of a completion mark worth remembering; real ones hold a digest and a size."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One export about to be claimed, or claimed.

    root:  the outbound folder it comes from.
    parts: as last seen there, in the order of `Candidate.parts`.
    mark:  the bytes of the last part where that is a completion mark: a newer export of the same name may overwrite it
           before we take it, and then only these bytes are left.
    """

    token: ClaimToken
    route: RouteName
    root: Path
    name: str
    parts: tuple[Entry, ...]
    mark: bytes | None

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)


def write(path: Path, intent: Intent) -> None:
    """Put `intent` on the disk at `path`, whole or not at all."""
    rows: list[notes.Json] = [
        {
            "name": part.name,
            "folder": int(part.is_folder),
            "size": part.size,
            "mtime_ns": part.mtime_ns,
            "inode": part.inode,
            "children": [{"name": child} for child in sorted(part.children)],
        }
        for part in intent.parts
    ]
    note = notes.encode(
        {
            "token": intent.token,
            "route": intent.route,
            "root": str(intent.root),
            "name": intent.name,
            "parts": rows,
            "mark": None if intent.mark is None else base64.b64encode(intent.mark).decode("ascii"),
        }
    )
    disk.write_durably(path, note)


def read(path: Path) -> Intent | None:
    """Return the intent at `path`, None if there is none; `note-damaged` (permanent, transfer) if it makes no sense."""
    note = notes.read(path)
    if note is None:
        return None
    try:
        mark = note.optional_text("mark")
        return Intent(
            claim_token(note.text("token")),
            route_name(note.text("route")),
            Path(note.text("root")),
            note.text("name"),
            tuple(_part(row) for row in note.rows("parts")),
            None if mark is None else base64.b64decode(mark, validate=True),
        )
    except (ValueError, binascii.Error) as error:
        raise PermanentError(
            "note-damaged", "the note of a claim makes no sense", facts={"folder": str(path.parent)}
        ) from error


def _part(row: notes.Note) -> Entry:
    return Entry(
        row.text("name"),
        bool(row.number("folder")),
        row.number("size"),
        row.number("mtime_ns"),
        row.number("inode"),
        frozenset(child.text("name") for child in row.rows("children")),
    )
