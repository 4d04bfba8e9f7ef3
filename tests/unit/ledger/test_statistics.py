"""What is counted: every exchange once, as what it came to, also after retention has closed it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.lifecycle import Direction, Event
from gateway.domain.matter import Matter
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, Transfer
from gateway.domain.sources import Look
from gateway.ledger import statistics
from gateway.ledger.statistics import By, Offset, Outcome, Scope
from gateway.ledger.store import Ledger
from tests.support import ledger as make
from tests.support.ledger import OTHER_PEER, PEER, ROUTE, START, ToldClock

DAY = 86_400.0


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: ToldClock) -> Iterator[Ledger]:
    with make.open_ledger(tmp_path, clock) as opened:
        yield opened


def answered(ledger: Ledger, clock: ToldClock, number: int, code: ReceiptCode, seconds: float) -> Transfer:
    """Send, and have the answer come `seconds` after it was given there, which was a minute after the finding."""
    transfer = make.sent(ledger, number)
    clock.time += seconds
    record = ReceiptRecord(make.bundle(number), make.header(number), code, PEER, clock.time - seconds, b"signed")
    event = Event.DELIVERY_RECEIPTED if code is ReceiptCode.DELIVERED else Event.REFUSAL_RECEIPTED
    return ledger.advance(Step(transfer, event, Stage.ACKNOWLEDGE, receipt=record))


def every_fate(ledger: Ledger, clock: ToldClock) -> dict[Outcome, list[Transfer]]:
    first = answered(ledger, clock, 1, ReceiptCode.DELIVERED, 20)
    repeated = Step(make.found(ledger, 3), Event.DELIVERED_BEFORE, Stage.PACK, Facts(earlier=first.bundle_id))
    refused = Step(make.found(ledger, 4), Event.EXPORT_REFUSED, Stage.PACK, Facts(verdict="reject"))
    error = PermanentError("export-held", "DOC-UNLISTED")
    held = ledger.fail(make.found(ledger, 5), Stage.PACK, error, started_at=START, retry_at=None)
    gone = ledger.close_transfer(make.sealed(ledger, 7), "wang", "not wanted")
    return {
        Outcome.DELIVERED: [first, make.delivered(ledger, 20)],
        Outcome.REFUSED: [answered(ledger, clock, 2, ReceiptCode.NOT_PERMITTED, 5), ledger.advance(refused)],
        Outcome.DUPLICATE: [ledger.advance(repeated)],
        Outcome.HELD: [held],
        Outcome.UNDER_WAY: [make.sent(ledger, 6)],
        Outcome.CLOSED: [gone],
    }


def by_outcome(ledger: Ledger, scope: Scope | None = None) -> dict[Outcome, int]:
    return {one.outcome: one.count for one in ledger.statistics.count(By.OUTCOME, scope or Scope()).cells}


def test_every_exchange_counts_once_and_retention_changes_nothing(ledger: Ledger, clock: ToldClock) -> None:
    fates = every_fate(ledger, clock)
    expected = {outcome: len(found) for outcome, found in fates.items()}
    assert by_outcome(ledger) == expected
    ended = [one for outcome in (Outcome.DELIVERED, Outcome.REFUSED, Outcome.DUPLICATE) for one in fates[outcome]]
    for one in ended:
        if one.direction is Direction.OUTBOUND:
            ledger.close_transfer(ledger.get(one.id), "retention", "retention ended")
    assert by_outcome(ledger) == expected


def test_the_scope_leaves_out_the_rest(ledger: Ledger, clock: ToldClock) -> None:
    make.sealed(ledger, 1)
    make.sealed(ledger, 2, recipient=OTHER_PEER)
    ledger.found([make.export(3, found_at=START + DAY)])
    make.delivered(ledger, 30)

    def total(scope: Scope) -> int:
        return sum(one.count for one in ledger.statistics.count(By.FLOW, scope).cells)

    assert total(Scope()) == 4
    assert total(Scope(unit=OTHER_PEER)) == 1
    assert total(Scope(since=START + 1)) == 1
    assert total(Scope(until=START + 1)) == 3
    assert total(Scope(flow="arrest-request")) == 2
    assert total(Scope(direction=Direction.INBOUND)) == 1
    assert total(Scope(link=make.LINK)) == 3


def test_durations_are_those_of_what_arrived(ledger: Ledger, clock: ToldClock) -> None:
    for number, seconds in ((1, 20.0), (2, 4000.0)):
        clock.time = START
        answered(ledger, clock, number, ReceiptCode.DELIVERED, seconds)
    clock.time = START
    answered(ledger, clock, 3, ReceiptCode.NOT_PERMITTED, 9)
    found = ledger.statistics.count(By.UNIT, Scope())
    assert {(one.key, one.seconds, one.count) for one in found.delivery} == {(PEER, 20.0, 1), (PEER, 3990.0, 1)}
    assert {(one.seconds, one.count) for one in found.receipt} == {(20.0, 1), (3990.0, 1)}
    assert max(one.most for one in found.delivery) == 4000.0


def test_failed_attempts_and_bytes_are_added_up(ledger: Ledger) -> None:
    transfer = make.sealed(ledger, 1)
    for _try in range(3):
        error = TransientError("link-timeout", "nobody answered")
        transfer = ledger.fail(transfer, Stage.SEND, error, started_at=START, retry_at=START + 5)
    make.sealed(ledger, 2)
    found = ledger.statistics.count(By.FLOW, Scope())
    assert found.retries == {"arrest-request": 3}
    assert [(one.count, one.size) for one in found.cells] == [(2, 8192)]


def test_days_are_local_and_a_clock_that_is_put_back_makes_no_hole(ledger: Ledger) -> None:
    midnight = START - START % DAY
    ledger.found([make.export(n, found_at=midnight + hours * 3600) for n, hours in ((1, 15.9), (2, 16.1), (3, 40.5))])
    zone = (Offset(0.0, 8 * 3600), Offset(midnight + 30 * 3600, 7 * 3600))
    found = ledger.statistics.count(By.DAY, Scope(zone=zone))
    day = int(midnight // DAY)
    assert sorted((int(one.key) - day, one.count) for one in found.cells) == [(0, 1), (1, 2)]


def test_charges_count_by_their_chapters(ledger: Ledger) -> None:
    for number, chapters in ((1, ("04", "05")), (2, ("05",)), (3, ())):
        step = make.seal(make.found(ledger, number), number, number)
        matter = Matter("arrest-request", chapters=chapters)
        ledger.advance(replace(step, facts=replace(step.facts, matter=matter)))
    found = ledger.statistics.count(By.CHARGE, Scope())
    assert sorted((one.key, one.count) for one in found.cells) == [("", 1), ("04 05", 1), ("05", 1)]


def test_what_was_seen_in_refused_and_held_exports_counts_too(ledger: Ledger, clock: ToldClock) -> None:
    source = ledger.sources.ensure(ROUTE, "police", "case system")
    look = Look(
        verdict="reject", codes={"reject:FIELD-MISSING": 2, "fix:ENC-GB2312-RARE": 1}, asked=10, filled=8,
        source=source.id, at=START, dated=START - 3 * DAY,
    )  # fmt: skip
    step = Step(make.found(ledger, 1), Event.EXPORT_REFUSED, Stage.PACK, Facts(verdict="reject", look=look))
    ledger.advance(step)
    held = make.found(ledger, 2)
    facts = Facts(look=replace(look, verdict="hold", codes={}, filled=10, dated=START - 60))
    ledger.fail(held, Stage.PACK, PermanentError("export-held", ""), started_at=START, retry_at=None, facts=facts)
    found = ledger.statistics.quality(START - 1, START + 1, DAY)[source.id]
    assert (found.exports, found.verdicts) == (2, {"reject": 1, "hold": 1})
    assert found.codes == {"reject:FIELD-MISSING": 2, "fix:ENC-GB2312-RARE": 1}
    assert (found.asked, found.filled, found.dated, found.late) == (20, 18, 2, 1)
    assert ledger.statistics.quality(START + 1, START + 2, DAY) == {}


@pytest.mark.parametrize("by", By)
def test_the_queries_can_be_said_to_both_databases(by: By) -> None:
    scope = Scope(1.0, 2.0, "f", PEER, make.LINK, Direction.OUTBOUND, (Offset(0.0, 0), Offset(1.0, 3600)))
    for select in (statistics.cells, statistics.retries, statistics.delivery, statistics.receipt):
        for dialect in (postgresql.dialect(), sqlite.dialect()):
            assert str(select(by, scope).compile(dialect=dialect)).startswith("SELECT")
