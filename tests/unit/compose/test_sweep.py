"""What a power cut left in the spool goes at the start; what the ledger expects stays."""

from pathlib import Path

from gateway.compose.sweep import sweep
from gateway.domain.ids import BundleId
from gateway.domain.lifecycle import Event
from gateway.domain.records import Stage, Step
from gateway.folders.claim import ClaimShelf
from gateway.folders.spool import Spool
from tests.support.ledger import LINK, bundle, claim, delivered, offered, open_ledger, sealed, verified


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
