"""Terms against tables worked by hand; each row of tests/data/terms says why."""

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from gateway.standard.calendars import Calendar, read_duration
from gateway.standard.catalogue import Deadline
from gateway.standard.terms import Level, Reckoning, end_of, reckon, term_end
from tests.support.standard import STANDARD

TABLES = Path(__file__).parents[2] / "data" / "terms"
ZONE = timezone(timedelta(hours=8))
HOLIDAYS = STANDARD.holidays


def rows(name: str) -> list[tuple[str, ...]]:
    lines = (TABLES / name).read_text(encoding="utf-8").splitlines()[1:]
    return [tuple(line.split("\t")) for line in lines]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def deadline(flow: str, name: str) -> Deadline:
    found = STANDARD.flow(flow)
    assert found is not None
    return next(one for one in found.deadlines if one.id == name)


@pytest.mark.parametrize(("calendar", "custody", "start", "limit", "end", "note", "why"), rows("terms.tsv"))
def test_a_term_ends_where_it_does_by_hand(
    calendar: str, custody: str, start: str, limit: str, end: str, note: str, why: str
) -> None:
    found = end_of(local(start), read_duration(limit), Calendar(calendar), HOLIDAYS, in_custody=custody == "yes")
    assert why
    if "T" in end:
        assert found.at == local(end)
    else:
        assert found.last_day == date.fromisoformat(end)
        assert found.at == local(end) + timedelta(days=1)
    assert found.moved is (note == "moved")
    # The table ends with 2026: what hangs on a later year says so.
    assert bool(found.unknown) is (note == "unknown")


@pytest.mark.parametrize(("start", "years", "months", "days", "credit", "last", "why"), rows("sentences.tsv"))
def test_a_sentence_ends_where_it_does_by_hand(
    start: str, years: str, months: str, days: str, credit: str, last: str, why: str
) -> None:
    found = term_end(date.fromisoformat(start), int(years), int(months), int(days), int(credit))
    assert found == date.fromisoformat(last), why


@pytest.mark.parametrize(
    "text", ["", "P", "7D", "P7", "PT", "P1DT", "P-7D", "P7DT", "p7d", "P1W", "P" + "9" * 30 + "D"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        read_duration(text)


@pytest.mark.parametrize(
    ("calendar", "limit"), [("working-days", "P1M"), ("working-hours", "P1D"), ("hours", "P1D"), ("natural", "P1DT2H")]
)
def test_what_a_calendar_cannot_count_is_refused(calendar: str, limit: str) -> None:
    with pytest.raises(ValueError, match=r"counted in|in one term"):
        end_of(local("2026-03-02T09:00"), read_duration(limit), Calendar(calendar), HOLIDAYS, in_custody=False)


def test_every_deadline_of_the_catalogue_can_be_reckoned() -> None:
    start = local("2026-03-02T10:20")
    for flow in STANDARD.flows():
        for one in flow.deadlines:
            back = one.clock.startswith("before:")
            for limit in ("", *(each.limit for each in one.extensions)):
                found = reckon(start, one, HOLIDAYS, in_custody=False, limit=limit, back=back)
                assert found.amber <= found.end.at or found.level(found.amber) is Level.OVERDUE, (flow.code, one.id)


def moments(found: Reckoning) -> tuple[str, ...]:
    return tuple(one.isoformat()[:16] for one in (found.amber, found.red, found.end.at))


def test_seven_days_in_custody_turn_amber_with_the_fifth_day_and_red_with_the_last() -> None:
    found = reckon(local("2026-03-02T10:20"), deadline("arrest-request", "arrest-detained"), HOLIDAYS, in_custody=True)
    assert moments(found) == ("2026-03-07T00:00", "2026-03-09T00:00", "2026-03-10T00:00")
    levels = [found.level(local(at)) for at in ("2026-03-06T23:59", "2026-03-07T00:00", "2026-03-09T23:59")]
    assert levels == [Level.OPEN, Level.AMBER, Level.RED]
    assert found.level(local("2026-03-10T00:00")) is Level.OVERDUE


def test_an_extension_moves_the_warnings_as_far_as_the_end() -> None:
    one = deadline("arrest-request", "arrest-not-detained")
    usual = reckon(local("2026-03-02T10:20"), one, HOLIDAYS, in_custody=False)
    longer = reckon(local("2026-03-02T10:20"), one, HOLIDAYS, in_custody=False, limit="P20D")
    assert moments(usual) == ("2026-03-14T00:00", "2026-03-17T00:00", "2026-03-18T00:00")
    # 22 March is a Sunday, so it ends with the 23rd, six days later.
    assert moments(longer) == ("2026-03-20T00:00", "2026-03-23T00:00", "2026-03-24T00:00")


def test_red_falls_on_the_last_day_even_where_a_holiday_moved_it() -> None:
    found = reckon(
        local("2026-02-09T09:00"), deadline("arrest-reconsideration", "reconsider-7d"), HOLIDAYS, in_custody=False
    )
    assert moments(found) == ("2026-02-14T00:00", "2026-02-24T00:00", "2026-02-25T00:00")


def test_seven_days_before_custody_ends() -> None:
    one = deadline("custody-extension", "seven-days-before")
    found = reckon(local("2026-05-08T00:00"), one, HOLIDAYS, in_custody=True, back=True)
    assert moments(found) == ("2026-04-28T00:00", "2026-05-01T00:00", "2026-05-02T00:00")


def test_at_once_is_overdue_with_the_first_warning() -> None:
    found = reckon(
        local("2026-03-02T10:20"), deadline("nonprosecution-notice", "release-now"), HOLIDAYS, in_custody=True
    )
    assert found.level(local("2026-03-02T12:19")) is Level.OPEN
    assert found.level(local("2026-03-02T12:20")) is Level.OVERDUE


def test_working_hours_warn_in_working_hours() -> None:
    one = deadline("remote-interrogation-booking", "confirm-ops")
    found = reckon(local("2026-03-02T11:30"), one, HOLIDAYS, in_custody=False)
    assert moments(found) == ("2026-03-02T15:00", "2026-03-03T09:00", "2026-03-02T16:00")
