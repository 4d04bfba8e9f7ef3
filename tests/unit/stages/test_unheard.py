"""A link by which nothing can leave any more: what it would have carried on does not keep it awake."""

from pathlib import Path

from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Facts, Priority, ReceiptCode, Stage, Step
from gateway.folders.outbox import Outbox
from gateway.ledger.relaying import Leg, Taking
from gateway.stages.backoff import Backoff
from gateway.stages.recording import Recorder
from gateway.stages.unheard import UnheardStage
from tests.support.houses import Heard
from tests.support.ledger import (
    LINK,
    OTHER_LINK,
    PEER,
    PEER_EPOCH,
    START,
    UNIT,
    ToldClock,
    delivered,
    header,
    offered,
    open_ledger,
    receipt,
)


def test_what_others_wait_for_on_it_is_no_reason_to_step_again(tmp_path: Path) -> None:
    clock = ToldClock()
    ledger = open_ledger(tmp_path, clock)
    arrival = ledger.advance(Step(offered(ledger, 1, link=OTHER_LINK), Event.FETCHED, Stage.RECEIVE))
    facts = Facts(origin=PEER, header_hash=header(1), epoch=PEER_EPOCH)
    leg = Leg(UnitCode("330103"), LINK, 1, Priority.NORMAL, "", receipt(1, ReceiptCode.CUSTODY, issuer=UNIT))
    ledger.relays.take([Taking(arrival, facts, (leg,), is_ours=False, started_at=START)])
    came = delivered(ledger, 2, 2, link=LINK)

    recorder = Recorder(ledger, Backoff(5.0, 900.0), clock, Heard())
    outbox = Outbox(tmp_path / "outbox")
    stage = UnheardStage(link=LINK, ledger=ledger, outbox=outbox, recorder=recorder, clock=clock)
    assert stage.step() == 0.0
    assert ledger.get(came.id).state is State.CONFIRMED
    assert stage.step() is None
    assert ledger.next_due_at((State.CHECKED,), LINK, Direction.RELAY) is not None
    ledger.close()
