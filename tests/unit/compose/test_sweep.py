"""What a power cut left in the spool goes at the start; what the ledger expects stays."""

from pathlib import Path

from gateway.compose.sweep import sweep
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, Priority, ReceiptCode, Stage, Step
from gateway.folders.claim import ClaimShelf
from gateway.folders.spool import Spool
from gateway.ledger.relaying import Leg, Taking
from tests.support.ledger import (
    LINK,
    OTHER_LINK,
    PEER,
    PEER_EPOCH,
    START,
    UNIT,
    bundle,
    claim,
    delivered,
    header,
    offered,
    open_ledger,
    receipt,
    sealed,
    verified,
)


def test_only_what_the_ledger_expects_stays(tmp_path: Path) -> None:
    ledger, spool = open_ledger(tmp_path), Spool(tmp_path / "spool")
    spool.prepare()
    sealed(ledger, 1)
    ledger.advance(Step(offered(ledger, 2), Event.FETCHED, Stage.RECEIVE))
    verified(ledger, 3, sequence=3)
    delivered(ledger, 4, sequence=4)
    stranger = BundleId("f" * 32)
    shelf = ClaimShelf(spool.claims)
    for one, token in ((bundle(1), claim(1)), (stranger, claim(9))):
        spool.outbound_bundle(one, token).touch()
    for one in (bundle(2), bundle(3), bundle(4), stranger):
        spool.fetching(LINK, one).touch()
        spool.keep_fetched(LINK, [one])
        spool.fresh_staging(LINK, one).make()

    for _repeat in range(2):
        assert sweep(spool, shelf, ledger) == {}
        assert spool.outbound_bundles() == [(bundle(1), claim(1))]
        assert sorted(spool.inbound_bundles()) == [(LINK, bundle(2)), (LINK, bundle(3))]
        assert sorted(spool.stagings()) == [(LINK, bundle(2)), (LINK, bundle(3))]
    ledger.close()


def test_what_is_carried_for_others_stays_until_it_is_needed_no_more(tmp_path: Path) -> None:
    ledger, spool = open_ledger(tmp_path), Spool(tmp_path / "spool")
    spool.prepare()
    arrival = ledger.advance(Step(offered(ledger, 1), Event.FETCHED, Stage.RECEIVE))
    facts = Facts(origin=PEER, header_hash=header(1), epoch=PEER_EPOCH)
    custody = receipt(1, ReceiptCode.CUSTODY, issuer=UNIT)
    leg = Leg(UnitCode("330103"), OTHER_LINK, 1, Priority.NORMAL, "", custody)
    ledger.relays.take([Taking(arrival, facts, (leg,), is_ours=False, started_at=START)])
    held = spool.relayed_bundle(bundle(1), header(1))
    for path in (
        held,
        spool.relayed_bundle(bundle(1), Digest("e" * 64)),
        spool.relayed_bundle(bundle(2), Digest("d" * 64)),
    ):
        path.touch()
    sweep(spool, ClaimShelf(spool.claims), ledger)
    assert [path for _, _, path in spool.relayed_bundles()] == [held]
    ledger.close()
