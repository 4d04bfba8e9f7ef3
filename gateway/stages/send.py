"""The send leg of one link: sealed bundles go into the peer's mailbox, and again when no receipt comes in time."""

from collections.abc import Sequence

from gateway.bundle.names import bundle_name
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope
from gateway.domain.ids import BundleId, LinkName, UnitCode
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
        peer: UnitCode,
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
        self._peer = peer
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
        word = self._ledger.resync.word(self._peer)
        if word.halted or (self._asks_first and word.heard_at is None):
            return AWAITING_SECONDS  # after a restore we first hear what the peer has of us
        now = self._clock.now()
        due = self._ledger.due((State.SEALED,), now=now, link=self._link, limit=BATCH, orders=self._orders)
        due += self._ledger.overdue(now, self._link, limit=BATCH - len(due))
        if due and (pause := self._gate.enter()):
            return pause
        more = len(due) == BATCH
        if self._gate.is_shaken and due:
            # A peer that may still be away is not asked to take the largest first.
            more, due = True, [min(due, key=lambda transfer: transfer.size)]
        done: list[Step] = []
        sent_bytes = 0
        try:
            for together in by_bundle(due):
                steps = self._deposit(together)
                done += steps
                sent_bytes += together[0].size if steps else 0
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
        return 0.0 if more else self._next()

    def _next(self) -> float | None:
        """Return the seconds until a bundle may be tried, or a receipt should have come; None if nothing waits."""
        waits = [self._recorder.seconds_until_due((State.SEALED,), self._link, self._orders)]
        receipt_due = self._ledger.next_receipt_due_at(self._link)
        if receipt_due is not None:
            waits.append(max(0.0, receipt_due - self._clock.now()))
        return min((wait for wait in waits if wait is not None), default=None)

    def _deposit(self, together: Sequence[Transfer]) -> list[Step]:
        """Deposit one bundle, once for all of its recipients behind this link; empty if that failed for reasons of its
        own. A failure of the link is raised."""
        started = self._clock.now()
        first = together[0]
        path = self._spool.outbound_bundle(known(first.bundle_id), known(first.claim))
        try:
            if not disk.exists(path):
                raise PermanentError("spool-missing", "the sealed bundle is no longer in the spool")
            with self._watching(first, Stage.SEND, first.size) as progress:
                self._transport.deposit(path, bundle_name(known(first.bundle_id)), progress)
        except GatewayError as error:
            # A mailbox that has no room for a large bundle may have some for the small ones behind it.
            is_for_small = error.code == "mailbox-full" and first.size > SMALL_BYTES
            if error.scope is not Scope.TRANSFER and not is_for_small:
                raise
            for transfer in together:
                self._recorder.fail(transfer, Stage.SEND, error, started)
            return []
        self._gate.succeeded()
        due_at = self._clock.now() + self._receipt_seconds
        return [
            Step(
                transfer,
                Event.SENT,
                Stage.SEND,
                Facts(receipt_due_at=due_at, note="sent again: no receipt" if transfer.state is State.SENT else ""),
                started_at=started,
            )
            for transfer in together
        ]


def by_bundle(due: Sequence[Transfer]) -> list[list[Transfer]]:
    """Return the transfers of each bundle together, in the order of the first of each."""
    groups: dict[BundleId, list[Transfer]] = {}
    for transfer in due:
        groups.setdefault(known(transfer.bundle_id), []).append(transfer)
    return list(groups.values())
