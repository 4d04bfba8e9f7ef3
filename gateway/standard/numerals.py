"""Chinese numerals as documents write them: 十二, 一百二十, 二〇二六, and digits of any width."""

import re
import unicodedata
from types import MappingProxyType
from typing import Final

NUMERAL: Final = r"[0-9０-９〇○零一二两三四五六七八九十百千]{1,12}"
"""The pattern of one numeral, for the patterns of others."""

_DIGITS = MappingProxyType({**{c: n for n, c in enumerate("〇一二三四五六七八九")}, "零": 0, "○": 0, "两": 2})
_UNITS = MappingProxyType({"十": 10, "百": 100, "千": 1000})
_SHAPE = re.compile(NUMERAL)
_DIGITS_MAX = 12


def read_numeral(text: str) -> int | None:
    """Return the number that `text` writes, up to twelve characters; None if it is no numeral.

    Without 十, 百 or 千 every character is a digit (二〇二六 is 2026).
    """
    if _SHAPE.fullmatch(text) is None:
        return None
    plain = unicodedata.normalize("NFKC", text)
    if plain.isascii():
        return int(plain)
    if not any(c in _UNITS for c in plain):
        return int("".join(str(_digit(c)) for c in plain))
    total, digit, last = 0, None, 10_000
    for c in plain:
        if c not in _UNITS:
            if digit not in {None, 0}:
                return None  # 二三十 is no number
            digit = _digit(c)
            continue
        if _UNITS[c] >= last:
            return None
        last = _UNITS[c]
        total += (1 if digit is None else digit) * last
        digit = None
    return total + (digit or 0)


def read_digits(text: str) -> int | None:
    """Return the number that `text` writes in ASCII digits, up to twelve; None for anything else: `²` is a digit to
    Python, and no number, and of thousands of them it makes none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None


def _digit(character: str) -> int:
    return _DIGITS[character] if character in _DIGITS else int(character)
