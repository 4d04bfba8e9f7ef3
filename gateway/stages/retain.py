"""The end of retention: originals and bundles of exchanges that were receipted long enough ago are removed, then
closed."""

from gateway.domain.clock import Clock
from gateway.domain.lifecycle import Direction, Event
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, Stage, Step, Transfer
from gateway.folders.claim import ClaimShelf
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.recording import Recorder

BATCH = 256
"""Transfers closed in one commit; a step handles one batch, so that a stop is soon noticed."""


class RetainStage:
    """Runs once in a while. `keep_seconds` count from the final receipt, by our own clock."""

    name = "retain"

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        spool: Spool,
        shelf: ClaimShelf,
        clock: Clock,
        ops: OpsLog,
        keep_seconds: float,
        every_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._spool = spool
        self._shelf = shelf
        self._clock = clock
        self._ops = ops
        self._keep_seconds = keep_seconds
        self._every_seconds = every_seconds

    def step(self) -> float | None:
        """Remove what is due; return the seconds until the next look."""
        before = self._clock.now() - self._keep_seconds
        ended = self._ledger.settled(Direction.OUTBOUND, before, limit=BATCH)
        for transfer in ended:
            self._remove(transfer)
        note = Facts(note="retention ended")
        self._recorder.advance([Step(t, Event.CLOSED, Stage.OPERATE, note, actor="retention") for t in ended])
        if ended:
            self._ops.info("retention-ended", count=len(ended))
        return 0.0 if len(ended) >= BATCH else self._every_seconds

    def _remove(self, transfer: Transfer) -> None:
        if transfer.claim is None:
            return  # made again from its receipt: there never was anything to remove
        if transfer.bundle_id is not None:
            self._spool.drop(self._spool.outbound_bundle(transfer.bundle_id, transfer.claim))
        self._shelf.discard(transfer.claim)
