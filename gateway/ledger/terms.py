"""The part of the ledger that keeps terms: what passed of a case, and what was counted from it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import Delete, Insert, Row, Select, case, delete, func, select, update

from gateway.domain.deadlines import Note, Outcome, RunningTerm, TermKind
from gateway.domain.ids import TransferId, UnitCode
from gateway.domain.lifecycle import Event
from gateway.ledger import alerts
from gateway.ledger.alerts import Addressed
from gateway.ledger.change import Change, adding
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import listed, param, parts, rows, rows_among, value, write, write_many
from gateway.ledger.rows import storable
from gateway.ledger.schema import events
from gateway.ledger.schema_matters import matters
from gateway.ledger.schema_terms import bookmarks, terms
from gateway.ledger.term_cases import CASE_MAX, Case, in_company, kin, seen_of

EVENTS_AT_ONCE: Final = 2000
"""Events followed in one go."""
CASES_AT_ONCE: Final = 200
"""Cases whose terms are written in one commit, so that nobody waits long behind it."""
_TELLS_NOTHING: Final = frozenset({Event.SENT, Event.CUSTODY_RECEIPTED, Event.CONFIRMED})
"""Events after which no more and no less has passed of a case than before."""
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
            mark = value(connection, _mark, {"reader": reader}) or 0
            new = rows(connection, _events_after, {"mark": mark, "limit": EVENTS_AT_ONCE})
            moved = {transfer for _, transfer, what in new if what not in _TELLS_NOTHING}
            known = frozenset(TransferId(one) for (one,) in rows_among(connection, _known, "id", moved))
        return (new[-1][0] if new else None), known

    def cases(self, moved: Collection[TransferId]) -> Iterator[Case]:
        """Return each case to which one of `moved` belongs."""
        with self._doors.reading() as connection:
            left = in_company(connection, moved)
            alone = sorted(set(moved) - left)
            seen = {one.transfer: (one,) for part in parts(alone) for one in seen_of(connection, part)}
        for transfer in alone:
            yield Case(frozenset({transfer}), seen.get(transfer, ()))
        while left:
            with self._doors.reading() as connection:
                ids = kin(connection, left.pop())
                yield Case(frozenset(ids), tuple(seen_of(connection, ids)))
            left -= ids

    def keep(
        self, counted: Sequence[tuple[Case, Sequence[RunningTerm]]], now: float, *, reader: str, event: int
    ) -> None:
        """Put what was counted in each case in the place of the terms that its packages had begun, many cases in one
        commit; with the last of them the one bookmark moves on to `event`. May be repeated.

        What was alerted stays alerted, unless the term was put off since.
        """
        several = list(parts(counted, CASES_AT_ONCE)) or [[]]
        for some in several:
            is_last = some is several[-1]

            def work(change: Change, some: Any = some, is_last: bool = is_last) -> None:
                _replace(change, some, now)
                if is_last:
                    write(change.connection, _no_marks, {})
                    write(change.connection, _new_mark, {"reader": reader, "event_id": event})

            self._doors.change(work)

    def to_alert(self, now: float, limit: int) -> list[Known]:
        """Return the terms that have reached a level which was not alerted yet."""
        with self._doors.reading() as connection:
            query = select(*terms.c).where(terms.c.next_at <= now).order_by(terms.c.next_at).limit(limit)
            return [Known(_term(row), row.alerted) for row in connection.execute(query)]

    def next_at(self) -> float | None:
        """Return when the next term reaches a level (it may be past); None if none will."""
        with self._doors.reading() as connection:
            at: float | None = value(connection, _next, {})
            return at

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


def _replace(change: Change, counted: Sequence[tuple[Case, Sequence[RunningTerm]]], now: float) -> None:
    connection = change.connection
    its = [transfer for case, _ in counted for transfer in case.transfers]
    before = {(*key,): alerted for *key, alerted in rows_among(connection, _of, "id", its)}
    # Most cases had no term and have none: nothing is written for them.
    gone = [{"transfer": transfer} for transfer in {key[0] for key in before}]
    if gone:
        write_many(connection, _none_of, gone)
    now_counted = [_row(one, min(before.get(one.key, 0), level(one, now))) for _, found in counted for one in found]
    if now_counted:
        write_many(connection, _new, now_counted)


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


# -- the questions, see prepared.py ------------------------------------------------------------------------------------


def _mark() -> Select[int]:
    return select(bookmarks.c.event_id).where(bookmarks.c.reader == param("reader"))


def _no_marks() -> Delete:
    return delete(bookmarks)


def _new_mark() -> Insert:
    return adding(bookmarks, ("reader", "event_id"))


def _events_after() -> Select[int, TransferId, str]:
    e = events.c
    return select(e.id, e.transfer_id, e.what).where(e.id > param("mark")).order_by(e.id).limit(param("limit"))


def _known(length: int) -> Select[TransferId]:
    return select(matters.c.transfer_id).where(matters.c.transfer_id.in_(listed("id", length)))


def _of(length: int) -> Select[*tuple[Any, ...]]:
    c = terms.c
    return select(c.transfer_id, c.flow, c.deadline, c.position, c.alerted).where(
        c.transfer_id.in_(listed("id", length))
    )


def _none_of() -> Delete:
    return delete(terms).where(terms.c.transfer_id == param("transfer"))


def _new() -> Insert:
    return adding(terms, [column.name for column in terms.c])


def _next() -> Select[float | None]:
    return select(func.min(terms.c.next_at))
