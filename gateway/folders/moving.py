"""Moving entries out of a private folder into one that others see: in order, never overwriting, safe to repeat.

A journal, durable before the first rename, says what goes where. Once it stands, an entry that is no longer in its
origin has arrived, even if whoever reads the target folder has taken it away since. On another filesystem everything is
first copied into one dot-folder inside the target folder; that is the origin from then on, so the renames stay atomic.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
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
    journal = journal_of(private)
    if journal is None:
        journal = _begin(private, moves, folder, copy=disk.device(private) != disk.device(folder), adopt=adopt)
    stuck, outcome = _finish(journal)
    if outcome is disk.Moved.ELSEWHERE:
        # Bind mounts: one device number, and yet a rename between them is refused. Nothing has moved so far.
        stuck, outcome = _finish(_begin(private, moves, folder, copy=True, adopt=adopt))
    if stuck is None:
        if journal.origin == private:
            disk.fsync_folder(private)
        for origin in {journal.origin, _halfway(private, journal.folder)} - {private}:
            disk.remove_tree(origin)
    return stuck


def carry_beside(private: Path, names: Sequence[str], folder: Path, *, adopt: bool) -> tuple[Path, ...]:
    """Like `carry`, but a group whose names are taken gets free ones (`a.zip`, `a.ok` become `a~2.zip`, `a~2.ok`).

    Returns the paths the entries got. Repeatable after a crash.
    """
    moves = free_moves(folder, names)
    while carry(private, moves, folder, adopt=adopt) is not None:
        journal = journal_of(private)
        if journal is None:
            raise PermanentError("note-damaged", "a move lost its journal", facts={"folder": str(private)})
        again = {move.name: move for move in free_moves(folder, [move.name for move in journal.owed()])}
        moves = [again.get(move.name, move) for move in journal.moves]
        _write(private, replace(journal, moves=tuple(moves)))
    done = journal_of(private)
    return tuple(folder / move.target for move in (done.moves if done else moves))


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


def _begin(private: Path, moves: Sequence[Move], folder: Path, *, copy: bool, adopt: bool) -> Journal:
    origin = private
    if copy:
        origin = _halfway(private, folder)
        disk.remove_tree(origin)
        with disk.mapped(folder):
            # Not its parents: a folder whose share has gone is never made anew.
            origin.mkdir(mode=0o700)
        try:
            for move in moves:
                copying.copy_durably(private / move.name, origin / move.name)
        except GatewayError:
            with suppress(GatewayError):  # half a copy keeps room from whatever would still fit there
                disk.remove_tree(origin)
            raise
    if copy or adopt:
        with disk.mapped(folder):
            model = folder.stat()
        for move in moves:
            sharing.adopt_access(origin / move.name, model)
    for move in moves:
        trees.fsync_tree(origin / move.name)
    disk.fsync_folder(origin)
    journal = Journal(origin, folder, tuple(moves))
    _write(private, journal)
    return journal


def _finish(journal: Journal) -> tuple[Move | None, disk.Moved]:
    for move in journal.owed():
        if move is journal.moves[-1] and len(journal.moves) > 1:
            # A completion mark must never be on the disk before what it vouches for.
            disk.fsync_folder(journal.folder)
        outcome = disk.rename_new(journal.origin / move.name, journal.folder / move.target)
        if outcome is not disk.Moved.DONE:
            return move, outcome
    disk.fsync_folder(journal.folder)
    return None, disk.Moved.DONE


def _write(private: Path, journal: Journal) -> None:
    rows = [{"name": move.name, "target": move.target} for move in journal.moves]
    note = notes.encode({"origin": str(journal.origin), "folder": str(journal.folder), "moves": rows})
    disk.write_durably(private / JOURNAL, note)


def _halfway(private: Path, folder: Path) -> Path:
    # From the private path, so that a repetition after a crash finds and replaces what it left.
    return folder / f"{disk.TEMP_PREFIX}{hashlib.sha256(os.fsencode(private)).hexdigest()[:32]}"
