"""The beginning of a case number is answered from the newest on, however many cases begin so."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.ledger import casesearch
from gateway.ledger.change import Change
from gateway.ledger.prepared import directly, text_of
from gateway.ledger.queries import TransferFilter
from gateway.ledger.schema import PAGE_SHIFT
from gateway.ledger.store import Ledger
from tests.support.answers import goes, request
from tests.support.ledger import OTHER_PEER, PEER, ToldClock, open_ledger

CROWD = 4


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(casesearch, "CROWD", CROWD)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Yield a ledger with twelve transfers on three pages of ids; all have a court's number, half to each peer."""
    clock = ToldClock()
    with open_ledger(tmp_path, clock) as opened:
        for number in range(1, 13):
            clock.time += 10
            numbers = (("court-case-no", f"（2026）甲01刑初{number}号"),)
            matter = replace(request("张三"), numbers=numbers)
            goes(opened, number, matter, to=PEER if number % 2 else OTHER_PEER)
            if number % 4 == 0:
                opened.change(_turn_the_page)
        yield opened


def _turn_the_page(change: Change) -> None:
    change.connection.exec_driver_sql(
        "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'transfers'", (1 << PAGE_SHIFT,)
    )


def names(ledger: Ledger, limit: int = 50, offset: int = 0, **wanted: object) -> list[int]:
    found = ledger.search(TransferFilter(**wanted), limit, offset)  # type: ignore[arg-type]  # as the tests name them
    return [int(one.export_name.removeprefix("export-").removesuffix(".zip")) for one in found]


@pytest.mark.parametrize("case", ["A", "A33", "A3301", "(2026)甲01", "〔2026〕甲"])
def test_the_newest_of_many_come_first_page_by_page(ledger: Ledger, case: str) -> None:
    assert names(ledger, case=case) == list(range(12, 0, -1))
    assert names(ledger, 5, case=case) == [12, 11, 10, 9, 8]
    assert names(ledger, 5, 5, case=case) == [7, 6, 5, 4, 3]
    assert names(ledger, 5, 10, case=case) == [2, 1]
    assert names(ledger, 5, 12, case=case) == []


def test_few_are_found_as_ever(ledger: Ledger) -> None:
    assert names(ledger, case="(2026)甲01刑初1") == [12, 11, 10, 1]
    assert names(ledger, case="(2026)甲01刑初2") == [2]
    assert names(ledger, case="(2026)乙") == []
    assert names(ledger, case="\U0010ffff") == []


@pytest.mark.parametrize("case", ["A3301", "(2026)甲01"])
def test_what_else_is_wanted_of_many(ledger: Ledger, case: str) -> None:
    assert names(ledger, case=case, peer=OTHER_PEER) == [12, 10, 8, 6, 4, 2]
    assert names(ledger, 2, 2, case=case, peer=PEER, state=State.SEALED) == [7, 5]
    assert names(ledger, case=case, peer=UnitCode("999999")) == []
    assert names(ledger, case="(2026)乙", peer=PEER) == []


@pytest.mark.parametrize("case", ["A3301", "(2026)甲01"])
def test_of_what_nothing_tells_apart_the_newest_pages_are_looked_at_and_that_is_said(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr(casesearch, "PAGES_LOOKED_AT", 2)
    wanted = TransferFilter(case=case, peer=OTHER_PEER)
    enough = ledger.look_for(wanted, 4, 0)
    assert ([one.id & 3 for one in enough.transfers], enough.looked_back_to) == ([0, 2, 0, 2], None)
    assert len(ledger.look_for(wanted, 50, 0).transfers) == 4
    assert ledger.look_for(wanted, 50, 0).looked_back_to == 1 << PAGE_SHIFT
    never = ledger.look_for(replace(wanted, peer=None, direction=Direction.INBOUND), 50, 0)
    assert (never.transfers, never.looked_back_to) == ((), 1 << PAGE_SHIFT)


def test_what_few_have_is_found_however_old_it_is(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(casesearch, "PAGES_LOOKED_AT", 1)
    old = ledger.search(TransferFilter(), 1, 11)[0]
    ledger.hold(old, "held-by-person", "zhang", "why")
    for found in ({"held": True}, {"text": "export-1.zip"}, {"held": True, "peer": PEER}):
        assert names(ledger, case="A3301", **found) == [1]
        assert ledger.look_for(TransferFilter(case="A3301", **found), 9, 0).looked_back_to is None  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("is_own", [True, False])
def test_neither_counting_nor_a_page_reads_more_than_its_index(ledger: Ledger, is_own: bool) -> None:
    index = "transfers_case" if is_own else "matter_numbers"
    with ledger.reading() as connection:
        for build, names_it in (
            (casesearch._so_many, "(case_no>? AND case_no<?)" if is_own else "(number>? AND number<?)"),
            (casesearch._on_page, f"{index}_page (<expr>=?"),
        ):
            text = text_of(sqlite_dialect(), build, is_own)
            cursor = directly(connection, f"EXPLAIN QUERY PLAN {text}", (0,) * text.count("?"))
            plan = " ".join(str(row[3]) for row in cursor.fetchall())
            assert names_it in plan
            assert "COVERING INDEX" in plan or "PRIMARY KEY" in plan
