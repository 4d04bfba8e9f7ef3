"""The acknowledge leg of one link: signed receipts for what we delivered or rejected go into the peer's mailbox,
many to a file."""

from types import MappingProxyType

from gateway.bundle.names import receipt_name
from gateway.bundle.receipt import join_receipts
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Stage, Step, Transfer, known
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.gate import Gate
from gateway.stages.letters import post
from gateway.stages.recording import Recorder
from gateway.transport.api import Transport

BATCH = 256
"""Receipts to one file: about 1 MiB with post-quantum signatures."""

_EVENT = MappingProxyType({State.DELIVERED: Event.CONFIRMED, State.REJECTED: Event.DISMISSED})


class AcknowledgeStage:
    """Deposits the receipts owed on one link. The receipts themselves were signed when the fact was recorded."""

    def __init__(
        self,
        *,
        link: LinkName,
        unit: UnitCode,
        ledger: Ledger,
        spool: Spool,
        transport: Transport,
        gate: Gate,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._link = link
        self._unit = unit
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._recorder = recorder
        self._clock = clock

    def step(self) -> float | None:
        """Deposit what is owed; return the seconds until more may be due, None if nothing is foreseen."""
        if pause := self._gate.wait():
            return pause
        started = self._clock.now()
        owed = self._ledger.due(tuple(_EVENT), now=started, link=self._link, limit=BATCH)
        if not owed:
            return self._recorder.seconds_until_due(tuple(_EVENT), self._link)
        if pause := self._gate.enter():
            return pause
        try:
            body = join_receipts([self._receipt(transfer) for transfer in owed])
            post(self._spool, self._transport, self._link, receipt_name(body), body)
        except GatewayError as error:
            if self._gate.failed(error):
                return self._gate.wait()
            for transfer in owed:
                self._recorder.fail(transfer, Stage.ACKNOWLEDGE, error, started)
            return 0.0
        self._gate.succeeded()
        self._recorder.advance([Step(t, _EVENT[t.state], Stage.ACKNOWLEDGE, started_at=started) for t in owed])
        return 0.0

    def _receipt(self, transfer: Transfer) -> bytes:
        """Return our newest receipt for `transfer`, as it was signed.

        The bundle id alone would not do: another peer may send a bundle of its own under the same one.
        """
        named = (self._unit, transfer.header_hash)
        ours = [r for r in self._ledger.receipts(known(transfer.bundle_id)) if (r.issuer, r.header_hash) == named]
        return ours[-1].raw
