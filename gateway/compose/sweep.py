"""Drops from the spool, at the start, what a power cut left there and the ledger does not expect."""

from pathlib import Path

from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.domain.errors import SecurityError
from gateway.domain.ids import ClaimToken
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
    inbound, stagings = spool.inbound_bundles(), spool.stagings()
    expected = ledger.several.to_open({bundle for _link, bundle in (*inbound, *stagings)})
    for link, bundle in inbound:
        if (link, bundle) not in expected:
            spool.drop(spool.inbound_bundle(link, bundle))
    for link, bundle in stagings:
        if (link, bundle) not in expected:
            spool.drop_staging(link, bundle)
    relayed = spool.relayed_bundles()
    needed = {
        spool.relayed_bundle(*one) for one in ledger.relays.needed({bundle for bundle, _header, _path in relayed})
    }
    for _bundle, _header, path in relayed:
        if path not in needed:
            spool.drop(path)
    return forgotten


def _epoch(path: Path) -> int | None:
    try:
        with disk.mapped(path.parent), path.open("rb") as source:
            return parse_envelope(source.read(ENVELOPE_MAX)).epoch
    except SecurityError:
        return None
