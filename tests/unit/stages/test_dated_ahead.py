"""A sender whose clock is days ahead: its bundles wait for a person or for their time, and the difference is told."""

from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError
from gateway.domain.lifecycle import State
from gateway.domain.records import Stage
from gateway.stages import ahead
from tests.support.houses import IN, OUT, Street, opened
from tests.support.ledger import ToldClock

DAY = 86_400.0


class Ahead(ToldClock):
    """Another house's clock, so many seconds ahead."""

    def __init__(self, other: ToldClock, seconds: float) -> None:
        super().__init__()
        self._other = other
        self._seconds = seconds

    def now(self) -> float:
        return self._other.time + self._seconds

    def monotonic(self) -> float:
        return self._other.time


@pytest.fixture
def early(closed: Street) -> Street:
    """The police's clock is two days ahead."""
    closed.police.clock = Ahead(closed.clock, 2 * DAY)
    return closed


def test_a_bundle_dated_days_ahead_is_held_once_and_released_by_a_person(early: Street) -> None:
    with opened(early) as made:
        made.drop("one.txt", b"one")
        made.work(10)
        held = made.procuratorate.only(IN)
        assert (held.state, held.hold_code, held.attempts) == (State.FETCHED, "clock-skew", 1)
        assert not (made.procuratorate.state / "quarantine").exists()
        assert 0 < (made.step(made.procuratorate, "open") or 0) <= 60
        made.procuratorate.ledger.release(held, "zhang", "the sender's clock is wrong, the bundle is not")
        made.settle()
        assert made.delivered() == {"one.txt": b"one"}
        assert made.police.only(OUT).state is State.DELIVERED


def test_a_bundle_dated_days_ahead_goes_on_by_itself_once_its_time_has_come(early: Street, tmp_path: Path) -> None:
    with opened(early) as made:
        made.drop("one.txt", b"one")
        made.work(10)
        assert made.procuratorate.only(IN).hold_code == "clock-skew"
    # Nobody needs to remember: a later run of the program looks by itself.
    with opened(early) as made:
        made.clock.time += 0.9 * DAY
        made.work(10)
        assert made.procuratorate.only(IN).hold_code == "clock-skew"
        made.clock.time += 0.2 * DAY
        made.work(10)
        assert made.procuratorate.only(IN).hold_code is None
        assert made.delivered() == {"one.txt": b"one"}
        (released,) = [
            entry
            for entry in made.procuratorate.ledger.timeline(made.procuratorate.only(IN).id)
            if entry.kind == "release"
        ]
        assert released.actor == "clock"


def test_one_goes_on_at_its_time_however_many_are_held_for_other_reasons(
    early: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "PAGE", 1)
    with opened(early) as made:
        for name in ("one.txt", "two.txt"):
            made.drop(name, b"x")
            made.work(10)
        ledger = made.procuratorate.ledger
        newest = made.procuratorate.transfers(IN)[-1]
        ledger.release(newest, "zhang", "to be held for another reason")
        error = PermanentError("recipient-unknown", "a recipient's key belongs to nobody in our roster")
        ledger.fail(ledger.get(newest.id), Stage.OPEN, error, started_at=made.clock.time, retry_at=None)
        made.clock.time += 1.1 * DAY
        made.work(10)
        assert set(made.delivered()) == {"one.txt"}


def test_both_sides_tell_once_that_their_clocks_differ_and_exchange_all_the_same(closed: Street) -> None:
    closed.police.clock = Ahead(closed.clock, 3600.0)
    with opened(closed) as made:
        for number in range(3):
            made.drop(f"{number}.txt", b"x")
            made.settle()
        assert len(made.delivered()) == 3
        (theirs,) = made.procuratorate.log.of("clock-skew")
        assert 3500 < int(str(theirs["ahead_seconds"])) <= 3600
        (ours,) = made.police.log.of("clock-skew")
        assert -3600 <= int(str(ours["ahead_seconds"])) < -3400
        (view,) = made.police.ground.clocks.views()
        assert view.low <= -3600 <= view.high


def test_clocks_that_agree_are_measured_and_nothing_is_said(made: Street) -> None:
    made.drop("one.txt", b"one")
    made.settle()
    (view,) = made.police.ground.clocks.views()
    assert view.low <= 0 <= view.high
    assert view.high - view.low < 300
    assert made.police.log.of("clock-skew") == made.procuratorate.log.of("clock-skew") == []
