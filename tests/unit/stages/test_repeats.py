"""The same export again goes nowhere and is answered with the old receipt; another version waits for a person."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.errors import TransientError
from gateway.domain.ids import BundleId
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Facts, ReceiptCode, Stage, Step, Transfer, known
from gateway.stages.repeats import CONTENT_DIFFERS
from tests.support.exports import STEM, PoliceExport
from tests.support.houses import IN, OUT, Street, opened, street

HONEST = PoliceExport()
MENDED = HONEST.changed(("样板广场盗窃", "样板广场扒窃"))
LATER = replace(HONEST, stem=STEM.replace("20260310153012", "20260311090000"))
"""The same case, exported by the case software once more under the name of another second."""
ANOTHER_LETTER = HONEST.changed(("提捕字〔2026〕15号", "提捕字〔2026〕99号"))
MONTH = 30 * 86400


def folder(made: Street) -> Path:
    return made.out.with_name("police")


def drop(made: Street, export: PoliceExport) -> None:
    export.drop(folder(made))
    made.go("police:claim")


def exchange(made: Street, export: PoliceExport = HONEST) -> Transfer:
    """Drop an export, let it be delivered and receipted, and return its transfer."""
    drop(made, export)
    made.settle()
    transfer = made.police.transfers(OUT)[-1]
    assert transfer.state is State.DELIVERED
    return transfer


def pack(made: Street) -> Transfer:
    """Let the newest export be packed and return its transfer."""
    made.go("police:pack", "police:pack")
    return made.police.transfers(OUT)[-1]


def retried(made: Street) -> Transfer:
    """Let the time of every wait pass, then pack."""
    made.clock.time += 1000
    return pack(made)


def ack(made: Street, export: PoliceExport = HONEST) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder(made) / "ack" / f"{export.stem}.zip.receipt.json").read_bytes())
    return found


def deliveries(made: Street) -> int:
    return len(list(made.into.rglob("_READY")))


def told(made: Street, export: PoliceExport = HONEST) -> Path:
    return folder(made) / "err" / f"{export.stem}.zip.err.json"


@pytest.mark.parametrize("again", [HONEST, LATER], ids=["same-name", "exported-once-more"])
def test_the_same_content_again_is_not_sent_and_shows_the_old_receipt(made: Street, again: PoliceExport) -> None:
    first = exchange(made)
    (receipt,) = made.police.ledger.receipts(known(first.bundle_id))
    drop(made, again)
    second = pack(made)
    assert (second.state, second.bundle_id, second.earlier) == (State.DUPLICATE, None, first.bundle_id)
    assert (second.case_no, second.flow, second.recipient) == (first.case_no, first.flow, first.recipient)
    assert made.police.events(second) == ["found", "delivered-before"]
    shown = ack(made, again)
    assert (shown["export"], shown["bundle_id"]) == (f"{again.stem}.zip", first.bundle_id)
    assert [base64.b64decode(line["receipt"]) for line in shown["receipts"]] == [receipt.raw]  # type: ignore[attr-defined]  # parsed JSON
    made.settle()
    assert deliveries(made) == 1
    assert made.police.ledger.next_sequence(known(first.recipient)) == 2
    assert made.leftovers() == []
    assert len(list((made.police.state / "spool" / "outbound").iterdir())) == 1


def test_what_was_said_about_a_refused_export_is_withdrawn_when_it_turns_out_a_duplicate(made: Street) -> None:
    exchange(made)
    drop(made, HONEST.without_file("文书/拘留证_李样例.pdf"))
    assert pack(made).state is State.REFUSED
    assert told(made).exists()
    drop(made, HONEST)
    assert pack(made).state is State.DUPLICATE
    assert not told(made).exists()


def test_a_duplicate_is_kept_until_retention_and_is_one_after_it_too(made: Street) -> None:
    exchange(made)
    drop(made, HONEST)
    second = pack(made)
    assert made.police.ground.shelf.is_held(known(second.claim))
    made.close()
    with opened(street(made.root, made.clock)) as again:  # a start takes it for no orphan, and gives nothing back
        assert again.police.ground.shelf.is_held(known(second.claim))
        again.clock.time += MONTH + 1
        again.go("police:retain")
        assert {t.state for t in again.police.transfers(OUT)} == {State.CLOSED}
        assert not again.police.ground.shelf.is_held(known(second.claim))
        drop(again, HONEST)
        assert pack(again).state is State.DUPLICATE
        again.settle()
    assert not (folder(made) / "reject").exists()
    assert deliveries(made) == 1
    made.open()


def test_the_same_again_waits_while_the_first_is_under_way(made: Street) -> None:
    drop(made, HONEST)
    first = pack(made)
    drop(made, HONEST)
    second = pack(made)
    assert (second.state, second.last_error, second.hold_code) == (State.FOUND, "sent-before", None)
    assert (second.case_no, second.flow) == (first.case_no, first.flow)
    second = retried(made)
    assert (second.state, second.attempts) == (State.FOUND, 2)
    made.settle()
    assert [t.state for t in made.police.transfers(OUT)] == [State.DELIVERED, State.DUPLICATE]
    assert deliveries(made) == 1


@pytest.mark.parametrize("export", [HONEST, MENDED], ids=["same", "other"])
def test_what_was_closed_or_refused_is_no_obstacle(made: Street, export: PoliceExport) -> None:
    drop(made, HONEST)
    first = pack(made)
    made.police.ledger.close_transfer(first, "zhang", "sent by mistake")
    assert made.police.only(OUT).state is State.CLOSED
    second = exchange(made, export)
    assert second.earlier is None
    assert deliveries(made) == 1


def test_one_that_waited_goes_when_the_first_is_closed(made: Street) -> None:
    drop(made, HONEST)
    first = pack(made)
    drop(made, HONEST)
    pack(made)
    made.police.ledger.close_transfer(first, "zhang", "sent by mistake")
    assert retried(made).state is State.SEALED
    made.settle()
    assert deliveries(made) == 1


def test_a_closed_one_whose_receipt_came_all_the_same_was_delivered(made: Street) -> None:
    drop(made, HONEST)
    pack(made)
    made.go("police:out-procuratorate", "procuratorate:in-police", "procuratorate:open", "procuratorate:open")
    made.go("procuratorate:in-police", "procuratorate:out-police", "police:in-procuratorate")
    first = made.police.only(OUT)
    made.police.ledger.close_transfer(first, "zhang", "the case is over")
    drop(made, HONEST)
    assert pack(made).state is State.DUPLICATE


def test_of_two_dropped_at_once_one_is_sent(made: Street) -> None:
    HONEST.drop(folder(made))
    LATER.drop(folder(made))
    made.settle()
    assert sorted(t.state for t in made.police.transfers(OUT)) == [State.DELIVERED, State.DUPLICATE]
    assert deliveries(made) == 1
    assert made.police.log.of("export-repeated")


def test_the_commit_lets_one_of_two_through_whoever_read_them(made: Street) -> None:
    drop(made, HONEST)
    pack(made)
    first = made.police.only(OUT)
    drop(made, LATER)
    (second,) = [t for t in made.police.transfers(OUT) if t.id != first.id]
    facts = Facts(
        recipient=first.recipient,
        bundle_id=BundleId("ab" * 16),
        header_hash=first.header_hash,
        sequence=2,
        business_key=first.business_key,
        content_hash=first.content_hash,
    )
    with pytest.raises(TransientError, match="sent-before"):
        made.police.ledger.advance(Step(second, Event.SEALED, Stage.PACK, facts))
    assert made.police.ledger.next_sequence(known(first.recipient)) == 2


def test_another_version_is_held_and_told_of(made: Street) -> None:
    first = exchange(made)
    drop(made, MENDED)
    held = pack(made)
    assert (held.state, held.hold_code, held.earlier) == (State.FOUND, CONTENT_DIFFERS, first.bundle_id)
    assert (held.case_no, held.flow) == (first.case_no, first.flow)
    said = json.loads(told(made).read_bytes())
    (finding,) = said["findings"]
    assert finding["code"] == "DUP-DIFFERENT"
    assert known(first.bundle_id) in finding["text"]
    assert "release it" in finding["text"]
    assert f"caseferry release {held.id}" in said["advice"]
    made.clock.time += 1000
    assert pack(made) == held
    assert made.leftovers() == []


def test_a_released_version_goes_as_a_correction_that_both_sides_know_of(made: Street) -> None:
    first = exchange(made)
    drop(made, MENDED)
    held = pack(made)
    made.police.ledger.release(held, "zhang", "the place was wrong")
    ours = pack(made)
    assert (ours.state, ours.earlier) == (State.SEALED, first.bundle_id)
    assert made.police.events(made.police.ledger.get(first.id))[-1] == "corrected"
    assert not told(made).exists()
    made.settle()

    old, new = made.procuratorate.transfers(IN)
    assert (new.bundle_id, new.earlier) == (ours.bundle_id, first.bundle_id)
    assert made.procuratorate.events(old)[-1] == "corrected"
    notes = list(made.into.glob("*/_CORRECTS"))
    assert [(path.parent.name, path.read_text("utf-8")) for path in notes] == [
        (new.export_name, f"{old.export_name}\n")
    ]
    assert made.police.ledger.later(known(first.bundle_id)) == [made.police.transfers(OUT)[-1]]


def test_only_the_release_of_that_hold_makes_a_correction(made: Street) -> None:
    exchange(made)
    drop(made, MENDED)
    held = pack(made)
    stopped = made.police.ledger.hold(held, "held-by-person", "zhang", "wait for the chief")
    made.police.ledger.release(stopped, "zhang", "the chief is back")
    again = pack(made)
    assert (again.state, again.hold_code) == (State.FOUND, CONTENT_DIFFERS)


def test_a_person_lets_it_correct_what_they_were_shown_and_nothing_newer(made: Street) -> None:
    exchange(made)
    drop(made, MENDED)
    one = pack(made)
    drop(made, replace(MENDED.changed(("样板广场扒窃", "样板广场抢夺")), stem=LATER.stem))
    two = pack(made)
    assert {one.hold_code, two.hold_code} == {CONTENT_DIFFERS}
    made.police.ledger.release(two, "zhang", "this one is right")
    pack(made)
    made.police.ledger.release(one, "zhang", "and this one")
    pack(made)
    one = made.police.ledger.get(one.id)
    assert (one.hold_code, one.earlier) == (CONTENT_DIFFERS, made.police.ledger.get(two.id).bundle_id)


def test_the_last_version_sent_is_what_counts(made: Street) -> None:
    exchange(made)
    drop(made, MENDED)
    made.police.ledger.release(pack(made), "zhang", "mended")
    made.settle()
    drop(made, MENDED)
    assert pack(made).state is State.DUPLICATE
    drop(made, HONEST)  # what was true once is not what the recipient has now
    assert pack(made).hold_code == CONTENT_DIFFERS
    assert deliveries(made) == 2


def test_a_correction_of_what_was_refused_meanwhile_goes_as_a_first_version(made: Street) -> None:
    drop(made, HONEST)
    first = pack(made)
    drop(made, MENDED)
    held = pack(made)
    assert held.hold_code == CONTENT_DIFFERS
    made.police.ledger.close_transfer(made.police.ledger.get(first.id), "zhang", "wrong")
    made.police.ledger.release(held, "zhang", "this one")
    ours = pack(made)
    assert (ours.state, ours.earlier) == (State.SEALED, None)


def test_a_second_request_in_one_case_is_a_thing_of_its_own(made: Street) -> None:
    exchange(made)
    second = exchange(made, ANOTHER_LETTER)
    assert second.earlier is None
    assert deliveries(made) == 2


def test_a_held_first_one_and_its_twin_are_sent_once(made: Street) -> None:
    doubtful = HONEST.changed(("<TQRQ>2026-03-10</TQRQ>", "<TQRQ>2026-03-01</TQRQ>"))
    for _time in range(2):
        drop(made, doubtful)
        held = pack(made)
        assert (held.hold_code, held.case_no) == ("export-held", "A9901020000002026030012")
    for held in made.police.transfers(OUT):
        made.police.ledger.release(held, "zhang", "checked on paper")
    pack(made)
    made.settle()
    assert sorted(t.state for t in made.police.transfers(OUT)) == [State.DELIVERED, State.DUPLICATE]


def test_files_without_a_case_are_the_same_only_under_one_name(made: Street) -> None:
    for name, content in (
        ("a.txt", b"one"),
        ("a.txt", b"one"),
        ("b.txt", b"one"),
        ("a.txt", b"two"),
        ("a.txt", b"one"),
    ):
        made.drop(name, content)
        made.settle()
    states = [t.state for t in made.police.transfers(OUT)]
    assert states == [State.DELIVERED, State.DUPLICATE, State.DELIVERED, State.DELIVERED, State.DELIVERED]
    assert all(t.earlier is None for t in made.police.transfers(OUT) if t.state is State.DELIVERED)


def test_a_repetition_is_not_sealed_to_find_out(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange(made)

    def unexpected(*_args: object, **_more: object) -> None:
        raise AssertionError("sealed")

    monkeypatch.setattr("gateway.stages.pack_work.begin", unexpected)
    drop(made, HONEST)
    assert pack(made).state is State.DUPLICATE
    drop(made, MENDED)
    assert pack(made).hold_code == CONTENT_DIFFERS


def test_the_receipt_of_the_collection_is_shown_rather_than_that_of_the_delivery(made: Street) -> None:
    first = exchange(made)
    (delivered,) = made.police.ledger.receipts(known(first.bundle_id))
    collected = replace(delivered, code=ReceiptCode.COLLECTED, raw=b"collected")
    made.police.ledger.advance(Step(first, Event.COLLECTION_RECEIPTED, Stage.ACKNOWLEDGE, receipt=collected))
    drop(made, HONEST)
    assert pack(made).state is State.DUPLICATE
    (line,) = ack(made)["receipts"]  # type: ignore[misc]  # parsed JSON
    assert (line["code"], base64.b64decode(line["receipt"])) == ("120", b"collected")
