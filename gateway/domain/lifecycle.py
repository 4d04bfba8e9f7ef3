"""The state machine of a transfer, as one table: everything that decides which state may follow which lives here."""

from enum import StrEnum
from functools import cache
from types import MappingProxyType


class Direction(StrEnum):
    """Which way a transfer goes, seen from this node."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"
    RELAY = "relay"  # one recipient's leg of a bundle that a hub carries on and cannot open


class State(StrEnum):
    """What has been achieved, and hence which effect is still owed (named in the comment)."""

    FOUND = "found"  # claimed into the spool; owes a sealed bundle
    SEALED = "sealed"  # bundle durable in the spool; owes the deposit in the peer's mailbox
    SENT = "sent"  # deposited; owes a receipt (or sending again)
    IN_CUSTODY = "in-custody"  # a hub holds it; owes the recipient's receipt
    OFFERED = "offered"  # listed in a mailbox; owes the fetch
    FETCHED = "fetched"  # bytes durable in the spool; owes the verification
    CHECKED = "checked"  # in the custody of a hub; inbound: owes receipts back; relay: owes the deposit
    FORWARDED = "forwarded"  # relay: deposited on its way; owes the recipient's receipt (or sending again)
    SETTLED = "settled"  # at a hub: the receipts are back where the bundle came from; owes nothing
    VERIFIED = "verified"  # opened into the staging folder; owes the delivery
    DELIVERED = "delivered"  # outbound: receipt in hand; inbound: visible to case software, owes the receipt
    CONFIRMED = "confirmed"  # our receipt is in the peer's reach; owes nothing
    COLLECTED = "collected"  # case software took it
    DUPLICATE = "duplicate"  # the same had been delivered before; the source has that receipt; owes nothing
    REFUSED = "refused"  # by our packer or by a signed receipt; the source has been told
    QUARANTINED = "quarantined"  # untrusted bytes set aside; owes a decision
    REJECTED = "rejected"  # decided; owes the refusing receipt
    DISMISSED = "dismissed"  # refusing receipt in the peer's reach; owes nothing
    CLOSED = "closed"  # ended by a person or by retention


class Event(StrEnum):
    """A past fact that moves a transfer on."""

    SEALED = "sealed"
    SENT = "sent"
    CUSTODY_RECEIPTED = "custody-receipted"
    DELIVERY_RECEIPTED = "delivery-receipted"
    COLLECTION_RECEIPTED = "collection-receipted"
    REFUSAL_RECEIPTED = "refusal-receipted"
    EXPORT_REFUSED = "export-refused"
    DELIVERED_BEFORE = "delivered-before"
    FETCHED = "fetched"
    CHECKED = "checked"
    FORWARDED = "forwarded"
    VERIFIED = "verified"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    RECEIPT_ASKED = "receipt-asked"
    RECEIPT_CAME = "receipt-came"
    MISSED = "missed"
    RECALLED = "recalled"
    COLLECTED = "collected"
    QUARANTINED = "quarantined"
    OFFERED_AGAIN = "offered-again"
    RELEASED = "released"
    REJECTED = "rejected"
    DISMISSED = "dismissed"
    CLOSED = "closed"


_D, _S, _E = Direction, State, Event

# A receipt may arrive while we still say `sealed`: we died between the upload and its record.
# `sent` on `sent` is the same bytes deposited again because no receipt came. What a hub holds is never sent again
# unless `missed`: the comparison of both sides has shown that nobody holds it any more.
_OUTBOUND: dict[tuple[State, Event], State] = {
    (_S.FOUND, _E.SEALED): _S.SEALED,
    (_S.FOUND, _E.EXPORT_REFUSED): _S.REFUSED,
    (_S.FOUND, _E.DELIVERED_BEFORE): _S.DUPLICATE,
    (_S.FOUND, _E.CLOSED): _S.CLOSED,
    (_S.SEALED, _E.SENT): _S.SENT,
    (_S.SEALED, _E.CUSTODY_RECEIPTED): _S.IN_CUSTODY,
    (_S.SEALED, _E.DELIVERY_RECEIPTED): _S.DELIVERED,
    (_S.SEALED, _E.COLLECTION_RECEIPTED): _S.COLLECTED,
    (_S.SEALED, _E.REFUSAL_RECEIPTED): _S.REFUSED,
    (_S.SEALED, _E.CLOSED): _S.CLOSED,
    (_S.SENT, _E.SENT): _S.SENT,
    (_S.SENT, _E.MISSED): _S.SENT,
    (_S.SENT, _E.CUSTODY_RECEIPTED): _S.IN_CUSTODY,
    (_S.SENT, _E.DELIVERY_RECEIPTED): _S.DELIVERED,
    (_S.SENT, _E.COLLECTION_RECEIPTED): _S.COLLECTED,
    (_S.SENT, _E.REFUSAL_RECEIPTED): _S.REFUSED,
    (_S.SENT, _E.CLOSED): _S.CLOSED,
    (_S.IN_CUSTODY, _E.MISSED): _S.SENT,
    (_S.IN_CUSTODY, _E.DELIVERY_RECEIPTED): _S.DELIVERED,
    (_S.IN_CUSTODY, _E.COLLECTION_RECEIPTED): _S.COLLECTED,
    (_S.IN_CUSTODY, _E.REFUSAL_RECEIPTED): _S.REFUSED,
    (_S.IN_CUSTODY, _E.CLOSED): _S.CLOSED,
    (_S.DELIVERED, _E.COLLECTION_RECEIPTED): _S.COLLECTED,
    (_S.DELIVERED, _E.CLOSED): _S.CLOSED,
    (_S.COLLECTED, _E.CLOSED): _S.CLOSED,
    (_S.DUPLICATE, _E.CLOSED): _S.CLOSED,
    (_S.REFUSED, _E.CLOSED): _S.CLOSED,
}

# No path leads from delivered back to verified: delivery happens at most once. A bundle that arrives again is the sign
# that our receipt was lost: the same receipt is owed once more, nothing else. Bytes that were damaged on the way are
# set aside; the same bundle offered again, whole this time, is fetched anew. That it was collected is noticed only
# after it was confirmed, so that no receipt is forgotten over it. After a restore the sender returns our own receipt:
# what was delivered before is recalled, and never delivered again. A receipt comes to what was delivered or refused
# here only at a hub that is one of several recipients: it owes the sender the others' receipts too. What a hub has
# passed on it fetches anew only if it has lost the bytes while somebody still needs them.
_INBOUND: dict[tuple[State, Event], State] = {
    (_S.OFFERED, _E.FETCHED): _S.FETCHED,
    (_S.OFFERED, _E.QUARANTINED): _S.QUARANTINED,
    (_S.OFFERED, _E.RECALLED): _S.CONFIRMED,
    (_S.OFFERED, _E.CLOSED): _S.CLOSED,
    (_S.FETCHED, _E.VERIFIED): _S.VERIFIED,
    (_S.FETCHED, _E.CHECKED): _S.CHECKED,
    (_S.FETCHED, _E.CLOSED): _S.CLOSED,
    (_S.CHECKED, _E.CONFIRMED): _S.SETTLED,
    (_S.CHECKED, _E.CLOSED): _S.CLOSED,
    (_S.SETTLED, _E.RECEIPT_CAME): _S.CHECKED,
    (_S.SETTLED, _E.RECEIPT_ASKED): _S.CHECKED,
    (_S.SETTLED, _E.OFFERED_AGAIN): _S.OFFERED,
    (_S.SETTLED, _E.CLOSED): _S.CLOSED,
    (_S.FETCHED, _E.QUARANTINED): _S.QUARANTINED,
    (_S.FETCHED, _E.RECALLED): _S.CONFIRMED,
    (_S.VERIFIED, _E.DELIVERED): _S.DELIVERED,
    (_S.VERIFIED, _E.QUARANTINED): _S.QUARANTINED,
    (_S.DELIVERED, _E.CONFIRMED): _S.CONFIRMED,
    (_S.CONFIRMED, _E.RECEIPT_ASKED): _S.DELIVERED,
    (_S.CONFIRMED, _E.RECEIPT_CAME): _S.DELIVERED,
    (_S.CONFIRMED, _E.COLLECTED): _S.COLLECTED,
    (_S.CONFIRMED, _E.CLOSED): _S.CLOSED,
    (_S.COLLECTED, _E.RECEIPT_ASKED): _S.DELIVERED,
    (_S.COLLECTED, _E.RECEIPT_CAME): _S.DELIVERED,
    (_S.COLLECTED, _E.CLOSED): _S.CLOSED,
    (_S.QUARANTINED, _E.OFFERED_AGAIN): _S.OFFERED,
    (_S.QUARANTINED, _E.RECALLED): _S.CONFIRMED,
    (_S.QUARANTINED, _E.RELEASED): _S.FETCHED,
    (_S.QUARANTINED, _E.REJECTED): _S.REJECTED,
    (_S.QUARANTINED, _E.CLOSED): _S.CLOSED,
    (_S.REJECTED, _E.DISMISSED): _S.DISMISSED,
    (_S.DISMISSED, _E.RECEIPT_ASKED): _S.REJECTED,
    (_S.DISMISSED, _E.RECEIPT_CAME): _S.REJECTED,
    (_S.DISMISSED, _E.CLOSED): _S.CLOSED,
}

# A hub keeps one inbound transfer for the arrival of a bundle, which owes receipts back, and one relay transfer for
# each recipient, which owes the bytes on. What nobody may carry is set aside before any relay transfer is born.
_RELAY: dict[tuple[State, Event], State] = {
    (_S.CHECKED, _E.FORWARDED): _S.FORWARDED,
    (_S.FORWARDED, _E.FORWARDED): _S.FORWARDED,
    (_S.FORWARDED, _E.MISSED): _S.FORWARDED,
    (_S.FORWARDED, _E.CUSTODY_RECEIPTED): _S.FORWARDED,
    (_S.CHECKED, _E.CUSTODY_RECEIPTED): _S.FORWARDED,
    **{
        (state, event): _S.SETTLED
        for state in (_S.CHECKED, _S.FORWARDED)
        for event in (_E.DELIVERY_RECEIPTED, _E.COLLECTION_RECEIPTED, _E.REFUSAL_RECEIPTED)
    },
    (_S.SETTLED, _E.COLLECTION_RECEIPTED): _S.SETTLED,
    (_S.CHECKED, _E.CLOSED): _S.CLOSED,
    (_S.FORWARDED, _E.CLOSED): _S.CLOSED,
    (_S.SETTLED, _E.CLOSED): _S.CLOSED,
}

TABLE = MappingProxyType(
    {
        _D.OUTBOUND: MappingProxyType(_OUTBOUND),
        _D.INBOUND: MappingProxyType(_INBOUND),
        _D.RELAY: MappingProxyType(_RELAY),
    }
)
"""direction -> (state, event) -> state; what is not listed is illegal."""

FIRST = MappingProxyType({_D.OUTBOUND: _S.FOUND, _D.INBOUND: _S.OFFERED, _D.RELAY: _S.CHECKED})
"""The state in which a transfer of each direction is born."""


class IllegalStepError(Exception):
    """A bug or a contradiction by a peer: the event cannot follow the state. Peers' claims pass `is_legal` first."""


def is_legal(direction: Direction, state: State, event: Event) -> bool:
    """Whether `event` may happen to a transfer of `direction` in `state`."""
    return (state, event) in TABLE[direction]


def after(direction: Direction, state: State, event: Event) -> State:
    """Return the state that `event` leads to; IllegalStepError if the table has no such step."""
    try:
        return TABLE[direction][state, event]
    except KeyError:
        raise IllegalStepError(f"{direction}: {event} cannot follow {state}") from None


@cache
def ends(direction: Direction) -> frozenset[State]:
    """Return the states in which a transfer of `direction` owes nothing and waits for nobody."""
    table = TABLE[direction]
    reached = set(table.values()) | {FIRST[direction]}
    owing = {
        _S.FOUND,
        _S.SEALED,
        _S.SENT,
        _S.IN_CUSTODY,
        _S.OFFERED,
        _S.FETCHED,
        _S.CHECKED,
        _S.FORWARDED,
        _S.VERIFIED,
        _S.QUARANTINED,
        _S.REJECTED,
    }
    if direction is _D.INBOUND:
        owing.add(_S.DELIVERED)
    return frozenset(reached - owing)
