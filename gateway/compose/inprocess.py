"""A node without a daemon: its real ledger, spool, stages and trust in the caller's process, stepped by the caller."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.compose.ground import Ground
from gateway.compose.identity import Identity, new_epoch
from gateway.compose.node import JOURNAL_FOLDER
from gateway.compose.room import guarded
from gateway.compose.sweep import sweep
from gateway.compose.workers import Plan, Planner
from gateway.daemon.crew import InlineCrew
from gateway.daemon.porters import InlinePorters
from gateway.daemon.progress import FILE_NAME as PROGRESS_FILE
from gateway.daemon.progress import ProgressBoard
from gateway.daemon.worker import Bells, Worker
from gateway.domain.clock import Clock
from gateway.domain.oplog import OpsLog
from gateway.folders.claim import ClaimShelf
from gateway.folders.delivered import DeliveryJournal
from gateway.folders.outbox import Outbox
from gateway.folders.quarantine import Quarantine
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.clocks import PeerClocks
from gateway.stages.standstill import Standstill
from gateway.words.catalogue import Words


@dataclass(frozen=True, slots=True)
class InsideNode:
    """One node's parts. Its workers are stepped one at a time; nothing happens by itself."""

    identity: Identity
    ground: Ground
    plan: Plan
    workers: Mapping[str, Worker]

    @property
    def ledger(self) -> Ledger:
        """The node's ledger."""
        return self.ground.ledger

    def close(self) -> None:
        """Give back what the node holds open; it may be opened again."""
        for worker in self.plan.workers:
            close = getattr(worker, "close", None)
            if close is not None:
                close()
        self.ledger.close()


def open_inside(
    identity: Identity,
    *,
    clock: Clock,
    ops: OpsLog,
    words: Words,
    bells: Bells | None = None,
    free_space: int | None = None,
    durable: bool = True,
    epoch: Callable[[], int] = new_epoch,
    change: Callable[[Ground], Ground] = lambda ground: ground,
) -> InsideNode:
    """Do what a daemon does at its start, but for threads, processes, server and watches.

    bells:      told whom a worker wants to be stepped.
    free_space: bytes of its disk that are never used up; None: as its settings say.
    change:     puts something else in the place of a part of the ground.
    Raises as the daemon's start does.
    """
    settings = identity.settings
    spool = Spool(settings.paths.spool)
    spool.prepare()
    quarantine = Quarantine(settings.paths.quarantine)
    quarantine.recover()
    bells = Bells() if bells is None else bells
    board = ProgressBoard(
        settings.paths.state / PROGRESS_FILE, clock=clock, ring=lambda: None, on_progress=lambda _name: None
    )
    ledger = Ledger.open(settings.ledger_path, unit=settings.node.unit, clock=clock, new_epoch=epoch, durable=durable)
    ledger.resync.begin_life(secrets.token_hex(16))
    shelf = ClaimShelf(spool.claims)
    journal = DeliveryJournal(settings.paths.state / JOURNAL_FOLDER)
    journal.prepare(clock.now())
    floor = settings.limits.free_space if free_space is None else free_space
    ground = change(
        Ground(
            ledger,
            spool,
            Outbox(spool.outbox),
            shelf,
            guarded(settings, floor, ledger, clock, ops),
            quarantine,
            journal,
            Standstill(ledger.resync.standing().standstill, lambda _code: None),
            sweep(spool, shelf, ledger),
            InlineCrew(),
            board,
            bells,
            lambda: False,
            clock,
            ops,
            PeerClocks(clock, ops),
            InlinePorters(),
        )
    )
    plan = Planner(identity, ground, words).plan()
    plan.claim.adopt()
    return InsideNode(identity, ground, plan, MappingProxyType({worker.name: worker for worker in plan.workers}))
