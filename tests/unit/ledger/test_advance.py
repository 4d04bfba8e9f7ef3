"""The one door: what a step records, and the steps it refuses."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError, SecurityError, TransientError
from gateway.domain.ids import TransferId, UnitCode
from gateway.domain.lifecycle import Event, IllegalStepError, State
from gateway.domain.records import Facts, ReceiptCode, Stage, Step
from gateway.ledger.store import Ledger
from gateway.ledger.streams import Named
from tests.support.ledger import (
    EPOCH,
    LINK,
    PEER,
    PEER_EPOCH,
    START,
    UNIT,
    ToldClock,
    bundle,
    claim,
    deliver,
    delivered,
    delivery_facts,
    export,
    found,
    header,
    offer,
    offered,
    open_ledger,
    receipt,
    receipted,
    seal,
    sealed,
    sent,
    verified,
)

FIRST = Named(PEER, bundle(1), PEER_EPOCH, 1)


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: ToldClock) -> Iterator[Ledger]:
    with open_ledger(tmp_path, clock) as opened:
        yield opened


def test_an_export_is_found_once(ledger: Ledger, clock: ToldClock) -> None:
    first, second = ledger.found([export(1), export(2)])
    clock.time += 10
    again = ledger.found([export(2), export(3), export(1), export(3)])
    assert [t.id for t in again] == [second.id, again[1].id, first.id, again[1].id]
    assert (again[0], again[2]) == (second, first)
    assert (first.state, first.claim, first.origin, first.size) == (State.FOUND, claim(1), UNIT, 1001)
    assert (first.version, first.found_at, first.next_attempt_at, first.bundle_id) == (1, START, START, None)


def test_a_bundle_is_offered_once_per_link(ledger: Ledger) -> None:
    first = offered(ledger, 1)
    moved = ledger.advance(Step(first, Event.FETCHED, Stage.RECEIVE))
    assert ledger.offered([offer(1), offer(1)]) == [moved, moved]
    assert (first.state, first.link, first.bundle_id, first.size) == (State.OFFERED, LINK, bundle(1), 2001)


def test_bundles_that_are_here_are_fetched_whether_they_were_offered_or_not(ledger: Ledger, clock: ToldClock) -> None:
    before, further = offered(ledger, 1), offered(ledger, 3)
    further = ledger.advance(Step(further, Event.QUARANTINED, Stage.RECEIVE))
    clock.time += 5
    found = ledger.fetched([offer(3), offer(2), offer(1)], START + 4)
    assert [t.bundle_id for t in found] == [bundle(3), bundle(2), bundle(1)]
    assert [t.state for t in found] == [State.QUARANTINED, State.FETCHED, State.FETCHED]
    assert (found[0], found[2].id) == (further, before.id)
    assert [e.what for e in ledger.timeline(found[1].id) if e.kind == "event"] == ["offered", "fetched"]
    assert ledger.fetched([offer(1), offer(2)], START + 4) == [found[2], found[1]]
    assert ledger.arrived(LINK, [bundle(2), bundle(9)]) == {bundle(2): found[1]}
    assert ledger.arrived("elsewhere", [bundle(2)]) == {}


def test_the_same_bundle_may_be_offered_on_two_links(ledger: Ledger) -> None:
    here, there = ledger.offered([offer(1), replace(offer(1), link="elsewhere")])
    assert here.id != there.id
    assert ledger.by_bundle(bundle(1)) == [here, there]


def test_nothing_found_is_nothing_recorded(ledger: Ledger) -> None:
    assert (ledger.found([]), ledger.offered([]), ledger.advance_many([])) == ([], [], [])


def test_many_at_once_are_all_found(ledger: Ledger) -> None:
    made = ledger.found([export(number) for number in range(1, 1301)])
    assert [t.claim for t in made] == [claim(number) for number in range(1, 1301)]


def test_sealing_teaches_what_the_seal_fixed(ledger: Ledger, clock: ToldClock) -> None:
    before = found(ledger)
    clock.time += 5
    now = ledger.advance(seal(before, 1, 1))
    expected = replace(
        before,
        version=2,
        state=State.SEALED,
        link=LINK,
        recipient=PEER,
        bundle_id=bundle(1),
        header_hash=header(1),
        epoch=EPOCH,
        sequence=1,
        flow="arrest-request",
        case_no="A3301",
        size=4096,
        verdict="pass",
        changed_at=START + 5,
        owed_since=START + 5,
        next_attempt_at=START + 5,
    )
    assert now == expected == ledger.get(before.id)


def test_success_forgets_the_failures_before_it(ledger: Ledger) -> None:
    failed = ledger.fail(
        sealed(ledger), Stage.SEND, TransientError("link-timeout"), started_at=START, retry_at=START + 99
    )
    assert (failed.attempts, failed.last_error, failed.next_attempt_at) == (1, "link-timeout", START + 99)
    now = ledger.advance(Step(failed, Event.SENT, Stage.SEND, Facts(receipt_due_at=START + 500)))
    assert (now.attempts, now.last_error, now.next_attempt_at) == (0, None, START)
    assert now.receipt_due_at == START + 500


def test_a_receipt_settles_the_transfer(ledger: Ledger, clock: ToldClock) -> None:
    waiting = sent(ledger)
    clock.time += 30
    now = ledger.advance(receipted(waiting, Event.DELIVERY_RECEIPTED, receipt(1)))
    assert (now.state, now.settled_at, now.receipt_due_at) == (State.DELIVERED, START + 30, None)
    clock.time += 30
    collected = ledger.advance(
        receipted(now, Event.COLLECTION_RECEIPTED, receipt(1, ReceiptCode.COLLECTED)),
    )
    assert (collected.state, collected.settled_at) == (State.COLLECTED, START + 30)
    assert [r.code for r in ledger.receipts(bundle(1))] == [ReceiptCode.DELIVERED, ReceiptCode.COLLECTED]


def test_custody_still_awaits_the_recipient(ledger: Ledger) -> None:
    now = ledger.advance(receipted(sent(ledger), Event.CUSTODY_RECEIPTED, receipt(1, ReceiptCode.CUSTODY)))
    assert (now.state, now.settled_at, now.receipt_due_at) == (State.IN_CUSTODY, None, START + 60)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Event.DELIVERY_RECEIPTED, None),
        (Event.DELIVERY_RECEIPTED, ReceiptCode.CUSTODY),
        (Event.CUSTODY_RECEIPTED, ReceiptCode.DELIVERED),
        (Event.COLLECTION_RECEIPTED, ReceiptCode.DELIVERED),
        (Event.REFUSAL_RECEIPTED, ReceiptCode.DELIVERED),
        (Event.REFUSAL_RECEIPTED, ReceiptCode.HELD),
    ],
)
def test_no_receipted_event_without_the_receipt_that_says_so(
    ledger: Ledger, event: Event, code: ReceiptCode | None
) -> None:
    waiting = sent(ledger)
    with pytest.raises(ValueError, match="needs the receipt"):
        ledger.advance(receipted(waiting, event, None if code is None else receipt(1, code)))
    assert ledger.get(waiting.id) == waiting


@pytest.mark.parametrize("code", [ReceiptCode.VALIDATION_FAILED, ReceiptCode.SIGNATURE])
def test_a_refusal_comes_with_any_refusing_receipt(ledger: Ledger, code: ReceiptCode) -> None:
    now = ledger.advance(receipted(sent(ledger), Event.REFUSAL_RECEIPTED, receipt(1, code)))
    assert (now.state, now.settled_at) == (State.REFUSED, START)


def test_a_receipt_about_another_bundle_moves_nothing(ledger: Ledger) -> None:
    waiting = sent(ledger)
    for wrong in (replace(receipt(1), bundle_id=bundle(9)), replace(receipt(1), header_hash=header(9))):
        with pytest.raises(SecurityError) as refused:
            ledger.advance(receipted(waiting, Event.DELIVERY_RECEIPTED, wrong))
        assert refused.value.code == "receipt-mismatch"
    assert ledger.get(waiting.id) == waiting
    assert ledger.receipts(bundle(1)) == ledger.receipts(bundle(9)) == []


def test_a_warning_is_kept_and_moves_nothing(ledger: Ledger) -> None:
    waiting = sent(ledger)
    warning = receipt(1, ReceiptCode.HELD)
    ledger.keep_receipt(waiting, warning)
    ledger.keep_receipt(waiting, warning)
    assert ledger.receipts(bundle(1)) == [warning]
    assert ledger.get(waiting.id) == waiting
    with pytest.raises(SecurityError, match="receipt-mismatch"):
        ledger.keep_receipt(waiting, receipt(2))
    with pytest.raises(PermanentError, match="no-such-transfer"):
        ledger.keep_receipt(replace(waiting, id=TransferId(999)), warning)


def test_delivery_is_seen_and_receipted_in_the_same_commit(ledger: Ledger) -> None:
    now = delivered(ledger, 1, 1)
    assert (now.state, now.settled_at, now.export_name) == (State.DELIVERED, START, "import-1")
    assert ledger.seen(PEER, bundle(1)) == header(1)
    assert ledger.deliveries.seen_among([FIRST]).as_numbered(FIRST) == bundle(1)
    assert [r.issuer for r in ledger.receipts(bundle(1))] == [UNIT]


def test_nothing_is_seen_before_it_is_delivered(ledger: Ledger) -> None:
    verified(ledger, 1, 1)
    assert (ledger.seen(PEER, bundle(1)), ledger.deliveries.seen_among([FIRST]).as_numbered(FIRST)) == (None, None)


def test_a_lost_receipt_is_owed_again_and_delivers_nothing(ledger: Ledger) -> None:
    confirmed = ledger.advance(Step(delivered(ledger), Event.CONFIRMED, Stage.ACKNOWLEDGE))
    asked = ledger.advance(Step(confirmed, Event.RECEIPT_ASKED, Stage.RECEIVE))
    assert (asked.state, asked.settled_at) == (State.DELIVERED, START)
    again = ledger.advance(Step(asked, Event.CONFIRMED, Stage.ACKNOWLEDGE))
    assert again.state is State.CONFIRMED
    assert len(ledger.receipts(bundle(1))) == 1


def test_bytes_offered_again_prove_themselves_anew(ledger: Ledger) -> None:
    fetched = ledger.advance(Step(offered(ledger), Event.FETCHED, Stage.RECEIVE))
    aside = ledger.advance(Step(fetched, Event.QUARANTINED, Stage.OPEN, delivery_facts(8, 8)))
    assert aside.header_hash == header(8)
    again = ledger.advance(Step(aside, Event.OFFERED_AGAIN, Stage.RECEIVE))
    assert (again.origin, again.header_hash, again.epoch, again.sequence) == (None, None, None, None)
    assert ledger.get(again.id) == again
    fetched = ledger.advance(Step(again, Event.FETCHED, Stage.RECEIVE))
    whole = ledger.advance(Step(fetched, Event.VERIFIED, Stage.OPEN, delivery_facts(1, 1)))
    assert ledger.advance(deliver(whole)).state is State.DELIVERED


def test_a_rejection_is_settled_when_it_is_decided(ledger: Ledger, clock: ToldClock) -> None:
    fetched = ledger.advance(Step(offered(ledger), Event.FETCHED, Stage.RECEIVE))
    aside = ledger.advance(Step(fetched, Event.QUARANTINED, Stage.OPEN, Facts(note="bad-signature")))
    clock.time += 7
    refusing = receipt(1, ReceiptCode.SIGNATURE, issuer=UNIT)
    rejected = ledger.advance(Step(aside, Event.REJECTED, Stage.OPEN, receipt=refusing))
    assert (aside.settled_at, rejected.settled_at) == (None, START + 7)
    assert ledger.receipts(bundle(1)) == [refusing]


# What is refused


def test_a_late_answer_changes_nothing(ledger: Ledger) -> None:
    old = sealed(ledger)
    now = ledger.advance(Step(old, Event.SENT, Stage.SEND))
    with pytest.raises(TransientError) as late:
        ledger.advance(Step(old, Event.SENT, Stage.SEND))
    assert late.value.code == "transfer-moved-on"
    with pytest.raises(TransientError, match="transfer-moved-on"):
        ledger.fail(old, Stage.SEND, TransientError("link-timeout"), started_at=START, retry_at=START + 1)
    assert ledger.get(old.id) == now


def test_a_forged_version_or_state_opens_no_door(ledger: Ledger) -> None:
    forged = replace(found(ledger), state=State.SEALED)
    with pytest.raises(IllegalStepError):
        ledger.advance(Step(forged, Event.SENT, Stage.SEND))
    assert ledger.get(forged.id).state is State.FOUND


def test_an_unknown_transfer_is_named(ledger: Ledger) -> None:
    nobody = replace(found(ledger), id=TransferId(4711))
    for attempt in (
        lambda: ledger.get(TransferId(4711)),
        lambda: ledger.advance(Step(nobody, Event.CLOSED, Stage.OPERATE)),
    ):
        with pytest.raises(PermanentError) as refused:
            attempt()
        assert refused.value.code == "no-such-transfer"


@pytest.mark.parametrize("name", ["recipient", "bundle_id", "header_hash", "sequence"])
def test_a_seal_without_its_identity_is_a_bug(ledger: Ledger, name: str) -> None:
    step = seal(found(ledger), 1, 1)
    with pytest.raises(ValueError, match="sealed without"):
        ledger.advance(replace(step, facts=replace(step.facts, **{name: None})))
    assert ledger.next_sequence(PEER) == 1


@pytest.mark.parametrize("name", ["origin", "header_hash", "epoch", "sequence"])
def test_a_delivery_without_its_identity_is_a_bug(ledger: Ledger, name: str) -> None:
    ready = verified(ledger, facts=replace(delivery_facts(1, 1), **{name: None}))
    with pytest.raises(ValueError, match="delivered without"):
        ledger.advance(deliver(ready))
    assert ledger.get(ready.id) == ready


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("origin", UnitCode("440100")),
        ("recipient", UnitCode("440100")),
        ("bundle_id", bundle(9)),
        ("header_hash", header(9)),
        ("epoch", 9),
        ("sequence", 9),
    ],
)
def test_an_identity_is_recorded_once(ledger: Ledger, name: str, other: object) -> None:
    before = sealed(ledger)
    with pytest.raises(PermanentError) as refused:
        ledger.advance(Step(before, Event.SENT, Stage.SEND, replace(Facts(), **{name: other})))
    assert (refused.value.code, refused.value.facts) == ("fact-fixed", {"fact": name})
    assert ledger.get(before.id) == before
    same = replace(Facts(), **{name: getattr(before, name)})
    assert ledger.advance(Step(before, Event.SENT, Stage.SEND, same)).state is State.SENT


@pytest.mark.parametrize(("name", "value"), [("epoch", 2**63), ("sequence", 2**64 - 1), ("size", 2**70), ("size", -1)])
def test_a_number_no_database_can_keep_is_refused(ledger: Ledger, name: str, value: int) -> None:
    before = offered(ledger)
    with pytest.raises(PermanentError) as refused:
        ledger.advance(Step(before, Event.FETCHED, Stage.RECEIVE, replace(Facts(), **{name: value})))
    assert (refused.value.code, refused.value.facts) == ("number-out-of-range", {"fact": name})
    assert ledger.get(before.id) == before


def test_the_largest_number_is_kept(ledger: Ledger) -> None:
    facts = Facts(origin=PEER, epoch=2**63 - 1, sequence=2**63 - 1, header_hash=header(1))
    now = ledger.advance(deliver(verified(ledger, facts=facts)))
    assert (now.epoch, now.sequence) == (2**63 - 1, 2**63 - 1)


@pytest.mark.parametrize("size", [-1, 2**63])
def test_a_size_no_database_can_keep_is_refused_at_birth(ledger: Ledger, size: int) -> None:
    for arrive in (
        lambda: ledger.found([replace(export(), size=size)]),
        lambda: ledger.offered([replace(offer(), size=size)]),
    ):
        with pytest.raises(PermanentError, match="number-out-of-range"):
            arrive()


def test_a_bundle_goes_to_one_recipient_once(ledger: Ledger) -> None:
    sealed(ledger, 1)
    twin = found(ledger, 2)
    with pytest.raises(PermanentError) as refused:
        ledger.advance(seal(twin, 1, 2))
    assert refused.value.code == "ledger-contradiction"
    assert (ledger.get(twin.id), ledger.next_sequence(PEER)) == (twin, 2)


def test_many_steps_are_taken_together_or_not_at_all(ledger: Ledger) -> None:
    first, second, third = (found(ledger, number) for number in (1, 2, 3))
    with pytest.raises(TransientError, match="sequence-conflict"):
        ledger.advance_many([seal(first, 1, 1), seal(second, 2, 2), seal(third, 3, 9)])
    assert [ledger.get(t.id) for t in (first, second, third)] == [first, second, third]
    assert ledger.next_sequence(PEER) == 1
    taken = ledger.advance_many([seal(first, 1, 1), seal(second, 2, 2), seal(third, 3, 3)])
    assert [t.sequence for t in taken] == [1, 2, 3]
    assert ledger.next_sequence(PEER) == 4


def test_names_that_are_no_text_are_kept_readable(ledger: Ledger) -> None:
    name = b"\xb0\xb8.zip".decode("utf-8", "surrogateescape")
    (transfer,) = ledger.found([export(1, name=name)])
    assert transfer.export_name == "\\udcb0\\udcb8.zip"
    step = seal(transfer, 1, 1)
    now = ledger.advance(replace(step, facts=replace(step.facts, case_no="A\x00\udc80", note="\udc80")))
    assert now.case_no == "A\\x00\\udc80"
    assert ledger.timeline(now.id)[-1].note == "\\udc80"
