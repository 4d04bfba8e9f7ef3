"""Fingerprints that two people read to each other: of cards, and of the root of a roster."""

import hmac
import unicodedata

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.bundle.suites import label

_DIGITS = 40
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 15, 8, 1


def aloud(name: str, body: bytes) -> str:
    """Return 40 decimal digits in 8 groups of 5 over `body`; scrypt makes a forged match dear (RFC 7914).

    name: what it is the fingerprint of; the same body has another fingerprint under another name.
    """
    kdf = Scrypt(salt=label(name), length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    number = int.from_bytes(kdf.derive(body)) % 10**_DIGITS
    digits = f"{number:0{_DIGITS}}"
    return " ".join(digits[i : i + 5] for i in range(0, _DIGITS, 5))


def is_heard(typed: str, expected: str) -> bool:
    """Whether a person typed the digits of `expected`; input methods type full-width digits, spaces and hyphens."""
    digits = "".join(unicodedata.normalize("NFKC", typed).split()).replace("-", "")
    return hmac.compare_digest(digits.encode(), expected.replace(" ", "").encode())
