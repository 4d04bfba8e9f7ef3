"""Whose turn it is on a route that keeps order: asked of the ledger, answered by an index, starving nobody."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from gateway.domain.errors import PermanentError
from gateway.domain.ids import LinkName, RouteName, UnitCode
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Facts, FoundExport, Order, ReceiptCode, Stage, Step, Transfer
from gateway.ledger import queries
from gateway.ledger.database import reader_engine
from gateway.ledger.ordering import Orders
from gateway.ledger.store import Ledger
from tests.support.ledger import (
    LINK,
    OTHER_LINK,
    OTHER_PEER,
    PEER,
    ROUTE,
    START,
    claim,
    open_ledger,
    receipt,
    receipted,
    seal_facts,
)

OTHER_ROUTE = RouteName("other-out")
STREAM: Orders = {ROUTE: Order.STREAM}
CASE: Orders = {ROUTE: Order.CASE}
BOTH = pytest.mark.parametrize("orders", [STREAM, CASE], ids=["stream", "case"])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def dropped(ledger: Ledger, number: int, route: RouteName = ROUTE) -> Transfer:
    return ledger.found([FoundExport(claim(number), route, f"{number}.zip", 9, START)])[0]


def sealed(
    ledger: Ledger,
    number: int,
    case: str = "A1",
    *,
    route: RouteName = ROUTE,
    to: tuple[UnitCode, LinkName] = (PEER, LINK),
) -> Transfer:
    return seal(ledger, dropped(ledger, number, route), number, case, to)


def seal(
    ledger: Ledger, transfer: Transfer, number: int, case: str, to: tuple[UnitCode, LinkName] = (PEER, LINK)
) -> Transfer:
    facts = seal_facts(number, ledger.next_sequence(to[0]), recipient=to[0], link=to[1])
    return ledger.advance(Step(transfer, Event.SEALED, Stage.PACK, replace(facts, case_no=case)))


def send(ledger: Ledger, transfer: Transfer) -> Transfer:
    return ledger.advance(Step(transfer, Event.SENT, Stage.SEND, Facts(receipt_due_at=START + 60)))


def numbers(ledger: Ledger, orders: Orders, link: LinkName = LINK, limit: int = 99) -> list[int]:
    """Return which exports may be sent now."""
    due = ledger.due([State.SEALED], now=START + 1, link=link, limit=limit, orders=orders)
    return sorted(int(one.export_name.removesuffix(".zip")) for one in due)


@BOTH
def test_the_first_goes_and_the_second_waits_for_its_receipt(ledger: Ledger, orders: Orders) -> None:
    first, second = sealed(ledger, 1), sealed(ledger, 2)
    assert numbers(ledger, orders) == [1]
    first = send(ledger, first)
    assert numbers(ledger, orders) == []
    assert ledger.next_due_at([State.SEALED], LINK, orders=orders) is None
    assert ledger.goes_before(second, orders) == first
    ledger.advance(receipted(first, Event.DELIVERY_RECEIPTED, receipt(1)))
    assert numbers(ledger, orders) == [2]
    assert ledger.goes_before(second, orders) is None
    assert ledger.next_due_at([State.SEALED], LINK, orders=orders) == second.next_attempt_at


def test_a_hubs_custody_is_not_the_final_receipt(ledger: Ledger) -> None:
    first, _second = send(ledger, sealed(ledger, 1)), sealed(ledger, 2)
    ledger.advance(receipted(first, Event.CUSTODY_RECEIPTED, receipt(1, ReceiptCode.CUSTODY)))
    assert numbers(ledger, STREAM) == []


@pytest.mark.parametrize("event", [Event.REFUSAL_RECEIPTED, Event.CLOSED])
def test_what_was_refused_or_closed_keeps_nobody_waiting(ledger: Ledger, event: Event) -> None:
    first, _second = send(ledger, sealed(ledger, 1)), sealed(ledger, 2)
    record = receipt(1, ReceiptCode.DAMAGED) if event is Event.REFUSAL_RECEIPTED else None
    ledger.advance(receipted(first, event, record))
    assert numbers(ledger, STREAM) == [2]


@BOTH
def test_what_is_held_keeps_those_behind_it_and_says_how_many(ledger: Ledger, orders: Orders) -> None:
    first = ledger.hold(sealed(ledger, 1), "asked", "somebody", "why")
    last = [sealed(ledger, number) for number in (2, 3)][-1]
    assert numbers(ledger, orders) == []
    assert ledger.goes_before(last, orders) == first
    assert ledger.held_back(first, orders) == 2
    assert ledger.held_back(last, orders) == 0
    ledger.release(first, "somebody", "why")
    assert numbers(ledger, orders) == [1]


def test_another_case_is_another_order(ledger: Ledger) -> None:
    for number, case in ((1, "A1"), (2, "A2"), (3, "A1"), (4, "A2")):
        sealed(ledger, number, case)
    assert numbers(ledger, CASE) == [1, 2]
    assert numbers(ledger, STREAM) == [1]


def test_another_recipient_or_route_is_another_order(ledger: Ledger) -> None:
    sealed(ledger, 1)
    sealed(ledger, 2, to=(OTHER_PEER, OTHER_LINK))
    sealed(ledger, 3, route=OTHER_ROUTE)
    sealed(ledger, 4, route=OTHER_ROUTE)
    assert numbers(ledger, STREAM) == [1, 3, 4]
    assert numbers(ledger, STREAM, OTHER_LINK) == [2]
    assert numbers(ledger, {}) == [1, 3, 4]


@BOTH
def test_what_has_not_been_read_may_be_of_any_case_and_for_anybody(ledger: Ledger, orders: Orders) -> None:
    unread = dropped(ledger, 1)
    sealed(ledger, 2, "A2", to=(OTHER_PEER, OTHER_LINK))
    assert numbers(ledger, orders, OTHER_LINK) == []
    held = ledger.fail(unread, Stage.PACK, PermanentError("export-held", ""), started_at=START, retry_at=None)
    assert numbers(ledger, orders, OTHER_LINK) == []
    assert ledger.held_back(held, orders) == 1
    seal(ledger, ledger.release(held, "somebody", "why"), 1, "A1")
    assert numbers(ledger, orders, OTHER_LINK) == [2]


def test_exports_without_a_case_number_keep_no_order_among_cases(ledger: Ledger) -> None:
    for number, case in ((1, ""), (2, ""), (3, "A1")):
        sealed(ledger, number, case)
    assert numbers(ledger, CASE) == [1, 2, 3]
    assert numbers(ledger, STREAM) == [1]


def test_a_crowd_that_waits_keeps_nobody_else_from_their_turn(ledger: Ledger) -> None:
    for number in range(1, 101):
        sealed(ledger, number, "A1")
    sealed(ledger, 101, "A2")
    assert numbers(ledger, CASE, limit=2) == [1, 101]


@BOTH
def test_an_index_answers_who_goes_before(ledger: Ledger, tmp_path: Path, orders: Orders) -> None:
    query = queries.due([State.SEALED], 1.0, link=LINK, direction=None, limit=9, orders=orders)
    compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    engine = reader_engine(tmp_path / "ledger" / "ledger.db", read_only=True)
    with engine.begin() as connection:
        values = tuple(compiled.params[name] for name in compiled.positiontup or ())
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)]
    engine.dispose()
    assert any("transfers_turn " in step for step in steps), steps
    looked = [step for step in steps if step.startswith("SEARCH earlier")]
    assert looked
    narrow = "transfers_order (route=?" if orders is STREAM else "transfers_order (route=? AND case_no=?"
    assert all(narrow in step for step in looked), steps
    assert not any(step.startswith("SCAN") for step in steps), steps
