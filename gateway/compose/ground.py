"""What outlives a reload of the configuration: everything that holds state."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.daemon.cries import CryBox
from gateway.daemon.progress import ProgressBoard
from gateway.daemon.worker import Bells
from gateway.domain.clock import Clock
from gateway.domain.errors import Scope, TransientError
from gateway.domain.ids import ClaimToken
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Stage, Transfer
from gateway.folders.claim import ClaimShelf
from gateway.folders.delivered import DeliveryJournal
from gateway.folders.outbox import Outbox
from gateway.folders.quarantine import Quarantine
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.bulk import Porters
from gateway.stages.clocks import PeerClocks
from gateway.stages.crew import Crew
from gateway.stages.shortage import Shortage
from gateway.stages.standstill import Standstill
from gateway.stages.watching import STOPPING, Watching
from gateway.transport.api import Progress


@dataclass(frozen=True, slots=True)
class Ground:
    """Made once at the start; the workers of each configuration stand on it."""

    ledger: Ledger
    spool: Spool
    outbox: Outbox
    shelf: ClaimShelf
    shortage: Shortage
    quarantine: Quarantine
    journal: DeliveryJournal
    standstill: Standstill
    sealed_before: Mapping[ClaimToken, Path]
    """Sealed bundles of an earlier epoch that the ledger has forgotten (see `sweep`)."""
    crew: Crew
    board: ProgressBoard
    bells: Bells
    is_stopping: Callable[[], bool]
    clock: Clock
    ops: OpsLog
    clocks: PeerClocks
    porters: Porters
    cries: CryBox = field(default_factory=lambda: CryBox(lambda: None))
    """What the operations log cried, for alerts."""


def cut_off(ground: Ground) -> Progress:
    """Return what cuts off whatever calls it while the node is being stopped."""

    def progress(_done: int) -> None:
        if ground.is_stopping():
            raise TransientError(STOPPING, "the node is being stopped", scope=Scope.NODE)

    return progress


def watching(ground: Ground) -> Watching:
    """Return what shows transfers on the board and, while the node is being stopped, cuts them off instead."""
    look = cut_off(ground)

    @contextmanager
    def watched(transfer: Transfer, stage: Stage, total: int) -> Iterator[Progress]:
        with ground.board.track(transfer.id, stage, total) as shown:

            def progress(done: int) -> None:
                look(done)
                shown(done)

            yield progress

    return watched
