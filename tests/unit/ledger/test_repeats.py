"""Versions of one export in the ledger: which counts, what cannot be sealed twice, whom a correction marks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Facts, ReceiptCode, Stage, Step, Transfer
from gateway.ledger.store import Ledger
from tests.support.ledger import (
    OTHER_LINK,
    OTHER_PEER,
    PEER,
    ROUTE,
    START,
    bundle,
    deliver,
    delivered,
    delivery_facts,
    found,
    header,
    open_ledger,
    receipt,
    receipted,
    seal,
    verified,
)

KEY = "case:one"
EXPORT_NAME = "export-{}.zip"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def version(
    ledger: Ledger, number: int, content: int, *, key: str = KEY, earlier: int | None = None, of: Transfer | None = None
) -> Transfer:
    """Seal export `number` with a content under a key."""
    step = seal(of or found(ledger, number), number, ledger.next_sequence(PEER))
    more = {"business_key": key, "content_hash": header(content)}
    facts = replace(step.facts, **more, earlier=None if earlier is None else bundle(earlier))
    return ledger.advance(replace(step, facts=facts))


def receipted_as(ledger: Ledger, transfer: Transfer, number: int, event: Event, code: ReceiptCode) -> Transfer:
    return ledger.advance(receipted(transfer, event, receipt(number, code)))


def test_the_version_sealed_last_counts_not_the_one_found_last(ledger: Ledger) -> None:
    held = found(ledger, 1)
    second = version(ledger, 2, 20)
    assert ledger.last_sent(KEY) == second
    first = version(ledger, 1, 10, of=held)
    assert ledger.last_sent(KEY) == first
    assert ledger.last_sent("case:other") is None


def test_what_reached_nobody_does_not_count(ledger: Ledger) -> None:
    first = receipted_as(ledger, version(ledger, 1, 10), 1, Event.DELIVERY_RECEIPTED, ReceiptCode.DELIVERED)
    receipted_as(ledger, version(ledger, 2, 20), 2, Event.REFUSAL_RECEIPTED, ReceiptCode.NOT_PERMITTED)
    ledger.close_transfer(version(ledger, 3, 30), "zhang", "by mistake")
    assert ledger.last_sent(KEY) == first
    closed = ledger.close_transfer(first, "retention", "over")
    assert ledger.last_sent(KEY) == closed  # it has its receipt for ever
    fourth = receipted_as(ledger, version(ledger, 4, 40), 4, Event.CUSTODY_RECEIPTED, ReceiptCode.CUSTODY)
    assert ledger.last_sent(KEY) == fourth
    ledger.close_transfer(fourth, "zhang", "lost at the hub")
    assert ledger.last_sent(KEY) == closed


def test_the_same_content_is_not_sealed_twice_in_a_row_even_within_one_commit(ledger: Ledger) -> None:
    one, two = found(ledger, 1), found(ledger, 2)
    number = ledger.next_sequence(PEER)
    facts = {"business_key": KEY, "content_hash": header(10)}
    steps = [seal(one, 1, number), seal(two, 2, number + 1)]
    steps = [replace(step, facts=replace(step.facts, **facts)) for step in steps]
    with pytest.raises(TransientError, match="sent-before"):
        ledger.advance_many(steps)
    assert ledger.next_sequence(PEER) == number
    assert ledger.advance(steps[0]).state is State.SEALED
    with pytest.raises(TransientError, match="sent-before"):
        ledger.advance(steps[1])
    assert version(ledger, 3, 20).state is State.SEALED
    assert version(ledger, 4, 10).state is State.SEALED  # back to what it was is another version of the last


def test_exports_of_one_name_tell_what_was_sent_under_it(ledger: Ledger) -> None:
    assert ledger.sent_as(ROUTE, EXPORT_NAME.format(1)) == {}
    first = version(ledger, 1, 10)
    version(ledger, 2, 20)
    assert ledger.sent_as(ROUTE, EXPORT_NAME.format(1)) == {KEY: header(20)}
    assert ledger.sent_as(ROUTE, "another.zip") == {}
    ledger.close_transfer(ledger.get(first.id), "zhang", "by mistake")
    assert ledger.sent_as(ROUTE, EXPORT_NAME.format(1)) == {KEY: header(20)}


def test_a_failed_attempt_may_teach_something(ledger: Ledger) -> None:
    facts = Facts(flow="arrest-request", case_no="A1", verdict="hold", business_key=KEY, content_hash=header(1))
    error = PermanentError("export-held", "DATE-ORDER")
    now = ledger.fail(found(ledger), Stage.PACK, error, started_at=START, retry_at=None, facts=facts)
    assert (now.flow, now.case_no, now.verdict, now.business_key) == ("arrest-request", "A1", "hold", KEY)
    assert (now.hold_code, now.attempts, ledger.get(now.id)) == ("export-held", 1, now)


def test_what_a_bundle_corrects_is_decided_when_it_is_sealed(ledger: Ledger) -> None:
    version(ledger, 1, 10)
    error = PermanentError("content-differs", "DUP-DIFFERENT")
    facts = Facts(earlier=bundle(1))
    held = ledger.fail(found(ledger, 2), Stage.PACK, error, started_at=START, retry_at=None, facts=facts)
    assert held.earlier == bundle(1)
    released = ledger.release(held, "zhang", "go")
    assert version(ledger, 2, 20, of=released).earlier is None


def test_a_correction_marks_the_earlier_one_once(ledger: Ledger) -> None:
    first = version(ledger, 1, 10)
    second = version(ledger, 2, 20, earlier=1)
    last = ledger.timeline(first.id)[-1]
    assert (last.kind, last.what, last.note) == ("event", "corrected", f"transfer {second.id}")
    assert ledger.get(first.id).state is State.SEALED
    ledger.advance(Step(second, Event.SENT, Stage.SEND, Facts(receipt_due_at=START)))
    assert [entry.what for entry in ledger.timeline(first.id)].count("corrected") == 1
    assert [t.id for t in ledger.later(bundle(1))] == [second.id]


@pytest.mark.parametrize(("origin", "marks"), [(PEER, 1), (OTHER_PEER, 0)], ids=["its-sender", "somebody-else"])
def test_a_peer_corrects_its_own_deliveries_only(ledger: Ledger, origin: UnitCode, marks: int) -> None:
    first = delivered(ledger, 1)
    facts = delivery_facts(2, 2, origin=origin)
    step = deliver(verified(ledger, 2, 2, link=OTHER_LINK, facts=facts), 2)
    second = ledger.advance(replace(step, facts=replace(step.facts, earlier=bundle(1))))
    assert second.earlier == bundle(1)
    assert [entry.what for entry in ledger.timeline(first.id)].count("corrected") == marks
