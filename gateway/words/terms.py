"""The names that people read for the values of the vocabulary: states, events, stages, receipts, verdicts, menders."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.domain.answers import Kind
from gateway.domain.errors import Scope
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import ReceiptCode, Stage
from gateway.standard.findings import Verdict

DIRECTIONS: Mapping[str, str] = MappingProxyType(
    {Direction.OUTBOUND: "outbound", Direction.INBOUND: "inbound", Direction.RELAY: "relay"}
)

STATES: Mapping[str, str] = MappingProxyType(
    {
        State.FOUND: "taken, not sealed yet",
        State.SEALED: "sealed, not sent yet",
        State.SENT: "sent, waiting for the receipt",
        State.IN_CUSTODY: "held by the hub, waiting for the recipient",
        State.OFFERED: "offered, not fetched yet",
        State.FETCHED: "fetched, not verified yet",
        State.CHECKED: "checked and in our custody",
        State.FORWARDED: "passed on, waiting for the recipient's receipt",
        State.SETTLED: "passed on, receipts returned",
        State.VERIFIED: "verified, not delivered yet",
        State.DELIVERED: "delivered",
        State.CONFIRMED: "delivered, receipt sent",
        State.COLLECTED: "collected by the case software",
        State.DUPLICATE: "the same was delivered before",
        State.REFUSED: "refused",
        State.QUARANTINED: "in quarantine, waiting for a person",
        State.REJECTED: "rejected, refusal not sent yet",
        State.DISMISSED: "rejected, refusal sent",
        State.CLOSED: "closed",
    }
)

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        Event.SEALED: "was sealed",
        Event.SENT: "was put into the mailbox",
        Event.CUSTODY_RECEIPTED: "the hub confirmed custody",
        Event.DELIVERY_RECEIPTED: "the recipient confirmed delivery",
        Event.COLLECTION_RECEIPTED: "the recipient's case software took it",
        Event.REFUSAL_RECEIPTED: "the recipient refused it",
        Event.EXPORT_REFUSED: "the check refused the export",
        Event.DELIVERED_BEFORE: "the same had been delivered before; the source has that receipt",
        Event.FETCHED: "was fetched",
        Event.CHECKED: "was checked and taken into custody",
        Event.FORWARDED: "was passed on",
        Event.RECEIPT_CAME: "a receipt came that is to be carried back",
        Event.MISSED: "the comparison showed that it never arrived; it is sent again",
        Event.VERIFIED: "was verified and opened",
        Event.DELIVERED: "was put into the inbound folder",
        Event.CONFIRMED: "our receipt was sent",
        Event.RECEIPT_ASKED: "the sender asked for the receipt again",
        Event.RECALLED: "the sender returned our own receipt: it was delivered before",
        Event.COLLECTED: "the case software took it",
        Event.QUARANTINED: "was put into quarantine",
        Event.OFFERED_AGAIN: "was offered again",
        Event.RELEASED: "was released from quarantine",
        Event.REJECTED: "was rejected",
        Event.DISMISSED: "our refusal was sent",
        Event.CLOSED: "was closed",
    }
)

STAGES: Mapping[str, str] = MappingProxyType(
    {
        Stage.PACK: "checking and sealing",
        Stage.SEND: "sending",
        Stage.RECEIVE: "fetching",
        Stage.RELAY: "passing on",
        Stage.OPEN: "verifying and opening",
        Stage.DELIVER: "delivering",
        Stage.ACKNOWLEDGE: "receipts",
        Stage.RESYNC: "comparing",
        Stage.OPERATE: "operator",
    }
)

RECEIPTS: Mapping[str, str] = MappingProxyType(
    {
        ReceiptCode.CUSTODY: "in custody of the hub",
        ReceiptCode.DELIVERED: "delivered",
        ReceiptCode.COLLECTED: "collected by the case software",
        ReceiptCode.EXPIRED: "refused: it came too late",
        ReceiptCode.TOO_LARGE: "refused: too large",
        ReceiptCode.NOT_PERMITTED: "refused: not permitted",
        ReceiptCode.VALIDATION_FAILED: "refused: the check found faults",
        ReceiptCode.SIGNATURE: "refused: wrong signature",
        ReceiptCode.UNKNOWN_SIGNER: "refused: unknown signer",
        ReceiptCode.REPLAY: "refused: replayed or out of sequence",
        ReceiptCode.NOT_FOR_US: "refused: not addressed to this unit",
        ReceiptCode.DAMAGED: "refused: damaged",
        ReceiptCode.EXPIRES_SOON: "warning: expires soon",
        ReceiptCode.HELD: "warning: held for a person",
        ReceiptCode.CLOCK_SKEW: "warning: the clocks differ",
    }
)

VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        Verdict.PASS: "in order",
        Verdict.FIX: "put in order",
        Verdict.WARN: "sent with a mark",
        Verdict.WAIT: "wait",
        Verdict.HOLD: "held for a person",
        Verdict.REJECT: "returned",
    }
)

MENDERS: Mapping[str, str] = MappingProxyType(
    {
        "handler": "case handler",
        "vendor": "vendor of the case software",
        "operator": "gateway operator",
        "security": "security administrator",
    }
)

SCOPES: Mapping[str, str] = MappingProxyType(
    {
        Scope.TRANSFER: "this transfer only",
        Scope.ROUTE: "everything of the route",
        Scope.LINK: "everything of the link",
        Scope.NODE: "the whole gateway",
    }
)

ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        "open": "not answered yet",
        Kind.INTERIM: "an interim notice, the answer is still to come",
        Kind.RETURNED: "sent back to be completed",
        Kind.FINAL: "answered",
    }
)

TERMS = (DIRECTIONS, STATES, EVENTS, STAGES, RECEIPTS, VERDICTS, MENDERS, SCOPES, ANSWERS)
"""All tables of this module; their values are originals of the catalogue."""
