"""Editions of one flow stand side by side; the one of the day counts."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.standard.catalogue import Flow, Life, Standard
from gateway.standard.dates import day_at, day_of_export
from tests.support.standard import STANDARD

FIRST, LAST = date(2026, 1, 1), date(2028, 1, 1)


def edition(code: str, since: date, until: date | None = None, **changes: object) -> Flow:
    """Return an edition of a packaged flow from `since` on."""
    flow = STANDARD.flow(code)
    assert flow is not None
    return replace(flow, life=Life(since.isoformat(), since, until), **changes)  # type: ignore[arg-type]  # fields of Flow


def standard(*editions: Flow) -> Standard:
    return replace(STANDARD, editions=editions)


OLD = edition("arrest-request", FIRST)
NEW = edition("arrest-request", date(2027, 1, 1), LAST, business={"police": ("TQPZDB", "TQPZDB2027")})
OTHER = edition("custody-handover", FIRST)
BOTH = standard(NEW, OLD, OTHER)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(1999, 1, 1), OLD),  # nothing is older than the standard
        (FIRST, OLD),
        (date(2026, 12, 31), OLD),
        (date(2027, 1, 1), NEW),
        (date(2027, 12, 31), NEW),
        (LAST, None),
        (None, NEW),
    ],
)
def test_the_edition_of_the_day_counts(day: date | None, found: Flow | None) -> None:
    assert BOTH.flow("arrest-request", day) == found
    assert BOTH.reply("arrest-decision", day) == (found.reply if found else None)
    assert found is None or found in BOTH.flows(day)


def test_the_standard_of_a_day_has_one_edition_of_each_flow() -> None:
    before, after = BOTH.on(date(2026, 6, 1)), BOTH.on(date(2027, 6, 1))
    assert before.editions == (OLD, OTHER)
    assert after.editions == (NEW, OTHER)
    assert (before.flow_of("police", "TQPZDB2027"), after.flow_of("police", "TQPZDB2027")) == ("", "arrest-request")
    assert BOTH.on(LAST).editions == (OTHER,)
    assert BOTH.on(date(2027, 7, 1)) is after, "made once"
    assert before.on(date(2026, 7, 1)) is before


def test_a_wrong_date_does_not_get_round_the_checks_and_a_new_flow_does_not_count_early() -> None:
    old, today = date(1999, 1, 1), date(2026, 6, 1)
    new_flow = edition("arrest-request", date(2026, 3, 1))
    assert BOTH.on(old, today).flow("arrest-request") == OLD
    assert standard(new_flow, OTHER).on(old, today).flow("arrest-request") == new_flow
    assert standard(new_flow, OTHER).on(date(2026, 2, 28)).flow("arrest-request") is None
    assert standard(edition("arrest-request", LAST), OTHER).on(old, today).flow("arrest-request") is None


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-02T10:20:00", date(2026, 3, 2)),
        ("2026-03-02", date(2026, 3, 2)),
        ("2026-02", date(2026, 2, 28)),
        ("2031-01-01", FIRST),  # nobody's clock brings a later edition forward
        ("", FIRST),
        ("soon", FIRST),
    ],
)
def test_an_export_is_judged_by_the_day_on_which_it_was_written(written: str, day: date) -> None:
    assert day_of_export(written, max(day, FIRST)) == day


def test_the_day_is_that_of_china_wherever_the_server_stands() -> None:
    assert day_at(1798732799) == date(2026, 12, 31)  # 2026-12-31T23:59:59+08:00
    assert day_at(1798732800) == date(2027, 1, 1)


def test_a_document_is_found_by_its_longest_title() -> None:
    def found(title: str) -> str:
        kind = STANDARD.document_titled(title)
        return kind.code if kind is not None else ""

    assert found("起诉意见书（张某）") == "prosecution-opinion"
    assert found("起诉书") == "indictment"
    assert found("起诉书副本") == "indictment-copy"
    assert found("无名书") == ""
    assert all(
        STANDARD.document_titled(title) is not None for kind in STANDARD.documents.values() for title in kind.titles
    )
