"""Takes in peers' receipts: each is verified, matched to the transfer it names by id and digest, and moves it on."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gateway.bundle.keys import PublicKeys
from gateway.bundle.receipt import Receipt, check_issuer, signer_key_id, split_receipts, verify_receipt
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, SecurityError, TransientError
from gateway.domain.ids import BundleId, LinkName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State, is_legal
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, Transfer, known
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
        Event.CUSTODY_RECEIPTED: frozenset(
            {State.IN_CUSTODY, State.DELIVERED, State.COLLECTED, State.REFUSED, State.SETTLED, State.CLOSED}
        ),
        Event.DELIVERY_RECEIPTED: frozenset({State.DELIVERED, State.COLLECTED, State.SETTLED, State.CLOSED}),
        Event.COLLECTION_RECEIPTED: frozenset({State.COLLECTED, State.CLOSED}),
        Event.REFUSAL_RECEIPTED: frozenset({State.REFUSED, State.SETTLED, State.CLOSED}),
    }
)
"""States in which the event is old news: a receipt repeated, or overtaken by a later one."""


@dataclass(frozen=True, slots=True)
class _Effect:
    """What one receipt does: a step of a transfer, and what a hub carries back for it."""

    step: Step | None = None
    carried: ReceiptRecord | None = None


_NOTHING = _Effect()


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
        custody_seconds: float,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        """own_key: our own public keys by their signing key id, past ones included.

        custody_seconds: what a hub holds has its recipient's receipt within this time, or somebody is told.
        """
        self._link = link
        self._unit = unit
        self._own_key = own_key
        self._ledger = ledger
        self._spool = spool
        self._directory = directory
        self._telling = telling
        self._clocks = clocks
        self._skew_warn = skew_warn
        self._custody_seconds = custody_seconds
        self._clock = clock
        self._ops = ops

    def take(self, body: bytes) -> int:
        """Apply every receipt of one file and return how many moved a transfer.

        Raises SecurityError if the file is not a receipt file, or for the first receipt that does not verify, once
        the others are applied: a hub brings those of many units in one file.
        May be repeated: what was applied before is old news.
        """
        verified: list[tuple[bytes, Receipt]] = []
        refused: list[SecurityError] = []
        for raw in split_receipts(body):
            try:
                verified.append((raw, self._verify(raw)))
            except SecurityError as error:
                refused.append(error)
        steps = [step for wave in self._waves(verified) for step in self._apply(wave)]
        for step in steps:
            if step.transfer.direction is Direction.RELAY:
                self._let_go(step.transfer)
            elif step.event is Event.REFUSAL_RECEIPTED:
                self._telling.give_back(step.transfer)
        if refused:
            raise refused[0]
        return len(steps)

    def _waves(self, receipts: Sequence[tuple[bytes, Receipt]]) -> list[list[tuple[bytes, Receipt]]]:
        """Return the receipts in their order, in as few parts as it takes that none holds two about the same transfer:
        each of them is a step from where the one before has led, as when a hub returns all that it has."""
        waves: list[list[tuple[bytes, Receipt]]] = []
        before: Counter[tuple[BundleId, UnitCode]] = Counter()
        for raw, receipt in receipts:
            about = receipt.bundle_id, self._about(receipt)
            if before[about] == len(waves):
                waves.append([])
            waves[before[about]].append((raw, receipt))
            before[about] += 1
        return waves

    def _apply(self, receipts: Sequence[tuple[bytes, Receipt]]) -> list[Step]:
        """Tell the source and record; return the steps taken.

        A receipt often overtakes the record of the sending it answers, so the transfers are read again when they have
        moved on meanwhile. What cannot be recorded for another reason is reported alone, its neighbours go on.
        """
        for _try in range(TRIES):
            named = self._ledger.several.by_bundle({receipt.bundle_id for _raw, receipt in receipts})
            found = [(self._effect(raw, receipt, named[receipt.bundle_id]), raw, receipt) for raw, receipt in receipts]
            steps = [effect.step for effect, _raw, _receipt in found if effect.step is not None]
            self._telling.receipted(
                [
                    (effect.step.transfer, receipt, raw)
                    for effect, raw, receipt in found
                    if effect.step is not None and effect.step.transfer.direction is Direction.OUTBOUND
                ]
            )
            try:
                self._ledger.relays.receipted(steps, [one.carried for one, _raw, _receipt in found if one.carried])
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
        key_id = signer_key_id(raw)
        if self._own_key(key_id) is not None:
            receipt = verify_receipt(raw, self._own_key)
            check_issuer(receipt, self._unit)
            return receipt
        if self._directory.is_stolen(key_id):
            raise SecurityError("revoked-sender", "the key that signed the receipt may have been stolen")
        signer = self._directory.signer_of(key_id)
        receipt = verify_receipt(raw, lambda _key_id: None if signer is None else signer.public)
        check_issuer(receipt, known(signer).unit)
        return receipt

    def _effect(self, raw: bytes, receipt: Receipt, named: Sequence[Transfer]) -> _Effect:
        """Return what the receipt does; nothing for warnings, and for receipts about nothing of ours.

        named: the transfers of the bundle that it names.
        """
        if receipt.issuer == self._unit:
            self._rebuild(raw, receipt)  # the sender gave it back because we had forgotten it
            return _NOTHING
        transfer = self._named(receipt, named)
        if transfer is None or transfer.header_hash != receipt.header_hash:
            is_by_hub = receipt.recipient not in (None, receipt.issuer)
            if transfer is not None or is_by_hub or not self._rebuild(raw, receipt):
                self._ops.alert("receipt-unmatched", issuer=receipt.issuer, bundle=receipt.bundle_id, code=receipt.code)
            return _NOTHING
        record = ReceiptRecord(
            receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, receipt.issued_at, raw
        )
        # Whatever was truly said about what we carry is for its sender to judge: it goes back as it is.
        carried = record if transfer.direction is Direction.RELAY else None
        # It was signed after we found the export, and before it came back.
        self._clocks.signed(receipt.issuer, receipt.issued_at, after=transfer.found_at, warn=self._skew_warn)
        if receipt.code.startswith("4"):
            self._ops.warn("peer-warns", issuer=receipt.issuer, transfer=transfer.id, code=receipt.code)
            return _Effect(None, carried)
        return _Effect(self._step(transfer, receipt, record), carried)

    def _named(self, receipt: Receipt, transfers: Sequence[Transfer]) -> Transfer | None:
        """Return the transfer that the receipt speaks of: its issuer is the recipient, or a hub on the way to it.

        A hub may say that it holds or refuses a bundle; that it was delivered, only the recipient can.
        """
        about = self._about(receipt)
        is_by_hub = about != receipt.issuer
        if is_by_hub and receipt.code in (ReceiptCode.DELIVERED, ReceiptCode.COLLECTED):
            return None
        ways = (Direction.OUTBOUND, Direction.RELAY)
        found = next((t for way in ways for t in transfers if t.direction is way and t.recipient == about), None)
        if found is not None and is_by_hub:
            origin = self._unit if found.direction is Direction.OUTBOUND else known(found.origin)
            if not self._directory.is_on_the_way(receipt.issuer, origin, about):
                return None
        return found

    def _about(self, receipt: Receipt) -> UnitCode:
        """Return the recipient whose transfer the receipt speaks of."""
        by_hub = receipt.recipient not in (None, receipt.issuer) and self._directory.is_hub(receipt.issuer)
        return known(receipt.recipient) if by_hub else receipt.issuer

    def _step(self, transfer: Transfer, receipt: Receipt, record: ReceiptRecord) -> Step | None:
        """Return the step that a receipt is for its transfer; None for old news."""
        event = _MEANS.get(receipt.code, Event.REFUSAL_RECEIPTED)
        if not is_legal(transfer.direction, transfer.state, event):
            if transfer.state not in _REACHED[event]:
                self._ops.alert(
                    "receipt-contradicts",
                    issuer=receipt.issuer,
                    transfer=transfer.id,
                    code=receipt.code,
                    state=transfer.state,
                )
            elif event is Event.CUSTODY_RECEIPTED:
                self._ledger.keep_receipt(transfer, record)  # of a later hub: where it is by now
            return None
        note = " ".join((str(receipt.code), *receipt.reasons))
        due = self._clock.now() + self._custody_seconds if event is Event.CUSTODY_RECEIPTED else None
        return Step(transfer, event, Stage.ACKNOWLEDGE, Facts(note=note, receipt_due_at=due), record)

    def _let_go(self, relay: Transfer) -> None:
        """Drop the bytes of a bundle that we held for others once nobody needs them any more."""
        bundle, header = known(relay.bundle_id), known(relay.header_hash)
        path = self._spool.relayed_bundle(bundle, header)
        if not self._ledger.relays.is_needed(bundle, header):
            self._spool.drop(path)

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
