"""The send leg of one link: sealed bundles go into the peer's mailbox, and again when no receipt comes in time; the
large ones beside the small."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from gateway.bundle.names import bundle_name
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lanes import rank
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Facts, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.space import SMALL_BYTES
from gateway.folders.spool import Spool
from gateway.ledger.ordering import Orders
from gateway.ledger.store import Ledger
from gateway.stages.bulk import MORE_SECONDS, BulkLane
from gateway.stages.gate import Gate
from gateway.stages.precedence import Precedence
from gateway.stages.recording import Recorder
from gateway.stages.watching import STOPPING, Watching
from gateway.transport.api import Transport

BATCH = 64
"""Bundles looked at in one step: enough to share a commit, few enough to notice a stop."""
AWAITING_SECONDS = 5.0
"""Between looks whether a peer has answered since our ledger was put back; its answer rings as well."""
RECORD_BYTES = 16 * 2**20
"""After this much was sent the record is written, so that a cut repeats little, and it is looked anew what comes
first."""


class SendStage:
    """Deposits what is sealed for one link; returns when nothing is due."""

    def __init__(
        self,
        *,
        link: LinkName,
        peer: UnitCode,
        ledger: Ledger,
        spool: Spool,
        transport: Transport,
        gate: Gate,
        precedence: Precedence,
        bulk: BulkLane,
        recorder: Recorder,
        watching: Watching,
        clock: Clock,
        receipt_seconds: float,
        orders: Orders,
    ) -> None:
        self._link = link
        self._peer = peer
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._precedence = precedence
        self._bulk = bulk
        self._recorder = recorder
        self._watching = watching
        self._clock = clock
        self._receipt_seconds = receipt_seconds
        self._orders = orders
        self._asks_first = ledger.resync.standing().restored_at is not None

    def step(self) -> float | None:
        """Send what is due; return the seconds until something may be due again, None if nothing is foreseen."""
        self._take_note()
        if pause := self._gate.wait():
            return pause
        word = self._ledger.resync.word(self._peer)
        if word.halted or (self._asks_first and word.heard_at is None):
            return AWAITING_SECONDS  # after a restore we first hear what the peer has of us
        now = self._clock.now()
        due, large = self._small(now), self._large(now)
        if (due or large) and self._gate.is_shaken and self._bulk.is_trying:
            return None  # one try at a time; its first chunk, or its end, rings
        if (due or large) and (pause := self._gate.enter()):
            return pause
        more = len(due) == BATCH
        if self._gate.is_shaken and due:
            # A peer that may still be away is not asked to take the largest first.
            more, due, large = True, [min(due, key=lambda transfer: transfer.size)], []
        try:
            more |= self._send(due)
            for transfer in large:
                self._begin(transfer)
            more |= bool(large) and self._bulk.has_place
        except GatewayError as error:
            if not self._gate.failed(error):
                raise
        self._take_note()
        if pause := self._gate.wait():
            return pause
        return 0.0 if more else self._next()

    def close(self) -> None:
        """Cut off what is large and moves, and record what of it has arrived."""
        self._bulk.close()
        self._take_note()

    # -- what is due --------------------------------------------------------------------------------------------------

    def _small(self, now: float) -> list[Transfer]:
        due = self._ledger.due((State.SEALED,), now=now, link=self._link, limit=BATCH, orders=self._orders, large=False)
        return due + self._ledger.overdue(now, self._link, limit=BATCH - len(due), large=False)

    def _large(self, now: float) -> list[Transfer]:
        """Return the large one that may begin beside those that move, if there is one."""
        limit = len(self._bulk.under_way) + 1
        due = self._ledger.due((State.SEALED,), now=now, link=self._link, limit=limit, orders=self._orders, large=True)
        due += self._ledger.overdue(now, self._link, limit=limit, large=True)
        if self._gate.is_shaken:
            due.sort(key=lambda transfer: transfer.size)
        return next(([transfer] for transfer in due if self._bulk.has_place_for(transfer)), [])

    def _next(self) -> float | None:
        """Return the seconds until a bundle may be tried, or a receipt should have come; None if nothing waits.

        While something large moves, only the small ones: its end rings.
        """
        sort = False if self._bulk.under_way else None
        waits = [self._recorder.seconds_until_due((State.SEALED,), self._link, self._orders, sort)]
        receipt_due = self._ledger.next_receipt_due_at(self._link, sort)
        if receipt_due is not None:
            waits.append(max(0.0, receipt_due - self._clock.now()))
        if self._bulk.under_way and self._bulk.has_place:
            waits.append(MORE_SECONDS)
        return min((wait for wait in waits if wait is not None), default=None)

    # -- small ones, in this thread -----------------------------------------------------------------------------------

    def _send(self, due: Sequence[Transfer]) -> bool:
        """Deposit `due` and record it; return whether some are left: receipts get their turn, and what is more urgent.

        A failure of the link is raised.
        """
        done: list[Step] = []
        sent_bytes = 0
        try:
            for urgency, transfers in groupby(due, key=lambda transfer: rank(transfer.priority, transfer.size)):
                with self._precedence.moving(urgency):
                    for transfer in transfers:
                        if sent_bytes >= RECORD_BYTES:
                            return True
                        step = self._deposit(transfer)
                        if step is not None:
                            done.append(step)
                            sent_bytes += transfer.size
        finally:
            self._recorder.advance(done)
        return False

    def _deposit(self, transfer: Transfer) -> Step | None:
        """Deposit one bundle; None if that failed for reasons of its own. A failure of the link is raised."""
        started = self._clock.now()
        try:
            path = self._sealed(transfer)
            with self._watching(transfer, Stage.SEND, transfer.size) as progress:
                self._transport.deposit(path, bundle_name(known(transfer.bundle_id)), progress)
        except GatewayError as error:
            if not self._is_its_own(transfer, error):
                raise
            self._recorder.fail(transfer, Stage.SEND, error, started)
            return None
        self._gate.succeeded()
        return self._sent(transfer, started)

    # -- large ones, beside it ----------------------------------------------------------------------------------------

    def _begin(self, transfer: Transfer) -> None:
        started = self._clock.now()
        try:
            path = self._sealed(transfer)
        except GatewayError as error:
            if not self._is_its_own(transfer, error):
                raise
            self._recorder.fail(transfer, Stage.SEND, error, started)
            return
        name = bundle_name(known(transfer.bundle_id))
        self._bulk.start(
            transfer, transfer.size, lambda progress: self._transport.deposit(path, name, progress), ExitStack()
        )

    def _take_note(self) -> None:
        """Record what is large and has ended. What a stop cut off is owed as before."""
        for ended in self._bulk.finished():
            error = ended.error
            if error is None:
                self._gate.succeeded()
                self._recorder.advance([self._sent(ended.transfer, ended.started_at)])
            elif self._is_its_own(ended.transfer, error):
                self._recorder.fail(ended.transfer, Stage.SEND, error, ended.started_at)
            elif error.code != STOPPING and not self._gate.wait() and not self._gate.failed(error):
                # Where the gate rests already, the small ones have met the same trouble and told of it.
                raise error

    # -- both ---------------------------------------------------------------------------------------------------------

    def _sealed(self, transfer: Transfer) -> Path:
        """Return the bundle in our spool; raises PermanentError `spool-missing`."""
        path = self._spool.outbound_bundle(known(transfer.bundle_id), known(transfer.claim))
        if not disk.exists(path):
            raise PermanentError("spool-missing", "the sealed bundle is no longer in the spool")
        return path

    def _is_its_own(self, transfer: Transfer, error: GatewayError) -> bool:
        """Whether an error says nothing of the link: a mailbox that has no room for a large bundle may have some for
        the small ones behind it."""
        return error.scope is Scope.TRANSFER or (error.code == "mailbox-full" and transfer.size > SMALL_BYTES)

    def _sent(self, transfer: Transfer, started: float) -> Step:
        facts = Facts(
            receipt_due_at=self._clock.now() + self._receipt_seconds,
            note="sent again: no receipt" if transfer.state is State.SENT else "",
        )
        return Step(transfer, Event.SENT, Stage.SEND, facts, started_at=started)
