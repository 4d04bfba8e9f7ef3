"""What a claim means to take: looked at and written down before anything moves."""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import GatewayError, PermanentError, TransientError
from gateway.domain.ids import ClaimToken, RouteName, claim_token, route_name
from gateway.folders import disk, entries, notes, trees
from gateway.packing import Candidate, Entry, Settled

MARK_MAX = 64 << 10
"""Bytes of a completion mark worth remembering; real ones hold a digest and a size."""


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of an export as it was last seen in the outbound folder. Sizes are bytes, times nanoseconds.

    children: what stands for the names directly in a folder, since a dossier may have more than any note; empty for a
        file.
    """

    name: str
    is_folder: bool
    size: int
    mtime_ns: int
    children: str


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
    parts: tuple[Part, ...]
    mark: bytes | None

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)

    @property
    def newest_ns(self) -> int:
        """The newest modification time of the parts, in nanoseconds since 1970."""
        return max(part.mtime_ns for part in self.parts)


def survey(root: Path, candidate: Candidate, route: RouteName, token: ClaimToken, seen: Mapping[str, Entry]) -> Intent:
    """Look at the parts of `candidate` in the outbound folder `root` and return what a claim is to take.

    seen: earlier looks that must still hold. Nothing may be taken before `secure`.
    Raises `export-vanished`, `export-changed`, `export-unreadable` (transient, transfer), as `entries.look` or as
    `disk.failure` says.
    """
    found: list[Part] = []
    for name in candidate.parts:
        with readable(root):
            try:
                part = part_of(entries.look(f"{root}/{name}"))
            except FileNotFoundError as error:
                raise _vanished() from error
        if name in seen and part != part_of(seen[name]):
            raise TransientError("export-changed", "the export changed after it was found settled")
        found.append(part)
    return Intent(token, route, root, candidate.name, tuple(found), _mark(root, candidate, found[-1]))


def part_of(look: Entry) -> Part:
    """Return what must not change of an entry; its inode may, on a share or in a copy."""
    names = b"\0".join(sorted(map(os.fsencode, look.children)))
    children = hashlib.sha256(names).hexdigest() if look.is_folder else ""
    return Part(look.name, look.is_folder, look.size, look.mtime_ns, children)


def secure(intents: Sequence[Intent], shelf: Path) -> list[GatewayError | None]:
    """Force the parts of all `intents` to the disk, which also proves that we can read them: they will be ours to lose,
    and case software does not make them durable. Return in their order what keeps one from being claimed.

    shelf: the folder in which they are written down next, durably; where order is kept, the parts last with that.

    Errors: `export-vanished`, `export-unreadable` (transient, transfer), or as `disk.failure` says.
    """
    paths = [f"{one.root}/{part.name}" for one in intents for part in one.parts]
    outcomes = dict(zip(paths, trees.settle_trees(paths, shelf), strict=True))
    return [_first_error(one, outcomes) for one in intents]


def _first_error(intent: Intent, outcomes: Mapping[str, GatewayError | None]) -> GatewayError | None:
    for part in intent.parts:
        path = f"{intent.root}/{part.name}"
        try:
            with readable(intent.root):
                if (error := outcomes[path]) is not None:
                    raise _vanished() if not disk.lies_at(path) else error
        except GatewayError as found:
            return found
    return None


def _vanished() -> TransientError:
    return TransientError("export-vanished", "the export was taken away before it was claimed")


def encode(intent: Intent) -> bytes:
    """Return the note that `read` reads."""
    rows: list[notes.Json] = [
        {
            "name": part.name,
            "folder": int(part.is_folder),
            "size": part.size,
            "mtime_ns": part.mtime_ns,
            "children": part.children,
        }
        for part in intent.parts
    ]
    return notes.encode(
        {
            "token": intent.token,
            "route": intent.route,
            "root": str(intent.root),
            "name": intent.name,
            "parts": rows,
            "mark": None if intent.mark is None else base64.b64encode(intent.mark).decode("ascii"),
        }
    )


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


@contextmanager
def readable(root: Path) -> Iterator[None]:
    """Map errors as `disk.failure` says, but for what may not be read: that is `export-unreadable` (transient,
    transfer), and the route's other exports go on."""
    try:
        with disk.mapped(root):
            yield
    except GatewayError as error:
        if error.facts.get("errno") not in ("EACCES", "EPERM"):
            raise
        folder = disk.printable(str(root))
        raise TransientError(
            "export-unreadable", f"our account may not read it ({error.facts['errno']})", facts={"folder": folder}
        ) from error


def _mark(root: Path, candidate: Candidate, last: Part) -> bytes | None:
    if candidate.settled is not Settled.COMPLETE or len(candidate.parts) == 1 or last.is_folder or last.size > MARK_MAX:
        return None
    with readable(root):
        mark = disk.read_small(f"{root}/{last.name}", MARK_MAX + 1)
    if len(mark) != last.size:
        raise TransientError("export-changed", "the completion mark changed while it was read")
    return mark


def _part(row: notes.Note) -> Part:
    is_folder = bool(row.number("folder"))
    return Part(row.text("name"), is_folder, row.number("size"), row.number("mtime_ns"), row.text("children"))
