"""Dates as they look after a spreadsheet program had the table open: serial numbers, slashes, Chinese numerals."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from gateway.standard.dates import read_when
from gateway.standard.numerals import NUMERAL, read_numeral

SCIENTIFIC: Final = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{1,3}")
"""A number whose last digits are lost (catalogue D62)."""
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTIAL = re.compile(r"[0-9]{4}(?:-[0-9]{2})?")
_OTHER = re.compile(r"[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{8}")
_SERIAL = re.compile(r"[0-9]{5}")
_FIRST: Final = date(1899, 12, 30)
"""Day 0 of a spreadsheet's count, which takes 1900 for a leap year; right from 1 March 1900 on."""
_CHINESE = re.compile(rf"({NUMERAL})年({NUMERAL})月({NUMERAL})[日号]")


class Certainty(StrEnum):
    """How a date was written."""

    AGREED = "agreed"  # 1975-05-01
    CLEAR = "clear"  # in another way that can mean one day only
    PROSE = "prose"  # in Chinese numerals: typed by a person, who may have meant another day
    NONE = "none"  # no date


@dataclass(frozen=True, slots=True)
class SheetDate:
    """What a cell says. `iso`: the day, or the text as it is where it says none."""

    iso: str
    certainty: Certainty


def read_day(text: str) -> SheetDate:
    """Return the day that a cell of a column of dates names."""
    if _PARTIAL.fullmatch(text) and (when := read_when(text)) is not None:
        return SheetDate(when.iso, Certainty.AGREED)  # who knows no more than the year says no more
    found = _day(text)
    if found is None or found[0].year < 1900:
        return SheetDate(text, Certainty.NONE)
    return SheetDate(found[0].isoformat(), found[1])


def _day(text: str) -> tuple[date, Certainty] | None:
    try:
        if _PLAIN.fullmatch(text):
            return date.fromisoformat(text), Certainty.AGREED
        if _OTHER.fullmatch(text):
            when = read_when(text)
            return (when.first, Certainty.CLEAR) if when is not None else None
        if _SERIAL.fullmatch(text):
            return _FIRST + timedelta(days=int(text)), Certainty.CLEAR
        match = _CHINESE.fullmatch(text)
        if match is None:
            return None
        numbers = [read_numeral(part) for part in match.groups()]
        year, month, day = (-1 if one is None else one for one in numbers)
        certainty = Certainty.CLEAR if text.isascii() or match[1].isascii() else Certainty.PROSE
        return date(year, month, day), certainty
    except (ValueError, OverflowError):
        return None
