"""Which rules of this node a named person has waived for the bytes of one bundle."""

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
