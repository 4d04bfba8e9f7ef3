"""A whole small province in this process, real nodes and ledgers; and that its proof sees what is wrong."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compose import simulating_build
from gateway.compose.simulating_build import Scenario, home_of
from gateway.compose.simulating_case import DOCUMENT
from gateway.compose.simulating_journal import Diary
from gateway.compose.simulating_proof import Evidence, ProofOrder, collect, verdict
from gateway.compose.simulating_share import Share, ShareOrder
from gateway.domain.clock import SystemClock

COUNT = 12
TURNS = 20_000
"""So many rounds no exchange takes."""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """A province that has exchanged everything; a kill in the middle: its one process ended and another went on."""
    made = Scenario(tmp_path_factory.mktemp("province"), 8, COUNT, 1e-4, 1, 4, 0.0, faults=False, durable=True)
    clock = SystemClock()
    simulating_build.prepare(made)
    units = tuple(one.unit for one in made.province())
    simulating_build.build_nodes(made, units, clock)
    simulating_build.sign_roster(made, clock)
    work(Share(ShareOrder(made, 0, units), clock), COUNT // 2)
    work(Share(ShareOrder(made, 0, units), clock), COUNT)
    yield made
    shutil.rmtree(made.root)


def work(share: Share, home: int) -> None:
    for _turn in range(TURNS):
        share.turn()
        news = share.news()
        if news.home >= home and (home < COUNT or not news.owed):
            break
    assert news.home >= home
    share.close()


def evidence(scenario: Scenario) -> Evidence:
    return collect(ProofOrder(scenario, tuple(one.unit for one in scenario.province())), lambda _done: None)


def dropped(scenario: Scenario) -> list[int]:
    diary = Diary()
    diary.read(scenario.journal(0))
    return list(diary.dropped)


def test_everything_arrives_once_and_every_receipt_comes_home(scenario: Scenario) -> None:
    found = evidence(scenario)
    assert verdict(scenario, found, dropped(scenario)) == []
    assert sorted(found.sent) == sorted(found.received) == list(range(COUNT))
    assert found.relayed >= COUNT
    assert found.owed == 0


def test_the_journal_knows_custody_before_the_receipt(scenario: Scenario) -> None:
    diary = Diary()
    diary.read(scenario.journal(0))
    assert sorted(diary.home) == list(range(COUNT))
    assert all(diary.dropped[number] <= at for number, at in diary.home.items())
    assert all(at <= diary.home[number] for number, at in diary.custody.items())


@pytest.fixture
def delivery(scenario: Scenario) -> Iterator[Path]:
    """One delivery, put back afterwards."""
    (folder, *_others) = sorted(home_of(scenario.root, scenario.exchanges()[0].receiver).glob("in/*"))
    kept = scenario.root / "kept"
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    kept.rename(folder)


def test_a_missing_delivery_is_complained_of(scenario: Scenario, delivery: Path) -> None:
    shutil.rmtree(delivery)
    assert any("never delivered" in one for one in verdict(scenario, evidence(scenario), dropped(scenario)))


def test_a_changed_delivery_is_complained_of(scenario: Scenario, delivery: Path) -> None:
    with (delivery / "content" / DOCUMENT).open("ab") as document:
        document.write(b"!")
    assert any("other bytes" in one for one in verdict(scenario, evidence(scenario), dropped(scenario)))


def test_a_doubled_delivery_is_complained_of(scenario: Scenario, delivery: Path) -> None:
    again = delivery.with_name(f"{delivery.name}-2")
    shutil.copytree(delivery, again)
    complaints = verdict(scenario, evidence(scenario), dropped(scenario))
    shutil.rmtree(again)
    assert complaints == ["1 were delivered more than once"]


def test_a_receipt_that_is_not_home_is_complained_of(scenario: Scenario) -> None:
    found = evidence(scenario)
    found.sent.pop()
    assert any("never receipted" in one for one in verdict(scenario, found, dropped(scenario)))


def test_an_export_that_was_never_dropped_is_complained_of(scenario: Scenario) -> None:
    assert any("never dropped" in one for one in verdict(scenario, evidence(scenario), dropped(scenario)[1:]))


def test_more_exchanges_than_were_asked_for_are_complained_of(scenario: Scenario) -> None:
    fewer = replace(scenario, count=COUNT - 1)
    assert verdict(fewer, evidence(fewer), dropped(scenario))
