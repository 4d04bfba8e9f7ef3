"""What this node states about a bundle, signed and ready to be recorded."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from gateway.bundle.envelope import Envelope
from gateway.bundle.keys import NodeKeys
from gateway.bundle.receipt import Receipt, sign_receipts
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known

OWED: Final = MappingProxyType(
    {State.DELIVERED: Event.CONFIRMED, State.REJECTED: Event.DISMISSED, State.CHECKED: Event.CONFIRMED}
)
"""States in which what came owes a receipt -> what has happened once that owes it no more."""


class ReceiptPen:
    """Signs what this node states about bundles that came to it."""

    def __init__(self, unit: UnitCode, keys: NodeKeys) -> None:
        self._unit = unit
        self._keys = keys

    def sign(self, transfer: Transfer, code: ReceiptCode, reasons: tuple[str, ...], now: float) -> ReceiptRecord:
        """Return the signed statement about an inbound transfer whose envelope was proven; `now` in seconds since 1970
        UTC. ValueError (a bug) if it was not proven yet."""
        return self.sign_all([transfer], code, reasons, now)[0]

    def sign_all(
        self, transfers: Sequence[Transfer], code: ReceiptCode, reasons: tuple[str, ...], now: float
    ) -> list[ReceiptRecord]:
        """Return the same statement about each of `transfers`, as `sign` does; they share one signature."""
        return self.signed(
            [
                Receipt(
                    bundle_id=known(transfer.bundle_id),
                    header_hash=known(transfer.header_hash),
                    size=transfer.size,
                    code=code,
                    issuer=self._unit,
                    origin=known(transfer.origin),
                    recipient=self._unit,
                    epoch=known(transfer.epoch),
                    sequence=transfer.sequence or 0,  # what is not addressed to us has no place in our stream
                    issued_at=int(now),
                    reasons=reasons,
                )
                for transfer in transfers
            ]
        )

    def about(
        self,
        envelope: Envelope,
        *,
        origin: UnitCode,
        recipient: UnitCode,
        sequence: int,
        code: ReceiptCode,
        reasons: tuple[str, ...] = (),
        now: float,
    ) -> Receipt:
        """Return what we are to sign about a bundle that `origin` sends to `recipient` through us, as its envelope was
        proven; `now` in seconds since 1970 UTC."""
        return Receipt(
            bundle_id=envelope.bundle_id,
            header_hash=envelope.header_hash,
            size=envelope.size,
            code=code,
            issuer=self._unit,
            origin=origin,
            recipient=recipient,
            epoch=envelope.epoch,
            sequence=sequence,
            issued_at=int(now),
            reasons=reasons,
        )

    def signed(self, receipts: Sequence[Receipt]) -> list[ReceiptRecord]:
        """Return `receipts` signed, each a proof by itself; several share one signature."""
        return [
            ReceiptRecord(one.bundle_id, one.header_hash, one.code, one.issuer, float(one.issued_at), raw)
            for one, raw in zip(receipts, sign_receipts(receipts, self._keys), strict=True)
        ]
