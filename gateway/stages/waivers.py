"""What a named person has waived: rules of this node for the bytes of one bundle, holds of one transfer."""

from gateway.domain.lifecycle import Event
from gateway.domain.records import Transfer
from gateway.ledger.store import Ledger

STRAIGHT = 2
"""Version of a transfer that was offered, then fetched, and no more: nobody has decided anything about it."""


def waivers(ledger: Ledger, transfer: Transfer) -> set[str]:
    """Return the codes that were waived for the bytes that lie here now; a recheck waives none."""
    waived: set[str] = set()
    if transfer.version <= STRAIGHT:
        return waived
    for entry in ledger.timeline(transfer.id):
        if entry.kind == "event" and entry.what == Event.RELEASED and entry.code:
            waived.add(entry.code)
        elif entry.kind == "event" and entry.what in (Event.FETCHED, Event.RELEASED):
            waived.clear()
    return waived


def was_released(ledger: Ledger, transfer: Transfer, code: str) -> bool:
    """Whether a named person has released `transfer` since it was last held for `code`; other releases say nothing."""
    kinds = [entry.kind for entry in ledger.timeline(transfer.id) if entry.code == code and entry.kind != "attempt"]
    return kinds[-1:] == ["release"]
