"""What a hub takes into custody: one header to a bundle and one bundle to a number, or nothing of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.errors import SecurityError
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, Priority, ReceiptCode, Stage, Step
from gateway.ledger.relaying import Leg, Taking
from gateway.ledger.store import Ledger
from tests.support.ledger import (
    LINK,
    OTHER_LINK,
    PEER,
    PEER_EPOCH,
    START,
    UNIT,
    bundle,
    header,
    offered,
    open_ledger,
    receipt,
)

RECIPIENT = UnitCode("330103")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def came(ledger: Ledger, number: int, sequence: int) -> Taking:
    """Return how the bundle of that number is taken, under that sequence number of its stream."""
    arrival = ledger.advance(Step(offered(ledger, number, link=OTHER_LINK), Event.FETCHED, Stage.RECEIVE))
    facts = Facts(origin=PEER, header_hash=header(number), epoch=PEER_EPOCH)
    word = receipt(number, ReceiptCode.CUSTODY, issuer=UNIT)
    return Taking(
        arrival, facts, (Leg(RECIPIENT, LINK, sequence, Priority.NORMAL, "", word),), is_ours=False, started_at=START
    )


def test_another_header_under_an_id_that_was_taken_is_equivocation(ledger: Ledger) -> None:
    ledger.relays.take([came(ledger, 1, 1)])
    again = ledger.advance(Step(offered(ledger, 1, link=LINK), Event.FETCHED, Stage.RECEIVE))
    forged = replace(came(ledger, 2, 2), arrival=again)
    with pytest.raises(SecurityError) as refused:
        ledger.relays.take([forged])
    assert refused.value.code == "equivocation"
    assert ledger.get(again.id) == again
    assert ledger.relays.taken_by(PEER, RECIPIENT, PEER_EPOCH, 2) is None


def test_a_number_that_another_bundle_has_is_equivocation_and_takes_in_nothing_beside_it(ledger: Ledger) -> None:
    ledger.relays.take([came(ledger, 1, 1)])
    honest, forged = came(ledger, 2, 2), came(ledger, 3, 1)
    with pytest.raises(SecurityError) as refused:
        ledger.relays.take([honest, forged])
    assert refused.value.code == "equivocation"
    assert ledger.relays.taken_by(PEER, RECIPIENT, PEER_EPOCH, 1) == bundle(1)
    assert ledger.relays.taken_by(PEER, RECIPIENT, PEER_EPOCH, 2) is None
