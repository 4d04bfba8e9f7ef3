"""What people do to a transfer, and what a failed attempt leaves: each with who, when and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.lifecycle import Event, IllegalStepError, State
from gateway.domain.records import Facts, ReceiptCode, Stage, Step, TimelineEntry
from gateway.ledger.store import Ledger
from tests.support.ledger import START, ToldClock, found, open_ledger, receipt, receipted, sealed, sent


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: ToldClock) -> Iterator[Ledger]:
    with open_ledger(tmp_path, clock) as opened:
        yield opened


def test_a_transient_failure_waits(ledger: Ledger, clock: ToldClock) -> None:
    clock.time += 3
    error = TransientError("link-timeout", "no progress for 60 s")
    now = ledger.fail(sealed(ledger), Stage.SEND, error, started_at=START + 1, retry_at=START + 60)
    assert (now.state, now.attempts, now.next_attempt_at, now.hold_code) == (State.SEALED, 1, START + 60, None)
    assert ledger.get(now.id) == now
    assert ledger.timeline(now.id)[-1] == TimelineEntry(
        at=START + 3,
        kind="attempt",
        what="failed",
        stage="send",
        state="sealed",
        code="link-timeout",
        note="no progress for 60 s",
        seconds=2.0,
        actor="",
    )


def test_a_permanent_failure_holds(ledger: Ledger) -> None:
    now = ledger.fail(
        sealed(ledger), Stage.SEND, PermanentError("name-taken", "other size"), started_at=START, retry_at=None
    )
    assert (now.hold_code, now.attempts, now.last_error) == ("name-taken", 1, "name-taken")
    assert [(e.kind, e.code, e.note) for e in ledger.timeline(now.id)[-2:]] == [
        ("attempt", "name-taken", "other size"),
        ("hold", "name-taken", "other size"),
    ]
    assert ledger.due([State.SEALED], now=1e12, limit=5) == []


def test_failures_count_up(ledger: Ledger) -> None:
    transfer = sealed(ledger)
    for expected in (1, 2, 3):
        transfer = ledger.fail(
            transfer, Stage.SEND, TransientError("link-unreachable"), started_at=START, retry_at=START + expected
        )
        assert transfer.attempts == expected


def test_a_long_detail_is_cut(ledger: Ledger) -> None:
    now = ledger.fail(found(ledger), Stage.PACK, PermanentError("x", "d" * 2000), started_at=START, retry_at=None)
    assert [len(entry.note) for entry in ledger.timeline(now.id)] == [0, 500, 500]


def test_a_persons_hold_says_who_and_why(ledger: Ledger) -> None:
    held = ledger.hold(sealed(ledger), "operator-hold", "wang", "调取令未到")
    assert held.hold_code == "operator-hold"
    last = ledger.timeline(held.id)[-1]
    assert (last.kind, last.code, last.actor, last.note, last.stage) == (
        "hold",
        "operator-hold",
        "wang",
        "调取令未到",
        "operate",
    )


def test_release_lets_it_go_on_at_once(ledger: Ledger, clock: ToldClock) -> None:
    failed = ledger.fail(sealed(ledger), Stage.SEND, PermanentError("name-taken"), started_at=START, retry_at=None)
    clock.time += 100
    free = ledger.release(failed, "wang", "the peer cleared it")
    assert (free.hold_code, free.next_attempt_at, free.attempts, free.state) == (None, START + 100, 1, State.SEALED)
    last = ledger.timeline(free.id)[-1]
    assert (last.kind, last.what, last.code, last.actor, last.note) == (
        "release",
        "released",
        "name-taken",
        "wang",
        "the peer cleared it",
    )
    assert ledger.due([State.SEALED], now=START + 100, limit=5) == [free]


def test_releasing_what_is_free_changes_nothing(ledger: Ledger) -> None:
    free = sealed(ledger)
    assert ledger.release(free, "wang", "again") == free == ledger.get(free.id)


def test_retry_cuts_the_pause_short(ledger: Ledger, clock: ToldClock) -> None:
    waiting = ledger.fail(
        sealed(ledger), Stage.SEND, TransientError("link-timeout"), started_at=START, retry_at=START + 900
    )
    clock.time += 5
    now = ledger.retry_now(waiting, "wang")
    assert (now.next_attempt_at, now.attempts) == (START + 5, 1)
    last = ledger.timeline(now.id)[-1]
    assert (last.kind, last.what, last.actor) == ("event", "retry", "wang")


def test_retry_does_not_undo_a_hold(ledger: Ledger) -> None:
    held = ledger.hold(sealed(ledger), "operator-hold", "wang", "wait")
    with pytest.raises(PermanentError) as refused:
        ledger.retry_now(held, "li")
    assert refused.value.code == "transfer-held"
    assert "operator-hold" in refused.value.detail


def test_what_owes_nothing_is_neither_held_nor_retried(ledger: Ledger) -> None:
    ended = ledger.advance(receipted(sent(ledger), Event.DELIVERY_RECEIPTED, receipt(1)))
    for act in (
        lambda: ledger.hold(ended, "operator-hold", "wang", "too late"),
        lambda: ledger.retry_now(ended, "wang"),
    ):
        with pytest.raises(PermanentError) as refused:
            act()
        assert refused.value.code == "transfer-ended"


def test_a_hold_keeps_progress_and_gives_way_to_the_end(ledger: Ledger) -> None:
    held = ledger.hold(sent(ledger), "operator-hold", "wang", "wait")
    custody = ledger.advance(receipted(held, Event.CUSTODY_RECEIPTED, receipt(1, ReceiptCode.CUSTODY)))
    assert (custody.state, custody.hold_code) == (State.IN_CUSTODY, "operator-hold")
    ended = ledger.advance(receipted(custody, Event.DELIVERY_RECEIPTED, receipt(1)))
    assert (ended.state, ended.hold_code) == (State.DELIVERED, None)


def test_closing_says_who_and_why(ledger: Ledger) -> None:
    closed = ledger.close_transfer(sealed(ledger), "wang", "sent by courier instead")
    assert closed.state is State.CLOSED
    last = ledger.timeline(closed.id)[-1]
    assert (last.what, last.stage, last.actor, last.note) == ("closed", "operate", "wang", "sent by courier instead")
    with pytest.raises(IllegalStepError):
        ledger.close_transfer(closed, "wang", "twice")


def test_the_timeline_tells_the_whole_story_in_order(ledger: Ledger, clock: ToldClock) -> None:
    transfer = sealed(ledger)
    clock.time -= 3600  # somebody set the clock back: the order of the story must not change
    transfer = ledger.fail(
        transfer, Stage.SEND, TransientError("link-timeout"), started_at=clock.time, retry_at=clock.time
    )
    transfer = ledger.hold(transfer, "operator-hold", "wang", "wait")
    transfer = ledger.release(transfer, "li", "go")
    clock.time += 7200
    transfer = ledger.advance(
        Step(transfer, Event.SENT, Stage.SEND, Facts(note="4096 bytes"), started_at=clock.time - 2)
    )
    transfer = ledger.advance(receipted(transfer, Event.DELIVERY_RECEIPTED, receipt(1)))
    story = ledger.timeline(transfer.id)
    assert [(e.kind, e.what, e.state, e.code, e.actor) for e in story] == [
        ("event", "found", "found", "", ""),
        ("event", "sealed", "sealed", "", ""),
        ("attempt", "failed", "sealed", "link-timeout", ""),
        ("hold", "held", "sealed", "operator-hold", "wang"),
        ("release", "released", "sealed", "operator-hold", "li"),
        ("event", "sent", "sent", "", ""),
        ("event", "delivery-receipted", "delivered", "", ""),
        ("receipt", "receipt by 330101", "", "110", ""),
    ]
    assert [e.seconds for e in story] == [None, 0.0, 0.0, None, None, 2.0, None, None]
    assert story[5].note == "4096 bytes"
