"""What may be counted: exchanges by one property and their outcome, how long they took, and how good exports were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode
from gateway.domain.sources import SourceId
from gateway.ledger.doors import Doors
from gateway.ledger.schema import WHOLE, attempts, receipts, transfers
from gateway.ledger.schema_matters import matters
from gateway.ledger.schema_sources import looks
from gateway.ledger.schema_statistics import FAILED, REFUSING
from gateway.ledger.source_rows import read_codes

_STEPS: Final = ((30, 0.1), (600, 1.0), (10_800, 30.0), (345_600, 600.0))
"""Durations below so many seconds are told apart by so many: a few hundred steps, none coarser than a twentieth."""
_COARSE: Final = 21_600.0
DAY: Final = 86_400


class By(StrEnum):
    """By what exchanges are counted."""

    FLOW = "flow"
    UNIT = "unit"
    LINK = "link"
    DIRECTION = "direction"
    DAY = "day"
    CHARGE = "charge"
    SOURCE = "source"
    OUTCOME = "outcome"


class Outcome(StrEnum):
    """What has become of an exchange."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    HELD = "held"
    DUPLICATE = "duplicate"
    UNDER_WAY = "under-way"
    CLOSED = "closed"  # by a person, without an answer


@dataclass(frozen=True, slots=True)
class Offset:
    """From `since` on (seconds since 1970 UTC) local time is so many seconds ahead of UTC."""

    since: float
    seconds: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which exchanges are counted; what is left out matches all. since, until: of the finding, seconds since 1970 UTC.
    zone: how local days lie, ascending; empty for UTC."""

    since: float | None = None
    until: float | None = None
    flow: str = ""
    unit: UnitCode | None = None
    link: LinkName | None = None
    direction: Direction | None = None
    zone: tuple[Offset, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """How many exchanges of one group have come to one outcome, and their bytes."""

    key: str
    outcome: Outcome
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Took:
    """How often something took about so many seconds."""

    key: str
    seconds: float
    count: int
    most: float
    """The longest of these, exactly."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of every group. retries: failed attempts. delivery: from found to delivered; of what we sent, to the
    receipt in our hands. receipt: from the delivery, by the recipient's clock, to its receipt in our hands."""

    cells: tuple[Cell, ...]
    retries: Mapping[str, int]
    delivery: tuple[Took, ...]
    receipt: tuple[Took, ...]


@dataclass(slots=True)
class Quality:
    """What was seen in the exports of one source. verdicts: exports by verdict; codes: `verdict:CODE` -> findings;
    asked, filled: values; late: exports that were written long before they were read, of `dated` that say when."""

    exports: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    filled: int = 0
    dated: int = 0
    late: int = 0


class StatisticsBook:
    """Errors and threads as the ledger's own methods. Nothing here names a person, a case or an export."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def count(self, by: By, scope: Scope) -> Counted:
        """Return the figures of `scope` by `by`; one moment of the ledger, in memory that does not grow with it."""
        with self._doors.reading() as connection:
            return Counted(
                tuple(
                    Cell(str(key), Outcome(outcome), count, size or 0)
                    for key, outcome, count, size in connection.execute(cells(by, scope))
                ),
                {str(key): count for key, count in connection.execute(retries(by, scope))},
                _took(connection, delivery(by, scope)),
                _took(connection, receipt(by, scope)),
            )

    def bounds(self, scope: Scope) -> tuple[float, float] | None:
        """Return when the first and the last of what is counted was found; None if nothing is."""
        t = transfers.c
        query = select(func.min(t.found_at), func.max(t.found_at)).where(*_within(scope))
        with self._doors.reading() as connection:
            first, last = connection.execute(query).one()
        return None if first is None else (first, last)

    def quality(self, since: float, until: float, late: float) -> dict[SourceId, Quality]:
        """Return what was seen in exports that were read from `since` on and before `until`, by source.

        late: seconds from writing to reading from which an export counts as late.
        """
        c = looks.c
        is_late = case((c.at - c.dated > late, 1), else_=0)
        query = (
            select(c.source, c.verdict, c.codes, *map(func.sum, (c.asked, c.filled, is_late)))
            .add_columns(func.count(c.dated), func.count())
            .where(c.at >= since, c.at < until)
            .group_by(c.source, c.verdict, c.codes)
        )
        found: dict[SourceId, Quality] = {}
        with self._doors.reading() as connection:
            for source, verdict, codes, asked, filled, late_ones, dated, count in connection.execute(query):
                one = found.setdefault(SourceId(source), Quality())
                one.exports += count
                one.verdicts[verdict] = one.verdicts.get(verdict, 0) + count
                for code, times in read_codes(codes).items():
                    one.codes[code] = one.codes.get(code, 0) + times * count
                one.asked += asked
                one.filled += filled
                one.dated += dated
                one.late += late_ones
        return found


def cells(by: By, scope: Scope) -> Select[*tuple[Any, ...]]:
    """Select group, outcome, number and bytes."""
    of, key = _grouped(by, scope)
    outcome = _outcome()
    query = select(key, outcome, func.count(), func.sum(transfers.c.size)).select_from(of).where(*_within(scope))
    return query.group_by(key, outcome)


def retries(by: By, scope: Scope) -> Select[*tuple[Any, ...]]:
    """Select group and failed attempts."""
    of, key = _grouped(by, scope)
    of = of.join(attempts, and_(attempts.c.transfer_id == transfers.c.id, FAILED))
    return select(key, func.count()).select_from(of).where(*_within(scope)).group_by(key)


def delivery(by: By, scope: Scope) -> Select[*tuple[Any, ...]]:
    """Select group, seconds from found to delivered in steps, how often, and the longest."""
    of, key = _grouped(by, scope)
    took = transfers.c.settled_at - transfers.c.found_at
    step = _step(took)
    query = select(key, step, func.count(), func.max(took)).select_from(of).where(*_within(scope), *_arrived())
    return query.group_by(key, step)


def receipt(by: By, scope: Scope) -> Select[*tuple[Any, ...]]:
    """Select group, seconds from a delivery there to its receipt here in steps, how often, and the longest."""
    of, key = _grouped(by, scope)
    r = receipts.c
    is_about = and_(r.transfer_id == transfers.c.id, r.code == ReceiptCode.DELIVERED)
    took = case((r.at > r.issued_at, r.at - r.issued_at), else_=literal(0.0))
    step = _step(took)
    query = select(key, step, func.count(), func.max(took)).select_from(of.join(receipts, is_about))
    return query.where(*_within(scope), transfers.c.direction == Direction.OUTBOUND).group_by(key, step)


def _took(connection: Connection, query: Select[*tuple[Any, ...]]) -> tuple[Took, ...]:
    found = connection.execute(query)
    return tuple(Took(str(key), float(seconds), count, most) for key, seconds, count, most in found)


def _grouped(by: By, scope: Scope) -> tuple[FromClause, ColumnElement[Any]]:
    """Return the rows that are counted and the column by which."""
    t = transfers.c
    if by is By.CHARGE:
        of = transfers.outerjoin(matters, matters.c.transfer_id == t.id)
        return of, func.coalesce(matters.c.chapters, "")
    if by is By.SOURCE:
        return transfers.join(looks, looks.c.transfer_id == t.id), looks.c.source
    keys: Mapping[By, ColumnElement[Any]] = {
        # Not the bare column: walking its index would fetch every row from another page.
        By.FLOW: func.coalesce(t.flow, ""),
        By.UNIT: func.coalesce(t.peer, ""),
        By.LINK: func.coalesce(t.link, ""),
        By.DIRECTION: func.coalesce(t.direction, ""),
        By.DAY: _day(scope.zone),
        By.OUTCOME: _outcome(),
    }
    return transfers, keys[by]


def _day(zone: Sequence[Offset]) -> ColumnElement[int]:
    """Return the number of the local day since 1970-01-01."""
    at = transfers.c.found_at
    ahead: ColumnElement[Any] = literal(zone[0].seconds if zone else 0)
    if len(zone) > 1:
        after = sorted(zone[1:], key=lambda one: -one.since)
        ahead = case(*((at >= one.since, one.seconds) for one in after), else_=zone[0].seconds)
    return cast((at + ahead) / DAY, WHOLE)


def _step(seconds: ColumnElement[float]) -> ColumnElement[float]:
    """Return a duration cut to a step of `_STEPS`."""
    return case(
        *((seconds < below, cast(seconds / by, WHOLE) * by) for below, by in _STEPS),
        else_=cast(seconds / _COARSE, WHOLE) * _COARSE,
    )


def _within(scope: Scope) -> list[ColumnElement[bool]]:
    t = transfers.c
    tests: list[ColumnElement[bool]] = []
    if scope.since is not None:
        tests.append(t.found_at >= scope.since)
    if scope.until is not None:
        tests.append(t.found_at < scope.until)
    equal = {"flow": scope.flow, "peer": scope.unit, "link": scope.link, "direction": scope.direction}
    return tests + [t[name] == value for name, value in equal.items() if value]


def _arrived() -> tuple[ColumnElement[bool], ...]:
    return (transfers.c.settled_at.is_not(None), _outcome() == Outcome.DELIVERED)


def _outcome() -> ColumnElement[str]:
    """Return what has become of a transfer. One that retention has closed is what it was before: an export without a
    bundle was a repetition or went back, and a refusal has its receipt."""
    t = transfers.c
    is_closed = and_(t.state == State.CLOSED, t.settled_at.is_not(None))
    unsent = and_(is_closed, t.direction == Direction.OUTBOUND, t.bundle_id.is_(None))
    refused = t.id.in_(select(receipts.c.transfer_id).where(REFUSING))
    return case(
        (or_(t.state == State.DUPLICATE, and_(unsent, t.earlier.is_not(None))), Outcome.DUPLICATE.value),
        (or_(t.state.in_((State.REFUSED, State.REJECTED, State.DISMISSED)), unsent), Outcome.REFUSED.value),
        (and_(is_closed, refused), Outcome.REFUSED.value),
        (or_(is_closed, t.state.in_(_ARRIVED)), Outcome.DELIVERED.value),
        (t.state == State.CLOSED, Outcome.CLOSED.value),
        (or_(t.hold_code.is_not(None), t.state == State.QUARANTINED), Outcome.HELD.value),
        else_=Outcome.UNDER_WAY.value,
    )


_ARRIVED: Final = (State.DELIVERED, State.CONFIRMED, State.COLLECTED, State.SETTLED)
