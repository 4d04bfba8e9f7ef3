"""Terms of procedure and of sentences: where they end, and from when on they are near."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum

from gateway.standard.calendars import Calendar, Duration, WorkCalendar, months_on, read_duration, years_on
from gateway.standard.catalogue import Deadline, Holidays

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class Level(IntEnum):
    """How near a term is."""

    OPEN = 0
    AMBER = 1
    RED = 2
    OVERDUE = 3


@dataclass(frozen=True, slots=True)
class End:
    """Where a term ends. `at` (local time): it has passed from this moment on; `last_day`: the last one that counts.

    moved: from a holiday to the first working day after. unknown: years that the table of holidays does not cover
    although the result hangs on them; weekends alone were counted there.
    """

    at: datetime
    last_day: date
    moved: bool = False
    unknown: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Reckoning:
    """One term of one deadline: `end`, and when it turns amber and red (local time)."""

    end: End
    amber: datetime
    red: datetime

    def level(self, now: datetime) -> Level:
        """Return how near the term is at `now`.

        Overdue is what is past its end, but never before the catalogue's first warning: `at once` (PT0H) with amber
        after two hours is overdue after two hours.
        """
        if now >= max(self.end.at, min(self.amber, self.red)):
            return Level.OVERDUE
        if now >= self.red:
            return Level.RED
        return Level.AMBER if now >= self.amber else Level.OPEN


def end_of(start: datetime, limit: Duration, kind: Calendar, holidays: Holidays, *, in_custody: bool) -> End:
    """Return where a term of `limit` that starts at `start` (local time) ends.

    The day or hour of the start does not count (刑诉法 105.2). A last day that is a holiday moves to the first working
    day after, unless the person is in custody (105.4) or the term counts back: then it would be kept too late.
    Raises ValueError for a duration that the calendar cannot count: months of working days, working hours back.
    """
    work = WorkCalendar(holidays)
    match kind:
        case Calendar.HOURS:
            return _hours(start, limit)
        case Calendar.WORKING_HOURS:
            return _working_hours(start, limit, work)
        case Calendar.WORKING_DAYS:
            return _working_days(start, limit, work)
        case _:
            moves = kind is Calendar.NATURAL or (kind is Calendar.NATURAL_AUTO and not in_custody)
            return _natural(start, limit, work, moves=moves)


def reckon(
    start: datetime, deadline: Deadline, holidays: Holidays, *, in_custody: bool, limit: str = "", back: bool = False
) -> Reckoning:
    """Return the term of `deadline` that starts at `start` (local time).

    limit: a longer one that was allowed, with which amber and red move as far as the end does. back: the clock is
    `before:`, of which nothing moves on for a holiday. Raises ValueError as `end_of`.
    """
    kind = Calendar(deadline.calendar)
    if back and kind is not Calendar.HOURS:
        kind = Calendar.NATURAL_CUSTODY if kind is not Calendar.WORKING_DAYS else kind
    usual = end_of(start, read_duration(deadline.limit), kind, holidays, in_custody=in_custody)
    end = end_of(start, read_duration(limit), kind, holidays, in_custody=in_custody) if limit else usual
    later = end.at - usual.at
    amber, red = (
        _mark(start, text, deadline.limit, usual, kind=kind, holidays=holidays) + later
        for text in (deadline.amber, deadline.red)
    )
    return Reckoning(end, amber, red)


def term_end(start: date, years: int = 0, months: int = 0, days: int = 0, credit: int = 0) -> date:
    """Return the last day of a sentence that begins on `start`: years, then months by their rules, then days.

    It ends on the day before the same day (法释〔2021〕1号 202.2). credit: days already spent in custody, as they count
    for that punishment (刑法 41, 44, 47).
    """
    anchor = years_on(start, years) if years else start
    anchor = months_on(anchor, months) if months else anchor
    return anchor + timedelta(days=days - 1 - credit)


def _mark(start: datetime, text: str, limit: str, usual: End, *, kind: Calendar, holidays: Holidays) -> datetime:
    """Return when a threshold is reached: one of days with the beginning of that day, one of hours to the minute.

    The one that equals the limit is reached with the beginning of the last day, wherever a holiday moved that to.
    """
    mark = read_duration(text)
    if kind in {Calendar.WORKING_HOURS, Calendar.WORKING_DAYS} and mark.is_clock and mark.sign > 0:
        return WorkCalendar(holidays).worked_minutes_on(start, mark.minutes)
    if mark.is_clock or (kind is Calendar.HOURS and not mark.months and not mark.days):
        return start + mark.sign * timedelta(minutes=mark.minutes)
    if text == limit:
        return _midnight(usual.last_day, start)
    days = (
        Calendar.WORKING_DAYS if kind in {Calendar.WORKING_HOURS, Calendar.WORKING_DAYS} else Calendar.NATURAL_CUSTODY
    )
    return _midnight(end_of(start, mark, days, holidays, in_custody=True).last_day, start)


def _natural(start: datetime, limit: Duration, work: WorkCalendar, *, moves: bool) -> End:
    if limit.minutes:
        # Hours beside days are counted from the end of the days; a term of hours alone begins with the next full hour.
        if limit.months or limit.days:
            raise ValueError("days and hours in one term")
        return _hours(start, limit)
    last = months_on(start.date(), limit.sign * limit.months) + limit.sign * timedelta(days=limit.days)
    if not moves or limit.sign < 0:
        return End(_midnight(last + _DAY, start), last)
    moved = work.first_worked(last)
    unknown = frozenset(day.year for day in (last, moved) if not work.knows(day))
    return End(_midnight(moved + _DAY, start), moved, moved != last, unknown)


def _working_days(start: datetime, limit: Duration, work: WorkCalendar) -> End:
    if limit.months or limit.minutes:
        raise ValueError("working days are counted in days")
    last = work.worked_on(start.date(), limit.sign * limit.days)
    first = min(start.date(), last)
    years = {first.year + n for n in range(abs(last.year - start.year) + 1)}
    return End(_midnight(last + _DAY, start), last, unknown=frozenset(years - work.holidays.years))


def _working_hours(start: datetime, limit: Duration, work: WorkCalendar) -> End:
    if limit.months or limit.days or limit.sign < 0:
        raise ValueError("working hours are counted in hours, and not back")
    at = work.worked_minutes_on(start, limit.minutes)
    years = set(range(start.year, at.year + 1))
    return End(at, at.date(), unknown=frozenset(years - work.holidays.years))


def _hours(start: datetime, limit: Duration) -> End:
    if limit.months or limit.days:
        raise ValueError("hours are counted in hours")
    if limit.sign < 0 or not limit.minutes:
        at = start + limit.sign * timedelta(minutes=limit.minutes)
    else:
        at = start.replace(minute=0, second=0, microsecond=0) + _HOUR + timedelta(minutes=limit.minutes)
    return End(at, at.date())


def _midnight(day: date, like: datetime) -> datetime:
    return datetime.combine(day, time(), like.tzinfo)
