"""What this node states about a bundle, signed and ready to be recorded."""

from gateway.bundle.keys import NodeKeys
from gateway.bundle.receipt import Receipt, sign_receipt
from gateway.domain.ids import UnitCode
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known


def statement(
    transfer: Transfer, code: ReceiptCode, *, unit: UnitCode, keys: NodeKeys, at: float, reasons: tuple[str, ...] = ()
) -> ReceiptRecord:
    """Return the receipt `code` about the bundle of an inbound transfer, signed by `unit` with `keys` at wall clock
    `at`; ValueError (a bug) if the transfer's envelope was not proven yet."""
    receipt = Receipt(
        bundle_id=known(transfer.bundle_id),
        header_hash=known(transfer.header_hash),
        size=transfer.size,
        code=code,
        issuer=unit,
        origin=known(transfer.origin),
        recipient=unit,
        epoch=known(transfer.epoch),
        sequence=transfer.sequence or 0,  # what is not addressed to us has no place in our stream
        issued_at=int(at),
        reasons=reasons,
    )
    raw = sign_receipt(receipt, keys)
    return ReceiptRecord(
        receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, float(receipt.issued_at), raw
    )
