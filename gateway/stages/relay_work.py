"""The part of relaying that runs in a worker process: every byte of a bundle is hashed, and no key is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.envelope import Envelope
from gateway.bundle.payload import verify_payload
from gateway.domain.errors import GatewayError
from gateway.domain.ids import TransferId
from gateway.folders import disk


@dataclass(frozen=True, slots=True)
class RelayOrder:
    """One bundle whose envelope was verified. `size`: bytes of the file."""

    transfer: TransferId
    bundle: Path
    size: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class RelayOutcome:
    """What became of one order; `error` None: every byte is the one that its sender signed."""

    transfer: TransferId
    error: GatewayError | None


def verify_bundles(orders: tuple[RelayOrder, ...], report: Callable[[int], None]) -> tuple[RelayOutcome, ...]:
    """Hash the bundles of one batch; one that is damaged says nothing of its neighbours.

    report: told the bytes hashed so far, of all together. May be repeated. Memory: one segment.
    """
    outcomes: list[RelayOutcome] = []
    done = 0
    for order in orders:
        outcomes.append(RelayOutcome(order.transfer, _verified(order, done, report)))
        done += order.size
    return tuple(outcomes)


def _verified(order: RelayOrder, before: int, report: Callable[[int], None]) -> GatewayError | None:
    try:
        with disk.mapped(order.bundle.parent), order.bundle.open("rb") as source:
            verify_payload(source, order.size, order.envelope, progress=lambda done: report(before + done))
    except GatewayError as error:
        return error
    return None
