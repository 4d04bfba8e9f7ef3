"""Where the streams between us and one peer stand, as an inventory states it, and what follows from the peer's."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Subquery, and_, not_, or_, select, union, union_all
from sqlalchemy.sql.elements import ColumnElement

from gateway.domain.holdings import PENDING_MAX, RANGES_MAX, STREAMS_MAX, Got, Range, Sent, joined, ranges
from gateway.domain.ids import BundleId, LinkName, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode, Transfer
from gateway.domain.statements import Question
from gateway.ledger import gaps
from gateway.ledger.prepared import parts
from gateway.ledger.rows import select_transfers, to_transfer
from gateway.ledger.schema import OWING, receipts, streams, transfers

AT_ONCE: Final = 1024
"""Transfers that one inventory moves in one commit; what is left over is found by the next."""
_RANGES: Final = 200
"""Ranges in one statement."""

_UNSETTLED: Final = (State.SEALED, State.SENT, State.IN_CUSTODY)
_IN_HAND: Final = (State.OFFERED, State.FETCHED, State.VERIFIED)
_ANSWERED: Final = (State.CONFIRMED, State.COLLECTED, State.DISMISSED)
"""States in which our receipt was sent and may be sent again."""
_DAMAGED: Final = (
    "truncated",
    "trailing-bytes",
    "manifest-corrupt",
    "segment-list-corrupt",
    "segment-corrupt",
    "spool-missing",
    "staging-missing",
)
"""What sending the same bytes again mends; all else in quarantine waits for a person, and is not asked for."""
_RECEIPTED: Final = (State.DELIVERED, State.COLLECTED, State.REFUSED, State.CLOSED)


def sent(connection: Connection, peer: UnitCode) -> tuple[Sent, ...]:
    """Return our stream to `peer` by epoch, newest number first: what was given out, and what has no receipt."""
    way, is_open = Direction.OUTBOUND, transfers.c.state.in_(_UNSETTLED)
    return tuple(
        Sent(*one)
        for one in _stated(connection, way, peer, lambda at, _: ranges(_numbers(connection, way, peer, at, is_open)))
    )


def got(connection: Connection, peer: UnitCode) -> tuple[Got, ...]:
    """Return the stream of `peer` to us by epoch: the highest number known, and those below that never arrived."""
    way = Direction.INBOUND
    return tuple(
        Got(*one) for one in _stated(connection, way, peer, lambda at, last: _lacking(connection, peer, at, last))
    )


def on_link(
    link: LinkName, ways: Sequence[Direction], states: Sequence[State], *tests: ColumnElement[bool]
) -> Subquery:
    """Select what goes these ways on one link and is in `states`, in all of which something is owed: by the indexes of
    what is owed and of what is held, in which what is over is not."""
    c = transfers.c
    owing = (OWING, c.link == link, c.state.in_(states), c.direction.in_(ways))
    # The sums keep a database from any other index than that of what is held.
    held = (c.hold_code.is_not(None), c.link + "" == link, (c.state + "").in_(states), (c.direction + "").in_(ways))
    return union_all(*(select(*c).where(*its, *tests) for its in (owing, held))).subquery()


def open_to(connection: Connection, link: LinkName) -> list[UnitCode]:
    """Return the recipients of what goes by `link` and has no final receipt."""
    found = on_link(link, (Direction.OUTBOUND,), _UNSETTLED)
    return [UnitCode(row[0]) for row in connection.execute(select(found.c.peer).distinct().order_by("peer")) if row[0]]


def open_links(connection: Connection) -> list[LinkName]:
    """Return the links by which something goes that has no final receipt."""
    c = transfers.c
    # By the indexes of what is owed and of what is held, in which what is over is not.
    owed = select(c.link).where(OWING, c.state.in_(_UNSETTLED))
    held = select(c.link).where(c.hold_code.is_not(None), (c.state + "").in_(_UNSETTLED))
    return [LinkName(row[0]) for row in connection.execute(union(owed, held)) if row[0]]


def pending(connection: Connection, peer: UnitCode, link: LinkName) -> tuple[BundleId, ...]:
    """Return the bundles that came over `link`, are in hand, undecided, and may be of `peer`."""
    c = transfers.c
    found = on_link(link, (Direction.INBOUND,), _IN_HAND, or_(c.origin.is_(None), c.origin == peer)).c
    query = select(found.bundle_id).order_by(found.id).limit(PENDING_MAX)
    return tuple(BundleId(row[0]) for row in connection.execute(query))


def to_be_receipted_again(connection: Connection, peer: UnitCode, said: Sequence[Sent]) -> list[Transfer]:
    """Return what `peer` sent, was answered, and whose receipt it, by its own word, does not have."""
    return _read(connection, Direction.INBOUND, peer, _ANSWERED, [(one.epoch, one.last, one.open) for one in said])


def answered_and_open(connection: Connection, asked: Sequence[Question]) -> list[Transfer]:
    """Return what was answered and counts as open for the unit that asks."""
    c = transfers.c
    found: list[Transfer] = []
    for one in asked:
        for part in parts(one.open, _RANGES):
            inside = or_(*(c.sequence.between(first, final) for first, final in part))
            ours = (c.direction == Direction.INBOUND, c.peer == one.origin, c.epoch == one.epoch, inside)
            query = select_transfers().where(*ours, c.state.in_(_ANSWERED)).order_by(c.id).limit(AT_ONCE - len(found))
            found += map(to_transfer, connection.execute(query))
            if len(found) == AT_ONCE:
                return found
    return found


def receipts_to_return(connection: Connection, peer: UnitCode, said: Sequence[Got]) -> list[bytes]:
    """Return the receipts signed by `peer` for numbers that by its own word it does not know: it has lost them."""
    forgotten = _read(
        connection, Direction.OUTBOUND, peer, _RECEIPTED, [(one.epoch, one.last, one.lacking) for one in said]
    )
    found: list[bytes] = []
    r = receipts.c
    for part in parts(forgotten, _RANGES):
        query = select(r.raw).where(
            r.transfer_id.in_([transfer.id for transfer in part]), r.issuer == peer, not_(r.code.in_(_PASSING))
        )
        found += (row[0] for row in connection.execute(query.order_by(r.id)))
    return found


def lost_on_the_way(
    connection: Connection, peer: UnitCode, said: Sequence[Got], in_hand: Sequence[BundleId], before: float | None
) -> list[Transfer]:
    """Return what was sent to `peer` and, by its own word, never arrived there.

    before: when we asked for this word; what was sent by then and is unknown there is lost. None: nobody asked, and
    only what lies below a number that did arrive counts.
    """
    c = transfers.c
    known = {one.epoch: one for one in said}
    here = frozenset(in_hand)
    query = select_transfers().where(c.state == State.SENT, _with(peer, Direction.OUTBOUND), c.sequence.is_not(None))
    found: list[Transfer] = []
    for transfer in map(to_transfer, connection.execute(query.order_by(c.id))):
        state = known.get(transfer.epoch) if transfer.epoch is not None else None
        sequence = transfer.sequence or 0
        if transfer.bundle_id in here or (state is not None and state.has(sequence)):
            continue
        is_below = state is not None and sequence <= state.last
        if is_below or (before is not None and transfer.changed_at <= before):
            found.append(transfer)
            if len(found) == AT_ONCE:
                break
    return found


_PASSING: Final = tuple(code for code in ReceiptCode if code[0] == "4" or code is ReceiptCode.CUSTODY)
"""Receipts that end nothing."""


def _streams(connection: Connection, direction: Direction, peer: UnitCode) -> list[tuple[int, int]]:
    """Return (epoch, highest number known) of a stream, the newest STREAMS_MAX epochs."""
    s = streams.c
    given = select(s.epoch, s.sequence).where(s.peer == peer, s.direction == direction)
    found = {int(row.epoch): int(row.sequence) for row in connection.execute(given)}
    for epoch in gaps.epochs(connection, direction, peer):
        found[epoch] = max(gaps.highest(connection, direction, peer, epoch), found.get(epoch, 0))
    return sorted(found.items())[-STREAMS_MAX:]


def _stated(
    connection: Connection, direction: Direction, peer: UnitCode, exceptions: Callable[[int, int], tuple[Range, ...]]
) -> list[tuple[int, int, tuple[Range, ...]]]:
    """Return (epoch, highest number known, exceptions to it) of a stream, as many of these as half an inventory takes.

    Those of the newest epochs: in an old one they may never end, and shall not keep out what is owed now.
    """
    found: list[tuple[int, int, tuple[Range, ...]]] = []
    room = RANGES_MAX // 2
    for epoch, last in reversed(_streams(connection, direction, peer)):
        found.append((epoch, last, exceptions(epoch, last)[:room]))
        room -= len(found[-1][2])
    return found[::-1]


def _numbers(
    connection: Connection, direction: Direction, peer: UnitCode, epoch: int, *tests: ColumnElement[bool]
) -> list[int]:
    """Return the numbers of those in a few states, as `tests` have it, ascending."""
    c = transfers.c
    query = select(c.sequence).where(_with(peer, direction), c.epoch == epoch, c.sequence.is_not(None), *tests)
    return [row[0] for row in connection.execute(query.order_by(c.sequence))]


def _lacking(connection: Connection, peer: UnitCode, epoch: int, last: int) -> tuple[Range, ...]:
    """Return what never arrived, and what arrived damaged and waits to be offered again."""
    c = transfers.c
    is_damaged = and_(c.state == State.QUARANTINED, c.last_error.in_(_DAMAGED))
    apart = _numbers(connection, Direction.INBOUND, peer, epoch, is_damaged)
    absent = gaps.missing(connection, peer, epoch, limit=_RANGES)
    within = [(first, min(final, last)) for first, final in absent if first <= last]
    return joined([*((number, number) for number in apart), *within])


def _read(
    connection: Connection,
    direction: Direction,
    peer: UnitCode,
    states: Sequence[State],
    said: Sequence[tuple[int, int, Sequence[Range]]],
) -> list[Transfer]:
    """Return the transfers in `states` whose number lies outside what was `said`: (epoch, last, exceptions below)."""
    c = transfers.c
    ours = (c.direction == direction, c.peer == peer, c.sequence.is_not(None), c.state.in_(states))
    found: list[Transfer] = []
    for place in _outside(said, gaps.epochs(connection, direction, peer)):
        query = select_transfers().where(*ours, place).order_by(c.id).limit(AT_ONCE - len(found))
        found += map(to_transfer, connection.execute(query))
        if len(found) == AT_ONCE:
            break
    return found


def _outside(said: Sequence[tuple[int, int, Sequence[Range]]], epochs: Sequence[int]) -> Iterator[ColumnElement[bool]]:
    """Yield tests for what of the stream, which has these epochs, lies outside of what was said of it."""
    c = transfers.c
    for epoch, last, exceptions in said:
        yield and_(c.epoch == epoch, c.sequence > last)
        for part in parts(exceptions, _RANGES):
            yield and_(c.epoch == epoch, or_(*(c.sequence.between(first, final) for first, final in part)))
    if len(said) < STREAMS_MAX:
        known = {epoch for epoch, _last, _exceptions in said}
        yield from (c.epoch == epoch for epoch in epochs if epoch not in known)


def _with(peer: UnitCode, direction: Direction) -> ColumnElement[bool]:
    """Test for a stream among the few that are in the states asked for: put together, the columns keep a database from
    walking all that ever passed on it."""
    return transfers.c.direction + " " + transfers.c.peer == f"{direction} {peer}"
