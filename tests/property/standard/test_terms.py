"""What holds of every term, whatever the days."""

from datetime import date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from gateway.standard.calendars import Calendar, WorkCalendar, last_of_month, months_on, read_duration
from gateway.standard.terms import end_of, term_end
from tests.support.standard import STANDARD

HOLIDAYS = STANDARD.holidays
WORK = WorkCalendar(HOLIDAYS)
ZONE = timezone(timedelta(hours=8))
DAYS = st.dates(date(2024, 1, 1), date(2029, 12, 31))
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2029, 12, 31)).map(lambda one: one.replace(tzinfo=ZONE))  # noqa: DTZ001  the zone is put on at once


@given(DAYS, st.integers(-240, 240))
def test_months_end_in_the_month_that_many_on(day: date, months: int) -> None:
    found = months_on(day, months)
    assert (found.year - day.year) * 12 + found.month - day.month == months
    assert found.day == day.day or found == last_of_month(found)
    if day == last_of_month(day):
        assert found == last_of_month(found)


@given(MOMENTS, st.integers(0, 400))
def test_a_holiday_only_ever_moves_a_term_on_and_never_in_custody(start: datetime, days: int) -> None:
    limit = read_duration(f"P{days}D")
    free, held = (end_of(start, limit, Calendar.NATURAL_AUTO, HOLIDAYS, in_custody=it) for it in (False, True))
    assert held.last_day == start.date() + timedelta(days=days)
    assert free.last_day >= held.last_day
    assert WORK.is_worked(free.last_day)
    between = [held.last_day + timedelta(days=n) for n in range((free.last_day - held.last_day).days)]
    assert not any(WORK.is_worked(day) for day in between)


@given(MOMENTS, st.integers(1, 60))
def test_so_many_working_days_lie_after_the_start(start: datetime, count: int) -> None:
    found = end_of(start, read_duration(f"P{count}D"), Calendar.WORKING_DAYS, HOLIDAYS, in_custody=False)
    days = [start.date() + timedelta(days=n + 1) for n in range((found.last_day - start.date()).days)]
    assert sum(map(WORK.is_worked, days)) == count
    assert WORK.is_worked(found.last_day)


@given(MOMENTS, st.integers(1, 3000), st.integers(1, 3000))
def test_working_time_adds_up(start: datetime, first: int, second: int) -> None:
    assert WORK.worked_minutes_on(WORK.worked_minutes_on(start, first), second) == WORK.worked_minutes_on(
        start, first + second
    )


@given(DAYS, st.integers(0, 15), st.integers(0, 11), st.integers(1, 29))
def test_a_longer_sentence_ends_later_and_credit_shortens_it_to_the_day(
    start: date, years: int, months: int, days: int
) -> None:
    last = term_end(start, years, months, days)
    assert last >= start
    assert term_end(start, years, months, days + 1) == last + timedelta(days=1)
    assert term_end(start, years, months, days, credit=3) == last - timedelta(days=3)
