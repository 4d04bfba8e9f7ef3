"""A code finds its unit at any date, mergers lead on to who answers today, and a mistyped one has near candidates."""

from dataclasses import replace

import pytest

from gateway.domain.ids import UnitCode
from gateway.roster.content import HUB, Level, RosterUnit, UnitName
from gateway.roster.roster import Roster
from tests.support.rosters import hub, invented, roster_of


def unit(code: str, *names: tuple[str, str, int, int | None], role: str = "court", name: str = "") -> RosterUnit:
    return replace(invented(code, role, name=name), names=tuple(UnitName(*one) for one in names))


OLD = replace(
    unit("990101", ("court", "851", 0, 500), name="测试市旧区人民法院"), closed_at=500, successor=UnitCode("990102")
)
MERGED = replace(
    unit("990102", ("court", "852", 0, 900), name="测试市甲区人民法院"), closed_at=900, successor=UnitCode("990103")
)
NEW = unit("990103", ("court", "851", 1000, None), ("credit", "12990103MB", 0, None), name="测试市新区人民法院")
POLICE = unit("990102000000", ("ga380", "990102000000", 0, None), ("credit", "851", 0, None), role="police")
GONE = replace(unit("990109"), closed_at=100)
ROSTER = Roster(roster_of(OLD, MERGED, NEW, POLICE, GONE))


def found(scheme: str | None, code: str, at: float) -> str | None:
    answer = ROSTER.resolve(scheme, code, at)
    return None if answer is None else answer.unit.unit


@pytest.mark.parametrize(
    ("scheme", "code", "at", "expected"),
    [
        (None, "990103", 10, "990103"),
        (None, "990101", 400, "990101"),
        (None, "990101", 600, "990102"),
        (None, "990101", 950, "990103"),
        ("court", "851", 100, "990101"),
        ("court", "851", 600, "990102"),  # no longer in use, and not given to another yet
        ("court", "851", 1500, "990103"),  # given to another since
        ("credit", "851", 1500, "990102000000"),
        (None, "851", 1500, None),  # two units have it in two schemes
        (None, "12990103MB", 5, "990103"),
        ("court", "12990103MB", 5, None),
        (None, "nobody", 5, None),
        (None, "990109", 500, "990109"),  # closed without a successor: who asks must look at closed_at
    ],
)
def test_a_code_finds_its_unit_at_a_date(scheme: str | None, code: str, at: float, expected: str | None) -> None:
    assert found(scheme, code, at) == expected


def test_the_way_of_a_merger_is_told() -> None:
    answer = ROSTER.resolve(None, "990101", 950)
    assert answer is not None
    assert answer.via == ("990101", "990102")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("990104", "990101"),  # one digit
        ("990130", "990103"),  # two swapped
        ("99010", "990101"),  # one lost
        ("9901020000000", "990102000000"),  # one too many
        ("12990103mb", "990103"),  # by another scheme, in small letters
        ("新区", "990103"),  # by name
        ("测试市新区人民法院刑事庭", "990103"),
    ],
)
def test_a_mistyped_code_has_near_candidates(written: str, expected: str) -> None:
    assert expected in [one.unit for one in ROSTER.near(written)]


def test_what_is_far_from_everything_has_no_candidates() -> None:
    assert ROSTER.near("abcdefgh") == ()
    assert len(ROSTER.near("99010", most=2)) == 2


def test_who_may_send_what_is_asked_by_role_level_and_direction() -> None:
    county = invented("990102", "procuratorate")
    city = replace(invented("990100", "procuratorate", region="990100"), level=Level.CITY)
    police, court = invented("990102000000"), invented("990103", "court")
    platform = hub("990000")
    roster = Roster(roster_of(county, city, police, court, platform))
    assert roster.permission("arrest-request", police.unit, county.unit) is not None
    assert roster.permission("arrest-request", county.unit, police.unit) is None
    assert roster.permission("arrest-decision", county.unit, police.unit) is not None
    assert roster.permission("arrest-request", police.unit, court.unit) is None
    # What goes from the procuratorate above to the court above is not for a county.
    assert roster.permission("retrial-protest", county.unit, court.unit) is None
    high_court = replace(invented("990900", "court", region="990900"), level=Level.CITY)
    upper = Roster(roster_of(county, city, high_court))
    assert upper.permission("retrial-protest", city.unit, high_court.unit) is not None
    assert upper.permission("retrial-protest", county.unit, high_court.unit) is None
    # A hub is the platform of the exchange standard.
    assert platform.role == HUB
    assert roster.permission("stage-status-notice", police.unit, platform.unit) is not None
    assert roster.permission("arrest-request", police.unit, UnitCode("9999")) is None
