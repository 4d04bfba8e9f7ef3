"""The acknowledge leg of one link: signed receipts for what came by it go into the peer's mailbox, many to a file."""

from collections.abc import Sequence

from gateway.bundle.names import receipt_name
from gateway.bundle.receipt import COUNT_MAX, join_receipts
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode, ReceiptRecord, Stage, Step, Transfer, known
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.gate import Gate
from gateway.stages.letters import post
from gateway.stages.recording import Recorder
from gateway.stages.statements import OWED
from gateway.transport.api import Transport

BATCH = 256
"""Receipts to one file: about 1 MiB with post-quantum signatures."""

BYTES = 8 * 2**20
"""Bytes of receipts to one file; half of what a file may have, since one arrival at a hub may owe a few hundred."""


class AcknowledgeStage:
    """Deposits the receipts owed on one link: ours, signed when the fact was recorded, and at a hub those of others."""

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
        relays: bool,
        clock: Clock,
    ) -> None:
        """relays: this node carries bundles for others, and owes their receipts to where each came from."""
        self._link = link
        self._unit = unit
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._recorder = recorder
        self._relays = relays
        self._clock = clock

    def step(self) -> float | None:
        """Deposit what is owed; return the seconds until more may be due, None if nothing is foreseen."""
        if pause := self._gate.wait():
            return pause
        started = self._clock.now()
        owed = self._ledger.due(tuple(OWED), now=started, link=self._link, direction=Direction.INBOUND, limit=BATCH)
        if not owed:
            return self._until_due()
        if pause := self._gate.enter():
            return pause
        try:
            owed, receipts = self._letter(owed)
            if receipts:
                body = join_receipts(receipts)
                post(self._spool, self._transport, self._link, receipt_name(body), body)
        except GatewayError as error:
            if self._gate.failed(error):
                return self._gate.wait()
            for transfer in owed:
                self._recorder.fail(transfer, Stage.ACKNOWLEDGE, error, started)
            return 0.0
        self._gate.succeeded()
        self._recorder.advance([Step(t, OWED[t.state], Stage.ACKNOWLEDGE, started_at=started) for t in owed])
        return self._until_due()

    def _until_due(self) -> float | None:
        next_at = self._ledger.next_due_at(tuple(OWED), self._link, Direction.INBOUND)
        return None if next_at is None else max(0.0, next_at - self._clock.now())

    def _letter(self, owed: Sequence[Transfer]) -> tuple[list[Transfer], list[bytes]]:
        """Return the first of `owed`, as many as one file holds, and their receipts."""
        signed = self._ledger.deliveries.receipts_among(known(transfer.bundle_id) for transfer in owed)
        named: list[Transfer] = []
        receipts: list[bytes] = []
        size = 0
        for transfer in owed:
            more = self._receipts(transfer, signed.get(known(transfer.bundle_id), []))
            size += sum(map(len, more))
            if named and (len(receipts) + len(more) > COUNT_MAX or size > BYTES):
                break
            named.append(transfer)
            receipts += more
        return named, receipts

    def _receipts(self, transfer: Transfer, signed: Sequence[ReceiptRecord]) -> list[bytes]:
        """Return what is owed for `transfer`, each as it was signed. `signed`: what was signed about its bundle.

        A hub owes what others said about the bundle too, whatever its own part in it is.
        """
        carried = [record.raw for record in self._ledger.relays.to_return(transfer)] if self._relays else []
        is_carried_only = transfer.state is State.CHECKED or (self._relays and transfer.recipient is None)
        return carried if is_carried_only else list(dict.fromkeys((self._own(transfer, signed), *carried)))

    def _own(self, transfer: Transfer, signed: Sequence[ReceiptRecord]) -> bytes:
        """Return our newest receipt for `transfer`.

        The bundle id alone would not do: another peer may send a bundle of its own under the same one.
        """
        named = (self._unit, transfer.header_hash)
        return [r.raw for r in signed if (r.issuer, r.header_hash) == named and r.code != ReceiptCode.CUSTODY][-1]
