"""The daemon's ear: what changes about it is said once, and a reload begins anew without forgetting what is deaf."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.compose.listening import CHECK_SECONDS, SING_SECONDS, Listening
from tests.support.houses import Heard
from tests.support.ledger import START, ToldClock
from tests.support.nodes import eventually


class Ear:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ToldClock(START)
        self.log = Heard()
        self.rung: list[Path] = []
        self.listening = Listening(self.rung.append, self.clock, self.log)

    def look(self, seconds: float = CHECK_SECONDS) -> None:
        self.clock.time += seconds
        self.listening.look()

    def said(self) -> list[str]:
        return [event for _level, event, _facts in self.log.lines]


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    folder = tmp_path / "out"
    folder.mkdir()
    ear = Ear(folder)
    ear.listening.listen([folder], [folder])
    yield ear
    ear.listening.stop()


def test_a_canary_sings_every_minute_and_nothing_is_said_while_it_is_heard(ear: Ear) -> None:
    for _minute in range(2):
        ear.look(SING_SECONDS)
        eventually(lambda: ear.listening.health().heard_at == ear.clock.now(), "the canary")
        ear.look()
    assert ear.said() == []
    assert list(ear.folder.iterdir()) == []


def test_a_folder_that_was_made_anew_is_armed_again_and_both_is_said_once(ear: Ear) -> None:
    ear.folder.rmdir()
    for _look in range(3):
        ear.look()
    assert ear.listening.health().deaf == (ear.folder,)
    ear.folder.mkdir()
    for _look in range(3):
        ear.look()
    assert ear.said() == ["folder-deaf", "folder-heard"]
    ear.rung.clear()
    (ear.folder / "a.zip").touch()
    eventually(lambda: ear.rung, "the ring of a folder that was made anew")


def test_a_folder_that_stays_deaf_over_a_reload_is_not_told_again(ear: Ear) -> None:
    ear.folder.rmdir()
    ear.look()
    ear.listening.listen([ear.folder], [ear.folder])
    ear.look()
    assert ear.said() == ["folder-deaf"]


def test_dropped_events_and_a_dead_observer_are_said(ear: Ear) -> None:
    bell = ear.listening._bell
    assert bell is not None
    bell.overflowed()
    assert bell._ears is not None
    bell._ears.stop()
    bell._ears.join()
    ear.look()
    eventually(lambda: ear.listening.health().heard_at == ear.clock.now(), "the canary of the new observer")
    ear.look()
    assert sorted(ear.said()) == ["events-overflowed", "watching-restarted"]
    assert ear.rung
