"""Drops from the spool, at the start, what a power cut left there and the ledger does not expect."""

from pathlib import Path

from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.domain.errors import SecurityError
from gateway.domain.ids import BundleId, ClaimToken, LinkName
from gateway.domain.lifecycle import Direction, State
from gateway.folders import disk
from gateway.folders.claim import ClaimShelf
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger


def sweep(spool: Spool, shelf: ClaimShelf, ledger: Ledger) -> dict[ClaimToken, Path]:
    """Drop bundles that were never recorded, and bundles and stagings that were delivered or set aside. Repeatable.

    A bundle of another epoch was recorded, in a ledger that has been replaced by its backup since, and may have been
    sent: it stays with its claimed export and is returned, for the pack leg to take in as it is.
    """
    forgotten: dict[ClaimToken, Path] = {}
    outbound = spool.outbound_bundles()
    recorded = ledger.several.sealed({bundle for bundle, _token in outbound})
    for bundle, token in outbound:
        if bundle in recorded:
            continue
        path = spool.outbound_bundle(bundle, token)
        if not shelf.is_held(token) or _epoch(path) in (None, ledger.epoch):
            spool.drop(path)
        else:
            forgotten[token] = path
    for link, bundle in spool.inbound_bundles():
        if not _is_expected(ledger, link, bundle):
            spool.drop(spool.inbound_bundle(link, bundle))
    for bundle, header, path in spool.relayed_bundles():
        if not ledger.relays.is_needed(bundle, header):
            spool.drop(path)
    for link, bundle in spool.stagings():
        if not _is_expected(ledger, link, bundle):
            spool.drop_staging(link, bundle)
    return forgotten


def _epoch(path: Path) -> int | None:
    try:
        with disk.mapped(path.parent), path.open("rb") as source:
            return parse_envelope(source.read(ENVELOPE_MAX)).epoch
    except SecurityError:
        return None


def _is_expected(ledger: Ledger, link: LinkName, bundle: BundleId) -> bool:
    inbound = ledger.by_bundle(bundle, Direction.INBOUND)
    return any(t.link == link and t.state in (State.FETCHED, State.VERIFIED) for t in inbound)
