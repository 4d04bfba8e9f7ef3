"""Many steps are one commit of few statements, what was written counts at once, and each statement has its index."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.base import Executable

from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Copy, Facts, Stage, Step
from gateway.ledger import arrivals, changes, repeats, streams, term_cases, terms, turns
from gateway.ledger.prepared import text_of
from gateway.ledger.schema_state_counts import state_counts as table
from gateway.ledger.store import Ledger
from tests.support.ledger import (
    LINK,
    OTHER_LINK,
    OTHER_PEER,
    START,
    delivered,
    export,
    found,
    header,
    open_ledger,
    seal,
    sealed,
    sent,
)

Build = Callable[..., Executable]

KEPT: tuple[tuple[Build, tuple[object, ...]], ...] = (
    (repeats._last_sent, ()),
    (repeats._keys, ()),
    (repeats._bearers, ()),
    (arrivals._claimed, (64,)),
    (arrivals._offered, (64,)),
    (terms._events_after, ()),
    (terms._known, (8,)),
    (terms._of, (8,)),
    (term_cases._company, (8,)),
    (term_cases._kin, (8,)),
    (term_cases._packages, (8,)),
    (term_cases._ties, (8,)),
    (term_cases._arrivals, (8,)),
    (streams._last, ()),
    (streams._seen_as, ()),
    (changes._new_receipt, ()),
    (turns._together, (8, State.CHECKED, None, True)),
    (turns._longest_owed, (State.FETCHED, True, False)),
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as made:
        yield made


@contextmanager
def executed(ledger: Ledger) -> Iterator[list[str]]:
    """Yield what the writing connection executes, each time anew."""
    writer = ledger._connections._writer
    assert writer is not None
    with writer.begin() as connection:
        database = connection.connection.driver_connection
    assert database is not None
    seen: list[str] = []
    database.set_trace_callback(seen.append)
    yield seen
    database.set_trace_callback(None)


@pytest.mark.parametrize("many", [2, 60])
def test_many_steps_read_once_and_commit_once(ledger: Ledger, many: int) -> None:
    waiting = [sealed(ledger, number) for number in range(1, many + 1)]
    due = Facts(receipt_due_at=START + 60)
    with executed(ledger) as seen:
        ledger.advance_many([Step(one, Event.SENT, Stage.SEND, due, started_at=START) for one in waiting])
    assert [one for one in seen if one.startswith(("BEGIN", "COMMIT", "SAVEPOINT"))] == ["BEGIN IMMEDIATE", "COMMIT"]
    assert sum(one.startswith("SELECT") for one in seen) == 1
    assert sum(one.startswith("UPDATE state_counts") for one in seen) == 2


def test_found_exports_are_asked_for_twice_and_written_once(ledger: Ledger) -> None:
    with executed(ledger) as seen:
        ledger.found([export(number) for number in range(1, 61)])
    assert sum(one.startswith("SELECT") for one in seen) == 2


def test_one_transfer_may_take_two_steps_in_one_commit(ledger: Ledger) -> None:
    first = found(ledger)
    following = Step(replace(first, version=2), Event.SENT, Stage.SEND, Facts(receipt_due_at=START + 60))
    ledger.advance_many([seal(first, 1, 1), following])
    now = ledger.get(first.id)
    assert (now.state, now.version, now.sequence) == (State.SENT, 3, 1)
    assert [entry.what for entry in ledger.timeline(first.id)] == ["found", "sealed", "sent"]


def test_of_two_steps_from_one_version_neither_is_taken(ledger: Ledger) -> None:
    first = sealed(ledger)
    step = Step(first, Event.SENT, Stage.SEND, Facts(receipt_due_at=START + 60))
    with pytest.raises(TransientError) as refused:
        ledger.advance_many([step, step])
    assert refused.value.code == "transfer-moved-on"
    assert ledger.get(first.id) == first


def test_the_same_content_twice_in_one_commit_is_seen(ledger: Ledger) -> None:
    one, other = found(ledger, 1), found(ledger, 2)
    steps = []
    for number, transfer in enumerate((one, other), start=1):
        step = seal(transfer, number, number)
        steps.append(replace(step, facts=replace(step.facts, business_key="case 1", content_hash=header(9))))
    with pytest.raises(TransientError) as refused:
        ledger.advance_many(steps)
    assert refused.value.code == repeats.SENT_BEFORE
    assert {ledger.get(one.id).state, ledger.get(other.id).state} == {State.FOUND}


def test_how_many_are_in_each_state_is_true_after_every_kind_of_change(ledger: Ledger) -> None:
    sent(ledger, 1)
    delivered(ledger, 2)
    copied = replace(seal(found(ledger, 3), 3, 2), copies=(Copy(OTHER_PEER, OTHER_LINK, 1, "key"),))
    ledger.advance(copied)
    with pytest.raises(TransientError):
        ledger.advance(seal(found(ledger, 4), 4, 99))
    ledger.hold(ledger.get(found(ledger, 5).id), "operator-hold", "wang", "wait")
    ledger.check()
    assert ledger.counts().by_state == {
        (Direction.OUTBOUND, State.SENT): 1,
        (Direction.OUTBOUND, State.SEALED): 2,
        (Direction.OUTBOUND, State.FOUND): 2,
        (Direction.INBOUND, State.DELIVERED): 1,
    }


def test_a_count_that_is_not_true_is_damage(ledger: Ledger) -> None:
    found(ledger)
    ledger.change(lambda change: change.connection.execute(update(table).values(number=7)))
    with pytest.raises(PermanentError) as damaged:
        ledger.check()
    assert damaged.value.code == "ledger-damaged"
    assert "found: 1 transfers" in damaged.value.detail


@pytest.mark.parametrize(("build", "shape"), KEPT, ids=lambda value: getattr(value, "__qualname__", ""))
def test_no_kept_statement_reads_all_transfers_or_events(
    ledger: Ledger, build: Build, shape: tuple[object, ...]
) -> None:
    with ledger.reading() as connection:
        text = text_of(connection.dialect, build, *shape)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple([1] * text.count("?")))
        steps = [row[3] for row in plan]
    assert not [step for step in steps if step.startswith(("SCAN transfers", "SCAN events", "SCAN receipts"))], steps
    assert text_of(postgresql.dialect(), build, *shape).split()[0] == text.split()[0]


def test_words_of_an_operator_are_no_part_of_a_kept_statement(ledger: Ledger) -> None:
    assert ledger.by_bundle("' OR '1'='1") == []  # type: ignore[arg-type] # what no parser of ids lets through
    assert ledger.due([State.SEALED], now=START, link=LINK, limit=9) == []
