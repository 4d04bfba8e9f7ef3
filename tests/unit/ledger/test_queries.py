"""What workers and operators ask: the right rows, in the right order, by an index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Select, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from gateway.domain.errors import TransientError
from gateway.domain.ids import ClaimToken, LinkName, TransferId, UnitCode
from gateway.domain.lifecycle import FIRST, TABLE, Direction, Event, State, ends
from gateway.domain.records import Stage, Step, Transfer
from gateway.ledger import queries
from gateway.ledger.database import reader_engine
from gateway.ledger.owing import OWES
from gateway.ledger.queries import TransferFilter
from gateway.ledger.schema import transfers
from gateway.ledger.store import Ledger
from tests.support.ledger import (
    LINK,
    OTHER_LINK,
    OTHER_PEER,
    PEER,
    START,
    UNIT,
    ToldClock,
    bundle,
    claim,
    delivered,
    export,
    found,
    offered,
    open_ledger,
    receipt,
    receipted,
    seal,
    sealed,
    sent,
    verified,
)


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: ToldClock) -> Iterator[Ledger]:
    with open_ledger(tmp_path, clock) as opened:
        yield opened


def pause(ledger: Ledger, transfer: Transfer, until: float) -> Transfer:
    return ledger.fail(transfer, Stage.SEND, TransientError("link-timeout"), started_at=START, retry_at=until)


# What is due


def test_what_was_owed_longest_comes_first(ledger: Ledger, clock: ToldClock) -> None:
    first = sealed(ledger, 1)
    clock.time += 1
    second = sealed(ledger, 2)
    clock.time += 1
    first = pause(ledger, first, START + 5)
    third = sealed(ledger, 3)
    assert ledger.due([State.SEALED], now=START + 4.9, limit=9) == [second, third]
    assert ledger.due([State.SEALED], now=START + 5, limit=9) == [second, third, first]
    assert ledger.due([State.SEALED], now=START + 5, limit=2) == [second, third]


def test_due_looks_at_one_link_and_one_direction(ledger: Ledger) -> None:
    here, there = sealed(ledger, 1), sealed(ledger, 2, link=OTHER_LINK)
    coming = offered(ledger, 3)
    both = [State.SEALED, State.OFFERED]
    assert ledger.due(both, now=START, limit=9) == [here, there, coming]
    assert ledger.due(both, now=START, link=LINK, limit=9) == [here, coming]
    assert ledger.due(both, now=START, direction=Direction.INBOUND, limit=9) == [coming]
    assert ledger.due(both, now=START, link=OTHER_LINK, direction=Direction.INBOUND, limit=9) == []


def test_an_outbound_delivered_transfer_owes_nothing(ledger: Ledger) -> None:
    ended = ledger.advance(receipted(sent(ledger, 1), Event.DELIVERY_RECEIPTED, receipt(1)))
    owing = delivered(ledger, 2)
    assert ended.state is owing.state is State.DELIVERED
    assert ledger.due([State.DELIVERED], now=1e12, limit=9) == [owing]
    assert ledger.due([State.DELIVERED], now=1e12, direction=Direction.OUTBOUND, limit=9) == []
    assert ledger.next_due_at([State.DELIVERED], direction=Direction.OUTBOUND) is None


def test_next_due_is_when_to_look_again(ledger: Ledger) -> None:
    assert ledger.next_due_at([State.SEALED]) is None
    late, later = pause(ledger, sealed(ledger, 1), START + 50), pause(ledger, sealed(ledger, 2), START + 90)
    assert ledger.next_due_at([State.SEALED]) == START + 50
    assert ledger.next_due_at([State.SEALED], LINK) == START + 50
    assert ledger.next_due_at([State.SEALED], OTHER_LINK) is None
    ledger.hold(late, "operator-hold", "wang", "wait")
    assert ledger.next_due_at([State.SEALED]) == later.next_attempt_at


def receipt_due(ledger: Ledger, now: float, link: LinkName = LINK) -> float | None:
    return ledger.sending_times(now, link).receipt


def test_silence_is_overdue(ledger: Ledger) -> None:
    assert receipt_due(ledger, START) is None
    second = sent(ledger, 1, due_at=START + 90)
    first = sent(ledger, 2, due_at=START + 60)
    there = sent(ledger, 3, due_at=START + 70, link=OTHER_LINK)
    ledger.hold(sent(ledger, 4, due_at=START + 10), "operator-hold", "wang", "wait")
    ledger.advance(receipted(sent(ledger, 5, due_at=START + 10), Event.DELIVERY_RECEIPTED, receipt(5)))
    assert ledger.overdue(START + 59, limit=9) == []
    assert ledger.overdue(START + 90, limit=9) == [first, there, second]
    assert ledger.overdue(START + 90, limit=1) == [first]
    assert ledger.overdue(START + 90, LINK, limit=9) == [first, second]
    for now in (START, START + 60, START + 99):
        assert receipt_due(ledger, now) == START + 60
        assert receipt_due(ledger, now, OTHER_LINK) == START + 70
    pause(ledger, first, START + 95)
    assert receipt_due(ledger, START + 61) == START + 90
    assert receipt_due(ledger, START + 91, LINK) == START + 90
    pause(ledger, second, START + 97)
    assert receipt_due(ledger, START + 91, LINK) == START + 95


def test_retention_takes_what_settled_first(ledger: Ledger, clock: ToldClock) -> None:
    waiting = [sent(ledger, number) for number in (1, 2, 3)]
    ended = []
    for number, transfer in ((2, waiting[1]), (1, waiting[0])):
        clock.time += 10
        ended.append(ledger.advance(receipted(transfer, Event.DELIVERY_RECEIPTED, receipt(number))))
    owing = delivered(ledger, 4)
    outbound = Direction.OUTBOUND
    assert ledger.settled(outbound, START + 20, limit=9) == ended
    assert ledger.settled(outbound, START + 20, limit=1) == ended[:1]
    assert ledger.settled(outbound, START + 19, limit=9) == ended[:1]
    assert ledger.settled(Direction.INBOUND, START + 20, limit=9) == []
    over = ledger.advance(Step(owing, Event.CONFIRMED, Stage.ACKNOWLEDGE))
    assert ledger.settled(Direction.INBOUND, START + 20, limit=9) == [over]
    ledger.close_transfer(ended[0], "retention", "kept long enough")
    assert ledger.settled(outbound, START + 20, limit=9) == ended[1:]


# Looking things up


def test_looking_up_by_name(ledger: Ledger) -> None:
    out = sealed(ledger, 1)
    coming = offered(ledger, 1)
    assert ledger.by_claim(claim(1)) == out
    assert ledger.by_claim(ClaimToken("f" * 32)) is None
    assert ledger.by_bundle(bundle(1)) == [out, coming]
    assert ledger.by_bundle(bundle(1), Direction.INBOUND) == [coming]
    assert ledger.by_bundle(bundle(2)) == []
    assert ledger.timeline(TransferId(99)) == []


def test_two_transfers_of_one_bundle_show_each_statement_once(ledger: Ledger) -> None:
    first, second = found(ledger, 1), found(ledger, 2)
    first = ledger.advance(seal(first, 1, 1))
    second = ledger.advance(seal(second, 1, 1, recipient=OTHER_PEER))
    shared = receipt(1)
    ledger.keep_receipt(first, shared)
    ledger.keep_receipt(second, shared)
    assert ledger.receipts(bundle(1)) == [shared]
    assert [ledger.timeline(t.id)[-1].kind for t in (first, second)] == ["receipt", "receipt"]


@pytest.fixture
def mixed(ledger: Ledger, clock: ToldClock) -> dict[str, Transfer]:
    """Return five transfers, found ten seconds apart in the order of their names."""

    def sealed_for(number: int, peer: UnitCode, link: LinkName) -> Transfer:
        (exported,) = ledger.found([export(number, found_at=clock.time)])
        return ledger.advance(seal(exported, number, 1, recipient=peer, link=link))

    makers = {
        "a": lambda: sealed_for(1, PEER, LINK),
        "b": lambda: sealed_for(2, OTHER_PEER, OTHER_LINK),
        "c": lambda: verified(ledger, 3),
        "d": lambda: ledger.hold(offered(ledger, 4), "operator-hold", "wang", "wait"),
        "e": lambda: ledger.found([export(5, found_at=clock.time, name="案件.zip")])[0],
    }
    made = {}
    for index, (name, make) in enumerate(makers.items()):
        clock.time = START + 10 * index
        made[name] = make()
    return made


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (TransferFilter(), "edcba"),
        (TransferFilter(case="A33"), "ba"),
        (TransferFilter(case="A33", exact=True), ""),
        (TransferFilter(case="A3301", exact=True), "ba"),
        (TransferFilter(case="A3302"), ""),
        (TransferFilter(flow="arrest-request"), "ba"),
        (TransferFilter(peer=PEER), "ca"),
        (TransferFilter(peer=OTHER_PEER), "b"),
        (TransferFilter(peer=UNIT), ""),
        (TransferFilter(link=OTHER_LINK), "b"),
        (TransferFilter(direction=Direction.INBOUND), "dc"),
        (TransferFilter(state=State.SEALED), "ba"),
        (TransferFilter(held=True), "d"),
        (TransferFilter(held=False), "ecba"),
        (TransferFilter(since=START + 20), "edc"),
        (TransferFilter(until=START + 20), "ba"),
        (TransferFilter(since=START + 10, until=START + 40), "dcb"),
        (TransferFilter(text="案"), "e"),
        (TransferFilter(text="export-"), "ba"),
        (TransferFilter(text=bundle(3)), "c"),
        (TransferFilter(text="000"), "dcba"),
        (TransferFilter(text="%"), ""),
        (TransferFilter(text="\U0010ffff"), ""),
        (TransferFilter(case="A\ud7ff"), ""),
        (TransferFilter(case="A", peer=PEER, state=State.SEALED, direction=Direction.OUTBOUND), "a"),
    ],
)
def test_search_finds_newest_first(
    ledger: Ledger, mixed: dict[str, Transfer], wanted: TransferFilter, names: str
) -> None:
    assert ledger.search(wanted) == [mixed[name] for name in names]


def test_search_comes_in_pages(ledger: Ledger) -> None:
    made = ledger.found([export(number, found_at=START + number) for number in range(1, 8)])
    newest = made[::-1]
    assert ledger.search(TransferFilter(), limit=3) == newest[:3]
    assert ledger.search(TransferFilter(), limit=3, offset=3) == newest[3:6]
    assert ledger.search(TransferFilter(), limit=3, offset=6) == newest[6:]


def test_equal_times_are_ordered_by_arrival(ledger: Ledger) -> None:
    made = ledger.found([export(number) for number in range(1, 4)])
    assert ledger.search(TransferFilter()) == made[::-1]


def test_counts_show_the_ledger_at_a_glance(ledger: Ledger, clock: ToldClock) -> None:
    sealed(ledger, 1)
    clock.time += 10
    ledger.hold(offered(ledger, 2), "operator-hold", "wang", "wait")
    offered(ledger, 3, link=OTHER_LINK)
    ledger.advance(receipted(sent(ledger, 4), Event.DELIVERY_RECEIPTED, receipt(4)))
    ledger.advance(Step(delivered(ledger, 5), Event.CONFIRMED, Stage.ACKNOWLEDGE))
    counts = ledger.counts()
    assert counts.by_state == {
        (Direction.OUTBOUND, State.SEALED): 1,
        (Direction.OUTBOUND, State.DELIVERED): 1,
        (Direction.INBOUND, State.OFFERED): 2,
        (Direction.INBOUND, State.CONFIRMED): 1,
    }
    assert counts.held == 1
    assert ledger.owed_and_held() == (3, 1)
    assert counts.waiting_since == {LINK: START, OTHER_LINK: START + 10}
    assert counts.waiting == {
        (LINK, Direction.OUTBOUND): 1,
        (LINK, Direction.INBOUND): 1,
        (OTHER_LINK, Direction.INBOUND): 1,
    }


def test_what_failed_last_time_is_found(ledger: Ledger) -> None:
    failed = pause(ledger, sealed(ledger, 1), START + 60)
    well = sealed(ledger, 2)
    assert ledger.search(TransferFilter(failing=True)) == [failed]
    assert ledger.search(TransferFilter(failing=False)) == [well]


def test_what_is_over_or_held_stands_in_no_index_of_what_is_due(ledger: Ledger, tmp_path: Path) -> None:
    sealed(ledger, 1)
    offered(ledger, 2)
    over = receipted(sent(ledger, 3), Event.DELIVERY_RECEIPTED, receipt(3))
    ledger.advance(over)
    ledger.hold(sealed(ledger, 4), "operator-hold", "wang", "wait")
    ledger.advance(Step(delivered(ledger, 5), Event.CONFIRMED, Stage.ACKNOWLEDGE))
    owing = delivered(ledger, 6, sequence=6)
    with closing(sqlite3.connect(tmp_path / "ledger" / "ledger.db")) as connection:
        for name in ("transfers_due", "transfers_due_link", "transfers_turn"):
            stands = f"SELECT id FROM transfers INDEXED BY {name} WHERE owing = 1 ORDER BY id"
            assert [number for (number,) in connection.execute(stands)] == [1, 2, owing.id]


@pytest.mark.parametrize("way", Direction)
def test_what_owes_something_is_what_has_not_ended(way: Direction) -> None:
    reached = {*TABLE[way].values(), FIRST[way]}
    with closing(sqlite3.connect(":memory:")) as connection:
        owes = {
            state
            for state in reached
            if connection.execute(f"SELECT {OWES} FROM (SELECT ? AS direction, ? AS state)", (way, state)).fetchone()[0]
        }
    assert owes == reached - ends(way)


# How they are answered

QUERIES = {
    "due": (queries.due([State.SEALED], 1.0, link=None, direction=None, limit=9), "transfers_due "),
    "due on a link": (queries.due([State.SEALED], 1.0, link=LINK, direction=None, limit=9), "transfers_turn "),
    "due on a link, large": (
        queries.due([State.SEALED], 1.0, link=LINK, direction=None, limit=9, large=True),
        "transfers_turn ",
    ),
    "due of both directions": (
        queries.due([State.SEALED, State.OFFERED], 1.0, link=LINK, direction=None, limit=9),
        "transfers_turn ",
    ),
    "next due": (queries.next_due_at([State.SEALED], link=None, direction=None), "transfers_due "),
    "next due on a link": (queries.next_due_at([State.SEALED], link=LINK, direction=None), "transfers_due_link "),
    "overdue": (queries.overdue(1.0, link=None, limit=9), "transfers_overdue "),
    "overdue on a link": (
        queries.overdue(1.0, link=LINK, limit=9),
        "transfers_overdue_link (link=? AND state=? AND receipt_due_at>? AND receipt_due_at<?)",
    ),
    "next receipt due": (
        queries.next_receipt_due_at(1.0, link=None),
        "transfers_overdue (state=? AND receipt_due_at>?)",
    ),
    "owed": (select(queries._owed(transfers.c.link)), "transfers_held "),
    "settled": (
        queries.settled(Direction.OUTBOUND, 1.0, 9),
        "transfers_settled (state=? AND settled_at>? AND settled_at<?)",
    ),
    "by bundle": (queries.by_bundle(bundle(1), Direction.OUTBOUND), "transfers_bundle "),
    "by claim": (queries.by_claim(claim(1)), "(claim=?)"),
    "by id": (queries.by_id(TransferId(1)), "INTEGER PRIMARY KEY"),
    "newest": (queries.search(TransferFilter(), 9, 0), "transfers_found"),
    "a case": (queries.search(TransferFilter(case="A", exact=True), 9, 0), "transfers_case (case_no=?)"),
    "cases that begin": (queries.search(TransferFilter(case="A"), 9, 0), "transfers_case (case_no>? AND case_no<?)"),
    "a flow": (queries.search(TransferFilter(flow="f"), 9, 0), "transfers_flow (flow=?)"),
    "a peer": (queries.search(TransferFilter(peer=PEER), 9, 0), "transfers_peer (peer=?)"),
    "a state": (queries.search(TransferFilter(state=State.SENT), 9, 0), "transfers_state (state=?)"),
    "held": (queries.search(TransferFilter(held=True), 9, 0), "transfers_held"),
    "failing": (queries.search(TransferFilter(failing=True, held=False), 9, 0), "transfers_failing "),
    "a link": (queries.search(TransferFilter(link=LINK), 9, 0), "transfers_link (link=?)"),
    "carried": (queries.search(TransferFilter(direction=Direction.RELAY), 9, 0), "transfers_carried_found "),
    "since": (queries.search(TransferFilter(since=1.0), 9, 0), "transfers_found (found_at>?)"),
    "a name's beginning": (queries.search(TransferFilter(text="ab"), 9, 0), "transfers_export (export_name>?"),
    "a bundle's beginning": (queries.search(TransferFilter(text="ab"), 9, 0), "transfers_bundle (bundle_id>?"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_the_main_questions_are_answered_by_an_index(ledger: Ledger, tmp_path: Path, name: str) -> None:
    query, index = QUERIES[name]
    steps = plan(tmp_path, query)
    assert any(index in f"{step} " for step in steps), steps
    assert not any(step.startswith("SCAN transfers") and "INDEX" not in step for step in steps), steps


@pytest.mark.parametrize(
    "name",
    [
        "due",
        "due on a link",
        "due on a link, large",
        "newest",
        "a flow",
        "a peer",
        "a state",
        "held",
        "failing",
        "a link",
        "carried",
    ],
)
def test_and_in_order_without_sorting(ledger: Ledger, tmp_path: Path, name: str) -> None:
    assert not any("TEMP B-TREE" in step for step in plan(tmp_path, QUERIES[name][0]))


def test_of_a_case_its_own_few_transfers_alone_are_sorted(ledger: Ledger, tmp_path: Path) -> None:
    # It may be found by any of its numbers, so that no one index has them in order.
    steps = plan(tmp_path, QUERIES["a case"][0])
    assert sum("TEMP B-TREE" in step for step in steps) <= 3
    assert not any(step.startswith("SCAN transfers") for step in steps), steps


def plan(folder: Path, query: Select[*tuple[object, ...]]) -> list[str]:
    compiled = query.compile(dialect=sqlite_dialect(), compile_kwargs={"render_postcompile": True})
    engine = reader_engine(folder / "ledger" / "ledger.db", read_only=True)
    try:
        with engine.begin() as connection:
            values = tuple(compiled.params[name] for name in compiled.positiontup or ())
            return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)]
    finally:
        engine.dispose()
