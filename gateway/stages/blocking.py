"""Exports that must not lie here: of marked material nothing is kept, what holds a virus goes into quarantine, and
neither is given back."""

from gateway.domain.lifecycle import Event
from gateway.domain.records import Transfer, known
from gateway.folders.claim import ClaimShelf
from gateway.ledger.store import Ledger
from gateway.stages.scanning import MALWARE
from gateway.stages.suspects import QuarantineDesk, Suspect
from gateway.standard.findings import SECRET


def is_blocked(ledger: Ledger, transfer: Transfer) -> bool:
    """Whether our own check refused the export for what is marked as a state secret (catalogue D47)."""
    return _was_refused_for(SECRET, ledger, transfer)


def is_infected(ledger: Ledger, transfer: Transfer) -> bool:
    """Whether the virus scanner found something in the export."""
    return _was_refused_for(MALWARE, ledger, transfer)


def set_apart(transfer: Transfer, shelf: ClaimShelf, quarantine: QuarantineDesk) -> None:
    """Move the original of an infected export into quarantine; may be repeated. Raises as `disk.failure` says."""
    claim = known(transfer.claim)
    if shelf.is_held(claim):
        parts = shelf.get(claim).parts[0].parent
        # Named by the transfer: the name of an export may be that of a person.
        quarantine.take_folder(parts, Suspect(f"export-{transfer.id}", None, "malware"))
        shelf.discard(claim)


def _was_refused_for(code: str, ledger: Ledger, transfer: Transfer) -> bool:
    return any(one.what == Event.EXPORT_REFUSED and one.code == code for one in ledger.timeline(transfer.id))
