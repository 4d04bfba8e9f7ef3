"""The send leg of one link: sealed bundles go into the peer's mailbox, and again when no receipt comes in time."""

from gateway.bundle.names import bundle_name
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope
from gateway.domain.ids import LinkName
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Facts, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.space import SMALL_BYTES
from gateway.folders.spool import Spool
from gateway.ledger.ordering import Orders
from gateway.ledger.store import Ledger
from gateway.stages.gate import Gate
from gateway.stages.recording import Recorder
from gateway.stages.watching import Watching
from gateway.transport.api import Transport

BATCH = 64
"""Bundles looked at in one step: enough to share a commit, few enough to notice a stop."""
AWAITING_SECONDS = 5.0
"""Between looks whether a peer has answered since our ledger was put back; its answer rings as well."""
RECORD_BYTES = 16 * 2**20
"""After this much was sent the record is written, so that a cut repeats little."""


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
        recorder: Recorder,
        watching: Watching,
        clock: Clock,
        receipt_seconds: float,
        orders: Orders,
    ) -> None:
        self._link = link
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._recorder = recorder
        self._watching = watching
        self._clock = clock
        self._receipt_seconds = receipt_seconds
        self._orders = orders
        self._asks_first = ledger.resync.standing().restored_at is not None

    def step(self) -> float | None:
        """Send what is due; return the seconds until something may be due again, None if nothing is foreseen."""
        if pause := self._gate.wait():
            return pause
        # After a restore we first hear from each recipient what it has of us.
        closed = self._ledger.resync.closed_to(asks_first=self._asks_first)
        now = self._clock.now()
        due = self._ledger.due(
            (State.SEALED,), now=now, link=self._link, limit=BATCH, orders=self._orders, closed=closed
        )
        due += self._ledger.overdue(now, self._link, limit=BATCH - len(due), closed=closed)
        if due and (pause := self._gate.enter()):
            return pause
        more = len(due) == BATCH
        if self._gate.is_shaken and due:
            # A peer that may still be away is not asked to take the largest first.
            more, due = True, [min(due, key=lambda transfer: transfer.size)]
        done: list[Step] = []
        sent_bytes = 0
        try:
            for transfer in due:
                step = self._deposit(transfer)
                if step is not None:
                    done.append(step)
                    sent_bytes += transfer.size
                if sent_bytes >= RECORD_BYTES:
                    self._recorder.advance(done)
                    done, sent_bytes = [], 0
        except GatewayError as error:
            if not self._gate.failed(error):
                raise
        finally:
            self._recorder.advance(done)
        if pause := self._gate.wait():
            return pause
        if more:
            return 0.0
        return AWAITING_SECONDS if closed else self._next()

    def _next(self) -> float | None:
        """Return the seconds until a bundle may be tried, or a receipt should have come; None if nothing waits."""
        waits = [self._recorder.seconds_until_due((State.SEALED,), self._link, self._orders)]
        receipt_due = self._ledger.next_receipt_due_at(self._link)
        if receipt_due is not None:
            waits.append(max(0.0, receipt_due - self._clock.now()))
        return min((wait for wait in waits if wait is not None), default=None)

    def _deposit(self, transfer: Transfer) -> Step | None:
        """Deposit one bundle; None if that failed for reasons of its own. A failure of the link is raised."""
        started = self._clock.now()
        path = self._spool.outbound_bundle(known(transfer.bundle_id), known(transfer.claim))
        try:
            if not disk.exists(path):
                raise PermanentError("spool-missing", "the sealed bundle is no longer in the spool")
            with self._watching(transfer, Stage.SEND, transfer.size) as progress:
                self._transport.deposit(path, bundle_name(known(transfer.bundle_id)), progress)
        except GatewayError as error:
            # A mailbox that has no room for a large bundle may have some for the small ones behind it.
            is_for_small = error.code == "mailbox-full" and transfer.size > SMALL_BYTES
            if error.scope is not Scope.TRANSFER and not is_for_small:
                raise
            self._recorder.fail(transfer, Stage.SEND, error, started)
            return None
        self._gate.succeeded()
        facts = Facts(
            receipt_due_at=self._clock.now() + self._receipt_seconds,
            note="sent again: no receipt" if transfer.state is State.SENT else "",
        )
        return Step(transfer, Event.SENT, Stage.SEND, facts, started_at=started)
