"""The pack leg: claimed exports become sealed bundles, numbered without gaps, or go back to their source with
reasons."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.bundle.keys import NodeKeys
from gateway.bundle.seal import Head, Prepared, Sealed, finish, sign_heads
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, TransientError
from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, RouteName, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Copy, Facts, Order, Stage, Step, Transfer, known
from gateway.domain.sources import Source
from gateway.folders import disk
from gateway.folders.claim import ClaimShelf
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.answers import ReplyDesk
from gateway.stages.blocking import set_apart
from gateway.stages.drift import DriftDesk
from gateway.stages.headstart import HeadStarts, Placed
from gateway.stages.lanes import BATCH, Lanes, Load
from gateway.stages.pack_work import pack_exports
from gateway.stages.packed import PackBatch, PackOrder, PackOutcome
from gateway.stages.recording import Recorder
from gateway.stages.repeats import RepeatDesk
from gateway.stages.routes import OutboundRoute, Recipient
from gateway.stages.routing import Territory
from gateway.stages.scanning import MALWARE, ScannerWatch, Scanning
from gateway.stages.sealed_before import SealedBefore
from gateway.stages.sharing import Rulebook
from gateway.stages.suspects import QuarantineDesk
from gateway.stages.telling import SourceTelling
from gateway.stages.waivers import was_released
from gateway.standard.findings import SECRET, Verdict
from gateway.standard.loading import StandardPlace

EXPORT_HELD = "export-held"


class PackStage:
    """Turns what was claimed into sealed bundles. The only writer of outbound sequence numbers."""

    name = "pack"

    def __init__(
        self,
        *,
        routes: Mapping[RouteName, OutboundRoute],
        territory: Territory,
        reader_of: Callable[[bytes], UnitCode | None],
        ledger: Ledger,
        spool: Spool,
        shelf: ClaimShelf,
        lanes: Lanes[tuple[PackOutcome, ...]],
        keys: NodeKeys,
        standard: StandardPlace,
        rulebook: Rulebook,
        scanning: Scanning | None,
        scanner: ScannerWatch,
        quarantine: QuarantineDesk,
        telling: SourceTelling,
        repeats: RepeatDesk,
        replies: ReplyDesk,
        drift: DriftDesk,
        recorder: Recorder,
        clock: Clock,
        ops: OpsLog,
        sealed_before: Mapping[ClaimToken, Path],
        head_starts: Callable[[LinkName], HeadStarts | None],
    ) -> None:
        """reader_of: whose encryption key it is, by its id.

        sealed_before: bundles of an earlier epoch that the ledger has forgotten, by the export they were made of.
        head_starts: those of a link, None where it sends nothing that is still being sealed.
        """
        self._routes = routes
        self._territory = territory
        self._in_order = frozenset(name for name, route in routes.items() if route.order is not Order.NONE)
        self._ledger = ledger
        self._spool = spool
        self._shelf = shelf
        self._lanes = lanes
        self._keys = keys
        self._standard = standard
        self._rulebook = rulebook
        self._scanning = scanning
        self._scanner = scanner
        self._quarantine = quarantine
        self._telling = telling
        self._repeats = repeats
        self._replies = replies
        self._drift = drift
        self._recorder = recorder
        self._clock = clock
        self._ops = ops
        self._sealed_before = SealedBefore(sealed_before, territory, reader_of)
        self._head_starts = head_starts
        self._growing: dict[TransferId, HeadStarts] = {}
        """Where what is being sealed was offered for a head start; added to by the threads of the crew."""

    def step(self) -> float | None:
        """Record what the workers have finished, give them more; return the seconds until something falls due."""
        for load, future in self._lanes.finished():
            self._finish(load, future)
        while batch := self._lanes.next_batch(self._due, self._in_order):
            if not self._submit(batch):
                break
        return self._lanes.pause(lambda: self._recorder.seconds_until_due((State.FOUND,)))

    def close(self) -> None:
        """Cut off what runs in worker processes."""
        self._lanes.close()

    # -- starting -----------------------------------------------------------------------------------------------------

    def _due(self, after: str, busy: int) -> list[Transfer]:
        now, orderly = self._clock.now(), self._in_order
        return self._ledger.turns.due(State.FOUND, now=now, limit=BATCH, busy=busy, after=after, whole=orderly)

    def _submit(self, transfers: Sequence[Transfer]) -> bool:
        """Hand `transfers` to a worker; False if it must wait for its turn."""
        paused = self._drift.paused()
        sent = self._ledger.several.sent_as({(t.route, t.export_name) for t in transfers if t.route is not None})
        orders = {order.transfer: order for t in transfers if (order := self._order(t, paused, sent)) is not None}
        ready = [transfer for transfer in transfers if transfer.id in orders]
        # What got no order was recorded as failed and is due no more.
        if not ready:
            return True
        told = partial(self._placed, ready[0]) if len(ready) == 1 else None
        return self._lanes.start(pack_exports, self._batch(orders.values()), ready, told)

    def _placed(self, transfer: Transfer, news: object) -> None:
        """Offer what has begun to grow to its link; in a thread of the crew."""
        if isinstance(news, Placed) and (starts := self._head_starts(news.link)) is not None:
            self._growing[transfer.id] = starts
            placed = news if self._may_be_read(transfer, news) else replace(news, herald=0)
            starts.offer(transfer, placed, self._spool.sealing(known(transfer.claim)))

    def _may_be_read(self, transfer: Transfer, placed: Placed) -> bool:
        """Whether the recipient may have the key before the export is sealed: as things stand nothing will keep it."""
        if placed.herald == 0 or placed.business_key is None or placed.look is None:
            return False
        try:
            return self._repeats.is_new(placed.business_key) and self._drift.is_plain(transfer, placed.look)
        except GatewayError:
            return False  # the ledger fails the sealing too, or is mended until then

    def _batch(self, orders: Iterable[PackOrder]) -> PackBatch:
        return PackBatch(tuple(orders), self._keys, self._territory, self._standard, self._rulebook, self._scanning)

    def _order(
        self, transfer: Transfer, paused: Sequence[Source], sent: Mapping[tuple[RouteName, str], Mapping[str, Digest]]
    ) -> PackOrder | None:
        """Return the order for one transfer; None if it cannot be given now (recorded).

        sent: what was sent before, by route and name of the export.
        """
        started = self._clock.now()
        try:
            route = self._routes.get(transfer.route) if transfer.route is not None else None
            if route is None:
                raise PermanentError("route-gone", "the route that claimed this export is no longer configured")
            sealed = self._sealed_before.of(transfer)
            if sealed is None and self._repeats.settles(transfer, started):
                return None
            return PackOrder(
                transfer.id,
                route,
                self._shelf.get(known(transfer.claim), route.name).parts,
                self._spool.sealing(known(transfer.claim)),
                int(started),
                self._ledger.epoch,
                transfer.attempts > 0 and was_released(self._ledger, transfer, EXPORT_HELD),
                sent[route.name, transfer.export_name],
                self._repeats.correction(transfer),
                self._drift.halted(transfer, paused),
                sealed,
            )
        except GatewayError as error:
            self._recorder.fail(transfer, Stage.PACK, error, started)
            return None

    # -- finishing ----------------------------------------------------------------------------------------------------

    def _finish(self, load: Load, future: Future[tuple[PackOutcome, ...]]) -> None:
        try:
            self._note(load, future)
        finally:
            for one in load.transfers:
                if (starts := self._growing.pop(one, None)) is not None:
                    starts.settle(one, is_sealed=self._is_sealed(one))

    def _is_sealed(self, transfer: TransferId) -> bool:
        return self._ledger.get(transfer).state is not State.FOUND

    def _note(self, load: Load, future: Future[tuple[PackOutcome, ...]]) -> None:
        try:
            outcomes = future.result()
        except GatewayError as error:
            for transfer in load.transfers.values():
                self._recorder.fail(transfer, Stage.PACK, load.each(error), load.started_at)
            return
        self._scanner.heard(outcome.error for outcome in outcomes)
        read: list[tuple[Transfer, PackOutcome]] = []
        apart: list[tuple[Transfer, PackOutcome]] = []
        for outcome in outcomes:
            transfer = load.transfers[outcome.transfer]
            if outcome.error is not None:
                self._recorder.fail(transfer, Stage.PACK, outcome.error, load.started_at)
            elif (sealed := self._sealed_before.of(transfer)) is not None:
                self._take_in(transfer, self._drift.noted(transfer, outcome), sealed, load.started_at)
            elif outcome.is_forbidden:
                # What must not be here is not kept, whatever its source does.
                apart.append((transfer, self._drift.noted(transfer, outcome)))
            else:
                read.append((transfer, outcome))
        self._go_on([*apart, *self._drift.sift(read, load.started_at)], load)

    def _go_on(self, read: Sequence[tuple[Transfer, PackOutcome]], load: Load) -> None:
        """Seal, refuse or hold what was read, each as the checks have it."""
        sendable: list[tuple[Transfer, PackOutcome]] = []
        for transfer, outcome in read:
            if outcome.content_hash is not None:
                sendable.append((transfer, outcome))
            elif any(finding.code == MALWARE for finding in outcome.findings):
                self._set_aside(transfer, outcome, load.started_at)
            elif outcome.verdict is Verdict.REJECT:
                self._refuse(transfer, outcome, load.started_at)
            elif outcome.verdict is Verdict.WAIT:
                self._recorder.fail(
                    transfer, Stage.PACK, TransientError("export-incomplete", outcome.codes()), load.started_at
                )
            else:
                self._hold(transfer, outcome, load.started_at)
        unrepeated = self._repeats.sift(sendable, load.started_at)
        if ready := self._replies.sift(unrepeated, load.started_at):
            self._seal(ready, load.started_at)

    def _seal(self, ready: Sequence[tuple[Transfer, PackOutcome]], started_at: float) -> None:
        """Allot sequence numbers, sign, make durable and record in one commit: a number is used or it does not exist.

        One signature serves all that were packed together. Signed here and not in a worker process: it takes a
        millisecond, and a worker may be busy for an hour.
        """
        next_number: dict[UnitCode, int] = {}
        signed: list[tuple[Transfer, PackOutcome, Sealed, list[int]]] = []
        kept: list[tuple[BundleId, ClaimToken]] = []
        try:
            numbered = [
                (known(outcome.prepared), [self._next_number(one.unit, next_number) for one in outcome.recipients])
                for _transfer, outcome in ready
            ]
            heads = sign_heads(numbered, self._keys)
            for (transfer, outcome), (prepared, numbers), head in zip(ready, numbered, heads, strict=True):
                signed.append((transfer, outcome, _finished(outcome.out, prepared, head), numbers))
            kept = [(sealed.bundle_id, known(t.claim)) for t, _outcome, sealed, _numbers in signed]
            self._spool.keep_sealed([(token, bundle) for bundle, token in kept])
        except GatewayError as error:
            for transfer, _outcome in ready:
                self._recorder.fail(transfer, Stage.PACK, error, started_at)
            self._drop_unrecorded(kept)
            return
        steps = [
            self._sealing(
                transfer,
                outcome,
                self._facts(outcome, sealed),
                zip(outcome.recipients, numbers, strict=True),
                started_at,
            )
            for transfer, outcome, sealed, numbers in signed
        ]
        recorded: list[Transfer] = []
        try:
            recorded = self._recorder.advance(steps)
        finally:
            if len(recorded) < len(signed):
                self._drop_unrecorded(kept)
        found = {transfer.id: outcome.findings for transfer, outcome, _sealed, _numbers in signed}
        for transfer in recorded:
            self._telling.sealed(transfer)
            self._telling.mended(transfer, found.get(transfer.id, ()))
        # What answers nobody has nobody to be told of it.
        replies = {transfer.id for transfer, outcome, *_ in signed if outcome.matter is None or outcome.matter.request}
        self._replies.gone([transfer for transfer in recorded if transfer.id in replies])

    def _take_in(self, transfer: Transfer, outcome: PackOutcome, sealed: Path, started_at: float) -> None:
        """Record a bundle that was sealed before our ledger was put back, as it is: it may have been sent already."""
        try:
            envelope, numbered = self._sealed_before.read(sealed, outcome)
            facts = replace(
                self._facts(outcome, Sealed(envelope.bundle_id, envelope.header_hash, envelope.size)),
                epoch=envelope.epoch,
                matter=outcome.matter,
                note="sealed before the restore",
            )
        except GatewayError as error:
            self._recorder.fail(transfer, Stage.PACK, error, started_at)
            return
        self._recorder.advance([self._sealing(transfer, outcome, facts, numbered, started_at)])

    def _drop_unrecorded(self, bundles: Sequence[tuple[BundleId, ClaimToken]]) -> None:
        """Remove bundles that the ledger did not take: their exports are sealed anew, under other ids."""
        for bundle, token in bundles:
            if not self._ledger.by_bundle(bundle, Direction.OUTBOUND):
                self._spool.drop(self._spool.outbound_bundle(bundle, token))

    def _next_number(self, unit: UnitCode, given: dict[UnitCode, int]) -> int:
        """Return the next number of the stream to `unit`; `given`: what the bundles before have left as the next."""
        number = given.get(unit) or self._ledger.next_sequence(unit)
        given[unit] = number + 1
        return number

    def _facts(self, outcome: PackOutcome, sealed: Sealed) -> Facts:
        return replace(
            outcome.facts(),
            bundle_id=sealed.bundle_id,
            header_hash=sealed.header_hash,
            epoch=self._ledger.epoch,
            size=sealed.size,
            earlier=outcome.corrects,
        )

    def _sealing(
        self,
        transfer: Transfer,
        outcome: PackOutcome,
        facts: Facts,
        numbered: Iterable[tuple[Recipient, int]],
        started_at: float,
    ) -> Step:
        """Return the step that records one bundle for all of its recipients."""
        (first, number), *others = numbered
        keys = dict(zip((one.unit for one in outcome.recipients[1:]), outcome.copy_keys, strict=True))
        copies = tuple(Copy(one.unit, known(one.link), its, keys.get(one.unit)) for one, its in others)
        facts = replace(facts, link=known(first.link), recipient=first.unit, sequence=number)
        return Step(transfer, Event.SEALED, Stage.PACK, facts, started_at=started_at, copies=copies)

    def _refuse(self, transfer: Transfer, outcome: PackOutcome, started_at: float) -> None:
        """Tell the source, record it, give the original back: in this order, each repeatable."""
        self._telling.refused(transfer, outcome.findings)
        is_secret = any(finding.code == SECRET for finding in outcome.findings)
        facts = replace(outcome.facts(), code=SECRET) if is_secret else outcome.facts()
        step = Step(transfer, Event.EXPORT_REFUSED, Stage.PACK, facts, started_at=started_at)
        for refused in self._recorder.advance([step]):
            self._telling.give_back(refused)
            if is_secret:
                self._ops.alert("export-blocked", transfer=refused.id, route=refused.route)
            alarm = any(finding.alarm for finding in outcome.findings)
            (self._ops.alert if alarm else self._ops.warn)("export-refused", transfer=refused.id, codes=outcome.codes())

    def _set_aside(self, transfer: Transfer, outcome: PackOutcome, started_at: float) -> None:
        """Refuse an export that holds a virus: it goes into quarantine and not back to where others would open it."""
        self._telling.infected(transfer, outcome.findings)
        facts = replace(outcome.facts(), code=MALWARE)
        step = Step(transfer, Event.EXPORT_REFUSED, Stage.PACK, facts, started_at=started_at)
        for refused in self._recorder.advance([step]):
            self._ops.alert("malware-found", transfer=refused.id, codes=outcome.codes(), signature=outcome.signature())
            set_apart(refused, self._shelf, self._quarantine)

    def _hold(self, transfer: Transfer, outcome: PackOutcome, started_at: float) -> None:
        self._telling.held(transfer, outcome.findings)
        error = PermanentError(EXPORT_HELD, outcome.codes())
        self._recorder.fail(transfer, Stage.PACK, error, started_at, outcome.facts())


def _finished(path: Path, prepared: Prepared, head: Head) -> Sealed:
    # One write: a buffer would cost four more calls of the system.
    with disk.mapped_at(path), path.open("r+b", buffering=0) as out:
        return finish(out, prepared, head)
