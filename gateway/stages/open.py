"""The rest of receiving: fetched bundles are verified, opened, published by one rename, and receipted in the same
commit."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from gateway.bundle import policy
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope, parse_envelope, verify_envelope
from gateway.bundle.keys import NodeKeys
from gateway.bundle.receipt import Receipt, sign_receipt
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, SecurityError, TransientError
from gateway.domain.ids import TransferId, UnitCode
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.deliver import publish
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.roster.peers import PeerBook, Signer, Standing
from gateway.stages.crew import Crew
from gateway.stages.open_work import OpenBatch, OpenOrder, OpenOutcome, open_bundles, read_delivery
from gateway.stages.recording import Recorder
from gateway.stages.refusals import refusal_code
from gateway.stages.routes import InboundRoute
from gateway.stages.suspects import QuarantineDesk, Suspect
from gateway.stages.watching import Watching
from gateway.transport.api import Progress, silent

BATCH_BUNDLES = 32
"""Small bundles that share one trip to a worker process and one commit."""
SMALL_BYTES = 16 * 2**20
"""A bundle above this goes alone, and never takes the last free worker."""
CLOSE_SECONDS = 60.0
"""Work that reports no progress for so long hangs; the crew ends it."""
LOOK_AHEAD = 512
"""Fetched bundles looked at to fill the free workers."""


@dataclass(frozen=True, slots=True)
class _Running:
    transfers: Mapping[TransferId, Transfer]
    orders: Mapping[TransferId, OpenOrder]
    started_at: float
    is_big: bool
    watched: ExitStack
    """Ends the big transfer's line on the board."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """What a verified envelope taught about a transfer, for the ledger and the receipt."""

    envelope: Envelope
    origin: UnitCode
    sequence: int | None

    def facts(self, unit: UnitCode, note: str = "") -> Facts:
        return Facts(
            origin=self.origin,
            recipient=unit,
            header_hash=self.envelope.header_hash,
            epoch=self.envelope.epoch,
            sequence=self.sequence,
            note=note,
        )


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
        quarantine: QuarantineDesk,
        crew: Crew,
        width: int,
        keys: tuple[NodeKeys, ...],
        size_limit: int,
        peers: PeerBook,
        recorder: Recorder,
        watching: Watching,
        clock: Clock,
        ops: OpsLog,
        ring: Callable[[], None],
    ) -> None:
        self._unit = unit
        self._routes = tuple(routes)
        self._by_name = {route.name: route for route in routes}
        self._ledger = ledger
        self._spool = spool
        self._quarantine = quarantine
        self._crew = crew
        self._width = width
        self._keys = keys
        self._our_key_ids = tuple(key.public.encrypt_key_id for key in keys)
        self._suites = frozenset(key.suite for key in keys)
        self._size_limit = size_limit
        self._peers = peers
        self._recorder = recorder
        self._watching = watching
        self._clock = clock
        self._ops = ops
        self._ring = ring
        self._running: dict[Future[tuple[OpenOutcome, ...]], _Running] = {}
        self._closing = False

    def step(self) -> float | None:
        """Record what workers have finished, deliver, give them more; return the seconds until something falls due."""
        self._closing = False
        for future in [f for f in self._running if f.done()]:
            running = self._running.pop(future)
            running.watched.close()
            self._finish(future, running)
        self._deliver_verified()
        self._start()
        if self._running:
            return None  # a finished batch rings
        return self._recorder.seconds_until_due((State.FETCHED, State.VERIFIED))

    def close(self) -> None:
        """Cut off what runs in worker processes and wait until it has ended, so that a successor finds nobody
        writing."""
        self._closing = True
        wait(self._running, CLOSE_SECONDS)
        for running in self._running.values():
            running.watched.close()
        self._running.clear()

    # -- envelope, then a worker --------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Verify envelopes of what is due and fill the free workers, small bundles first."""
        if len(self._running) >= self._width:
            return
        busy = {transfer for running in self._running.values() for transfer in running.transfers}
        due = self._ledger.due((State.FETCHED,), now=self._clock.now(), limit=LOOK_AHEAD + len(busy))
        waiting = sorted((t for t in due if t.id not in busy), key=lambda t: t.size)
        while waiting and len(self._running) < self._width:
            is_big = waiting[0].size > SMALL_BYTES
            if is_big and self._big_running() >= max(1, self._width - 1):
                return
            count = 1 if is_big else sum(t.size <= SMALL_BYTES for t in waiting[:BATCH_BUNDLES])
            self._submit(waiting[:count], is_big=is_big)
            del waiting[:count]

    def _big_running(self) -> int:
        return sum(running.is_big for running in self._running.values())

    def _submit(self, transfers: Sequence[Transfer], *, is_big: bool) -> None:
        started = self._clock.now()
        orders = {o.transfer: o for o in (self._order(t, started) for t in transfers) if o is not None}
        if not orders:
            return
        batch = OpenBatch(tuple(orders.values()), self._keys, self._routes)
        watched = ExitStack()
        shown: Progress = silent
        if is_big:
            shown = watched.enter_context(self._watching(transfers[0], Stage.OPEN, transfers[0].size))
        future = self._crew.run(open_bundles, batch, partial(self._progress, shown))
        by_id = {t.id: t for t in transfers if t.id in orders}
        self._running[future] = _Running(by_id, orders, started, is_big, watched)
        future.add_done_callback(lambda _future: self._ring())

    def _progress(self, shown: Progress, done: int) -> None:
        """Pass on what a worker process reports; raising ends its work."""
        if self._closing:
            raise TransientError("stopping", "this work was cut off; it is owed again")
        shown(done)

    def _order(self, transfer: Transfer, started: float) -> OpenOrder | None:
        """Run the checks that need no key (step A); None if the bundle failed them (recorded)."""
        path = self._spool.inbound_bundle(known(transfer.link), known(transfer.bundle_id))
        proven: _Proven | None = None
        try:
            with disk.mapped(path.parent), path.open("rb") as source:
                head = source.read(ENVELOPE_MAX)
            signer = self._peers.signer_of(parse_envelope(head).sender_key_id)
            envelope = verify_envelope(
                head,
                lambda _key_id: None if signer is None else signer.public,
                lambda _key_id: signer is not None and signer.standing is Standing.REVOKED,
            )
            proven = _Proven(envelope, known(signer).unit, self._sequence(envelope))
            self._check(transfer, envelope, known(signer), started)
            return OpenOrder(
                transfer.id,
                path,
                transfer.size,
                self._spool.fresh_staging(known(transfer.link), known(transfer.bundle_id)),
                envelope,
                known(signer).public,
                proven.origin,
            )
        except TransientError as error:
            self._recorder.fail(transfer, Stage.OPEN, error, started)
        except GatewayError as error:
            self._set_aside(transfer, error, proven, started)
        return None

    def _check(self, transfer: Transfer, envelope: Envelope, signer: Signer, now: float) -> None:
        """Policy, after the signature and in the order of the spec: raises the named error of the first check that
        fails."""
        if envelope.bundle_id != transfer.bundle_id:
            raise SecurityError("malformed", "the bundle names another id than its file")
        policy.check_not_expired(envelope, now)
        policy.check_key_valid(envelope, signer.not_before, signer.not_after)
        policy.check_suite_accepted(envelope, self._suites)
        policy.check_not_replayed(envelope, self._ledger.seen(signer.unit, envelope.bundle_id))
        sequence = self._sequence(envelope)
        if sequence is not None:
            policy.check_sequence_unused(envelope, self._ledger.sequence_seen(signer.unit, envelope.epoch, sequence))
        policy.check_not_too_large(envelope, self._size_limit)
        policy.check_size(envelope, transfer.size)
        skew = policy.clock_skew(envelope, now)
        if skew is not policy.Skew.AGREES:
            self._ops.warn("clock-skew", transfer=transfer.id, ahead_seconds=int(envelope.created - now))
        if skew is policy.Skew.HOLD:
            raise TransientError("clock-skew", "the bundle was made more than a day in our future")

    def _sequence(self, envelope: Envelope) -> int | None:
        """Return the stream number that the envelope gives to us; None if it is not addressed to us."""
        return next((n for key_id in self._our_key_ids if (n := envelope.sequence_for(key_id)) is not None), None)

    # -- after the worker ---------------------------------------------------------------------------------------------

    def _finish(self, future: Future[tuple[OpenOutcome, ...]], running: _Running) -> None:
        try:
            outcomes = future.result()
        except GatewayError as error:
            for transfer in running.transfers.values():
                self._recorder.fail(transfer, Stage.OPEN, error, running.started_at)
            return
        steps: list[Step] = []
        for outcome in outcomes:
            transfer, order = running.transfers[outcome.transfer], running.orders[outcome.transfer]
            proven = _Proven(order.envelope, order.origin, self._sequence(order.envelope))
            if outcome.delivery is not None:
                facts = proven.facts(self._unit)
                steps.append(Step(transfer, Event.VERIFIED, Stage.OPEN, facts, started_at=running.started_at))
            elif isinstance(outcome.error, TransientError):
                self._recorder.fail(transfer, Stage.OPEN, outcome.error, running.started_at)
            elif outcome.error is not None:
                self._set_aside(transfer, outcome.error, proven, running.started_at)
        self._recorder.advance(steps)

    def _deliver_verified(self) -> None:
        """Publish every verified import, then record delivery and receipt together."""
        started = self._clock.now()
        verified = self._ledger.due((State.VERIFIED,), now=started, limit=LOOK_AHEAD)
        for start in range(0, len(verified), BATCH_BUNDLES):
            self._deliver(verified[start : start + BATCH_BUNDLES], started)

    def _deliver(self, verified: Sequence[Transfer], started: float) -> None:
        published: list[tuple[Transfer, Facts]] = []
        for transfer in verified:
            try:
                published.append((transfer, self._publish(transfer)))
            except GatewayError as error:
                self._recorder.fail(transfer, Stage.DELIVER, error, started)
        if not published:
            return
        receipts = [self._receipt(t, ReceiptCode.DELIVERED, ()) for t, _facts in published]
        raws = [sign_receipt(receipt, self._keys[0]) for receipt in receipts]
        self._recorder.advance(
            [
                Step(t, Event.DELIVERED, Stage.DELIVER, facts, _record(receipt, raw), started)
                for (t, facts), receipt, raw in zip(published, receipts, raws, strict=True)
            ]
        )
        for transfer, _facts in published:
            link, bundle = known(transfer.link), known(transfer.bundle_id)
            self._spool.drop_staging(link, bundle)
            self._spool.drop(self._spool.inbound_bundle(link, bundle))

    def _publish(self, transfer: Transfer) -> Facts:
        """Make one verified import visible; may be repeated at any point until the ledger says delivered."""
        staging = self._spool.staging(known(transfer.link), known(transfer.bundle_id))
        delivery = read_delivery(staging)
        route = self._by_name.get(delivery.route)
        if route is None:
            raise PermanentError("route-gone", "the route of this delivery is no longer configured")
        publish(staging.imports, delivery.entries, route.folder, sentinel=route.sentinel)
        return Facts(export_name=delivery.name, flow=delivery.flow, case_no=delivery.case_no)

    def _receipt(self, transfer: Transfer, code: ReceiptCode, reasons: tuple[str, ...]) -> Receipt:
        return Receipt(
            bundle_id=known(transfer.bundle_id),
            header_hash=known(transfer.header_hash),
            size=transfer.size,
            code=code,
            issuer=self._unit,
            origin=known(transfer.origin),
            recipient=self._unit,
            epoch=known(transfer.epoch),
            sequence=known(transfer.sequence),
            issued_at=int(self._clock.now()),
            reasons=reasons,
        )

    # -- what is refused ----------------------------------------------------------------------------------------------

    def _set_aside(self, transfer: Transfer, error: GatewayError, proven: _Proven | None, started: float) -> None:
        """Move the bytes into quarantine and record it; an authentic bundle that can never pass is answered with a
        refusal."""
        path = self._spool.inbound_bundle(known(transfer.link), known(transfer.bundle_id))
        if path.exists():
            self._quarantine.take(path, Suspect(path.name, transfer.link, error.code))
        facts = proven.facts(self._unit, error.code) if proven is not None else Facts(note=error.code)
        aside = self._ledger.advance(Step(transfer, Event.QUARANTINED, Stage.OPEN, facts, started_at=started))
        self._ops.alert("bundle-quarantined", transfer=transfer.id, code=error.code, detail=error.detail)
        code = refusal_code(error.code)
        if proven is None or proven.sequence is None or code is None:
            return
        receipt = self._receipt(aside, code, (error.code,))
        raw = sign_receipt(receipt, self._keys[0])
        self._ledger.advance(Step(aside, Event.REJECTED, Stage.OPEN, Facts(note=error.code), _record(receipt, raw)))


def _record(receipt: Receipt, raw: bytes) -> ReceiptRecord:
    return ReceiptRecord(
        receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, float(receipt.issued_at), raw
    )
