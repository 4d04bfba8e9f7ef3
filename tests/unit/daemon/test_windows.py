"""The hours of a link: open within a window, and until when either stays so."""

from datetime import UTC, datetime

import pytest

from gateway.daemon.windows import NEVER_SECONDS, Hours, Window, Windows

NIGHT = Window("0 22 * * mon-fri", 8 * 3600)
LUNCH = Window("0 12 * * *", 3600)


def moment(day: int, clock: str) -> float:
    """A moment of January 2024, whose first day is a Monday."""
    hours, minutes = map(int, clock.split(":"))
    return datetime(2024, 1, day, hours, minutes, tzinfo=UTC).timestamp()


def windows(*some: Window) -> Windows:
    return Windows(some, UTC)


@pytest.mark.parametrize(
    ("at", "is_open", "until"),
    [
        (moment(1, "11:59"), False, moment(1, "12:00")),
        (moment(1, "12:00"), True, moment(1, "13:00")),
        (moment(1, "12:59"), True, moment(1, "13:00")),
        (moment(1, "13:00"), False, moment(1, "22:00")),
        (moment(2, "05:59"), True, moment(2, "06:00")),
        (moment(2, "06:00"), False, moment(2, "12:00")),
        # Friday's night lasts until Saturday morning; then nothing opens at night until Monday.
        (moment(6, "05:00"), True, moment(6, "06:00")),
        (moment(6, "23:00"), False, moment(7, "12:00")),
    ],
)
def test_a_link_is_open_within_its_windows(at: float, is_open: bool, until: float) -> None:
    made = windows(NIGHT, LUNCH)
    assert made.at(at) == Hours(is_open, until)
    assert made.closed_for(at) == (0.0 if is_open else until - at)


def test_windows_that_meet_are_one() -> None:
    made = windows(Window("0 8 * * *", 4 * 3600), Window("0 12 * * *", 3600), Window("30 9 * * *", 600))
    assert made.at(moment(1, "09:35")) == Hours(is_open=True, until=moment(1, "13:00"))


def test_windows_without_a_gap_never_close() -> None:
    made = windows(Window("* * * * *", 60))
    at = moment(1, "00:00")
    for _look in range(3):
        span = made.at(at)
        assert span.is_open
        assert span.until is not None
        assert span.until > at + 1800
        at = span.until
    assert made.closed_for(at) == 0.0


def test_a_link_without_windows_is_always_open() -> None:
    assert windows().at(moment(1, "00:00")) == Hours(is_open=True, until=None)
    assert windows().closed_for(moment(1, "00:00")) == 0.0


def test_a_window_that_never_opens_is_looked_at_once_a_day() -> None:
    made = windows(Window("0 0 30 2 *", 3600))
    assert made.at(moment(1, "00:00")) == Hours(is_open=False, until=None)
    assert made.closed_for(moment(1, "00:00")) == NEVER_SECONDS


def test_a_clock_that_is_set_back_is_believed() -> None:
    made = windows(LUNCH)
    assert made.at(moment(3, "12:30")).is_open
    assert made.at(moment(2, "11:00")) == Hours(is_open=False, until=moment(2, "12:00"))
