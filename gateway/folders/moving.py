"""Moving entries out of a private folder into one that others see: in order, never overwriting, safe to repeat.

A journal, durable before the first rename, says what goes where. Once it stands, an entry that is no longer in its
origin has arrived, even if whoever reads the target folder has taken it away since. On another filesystem everything is
first copied into one dot-folder inside the target folder; that is the origin from then on, so the renames stay atomic.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.domain.errors import GatewayError, PermanentError
from gateway.folders import copying, disk, notes, sharing, trees

JOURNAL = f"{disk.TEMP_PREFIX}move.json"

_VARIANTS = 10_000
"""How many exports of one name may lie side by side before a person must tidy up."""


@dataclass(frozen=True, slots=True)
class Move:
    """One entry of the private folder and the name it gets in the target folder."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Journal:
    """What was decided before the first rename. `origin`: where the entries wait, the private or the dot-folder."""

    origin: Path
    folder: Path
    moves: tuple[Move, ...]

    def owed(self) -> list[Move]:
        """Return the moves whose entry is still at its origin."""
        return [move for move in self.moves if disk.exists(self.origin / move.name)]


def journal_of(private: Path) -> Journal | None:
    """Return the journal in `private`, None if no move was begun there; `note-damaged` if it cannot be read."""
    path = private / JOURNAL
    note = notes.read(path) if disk.exists(path) else None
    if note is None:
        return None
    moves = tuple(Move(row.text("name"), row.text("target")) for row in note.rows("moves"))
    return Journal(Path(note.text("origin")), Path(note.text("folder")), moves)


def carry(private: Path, moves: Sequence[Move], folder: Path, *, adopt: bool) -> Move | None:
    """Move the entries of `private` into `folder` in order; None once all are there and durable.

    A move whose name is taken is returned: it and those after it stay, and nothing is overwritten. After a crash, call
    again: a journal that already stands decides, not `moves`. adopt: give the entries the access rights of `folder`
    (always done for copies). Raises as `disk.failure` says.
    """
    begun = journal_of(private)
    return _carried(_Way(private, private, folder if begun is None else begun.folder), moves, adopt=adopt)


def carry_beside(
    private: Path, names: Sequence[str], folder: Path, *, is_own: bool = False, journal_in: Path | None = None
) -> tuple[Path, ...]:
    """Like `carry`, but a group whose names are taken gets free ones (`a.zip`, `a.ok` become `a~2.zip`, `a~2.ok`).

    is_own:     `folder` is one that we keep where others write: no link is followed to it, see `sharing.opened_own`.
    journal_in: where the journal stands, if others can exchange `private`: what it says is done with our rights.
    Returns the paths the entries got. Repeatable after a crash.
    """
    home = journal_in or private
    begun = journal_of(home)
    way = _Way(private, home, folder if begun is None else begun.folder, is_own=is_own)
    moves = _free(way, names)
    while _carried(way, moves, adopt=False) is not None:
        journal = journal_of(home)
        if journal is None:
            raise PermanentError("note-damaged", "a move lost its journal", facts={"folder": str(home)})
        again = {move.name: move for move in _free(way, [move.name for move in journal.owed()])}
        moves = [again.get(move.name, move) for move in journal.moves]
        _write(home, replace(journal, moves=tuple(moves)))
    done = journal_of(home)
    return tuple(way.folder / move.target for move in (done.moves if done else moves))


@dataclass(frozen=True, slots=True)
class _Way:
    """From where to where entries are carried; `home` has the journal."""

    private: Path
    home: Path
    folder: Path
    is_own: bool = False

    def reached(self) -> AbstractContextManager[Path]:
        """Give the path by which the target folder is reached."""
        return sharing.anchored(self.folder) if self.is_own else nullcontext(self.folder)

    @property
    def halfway(self) -> Path:
        """The dot-folder of copies in the target folder; its name follows from ours, so that a repetition after a crash
        finds and replaces what it left."""
        return self.folder / f"{disk.TEMP_PREFIX}{hashlib.sha256(os.fsencode(self.private)).hexdigest()[:32]}"


def _carried(way: _Way, moves: Sequence[Move], *, adopt: bool) -> Move | None:
    with way.reached() as target:
        journal = journal_of(way.home)
        if journal is None:
            copy = disk.device(way.private) != disk.device(target)
            journal = _begin(way, moves, target, copy=copy, adopt=adopt)
        stuck, outcome = _finish(journal, target)
        if outcome is disk.Moved.ELSEWHERE:
            # Bind mounts: one device number, and yet a rename between them is refused. Nothing has moved so far.
            stuck, outcome = _finish(_begin(way, moves, target, copy=True, adopt=adopt), target)
        if stuck is None:
            if journal.origin == way.private:
                disk.fsync_folder(way.private)
            for origin in {journal.origin, way.halfway} - {way.private}:
                disk.remove_tree(_reached(origin, way.folder, target))
        return stuck


def _free(way: _Way, names: Sequence[str]) -> list[Move]:
    with way.reached() as target:
        return free_moves(target, names)


def _reached(origin: Path, folder: Path, target: Path) -> Path:
    """Return by which path `origin` is reached where `folder` is reached by `target`."""
    return target / origin.name if origin.parent == folder else origin


def free_moves(folder: Path, names: Sequence[str]) -> list[Move]:
    """Return moves of `names` to names free in `folder`; the variant `~n` is the same for all, before the first dot."""
    for number in range(1, _VARIANTS):
        moves = [Move(name, variant(name, number)) for name in names]
        if not any(disk.exists(folder / move.target) for move in moves):
            return moves
    raise PermanentError(
        "name-taken-inbound", "too many entries of one name", facts={"folder": disk.printable(str(folder))}
    )


def variant(name: str, number: int) -> str:
    """Return the `number`-th name for `name`: 1 is the name itself, then `stem~2.ending` with every ending kept."""
    if number == 1:
        return name
    stem, dot, ending = name.partition(".")
    return f"{stem}~{number}{dot}{ending}"


def _begin(way: _Way, moves: Sequence[Move], target: Path, *, copy: bool, adopt: bool) -> Journal:
    origin = way.halfway if copy else way.private
    place = _reached(origin, way.folder, target)
    if copy:
        disk.remove_tree(place)
        with disk.mapped(target):
            # Not its parents: a folder whose share has gone is never made anew.
            place.mkdir(mode=0o700)
    # Whoever owns the target folder may exchange any folder in it.
    with sharing.anchored(place) as waiting:
        if copy:
            try:
                with sharing.anchored(way.private) as private:
                    for move in moves:
                        copying.copy_durably(private / move.name, waiting / move.name)
            except GatewayError:
                with suppress(GatewayError):  # half a copy keeps room from whatever would still fit there
                    disk.remove_tree(place)
                raise
        if copy or adopt:
            with disk.mapped(target):
                model = target.stat()
            for move in moves:
                sharing.adopt_access(waiting / move.name, model)
        for move in moves:
            trees.fsync_tree(waiting / move.name)
        disk.fsync_folder(waiting)
    journal = Journal(origin, way.folder, tuple(moves))
    _write(way.home, journal)
    return journal


def _finish(journal: Journal, target: Path) -> tuple[Move | None, disk.Moved]:
    place = _reached(journal.origin, journal.folder, target)
    # Without it nothing is owed: all had arrived, and it was removed.
    with sharing.anchored(place) if disk.exists(place) else nullcontext(place) as origin:
        for move in journal.moves:
            if not disk.exists(origin / move.name):
                continue
            if move is journal.moves[-1] and len(journal.moves) > 1:
                # A completion mark must never be on the disk before what it vouches for.
                disk.fsync_folder(target)
            outcome = disk.rename_new(origin / move.name, target / move.target)
            if outcome is not disk.Moved.DONE:
                return move, outcome
    disk.fsync_folder(target)
    return None, disk.Moved.DONE


def _write(home: Path, journal: Journal) -> None:
    rows = [{"name": move.name, "target": move.target} for move in journal.moves]
    note = notes.encode({"origin": str(journal.origin), "folder": str(journal.folder), "moves": rows})
    disk.write_durably(home / JOURNAL, note)
