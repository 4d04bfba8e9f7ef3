"""Rosters travel from neighbour to neighbour: once by each link; an older one is answered, a forged one set aside."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.card import parse_card
from gateway.bundle.names import Kind, paper_name
from gateway.compose.identity import load_directory, roster_store
from gateway.compose.workers import Planner
from gateway.domain.ids import LinkName
from gateway.domain.lifecycle import State
from gateway.roster.content import RosterUnit
from gateway.roster.store import Trusted
from gateway.roster.told import Told
from gateway.words.catalogue import Words
from tests.support.houses import OUT, House, Street
from tests.support.ledger import START
from tests.support.rosters import (
    DAY,
    Authority,
    install,
    invented,
    listed,
    roster_of,
    with_cheap_digits,
    with_plain_files,
)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cheap_digits(monkeypatch)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def street(made: Street) -> Street:
    return made


def units(street: Street) -> tuple[RosterUnit, RosterUnit]:
    """Return both nodes as the roster lists them."""
    police, court = (house.identity for house in street.houses)
    cards = [parse_card(one.keyring.card(one.settings.node.unit, one.settings.node.name)) for one in (police, court)]
    return listed(cards[0], "police"), listed(cards[1], "procuratorate")


def issue(street: Street, authority: Authority, version: int, *more: RosterUnit, expires: int = 4_000_000_000) -> bytes:
    content = with_plain_files(roster_of(*units(street), *more, version=version))
    return authority.issue(content, expires=expires)


def give(house: House, raw: bytes, authority: Authority) -> None:
    install(house.state, raw, authority, house.clock.now())
    reread(house)


def reread(house: House) -> None:
    """Do what a running node does when its roster has changed."""
    house.identity = replace(house.identity, directory=load_directory(house.identity.settings))
    house.plan = Planner(house.identity, house.ground, Words("en")).plan()


def held(house: House) -> Trusted:
    trusted = roster_store(house.identity.settings).load()
    assert trusted is not None
    return trusted


def rosters(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(Kind.ROSTER)]


def test_a_newer_roster_travels_once_and_is_in_use_there(street: Street, authority: Authority) -> None:
    for house in street.houses:
        give(house, issue(street, authority, 1), authority)
    street.work(3)
    court = invented("990103")
    give(street.police, issue(street, authority, 2, court), authority)
    street.work(3)
    assert held(street.procuratorate).version == 2
    reread(street.procuratorate)
    assert street.procuratorate.identity.directory.roster is not None
    assert court.unit in street.procuratorate.identity.directory.roster.units
    sent = [line for house in street.houses for line in house.log.of("roster-sent")]
    street.work(5)
    assert rosters(street.there) == rosters(street.back) == []
    assert [line for house in street.houses for line in house.log.of("roster-sent")] == sent
    assert len(street.police.log.of("roster-sent")) == 2
    assert len(street.procuratorate.log.of("roster-sent")) <= 1  # version 1, crossing


def test_who_has_an_older_one_is_answered(street: Street, authority: Authority) -> None:
    first, second = issue(street, authority, 1), issue(street, authority, 2)
    give(street.procuratorate, first, authority)
    give(street.procuratorate, second, authority)
    Told(roster_store(street.procuratorate.identity.settings).folder).note(
        LinkName("police"), paper_name(second, Kind.ROSTER)
    )  # it was given once, before the police was restored from a backup
    give(street.police, first, authority)
    street.work(4)
    assert held(street.police).version == 2


def test_a_forged_roster_is_set_aside_and_alerted(street: Street, authority: Authority) -> None:
    give(street.procuratorate, issue(street, authority, 1), authority)
    forged = issue(street, Authority(), 7)
    (street.there / paper_name(forged, Kind.ROSTER)).write_bytes(forged)
    street.work(2)
    assert held(street.procuratorate).version == 1
    assert "roster-refused" in street.procuratorate.log.alerts()
    assert rosters(street.there) == []


def test_a_node_without_a_roster_lets_it_go_and_works_on(street: Street, authority: Authority) -> None:
    give(street.police, issue(street, authority, 1), authority)
    street.work(2)
    assert street.procuratorate.log.of("roster-not-taken")[0]["code"] == "roster-untrusted"
    street.drop("one.txt", b"one")
    street.settle()
    assert len(street.delivered()) == 1


def test_after_expiry_nothing_new_is_sealed_until_the_roster_is_renewed(street: Street, authority: Authority) -> None:
    for house in street.houses:
        give(house, issue(street, authority, 1, expires=int(START) + DAY), authority)
    street.drop("before.txt", b"before")
    while not any(one.state is State.SENT for one in street.police.transfers(OUT)):
        street.go("police:claim", "police:pack", "police:out-procuratorate")
        street.clock.time += 0.5
    street.clock.time = START + 2 * DAY
    for house in street.houses:
        reread(house)
    street.drop("after.txt", b"after")
    street.work(20)
    # What was under way went on to its receipt, and nobody has to release what waits.
    assert list(street.delivered()) == ["before.txt"]
    before, after = street.police.transfers(OUT)
    assert (before.state, after.state) == (State.DELIVERED, State.FOUND)
    assert (after.hold_code or after.last_error) == "roster-expired"
    for house in street.houses:
        give(house, issue(street, authority, 2), authority)
    street.settle()
    assert sorted(street.delivered()) == ["after.txt", "before.txt"]
