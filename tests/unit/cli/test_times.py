"""Times and sizes as people write and read them; text that a terminal must not obey."""

import pytest

from gateway.cli.terminal import cell, visible
from gateway.cli.times import clock_text, moment, size_text, span_text
from gateway.domain.errors import ConfigError

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - 90),
        ("30m", NOW - 1800),
        ("2h", NOW - 7200),
        (" 3D ", NOW - 259200),
        ("1w", NOW - 604800),
        ("２h", NOW - 7200),
        ("2026-03-10", 1773100800.0),
        ("2026-03-10T15:30", 1773156600.0),
        ("2026-03-10T15:30:00+08:00", 1773127800.0),
    ],
)
def test_a_moment_is_how_long_ago_or_a_date(text: str, expected: float) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "h", "-2h", "2.5h", "2 h", "tomorrow", "2026-13-01", "9999999999d"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        moment(text, NOW)
    assert caught.value.code == "time-malformed"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, "0.0 s"),
        (0.84, "0.8 s"),
        (42, "42 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (356400, "4 d 3 h"),
        (86400 + 59, "1 d"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float, expected: str) -> None:
    assert span_text(seconds) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (60 << 20, "60.0 MiB"),
        (5 << 40, "5.0 TiB"),
        (1 << 60, "1048576.0 TiB"),
    ],
)
def test_a_size_has_a_unit(size: int, expected: str) -> None:
    assert size_text(size) == expected


def test_a_time_is_local_and_nothing_is_nothing() -> None:
    assert clock_text(1773156600.0) == "2026-03-10 15:30:00"
    assert clock_text(None) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("案件　一号（甲）.zip", "案件　一号（甲）.zip"),
        ("a\x1b]0;title\x07b", "a\ufffd]0;title\ufffdb"),
        ("\u202egpj.exe", "\ufffdgpj.exe"),
        ("\udcb0\udca1", "\ufffd\ufffd"),
        ("one\ntwo", "one\ntwo"),
    ],
)
def test_only_what_can_be_seen_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_cell_is_one_line() -> None:
    assert cell("one\ntwo") == "one two"
    assert cell(None) == ""
