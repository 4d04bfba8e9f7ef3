"""Versions of one export: which was sealed last, and that the same content is never sealed twice."""

from typing import Any, Final

from sqlalchemy import Connection, Select, and_, exists, or_, select

from gateway.domain.errors import TransientError
from gateway.domain.ids import BundleId, Digest, RouteName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import ReceiptCode, Transfer
from gateway.ledger.change import Change
from gateway.ledger.prepared import param, row, rows
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
    found = row(connection, _last_sent, {"key": business_key})
    return None if found is None else to_transfer(found)


def check_not_sealed_before(change: Change, now: Transfer) -> None:
    """Raise TransientError `sent-before` if the last version sealed has the very content of `now`.

    Asked inside the commit that seals: of two that were read at the same time, one is sent.
    """
    key = now.business_key
    last = None if key is None else last_sent(change.about("key", key), key)
    if last is not None and last.id != now.id and last.content_hash == now.content_hash:
        raise TransientError(SENT_BEFORE, f"transfer {last.id} has the same content", facts={"id": last.id})


def bearers(connection: Connection, direction: Direction, peer: UnitCode | None, bundle_id: BundleId) -> list[Transfer]:
    """Return the transfers of a bundle exchanged with `peer`: nobody else's can be corrected by it."""
    its = {"bundle_id": bundle_id, "direction": direction, "peer": peer}
    return [to_transfer(one) for one in rows(connection, _bearers, its)]


def sent_as(connection: Connection, route: RouteName, export_name: str) -> dict[str, Digest]:
    """Return business key -> content of the last version that counts, for what was sealed from exports of this name.

    Of many keys only the latest: what is left out is compared once it is sealed, as if nothing had been known.
    """
    its = {"name": storable(export_name), "route": route}
    keys = dict.fromkeys(key for (key,) in rows(connection, _keys, its))
    last = {key: last_sent(connection, key) for key in keys}
    return {key: one.content_hash for key, one in last.items() if one is not None and one.content_hash is not None}


def _last_sent() -> Select[*tuple[Any, ...]]:
    t, e, r = transfers.c, events.c, receipts.c
    arrived = exists().where(r.transfer_id == t.id, r.code.in_(_ARRIVED))
    return (
        select_transfers()
        .join(events, and_(e.transfer_id == t.id, e.what == Event.SEALED))
        .where(t.business_key == param("key"), t.direction == Direction.OUTBOUND, t.bundle_id.is_not(None))
        .where(or_(t.state.in_(_COUNTING), and_(t.state == State.CLOSED, arrived)))
        # The order of sealing: an export that was held for long has a low number and may still be the newest version.
        .order_by(e.id.desc())
        .limit(1)
    )


def _bearers() -> Select[*tuple[Any, ...]]:
    c = transfers.c
    # The sum keeps a database from walking all that was ever exchanged with the peer.
    its = (c.bundle_id == param("bundle_id"), c.direction == param("direction"), c.peer + "" == param("peer"))
    return select_transfers().where(*its)


def _keys() -> Select[str | None]:
    c = transfers.c
    return (
        select(c.business_key)
        .where(c.export_name == param("name"), c.route == param("route"))
        .where(c.business_key.is_not(None), c.bundle_id.is_not(None))
        .order_by(c.id.desc())
        .limit(_KEYS_MAX)
    )
