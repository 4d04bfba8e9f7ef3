"""Calendars: which days are worked, and where so many days, working days or working hours from a moment end."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from gateway.standard.catalogue import Holidays

DURATION_MAX: Final = 24
"""Characters of a duration; the longest of the catalogue has six."""
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,5})M)?)?"
)
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


class Calendar(StrEnum):
    """How a term is counted (flow catalogue, `calendar`)."""

    NATURAL = "natural"  # days of the calendar; a last day that is a holiday moves on
    NATURAL_CUSTODY = "natural-custody"  # days of the calendar; a holiday moves nothing
    NATURAL_AUTO = "natural-auto"  # the one or the other by whether that person is in custody
    WORKING_DAYS = "working-days"
    WORKING_HOURS = "working-hours"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration of whole months, days and minutes. `sign`: -1 for one that counts back, else 1."""

    sign: int
    months: int
    days: int
    minutes: int

    @property
    def is_clock(self) -> bool:
        """Whether it is one of hours and minutes alone."""
        return not self.months and not self.days and self.minutes > 0


def read_duration(text: str) -> Duration:
    """Return what `text` says (P7D, P1M15D, PT48H, -P7D, P0D); ValueError if it is no such duration."""
    match = _DURATION.fullmatch(text) if len(text) <= DURATION_MAX else None
    named = {name: int(value) for name, value in match.groupdict().items() if value and name != "sign"} if match else {}
    if match is None or not named or text.endswith("T"):
        raise ValueError(f"{text!r} is no duration")
    return Duration(
        -1 if match["sign"] else 1,
        named.get("years", 0) * 12 + named.get("months", 0),
        named.get("days", 0),
        named.get("hours", 0) * 60 + named.get("minutes", 0),
    )


def last_of_month(day: date) -> date:
    """Return the last day of the month in which `day` lies."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def months_on(day: date, months: int) -> date:
    """Return the day on which a term of `months` (negative: back) from `day` ends, by the rule for terms.

    The same day of that month; the last day of it where `day` is the last of its own, or where there is no such day
    (法释〔2021〕1号 202.1). A month is counted from `day` and never from a month between.
    """
    count = day.year * 12 + day.month - 1 + months
    last = last_of_month(date(count // 12, count % 12 + 1, 1))
    return last if day == last_of_month(day) else last.replace(day=min(day.day, last.day))


def years_on(day: date, years: int) -> date:
    """Return the same day of the same month `years` on, or the last of that month if there is none (202.2)."""
    last = last_of_month(date(day.year + years, day.month, 1))
    return last.replace(day=min(day.day, last.day))


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Working days and hours by the State Council's table; for a year that is not in it by weekends alone."""

    holidays: Holidays

    def is_worked(self, day: date) -> bool:
        """Whether `day` is a working day."""
        if day in self.holidays.worked:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays.off

    def knows(self, day: date) -> bool:
        """Whether the table covers the year of `day`."""
        return day.year in self.holidays.years

    def first_worked(self, day: date) -> date:
        """Return `day`, or the first working day after it."""
        while not self.is_worked(day):
            day += _DAY
        return day

    def worked_on(self, day: date, count: int) -> date:
        """Return the working day that is `count` working days after `day` (negative: before), which counts not itself.

        Of none (0) it is `day` or the first working day after.
        """
        if not count:
            return self.first_worked(day)
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day += step
            while not self.is_worked(day):
                day += step
        return day

    def worked_minutes_on(self, start: datetime, minutes: int) -> datetime:
        """Return the moment at which `minutes` of working time have passed since `start` (local time)."""
        left = timedelta(minutes=minutes)
        for begin, end in self._spells(start):
            if end <= start:
                continue
            since = max(begin, start)
            if left <= end - since:
                return since + left
            left -= end - since
        raise AssertionError("unreachable: working time does not end")

    def _spells(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        day = start.date()
        while True:
            day = self.first_worked(day)
            midnight = datetime.combine(day, time(), start.tzinfo)
            for begin, end in (self.holidays.morning, self.holidays.afternoon):
                yield midnight + timedelta(minutes=begin), midnight + timedelta(minutes=end)
            day += _DAY
