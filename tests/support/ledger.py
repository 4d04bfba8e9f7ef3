"""Builders for tests of a real ledger: a clock that is told the time, transfers at any point of their life."""

import shutil
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, RouteName, UnitCode
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, FoundExport, Offer, ReceiptCode, ReceiptRecord, Stage, Step, Transfer
from gateway.ledger import gaps
from gateway.ledger.schema import streams as stream_table
from gateway.ledger.store import Ledger

UNIT = UnitCode("330100000000")
PEER = UnitCode("330101")
OTHER_PEER = UnitCode("330102")
LINK = LinkName("to-procuratorate")
OTHER_LINK = LinkName("to-court")
ROUTE = RouteName("police-out")
EPOCH = 77
PEER_EPOCH = 5
START = 1_700_000_000.0


class ToldClock:
    """A clock that shows what the test says."""

    def __init__(self, now: float = START) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def open_ledger(folder: Path, clock: ToldClock | None = None, *, read_only: bool = False) -> Ledger:
    """Open, or make, the ledger of UNIT in `folder`/ledger."""
    return Ledger.open(
        folder / "ledger" / "ledger.db",
        unit=UNIT,
        clock=clock or ToldClock(),
        new_epoch=lambda: EPOCH,
        read_only=read_only,
    )


def copied_as_if_killed(folder: Path, into: Path) -> Path:
    """Copy the files of an open ledger as they lie on the disk, as a power cut would leave them; return `into`."""
    (into / "ledger").mkdir(parents=True, mode=0o700)
    for name in ("ledger.db", "ledger.db-wal"):
        source = folder / "ledger" / name
        if source.exists():
            shutil.copyfile(source, into / "ledger" / name)
            (into / "ledger" / name).chmod(0o600)
    return into


def hexadecimal(number: int, digits: int) -> str:
    return f"{number:0{digits}x}"


def bundle(number: int) -> BundleId:
    return BundleId(hexadecimal(number, 32))


def header(number: int) -> Digest:
    return Digest(hexadecimal(number, 64))


def claim(number: int) -> ClaimToken:
    return ClaimToken(hexadecimal(number, 32))


def export(number: int = 1, *, found_at: float = START, name: str | None = None) -> FoundExport:
    return FoundExport(claim(number), ROUTE, name or f"export-{number}.zip", 1000 + number, found_at)


def offer(number: int = 1, *, link: LinkName = LINK) -> Offer:
    return Offer(link, bundle(number), 2000 + number)


def found(ledger: Ledger, number: int = 1) -> Transfer:
    return ledger.found([export(number)])[0]


def offered(ledger: Ledger, number: int = 1, *, link: LinkName = LINK) -> Transfer:
    return ledger.offered([offer(number, link=link)])[0]


def seal_facts(number: int, sequence: int, *, recipient: UnitCode = PEER, link: LinkName = LINK) -> Facts:
    return Facts(
        link=link,
        recipient=recipient,
        bundle_id=bundle(number),
        header_hash=header(number),
        sequence=sequence,
        flow="arrest-request",
        case_no="A3301",
        size=4096,
        verdict="pass",
    )


def seal(transfer: Transfer, number: int, sequence: int, *, recipient: UnitCode = PEER, link: LinkName = LINK) -> Step:
    facts = seal_facts(number, sequence, recipient=recipient, link=link)
    return Step(transfer, Event.SEALED, Stage.PACK, facts, started_at=START)


def sealed(ledger: Ledger, number: int = 1, *, recipient: UnitCode = PEER, link: LinkName = LINK) -> Transfer:
    sequence = ledger.next_sequence(recipient)
    return ledger.advance(seal(found(ledger, number), number, sequence, recipient=recipient, link=link))


def sent(ledger: Ledger, number: int = 1, *, due_at: float = START + 60, link: LinkName = LINK) -> Transfer:
    step = Step(sealed(ledger, number, link=link), Event.SENT, Stage.SEND, Facts(receipt_due_at=due_at))
    return ledger.advance(step)


def receipt(
    number: int = 1, code: ReceiptCode = ReceiptCode.DELIVERED, *, issuer: UnitCode = PEER, raw: bytes = b""
) -> ReceiptRecord:
    return ReceiptRecord(bundle(number), header(number), code, issuer, START, raw or f"{code} for {number}".encode())


def receipted(transfer: Transfer, event: Event, record: ReceiptRecord | None) -> Step:
    return Step(transfer, event, Stage.ACKNOWLEDGE, receipt=record)


def delivery_facts(number: int, sequence: int, *, origin: UnitCode = PEER, epoch: int = PEER_EPOCH) -> Facts:
    return Facts(origin=origin, recipient=UNIT, header_hash=header(number), epoch=epoch, sequence=sequence)


def verified(
    ledger: Ledger, number: int = 1, sequence: int = 1, *, link: LinkName = LINK, facts: Facts | None = None
) -> Transfer:
    """Return an inbound transfer that only lacks its delivery."""
    fetched = ledger.advance(Step(offered(ledger, number, link=link), Event.FETCHED, Stage.RECEIVE))
    return ledger.advance(Step(fetched, Event.VERIFIED, Stage.OPEN, facts or delivery_facts(number, sequence)))


def deliver(transfer: Transfer, number: int = 1) -> Step:
    own = replace(receipt(number, issuer=UNIT), raw=f"delivered {number}".encode())
    return Step(transfer, Event.DELIVERED, Stage.DELIVER, Facts(export_name=f"import-{number}"), own, START)


def delivered(ledger: Ledger, number: int = 1, sequence: int = 1, *, link: LinkName = LINK) -> Transfer:
    return ledger.advance(deliver(verified(ledger, number, sequence, link=link), number))


def stream_states(ledger: Ledger) -> list[tuple[str, str, int, int]]:
    """Return (peer, direction, epoch, last given out or highest delivered) of every stream, in this order."""
    c = stream_table.c
    with ledger.reading() as connection:
        rows = connection.execute(select(c.peer, c.direction, c.epoch, c.sequence).order_by(*stream_table.primary_key))
        return [(peer, way, epoch, sequence) for peer, way, epoch, sequence in rows]


def missing(ledger: Ledger, origin: UnitCode, epoch: int, limit: int = 100) -> list[tuple[int, int]]:
    """Return the gaps of an inbound stream as (first, last), lowest first: numbers that no transfer bears."""
    with ledger.reading() as connection:
        return gaps.missing(connection, origin, epoch, limit)
