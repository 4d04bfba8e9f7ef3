"""Versions of one export: which was sealed last, and that the same content is never sealed twice."""

from typing import Final

from sqlalchemy import Connection, and_, exists, or_, select

from gateway.domain.errors import TransientError
from gateway.domain.ids import BundleId, Digest, RouteName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import ReceiptCode, Transfer
from gateway.ledger.rows import select_transfers, storable, to_transfer
from gateway.ledger.schema import events, receipts, transfers

SENT_BEFORE: Final = "sent-before"
"""The same content is under way already."""

_COUNTING: Final = (State.SEALED, State.SENT, State.IN_CUSTODY, State.DELIVERED, State.COLLECTED)
_ARRIVED: Final = (ReceiptCode.DELIVERED, ReceiptCode.COLLECTED)
_KEYS_MAX: Final = 16
"""Business keys that exports of one name may have had; a name stands for one case, or for one file."""


def last_sent(connection: Connection, business_key: str) -> Transfer | None:
    """Return the transfer with this key that was sealed last, of those that count."""
    t, e, r = transfers.c, events.c, receipts.c
    arrived = exists().where(r.transfer_id == t.id, r.code.in_(_ARRIVED))
    query = (
        select_transfers()
        .join(events, and_(e.transfer_id == t.id, e.what == Event.SEALED))
        .where(t.business_key == business_key, t.direction == Direction.OUTBOUND, t.bundle_id.is_not(None))
        .where(or_(t.state.in_(_COUNTING), and_(t.state == State.CLOSED, arrived)))
        # The order of sealing: an export that was held for long has a low number and may still be the newest version.
        .order_by(e.id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else to_transfer(row)


def check_not_sealed_before(connection: Connection, now: Transfer) -> None:
    """Raise TransientError `sent-before` if the last version sealed has the very content of `now`.

    Asked inside the commit that seals: of two that were read at the same time, one is sent.
    """
    last = None if now.business_key is None else last_sent(connection, now.business_key)
    if last is not None and last.id != now.id and last.content_hash == now.content_hash:
        raise TransientError(SENT_BEFORE, f"transfer {last.id} has the same content", facts={"id": last.id})


def bearers(connection: Connection, direction: Direction, peer: UnitCode | None, bundle_id: BundleId) -> list[Transfer]:
    """Return the transfers of a bundle exchanged with `peer`: nobody else's can be corrected by it."""
    c = transfers.c
    query = select_transfers().where(c.bundle_id == bundle_id, c.direction == direction, c.peer == peer)
    return [to_transfer(row) for row in connection.execute(query)]


def sent_as(connection: Connection, route: RouteName, export_name: str) -> dict[str, Digest]:
    """Return business key -> content of the last version that counts, for what was sealed from exports of this name.

    Of many keys only the latest: what is left out is compared once it is sealed, as if nothing had been known.
    """
    c = transfers.c
    query = (
        select(c.business_key)
        .where(c.export_name == storable(export_name), c.route == route)
        .where(c.business_key.is_not(None), c.bundle_id.is_not(None))
        .order_by(c.id.desc())
        .limit(_KEYS_MAX)
    )
    keys = dict.fromkeys(connection.execute(query).scalars())
    last = {key: last_sent(connection, key) for key in keys}
    return {key: one.content_hash for key, one in last.items() if one is not None and one.content_hash is not None}
