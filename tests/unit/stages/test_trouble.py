"""What goes wrong on the way: a link's trouble touches no transfer, a transfer's trouble no neighbour."""

import os
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError, PermanentError, Scope, SecurityError, TransientError
from gateway.domain.ids import TransferId
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode, known
from gateway.folders import disk
from gateway.folders.space import SMALL_BYTES
from gateway.folders.spool import NOTE
from gateway.stages.backoff import Backoff
from gateway.transport.api import Entry
from gateway.transport.gap import GapTransport
from tests.support.houses import IN, OUT, Faults, Street, opened, street


def unreachable() -> GatewayError:
    return TransientError("link-unreachable", "nobody there", scope=Scope.LINK)


def sealed(made: Street, *names: str) -> None:
    """Bring exports to the point where they are owed to the line."""
    for name in names:
        made.drop(name, name.encode())
    made.go("police:claim")
    made.clock.time += 1
    made.go("police:claim", "police:pack", "police:pack")
    assert {t.state for t in made.police.transfers(OUT)} == {State.SEALED}


def test_waits_double_up_to_a_cap_and_are_spread_by_name() -> None:
    backoff = Backoff(5.0, 900.0)
    for failures, base in ((1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (500, 900)):
        waits = {backoff.delay(failures, name) for name in ("a", "b", "c", "d")}
        assert all(base <= wait < base * 1.25 for wait in waits)
        assert len(waits) > 1
    assert backoff.delay(3, "a") == backoff.delay(3, "a")


def test_a_dead_link_is_called_ever_more_rarely_and_touches_no_transfer(line: Faults, made: Street) -> None:
    sealed(made, "one.txt", "two.txt")
    before = made.police.transfers(OUT)
    line.errors["deposit"] = [unreachable() for _ in range(4)]
    line.calls.clear()
    waits = []
    for _failure in range(4):
        wait = known(made.step(made.police, "out-procuratorate"))
        waits.append(wait)
        # Neither a look at the mailbox we host nor an early ring calls the dead peer any sooner.
        assert made.step(made.police, "in-procuratorate") == 1.0
        made.clock.time += wait / 2
        assert known(made.step(made.police, "out-procuratorate")) <= wait / 2
        made.clock.time += wait / 2
    assert [base <= wait < base * 1.25 for base, wait in zip((5, 10, 20, 40), waits, strict=True)] == [True] * 4
    assert line.calls.count("deposit") == 4
    assert made.police.transfers(OUT) == before
    assert made.police.log.of("link-recovered") == []

    # What tries a peer that was away is one small bundle; then all go.
    assert made.step(made.police, "out-procuratorate") == 0.0
    assert sorted(t.state for t in made.police.transfers(OUT)) == [State.SEALED, State.SENT]
    made.go("police:out-procuratorate")
    assert {t.state for t in made.police.transfers(OUT)} == {State.SENT}
    assert len(made.police.log.of("link-recovered")) == 1


@pytest.mark.parametrize(
    "error",
    [
        SecurityError("host-key-mismatch", "another host", scope=Scope.LINK),
        PermanentError("link-auth-refused", "not let in", scope=Scope.LINK),
    ],
    ids=lambda error: error.code,
)
def test_what_a_person_must_mend_rests_the_link_and_alarms_once(
    line: Faults, made: Street, error: GatewayError
) -> None:
    sealed(made, "one.txt")
    line.errors["deposit"] = [error]
    assert made.step(made.police, "out-procuratorate") == 600.0
    made.clock.time += 599
    assert made.step(made.police, "out-procuratorate") == 1.0
    assert made.police.log.alerts() == ["link-failed"]
    assert made.police.only(OUT).hold_code is None
    made.clock.time += 1
    made.go("police:out-procuratorate")
    assert made.police.only(OUT).state is State.SENT


def test_one_bundle_that_fails_holds_up_no_other(line: Faults, made: Street) -> None:
    sealed(made, "one.txt", "two.txt", "three.txt")
    line.errors["deposit"] = [
        TransientError("deposit-unknown", "cut at the rename, with all of them"),
        TransientError("deposit-unknown", "cut at the rename"),
        None,
        PermanentError("name-taken", "another size there"),
    ]
    wait = known(made.step(made.police, "out-procuratorate"))
    one, two, three = sorted(made.police.transfers(OUT), key=lambda t: known(t.sequence))
    assert (one.state, one.attempts, one.last_error, one.hold_code) == (State.SEALED, 1, "deposit-unknown", None)
    assert two.state is State.SENT
    assert (three.state, three.hold_code) == (State.SEALED, "name-taken")
    assert 5 <= wait < 6.25
    assert one.next_attempt_at == made.clock.time + wait
    made.clock.time += wait
    made.go("police:out-procuratorate")
    assert made.police.ledger.get(one.id).state is State.SENT
    assert made.police.ledger.get(three.id).state is State.SEALED


def test_a_mailbox_without_room_for_a_large_bundle_still_gets_the_small_ones(line: Faults, made: Street) -> None:
    made.drop("large.bin", os.urandom(SMALL_BYTES + 1))
    sealed(made)
    sealed(made, "small.txt")
    line.errors["deposit"] = [None, TransientError("mailbox-full", "no room", scope=Scope.LINK)]
    made.go("police:out-procuratorate")
    by_name = {t.export_name: t for t in made.police.transfers(OUT)}
    assert by_name["small.txt"].state is State.SENT
    large = by_name["large.bin"]
    assert (large.state, large.attempts, large.last_error) == (State.SEALED, 1, "mailbox-full")
    assert made.police.log.of("link-failed") == []
    made.settle()
    assert set(made.delivered()) == {"large.bin", "small.txt"}


@pytest.mark.parametrize("note", [b"", b"{}"], ids=["empty", "lacking"])
def test_an_opened_bundle_whose_note_the_disk_has_damaged_holds_up_no_other(made: Street, note: bytes) -> None:
    sealed(made, "one.txt", "two.txt")
    made.go("police:out-procuratorate", "procuratorate:in-police", "procuratorate:open")
    first, _other = sorted((made.procuratorate.state / "spool" / "staging").rglob(NOTE))
    first.write_bytes(note)
    made.procuratorate.worker("open").step()
    assert set(made.delivered()) < {"one.txt", "two.txt"}
    (damaged,) = [one for one in made.procuratorate.transfers(IN) if one.state is State.VERIFIED]
    assert (damaged.last_error, damaged.attempts, damaged.hold_code) == ("local-io", 1, None)


def test_nothing_is_left_of_sealed_bundles_whose_names_could_not_be_made_to_last(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.txt", "two.txt"):
        made.drop(name, name.encode())
    made.go("police:claim")
    made.clock.time += 1

    def fails(_moves: object) -> None:
        raise TransientError("local-io", "our disk")

    with monkeypatch.context() as patched:
        patched.setattr(disk, "fsync_renamed", fails)
        made.go("police:claim", "police:pack", "police:pack")
    assert {(one.state, one.last_error) for one in made.police.transfers(OUT)} == {(State.FOUND, "local-io")}
    assert made.police.ground.spool.outbound_bundles() == []
    made.settle()
    assert set(made.delivered()) == {"one.txt", "two.txt"}


def test_a_break_after_the_last_byte_is_repeated_without_harm(line: Faults, made: Street) -> None:
    line.late = {"deposit", "fetch", "remove"}
    line.errors = {
        "deposit": [TransientError("deposit-unknown", "cut at the rename")],
        "fetch": [unreachable()],
        "remove": [unreachable()],
    }
    for name in ("one.txt", "two.txt"):
        made.drop(name, name.encode())
    made.settle()
    assert made.delivered() == {"one.txt": b"one.txt", "two.txt": b"two.txt"}
    assert line.errors == {"deposit": [], "fetch": [], "remove": []}
    assert {len(made.police.ledger.receipts(known(t.bundle_id))) for t in made.police.transfers(OUT)} == {1}


@pytest.mark.parametrize("method", ["deposit", "listing", "fetch", "remove"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_line_that_breaks_at_every_call_in_turn(line: Faults, closed: Street, method: str, *, late: bool) -> None:
    """Both directions run over the broken line: bundles out, receipts back."""
    for call in range(4):
        closed.drop(f"{call}.txt", b"x")
    line.late = {method} if late else set()
    line.errors[method] = [unreachable(), None, TransientError("local-io", "our disk"), None, unreachable()] * 3
    with opened(closed):
        closed.settle()
        assert len(closed.delivered()) == 4
        assert closed.leftovers() == []
        assert {t.state for t in closed.procuratorate.transfers(IN)} == {State.CONFIRMED}


def delivered_but_not_receipted(made: Street) -> None:
    made.drop("one.txt", b"one")
    for _turn in range(4):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.go("procuratorate:in-police", "procuratorate:open")
        made.clock.time += 1
    assert made.procuratorate.only(IN).state is State.DELIVERED


def test_a_receipt_that_did_not_get_through_is_tried_again_at_its_time(
    closed: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(closed) as made:
        delivered_but_not_receipted(made)
        made.go("procuratorate:in-police")
        leg = made.procuratorate.worker("out-police")
        acknowledge = leg._worker._stages[0]
        faults = Faults()
        monkeypatch.setattr(acknowledge, "_transport", faults.wrap(acknowledge._transport))
        faults.errors["deposit"] = [TransientError("deposit-unknown", "cut at the rename")]
        assert leg.step() == 0.0
        assert made.leftovers() == []  # the letter that was not taken is not kept
        wait = known(leg.step())
        assert 5 <= wait < 6.25
        made.clock.time += wait
        leg.step()
        assert made.procuratorate.only(IN).state is State.CONFIRMED


def test_a_receipt_is_shown_although_the_ledger_could_not_be_asked_at_first(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered_but_not_receipted(made)
    made.go("procuratorate:out-police")
    (letter,) = made.back.glob("*.cfr")

    def busy(_requests: object) -> set[TransferId]:
        raise TransientError("ledger-busy", "somebody else writes", scope=Scope.NODE)

    with monkeypatch.context() as patched:
        patched.setattr(made.police.ledger.several, "awaiting", busy)
        made.go("police:in-procuratorate")
    assert made.police.only(OUT).state is State.SENT
    assert letter.exists()
    made.go("police:in-procuratorate")
    assert made.police.only(OUT).state is State.DELIVERED
    assert [path.name for path in (made.out / "ack").iterdir()] == ["one.txt.receipt.json"]


def test_a_replay_by_another_link_is_answered_with_the_receipt_that_stands(closed: Street) -> None:
    with opened(closed) as made:
        delivered_but_not_receipted(made)
        made.go("procuratorate:in-police", "procuratorate:out-police")
        (letter,) = made.back.iterdir()
        letter.unlink()
    # The link got another name, and the receipt was lost.
    path = closed.procuratorate.root / "etc" / "links.d" / "police.yaml"
    path.write_text(path.read_text("utf-8").replace("name: police", "name: police-by-cable"), "utf-8")
    again = street(closed.root, closed.clock)
    with opened(again) as made:
        made.clock.time += 3600
        made.settle()
        assert made.police.only(OUT).state is State.DELIVERED
        assert made.delivered() == {"one.txt": b"one"}
        first, second = made.procuratorate.transfers(IN)
        assert (first.state, second.state) == (State.CONFIRMED, State.DISMISSED)
        assert "replayed" in [entry.note for entry in made.procuratorate.ledger.timeline(second.id)]
        assert [r.code for r in made.procuratorate.ledger.receipts(known(first.bundle_id))] == [ReceiptCode.DELIVERED]


def test_trouble_of_our_own_holds_a_bundle_and_accuses_nobody(closed: Street) -> None:
    with opened(closed) as made:
        staging = made.procuratorate.state / "spool" / "staging" / "police"
        staging.touch()  # a file where a folder should be, as a disk check leaves it
        made.drop("one.txt", b"one")
        for _turn in range(4):
            made.go("police:claim", "police:pack", "police:out-procuratorate")
            made.go("procuratorate:in-police", "procuratorate:open")
            made.clock.time += 1
        theirs = made.procuratorate.only(IN)
        assert (theirs.state, theirs.hold_code) == (State.FETCHED, theirs.last_error)
        assert theirs.hold_code is not None
        assert not (made.procuratorate.state / "quarantine").exists()
        staging.unlink()
        made.procuratorate.ledger.release(theirs, "zhang", "mended")
        made.settle()
        assert made.delivered() == {"one.txt": b"one"}


def test_a_bundle_that_vanished_from_the_spool_is_fetched_again_when_offered_again(made: Street) -> None:
    sealed(made, "one.txt")
    made.go("police:out-procuratorate", "procuratorate:in-police")
    theirs = made.procuratorate.only(IN)
    made.procuratorate.ground.spool.inbound_bundle(known(theirs.link), known(theirs.bundle_id)).unlink()
    made.go("procuratorate:open")
    assert made.procuratorate.only(IN).state is State.QUARANTINED
    made.go("procuratorate:in-police")
    made.clock.time += 3601  # no receipt came: the sender repeats it
    made.settle()
    assert made.delivered() == {"one.txt": b"one.txt"}


def test_a_bundle_that_vanishes_once_it_is_listed_is_fetched_when_it_is_sent_again(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(made, "one.txt")
    made.go("police:out-procuratorate")
    listing = GapTransport.listing

    def lost(self: GapTransport) -> list[Entry]:
        found = listing(self)
        for entry in found:
            (made.there / entry.name).unlink(missing_ok=True)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(GapTransport, "listing", lost)
        made.go("procuratorate:in-police")
    theirs = made.procuratorate.only(IN)
    assert (theirs.state, theirs.last_error, theirs.hold_code) == (State.OFFERED, "no-such-name", None)
    made.clock.time += 3601  # no receipt came: the sender repeats it
    made.settle()
    assert made.delivered() == {"one.txt": b"one.txt"}


def test_a_bundle_cut_short_in_the_mailbox_is_sent_again_once_it_was_set_aside(made: Street) -> None:
    sealed(made, "one.txt")
    made.go("police:out-procuratorate")
    (damaged,) = made.there.glob("*.cfb")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    made.clock.time += 3601  # no receipt came, and nobody has collected what lies there
    made.go("police:out-procuratorate")
    wait = known(made.step(made.police, "out-procuratorate"))
    ours = made.police.only(OUT)
    assert (ours.state, ours.last_error, ours.attempts, ours.hold_code) == (State.SENT, "name-taken", 1, None)
    assert 5 <= wait < 6.25
    made.settle()
    assert made.delivered() == {"one.txt": b"one.txt"}
    assert [facts["code"] for facts in made.procuratorate.log.of("bundle-quarantined")] == ["truncated"]


def test_a_sealed_bundle_that_vanished_is_held(made: Street) -> None:
    sealed(made, "one.txt", "two.txt")
    lost = made.police.transfers(OUT)[0]
    made.police.ground.spool.outbound_bundle(known(lost.bundle_id), known(lost.claim)).unlink()
    made.go("police:out-procuratorate")
    assert made.police.ledger.get(lost.id).hold_code == "spool-missing"
    assert {t.state for t in made.police.transfers(OUT) if t.id != lost.id} == {State.SENT}


def test_an_inbound_folder_that_is_gone_holds_the_delivery_until_it_is_back(made: Street) -> None:
    made.into.rename(made.into.with_name("away"))
    made.drop("one.txt", b"one")
    for _turn in range(4):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.go("procuratorate:in-police", "procuratorate:open")
        made.clock.time += 1
    theirs = made.procuratorate.only(IN)
    assert (theirs.state, theirs.hold_code) == (State.VERIFIED, "folder-missing")
    made.into.with_name("away").rename(made.into)
    made.procuratorate.ledger.release(theirs, "zhang", "mounted again")
    made.settle()
    assert made.delivered() == {"one.txt": b"one"}


def test_an_outbound_folder_that_is_away_rests_its_route_only(made: Street) -> None:
    away = Path(f"{made.out}-away")
    made.out.rename(away)
    made.go("police:claim")
    assert [fact["code"] for fact in made.police.log.of("route-failed")] == ["mount-missing"]
    made.clock.time += 1
    made.go("police:claim")
    assert len(made.police.log.of("route-failed")) == 1
    away.rename(made.out)
    made.drop("one.txt", b"one")
    made.clock.time += 10
    made.settle()
    assert made.delivered() == {"one.txt": b"one"}


def test_a_receipt_file_that_cannot_be_read_holds_up_no_other(line: Faults, made: Street) -> None:
    for name in ("one.txt", "two.txt"):
        made.drop(name, name.encode())
        for _turn in range(4):
            made.go("police:claim", "police:pack", "police:out-procuratorate")
            made.go("procuratorate:in-police", "procuratorate:open", "procuratorate:out-police")
            made.clock.time += 1
    assert len(list(made.back.iterdir())) == 2
    line.errors["fetch"] = [TransientError("size-mismatch", "grew since it was listed")]
    made.go("police:in-procuratorate")
    assert sorted(t.state for t in made.police.transfers(OUT)) == [State.DELIVERED, State.SENT]
    assert len(list(made.back.iterdir())) == 1
    made.go("police:in-procuratorate")
    assert {t.state for t in made.police.transfers(OUT)} == {State.DELIVERED}
    made.settle()
    assert made.leftovers() == []
