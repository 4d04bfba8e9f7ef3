"""Identity numbers of GB 11643: their check digit, the birth date and sex they state, and how they may be written."""

import unicodedata
from dataclasses import dataclass
from datetime import date

RESIDENT_CARD = "111"
"""GA/T 2000.156: 居民身份证; only its numbers follow GB 11643."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DIGITS = "10X98765432"


@dataclass(frozen=True, slots=True)
class IdentityNumber:
    """A number of the right shape. `birth` is None where its digits are no date; `sex` is `1` male or `2` female."""

    number: str
    birth: date | None
    sex: str
    check_digit: str
    """What the last character has to be; empty for the old numbers of 15 digits, which have none."""

    @property
    def is_sound(self) -> bool:
        return self.birth is not None and self.number[17:] == self.check_digit


def normal_number(text: str) -> str:
    """Return `text` in half width, without blanks, in capitals: how two numbers are compared."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def read_number(number: str) -> IdentityNumber | None:
    """Return what a normalised `number` says, or None if it has not the shape of an identity number."""
    if not number.isascii():
        return None
    if len(number) == 15 and number.isdigit():
        return IdentityNumber(number, _birth("19" + number[6:12]), _sex(number[14]), "")
    if len(number) == 18 and number[:17].isdigit() and number[17] in "0123456789X":
        return IdentityNumber(number, _birth(number[6:14]), _sex(number[16]), check_digit(number))
    return None


def check_digit(number: str) -> str:
    """Return the last character that the first 17 digits of `number` require (GB 11643, mod 11-2)."""
    return _DIGITS[sum(int(d) * w for d, w in zip(number[:17], _WEIGHTS, strict=True)) % 11]


def _birth(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def _sex(digit: str) -> str:
    return "1" if int(digit) % 2 else "2"
