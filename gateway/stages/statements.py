"""What this node states about a bundle, signed and ready to be recorded."""

from gateway.bundle.envelope import Envelope
from gateway.bundle.keys import NodeKeys
from gateway.bundle.receipt import Receipt, sign_receipt
from gateway.domain.ids import UnitCode
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known


class ReceiptPen:
    """Signs what this node states about bundles that came to it."""

    def __init__(self, unit: UnitCode, keys: NodeKeys) -> None:
        self._unit = unit
        self._keys = keys

    def sign(self, transfer: Transfer, code: ReceiptCode, reasons: tuple[str, ...], now: float) -> ReceiptRecord:
        """Return the signed statement about an inbound transfer whose envelope was proven; `now` in seconds since 1970
        UTC. ValueError (a bug) if it was not proven yet."""
        return self._signed(
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
        )

    def sign_for(
        self,
        envelope: Envelope,
        *,
        origin: UnitCode,
        recipient: UnitCode,
        sequence: int,
        code: ReceiptCode,
        reasons: tuple[str, ...] = (),
        now: float,
    ) -> ReceiptRecord:
        """Return our signed statement about a bundle that `origin` sends to `recipient` through us, as its envelope was
        proven; `now` in seconds since 1970 UTC."""
        return self._signed(
            Receipt(
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
        )

    def _signed(self, receipt: Receipt) -> ReceiptRecord:
        raw = sign_receipt(receipt, self._keys)
        return ReceiptRecord(
            receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, float(receipt.issued_at), raw
        )
