"""Drops from the spool, at the start, what a power cut left there and the ledger does not expect."""

from gateway.domain.ids import BundleId, LinkName
from gateway.domain.lifecycle import Direction, State
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger


def sweep(spool: Spool, ledger: Ledger) -> None:
    """Drop bundles that were never recorded, and bundles and stagings that were delivered or set aside. Repeatable."""
    for bundle in spool.outbound_bundles():
        if not ledger.by_bundle(bundle, Direction.OUTBOUND):
            spool.drop(spool.outbound_bundle(bundle))
    for link, bundle in spool.inbound_bundles():
        if not _is_expected(ledger, link, bundle):
            spool.drop(spool.inbound_bundle(link, bundle))
    for link, bundle in spool.stagings():
        if not _is_expected(ledger, link, bundle):
            spool.drop_staging(link, bundle)


def _is_expected(ledger: Ledger, link: LinkName, bundle: BundleId) -> bool:
    inbound = ledger.by_bundle(bundle, Direction.INBOUND)
    return any(t.link == link and t.state in (State.FETCHED, State.VERIFIED) for t in inbound)
