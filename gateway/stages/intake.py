"""Takes in peers' receipts: each is verified, matched to the transfer it names by id and digest, and moves it on."""

from collections.abc import Callable, Sequence
from types import MappingProxyType

from gateway.bundle.keys import PublicKeys
from gateway.bundle.receipt import Receipt, check_issuer, signer_key_id, split_receipts, verify_receipt
from gateway.domain.errors import GatewayError, TransientError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State, is_legal
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, known
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.stages.clocks import PeerClocks
from gateway.stages.recording import MOVED_ON
from gateway.stages.telling import SourceTelling

TRIES = 10
"""Times that a receipt is matched anew with a transfer that moves at the same moment."""

_MEANS = MappingProxyType(
    {
        ReceiptCode.CUSTODY: Event.CUSTODY_RECEIPTED,
        ReceiptCode.DELIVERED: Event.DELIVERY_RECEIPTED,
        ReceiptCode.COLLECTED: Event.COLLECTION_RECEIPTED,
    }
)
_REACHED = MappingProxyType(
    {
        Event.CUSTODY_RECEIPTED: frozenset({State.IN_CUSTODY, State.DELIVERED, State.COLLECTED, State.CLOSED}),
        Event.DELIVERY_RECEIPTED: frozenset({State.DELIVERED, State.COLLECTED, State.CLOSED}),
        Event.COLLECTION_RECEIPTED: frozenset({State.COLLECTED, State.CLOSED}),
        Event.REFUSAL_RECEIPTED: frozenset({State.REFUSED, State.CLOSED}),
    }
)
"""States in which the event is old news: a receipt repeated, or overtaken by a later one."""


class ReceiptIntake:
    """Applies receipt files. What case handlers see is written before the ledger records it."""

    def __init__(
        self,
        *,
        link: LinkName,
        unit: UnitCode,
        own_key: Callable[[bytes], PublicKeys | None],
        ledger: Ledger,
        spool: Spool,
        directory: Directory,
        telling: SourceTelling,
        clocks: PeerClocks,
        skew_warn: float,
        ops: OpsLog,
    ) -> None:
        """own_key: our own public keys by their signing key id, past ones included."""
        self._link = link
        self._unit = unit
        self._own_key = own_key
        self._ledger = ledger
        self._spool = spool
        self._directory = directory
        self._telling = telling
        self._clocks = clocks
        self._skew_warn = skew_warn
        self._ops = ops

    def take(self, body: bytes) -> int:
        """Apply every receipt of one file and return how many moved a transfer.

        Raises SecurityError if the file is not a receipt file or one receipt does not verify: then none is applied.
        May be repeated: what was applied before is old news.
        """
        steps = self._apply([(raw, self._verify(raw)) for raw in split_receipts(body)])
        for step in steps:
            if step.event is Event.REFUSAL_RECEIPTED:
                self._telling.give_back(step.transfer)
        return len(steps)

    def _apply(self, receipts: Sequence[tuple[bytes, Receipt]]) -> list[Step]:
        """Tell the source and record; return the steps taken.

        A receipt often overtakes the record of the sending it answers, so the transfers are read again when they have
        moved on meanwhile. What cannot be recorded for another reason is reported alone, its neighbours go on.
        """
        for _try in range(TRIES):
            found = [(self._step(raw, receipt), raw, receipt) for raw, receipt in receipts]
            steps = [step for step, _raw, _receipt in found if step is not None]
            self._telling.receipted([(step.transfer, receipt, raw) for step, raw, receipt in found if step is not None])
            try:
                self._ledger.advance_many(steps)
            except GatewayError as error:
                if error.code == MOVED_ON:
                    continue
                if len(receipts) > 1:
                    return [step for one in receipts for step in self._apply([one])]
                if isinstance(error, TransientError):
                    raise
                self._ops.alert("receipt-not-recorded", bundle=receipts[0][1].bundle_id, code=error.code)
                return []
            return steps
        raise TransientError("receipt-not-applied", "the transfers kept moving on; the file is read again")

    def _verify(self, raw: bytes) -> Receipt:
        """Return what one receipt truly states, issued by the unit whose key signed it; SecurityError otherwise."""
        if self._own_key(signer_key_id(raw)) is not None:
            receipt = verify_receipt(raw, self._own_key)
            check_issuer(receipt, self._unit)
            return receipt
        signer = self._directory.signer_of(signer_key_id(raw))
        receipt = verify_receipt(raw, lambda _key_id: None if signer is None else signer.public)
        check_issuer(receipt, known(signer).unit)
        return receipt

    def _step(self, raw: bytes, receipt: Receipt) -> Step | None:
        """Return what the receipt does to a transfer; None for old news, warnings and receipts about nothing of
        ours."""
        if receipt.issuer == self._unit:
            self._rebuild(raw, receipt)  # the sender gave it back because we had forgotten it
            return None
        transfer = next(
            (t for t in self._ledger.by_bundle(receipt.bundle_id, Direction.OUTBOUND) if t.recipient == receipt.issuer),
            None,
        )
        if transfer is None or transfer.header_hash != receipt.header_hash:
            if transfer is not None or not self._rebuild(raw, receipt):
                self._ops.alert("receipt-unmatched", issuer=receipt.issuer, bundle=receipt.bundle_id, code=receipt.code)
            return None
        # It was signed after we found the export, and before it came back.
        self._clocks.signed(receipt.issuer, receipt.issued_at, after=transfer.found_at, warn=self._skew_warn)
        if receipt.code.startswith("4"):
            self._ops.warn("peer-warns", issuer=receipt.issuer, transfer=transfer.id, code=receipt.code)
            return None
        event = _MEANS.get(receipt.code, Event.REFUSAL_RECEIPTED)
        if not is_legal(Direction.OUTBOUND, transfer.state, event):
            if transfer.state not in _REACHED[event]:
                self._ops.alert(
                    "receipt-contradicts",
                    issuer=receipt.issuer,
                    transfer=transfer.id,
                    code=receipt.code,
                    state=transfer.state,
                )
            return None
        record = ReceiptRecord(
            receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, receipt.issued_at, raw
        )
        note = " ".join((str(receipt.code), *receipt.reasons))
        return Step(transfer, event, Stage.ACKNOWLEDGE, Facts(note=note), record)

    def _rebuild(self, raw: bytes, receipt: Receipt) -> bool:
        """Make the record again that a restored ledger lacks, and ask for more; whether there was anything to be made.

        TransientError while the bundle itself still lies in the spool: the pack leg takes it in with all that is
        known of its export.
        """
        if any(bundle == receipt.bundle_id for bundle, _token in self._spool.outbound_bundles()):
            raise TransientError("receipt-not-applied", "the bundle it speaks of is still being taken in again")
        made = self._ledger.resync.rebuild(receipt, raw, self._link)
        if made is not None:
            self._ops.info("transfer-rebuilt", transfer=made.id, code=receipt.code)
            peer = receipt.issuer if receipt.issuer != self._unit else receipt.origin
            self._ledger.resync.want(known(peer), "rebuild")
        return made is not None
