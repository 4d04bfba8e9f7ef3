"""Peers' clocks: bounded by what they sign and when it reaches us, told once, and nothing rests on them."""

import pytest

from gateway.domain.ids import UnitCode
from gateway.stages.clocks import UNBOUNDED, WINDOW_SECONDS, PeerClocks
from tests.support.houses import Heard
from tests.support.ledger import START, ToldClock

PEER = UnitCode("990102")


class Measured:
    def __init__(self) -> None:
        self.clock = ToldClock(START)
        self.log = Heard()
        self.clocks = PeerClocks(self.clock, self.log)

    def receipt(self, said_at: float, after: float = START) -> tuple[float, float, float]:
        self.clocks.signed(PEER, said_at, after=after, warn=300.0)
        (view,) = self.clocks.views()
        return view.low, view.high, view.proven


@pytest.fixture
def measured() -> Measured:
    return Measured()


def test_a_receipt_bounds_the_difference_from_both_sides(measured: Measured) -> None:
    measured.clock.time = START + 10
    assert measured.receipt(START + 4) == (-6, 5, 0)
    # The next one is tighter from one side only; together they say more than either.
    measured.clock.time = START + 20
    assert measured.receipt(START + 18, after=START + 10) == (-2, 5, 0)
    assert measured.log.lines == []


@pytest.mark.parametrize(("ahead", "at_least"), [(3600, 3598), (-3600, -3597)])
def test_a_clock_that_differs_is_told_once_and_once_again_when_it_agrees(
    measured: Measured, ahead: int, at_least: int
) -> None:
    for seconds in (4, 8, 12):
        measured.clock.time = START + seconds
        measured.receipt(START + seconds - 2 + ahead, after=START + seconds - 4)
    assert measured.clocks.views()[0].proven == at_least
    (line,) = measured.log.of("clock-skew")
    assert line == {"peer": PEER, "ahead_seconds": at_least}
    measured.receipt(START + 10, after=START + 8)  # it was set: the old bounds no longer hold
    assert measured.clocks.views()[0].proven == 0
    assert len(measured.log.of("clock-agrees")) == 1


def test_a_late_receipt_of_a_clock_that_agrees_accuses_nobody(measured: Measured) -> None:
    measured.clock.time = START + 86_400
    assert measured.receipt(START + 30)[2] == 0
    assert measured.log.lines == []


def test_what_comes_without_a_beginning_bounds_one_side(measured: Measured) -> None:
    measured.clock.time = START + 10
    low, high, proven = measured.receipt(START + 10 + 7200, after=0.0)
    assert (low, high, proven) == (7200, UNBOUNDED, 7200)
    assert measured.receipt(START - 10**9, after=0.0)[2] == 7200  # an old bundle says nothing against it


def test_what_was_measured_long_ago_is_let_go(measured: Measured) -> None:
    measured.clock.time = START + 10
    measured.receipt(START + 9, after=START + 8)
    measured.clock.time += WINDOW_SECONDS + 1
    now = measured.clock.time
    assert measured.receipt(now - 50, after=now - 100) == (-50, 51, 0)
