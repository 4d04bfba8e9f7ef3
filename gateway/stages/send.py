"""The send leg of one link: sealed bundles, and at a hub those of others, go into the peer's mailbox, and again when no
receipt comes in time."""

from collections.abc import Sequence
from pathlib import Path

from gateway.bundle.names import bundle_name
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope
from gateway.domain.ids import BundleId, Digest, LinkName
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Facts, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.space import SMALL_BYTES
from gateway.folders.spool import Spool
from gateway.ledger.ordering import Orders
from gateway.ledger.store import Ledger
from gateway.stages.carrying import Carrying
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

_OWED_ON = (State.CHECKED,)
_SENT_BEFORE = frozenset({State.SENT, State.FORWARDED})


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
        carrying: Carrying,
        orders: Orders,
        hears: bool = True,
    ) -> None:
        """hears: whether the peer's inventories can reach us."""
        self._link = link
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._recorder = recorder
        self._watching = watching
        self._clock = clock
        self._carrying = carrying
        self._orders = orders
        # Where nothing comes back, nobody is waited for.
        self._asks_first = hears and ledger.resync.standing().restored_at is not None

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
        due += self._ledger.due(_OWED_ON, now=now, link=self._link, direction=Direction.RELAY, limit=BATCH - len(due))
        due += self._ledger.overdue(now, self._link, limit=BATCH - len(due), closed=closed)
        if due and (pause := self._gate.enter()):
            return pause
        more = len(due) == BATCH
        if self._gate.is_shaken and due:
            # A peer that may still be away is not asked to take the largest first.
            smallest = min(due, key=lambda transfer: transfer.size)
            more, due = True, [one for one in due if one.bundle_id == smallest.bundle_id]
        done: list[Step] = []
        sent_bytes = 0
        try:
            for group in grouped(due):
                done += self._deposit(group)
                sent_bytes += group[0].size
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
        relay_due = self._ledger.next_due_at(_OWED_ON, self._link, Direction.RELAY)
        if relay_due is not None:
            waits.append(max(0.0, relay_due - self._clock.now()))
        receipt_due = self._ledger.next_receipt_due_at(self._link)
        if receipt_due is not None:
            waits.append(max(0.0, receipt_due - self._clock.now()))
        return min((wait for wait in waits if wait is not None), default=None)

    def _deposit(self, group: Sequence[Transfer]) -> list[Step]:
        """Deposit one bundle for all of `group`, its recipients behind this link; no step if that failed for reasons of
        its own. A failure of the link is raised."""
        started = self._clock.now()
        transfer = group[0]
        path = self._path(transfer)
        try:
            self._carrying.require(transfer)
            if not disk.exists(path):
                raise PermanentError("spool-missing", "the sealed bundle is no longer in the spool")
            with self._watching(transfer, Stage.SEND, transfer.size) as progress:
                self._transport.deposit(path, bundle_name(known(transfer.bundle_id)), progress)
        except GatewayError as error:
            # A mailbox that has no room for a large bundle may have some for the small ones behind it.
            is_for_small = error.code == "mailbox-full" and transfer.size > SMALL_BYTES
            if error.scope is not Scope.TRANSFER and not is_for_small:
                raise
            for one in group:
                self._recorder.fail(one, Stage.SEND, error, started)
            return []
        self._gate.succeeded()
        return [self._sent(one, started) for one in group]

    def _sent(self, transfer: Transfer, started: float) -> Step:
        due_at = self._carrying.receipt_due(transfer, self._clock.now(), lambda: self._ledger.timeline(transfer.id))
        note = "sent again: no receipt" if transfer.state in _SENT_BEFORE else ""
        event = Event.FORWARDED if transfer.direction is Direction.RELAY else Event.SENT
        return Step(transfer, event, Stage.SEND, Facts(receipt_due_at=due_at, note=note), started_at=started)

    def _path(self, transfer: Transfer) -> Path:
        bundle = known(transfer.bundle_id)
        if transfer.direction is Direction.RELAY:
            return self._spool.relayed_bundle(bundle, known(transfer.header_hash))
        return self._spool.outbound_bundle(bundle, known(transfer.claim))


def grouped(due: Sequence[Transfer]) -> list[list[Transfer]]:
    """Return `due` with the transfers of one bundle together, in the order of the first of each: its bytes travel
    once."""
    groups: dict[tuple[Direction, BundleId | None, Digest | None], list[Transfer]] = {}
    for transfer in due:
        groups.setdefault((transfer.direction, transfer.bundle_id, transfer.header_hash), []).append(transfer)
    return list(groups.values())
