"""Proves a simulation from the outside: by the ledgers on the disk, the inbound folders, and what was dropped."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.compose.identity import load_settings, open_ledger
from gateway.compose.simulating_build import Scenario, config_of, home_of
from gateway.compose.simulating_case import deliveries, number_of
from gateway.compose.simulating_plan import content
from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction, State, ends
from gateway.domain.records import ReceiptCode, Transfer
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger

PAGE = 1000
COMPLAINTS_MOST = 50
"""Kept of one process; one is enough to fail."""


@dataclass(frozen=True, slots=True)
class ProofOrder:
    """Whose ledgers and folders are to be looked at."""

    scenario: Scenario
    units: tuple[UnitCode, ...]


@dataclass(slots=True)
class Evidence:
    """What was found. The numbers are those of exchanges; one that stands twice was met twice."""

    sent: list[int] = field(default_factory=list)
    """In an origin's ledger, delivered, with the receipt of the right unit for this very bundle."""
    received: list[int] = field(default_factory=list)
    """In the inbound folder of the right unit, with the right bytes."""
    complaints: list[str] = field(default_factory=list)
    bundle_bytes: int = 0
    relayed: int = 0
    """Bundles that hubs carried on, each counted at each hub."""
    owed: int = 0
    """Transfers of any kind that are not at their end."""

    def complain(self, text: str) -> None:
        """Keep a complaint, unless there are enough."""
        if len(self.complaints) < COMPLAINTS_MOST:
            self.complaints.append(text)

    def add(self, other: "Evidence") -> None:
        """Take in what another process found."""
        self.sent += other.sent
        self.received += other.received
        self.complaints += other.complaints
        self.bundle_bytes += other.bundle_bytes
        self.relayed += other.relayed
        self.owed += other.owed


def collect(order: ProofOrder, progress: Callable[[int], None]) -> Evidence:
    """Look at every unit of `order`; for a worker process. May be repeated; opens ledgers for reading only."""
    found = Evidence()
    clock = SystemClock()
    exchanges = order.scenario.exchanges()
    for done, unit in enumerate(order.units, start=1):
        with open_ledger(load_settings(config_of(order.scenario.root, unit)), clock, read_only=True) as ledger:
            for transfer in _all(ledger, Direction.OUTBOUND):
                _weigh(found, order.scenario, ledger, transfer)
            counts = ledger.counts().by_state
            found.relayed += sum(n for (way, _state), n in counts.items() if way is Direction.RELAY)
            found.owed += sum(n for (way, state), n in counts.items() if state not in ends(way))
        for delivery in deliveries(home_of(order.scenario.root, unit)):
            number = delivery.number
            if number is None or number >= len(exchanges) or exchanges[number].receiver != unit:
                found.complain(f"{unit}: delivery {delivery.name} is none of its own")
            elif delivery.digest != hashlib.sha256(content(exchanges[number], order.scenario.seed)).hexdigest():
                found.complain(f"{unit}: delivery {delivery.name} has other bytes than were dropped")
            else:
                found.received.append(number)
        progress(done)
    return found


def verdict(scenario: Scenario, found: Evidence, dropped: Sequence[int]) -> list[str]:
    """Return everything that speaks against: each exchange delivered exactly once, whole, with its receipt home."""
    complaints = list(found.complaints)
    wanted = set(range(scenario.count))
    for what, numbers in (("dropped", list(dropped)), ("receipted", found.sent), ("delivered", found.received)):
        missing = sorted(wanted - set(numbers))
        if missing:
            complaints.append(f"{len(missing)} were never {what}, the first is number {missing[0]}")
        twice = len(numbers) - len(set(numbers))
        if twice:
            complaints.append(f"{twice} were {what} more than once")
    return complaints


def _weigh(found: Evidence, scenario: Scenario, ledger: Ledger, transfer: Transfer) -> None:
    number = number_of(transfer.export_name)
    exchanges = scenario.exchanges()
    if number is None or number >= len(exchanges) or transfer.bundle_id is None:
        found.complain(f"{transfer.origin}: transfer {transfer.id} is of no export that was dropped, or not sealed")
        return
    found.bundle_bytes += transfer.size
    if transfer.state not in (State.DELIVERED, State.COLLECTED):
        found.complain(f"number {number} is {transfer.state} at its origin, hold {transfer.hold_code}")
        return
    wanted = (exchanges[number].receiver, ReceiptCode.DELIVERED, transfer.header_hash)
    if any((r.issuer, r.code, r.header_hash) == wanted for r in ledger.receipts(transfer.bundle_id)):
        found.sent.append(number)
    else:
        found.complain(f"number {number} is delivered, but no receipt of its recipient says so")


def _all(ledger: Ledger, direction: Direction) -> Iterator[Transfer]:
    offset = 0
    while page := ledger.search(TransferFilter(direction=direction), PAGE, offset):
        yield from page
        offset += len(page)
