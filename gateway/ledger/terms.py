"""The part of the ledger that keeps terms: what passed of a case, and what was counted from it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import (
    Row,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from gateway.domain.deadlines import Note, Outcome, RunningTerm, SeenPackage, TermKind
from gateway.domain.ids import TransferId, UnitCode
from gateway.ledger import alerts
from gateway.ledger.alerts import Addressed
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import parts
from gateway.ledger.rows import storable
from gateway.ledger.schema import events
from gateway.ledger.schema_matters import matters
from gateway.ledger.schema_terms import bookmarks, terms
from gateway.ledger.term_cases import CASE_MAX, kin, seen_of

EVENTS_AT_ONCE: Final = 2000
"""Events followed in one go."""
_COLUMNS: Final = tuple(one.name for one in fields(RunningTerm))


@dataclass(frozen=True, slots=True)
class Known:
    """A term as the ledger has it, and the level that was alerted last (0 none, 1 amber, 2 red, 3 overdue)."""

    term: RunningTerm
    alerted: int


@dataclass(frozen=True, slots=True)
class TermFilter:
    """What an operator looks for; a field left out matches all. Times are seconds since 1970 UTC."""

    peer: UnitCode | None = None
    flow: str = ""
    case_no: str = ""
    transfers: Collection[TransferId] | None = None
    running: bool = True
    """Only what nothing has ended and can be counted."""
    stages: bool = True
    """Terms of a stage too, which are shown and never alerted."""


class TermBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def news(self, reader: str) -> tuple[int | None, frozenset[TransferId]]:
        """Return up to which event the ledger was read now (None: nothing is new), and what moved since the
        bookmark of `reader`: who counts by other rules has another name, and begins at the beginning."""
        with self._doors.reading() as connection:
            mark = connection.execute(select(bookmarks.c.event_id).where(bookmarks.c.reader == reader)).scalar() or 0
            query = select(events.c.id, events.c.transfer_id).where(events.c.id > mark)
            rows = connection.execute(query.order_by(events.c.id).limit(EVENTS_AT_ONCE)).all()
            moved = {row.transfer_id for row in rows}
            found: set[TransferId] = set()
            for part in parts(moved):
                of = select(matters.c.transfer_id).where(matters.c.transfer_id.in_(part))
                found.update(TransferId(one) for one in connection.execute(of).scalars())
        return (rows[-1].id if rows else None), frozenset(found)

    def cases(self, moved: Collection[TransferId]) -> Iterator[tuple[SeenPackage, ...]]:
        """Return everything that passed of each case to which one of `moved` belongs, oldest first."""
        left = set(moved)
        while left:
            with self._doors.reading() as connection:
                ids = kin(connection, left.pop())
                yield tuple(seen_of(connection, ids))
            left -= ids

    def keep(self, seen: Sequence[SeenPackage], found: Sequence[RunningTerm], now: float) -> None:
        """Put `found` in the place of the terms that packages of `seen` had begun; may be repeated.

        What was alerted stays alerted, unless the term was put off since.
        """

        def work(change: Change) -> None:
            its = [one.transfer for one in seen]
            before: dict[tuple[Any, ...], int] = {}
            for part in parts(its):
                rows = change.connection.execute(select(*terms.c).where(terms.c.transfer_id.in_(part)))
                before |= {(r.transfer_id, r.flow, r.deadline, r.position): r.alerted for r in rows}
                change.connection.execute(delete(terms).where(terms.c.transfer_id.in_(part)))
            rows_now = [_row(one, min(before.get(one.key, 0), level(one, now))) for one in found]
            if rows_now:
                change.connection.execute(insert(terms), rows_now)

        self._doors.change(work)

    def read_up_to(self, reader: str, event: int) -> None:
        """Move the one bookmark on; what was counted up to there is kept."""

        def work(change: Change) -> None:
            change.connection.execute(delete(bookmarks))
            change.connection.execute(insert(bookmarks), {"reader": reader, "event_id": event})

        self._doors.change(work)

    def to_alert(self, now: float, limit: int) -> list[Known]:
        """Return the terms that have reached a level which was not alerted yet."""
        query = select(*terms.c).where(terms.c.next_at <= now).order_by(terms.c.next_at).limit(limit)
        with self._doors.reading() as connection:
            return [Known(_term(row), row.alerted) for row in connection.execute(query)]

    def next_at(self) -> float | None:
        """Return when the next term reaches a level (it may be past); None if none will."""
        with self._doors.reading() as connection:
            return connection.execute(select(func.min(terms.c.next_at))).scalar()

    def alerted(self, found: Sequence[tuple[RunningTerm, int, Addressed]]) -> int:
        """Record terms as alerted at a level together with their alerts, in one commit; return how many were new."""

        def work(change: Change) -> int:
            number = 0
            for term, reached, alert in found:
                its = update(terms).where(*(terms.c[name] == value for name, value in _named(term)))
                change.connection.execute(its.values(alerted=reached, next_at=_next_at(term, reached)))
                number += alerts.record(change, alert)
            return number

        return self._doors.change(work)

    def search(self, wanted: TermFilter, limit: int) -> list[Known]:
        """Return what the filter lets through, what ends first first."""
        c = terms.c
        query = select(*c)
        if wanted.running:
            query = query.where(c.outcome == Outcome.RUNNING, c.due_at.is_not(None))
        if not wanted.stages:
            query = query.where(c.kind != TermKind.STAGE)
        if wanted.peer is not None:
            query = query.where(c.peer == wanted.peer)
        if wanted.flow:
            query = query.where(c.flow == wanted.flow)
        if wanted.case_no:
            query = query.where(c.case_no == wanted.case_no)
        if wanted.transfers is not None:
            query = query.where(c.transfer_id.in_(list(wanted.transfers)[:CASE_MAX]))
        query = query.order_by(c.due_at.is_(None), c.due_at, c.transfer_id, c.position, c.deadline).limit(limit)
        with self._doors.reading() as connection:
            return [Known(_term(row), row.alerted) for row in connection.execute(query)]

    def counts(self, now: float) -> Mapping[int, int]:
        """Return by level (1 amber, 2 red, 3 overdue) how many running terms stand there; those of a stage left out."""
        c = terms.c
        running = (c.outcome == Outcome.RUNNING, c.due_at.is_not(None), c.kind != TermKind.STAGE)
        reached = case((c.overdue_at <= now, 3), (c.red_at <= now, 2), (c.amber_at <= now, 1), else_=0)
        query = select(reached, func.count()).where(*running).group_by(reached)
        with self._doors.reading() as connection:
            found = {number: count for number, count in connection.execute(query) if number}
        return {1: 0, 2: 0, 3: 0} | found


def level(term: RunningTerm, now: float) -> int:
    """Return how near a term is at `now`: 0 not, 1 amber, 2 red, 3 overdue; 0 where it cannot be counted."""
    marks = ((3, term.overdue_at), (2, term.red_at), (1, term.amber_at))
    return next((number for number, at in marks if at is not None and at <= now), 0)


def _next_at(term: RunningTerm, alerted: int) -> float | None:
    """Return when a running term reaches the next level that is worth telling."""
    if term.outcome is not Outcome.RUNNING or term.kind is TermKind.STAGE:
        return None
    marks = ((1, term.amber_at), (2, term.red_at), (3, term.overdue_at))
    return min((at for number, at in marks if at is not None and number > alerted), default=None)


def _named(term: RunningTerm) -> tuple[tuple[str, Any], ...]:
    return tuple(zip(("transfer_id", "flow", "deadline", "position"), term.key, strict=True))


def _row(term: RunningTerm, alerted: int) -> dict[str, Any]:
    row = {name: getattr(term, name) for name in _COLUMNS if name != "transfer"}
    return {
        **row,
        "transfer_id": term.transfer,
        "is_ours": int(term.is_ours),
        "shown": storable(term.shown),
        "notes": " ".join(term.notes),
        "alerted": alerted,
        "next_at": _next_at(term, alerted),
    }


def _term(row: Row[*tuple[Any, ...]]) -> RunningTerm:
    values = {name: getattr(row, name) for name in _COLUMNS if name != "transfer"}
    values |= {
        "kind": TermKind(row.kind),
        "is_ours": bool(row.is_ours),
        "peer": UnitCode(row.peer),
        "outcome": Outcome(row.outcome),
        "ended_by": None if row.ended_by is None else TransferId(row.ended_by),
        "notes": tuple(map(Note, row.notes.split())),
    }
    return RunningTerm(transfer=TransferId(row.transfer_id), **values)
