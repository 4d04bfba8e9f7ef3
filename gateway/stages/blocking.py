"""Exports that were blocked because they hold marked material: nothing of them is kept, and nothing given back."""

from gateway.domain.lifecycle import Event
from gateway.domain.records import Transfer
from gateway.ledger.store import Ledger
from gateway.standard.findings import SECRET


def is_blocked(ledger: Ledger, transfer: Transfer) -> bool:
    """Whether our own check refused the export for what is marked as a state secret (catalogue D47)."""
    return any(one.what == Event.EXPORT_REFUSED and one.code == SECRET for one in ledger.timeline(transfer.id))
