"""Which refusals are answered: only an authentic bundle that can never pass gets a refusing receipt."""

from gateway.domain.records import ReceiptCode

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
