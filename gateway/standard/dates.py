"""Dates as case software writes them: a day, a moment, or only a year or month, never more exact than they are."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

EARLIEST_YEAR = 1900
"""No person or act in a living case is older (flow catalogue, check `date-plausible`)."""

BEIJING: Final = timezone(timedelta(hours=8))
"""The time of the whole country: which day it is does not depend on how a server is set up."""

_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{4})(\d{2})(\d{2})")
_CLOCK = re.compile(r"[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")
_PARTIAL = re.compile(r"(\d{4})(?:[-/.](\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class When:
    """A date or moment. `first` and `last` are the days it may lie in: equal unless only a month or year is known."""

    first: date
    last: date
    iso: str
    """`2026-03-10`, `2026-03-02T10:20:00`, `2026-03` or `2026`."""


def read_when(text: str) -> When | None:
    """Return what `text` says (local time without a zone), or None if it is no date of 1900 or later."""
    text = text.strip()
    try:
        return _full(text) or _partial(text)
    except ValueError:
        return None


def day_at(seconds: float) -> date:
    """Return the day in China at `seconds` since 1970 UTC."""
    return datetime.fromtimestamp(seconds, BEIJING).date()


def day_of_export(exported_at: str, today: date) -> date:
    """Return the day by whose standard an export is judged: that on which it was written, by its own word, `today`
    where it says none or one that has not come yet."""
    written = read_when(exported_at)
    return written.last if written is not None and written.last <= today else today


def _full(text: str) -> When | None:
    match = _DAY.match(text)
    if match is None:
        return None
    year, month, day = (int(g) for g in match.groups() if g is not None)
    when = date(year, month, day)
    rest = text[match.end() :]
    clock = _CLOCK.fullmatch(rest)
    if (rest and clock is None) or year < EARLIEST_YEAR:
        return None
    if clock is None:
        return When(when, when, when.isoformat())
    hour, minute, second = (int(g or 0) for g in clock.groups())
    return When(when, when, datetime(year, month, day, hour, minute, second).isoformat())  # noqa: DTZ001  local by contract


def _partial(text: str) -> When | None:
    match = _PARTIAL.fullmatch(text)
    if match is None or int(match[1]) < EARLIEST_YEAR:
        return None
    year = int(match[1])
    if match[2] is None:
        return When(date(year, 1, 1), date(year, 12, 31), f"{year}")
    month = int(match[2])
    return When(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]), f"{year}-{month:02}")


def age_on(born: date, day: date) -> int:
    """Return the full years on `day`: a year is full on the day after the birthday (法释〔2006〕1号 2)."""
    try:
        birthday = born.replace(year=day.year)
    except ValueError:
        # Born on 29 February: 1 March counts as the birthday in other years.
        birthday = date(day.year, 3, 1)
    return day.year - born.year - (day <= birthday)
