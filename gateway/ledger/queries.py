"""What may be asked of the ledger: the selects behind the workers' and the operators' questions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, Select, Subquery, and_, case, func, or_, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from gateway.domain.ids import BundleId, ClaimToken, LinkName, TransferId, UnitCode
from gateway.domain.lanes import LARGE_LANES
from gateway.domain.lifecycle import Direction, State, ends
from gateway.domain.records import Transfer
from gateway.ledger import state_counts
from gateway.ledger.ordering import Orders, its_turn
from gateway.ledger.owing import OWED
from gateway.ledger.prepared import Param
from gateway.ledger.rows import select_transfers, to_transfer
from gateway.ledger.schema import FAILING, OWING, RELAYED, UNCLOSED, transfers
from gateway.ledger.schema_matters import matter_numbers
from gateway.standard.casenumbers import normal_number

TransferQuery = Select[*tuple[Any, ...]]
Link = LinkName | Param
Moment = float | Param
"""A value, or the place of one in a statement that is kept; so with every `Param` below."""

_HIGHEST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)

AWAITING: Final = frozenset({State.SENT, State.IN_CUSTODY, State.FORWARDED})
"""States that wait for a receipt of somebody else."""
_OWED_IN: Final = frozenset(state for states in OWED.values() for state in states)
_OWED_AS: Final = tuple(f"{way} {state}" for way, states in OWED.items() for state in states)
_SENT_AGAIN: Final = (State.SENT, State.FORWARDED)
"""Those of them that are sent again; what a hub holds is not, however late its recipient's receipt is."""
NO_ORDERS: Final[Orders] = MappingProxyType({})
"""No route keeps an order."""


@dataclass(frozen=True, slots=True)
class TransferFilter:
    """What an operator looks for; a field left out matches all. Times are seconds since 1970 UTC, of the finding."""

    case: str = ""
    """The beginning of a case number, of any scheme."""
    exact: bool = False
    """`case` is the whole case number."""
    flow: str = ""
    peer: UnitCode | None = None
    link: LinkName | None = None
    direction: Direction | None = None
    state: State | None = None
    held: bool | None = None
    failing: bool | None = None
    """Its last attempt failed."""
    since: float | None = None
    until: float | None = None
    text: str = ""
    """The beginning of an export name or of a bundle id."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The ledger at a glance."""

    by_state: Mapping[tuple[Direction, State], int]
    held: int
    waiting_since: Mapping[LinkName, float]
    """link -> when the oldest transfer that still owes something on it was found (seconds since 1970 UTC)."""
    waiting: Mapping[tuple[LinkName, Direction], int]
    """(link, direction) -> how many transfers still owe something on it."""
    large: Mapping[tuple[LinkName, Direction], int]
    """(link, direction) -> how many of these are large."""


def due(
    states: Collection[State],
    now: Moment,
    *,
    link: Link | None,
    direction: Direction | None,
    limit: int | Param,
    orders: Orders = NO_ORDERS,
    closed: Collection[UnitCode] = (),
    large: bool | None = None,
) -> TransferQuery:
    """Select the transfers whose effect may be tried now and whose turn it is, the one owed for longest first; on one
    link the most urgent first, the small ones before the large."""
    c = transfers.c
    query = select_transfers().where(*_owing(states, direction), *_turn(orders))
    query = query.where(*_not_to(closed))
    if link is None:
        query = query.where(c.next_attempt_at <= now, *_of_size(large)).order_by(c.next_attempt_at, c.id)
    else:
        # What has a link has its turn, and only by that does an index say which lane comes first. The sum keeps a
        # database from walking by time instead, and then sorting all that waits.
        query = query.where(c.turn == link, *_of_size(large), c.next_attempt_at + 0 <= now)
        query = query.order_by(c.lane, c.next_attempt_at, c.id)
    return query.limit(limit)


def next_due_at(
    states: Collection[State],
    *,
    link: Link | None,
    direction: Direction | None,
    orders: Orders = NO_ORDERS,
    large: bool | None = None,
) -> Select[float | None]:
    """Select when the next effect may be tried; what waits for another's receipt has no such time."""
    its = _owing(states, direction) if link is None else (*_owing(states, direction), transfers.c.link == link)
    return select(func.min(transfers.c.next_attempt_at)).where(*its, *_turn(orders), *_of_size(large))


def owed_bytes(state: State, above: int) -> Select[int]:
    """Select the bytes of the transfers in `state` that are larger than `above` and are not held."""
    c = transfers.c
    return select(func.coalesce(func.sum(c.size), 0)).where(*_owing([state], None), c.size > above)


def overdue(
    now: Moment, *, link: Link | None, limit: int | Param, large: bool | None = None, closed: Collection[UnitCode] = ()
) -> TransferQuery:
    """Select the transfers whose receipt should have come by now, the longest overdue first."""
    c = transfers.c
    return (
        select_transfers()
        .where(*_awaiting(link), c.receipt_due_at <= now, c.next_attempt_at <= now, *_of_size(large), *_not_to(closed))
        .order_by(c.receipt_due_at, c.id)
        .limit(limit)
    )


def next_receipt_due_at(now: Moment, *, link: Link | None, large: bool | None = None) -> Select[float | None]:
    """Select when the next receipt should have come, or what is overdue by `now` may be sent again.

    Of what is due later the first in each state is looked at alone: a hundred thousand may wait for their receipts.
    """
    c = transfers.c
    later = case((c.next_attempt_at > c.receipt_due_at, c.next_attempt_at), else_=c.receipt_due_at)
    past = select(func.min(later).label("at")).where(*_awaiting(link), c.receipt_due_at <= now, *_of_size(large))
    ahead = (
        select(func.min(c.receipt_due_at)).where(*_awaiting(link, [state]), c.receipt_due_at > now, *_of_size(large))
        for state in _SENT_AGAIN
    )
    times = union_all(past, *ahead).subquery()
    return select(func.min(times.c.at))


def unconfirmed(link: LinkName | None, limit: int) -> TransferQuery:
    """Select what was sent and expects no receipt, the longest unconfirmed first."""
    c = transfers.c
    tests: list[ColumnElement[bool]] = [
        c.state.in_(sorted(AWAITING)),
        c.receipt_due_at.is_(None),
        OWING,
    ]
    if link is not None:
        tests.append(c.link == link)
    return select_transfers().where(*tests).order_by(c.owed_since, c.id).limit(limit)


def owed_since(
    before: float, *, link: LinkName | None, others: Collection[LinkName], expects: bool, limit: int
) -> TransferQuery:
    """Select what has owed the same effect since `before` and is not held: on `link`, or, if that is None, on none
    and on every link but `others`. What is in quarantine waits for a person anyway, and what has been sent where no
    receipts are expected (not `expects`) for nobody."""
    c = transfers.c
    on = c.link == link if link is not None else or_(c.link.is_(None), c.link.not_in(sorted(others)))
    spared = {State.QUARANTINED} if expects else {State.QUARANTINED, *AWAITING}
    return (
        select_transfers()
        .where(*_owing(_OWED_IN - spared, None), on, c.owed_since <= before)
        .order_by(c.owed_since, c.id)
        .limit(limit)
    )


def backing_off(link: LinkName, now: float, limit: int) -> TransferQuery:
    """Select what waits on `link` for the end of its backoff."""
    c = transfers.c
    its = (*_owing(_OWED_IN, None), c.link == link, c.next_attempt_at > now)
    return select_transfers().where(*its).order_by(c.id).limit(limit)


def settled(direction: Direction, before: float, limit: int) -> TransferQuery:
    """Select what ended by `before` without being closed yet, the earliest first."""
    c = transfers.c
    over = sorted(ends(direction) - {State.CLOSED})
    return (
        select_transfers()
        .where(c.state.in_(over), UNCLOSED, c.settled_at.is_not(None), c.settled_at <= before, c.direction == direction)
        .order_by(c.settled_at, c.id)
        .limit(limit)
    )


def search(wanted: TransferFilter, limit: int, offset: int) -> TransferQuery:
    """Select what the filter lets through, newest first."""
    c = transfers.c
    newest = (c.found_at.desc(), c.id.desc())
    its = tests(wanted)
    if wanted.case:
        its = [c.id.in_(_of_case(wanted.case, its, limit + offset, exact=wanted.exact))]
    return select_transfers().where(*its).order_by(*newest).limit(limit).offset(offset)


def tests(wanted: TransferFilter) -> list[ColumnElement[bool]]:
    """Test for all that is wanted but the case."""
    c = transfers.c
    tests: list[ColumnElement[bool]] = []
    equal = {"flow": wanted.flow, "peer": wanted.peer, "link": wanted.link}
    if wanted.peer and wanted.direction is Direction.RELAY:
        # What is carried for others is somebody's at both ends.
        tests.append(or_(c.peer == wanted.peer, c.recipient == wanted.peer))
        equal["peer"] = None
    equal["state"] = wanted.state
    if wanted.direction is not None:
        tests.append(RELAYED if wanted.direction is Direction.RELAY else c.direction == wanted.direction)
    tests += [c[name] == value for name, value in equal.items() if value]
    if wanted.held is not None:
        tests.append(c.hold_code.is_not(None) if wanted.held else c.hold_code.is_(None))
    if wanted.failing is not None:
        tests.append(FAILING if wanted.failing else c.attempts == 0)
    if wanted.since is not None:
        tests.append(c.found_at >= wanted.since)
    if wanted.until is not None:
        tests.append(c.found_at < wanted.until)
    if wanted.text:
        tests.append(or_(begins(c.export_name, wanted.text), begins(c.bundle_id, wanted.text)))
    return tests


def _of_case(case: str, tests: Sequence[ColumnElement[bool]], most: int, *, exact: bool) -> CompoundSelect[int]:
    """Select the newest transfers of the case with this number, or one that begins so, in whatever scheme: a union, so
    that each half is answered by its own index; and cut, so that a beginning that all have costs no sorting of all."""
    c, n, number = transfers.c, matter_numbers.c, normal_number(case)
    own = c.case_no == case if exact else begins(c.case_no, case)
    other = n.number == number if exact else begins(n.number, number or case)
    newest = (c.found_at.desc(), c.id.desc())
    halves = (
        select(c.id).where(own, *tests),
        select(c.id).join(matter_numbers, n.transfer_id == c.id).where(other, *tests),
    )
    first, second = (half.order_by(*newest).limit(most).subquery() for half in halves)
    return union_all(select(first.c.id), select(second.c.id))


def by_bundle(bundle_id: BundleId | Param, direction: Direction | None) -> TransferQuery:
    """Select the transfers of one bundle: outbound one per recipient, inbound one per link it came over."""
    c = transfers.c
    query = select_transfers().where(c.bundle_id == bundle_id).order_by(c.id)
    return query if direction is None else query.where(c.direction == direction)


def later(bundle_id: BundleId) -> TransferQuery:
    """Select the transfers that repeat or correct one bundle."""
    return select_transfers().where(transfers.c.earlier == bundle_id).order_by(transfers.c.id)


def by_claim(claim: ClaimToken | Param) -> TransferQuery:
    """Select the transfers of one claimed export: its own first, then those of its copies."""
    return select_transfers().where(transfers.c.claim == claim).order_by(transfers.c.copy)


def by_id(transfer_id: TransferId | Param) -> TransferQuery:
    """Select one transfer."""
    return select_transfers().where(transfers.c.id == transfer_id)


def read(connection: Connection, query: TransferQuery) -> list[Transfer]:
    """Return the transfers that a query of this module selects."""
    return [to_transfer(row) for row in connection.execute(query)]


def owed_and_held(connection: Connection) -> tuple[int, int]:
    """Return how many transfers owe something, and how many of all are held; what is done is not looked at."""
    owed = select(func.count()).select_from(_owed(transfers.c.id))
    held = select(func.count()).where(transfers.c.hold_code.is_not(None))
    return connection.execute(owed).scalar_one(), connection.execute(held).scalar_one()


def counts(connection: Connection) -> Counts:
    """Return how many transfers are in which state, how many are held, and since when each link has been waiting."""
    c = transfers.c
    held = connection.execute(select(func.count()).where(c.hold_code.is_not(None))).scalar_one()
    o = _owed(c.link, c.direction, c.found_at, c.lane).c
    big = func.sum(case((o.lane >= LARGE_LANES, 1), else_=0))
    grouped = select(o.link, o.direction, func.min(o.found_at), func.count(), big)
    waiting_since: dict[LinkName, float] = {}
    waiting: dict[tuple[LinkName, Direction], int] = {}
    large: dict[tuple[LinkName, Direction], int] = {}
    for link, way, since, number, of_them in connection.execute(grouped.group_by(o.link, o.direction).order_by(o.link)):
        if link is None:
            continue  # tested for in the select, it would have a database walk the index of all links
        name = LinkName(link)
        waiting_since[name] = min(since, waiting_since.get(name, since))
        waiting[name, Direction(way)] = number
        large[name, Direction(way)] = of_them
    return Counts(
        by_state=state_counts.by_state(connection),
        held=held,
        waiting_since=waiting_since,
        waiting=waiting,
        large=large,
    )


def _owing(states: Collection[State], direction: Direction | None) -> tuple[ColumnElement[bool], ...]:
    """Test for what is not held of those of `states` in which something is owed."""
    c = transfers.c
    its = (c.state.in_(sorted(states)), OWING)
    return its if direction is None else (*its, c.direction == direction)


def _owed(*columns: ColumnElement[Any]) -> Subquery:
    """Select what owes something, held or not: two parts, each by an index in which what is over is not."""
    c = transfers.c
    held = (c.hold_code.is_not(None), (c.direction + " " + c.state).in_(_OWED_AS))
    return union_all(select(*columns).where(OWING), select(*columns).where(*held)).subquery()


def _turn(orders: Orders) -> tuple[ColumnElement[bool], ...]:
    return (its_turn(orders),) if orders else ()


def _not_to(closed: Collection[UnitCode]) -> tuple[ColumnElement[bool], ...]:
    """Test for what is not of our own to one of the recipients that nothing may be sent to."""
    c = transfers.c
    return (or_(c.direction != Direction.OUTBOUND, c.peer.not_in(sorted(closed))),) if closed else ()


def _of_size(large: bool | None) -> tuple[ColumnElement[bool], ...]:
    """Test for the large or the small ones only; None: for neither."""
    c = transfers.c
    return () if large is None else (c.lane >= LARGE_LANES if large else c.lane < LARGE_LANES,)


def _awaiting(link: Link | None, states: Sequence[State] = _SENT_AGAIN) -> tuple[ColumnElement[bool], ...]:
    c = transfers.c
    tests = (c.state.in_(states), c.receipt_due_at.is_not(None), c.hold_code.is_(None))
    return tests if link is None else (*tests, c.link == link)


def begins(column: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    """Test for a prefix as a range of code points, which an index can answer in any database."""
    end = end_of(beginning)
    return column >= beginning if end is None else and_(column >= beginning, column < end)


def end_of(beginning: str) -> str | None:
    """Return the first text behind all that begin so; None if there is none."""
    end = beginning.rstrip(chr(_HIGHEST))
    if not end:
        return None
    following = ord(end[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return end[:-1] + chr(following)
