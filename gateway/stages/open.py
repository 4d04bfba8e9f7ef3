"""The rest of receiving: fetched bundles are verified, opened, published by one rename, and receipted in the same
commit."""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace

from gateway.bundle import policy
from gateway.bundle.keys import NodeKeys
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, SecurityError, TransientError
from gateway.domain.ids import LinkName, TransferId, UnitCode
from gateway.domain.lanes import is_large
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, ReceiptCode, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.delivered import DeliveryJournal
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.stages.ahead import AHEAD, DatedAhead
from gateway.stages.answers import ReplyDesk
from gateway.stages.clocks import PeerClocks
from gateway.stages.delivering import REJECTED_REPLY, REPLAYED, Publisher, delivered
from gateway.stages.early import EarlyOpening
from gateway.stages.elsewhere import Elsewhere
from gateway.stages.lanes import BATCH, LOOK_AHEAD, Lanes, Load
from gateway.stages.open_work import OpenBatch, OpenOrder, OpenOutcome, Proven, open_bundles
from gateway.stages.proving import Prover
from gateway.stages.recording import Recorder
from gateway.stages.refusals import WAIVABLE, refusal_code
from gateway.stages.routes import InboundRoute
from gateway.stages.scanning import ScannerWatch, Scanning
from gateway.stages.shortage import LOOK_SECONDS, Shortage, ShortageView, try_again
from gateway.stages.statements import ReceiptPen
from gateway.stages.suspects import QuarantineDesk, Suspect
from gateway.standard.loading import StandardPlace
from gateway.standard.pseudonyms import PseudonymKey


class OpenStage:
    """Takes inbound transfers from fetched to delivered, or sets them aside. One for the node."""

    name = "open"

    def __init__(
        self,
        *,
        unit: UnitCode,
        routes: Sequence[InboundRoute],
        ledger: Ledger,
        spool: Spool,
        journal: DeliveryJournal,
        quarantine: QuarantineDesk,
        lanes: Lanes[tuple[OpenOutcome, ...]],
        early: EarlyOpening,
        shortage: Shortage,
        keys: tuple[NodeKeys, ...],
        standard: StandardPlace,
        pseudonyms: PseudonymKey,
        scanning: Scanning | None,
        scanner: ScannerWatch,
        size_limit: int,
        refuse_unasked: bool,
        relays: bool,
        skew: policy.SkewLimits,
        clocks: PeerClocks,
        directory: Directory,
        replies: ReplyDesk,
        recorder: Recorder,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        """relays: another stage looks first for whom what was fetched is; only what is for us is opened."""
        self._unit = unit
        self._routes = tuple(routes)
        self._ledger = ledger
        self._spool = spool
        self._journal = journal
        self._quarantine = quarantine
        self._lanes = lanes
        self._early = early
        self._elsewhere = Elsewhere(
            shortage.space, lambda space: Shortage(space, clock, ops, lambda: try_again(ledger))
        )
        self._publisher = Publisher(
            routes=routes,
            spool=spool,
            journal=journal,
            book=ledger.deliveries,
            standing=ledger.resync.standing(),
            elsewhere=self._elsewhere,
            replies=replies,
        )
        self._keys = keys
        self._standard = standard
        self._pseudonyms = pseudonyms
        self._scanning = scanning
        self._scanner = scanner
        self._pen = ReceiptPen(unit, keys[0])
        self._refuse_unasked = refuse_unasked
        self._relays = relays
        self._ahead = DatedAhead(ledger, spool, skew, clock)
        self._prover = Prover(
            unit=unit,
            ledger=ledger,
            spool=spool,
            space=shortage.space,
            keys=keys,
            size_limit=size_limit,
            skew_warn=skew.warn,
            clocks=clocks,
            ahead=self._ahead,
            directory=directory,
        )
        self._replies = replies
        self._recorder = recorder
        self._clock = clock
        self._ops = ops
        self._is_awaiting = False
        """Whether something fetched is still being opened early."""
        self._proven: dict[TransferId, Proven] = {}
        """What the envelopes of the bundles under way have proven."""

    def step(self) -> float | None:
        """Record what workers have finished, deliver, give them more; return the seconds until something falls due."""
        for load, future in self._lanes.finished():
            self._finish(load, future)
        self._early.step()
        self._ahead.release()
        self._is_awaiting = False
        while batch := self._lanes.next_batch(self._due):
            if not self._submit(batch):
                break
        # Last, so that workers have something to do meanwhile.
        more = self._deliver_verified()
        # The end of what is awaited rings.
        wait = self._early.pause(None if self._is_awaiting else self._lanes.pause(self._until_due))
        return 0.0 if more else LOOK_SECONDS if self._elsewhere.is_lacking else self._ahead.pause(wait)

    def heard_growing(self, link: LinkName) -> None:
        """Something large has begun to arrive in the mailbox of `link`. Any thread."""
        self._early.heard(link)

    def shortages(self) -> list[ShortageView]:
        """Return which inbound folders on other disks lack room, as the last steps saw it. Any thread."""
        return self._elsewhere.views()

    def close(self) -> None:
        """Cut off what runs in worker processes."""
        self._lanes.close()
        self._early.close()

    # -- envelope, then a worker --------------------------------------------------------------------------------------

    def _due(self, after: str, busy: int) -> list[Transfer]:
        now, ours = self._clock.now(), True if self._relays else None
        due = self._ledger.turns.due(State.FETCHED, now=now, limit=BATCH, busy=busy, after=after, addressed=ours)
        ready = [transfer for transfer in due if not self._early.is_opening(transfer)]
        self._is_awaiting |= len(ready) < len(due)
        return ready

    def _until_due(self) -> float | None:
        if not self._relays:
            return self._recorder.seconds_until_due((State.FETCHED, State.VERIFIED))
        at = self._ledger.relays.next_to_open_at()
        return None if at is None else max(0.0, at - self._clock.now())

    def _submit(self, transfers: Sequence[Transfer]) -> bool:
        """Verify envelopes and hand the bundles to a worker; False if it must wait for its turn."""
        started = self._clock.now()
        ready: list[Transfer] = []
        orders: list[OpenOrder] = []
        for one in self._prover.prove(transfers, started):
            if one.error is not None:
                # Set aside or failed by this, it is due no more.
                self._failed(one.transfer, one.error, one.proven, started)
            else:
                proven = self._proven[one.transfer.id] = known(one.proven)
                ready.append(one.transfer)
                early = self._early.take(one.transfer, proven.envelope)
                orders.append(replace(known(one.order), early=early) if early is not None else known(one.order))
        batch = OpenBatch(tuple(orders), self._keys, self._routes, self._standard, self._pseudonyms, self._scanning)
        if ready and not self._lanes.start(open_bundles, batch, ready):
            return False
        self._early.handed_on(ready)
        return True

    # -- after the worker ---------------------------------------------------------------------------------------------

    def _finish(self, load: Load, future: Future[tuple[OpenOutcome, ...]]) -> None:
        for identifier in load.transfers:
            self._early.over(identifier)
        try:
            outcomes = future.result()
        except GatewayError as error:
            for transfer in load.transfers.values():
                self._proven.pop(transfer.id)
                self._drop_half_opened(transfer)
                self._recorder.fail(transfer, Stage.OPEN, load.each(error), load.started_at)
            return
        self._scanner.heard(outcome.error for outcome in outcomes)
        steps: list[Step] = []
        for outcome in outcomes:
            transfer, proven = load.transfers[outcome.transfer], self._proven.pop(outcome.transfer)
            if outcome.error is None:
                facts = proven.facts(self._unit)
                steps.append(Step(transfer, Event.VERIFIED, Stage.OPEN, facts, started_at=load.started_at))
            else:
                self._failed(transfer, outcome.error, proven, load.started_at)
        self._recorder.advance(steps)

    def _deliver_verified(self) -> bool:
        """Publish verified imports, then record delivery and receipt together; return whether some are left."""
        started = self._clock.now()
        verified = self._ledger.due((State.VERIFIED,), now=started, limit=LOOK_AHEAD)
        verified.sort(key=lambda transfer: (is_large(transfer.size), transfer.priority, transfer.size))
        self._elsewhere.begin()
        small = [transfer for transfer in verified if not is_large(transfer.size)]
        batches = [self._deliver(small[start : start + BATCH], started) for start in range(0, len(small), BATCH)]
        # Of the large ones one in a step: to sync it, and to clear away what it was opened from, may take seconds.
        large = iter(verified[len(small) :])
        has_delivered = any(self._deliver([transfer], started) for transfer in large)
        self._elsewhere.tell(self.name)
        return (has_delivered and next(large, None) is not None) or (any(batches) and len(verified) == LOOK_AHEAD)

    def _deliver(self, verified: Sequence[Transfer], started: float) -> bool:
        """Publish and record `verified`; return whether anything was published."""
        outcome = self._publisher.publish(verified, started)
        for transfer, error in outcome.failed:
            if error.code in ("staging-missing", REJECTED_REPLY) or isinstance(error, SecurityError):
                # Where the spool was lost the sender is told that it never arrived, and sends the same bundle again.
                self._set_aside(transfer, error, None, started)
            else:
                self._recorder.fail(transfer, Stage.DELIVER, error, started)
        if not outcome.published:
            return False
        self._journal.note([delivered(one.transfer) for one in outcome.published], started)
        transfers = [one.transfer for one in outcome.published]
        receipts = self._pen.sign_all(transfers, ReceiptCode.DELIVERED, (), self._clock.now())
        steps = [
            Step(one.transfer, Event.DELIVERED, Stage.DELIVER, one.facts(), receipt, started)
            for one, receipt in zip(outcome.published, receipts, strict=True)
        ]
        recorded = self._recorder.advance(steps)
        # What could not be recorded keeps its staging folder, whose name says that it was published.
        for transfer in recorded:
            self._spool.drop_delivered(known(transfer.link), known(transfer.bundle_id))
        replies = {one.transfer.id for one in outcome.published if one.is_reply}
        self._replies.gone([transfer for transfer in recorded if transfer.id in replies])
        return True

    # -- what is refused ----------------------------------------------------------------------------------------------

    def _failed(self, transfer: Transfer, error: GatewayError, proven: Proven | None, started: float) -> None:
        """Set a bad bundle aside; trouble of our own, which reaches further than one bundle, proves nothing against
        it."""
        if isinstance(error, TransientError) or error.scope is not Scope.TRANSFER or error.code == AHEAD:
            self._drop_half_opened(transfer)
            self._recorder.fail(transfer, Stage.OPEN, error, started)
        else:
            self._set_aside(transfer, error, proven, started)

    def _drop_half_opened(self, transfer: Transfer) -> None:
        """It is opened anew, and half of it keeps room from whatever would still fit."""
        with suppress(GatewayError):
            self._spool.drop_staging(known(transfer.link), known(transfer.bundle_id))

    def _set_aside(self, transfer: Transfer, error: GatewayError, proven: Proven | None, started: float) -> None:
        """Move the bytes into quarantine and record it; an authentic bundle that can never pass is answered with a
        refusal."""
        link, bundle = known(transfer.link), known(transfer.bundle_id)
        path = self._spool.inbound_bundle(link, bundle)
        try:
            # First what was decrypted before the fault showed: once the bytes have gone there is no second try.
            self._spool.drop_staging(link, bundle)
            if disk.exists(path):
                self._quarantine.take(path, Suspect(path.name, link, error.code))
        except GatewayError as trouble:
            self._recorder.fail(transfer, Stage.OPEN, trouble, started)
            return
        facts = proven.facts(self._unit, error.code) if proven is not None else Facts(note=error.code)
        for aside in self._recorder.advance([Step(transfer, Event.QUARANTINED, Stage.OPEN, facts, started_at=started)]):
            self._ops.alert("bundle-quarantined", transfer=transfer.id, code=error.code, detail=error.detail)
            if proven is not None:
                self._answer(aside, error, proven)
            elif error.code == REJECTED_REPLY:
                record = self._pen.sign(aside, ReceiptCode.VALIDATION_FAILED, (error.code,), self._clock.now())
                self._recorder.advance([Step(aside, Event.REJECTED, Stage.OPEN, Facts(note=error.code), record)])
            elif error.code == REPLAYED:
                # It owes the receipt that stands.
                self._recorder.advance([Step(aside, Event.REJECTED, Stage.OPEN, Facts(note=error.code))])

    def _answer(self, aside: Transfer, error: GatewayError, proven: Proven) -> None:
        """Owe the sender what we have to say: the receipt that stands, if the bundle was delivered before, else a
        refusal."""
        if proven.envelope.bundle_id != aside.bundle_id:
            return
        record = None
        if self._ledger.seen(proven.origin, proven.envelope.bundle_id) != aside.header_hash:
            code = refusal_code(error.code)
            if code is None or (error.code in WAIVABLE and not self._refuse_unasked):
                return
            record = self._pen.sign(aside, code, (error.code,), self._clock.now())
        self._recorder.advance([Step(aside, Event.REJECTED, Stage.OPEN, Facts(note=error.code), record)])
