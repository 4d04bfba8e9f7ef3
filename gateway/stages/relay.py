"""The relay leg of a hub: bundles for others are verified without any key, taken into custody, and handed to the links
that lead on."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from gateway.bundle import policy
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope, parse_envelope
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.domain.ids import TransferId, UnitCode
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.spool import Spool
from gateway.ledger.relaying import Leg, Taking
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.stages.ahead import AHEAD, DatedAhead, held_arrivals
from gateway.stages.clocks import PeerClocks
from gateway.stages.custody import Custody
from gateway.stages.envelopes import proven_envelope
from gateway.stages.hub_refusals import OUR_LACK, HubRefusals, reaches_further
from gateway.stages.lanes import BATCH, Lanes, Load
from gateway.stages.recording import MOVED_ON, Recorder
from gateway.stages.refusals import WAIVABLE, refusal_code
from gateway.stages.relay_checks import Plan, RelayChecks
from gateway.stages.relay_work import RelayOrder, RelayOutcome, verify_bundles
from gateway.stages.statements import ReceiptPen
from gateway.stages.suspects import QuarantineDesk, Suspect
from gateway.stages.waivers import waivers

BY_ROSTER = "roster"
"""Stands where the record names a person: the hub may know today what it lacked."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """What a verified envelope taught about an arrival. `plan`: None if a check failed."""

    envelope: Envelope
    origin: UnitCode
    plan: Plan | None = None

    def facts(self, note: str = "") -> Facts:
        return Facts(
            origin=self.origin,
            header_hash=self.envelope.header_hash,
            epoch=self.envelope.epoch,
            priority=None if self.plan is None else self.plan.priority,
            note=note,
        )


class RelayStage:
    """Takes arrivals from fetched to checked, or sets them aside; what is for this node alone it leaves to be opened.
    One for the hub."""

    name = "relay"

    def __init__(
        self,
        *,
        checks: RelayChecks,
        ledger: Ledger,
        spool: Spool,
        quarantine: QuarantineDesk,
        lanes: Lanes[tuple[RelayOutcome, ...]],
        pen: ReceiptPen,
        refusals: HubRefusals,
        refuse_unasked: bool,
        skew: policy.SkewLimits,
        clocks: PeerClocks,
        directory: Directory,
        custody: Custody,
        recorder: Recorder,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        self._checks = checks
        self._ledger = ledger
        self._spool = spool
        self._quarantine = quarantine
        self._lanes = lanes
        self._pen = pen
        self._refusals = refusals
        self._refuse_unasked = refuse_unasked
        self._skew_warn = skew.warn
        self._ahead = DatedAhead(ledger, spool, skew, clock)
        self._clocks = clocks
        self._directory = directory
        self._custody = custody
        self._recorder = recorder
        self._clock = clock
        self._ops = ops
        self._proven: dict[TransferId, _Proven] = {}
        """What the envelopes of the bundles under way have proven."""
        self._has_looked_again = False

    def step(self) -> float | None:
        """Record what workers have verified, give them more; return the seconds until something falls due."""
        for load, future in self._lanes.finished():
            self._finish(load, future)
        self._look_again()
        self._ahead.release()
        while batch := self._lanes.next_batch(self._due):
            if not self._submit(batch):
                break
        return self._ahead.pause(self._lanes.pause(self._until_due))

    def close(self) -> None:
        """Cut off what runs in worker processes."""
        self._lanes.close()

    def _due(self, after: str, busy: int) -> list[Transfer]:
        now = self._clock.now()
        return self._ledger.turns.due(State.FETCHED, now=now, limit=BATCH, busy=busy, after=after, addressed=False)

    def _until_due(self) -> float | None:
        next_at = self._ledger.relays.next_unsorted_at()
        return None if next_at is None else max(0.0, next_at - self._clock.now())

    def _look_again(self) -> None:
        """Once after each start or reload: what an older roster or fewer links did not know may be known now."""
        if self._has_looked_again:
            return
        for transfer in held_arrivals(self._ledger):
            if transfer.hold_code in OUR_LACK:
                try:
                    self._ledger.release(transfer, BY_ROSTER, "the roster or the links may have changed")
                except TransientError as error:
                    if error.code != MOVED_ON:  # else a person was faster
                        raise
        self._has_looked_again = True

    # -- envelope, then a worker --------------------------------------------------------------------------------------

    def _submit(self, transfers: Sequence[Transfer]) -> bool:
        """Verify envelopes and hand the bundles to a worker; False if it must wait for its turn."""
        started = self._clock.now()
        orders = {order.transfer: order for order in (self._order(t, started) for t in transfers) if order is not None}
        ready = [transfer for transfer in transfers if transfer.id in orders]
        # What got no order was recorded: it is ours, was relayed before, was set aside, or failed.
        return not ready or self._lanes.start(verify_bundles, tuple(orders.values()), ready)

    def _order(self, transfer: Transfer, started: float) -> RelayOrder | None:
        """Run the checks that need no key; None if the bundle is not to be hashed (recorded)."""
        path = self._spool.inbound_bundle(known(transfer.link), known(transfer.bundle_id))
        proven: _Proven | None = None
        try:
            if not disk.exists(path):
                raise PermanentError("spool-missing", "the fetched bundle is no longer in the spool")
            with disk.mapped(path.parent), path.open("rb") as source:
                head = source.read(ENVELOPE_MAX)
            if self._checks.is_for_us_alone(parse_envelope(head)):
                self._ledger.relays.is_ours(transfer)
                return None
            envelope, signer = proven_envelope(head, self._directory)
            proven = _Proven(envelope, signer.unit)
            plan = self._checks.check(transfer, envelope, signer, waivers(self._ledger, transfer), started)
            proven = replace(proven, plan=plan)
            if plan.is_repeated and not self._custody.lacks(envelope.bundle_id, envelope.header_hash):
                self._take([(transfer, proven)], started, is_hashed=False)
                return None
            if plan.is_ours and not plan.onwards:
                self._ledger.relays.is_ours(transfer)
                return None
            self._clocks.signed(proven.origin, envelope.created, after=0.0, warn=self._skew_warn)
            self._ahead.check(transfer, envelope, started)
            self._proven[transfer.id] = proven
            return RelayOrder(transfer.id, path, transfer.size, envelope)
        except GatewayError as error:
            if error.code != MOVED_ON:
                self._failed(transfer, error, proven, started)
        return None

    # -- after the worker ---------------------------------------------------------------------------------------------

    def _finish(self, load: Load, future: Future[tuple[RelayOutcome, ...]]) -> None:
        try:
            outcomes = future.result()
        except GatewayError as error:
            for transfer in load.transfers.values():
                self._proven.pop(transfer.id)
                self._recorder.fail(transfer, Stage.RELAY, load.each(error), load.started_at)
            return
        whole: list[tuple[Transfer, _Proven]] = []
        for outcome in outcomes:
            transfer, proven = load.transfers[outcome.transfer], self._proven.pop(outcome.transfer)
            if outcome.error is None:
                whole.append((transfer, proven))
            else:
                self._failed(transfer, outcome.error, proven, load.started_at)
        self._take(whole, load.started_at)

    def _take(self, bundles: Sequence[tuple[Transfer, _Proven]], started: float, *, is_hashed: bool = True) -> None:
        """Take bundles into custody in one commit; if it is refused, each alone. is_hashed: every byte was verified."""
        if not bundles:
            return
        try:
            self._keep(bundles, is_hashed=is_hashed)
            arrivals = self._ledger.relays.take(self._takings(bundles, started))
        except GatewayError as error:
            if error.scope is Scope.NODE:
                raise  # nobody's in particular: all of it is repeated
            if len(bundles) > 1:
                for one in bundles:
                    self._take([one], started, is_hashed=is_hashed)
            elif error.code != MOVED_ON:
                self._failed(bundles[0][0], error, bundles[0][1], started)
            return
        for arrival in arrivals:
            if arrival.state is State.CHECKED:
                self._spool.drop(self._spool.inbound_bundle(known(arrival.link), known(arrival.bundle_id)))
        for transfer, proven in bundles:
            if known(proven.plan).is_repeated:
                self._ops.warn("relayed-before", transfer=transfer.id, link=transfer.link, origin=proven.origin)

    def _keep(self, bundles: Sequence[tuple[Transfer, _Proven]], *, is_hashed: bool) -> None:
        """Give the bytes the name under which they are sent on; what was relayed before only if they are gone."""
        ids = [(known(t.link), known(t.bundle_id), p.envelope.header_hash) for t, p in bundles]
        before = [known(p.plan).is_repeated for _transfer, p in bundles]
        missed = [one for one, was in zip(ids, before, strict=True) if was and self._custody.is_missed(*one[1:])]
        if is_hashed:
            self._spool.keep_relayed([one for one, was in zip(ids, before, strict=True) if not was] + missed)
        # Before the arrival is recorded: a cut between leaves it to be taken once more.
        for _link, bundle, header in missed:
            if self._custody.came_again(bundle, header):
                self._ops.warn("relayed-again", bundle=bundle)

    def _takings(self, bundles: Sequence[tuple[Transfer, _Proven]], started: float) -> list[Taking]:
        now = self._clock.now()
        words = [
            self._pen.about(
                proven.envelope,
                origin=proven.origin,
                recipient=one.recipient,
                sequence=one.sequence,
                code=ReceiptCode.CUSTODY,
                now=now,
            )
            for _transfer, proven in bundles
            for one in known(proven.plan).onwards
        ]
        signed = iter(self._pen.signed(words))
        return [self._taking(transfer, proven, signed, started) for transfer, proven in bundles]

    def _taking(self, transfer: Transfer, proven: _Proven, signed: Iterator[ReceiptRecord], started: float) -> Taking:
        """Return how one bundle is taken; of `signed`, the next are our words about it."""
        plan = known(proven.plan)
        legs = tuple(
            Leg(one.recipient, one.link, one.sequence, plan.priority, plan.flow, next(signed)) for one in plan.onwards
        )
        return Taking(transfer, proven.facts(), legs, plan.is_ours, started)

    # -- what is refused ----------------------------------------------------------------------------------------------

    def _failed(self, transfer: Transfer, error: GatewayError, proven: _Proven | None, started: float) -> None:
        """Set a bad bundle aside; what reaches further than one bundle, or is our own lack, proves nothing against
        it."""
        if reaches_further(error) or error.scope is not Scope.TRANSFER or error.code == AHEAD:
            self._recorder.fail(transfer, Stage.RELAY, error, started)
            return
        link, bundle = known(transfer.link), known(transfer.bundle_id)
        path = self._spool.inbound_bundle(link, bundle)
        try:
            if disk.exists(path):
                self._quarantine.take(path, Suspect(path.name, link, error.code))
        except GatewayError as trouble:
            self._recorder.fail(transfer, Stage.RELAY, trouble, started)
            return
        facts = Facts(note=error.code) if proven is None else proven.facts(error.code)
        step = Step(transfer, Event.QUARANTINED, Stage.RELAY, facts, started_at=started)
        for aside in self._recorder.advance([step]):
            self._ops.alert("bundle-quarantined", transfer=transfer.id, code=error.code, detail=error.detail)
            if proven is not None and proven.envelope.bundle_id == aside.bundle_id:
                self._answer(aside, error, proven)

    def _answer(self, aside: Transfer, error: GatewayError, proven: _Proven) -> None:
        """Refuse what is authentic and can never pass, for each recipient."""
        code = refusal_code(error.code)
        if code is None or (error.code in WAIVABLE and not self._refuse_unasked):
            return
        try:
            record = self._refusals.keep(aside, proven.envelope, proven.origin, code, error.code)
        except PermanentError:
            return  # no recipient is known, so no receipt could name a transfer of the sender
        self._recorder.advance([Step(aside, Event.REJECTED, Stage.RELAY, Facts(note=error.code), record)])
