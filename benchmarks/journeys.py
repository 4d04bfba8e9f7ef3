"""The journey of each export from the drop to the signed receipt, read out of both ledgers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.lifecycle import Direction, Event
from gateway.domain.records import TimelineEntry, Transfer, known
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger

LEGS = ("claim", "pack", "send", "receive", "open", "receipt")
"""claim: dropped to claimed; pack: to sealed; send: to deposited with the peer; receive: to durable and listed at the
peer; open: to delivered into the inbound folder; receipt: to the signed receipt recorded at the sender."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One export's times in seconds since 1970, at the end of each leg; both ledgers read the same machine's clock."""

    export: str
    delivered_as: str
    dropped: float
    marks: tuple[float, ...]
    """The end of each of LEGS, never decreasing: what was recorded after a later leg had ended counts as nought."""

    @property
    def seconds(self) -> float:
        """From the drop to the signed receipt."""
        return self.marks[-1] - self.dropped

    def leg(self, name: str) -> float:
        """Return the seconds that one leg took, waiting included."""
        at = LEGS.index(name)
        return self.marks[at] - self.began(name)

    def began(self, name: str) -> float:
        """Return when a leg began."""
        at = LEGS.index(name)
        return self.marks[at - 1] if at else self.dropped


@dataclass(frozen=True, slots=True)
class Tally:
    """Whether every export arrived exactly once, in numbers."""

    sent: int
    bundles: int
    received: int
    distinct: int

    def complaints(self, expected: int) -> list[str]:
        """Return what is wrong with it; empty if every export has one bundle, delivered once."""
        wanted = {"transfers sent": self.sent, "bundles": self.bundles, "deliveries": self.received}
        wanted["different bundles delivered"] = self.distinct
        return [f"{number} {name} instead of {expected}" for name, number in wanted.items() if number != expected]


def journeys(ours: Ledger, theirs: Ledger, dropped: Mapping[str, float]) -> tuple[list[Journey], Tally]:
    """Return the journeys of the exports that were dropped, by name, and how many were counted on either side."""
    sent = [t for t in _all(ours, Direction.OUTBOUND) if t.export_name in dropped]
    wanted = {known(transfer.bundle_id) for transfer in sent}
    received = [t for t in _all(theirs, Direction.INBOUND) if t.bundle_id in wanted]
    by_bundle = {known(transfer.bundle_id): transfer for transfer in received}
    found = [
        _journey(transfer, by_bundle[known(transfer.bundle_id)], ours, theirs, dropped[transfer.export_name])
        for transfer in sent
        if transfer.bundle_id in by_bundle
    ]
    return found, Tally(len(sent), len(wanted), len(received), len(by_bundle))


def _all(ledger: Ledger, direction: Direction) -> list[Transfer]:
    return ledger.search(TransferFilter(direction=direction), limit=1_000_000)


def _journey(sent: Transfer, received: Transfer, ours: Ledger, theirs: Ledger, dropped: float) -> Journey:
    outbound, inbound = ours.timeline(sent.id), theirs.timeline(received.id)
    times = (
        sent.found_at,
        _at(outbound, Event.SEALED),
        _at(outbound, Event.SENT),
        _at(inbound, Event.FETCHED),
        _at(inbound, Event.DELIVERED),
        _at(outbound, Event.DELIVERY_RECEIPTED),
    )
    marks: list[float] = []
    last = dropped
    for time in times:
        last = max(last, time)
        marks.append(last)
    return Journey(sent.export_name, received.export_name, dropped, tuple(marks))


def _at(entries: Sequence[TimelineEntry], event: Event) -> float:
    """Return when an event was recorded; 0 if it never was, e.g. `sent` when the receipt was quicker."""
    return next((entry.at for entry in entries if entry.what == event), 0.0)
