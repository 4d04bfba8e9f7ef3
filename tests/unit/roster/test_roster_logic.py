"""A roster that contradicts itself is refused, and what is wrong is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.bundle.keys import PublicKeys
from gateway.domain.errors import GatewayError
from gateway.domain.ids import UnitCode
from gateway.domain.records import Priority
from gateway.roster import logic
from gateway.roster.content import FlowClass, Level, Permission, RosterContent, UnitName
from gateway.roster.roster import HOPS_MAX, Roster
from tests.support.rosters import SINCE, hub, invented, roster_of

PROVINCE = hub("990000000000")
CITY = hub("990100000000", hubs=[PROVINCE.unit], level=Level.CITY, region="990100")
POLICE = invented("990102000000", hubs=[CITY.unit])
COURT = invented("990102", "court", hubs=[CITY.unit])
WHOLE = roster_of(PROVINCE, CITY, POLICE, COURT)


def with_police(**changes: object) -> RosterContent:
    return roster_of(PROVINCE, CITY, COURT, replace(POLICE, **changes))  # type: ignore[arg-type] # any field


def named(scheme: str, code: str, since: int, until: int | None = None) -> UnitName:
    return UnitName(scheme, code, since, until)


def test_a_sound_roster_passes() -> None:
    logic.check(WHOLE)


BAD: dict[str, tuple[Callable[[], RosterContent], str]] = {
    "a unit twice": (lambda: replace(WHOLE, units=(*WHOLE.units, POLICE)), "listed twice"),
    "out of order": (lambda: replace(WHOLE, units=WHOLE.units[::-1]), "out of order"),
    "a key twice": (lambda: with_police(keys=COURT.keys), "keys are listed twice"),
    "an ssh key twice": (lambda: with_police(ssh_user_keys=(COURT.ssh_host_key,)), "keys are listed twice"),
    "no hub": (lambda: with_police(hubs=(COURT.unit,)), "is no hub"),
    "an unknown hub": (lambda: with_police(hubs=(UnitCode("9999"),)), "is no hub"),
    "a hub twice": (lambda: with_police(hubs=(CITY.unit, CITY.unit)), "a hub is listed twice"),
    "a closed hub": (lambda: roster_of(PROVINCE, replace(CITY, closed_at=SINCE), POLICE), "is closed"),
    "hubs in a circle": (lambda: roster_of(replace(PROVINCE, hubs=(CITY.unit,)), CITY, POLICE), "back to itself"),
    "an unknown parent": (lambda: with_police(parent=UnitCode("9999")), "parent 9999"),
    "its own parent": (lambda: with_police(parent=POLICE.unit), "its own ancestor"),
    "parents in a circle": (
        lambda: roster_of(replace(PROVINCE, parent=CITY.unit), replace(CITY, parent=PROVINCE.unit)),
        "its own ancestor",
    ),
    "an unknown role": (lambda: with_police(role="army"), "nobody knows the role"),
    "a wrong region": (lambda: with_police(level=Level.CITY), "is not one of a city"),
    "no region": (lambda: with_police(region="99"), "is not one of a county"),
    "no suites": (lambda: with_police(suites=()), "suites are missing"),
    "a suite without a key": (lambda: with_police(keys=()), "an accepted suite has no key"),
    "a key that ends first": (
        lambda: with_police(keys=(replace(POLICE.keys[0], not_after=SINCE),)),
        "ends before it begins",
    ),
    "stolen and not revoked": (lambda: with_police(keys=(replace(POLICE.keys[0], compromised=True),)), "not revoked"),
    "nobody can log in": (lambda: with_police(ssh_user_keys=()), "no SSH key"),
    "a successor of an open unit": (lambda: with_police(successor=COURT.unit), "is not closed"),
    "an unknown successor": (lambda: with_police(closed_at=SINCE, successor=UnitCode("9999")), "successor 9999"),
    "its own successor": (lambda: with_police(closed_at=SINCE, successor=POLICE.unit), "successors lead back"),
    "a code that ends first": (lambda: with_police(names=(named("court", "1", 9, 9),)), "a code ends before"),
    "one code, two meanings": (
        lambda: with_police(names=(named("court", "1", 9), named("court", "1", 20))),
        "another meaning at the same time",
    ),
    "a rule for nobody": (lambda: replace(WHOLE, permissions=(Permission("x", "army", "*"),)), "role that nobody"),
    "a rule twice": (lambda: replace(WHOLE, permissions=(Permission("x", "*", "*"),) * 2), "a rule is listed twice"),
    "a class twice": (
        lambda: replace(WHOLE, classes=(FlowClass(1, "", Priority.HIGH), FlowClass(1, "", Priority.AV))),
        "a class is listed twice",
    ),
    "a flow in two classes": (
        lambda: replace(WHOLE, classes=(FlowClass(1, "x", Priority.HIGH), FlowClass(2, "x", Priority.AV))),
        "two classes",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_contradicts_itself_is_refused(what: str) -> None:
    make, words = BAD[what]
    with pytest.raises(GatewayError) as caught:
        logic.check(make())
    assert caught.value.code == "roster-unsound"
    assert words in caught.value.detail


def test_more_hubs_than_a_way_may_have_are_refused() -> None:
    codes = [f"9900{number:02d}" for number in range(HOPS_MAX + 2)]
    chain = [hub(code, hubs=codes[number + 1 : number + 2]) for number, code in enumerate(codes)]
    with pytest.raises(GatewayError, match="over too many"):
        logic.check(roster_of(*chain))


def test_one_code_may_go_from_one_unit_to_another() -> None:
    given = replace(COURT, names=(named("court", "101", 10, 20),))
    taken = replace(POLICE, names=(named("court", "101", 20),))
    logic.check(roster_of(PROVINCE, CITY, given, taken))


def test_every_complaint_is_told_up_to_a_bound() -> None:
    many = [replace(invented(f"99{number:04d}"), role="army") for number in range(40)]
    with pytest.raises(GatewayError) as caught:
        logic.check(roster_of(*many))
    assert caught.value.facts["count"] == logic.COMPLAINTS_MAX


def test_keys_that_were_sound_before_are_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []
    true = PublicKeys.__post_init__

    def counted(self: PublicKeys) -> None:
        looked.append(self.sign_public)
        true(self)

    monkeypatch.setattr(PublicKeys, "__post_init__", counted)
    logic.check_keys(WHOLE, None)
    assert len(looked) == 4
    logic.check_keys(WHOLE, WHOLE)
    assert len(looked) == 4


def test_a_unit_is_revoked_once_no_key_of_it_counts() -> None:
    first, second = POLICE.keys[0], invented(POLICE.unit).keys[0]
    half = Roster(with_police(keys=(replace(first, revoked_at=SINCE + 5), second)))
    assert not half.has_revoked(POLICE.unit, SINCE + 9)
    whole = Roster(with_police(keys=(replace(first, revoked_at=SINCE + 5), replace(second, revoked_at=SINCE + 7))))
    assert [whole.has_revoked(POLICE.unit, SINCE + at) for at in (6, 7)] == [False, True]
    assert not whole.has_revoked(UnitCode("990120"), SINCE + 9)
