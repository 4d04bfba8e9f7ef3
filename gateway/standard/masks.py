"""How one masked value is written: each rule of the field dictionary, and the numbers that no text may keep."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.standard.findings import masked
from gateway.standard.identity import normal_number, read_number
from gateway.standard.pseudonyms import starred

STAR: Final = "*"

_HASHED = re.compile(r"~[0-9a-f]{32}")
_BETWEEN = re.compile(r"([、,，;；])")
_YEAR = re.compile(r"(?:19|20)\d\d")
_CODE = re.compile(r"\d{6}")
_PART = r"[^省市县区旗盟\s\d]{1,10}?"
_COUNTY = re.compile(
    rf"(?:{_PART}(?:省|自治区|特别行政区))?"
    rf"(?:{_PART}(?:市|自治州|地区|盟))?"
    rf"(?:{_PART}(?:县级市|(?<![小社校厂景])区(?!域)|自治县|县|自治旗|旗|市))?"
)
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|\d{15})(?![0-9A-Za-z])")
_PHONE = re.compile(r"(?<![0-9A-Za-z])(?:(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}-\d{7,8})(?![0-9A-Za-z])")
_MOBILE_DIGITS = 11


def is_identity_number(text: str) -> bool:
    """Whether `text` can be the number of a resident identity card: its birthday is a day (GB 11643)."""
    read = read_number(normal_number(text))
    return read is not None and read.birth is not None


def without_numbers(text: str) -> str:
    """Return `text` with the identity and telephone numbers in it masked."""
    text = _NUMBER.sub(lambda found: masked(found[0]) if is_identity_number(found[0]) else found[0], text)
    return _PHONE.sub(lambda found: phone_3_4(found[0]), text)


def surname_star(text: str) -> str:
    """Return each of several names with all but its first character hidden: 张*、李**."""
    return "".join(one if _BETWEEN.fullmatch(one) else starred(one) for one in _BETWEEN.split(text))


def year_only(text: str) -> str:
    """Return the year of a date, empty where it has none at its beginning."""
    match = _YEAR.match(text)
    return match[0] if match is not None else ""


def to_county(text: str) -> str:
    """Return an address as far as its county; a code of GB/T 2260 by its first six digits; empty where it has none."""
    code = _CODE.match(text)
    if code is not None:
        return code[0]
    match = _COUNTY.match(text)
    return match[0] if match is not None else ""


def phone_3_4(text: str) -> str:
    """Return a telephone number with its first three and last four characters; a shorter one than a mobile's hidden."""
    if len(text) < _MOBILE_DIGITS:
        return STAR * len(text)
    return text[:3] + STAR * (len(text) - 7) + text[-4:]


def is_hashed(text: str) -> bool:
    """Whether `text` is a pseudonym already."""
    return _HASHED.fullmatch(text) is not None


WRITTEN: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "surname-star": surname_star,
        "id-3-2": masked,
        "year-only": year_only,
        "to-county": to_county,
        "phone-3-4": phone_3_4,
        "drop": lambda _text: "",
    }
)
"""Rule -> what it makes of a value. `hash` needs the node's key, `replace-names` the whole case: masking.py."""
