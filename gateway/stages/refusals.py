"""What is answered to a bundle: unasked, only what is authentic and can never pass is refused."""

from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode, Transfer

WAIVABLE = frozenset({"expired", "too-large", "key-not-valid", "delivery-doubtful", "scan-missing"})
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
    ("class-mismatch", ReceiptCode.NOT_PERMITTED),
    ("key-not-valid", ReceiptCode.SIGNATURE),
    ("equivocation", ReceiptCode.REPLAY),
    ("not-addressed-to-us", ReceiptCode.NOT_FOR_US),
    ("manifest-malformed", ReceiptCode.VALIDATION_FAILED),
    ("unsafe-path", ReceiptCode.VALIDATION_FAILED),
    ("case-package-malformed", ReceiptCode.VALIDATION_FAILED),
    ("grant-missing", ReceiptCode.VALIDATION_FAILED),
    ("mask-missing", ReceiptCode.VALIDATION_FAILED),
    ("sealed-record", ReceiptCode.VALIDATION_FAILED),
    ("malware", ReceiptCode.VALIDATION_FAILED),
    ("reply-rejected", ReceiptCode.VALIDATION_FAILED),
)


def refusal_code(error_code: str) -> ReceiptCode | None:
    """Return the receipt that answers `error_code`, None where silence is right.

    Damage on the way (a segment, the manifest, the length) is not answered: the sender's own repetition mends it,
    while a signed refusal would end the transfer. A bad signature or an unknown signer is not answered either: there
    is nobody to answer. What was delivered before is answered with the receipt of that delivery.
    """
    return next((code for slug, code in _ANSWER if slug == error_code), None)


def waits_for_person(transfer: Transfer) -> bool:
    """Whether a bundle lies in quarantine and stays there, however often the same bytes come: who sent it is proven,
    and it is a rule of this node that keeps it out. Anything else may be mended by what comes, or by a new roster."""
    return transfer.state is State.QUARANTINED and transfer.header_hash is not None and transfer.last_error in WAIVABLE


def persons_code(error_code: str) -> ReceiptCode:
    """Return the receipt that a person's refusal of what was set aside for `error_code` sends."""
    answer = refusal_code(error_code)
    if answer is not None:
        return answer
    if error_code == "delivery-doubtful":
        return ReceiptCode.REPLAY
    return ReceiptCode.DAMAGED if error_code in _DAMAGE else ReceiptCode.NOT_PERMITTED
