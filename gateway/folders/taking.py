"""One claim on its way: the steps that move an export's parts out of the outbound folder, and the way back.

    .<token>/intent.json   what is to be taken (see intent.py)
    .<token>/parts/        the parts, under their own names
    .<token>/elsewhere     there if the outbound folder is on another filesystem; then the parts are first taken into
                           the dot-folder `.caseferry-<token>` inside the outbound folder and copied from there

Taking is always a rename within one filesystem, so each part is either still the case software's or out of its sight.
"""

import os
from contextlib import suppress
from pathlib import Path

from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.folders import copying, disk, entries, moving, sharing
from gateway.folders import intent as intents
from gateway.folders.intent import Intent, Part

INTENT = "intent.json"
PARTS = "parts"
ELSEWHERE = "elsewhere"
GONE = ".gone-"
"""Prefix of a claim folder that holds nothing any more and only waits for its removal."""

_REMOVING = b"removing"
"""Content of the note once the removal of the dot-folder was begun: from then on it may be missing."""

_BUSY = frozenset({"EBUSY", "ETXTBSY", "EAGAIN"})


class Taking:
    """The claim folder `folder` (with its intent written) and the moves it still owes. Every method may be repeated."""

    def __init__(self, folder: Path | str, intent: Intent) -> None:
        self._folder = os.fspath(folder)
        self._intent = intent
        # Text, not paths: there are thousands.
        self._parts = f"{folder}/{PARTS}"
        self._outside = f"{intent.root}/{disk.TEMP_PREFIX}{intent.token}"
        self._elsewhere: bool | None = None
        self._is_fresh = False
        """The claim folder was just made: nothing was taken into it yet."""

    @property
    def intent(self) -> Intent:
        """What is to be taken."""
        return self._intent

    def make_folders(self) -> None:
        """Make the claim folder, in the shelf's folder of its route, which exists; not fsynced."""
        self._is_fresh = disk.make_private(self._folder)
        disk.make_private(self._parts)
        if self._is_fresh:
            self._elsewhere = False

    @property
    def note(self) -> tuple[str, bytes]:
        """Where the intent is written down, and how: nothing may be taken before that is durable."""
        return f"{self._folder}/{INTENT}", intents.encode(self._intent)

    def require_share(self) -> None:
        """Raise `mount-missing` (transient, route) if parts wait in an outbound folder that is not there now."""
        if self._is_elsewhere() and not disk.lies_at(self._outside):
            raise self._away()

    def take(self) -> None:
        """Take every part that is not yet taken, in order; durable once `hold` and the outbound folder were synced.

        Raises `export-vanished`, `export-changed`, `export-locked` (transient, transfer) or as `disk.failure` says;
        then some parts may be taken: call `undo`.
        """
        is_fresh, self._is_fresh = self._is_fresh, False
        for part in self._intent.parts:
            taken = f"{self.hold}/{part.name}"
            if is_fresh or not disk.lies_at(taken):
                self._take_one(part, taken)

    @property
    def hold(self) -> str:
        """The folder that `take` takes the parts to; what was taken is durable once that was synced."""
        return self._outside if self._is_elsewhere() else self._parts

    @property
    def is_outside(self) -> bool:
        """Whether the parts are taken into the outbound folder's own disk first."""
        return self._is_elsewhere()

    def sync_left(self) -> None:
        """Make durable that the parts left the outbound folder: once for all that were taken out of it."""
        if disk.exists(self._intent.root):
            disk.fsync_folder(self._intent.root)

    def bring_home(self) -> None:
        """Copy what was taken outside into the claim folder, with proof; nothing to do on one filesystem."""
        if not self._is_elsewhere():
            return
        home = Path(self._parts)
        disk.remove_tree(home)
        disk.owner_only(home)
        # Whoever owns the outbound folder may put another one, or a link to what we alone may read, in its place.
        with sharing.anchored(Path(self._outside)) as outside:
            for part in self._intent.parts:
                copying.copy_durably(outside / part.name, home / part.name)
                if not self._is_same(f"{outside}/{part.name}", part):
                    raise _changed()
        disk.fsync_folder(home)

    def name(self, whole: Path | str) -> None:
        """Give the claim folder its final name; once that is durable, the export is ours."""
        with disk.mapped_at(whole):
            os.replace(self._folder, whole)

    def unname(self, whole: Path | str) -> None:
        """Take the final name back, so that the claim can be undone."""
        with disk.mapped_at(whole):
            os.replace(whole, self._folder)

    def is_begun(self) -> bool:
        """Whether any part has been taken."""
        return any(disk.lies_at(f"{self.hold}/{part.name}") for part in self._intent.parts)

    def is_undoing(self) -> bool:
        """Whether the way back was already begun."""
        return moving.journal_of(Path(self._folder)) is not None

    def undo(self) -> None:
        """Put back what was taken, beside anything that has the name by now, and forget the claim."""
        folder, hold = Path(self._folder), Path(self.hold)
        names = [part.name for part in self._intent.parts if disk.exists(hold / part.name)]
        if names or self.is_undoing():
            moving.carry_beside(hold, names, self._intent.root, journal_in=folder)
        gone = folder.with_name(f"{GONE}{self._intent.token}")
        disk.rename_durably(folder, gone)
        self.forget(gone)

    def forget(self, folder: Path) -> None:
        """Remove the claim folder, by now named `folder`, and its dot-folder outside; neither holds a part any more."""
        disk.remove_tree(Path(self._outside))
        disk.remove_tree(folder)

    def forget_outside(self, whole: Path | str) -> None:
        """Remove the dot-folder outside, as the copies in `whole` are ours; `mount-missing` if its share is away."""
        if self._elsewhere is False or not disk.lies_at(f"{whole}/{ELSEWHERE}"):
            return
        note = Path(whole) / ELSEWHERE
        with disk.mapped(whole):
            is_begun = note.read_bytes() == _REMOVING
        if not is_begun:
            if not disk.lies_at(self._outside):
                raise self._away()
            disk.write_durably(note, _REMOVING)
        disk.remove_tree(Path(self._outside))
        disk.remove_tree(note)

    def _away(self) -> TransientError:
        folder = disk.printable(str(self._intent.root))
        detail = "the share that holds a half-claimed export is not mounted"
        return TransientError("mount-missing", detail, scope=Scope.ROUTE, facts={"folder": folder})

    def _is_elsewhere(self) -> bool:
        if self._elsewhere is None:
            self._elsewhere = disk.lies_at(f"{self._folder}/{ELSEWHERE}")
        return self._elsewhere

    def _take_one(self, part: Part, taken: str) -> None:
        source = f"{self._intent.root}/{part.name}"
        is_mark = self._intent.mark is not None and part is self._intent.parts[-1]
        try:
            if is_mark and not self._is_same(source, part):
                self._restore_mark(part)
                return
            if disk.rename_new(source, taken) is disk.Moved.ELSEWHERE:
                # The dot-folder comes before the note of it: a note without the folder means that the share is away.
                _make_outside(self._outside)
                disk.write_durably(Path(self._folder) / ELSEWHERE, b"")
                self._elsewhere = True
                taken = f"{self._outside}/{part.name}"
                disk.rename_new(source, taken)
        except GatewayError as error:
            if disk.lies_at(source):
                raise _locked(error, Path(source)) from error
            if not is_mark:
                raise TransientError("export-vanished", "the export was taken away before it was claimed") from error
            self._restore_mark(part)
            return
        if self._is_same(taken, part):
            return
        if not is_mark:
            raise _changed()
        if disk.rename_new(taken, source) is not disk.Moved.DONE:
            # A still newer mark has the name: whoever writes the marks has overwritten this one.
            disk.remove_tree(Path(taken))
        self._restore_mark(part)

    def _is_same(self, path: str, part: Part) -> bool:
        with disk.mapped_at(path):
            return intents.part_of(entries.look(path)) == part

    def _restore_mark(self, part: Part) -> None:
        path = Path(self.hold) / part.name
        disk.write_durably(path, self._intent.mark or b"")
        with disk.mapped(path.parent):
            os.utime(path, ns=(part.mtime_ns, part.mtime_ns))


def _make_outside(folder: str) -> None:
    with disk.mapped_at(folder), suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    disk.fsync_folder(Path(folder).parent)


def is_at_rest(whole: str) -> bool:
    """Whether nothing is left to do with the whole claim at `whole`: its source on a share is gone, and no part is on
    its way out. Raises as `disk.failure` says."""
    return not disk.lies_at(f"{whole}/{ELSEWHERE}") and not disk.lies_at(f"{whole}/{PARTS}/{moving.JOURNAL}")


def _changed() -> TransientError:
    return TransientError("export-changed", "the export changed while it was being claimed")


def _locked(error: GatewayError, source: Path) -> GatewayError:
    # A share answers EACCES where another program has the file open; where we may not write it is a real denial.
    number = error.facts.get("errno")
    movable = os.access(source.parent, os.W_OK | os.X_OK) and (not source.is_dir() or os.access(source, os.W_OK))
    if number in _BUSY or (number == "EACCES" and movable):
        return TransientError("export-locked", f"another program holds the export open ({number})")
    return error
