"""The send leg of one link: sealed bundles, and at a hub those of others, go into the peer's mailbox, and again when no
receipt comes in time; the large ones beside the small."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from gateway.bundle.names import bundle_name
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope
from gateway.domain.ids import BundleId, Digest, LinkName, UnitCode
from gateway.domain.lanes import rank
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Facts, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.space import SMALL_BYTES
from gateway.folders.spool import Spool
from gateway.ledger.asking import SendingTimes
from gateway.ledger.ordering import Orders
from gateway.ledger.store import Ledger
from gateway.stages.bulk import MORE_SECONDS, BulkLane
from gateway.stages.carrying import SENT_BEFORE, Carrying
from gateway.stages.convoying import Convoying, Parcel
from gateway.stages.forerunner import Forerunner
from gateway.stages.gate import Gate
from gateway.stages.precedence import Precedence
from gateway.stages.recording import Recorder
from gateway.stages.watching import STOPPING, Watching
from gateway.transport.api import Transport

BATCH = 128
"""Bundles looked at in one step: enough to share a convoy and a commit, few enough to notice a stop."""
AWAITING_SECONDS = 5.0
"""Between looks whether a peer has answered since our ledger was put back; its answer rings as well."""
RECORD_BYTES = 16 * 2**20
"""After this much was sent the record is written, so that a cut repeats little, and it is looked anew what comes
first."""
LARGE_BATCH = 16
"""Large ones looked at to find one that may begin, with all its recipients behind the link."""

_AT_ANY_TIME = SendingTimes(0.0, 0.0, 0.0)
_OWED_ON = (State.CHECKED,)


class SendStage:
    """Deposits what is sealed for one link; returns when nothing is due."""

    def __init__(
        self,
        *,
        link: LinkName,
        ledger: Ledger,
        spool: Spool,
        transport: Transport,
        gate: Gate,
        precedence: Precedence,
        bulk: BulkLane,
        recorder: Recorder,
        watching: Watching,
        clock: Clock,
        carrying: Carrying,
        convoying: Convoying,
        orders: Orders,
        forerunner: Forerunner | None = None,
        hears: bool = True,
    ) -> None:
        """forerunner: carries what is still being sealed, where the link can; hears: whether the peer's inventories can
        reach us."""
        self._link = link
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._precedence = precedence
        self._bulk = bulk
        self._recorder = recorder
        self._watching = watching
        self._clock = clock
        self._carrying = carrying
        self._convoying = convoying
        self._orders = orders
        self._forerunner = forerunner
        self._after = ""
        """Whose bundle went on last."""
        self._closed: frozenset[UnitCode] = frozenset()
        """Recipients that nothing may be sent to now."""
        # Where nothing comes back, nobody is waited for.
        self._asks_first = hears and ledger.resync.standing().restored_at is not None

    def step(self) -> float | None:
        """Send what is due; return the seconds until something may be due again, None if nothing is foreseen."""
        self._take_note()
        if pause := self._gate.wait():
            return pause
        # After a restore we first hear from each recipient what it has of us.
        self._closed = self._ledger.resync.closed_to(asks_first=self._asks_first)
        if self._forerunner is not None:
            self._forerunner.open()
        # Most turns of a link find nothing to send: one short question says so where seven would.
        is_growing = self._forerunner is not None and self._forerunner.is_waiting
        times = _AT_ANY_TIME
        if not self._bulk.under_way and not is_growing:
            times = self._times()
            if (wait := self._wait(times)) != 0.0:
                return self._foreseen(wait)
        now = self._clock.now()
        due, large = self._due(now, times, large=False), self._large(now, times)
        if (due or large) and self._gate.is_shaken and self._bulk.is_trying:
            return None  # one try at a time; its first chunk, or its end, rings
        if (due or large) and (pause := self._gate.enter()):
            return pause
        more = len(due) >= BATCH
        parcels = grouped(due)
        if self._gate.is_shaken and due:
            # A peer that may still be away is not asked to take the largest first.
            more, parcels, large = True, [min(parcels, key=_size)], []
        try:
            more |= self._send(parcels)
            for parcel in large:
                self._begin(parcel)
            more |= bool(large) and self._bulk.has_place
            if is_growing and not large:
                self._run_ahead()
        except GatewayError as error:
            if not self._gate.failed(error):
                raise
        self._take_note()
        if pause := self._gate.wait():
            return pause
        return 0.0 if more else self._foreseen(self._wait(self._times()))

    def _foreseen(self, wait: float | None) -> float | None:
        """Return the seconds until the next look: `wait`, unless a recipient is to be heard first."""
        return AWAITING_SECONDS if self._closed else wait

    def close(self) -> None:
        """Cut off what is large and moves, and record what of it has arrived."""
        self._bulk.close()
        try:
            self._take_note()
        finally:
            if self._forerunner is not None:
                self._forerunner.close()

    # -- what is due --------------------------------------------------------------------------------------------------

    def _due(self, now: float, times: SendingTimes, *, large: bool) -> list[Transfer]:
        """Return what is owed, of each kind the most urgent first, then what was sent and has had no receipt.

        times: what is not due by them is not asked for.
        """
        limit = LARGE_BATCH + len(self._bulk.under_way) if large else BATCH
        link, ledger = self._link, self._ledger
        due: list[Transfer] = []
        if _is_due(times.sealed, now):
            due += ledger.due(
                (State.SEALED,), now=now, link=link, limit=limit, orders=self._orders, large=large, closed=self._closed
            )
        if _is_due(times.relayed, now) and _is_due(
            ledger.next_due_at(_OWED_ON, link, Direction.RELAY, large=large), now
        ):
            # What is our own and what is of others each get their share.
            due += ledger.turns.to_forward(link, now=now, limit=limit, after=self._after, large=large)
            due.sort(key=lambda transfer: rank(transfer.priority, transfer.size))
        if _is_due(times.receipt, now):
            due += ledger.overdue(now, link, limit=max(0, limit - len(due)), large=large, closed=self._closed)
        return due

    def _large(self, now: float, times: SendingTimes) -> list[Parcel]:
        """Return the large one that may begin beside those that move, if there is one."""
        due = self._due(now, times, large=True)
        self._release(due)
        parcels = grouped([one for one in due if one.id not in self._bulk.under_way])
        if self._gate.is_shaken:
            parcels.sort(key=_size)
        return next(([parcel] for parcel in parcels if self._bulk.has_place_for(parcel[0])), [])

    def _times(self) -> SendingTimes:
        """Return when what leaves falls due; while something large moves, of the small ones: its end rings."""
        large = False if self._bulk.under_way else None
        return self._ledger.sending_times(self._clock.now(), self._link, orders=self._orders, large=large)

    def _wait(self, times: SendingTimes) -> float | None:
        """Return the seconds until a bundle may be tried, or a receipt should have come; None if nothing waits."""
        now = self._clock.now()
        waits = [max(0.0, time - now) for time in times if time is not None]
        if self._bulk.under_way and self._bulk.has_place:
            waits.append(MORE_SECONDS)
        return min(waits, default=None)

    # -- small ones, in this thread -----------------------------------------------------------------------------------

    def _send(self, parcels: Sequence[Parcel]) -> bool:
        """Deposit `parcels` and record it; return whether some are left: receipts get their turn, and what is more
        urgent. A failure of the link is raised."""
        done: list[Step] = []
        sent_bytes = 0
        try:
            for urgency, ranked in groupby(parcels, key=lambda parcel: rank(parcel[0].priority, _size(parcel))):
                with self._precedence.moving(urgency):
                    for together in self._convoying.groups(list(ranked)):
                        if sent_bytes >= RECORD_BYTES:
                            return True
                        self._deposit_all(together, done)
                        sent_bytes += sum(map(_size, together))
                        for parcel in together:
                            if parcel[0].direction is Direction.RELAY:
                                self._after = known(parcel[0].origin)
        finally:
            self._recorder.advance(done)
        return False

    def _deposit_all(self, parcels: Sequence[Parcel], done: list[Step]) -> None:
        """Deposit what leaves together, adding to `done` what was deposited."""
        started = self._clock.now()
        if len(parcels) > 1 and self._deposit_together(parcels):
            done += [step for parcel in parcels for step in self._sent(parcel, started)]
        else:
            for parcel in parcels:
                done += self._deposit(parcel)

    def _deposit_together(self, parcels: Sequence[Parcel]) -> bool:
        """Deposit bundles as one file; False if each is to be tried alone: one of them cannot leave, or there is room
        for some only. A failure of the link is raised."""
        try:
            bundles = [self._read(parcel[0]) for parcel in parcels]
            if [len(body) for _, body in bundles] != [_size(parcel) for parcel in parcels]:
                return False
            with self._watching(parcels[0][0], Stage.SEND, sum(map(_size, parcels))) as progress:
                self._convoying.deposit(bundles, progress)
        except GatewayError as error:
            if error.code == STOPPING or (error.scope is Scope.LINK and error.code != "mailbox-full"):
                raise
            return False
        self._gate.succeeded()
        return True

    def _read(self, transfer: Transfer) -> tuple[BundleId, bytes]:
        self._carrying.require(transfer)
        path = self._place(transfer)
        with disk.mapped_at(path):
            try:
                # A byte more, so that one that is longer than it should be does not pass for whole.
                return known(transfer.bundle_id), disk.read_small(path, transfer.size + 1)
            except FileNotFoundError as error:
                raise _missing() from error

    def _deposit(self, parcel: Parcel) -> list[Step]:
        """Deposit one bundle; no step if that failed for reasons of its own. A failure of the link is raised."""
        started = self._clock.now()
        transfer = parcel[0]
        try:
            path = self._path(transfer)
            with self._watching(transfer, Stage.SEND, transfer.size) as progress:
                self._transport.deposit(path, bundle_name(known(transfer.bundle_id)), progress)
        except GatewayError as error:
            if not self._is_its_own(transfer, error):
                raise
            self._failed(parcel, error, started)
            return []
        self._gate.succeeded()
        return self._sent(parcel, started)

    # -- large ones, beside it ----------------------------------------------------------------------------------------

    def _begin(self, parcel: Parcel) -> None:
        started = self._clock.now()
        transfer = parcel[0]
        try:
            path = self._path(transfer)
        except GatewayError as error:
            if not self._is_its_own(transfer, error):
                raise
            self._failed(parcel, error, started)
            return
        name = bundle_name(known(transfer.bundle_id))
        self._bulk.start(
            parcel, transfer.size, lambda progress: self._transport.deposit(path, name, progress), ExitStack()
        )

    def _run_ahead(self) -> None:
        """Begin with what is still being sealed, unless the link is in doubt or its recipient is to be heard first."""
        if self._forerunner is not None and not self._gate.is_shaken and not self._closed and not self._gate.enter():
            self._forerunner.begin()

    def _release(self, due: Sequence[Transfer]) -> None:
        """Let go what has a head start and has fallen due."""
        if self._forerunner is None:
            return
        for one in due:
            if one.state is State.SEALED and one.id in self._bulk.under_way:
                path = self._spool.outbound_bundle(known(one.bundle_id), known(one.claim))
                self._forerunner.release(one, path)

    def _take_note(self) -> None:
        """Record what is large and has ended. What a stop cut off is owed as before."""
        for run in self._bulk.finished():
            ended = run if self._forerunner is None else self._forerunner.noted(run)
            if ended is None:
                continue
            error = ended.error
            if error is None:
                self._gate.succeeded()
                self._recorder.advance(self._sent(ended.transfers, ended.started_at))
            elif self._is_its_own(ended.transfers[0], error):
                self._failed(ended.transfers, error, ended.started_at)
            elif error.code != STOPPING and not self._gate.wait() and not self._gate.failed(error):
                # Where the gate rests already, the small ones have met the same trouble and told of it.
                raise error

    # -- both ---------------------------------------------------------------------------------------------------------

    def _path(self, transfer: Transfer) -> Path:
        """Return the bundle in our spool; raises PermanentError `spool-missing`, and as `Carrying.require`."""
        self._carrying.require(transfer)
        path = self._place(transfer)
        if not disk.exists(path):
            raise _missing()
        return path

    def _place(self, transfer: Transfer) -> Path:
        bundle = known(transfer.bundle_id)
        if transfer.direction is Direction.RELAY:
            return self._spool.relayed_bundle(bundle, known(transfer.header_hash))
        return self._spool.outbound_bundle(bundle, known(transfer.claim))

    def _is_its_own(self, transfer: Transfer, error: GatewayError) -> bool:
        """Whether an error says nothing of the link: a mailbox that has no room for a large bundle may have some for
        the small ones behind it."""
        return error.scope is Scope.TRANSFER or (error.code == "mailbox-full" and transfer.size > SMALL_BYTES)

    def _failed(self, parcel: Parcel, error: GatewayError, started: float) -> None:
        for one in parcel:
            self._recorder.fail(one, Stage.SEND, error, started)

    def _sent(self, parcel: Parcel, started: float) -> list[Step]:
        return [self._sent_to(one, started) for one in parcel]

    def _sent_to(self, transfer: Transfer, started: float) -> Step:
        due_at = self._carrying.receipt_due(transfer, self._clock.now(), lambda: self._ledger.timeline(transfer.id))
        note = "sent again: no receipt" if transfer.state in SENT_BEFORE else ""
        event = Event.FORWARDED if transfer.direction is Direction.RELAY else Event.SENT
        return Step(transfer, event, Stage.SEND, Facts(receipt_due_at=due_at, note=note), started_at=started)


def _is_due(at: float | None, now: float) -> bool:
    return at is not None and at <= now


def _missing() -> PermanentError:
    return PermanentError("spool-missing", "the sealed bundle is no longer in the spool")


def _size(parcel: Parcel) -> int:
    return parcel[0].size


def grouped(due: Sequence[Transfer]) -> list[list[Transfer]]:
    """Return `due` with the transfers of one bundle together, in the order of the first of each: its bytes travel
    once."""
    groups: dict[tuple[Direction, BundleId | None, Digest | None], list[Transfer]] = {}
    for transfer in due:
        groups.setdefault((transfer.direction, transfer.bundle_id, transfer.header_hash), []).append(transfer)
    return list(groups.values())
