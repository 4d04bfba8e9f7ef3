"""A source is silent when it has said nothing for longer than is usual in the hours in which it works."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.ids import RouteName
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, Stage, Step
from gateway.domain.sources import Look
from gateway.ledger.store import Ledger
from gateway.stages.rhythm import LEAST_SECONDS, silence_of
from gateway.stages.silence import Expectations, SilenceStage
from tests.support import ledger as make
from tests.support.houses import Heard
from tests.support.ledger import ROUTE, ToldClock

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def office(weeks: int = 4) -> list[float]:
    """One export every half hour from 9 to 17, Monday to Friday."""
    days = (MONDAY + timedelta(days=day) for day in range(7 * weeks))
    return [
        (day + timedelta(hours=9, minutes=30 * n)).timestamp() for day in days if day.weekday() < 5 for n in range(17)
    ]


def at(weeks: int, day: int, hour: float) -> float:
    return (MONDAY + timedelta(weeks=weeks, days=day, hours=hour)).timestamp()


@pytest.mark.parametrize(
    ("now", "is_silent"),
    [
        (at(3, 4, 23), False),  # Friday night
        (at(3, 6, 12), False),  # Sunday
        (at(4, 0, 8.9), False),  # Monday before work
        (at(4, 0, 10), False),
        (at(4, 0, 12), True),  # Monday noon, and nothing yet
    ],
)
def test_nights_and_weekends_are_no_silence(now: float, is_silent: bool) -> None:
    found = silence_of(office(), now, None, 20, UTC)
    assert found.is_silent is is_silent
    assert found.usual == LEAST_SECONDS


def test_a_rhythm_must_be_known() -> None:
    now = at(4, 0, 12)
    assert not silence_of(office()[-19:], now, None, 20, UTC).is_silent
    assert not silence_of([], now, None, 20, UTC).is_silent


def test_what_is_configured_counts_all_hours() -> None:
    now = at(3, 6, 12)
    times = office()
    assert silence_of(times, now, 86_400.0, 20, UTC).is_silent
    assert not silence_of(times[:3], times[2] + 86_399, 86_400.0, 20, UTC).is_silent


def test_a_source_with_few_hours_is_silent_when_it_has_missed_two() -> None:
    times = [at(0, 0, n * 3) for n in range(200)]
    assert not silence_of(times, times[-1] + 4 * 3600, None, 20, UTC).is_silent
    assert silence_of(times, times[-1] + 7 * 3600, None, 20, UTC).is_silent


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with make.open_ledger(tmp_path, ToldClock()) as opened:
        yield opened


def test_somebody_is_told_once_a_day_and_a_restart_changes_nothing(ledger: Ledger) -> None:
    clock, heard = ToldClock(), Heard()
    source = ledger.sources.ensure(ROUTE, "police", "")
    for number in range(180):
        transfer = ledger.found([make.export(number + 1, found_at=clock.time - 3600 * (180 - number))])[0]
        look = Look(source=source.id, at=transfer.found_at)
        ledger.advance(Step(transfer, Event.EXPORT_REFUSED, Stage.PACK, Facts(look=look)))
    expected = Expectations({}, frozenset({ROUTE}), 20)

    def stage() -> SilenceStage:
        return SilenceStage(ledger=ledger, expected=expected, clock=clock, ops=heard)

    stage().step()
    assert heard.alerts() == []
    clock.time += 12 * 3600
    now = ToldClock(clock.time)
    told = SilenceStage(ledger=ledger, expected=expected, clock=now, ops=heard)
    told.step()
    told.step()
    assert heard.alerts() == ["source-silent"]
    other = SilenceStage(ledger=ledger, expected=Expectations({}, frozenset(), 20), clock=now, ops=heard)
    other.step()
    assert heard.alerts() == ["source-silent"]  # a route that is not in use owes nothing


def test_what_is_expected_of_a_route_concerns_whoever_was_heard_last(ledger: Ledger) -> None:
    clock, heard = ToldClock(), Heard()
    for number, system in ((1, "old"), (2, "new")):
        source = ledger.sources.ensure(ROUTE, "police", system)
        transfer = ledger.found([make.export(number, found_at=clock.time + number)])[0]
        look = Look(source=source.id, at=transfer.found_at)
        ledger.advance(Step(transfer, Event.EXPORT_REFUSED, Stage.PACK, Facts(look=look)))
    clock.time += 7201
    expected = Expectations({RouteName(ROUTE): 7200.0}, frozenset({ROUTE}), 20)
    SilenceStage(ledger=ledger, expected=expected, clock=clock, ops=heard).step()
    assert heard.alerts() == []
    clock.time += 3
    SilenceStage(ledger=ledger, expected=expected, clock=clock, ops=heard).step()
    assert [one["source"] for one in heard.of("source-silent")] == [source.id]
