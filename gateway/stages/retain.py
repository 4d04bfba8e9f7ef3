"""The end of retention: originals and bundles of exchanges that were receipted long enough ago are removed, then
closed; and what was decided about in quarantine long enough ago is removed."""

from collections.abc import Collection

from gateway.domain.clock import Clock
from gateway.domain.ids import BundleId, TransferId
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, Stage, Step, Transfer
from gateway.folders.claim import ClaimShelf
from gateway.folders.quarantine import Quarantine
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.aside import everything
from gateway.stages.recording import Recorder

BATCH = 256
"""Transfers closed in one commit; a step handles one batch, so that a stop is soon noticed."""
ACTOR = "retention"
"""Stands where the record names a person, so that nobody takes it for one's decision."""


class RetainStage:
    """Runs once in a while. `keep_seconds` count from the final receipt, `relay_seconds` from that of what was carried
    for others, `aside_seconds` from the decision, by our own clock."""

    name = "retain"

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        spool: Spool,
        shelf: ClaimShelf,
        quarantine: Quarantine,
        clock: Clock,
        ops: OpsLog,
        keep_seconds: float,
        relay_seconds: float,
        aside_seconds: float,
        every_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._spool = spool
        self._shelf = shelf
        self._quarantine = quarantine
        self._clock = clock
        self._ops = ops
        self._keep_seconds = keep_seconds
        self._relay_seconds = relay_seconds
        self._aside_seconds = aside_seconds
        self._every_seconds = every_seconds

    def step(self) -> float | None:
        """Remove what is due; return the seconds until the next look."""
        self._forget_set_aside()
        before = self._clock.now() - self._keep_seconds
        ended = self._ledger.settled(Direction.OUTBOUND, before, limit=BATCH)
        ending = {transfer.id for transfer in ended}
        for transfer in ended:
            self._remove(transfer, ending)
        self._forget_relayed()
        carried = self._ledger.settled(Direction.RELAY, self._clock.now() - self._relay_seconds, limit=BATCH)
        ended += carried
        note = Facts(note="retention ended")
        self._recorder.advance([Step(t, Event.CLOSED, Stage.OPERATE, note, actor=ACTOR) for t in ended])
        if ended:
            self._ops.info("retention-ended", count=len(ended))
        return 0.0 if len(ended) >= BATCH else self._every_seconds

    def _forget_relayed(self) -> None:
        """Remove what we held for others and a person has closed; what was receipted went with its receipt."""
        held = self._spool.relayed_bundles()
        needed = {self._spool.relayed_bundle(*one) for one in self._ledger.relays.needed({one for one, _, _ in held})}
        for bundle, header, path in held:
            if path in needed or self._is_arriving(bundle):
                continue
            # What was arriving a moment ago may have been taken into custody since.
            if not self._ledger.relays.is_needed(bundle, header):
                self._spool.drop(path)

    def _is_arriving(self, bundle: BundleId) -> bool:
        """Whether it has just been given its place and is not recorded yet."""
        return any(t.state is State.FETCHED for t in self._ledger.by_bundle(bundle, Direction.INBOUND))

    def _forget_set_aside(self) -> None:
        """Remove from quarantine what nobody has had to decide about for long enough."""
        before = self._clock.now() - self._aside_seconds
        gone = 0
        for aside in everything(self._quarantine, self._ledger):
            decided = aside.decided_at
            if decided is not None and decided <= before and not aside.is_pending:
                self._quarantine.remove(aside.thing.id)
                gone += 1
        if gone:
            self._ops.info("quarantine-retention-ended", count=gone)

    def _remove(self, transfer: Transfer, ending: Collection[TransferId]) -> None:
        """Remove what was kept for `transfer`, unless another recipient of its bundle is not among the `ending`."""
        if transfer.claim is None:
            return  # made again from its receipt: there never was anything to remove
        if any(one.id not in ending and one.state is not State.CLOSED for one in self._ledger.of_claim(transfer.claim)):
            return  # whose transfer ends last has it removed
        if transfer.bundle_id is not None:
            self._spool.drop(self._spool.outbound_bundle(transfer.bundle_id, transfer.claim))
        self._shelf.discard(transfer.claim)
