"""Turns: whoever has much keeps nobody waiting, what is urgent comes first, and an index answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from gateway.domain.errors import TransientError
from gateway.domain.ids import LinkName, RouteName
from gateway.domain.lanes import SMALL_BYTES
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Facts, Offer, Priority, Stage, Step, Transfer
from gateway.ledger.database import reader_engine
from gateway.ledger.store import Ledger
from gateway.ledger.turns import Station, turn_of, waiting
from tests.support.ledger import LINK, START, ToldClock, bundle, export, open_ledger

MANY, FEW = LinkName("a-county"), LinkName("b-county")
NOW = START + 1


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path, ToldClock()) as opened:
        yield opened


def fetched(
    ledger: Ledger, link: LinkName, numbers: range, *, size: int = 100, priority: Priority = Priority.NORMAL
) -> list[Transfer]:
    offers = ledger.offered([Offer(link, bundle(number), size) for number in numbers])
    facts = Facts(size=size, priority=priority)
    return ledger.advance_many([Step(one, Event.FETCHED, Stage.RECEIVE, facts) for one in offers])


def due(ledger: Ledger, *, after: str = "", limit: int = 32) -> list[Transfer]:
    return ledger.turns.due(State.FETCHED, now=NOW, limit=limit, after=after)


def test_one_of_one_peer_does_not_wait_behind_the_many_of_another(ledger: Ledger) -> None:
    fetched(ledger, MANY, range(1, 301))
    (one,) = fetched(ledger, FEW, range(301, 302))
    found = due(ledger)
    assert found.index(one) <= 1
    assert [turn_of(t) for t in found].count(MANY) == 16  # a batch shared by two


def test_of_two_who_have_much_each_gets_the_half(ledger: Ledger) -> None:
    for number, link in enumerate((MANY, FEW)):
        fetched(ledger, link, range(1000 * number + 1, 1000 * number + 101))
    assert [turn_of(t) for t in due(ledger)] == [MANY, FEW] * 16
    assert [turn_of(t) for t in due(ledger, after=MANY)] == [FEW, MANY] * 16


def test_where_there_are_more_turns_than_places_all_come_up_in_rotation(ledger: Ledger) -> None:
    links = [LinkName(f"county-{number:03d}") for number in range(100)]
    for number, link in enumerate(links):
        fetched(ledger, link, range(10 * number + 1, 10 * number + 3))
    served: list[str] = []
    after = ""
    for _batch in range(4):
        turns = [turn_of(t) for t in due(ledger, after=after)]
        served += turns
        after = turns[-1]
    assert set(served) == set(links)


def test_the_more_urgent_comes_first_and_the_small_before_the_large(ledger: Ledger) -> None:
    (large,) = fetched(ledger, MANY, range(1, 2), size=SMALL_BYTES + 1)
    (bulk,) = fetched(ledger, MANY, range(2, 3), priority=Priority.BULK)
    (small,) = fetched(ledger, MANY, range(3, 4), size=SMALL_BYTES)
    (custody,) = fetched(ledger, FEW, range(4, 5), priority=Priority.CUSTODY)
    (urgent,) = fetched(ledger, FEW, range(5, 6), size=SMALL_BYTES + 1, priority=Priority.HIGH)
    assert due(ledger) == [custody, small, bulk, urgent, large]


def test_those_of_whom_nothing_can_be_tried_take_nobodys_place(ledger: Ledger) -> None:
    for number in range(40):
        (one,) = fetched(ledger, LinkName(f"a-{number:02d}"), range(number + 1, number + 2))
        ledger.fail(one, Stage.OPEN, TransientError("local-io"), started_at=START, retry_at=NOW + 60)
    (one,) = fetched(ledger, FEW, range(100, 101))
    assert due(ledger) == [one]


def test_a_route_that_keeps_an_order_is_handed_out_in_it(ledger: Ledger) -> None:
    route = RouteName("police-out")
    found = ledger.found([export(1), export(2), export(3)])
    assert found[0].route == route
    assert ledger.turns.due(State.FOUND, now=NOW, limit=1, whole=[route]) == found


def test_only_what_is_known_to_be_for_somebody(ledger: Ledger) -> None:
    fetched(ledger, MANY, range(1, 3))
    assert ledger.turns.due(State.FETCHED, now=NOW, limit=9, addressed=True) == []
    assert len(ledger.turns.due(State.FETCHED, now=NOW, limit=9, addressed=False)) == 2


@pytest.mark.parametrize(
    ("station", "index"),
    [(Station(State.FETCHED), "transfers_turn"), (Station(State.CHECKED, link=LINK), "transfers_carried")],
    ids=["of the node", "of a link"],
)
def test_turns_are_found_without_reading_all_that_waits(
    ledger: Ledger, tmp_path: Path, station: Station, index: str
) -> None:
    compiled = waiting(station).compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    engine = reader_engine(tmp_path / "ledger" / "ledger.db", read_only=True)
    with engine.begin() as connection:
        values = tuple(compiled.params[name] for name in compiled.positiontup or ())
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)]
    engine.dispose()
    searches = [step for step in steps if step.startswith("SEARCH")]
    assert len(searches) == 4
    assert all(f"{index} " in step for step in searches), steps
    assert not any(step.startswith("SCAN transfers") for step in steps)
