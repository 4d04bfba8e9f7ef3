"""What is taken for a change and what for chance; and that a source's memory stays small and survives a restart."""

import math
import random

import pytest

from gateway.domain.sources import Look
from gateway.stages.trend import MARKS_MAX, RECENT_MAX, USUAL_MAX, DriftRules, Trend, by_chance

RULES = DriftRules()
FIELDS = tuple(f"lacks arrest-request/field-{n}" for n in range(20))


def looks(count: int, share: float, seed: int, start: float = 0.0, every: float = 60.0) -> list[Look]:
    """So many exports of which each field is empty in a share, each by itself, and as many are refused."""
    chance = random.Random(seed)
    found = []
    for n in range(count):
        marks = tuple(mark for mark in ("rejected", *FIELDS) if chance.random() < share)
        found.append(Look(flow="arrest-request", marks=marks, at=start + n * every))
    return found


def fed(found: list[Look], rules: DriftRules = RULES) -> Trend:
    trend = Trend(rules)
    for look in found:
        trend.add(look)
    return trend


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5])
@pytest.mark.parametrize("every", [5.0, 60.0, 7200.0], ids=["busy", "usual", "quiet"])
def test_normal_variation_is_no_change(share: float, every: float) -> None:
    trend = Trend(RULES)
    for number, look in enumerate(looks(1500, share, seed=int(share * 100) + int(every), every=every)):
        trend.add(look)
        assert number % 7 or trend.drifts() == ()


def test_a_day_of_careless_clerks_is_no_change() -> None:
    trend = fed(looks(300, 0.03, 1, every=600.0))
    for look in looks(8, 0.15, 2, start=200_000.0):
        trend.add(look)
        assert trend.drifts() == ()


@pytest.mark.parametrize("every", [20.0, 600.0, 7200.0])
def test_a_field_that_is_empty_from_now_on_shows_within_a_dozen(every: float) -> None:
    trend = fed(looks(200, 0.03, 3, every=every))
    start = 200 * every + 7200
    for number in range(1, 13):
        trend.add(Look(flow="arrest-request", marks=(FIELDS[4],), at=start + number * every))
        if trend.drifts():
            break
    assert [(one.kind, one.subject) for one in trend.drifts()] == [("lacks", "arrest-request/field-4")]
    assert 4 <= number <= 11


def test_another_flow_of_the_same_source_hides_nothing() -> None:
    trend = fed(looks(100, 0.0, 4, every=600.0))
    for n in range(400):
        trend.add(Look(flow="custody-handover", at=60_000.0 + n))
    for n in range(12):
        trend.add(Look(flow="arrest-request", marks=FIELDS[:1], at=70_000.0 + n))
    assert [one.subject for one in trend.drifts()] == ["arrest-request/field-0"]


def test_without_a_baseline_nothing_is_judged() -> None:
    trend = fed([Look(flow="f", marks=("lacks f/x",), at=float(n)) for n in range(25)])
    assert trend.drifts() == ()


def test_what_was_written_and_the_looks_since_give_the_same_again() -> None:
    before, after = looks(500, 0.1, 5), looks(100, 0.1, 6, start=30_000.0)
    whole = fed([*before, *after])
    kept = fed(before).written()
    again = Trend.read(RULES, kept, [*before[-250:], *after])
    assert again.written() == whole.written()
    assert again.drifts() == whole.drifts()
    assert again.count == whole.count


def test_its_memory_does_not_grow() -> None:
    trend = Trend(RULES)
    for n in range(3 * USUAL_MAX):
        trend.add(Look(flow="f", marks=(f"unknown f/element-{n}",), at=float(n)))
    assert trend.count <= USUAL_MAX + RECENT_MAX + 1
    assert len(trend.written()) < 60 * MARKS_MAX


@pytest.mark.parametrize(
    ("count", "of", "before", "usual", "expected"),
    [
        (0, 10, 3, 10, 1.0),
        (1, 1, 0, 0, 1 / 2),
        (2, 2, 0, 0, 1 / 3),  # of nothing known, every number from none to all is as probable
        (10, 10, 0, 30, 1 / math.comb(41, 10)),
        (1, 2, 1, 2, 0.7),
    ],
)
def test_how_probable_it_is_by_chance(count: int, of: int, before: int, usual: int, expected: float) -> None:
    assert by_chance(count, of, before, usual) == pytest.approx(expected)
