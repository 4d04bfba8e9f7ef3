"""Quarantine: where untrusted bytes wait for a person; they are moved and counted, never opened and never run."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.domain.errors import GatewayError, PermanentError
from gateway.domain.ids import Digest, LinkName, QuarantineId, digest, link_name
from gateway.folders import copying, disk, moving, notes, trees

_CONTENT = "content"
_NOTE = "note.json"
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class QuarantineNote:
    """What is known of the bytes. subject: bundle id or name; code: why; at: seconds since 1970 UTC; size: bytes."""

    subject: str
    link: LinkName | None
    code: str
    at: float
    size: int
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One thing in quarantine. `path` is the file or folder itself: not to be opened by us."""

    id: QuarantineId
    note: QuarantineNote
    path: Path


class Quarantine:
    """The owner-only folder `root`, one folder per thing: `<id>/content` and `<id>/note.json`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def take(self, path: Path, note: QuarantineNote) -> QuarantineId:
        """Move `path` into quarantine; durable on return. Repeatable: what was taken already keeps its first note.

        Raises `quarantine-empty` (permanent, transfer) if there is nothing at `path` and nothing was taken; or as
        `disk.failure` says.
        """
        name = _identify(note)
        whole, half = self._root / name, self._root / f".{name}"
        if disk.exists(whole):
            disk.remove_tree(path)  # the same bytes again
            return name
        if not disk.exists(half / _CONTENT):
            if not disk.exists(path):
                raise PermanentError("quarantine-empty", "there is nothing to put into quarantine")
            disk.owner_only(self._root)
            disk.owner_only(half)
            disk.write_durably(half / _NOTE, _encode(note))
            disk.fsync_folder(self._root)
            if disk.rename_new(path, half / _CONTENT) is disk.Moved.ELSEWHERE:
                self._copy(path, half)
        self._lock_away(half)
        disk.rename_durably(half, whole)
        disk.remove_tree(path)
        return name

    def recover(self) -> int:
        """Finish what a crash interrupted: half-taken things are completed or forgotten, half-removed ones removed;
        return how many there were."""
        count = 0
        for whole in self._folders(hidden=False):
            if _is_id(whole.name) and not disk.exists(whole / _NOTE):
                count += 1
                self.remove(QuarantineId(whole.name))
        for half in self._folders(hidden=True):
            count += 1
            if disk.exists(half / _CONTENT) and disk.exists(half / _NOTE):
                self._lock_away(half)
                disk.rename_durably(half, half.with_name(half.name.removeprefix(".")))
            else:
                disk.remove_tree(half)
        return count

    def listing(self) -> list[Quarantined]:
        """Return what is in quarantine, oldest first; what has a damaged note is left out."""
        found: list[Quarantined] = []
        for folder in self._folders(hidden=False):
            with suppress(GatewayError):
                found.append(self._read(folder))
        return sorted(found, key=lambda one: (one.note.at, one.id))

    def get(self, name: QuarantineId) -> Quarantined:
        """Return one thing; `quarantine-missing` (permanent, transfer) if it is not there."""
        return self._read(self._root / _safe(name))

    def find(self, beginning: str) -> Quarantined:
        """Return the one thing whose id begins so.

        PermanentError `quarantine-missing`, `quarantine-ambiguous`, `note-damaged`.
        """
        if not beginning or not set(beginning) <= _DIGITS:
            raise _missing()
        found = [folder for folder in self._folders(hidden=False) if folder.name.startswith(beginning)]
        if len(found) > 1:
            raise PermanentError(
                "quarantine-ambiguous", f"{len(found)} ids begin with {beginning}", facts={"count": len(found)}
            )
        if not found:
            raise _missing()
        return self._read(found[0])

    def note_again(self, name: QuarantineId, code: str) -> None:
        """Say anew why a thing is here; the rest of its note stays. Repeatable."""
        found = self.get(name)
        disk.write_durably(self._root / name / _NOTE, _encode(replace(found.note, code=code)))

    def give_back(self, name: QuarantineId, to: Path) -> None:
        """Move the bytes to the new path `to` once a person released them. Repeatable; `place-taken` if it exists."""
        folder = self._root / _safe(name)
        if disk.exists(folder):
            begun = moving.journal_of(folder) is not None
            if not begun and disk.exists(to):
                raise _taken()
            if moving.carry(folder, [moving.Move(_CONTENT, to.name)], to.parent, adopt=True) is not None:
                raise _taken()
        self.remove(name)

    def remove(self, name: QuarantineId) -> None:
        """Remove one thing for good, on a person's decision. Repeatable."""
        folder = self._root / _safe(name)
        doomed = folder.with_name(f".{name}")
        if disk.exists(folder):
            disk.remove_tree(folder / _NOTE)  # without its note a half-removed thing is forgotten by `recover`
            disk.rename_durably(folder, doomed)
        disk.remove_tree(doomed)

    def _copy(self, path: Path, half: Path) -> None:
        arriving = half / f".{_CONTENT}"
        disk.remove_tree(arriving)
        copying.copy_durably(path, arriving)
        disk.rename_durably(arriving, half / _CONTENT)

    @staticmethod
    def _lock_away(half: Path) -> None:
        content = half / _CONTENT
        with disk.mapped(half):
            if content.is_file() and not content.is_symlink():
                content.chmod(0o400)
        trees.fsync_tree(content)
        disk.fsync_folder(half)

    def _read(self, folder: Path) -> Quarantined:
        note = notes.read(folder / _NOTE)
        if note is None:
            raise _missing()
        try:
            link = note.optional_text("link")
            known = QuarantineNote(
                note.text("subject"),
                None if link is None else link_name(link),
                note.text("code"),
                note.number("at_ms") / 1000,
                note.number("size"),
                digest(note.text("sha256")),
            )
        except ValueError as error:
            raise PermanentError("note-damaged", "the note of a thing in quarantine makes no sense") from error
        return Quarantined(QuarantineId(folder.name), known, folder / _CONTENT)

    def _folders(self, *, hidden: bool) -> list[Path]:
        with disk.mapped(self._root):
            try:
                return sorted(path for path in self._root.iterdir() if path.name.startswith(".") is hidden)
            except FileNotFoundError:
                return []


def _encode(note: QuarantineNote) -> bytes:
    return notes.encode(
        {
            "subject": note.subject,
            "link": note.link,
            "code": note.code,
            "at_ms": int(note.at * 1000),
            "size": note.size,
            "sha256": note.sha256,
        }
    )


def _taken() -> PermanentError:
    return PermanentError("place-taken", "the place for released bytes is taken")


def _identify(note: QuarantineNote) -> QuarantineId:
    named = notes.encode({"subject": note.subject, "link": note.link, "sha256": note.sha256})
    return QuarantineId(hashlib.sha256(named).hexdigest()[:32])


def _safe(name: QuarantineId) -> str:
    if not _is_id(name):
        raise _missing()
    return name


def _is_id(name: str) -> bool:
    return len(name) == 32 and set(name) <= _DIGITS


def _missing() -> PermanentError:
    return PermanentError("quarantine-missing", "nothing of that id is in quarantine")
