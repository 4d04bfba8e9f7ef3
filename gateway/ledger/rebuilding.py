"""Transfers that a restored ledger has forgotten, made again from the receipts that were signed about them."""

from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, Transfer
from gateway.ledger import arrivals, changes, streams
from gateway.ledger.change import Change
from gateway.ledger.rows import select_transfers, to_transfer
from gateway.ledger.schema import node, transfers

if TYPE_CHECKING:
    from gateway.bundle.receipt import Receipt

_ARRIVED: Final = frozenset({ReceiptCode.DELIVERED, ReceiptCode.COLLECTED})
_IN_HAND: Final = frozenset({State.OFFERED, State.FETCHED, State.QUARANTINED})


def rebuild(change: Change, receipt: "Receipt", record: ReceiptRecord, link: LinkName) -> Transfer | None:
    """Return the transfer that `receipt` brings back; None where nothing is missing, or nothing was ever restored.

    Our own receipt, returned by the sender: the bundle was delivered or refused here, and is never delivered again.
    A peer's receipt: a bundle of an earlier epoch of ours reached it. Of the present epoch nothing can be forgotten.
    """
    if receipt.code[0] == "4" or receipt.code is ReceiptCode.CUSTODY:
        return None
    if change.connection.execute(select(node.c.restored_at)).scalar() is None:
        return None
    if receipt.issuer == change.unit:
        return None if receipt.origin is None else _inbound(change, receipt, record, link, receipt.origin)
    if receipt.origin == change.unit and receipt.epoch != change.epoch:
        return _outbound(change, receipt, record, link)
    return None


def _inbound(
    change: Change, receipt: "Receipt", record: ReceiptRecord, link: LinkName, origin: UnitCode
) -> Transfer | None:
    known = _known(change, receipt, Direction.INBOUND)
    has_arrived = receipt.code in _ARRIVED
    # Another transfer may bear the id: only the header says that it is this bundle.
    if any(t.header_hash == receipt.header_hash and t.state not in _IN_HAND for t in known):
        return None
    here = next((t for t in known if t.link == link), None)
    if here is None:
        state = State.CONFIRMED if has_arrived else State.DISMISSED
        made = _insert(change, receipt, Direction.INBOUND, state, link=link, origin=origin, recipient=change.unit)
        if has_arrived and streams.seen_as(change.connection, origin, receipt.bundle_id) is None:
            streams.mark_seen(change.connection, [made], change.now)
        changes.born_again(change, made, record)
        return made
    if not has_arrived or here.state not in _IN_HAND or here.header_hash not in (None, receipt.header_hash):
        return None
    facts = Facts(
        origin=origin,
        recipient=change.unit,
        header_hash=receipt.header_hash,
        epoch=receipt.epoch,
        sequence=receipt.sequence,
        note="our own receipt was returned",
    )
    return changes.advance(change, [Step(here, Event.RECALLED, Stage.RESYNC, facts, record)])[0]


def _outbound(change: Change, receipt: "Receipt", record: ReceiptRecord, link: LinkName) -> Transfer | None:
    if any(t.recipient == receipt.issuer for t in _known(change, receipt, Direction.OUTBOUND)):
        return None
    state = {ReceiptCode.DELIVERED: State.DELIVERED, ReceiptCode.COLLECTED: State.COLLECTED}.get(
        receipt.code, State.REFUSED
    )
    made = _insert(change, receipt, Direction.OUTBOUND, state, link=link, origin=change.unit, recipient=receipt.issuer)
    streams.catch_up(change.connection, receipt.issuer, Direction.OUTBOUND, receipt.epoch, receipt.sequence)
    changes.born_again(change, made, record)
    return made


def _known(change: Change, receipt: "Receipt", direction: Direction) -> list[Transfer]:
    c = transfers.c
    query = select_transfers().where(c.bundle_id == receipt.bundle_id, c.direction == direction)
    return [to_transfer(row) for row in change.connection.execute(query)]


def _insert(
    change: Change,
    receipt: "Receipt",
    direction: Direction,
    state: State,
    *,
    link: LinkName,
    origin: UnitCode,
    recipient: UnitCode,
) -> Transfer:
    row = arrivals.row(
        change,
        direction,
        size=receipt.size,
        found_at=change.now,
        state=state,
        link=link,
        origin=origin,
        recipient=recipient,
        peer=origin if direction is Direction.INBOUND else recipient,
        bundle_id=receipt.bundle_id,
        header_hash=receipt.header_hash,
        epoch=receipt.epoch,
        sequence=receipt.sequence or None,
        settled_at=change.now,
    )
    made = change.connection.execute(insert(transfers).returning(transfers.c.id), row).scalar_one()
    return to_transfer(change.connection.execute(select_transfers().where(transfers.c.id == made)).one())
