"""Transfers put into a node's real ledger by hand, at any point of their life."""

from gateway.domain.clock import SystemClock
from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.ids import BundleId, ClaimToken, Digest, RouteName, UnitCode
from gateway.domain.lifecycle import Event
from gateway.domain.records import (
    Facts,
    FoundExport,
    Offer,
    ReceiptCode,
    ReceiptRecord,
    Stage,
    Step,
    Transfer,
)
from gateway.ledger.store import Ledger
from tests.support.desk import LINK, PEER

CLOCK = SystemClock()
CASE = "A9901020000002026030012"


def found(ledger: Ledger, number: int = 1, *, name: str = "", at: float | None = None) -> Transfer:
    """A claimed export."""
    when = CLOCK.now() if at is None else at
    claim = ClaimToken(f"{number:032x}")
    return ledger.found([FoundExport(claim, RouteName("police"), name or f"导出_{number}.zip", 1000, when)])[0]


def bundle(number: int) -> BundleId:
    return BundleId(f"{number:032x}")


def header(number: int) -> Digest:
    return Digest(f"{number:064x}")


def sealed(ledger: Ledger, number: int = 1, *, case: str = CASE, at: float | None = None) -> Transfer:
    """An export that became a bundle for PEER."""
    facts = Facts(
        link=LINK,
        recipient=PEER,
        bundle_id=bundle(number),
        header_hash=header(number),
        sequence=ledger.next_sequence(PEER),
        flow="arrest-request",
        case_no=case,
        size=4096,
        verdict="warn",
        note="DATE-ORDER",
    )
    transfer = found(ledger, number, at=at)
    return ledger.advance(Step(transfer, Event.SEALED, Stage.PACK, facts, started_at=CLOCK.now() - 2))


def sent(ledger: Ledger, number: int = 1, *, at: float | None = None, due: float | None = None) -> Transfer:
    """A bundle in the peer's mailbox."""
    transfer = sealed(ledger, number, at=at)
    wanted = CLOCK.now() + 3600 if due is None else due
    return ledger.advance(Step(transfer, Event.SENT, Stage.SEND, Facts(receipt_due_at=wanted)))


def delivered(ledger: Ledger, number: int = 1) -> Transfer:
    """A bundle whose receipt is in hand."""
    transfer = sent(ledger, number)
    receipt = ReceiptRecord(
        bundle(number), header(number), ReceiptCode.DELIVERED, UnitCode(PEER), CLOCK.now(), b"signed"
    )
    return ledger.advance(Step(transfer, Event.DELIVERY_RECEIPTED, Stage.ACKNOWLEDGE, Facts(note="110"), receipt))


def held(ledger: Ledger, number: int = 1) -> Transfer:
    """An export that a check held."""
    transfer = found(ledger, number)
    error = PermanentError("export-held", "DETENTION-LIMIT")
    return ledger.fail(transfer, Stage.PACK, error, started_at=CLOCK.now(), retry_at=None)


def failing(ledger: Ledger, number: int = 1, *, retry_in: float = 900.0) -> Transfer:
    """A sealed bundle whose sending failed."""
    transfer = sealed(ledger, number)
    error = TransientError("size-mismatch", "4095 of 4096 bytes arrived")
    now = CLOCK.now()
    return ledger.fail(transfer, Stage.SEND, error, started_at=now, retry_at=now + retry_in)


def quarantined(ledger: Ledger, number: int = 1) -> Transfer:
    """An inbound bundle that was set aside."""
    transfer = ledger.offered([Offer(LINK, bundle(number), 5000)])[0]
    return ledger.advance(Step(transfer, Event.QUARANTINED, Stage.OPEN, Facts(note="bad-signature")))


def verified(ledger: Ledger, number: int = 1, *, sequence: int = 1) -> Transfer:
    """An inbound bundle of PEER that was opened."""
    transfer = ledger.offered([Offer(LINK, bundle(number), 5000)])[0]
    transfer = ledger.advance(Step(transfer, Event.FETCHED, Stage.RECEIVE))
    facts = Facts(origin=PEER, header_hash=header(number), epoch=7, sequence=sequence)
    return ledger.advance(Step(transfer, Event.VERIFIED, Stage.OPEN, facts))
