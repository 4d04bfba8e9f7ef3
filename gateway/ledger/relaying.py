"""What a hub remembers of the bundles that it carries for others: who came by which link, what went on, which receipts
are owed back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, Select, func, insert, or_, select
from sqlalchemy.sql.elements import ColumnElement

from gateway.domain.errors import SecurityError
from gateway.domain.ids import BundleId, Digest, LinkName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State, is_legal
from gateway.domain.records import Facts, Priority, ReceiptRecord, Stage, Step, Transfer, known
from gateway.ledger import arrivals, changes
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import listed, rows_among
from gateway.ledger.rows import select_receipts, select_transfers, to_receipt, to_transfer
from gateway.ledger.schema import OWING, RELAYED, events, receipts, transfers

_OPEN: Final = (State.CHECKED, State.FORWARDED)
"""States of a relay whose bytes are still needed."""
BYTES_GONE: Final = "spool-missing"
"""Why a relay is held whose bytes nobody finds any more: it counts as one that we do not have."""
_IN_HAND: Final = (State.OFFERED, State.FETCHED)
"""States of an arrival that was not relayed yet: it takes all receipts with it once it is."""


_ASKED: Final = (Event.RECEIPT_ASKED, Event.OFFERED_AGAIN)
"""What makes all receipts owed once more: whoever sends a bundle again has none, or is told anew that we hold it."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One recipient of a bundle that goes on: by which link, under which number, in which lane.

    flow: what the bundle's class tells hubs; mostly nothing. receipt: our word to its sender that we hold it.
    """

    recipient: UnitCode
    link: LinkName
    sequence: int
    priority: Priority
    flow: str
    receipt: ReceiptRecord


@dataclass(frozen=True, slots=True)
class Taking:
    """A bundle that is taken into custody. `facts`: what its envelope proved; `is_ours`: it is to be opened here too;
    `started_at`: when its verification began, seconds since 1970 UTC."""

    arrival: Transfer
    facts: Facts
    legs: tuple[Leg, ...]
    is_ours: bool
    started_at: float


class RelayBook:
    """The part of the ledger that serves hubs. Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    # -- sorting what arrived -----------------------------------------------------------------------------------------

    def next_unsorted_at(self) -> float | None:
        """Return when the next fetched bundle may be looked at of which nobody knows yet for whom it is; None if there
        is none."""
        return self._next(_unsorted())

    def next_to_open_at(self) -> float | None:
        """Return when the next bundle that is addressed to us may be opened or delivered; None if there is none."""
        return self._next(_to_open())

    def is_ours(self, arrival: Transfer) -> Transfer:
        """Record that a fetched bundle is addressed to us and to nobody else; TransientError `transfer-moved-on`."""
        return self._doors.change(lambda change: changes.addressed(change, arrival))

    # -- custody ------------------------------------------------------------------------------------------------------

    def take(self, takings: Sequence[Taking]) -> list[Transfer]:
        """Take bundles into custody, in one commit: a relay for each recipient, our receipts, and the arrival's step.

        A recipient that was relayed before is not relayed again; the arrival then owes the receipts that are known.
        Raises TransientError `transfer-moved-on`, SecurityError `equivocation`. All of them, or none and an error.
        """
        return self._doors.change(lambda change: [_take(change, taking) for taking in takings])

    def header_of(self, bundle_id: BundleId) -> Digest | None:
        """Return the header under which a bundle of this id was relayed; None if none was."""
        with self._doors.reading() as connection:
            found = connection.execute(select(transfers.c.header_hash).where(*_relays(bundle_id)).limit(1)).scalar()
        return None if found is None else Digest(found)

    def taken_by(self, origin: UnitCode, recipient: UnitCode, epoch: int, sequence: int) -> BundleId | None:
        """Return the bundle that was relayed under a number of a stream; None if none was."""
        with self._doors.reading() as connection:
            return _taken_by(connection, origin, recipient, epoch, sequence)

    def is_needed(self, bundle_id: BundleId, header_hash_prefix: str) -> bool:
        """Whether the bytes of a relayed bundle may still have to be sent to somebody."""
        c = transfers.c
        query = select(func.count()).where(
            *_relays(bundle_id), c.header_hash.startswith(header_hash_prefix, autoescape=True), c.state.in_(_OPEN)
        )
        with self._doors.reading() as connection:
            return connection.execute(query).scalar_one() > 0

    def needed(self, bundles: Collection[BundleId]) -> set[tuple[BundleId, Digest]]:
        """Return those of `bundles` whose bytes may still have to be sent to somebody, by id and header."""
        with self._doors.reading() as connection:
            found = rows_among(connection, _needed, "bundle", bundles)
            return {(BundleId(bundle), Digest(header)) for bundle, header in found}

    def on_the_way(self, streams: Collection[tuple[UnitCode, UnitCode]]) -> list[Transfer]:
        """Return the relays of these streams (origin, recipient) that are not held and whose bytes are still needed."""
        c = transfers.c
        open_ = (RELAYED, c.state.in_(_OPEN), OWING)
        with self._doors.reading() as connection:
            return [
                to_transfer(row)
                for origin, recipient in sorted(streams)
                for row in connection.execute(
                    select_transfers()
                    # The sums keep a database from walking all that either has ever exchanged.
                    .where(*open_, c.peer + "" == origin, c.recipient + "" == recipient)
                    .order_by(c.id)
                )
            ]

    def bytes_are_back(self, bundle_id: BundleId, header_hash: Digest, actor: str, why: str) -> int:
        """Let go on at once the relays of a bundle whose bytes were gone; return how many. Another hold stays."""
        c = transfers.c
        concerned = (c.header_hash == header_hash, c.state.in_(_OPEN))
        lacking = or_(c.hold_code.is_(None), c.hold_code == BYTES_GONE)
        query = select_transfers().where(*_relays(bundle_id), *concerned, lacking)

        def work(change: Change) -> int:
            held = [to_transfer(row) for row in change.connection.execute(query.order_by(c.id))]
            for one in held:
                free = changes.release(change, one, actor, why)
                if free.state is State.FORWARDED:
                    changes.send_again(change, free)  # what was deposited may be what was lost
            return len(held)

        return self._doors.change(work)

    def is_held_for_bytes(self, bundle_id: BundleId) -> bool:
        """Whether a relay of a bundle is held because its bytes were gone."""
        query = select(func.count()).where(*_relays(bundle_id), transfers.c.hold_code == BYTES_GONE)
        with self._doors.reading() as connection:
            return connection.execute(query).scalar_one() > 0

    # -- receipts -----------------------------------------------------------------------------------------------------

    def receipted(self, steps: Sequence[Step], carried: Sequence[ReceiptRecord]) -> list[Transfer]:
        """Move transfers on by receipts, and have `carried` sent back to where each bundle came from; in one commit.

        May be repeated: what is on record for an arrival is not owed again. Raises as `Ledger.advance`.
        """

        def work(change: Change) -> list[Transfer]:
            moved = changes.advance(change, steps)
            for record in carried:
                _carry_back(change, record)
            return moved

        return self._doors.change(work)

    def to_return(self, arrival: Transfer) -> list[ReceiptRecord]:
        """Return the receipts that an arrival owes the link that it came by: all when they were asked for again, else
        those that were not sent yet, in the order in which they were recorded."""
        e, r = events.c, receipts.c
        sent = (Event.CONFIRMED, Event.DISMISSED)
        with self._doors.reading() as connection:
            last = connection.execute(
                select(func.max(e.version)).where(e.transfer_id == arrival.id, e.what.in_(sent))
            ).scalar()
            asked = connection.execute(
                select(func.max(e.version)).where(e.transfer_id == arrival.id, e.what.in_(_ASKED))
            ).scalar()
            query = select_receipts().where(r.transfer_id == arrival.id).order_by(r.id)
            if last is not None and (asked is None or asked < last):
                query = query.where(r.version > last)
            return [to_receipt(row) for row in connection.execute(query)]

    def _next(self, tests: Sequence[ColumnElement[bool]]) -> float | None:
        with self._doors.reading() as connection:
            return connection.execute(select(func.min(transfers.c.next_attempt_at)).where(*tests)).scalar()


def _take(change: Change, taking: Taking) -> Transfer:
    bundle_id, header_hash = known(taking.arrival.bundle_id), known(taking.facts.header_hash)
    c = transfers.c
    before = change.connection.execute(select_transfers().where(*_relays(bundle_id)))
    there = {one.recipient: one for one in map(to_transfer, before)}
    if any(one.header_hash != header_hash for one in there.values()):
        raise SecurityError("equivocation", f"bundle {bundle_id} was relayed before with another header")
    for leg in taking.legs:
        if leg.recipient not in there:
            _born(change, taking, leg)
    if taking.is_ours:
        arrival = changes.addressed(change, taking.arrival)
    else:
        step = Step(taking.arrival, Event.CHECKED, Stage.RELAY, taking.facts, started_at=taking.started_at)
        arrival = changes.advance(change, [step])[0]
    relays = select(c.id).where(*_relays(bundle_id))
    said = select_receipts().where(receipts.c.transfer_id.in_(relays)).order_by(receipts.c.id)
    for record in dict.fromkeys(to_receipt(row) for row in change.connection.execute(said)):
        changes.keep_receipt(change, arrival, record)
    return arrival


def _born(change: Change, taking: Taking, leg: Leg) -> None:
    facts, arrival = taking.facts, taking.arrival
    origin, epoch = known(facts.origin), known(facts.epoch)
    other = _taken_by(change.connection, origin, leg.recipient, epoch, leg.sequence)
    if other is not None:
        raise SecurityError(
            "equivocation", f"{origin} gave number {leg.sequence} of epoch {epoch} to bundle {other} as well"
        )
    row = arrivals.row(
        change,
        Direction.RELAY,
        size=arrival.size,
        found_at=arrival.found_at,
        link=leg.link,
        origin=origin,
        recipient=leg.recipient,
        peer=origin,
        bundle_id=arrival.bundle_id,
        header_hash=facts.header_hash,
        epoch=epoch,
        sequence=leg.sequence,
        flow=leg.flow,
        priority=leg.priority,
    )
    made = change.connection.execute(insert(transfers).returning(transfers.c.id), row).scalar_one()
    relay = to_transfer(change.connection.execute(select_transfers().where(transfers.c.id == made)).one())
    changes.born(change, relay, Stage.RELAY)
    changes.keep_receipt(change, relay, leg.receipt)


def _carry_back(change: Change, record: ReceiptRecord) -> None:
    """Owe `record` to every link by which the bundle came here. Where it was sent before, all are owed once more: the
    issuer repeats a receipt only because the origin has said that it does not have it."""
    c, r = transfers.c, receipts.c
    query = select_transfers().where(
        c.bundle_id == record.bundle_id,
        c.direction == Direction.INBOUND,
        c.header_hash == record.header_hash,
        c.state.not_in(_IN_HAND),
    )
    digest = sha256(record.raw).hexdigest()
    for arrival in [to_transfer(row) for row in change.connection.execute(query)]:
        there = select(r.id).where(r.bundle_id == record.bundle_id, r.transfer_id == arrival.id, r.digest == digest)
        if change.connection.execute(there).first() is not None:
            if is_legal(arrival.direction, arrival.state, Event.RECEIPT_ASKED):
                again = Facts(note=f"{record.code} by {record.issuer} came again")
                changes.advance(change, [Step(arrival, Event.RECEIPT_ASKED, Stage.RELAY, again)])
            continue
        note = f"{record.code} by {record.issuer}"
        if is_legal(arrival.direction, arrival.state, Event.RECEIPT_CAME):
            changes.advance(change, [Step(arrival, Event.RECEIPT_CAME, Stage.RELAY, Facts(note=note), record)])
        else:
            # It is owed already; whoever sends receipts at this moment has not seen this one.
            changes.keep_receipt(change, changes.touch(change, arrival, Event.RECEIPT_CAME, note), record)


def _taken_by(
    connection: Connection, origin: UnitCode, recipient: UnitCode, epoch: int, sequence: int
) -> BundleId | None:
    c = transfers.c
    stream = (RELAYED, c.peer == origin, c.epoch == epoch, c.sequence == sequence)
    found = connection.execute(select(c.bundle_id).where(*stream, c.recipient == recipient)).scalar()
    return None if found is None else BundleId(found)


def _relays(bundle_id: BundleId) -> tuple[ColumnElement[bool], ...]:
    return transfers.c.bundle_id == bundle_id, transfers.c.direction == Direction.RELAY


def _in_hand(*states: State) -> tuple[ColumnElement[bool], ...]:
    c = transfers.c
    return c.state.in_(states), c.direction == Direction.INBOUND, OWING


def _unsorted() -> tuple[ColumnElement[bool], ...]:
    return *_in_hand(State.FETCHED), transfers.c.recipient.is_(None)


def _needed(length: int) -> Select[BundleId | None, Digest | None]:
    c = transfers.c
    tests = (c.direction == Direction.RELAY, c.state.in_(_OPEN))
    return select(c.bundle_id, c.header_hash).where(c.bundle_id.in_(listed("bundle", length)), *tests)


def _to_open() -> tuple[ColumnElement[bool], ...]:
    return *_in_hand(State.FETCHED, State.VERIFIED), transfers.c.recipient.is_not(None)
