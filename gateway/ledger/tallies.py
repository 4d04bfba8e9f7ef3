"""What this ledger knows of streams number by number: of its own for comparing, of others' for stating it to them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from gateway.domain.holdings import STREAMS_MAX, Range
from gateway.domain.ids import BundleId, Digest, LinkName, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.reconciling import Own, OwnNumber
from gateway.domain.records import Transfer
from gateway.domain.statements import (
    IN_HAND_MAX,
    NAMED_MAX,
    RANGES_STATED_MAX,
    TALLIES_MAX,
    WINDOW,
    Fate,
    Question,
    Tally,
    digest_of,
)
from gateway.ledger import gaps
from gateway.ledger.holdings import on_link
from gateway.ledger.prepared import parts
from gateway.ledger.relaying import BYTES_GONE
from gateway.ledger.rows import select_transfers, to_transfer
from gateway.ledger.schema import INTEGER_MAX, RELAYED, receipts, seen, streams, transfers

_ARRIVED: Final = frozenset({"110", "120"})
_ROWS_MAX: Final = 2 * WINDOW
"""Rows of one tally: whoever compares a window gets all of it, and who asks for more as much as memory should hold."""

_Tests = Sequence[ColumnElement[bool]]

_AT_RECIPIENT: Final[Mapping[State, Fate]] = MappingProxyType(
    {
        State.OFFERED: Fate.PENDING,
        State.FETCHED: Fate.PENDING,
        State.VERIFIED: Fate.PENDING,
        State.DELIVERED: Fate.DELIVERED,
        State.CONFIRMED: Fate.DELIVERED,
        State.COLLECTED: Fate.DELIVERED,
        State.QUARANTINED: Fate.ASIDE,
        State.REJECTED: Fate.REFUSED,
        State.DISMISSED: Fate.REFUSED,
    }
)
_AT_HUB: Final[Mapping[State, Fate]] = MappingProxyType({State.CHECKED: Fate.CUSTODY, State.FORWARDED: Fate.CUSTODY})
_OWN: Final[Mapping[State, Own]] = MappingProxyType(
    {
        State.SEALED: Own.HERE,
        State.SENT: Own.IN_FLIGHT,
        State.IN_CUSTODY: Own.CUSTODY,
        State.DELIVERED: Own.DELIVERED,
        State.COLLECTED: Own.DELIVERED,
        State.REFUSED: Own.REFUSED,
    }
)


def tallies(connection: Connection, unit: UnitCode, questions: Sequence[Question]) -> tuple[Tally, ...]:
    """Return what `unit` knows of the streams that are asked about, and of other epochs of theirs.

    Of a stream to `unit` itself what it delivered, of one between others what it carried on as a hub.
    """
    asked: dict[tuple[UnitCode, UnitCode], dict[int, Question]] = defaultdict(dict)
    for one in questions:
        asked[one.origin, one.recipient][one.epoch] = one
    found: list[Tally] = []
    room = RANGES_STATED_MAX
    to_name = NAMED_MAX
    # A stream that was asked about has its tally even where nothing is known of it: that is an answer too.
    everything = list(questions)
    for (origin, recipient), known in asked.items():
        others = sorted(_epochs(connection, unit, origin, recipient) - known.keys())[-STREAMS_MAX:]
        everything += [Question(origin, recipient, epoch, 1, 0, ()) for epoch in others]
    for question in everything[:TALLIES_MAX]:
        tally = _tally(connection, unit, question, room, to_name)
        room -= sum(len(among) for _fate, among in tally.fates)
        to_name -= len(tally.named)
        found.append(tally)
    return tuple(found)


def all_of(
    connection: Connection, unit: UnitCode, origin: UnitCode, recipient: UnitCode, epoch: int
) -> Iterator[Tally]:
    """Yield what `unit` knows of one stream, by stretches that follow each other."""
    first, is_over = 1, False
    while not is_over:
        tally = _tally(connection, unit, Question(origin, recipient, epoch, first, 0, ()), RANGES_STATED_MAX, 0)
        yield tally
        first, is_over = tally.last + 1, tally.last >= tally.highest


def in_hand(connection: Connection, link: LinkName) -> tuple[BundleId, ...]:
    """Return the bundles that came over `link` and have no number on record yet, or wait for a person."""
    states = (State.OFFERED, State.FETCHED, State.QUARANTINED)
    found = on_link(link, (Direction.INBOUND,), states).c
    query = select(found.bundle_id).order_by(found.id).limit(IN_HAND_MAX)
    return tuple(BundleId(row[0]) for row in connection.execute(query))


def own_streams(connection: Connection) -> list[tuple[UnitCode, int, int]]:
    """Return (recipient, epoch, last number given out) of every stream of ours, the newest STREAMS_MAX epochs each."""
    s = streams.c
    query = select(s.peer, s.epoch, s.sequence).where(s.direction == Direction.OUTBOUND, s.sequence > 0)
    by_peer: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for peer, epoch, last in connection.execute(query.order_by(s.peer, s.epoch)):
        by_peer[peer].append((epoch, last))
    return [(UnitCode(peer), *one) for peer, several in by_peer.items() for one in several[-STREAMS_MAX:]]


def own_numbers(connection: Connection, recipient: UnitCode, epoch: int, last: int) -> tuple[OwnNumber, ...]:
    """Return each number given out, at most WINDOW of them, the newest, with what our record says of it."""
    c = transfers.c
    first = max(1, last - WINDOW + 1)
    ours = (
        c.direction == Direction.OUTBOUND,
        c.peer == recipient,
        c.epoch == epoch,
        c.sequence.between(first, last),
    )
    query = select(
        *(c.sequence, c.state, c.changed_at, c.bundle_id, c.header_hash, c.id, c.export_name, c.case_no)
    ).where(*ours)
    ends = _receipted(connection, and_(*ours))
    found: dict[int, OwnNumber] = {}
    for number, state, since, bundle, header, transfer, name, case in connection.execute(query.order_by(c.id)):
        own = _OWN.get(State(state))
        if own is None:
            own = {Fate.DELIVERED: Own.DELIVERED, Fate.REFUSED: Own.REFUSED}.get(
                ends.get(transfer, Fate.CLOSED), Own.CLOSED
            )
        found[number] = OwnNumber(
            number, own, since, BundleId(bundle), Digest(header), TransferId(transfer), name, case
        )
    return tuple(found.get(number, OwnNumber(number, Own.UNKNOWN, 0.0)) for number in range(first, last + 1))


def open_ranges(numbers: Iterable[OwnNumber]) -> tuple[Range, ...]:
    """Return the ranges of those numbers without a final receipt, at most 1024, the lowest."""
    return tuple(islice(_ranges(one.number for one in numbers if one.own not in (Own.DELIVERED, Own.REFUSED)), 1024))


def carried_and_open(connection: Connection, question: Question, most: int) -> list[Transfer]:
    """Return the first `most` arrivals here, as at a hub, of what is settled and counts as open for the unit that
    asks."""
    c = transfers.c
    ours = (RELAYED, c.peer == question.origin, c.recipient == question.recipient)
    found: list[Transfer] = []
    for part in parts(question.open, 200):
        inside = or_(*(c.sequence.between(first, final) for first, final in part))
        relays = select(c.bundle_id).where(*ours, c.epoch == question.epoch, inside, c.state == State.SETTLED)
        # The sum keeps a database from walking all that was ever settled.
        settled = (c.direction == Direction.INBOUND, c.state + "" == State.SETTLED, c.bundle_id.in_(relays))
        query = select_transfers().where(*settled).order_by(c.id).limit(most - len(found))
        found += map(to_transfer, connection.execute(query))
        if len(found) >= most:
            break
    return found


def _epochs(connection: Connection, unit: UnitCode, origin: UnitCode, recipient: UnitCode) -> set[int]:
    t, s = transfers.c, streams.c
    here = recipient == unit
    found = set()
    for epoch in gaps.epochs(connection, Direction.INBOUND if here else Direction.RELAY, origin):
        any_of = select(t.id).where(*_between(unit, origin, recipient), t.epoch == epoch).limit(1)
        if connection.execute(any_of).first() is not None:
            found.add(epoch)
    if here:
        # Whatever was delivered has moved its stream.
        delivered = (s.peer == origin, s.direction == Direction.INBOUND, s.sequence > 0)
        found |= set(connection.execute(select(s.epoch).where(*delivered)).scalars())
    return found


def _between(unit: UnitCode, origin: UnitCode, recipient: UnitCode) -> tuple[ColumnElement[bool], ...]:
    t = transfers.c
    numbered = (t.peer == origin, t.sequence.is_not(None), t.epoch.is_not(None))
    if recipient == unit:
        return (t.direction == Direction.INBOUND, *numbered, or_(t.recipient.is_(None), t.recipient == unit))
    return (RELAYED, *numbered, t.recipient == recipient)


def _tally(connection: Connection, unit: UnitCode, question: Question, room: int, to_name: int) -> Tally:
    t = transfers.c
    here = question.recipient == unit
    s = seen.c
    # A hub does not claim to hold what it has no bytes of: only who sealed it, or the hub before, can send it again.
    had = () if here else (t.hold_code.is_distinct_from(BYTES_GONE),)
    asked = (*_between(unit, question.origin, question.recipient), t.epoch == question.epoch, *had)
    delivered = (s.origin == question.origin, s.epoch == question.epoch)
    kept: Sequence[tuple[ColumnElement[int], _Tests]] = [(t.sequence, asked), (s.sequence, delivered)][: 1 + here]
    end = min(_last_held(connection, number, tests, question.first) for number, tests in kept)
    highest = max(_highest(connection, number, tests, question.first) for number, tests in kept)
    ours = (*asked, t.sequence.between(question.first, end))
    ends = _receipted(connection, and_(*ours))
    fates: dict[int, dict[str, tuple[Fate, str]]] = defaultdict(dict)
    rows = connection.execute(select(t.sequence, t.bundle_id, t.header_hash, t.state, t.id).where(*ours))
    for number, bundle, header, state, transfer in rows:
        fate = (_AT_RECIPIENT if here else _AT_HUB).get(State(state)) or ends.get(transfer, Fate.CLOSED)
        fates[number][bundle] = (fate, header)
    if here:
        theirs = (*delivered, s.sequence.between(question.first, end))
        for number, bundle, header in connection.execute(select(s.sequence, s.bundle_id, s.header_hash).where(*theirs)):
            fates[number][bundle] = (Fate.DELIVERED, header)
    return _stated(question, fates, (min(end, max(highest, question.last)), highest), room, to_name)


def _last_held(connection: Connection, number: ColumnElement[int], tests: _Tests, first: int) -> int:
    """Return up to which number a tally that begins with `first` holds the rows of a stream: each number whole."""
    following = select(number).where(*tests, number >= first).order_by(number).offset(_ROWS_MAX).limit(1)
    beyond = connection.execute(following).scalar()
    return INTEGER_MAX if beyond is None else max(first, beyond - 1)


def _highest(connection: Connection, number: ColumnElement[int], tests: _Tests, first: int) -> int:
    """Return the highest number of a stream from `first` on; 0 if there is none."""
    return connection.execute(select(func.max(number)).where(*tests, number >= first)).scalar() or 0


def _stated(
    question: Question,
    fates: Mapping[int, Mapping[str, tuple[Fate, str]]],
    known: tuple[int, int],
    room: int,
    to_name: int,
) -> Tally:
    """Put the numbers in order; where the room for ranges ends, the tally ends too and says so by its last number.

    known: the last number that may be spoken of, and the highest on record.
    """
    among: dict[Fate, list[Range]] = defaultdict(list)
    delivered: list[tuple[int, BundleId, Digest]] = []
    named: list[tuple[int, BundleId]] = []
    last, highest = known
    taken = 0
    for number in sorted(fates):
        bundles = fates[number]
        fate = Fate.TWICE if len(bundles) > 1 else next(iter(bundles.values()))[0]
        pairs = among[fate]
        if pairs and pairs[-1][1] == number - 1:
            pairs[-1] = (pairs[-1][0], number)
        elif taken == room:
            last = number - 1
            break
        else:
            taken += 1
            pairs.append((number, number))
        if fate is Fate.DELIVERED:
            delivered += [(number, BundleId(bundle), Digest(header)) for bundle, (_fate, header) in bundles.items()]
        if number > question.last or fate is Fate.TWICE or _within(number, question.open):
            named += [(number, BundleId(bundle)) for bundle in sorted(bundles)]
    return Tally(
        question.origin,
        question.recipient,
        question.epoch,
        question.first,
        last,
        highest,
        digest_of(delivered),
        tuple((fate, tuple(among[fate])) for fate in sorted(among) if among[fate]),
        tuple(named[:to_name]),
    )


def _receipted(connection: Connection, test: ColumnElement[bool]) -> dict[int, Fate]:
    """Return by transfer how its newest final receipt ended it."""
    t, r = transfers.c, receipts.c
    query = (
        select(r.transfer_id, r.code)
        .join(transfers, r.transfer_id == t.id)
        .where(test, or_(r.code.in_(sorted(_ARRIVED)), r.code.between("200", "399")))
        .order_by(r.id)
    )
    return {
        transfer: Fate.DELIVERED if code in _ARRIVED else Fate.REFUSED for transfer, code in connection.execute(query)
    }


def _ranges(numbers: Iterable[int]) -> Iterator[Range]:
    first = final = None
    for number in numbers:
        if final is not None and first is not None and number == final + 1:
            final = number
            continue
        if first is not None and final is not None:
            yield first, final
        first = final = number
    if first is not None and final is not None:
        yield first, final


def _within(number: int, among: Sequence[Range]) -> bool:
    return any(first <= number <= final for first, final in among)
