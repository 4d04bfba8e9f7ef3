"""What is answered to a bundle, and how it is signed: unasked, only what is authentic and can never pass is refused."""

from gateway.bundle.keys import NodeKeys
from gateway.bundle.receipt import Receipt, sign_receipt
from gateway.domain.ids import UnitCode
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known

WAIVABLE = frozenset({"expired", "too-large", "key-not-valid", "delivery-doubtful"})
"""Rules of this node that a person may waive for one bundle: it is authentic and whole, and there is a place for it."""

_DAMAGE = frozenset(
    {
        "truncated",
        "trailing-bytes",
        "manifest-corrupt",
        "segment-corrupt",
        "segment-list-corrupt",
        "content-auth-failed",
        "file-hash-mismatch",
        "inner-signature-bad",
        "padding-not-zero",
        "unwrap-failed",
    }
)

_ANSWER = (
    ("expired", ReceiptCode.EXPIRED),
    ("too-large", ReceiptCode.TOO_LARGE),
    ("not-permitted", ReceiptCode.NOT_PERMITTED),
    ("key-not-valid", ReceiptCode.SIGNATURE),
    ("equivocation", ReceiptCode.REPLAY),
    ("not-addressed-to-us", ReceiptCode.NOT_FOR_US),
    ("manifest-malformed", ReceiptCode.VALIDATION_FAILED),
    ("unsafe-path", ReceiptCode.VALIDATION_FAILED),
    ("case-package-malformed", ReceiptCode.VALIDATION_FAILED),
)


def refusal_code(error_code: str) -> ReceiptCode | None:
    """Return the receipt that answers `error_code`, None where silence is right.

    Damage on the way (a segment, the manifest, the length) is not answered: the sender's own repetition mends it,
    while a signed refusal would end the transfer. A bad signature or an unknown signer is not answered either: there
    is nobody to answer. What was delivered before is answered with the receipt of that delivery.
    """
    return next((code for slug, code in _ANSWER if slug == error_code), None)


def persons_code(error_code: str) -> ReceiptCode:
    """Return the receipt that a person's refusal of what was set aside for `error_code` sends."""
    answer = refusal_code(error_code)
    if answer is not None:
        return answer
    if error_code == "delivery-doubtful":
        return ReceiptCode.REPLAY
    return ReceiptCode.DAMAGED if error_code in _DAMAGE else ReceiptCode.NOT_PERMITTED


class ReceiptPen:
    """Signs what this node states about bundles that came to it."""

    def __init__(self, unit: UnitCode, keys: NodeKeys) -> None:
        self._unit = unit
        self._keys = keys

    def sign(self, transfer: Transfer, code: ReceiptCode, reasons: tuple[str, ...], now: float) -> ReceiptRecord:
        """Return the signed statement about an inbound transfer whose envelope was verified; `now` in seconds since
        1970 UTC."""
        receipt = Receipt(
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
        raw = sign_receipt(receipt, self._keys)
        return ReceiptRecord(
            receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, float(receipt.issued_at), raw
        )
