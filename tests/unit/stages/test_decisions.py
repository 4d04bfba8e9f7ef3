"""What people decide about things in quarantine: recorded at the command line, carried out by the daemon, whole or
again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.bundle.names import receipt_name
from gateway.bundle.receipt import FILE_MAX
from gateway.cli.demo_nodes import POLICE, PROCURATORATE
from gateway.compose.acting import Operator
from gateway.compose.asides import look_at
from gateway.compose.needs import Need
from gateway.compose.survey import survey
from gateway.domain.errors import GatewayError
from gateway.domain.ids import QuarantineId
from gateway.domain.lifecycle import State
from gateway.domain.records import Action, ReceiptCode, known
from gateway.folders.quarantine import Quarantined
from gateway.stages.aside import everything, one
from gateway.stages.decide import BEING_SET_BACK
from tests.support.crashing import dies_at, interrupted
from tests.support.forging import noise
from tests.support.houses import IN, OUT, House, Street, opened, street

HALF_YEAR = 181 * 86400


def operator(house: House) -> Operator:
    return Operator(house.identity.settings, "zhang", house.clock)


def things(house: House) -> list[Quarantined]:
    """Return the bundles and receipt files in quarantine; inventories come again by themselves."""
    return [one for one in house.ground.quarantine.listing() if one.note.subject.endswith((".cfb", ".cfr"))]


def the_thing(house: House) -> Quarantined:
    (thing,) = things(house)
    return thing


def sent(made: Street) -> Path:
    """Bring one export into the procuratorate's mailbox and return its file."""
    made.drop("one.txt", b"one")
    for _turn in range(3):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.clock.time += 1
    return min(made.there.glob("*.cfb"), key=lambda file: file.stat().st_size)


def taken_in(made: Street) -> None:
    made.go("procuratorate:in-police", "procuratorate:open", "procuratorate:open", "procuratorate:in-police")


def hide_card(house: House, unit: str) -> Callable[[], object]:
    """Take a peer's card away; what is returned puts it back."""
    card = house.state / "peers" / f"{unit}.cfpeer"
    hidden = card.with_name(f".{unit}")
    card.rename(hidden)
    return lambda: hidden.rename(card)


def reloaded(house: House) -> None:
    house.close()
    house.open()


def let_people_refuse(closed: Street, *, also: str = "") -> None:
    config = closed.procuratorate.root / "etc" / "gateway.yaml"
    text = config.read_text("utf-8")
    assert "\nlimits:\n" in text
    config.write_text(text.replace("\nlimits:\n", f"\nlimits:\n  refuse_unasked: false\n{also}"), "utf-8")


def expired(made: Street) -> None:
    sent(made)
    made.clock.time += 40 * 86400
    taken_in(made)
    assert {transfer.state for transfer in made.procuratorate.transfers(IN)} == {State.QUARANTINED}
    assert {thing.note.code for thing in things(made.procuratorate)} == {"expired"}


def damaged(made: Street) -> None:
    file = sent(made)
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    taken_in(made)
    assert made.procuratorate.only(IN).state is State.QUARANTINED


def unsigned(made: Street) -> None:
    file = sent(made)
    raw = bytearray(file.read_bytes())
    raw[2000] ^= 1  # within the signature
    file.write_bytes(raw)
    taken_in(made)
    assert the_thing(made.procuratorate).note.code == "bad-signature"


# -- recheck ----------------------------------------------------------------------------------------------------------


def test_a_bundle_of_a_sender_whose_card_came_late_is_checked_anew_and_delivered(closed: Street) -> None:
    put_back = hide_card(closed.procuratorate, POLICE)
    with opened(closed) as made:
        sent(made)
        taken_in(made)
        thing = the_thing(made.procuratorate)
        assert thing.note.code == "unknown-sender"
        put_back()
        reloaded(made.procuratorate)
        decision = operator(made.procuratorate).decide(Action.RECHECK, thing.id[:8], "card added, fingerprint read")
        assert decision.done_at is None
        made.settle()
        assert made.delivered() == {"one.txt": b"one"}
        assert things(made.procuratorate) == []
        theirs = made.procuratorate.only(IN)
        told = [entry for entry in made.procuratorate.ledger.timeline(theirs.id) if entry.what == "released"]
        assert [(entry.actor, entry.note, entry.code) for entry in told] == [
            ("zhang", "card added, fingerprint read", "")
        ]
        (done,) = made.procuratorate.ledger.decisions.about(thing.id)
        assert (done.outcome, done.done_at is not None) == ("", True)


def test_what_fails_again_lies_in_quarantine_again_and_nothing_was_waived(made: Street) -> None:
    unsigned(made)
    before = the_thing(made.procuratorate)
    operator(made.procuratorate).decide(Action.RECHECK, before.id, "once more")
    made.clock.time += 5
    made.go("procuratorate:decide", "procuratorate:open")
    after = the_thing(made.procuratorate)
    assert (after.id, after.note.code, after.note.at) == (before.id, "bad-signature", before.note.at + 5)
    assert made.procuratorate.only(IN).state is State.QUARANTINED
    assert not list(made.there.glob("*.cfb"))


@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.soak)])
def test_a_recheck_that_dies_at_any_effect_is_finished_by_the_next_start(
    closed: Street, tmp_path: Path, stride: int
) -> None:
    put_back = hide_card(closed.procuratorate, POLICE)
    with opened(closed) as made:
        sent(made)
        taken_in(made)
        operator(made.procuratorate).decide(Action.RECHECK, the_thing(made.procuratorate).id, "card added")
    put_back()

    def start_and_carry_out(root: Path) -> None:
        house = street(root, closed.clock).procuratorate
        house.open()
        house.worker("decide").step()
        house.worker("open").step()
        house.close()

    shutil.copytree(closed.root, tmp_path / "counted")
    with interrupted(10**9, lambda: None) as met:
        street(tmp_path / "counted", closed.clock).procuratorate.open().close()
    at = len(met)
    points = 0
    while True:
        root = tmp_path / str(at)
        shutil.copytree(closed.root, root)
        died = dies_at(at, lambda root=root: start_and_carry_out(root))
        with opened(street(root, closed.clock)) as made:
            made.settle()
            assert made.delivered() == {"one.txt": b"one"}
            assert things(made.procuratorate) == []
            assert made.procuratorate.ledger.decisions.undone(9) == []
            assert made.leftovers() == []
        shutil.rmtree(root)
        if not died:
            break
        points += 1
        at += stride
    assert points > 2


def test_bytes_that_cannot_be_moved_yet_stay_where_they_are(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    unsigned(made)
    thing = the_thing(made.procuratorate)
    operator(made.procuratorate).decide(Action.RECHECK, thing.id, "again")
    shelter = made.procuratorate.state / "spool" / "inbound" / "police"
    with monkeypatch.context() as broken:

        def full(*_arguments: object) -> None:
            raise OSError(28, "No space left on device")

        broken.setattr("gateway.linux.rename_new", full)
        made.go("procuratorate:decide", "procuratorate:open")
    theirs = made.procuratorate.only(IN)
    assert (theirs.state, theirs.hold_code) == (State.FETCHED, BEING_SET_BACK)
    assert [p for p in shelter.iterdir() if not p.name.startswith(".")] == []
    assert the_thing(made.procuratorate) == thing
    made.clock.time += 10
    made.go("procuratorate:decide", "procuratorate:open")
    assert made.procuratorate.only(IN).state is State.QUARANTINED
    assert the_thing(made.procuratorate).note.code == "bad-signature"


def test_receipts_by_a_key_that_was_unknown_are_applied_anew(closed: Street) -> None:
    with opened(closed) as made:
        sent(made)
        taken_in(made)
        made.go("procuratorate:out-police")
    put_back = hide_card(closed.police, PROCURATORATE)
    with opened(street(closed.root, closed.clock)) as made:
        made.go("police:in-procuratorate")
        thing = the_thing(made.police)
        assert (thing.note.subject[-4:], thing.note.code) == (".cfr", "unknown-sender")
        shown = look_at(made.police.identity.settings, made.police.ledger, thing.id)
        assert [transfer.id for transfer in shown.transfers] == [made.police.only(OUT).id]
        for action, code in ((Action.REJECT, "quarantine-unanswerable"), (Action.RELEASE, "quarantine-not-waivable")):
            with pytest.raises(GatewayError) as refused:
                operator(made.police).decide(action, thing.id, "x")
            assert refused.value.code == code
        operator(made.police).decide(Action.RECHECK, thing.id, "too early")
        made.go("police:decide")
        assert [d.outcome for d in made.police.ledger.decisions.about(thing.id)] == ["unknown-sender"]
        assert the_thing(made.police).path.exists()
        put_back()
        reloaded(made.police)
        operator(made.police).decide(Action.RECHECK, thing.id, "card added")
        made.settle()
        assert made.police.only(OUT).state is State.DELIVERED
        assert things(made.police) == []


def test_what_is_larger_than_receipts_can_be_is_not_read_again_by_anybodys_word(made: Street) -> None:
    with (made.back / receipt_name(b"too large to be one")).open("wb") as out:
        out.truncate(FILE_MAX + 1)
    made.go("police:in-procuratorate")
    thing = the_thing(made.police)
    assert thing.note.code == "receipt-file-too-large"
    with pytest.raises(GatewayError) as refused:
        operator(made.police).decide(Action.RECHECK, thing.id, "once more")
    assert refused.value.code == "quarantine-not-recheckable"
    operator(made.police).decide(Action.CLOSE, thing.id, "the sender was told")
    made.go("police:decide")
    assert [done.action for done in made.police.ledger.decisions.about(thing.id)] == [Action.CLOSE]
    assert thing.path.exists()


# -- release ----------------------------------------------------------------------------------------------------------


def test_a_rule_of_this_node_is_waived_once_by_a_named_person(closed: Street) -> None:
    let_people_refuse(closed)
    with opened(closed) as made:
        expired(made)
        operator(made.procuratorate).decide(Action.RECHECK, the_thing(made.procuratorate).id, "does it pass by itself?")
        made.go("procuratorate:decide", "procuratorate:open")
        thing = the_thing(made.procuratorate)
        assert thing.note.code == "expired"
        operator(made.procuratorate).decide(Action.RELEASE, thing.id, "the chief wants it all the same")
        made.settle()
        assert made.delivered() == {"one.txt": b"one"}
        theirs = made.procuratorate.only(IN)
        released = [entry for entry in made.procuratorate.ledger.timeline(theirs.id) if entry.what == "released"]
        assert [(entry.code, entry.actor) for entry in released] == [("", "zhang"), ("expired", "zhang")]
        assert made.police.only(OUT).state is State.DELIVERED


def test_what_waits_for_a_person_is_not_fetched_again_and_alerted_once(closed: Street) -> None:
    let_people_refuse(closed)
    config = closed.police.root / "etc" / "gateway.yaml"
    patient = config.read_text("utf-8").replace("\ntiming:\n", "\ntiming:\n  give_up_after: 365d\n")
    config.write_text(patient, "utf-8")
    with opened(closed) as made:
        for name in ("one.txt", "two.txt"):
            made.drop(name, name.encode())
        for _turn in range(3):
            made.go("police:claim", "police:pack", "police:out-procuratorate")
            made.clock.time += 1
        (convoy,) = made.there.glob("*.cfc")
        kept = convoy.read_bytes()
        made.clock.time += 40 * 86400
        taken_in(made)
        waiting = things(made.procuratorate)
        convoy.write_bytes(kept)  # together, as it came, and then each for itself
        for _repetition in range(4):
            made.clock.time += 2 * 86400
            made.work(4)
            assert [file for file in made.there.iterdir() if file.name.endswith((".cfb", ".cfc"))] == []
        assert things(made.procuratorate) == waiting
        assert len(made.procuratorate.log.of("bundle-quarantined")) == 2
        for theirs in made.procuratorate.transfers(IN):
            assert "offered-again" not in made.procuratorate.events(theirs)
        for ours in made.police.transfers(OUT):
            assert made.police.events(ours).count("sent") > 2
        for thing in waiting:
            operator(made.procuratorate).decide(Action.RELEASE, thing.id, "the chief wants it all the same")
        made.settle()
        assert made.delivered() == {"one.txt": b"one.txt", "two.txt": b"two.txt"}


def test_each_rule_is_waived_by_itself_and_for_the_bytes_at_hand(closed: Street) -> None:
    let_people_refuse(closed, also="  bundle: 1 MiB\n")
    with opened(closed) as made:
        made.drop("two.bin", noise(2 << 20))
        expired(made)
        house = made.procuratorate
        large = max(things(house), key=lambda thing: thing.note.size)

        def decide(action: Action) -> str:
            operator(house).decide(action, large.id, "wanted")
            made.go("procuratorate:decide", "procuratorate:open", "procuratorate:open")
            found = [thing.note.code for thing in things(house) if thing.id == large.id]
            return found[0] if found else ""

        assert decide(Action.RELEASE) == "too-large"
        assert decide(Action.RECHECK) == "expired"  # what was waived before is not waived for ever
        assert decide(Action.RELEASE) == "too-large"
        assert decide(Action.RELEASE) == ""
        assert made.delivered() == {"two.bin": noise(2 << 20)}


@pytest.mark.parametrize("bring", [damaged, unsigned])
def test_doubts_about_who_sent_it_or_whether_it_is_whole_are_waived_by_nobody(
    made: Street, bring: Callable[[Street], None]
) -> None:
    bring(made)
    with pytest.raises(GatewayError) as refused:
        operator(made.procuratorate).decide(Action.RELEASE, the_thing(made.procuratorate).id, "never mind")
    assert refused.value.code == "quarantine-not-waivable"
    assert made.procuratorate.ledger.decisions.deeds() == []


# -- reject -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bring", "code"), [(expired, ReceiptCode.EXPIRED), (damaged, ReceiptCode.DAMAGED)], ids=["expired", "damaged"]
)
def test_a_rejection_reaches_the_sender_signed_by_the_daemon(
    closed: Street, bring: Callable[[Street], None], code: ReceiptCode
) -> None:
    let_people_refuse(closed)
    with opened(closed) as made:
        bring(made)
        operator(made.procuratorate).decide(Action.REJECT, the_thing(made.procuratorate).id, "of no use to us")
        assert made.procuratorate.only(IN).state is State.QUARANTINED  # the command line holds no key
        made.settle()
        theirs = made.procuratorate.only(IN)
        assert theirs.state is State.DISMISSED
        assert [r.code for r in made.procuratorate.ledger.receipts(known(theirs.bundle_id))] == [code]
        assert made.police.only(OUT).state is State.REFUSED
        assert (made.out / "reject" / "one.txt").read_bytes() == b"one"
        (aside,) = everything(made.procuratorate.ground.quarantine, made.procuratorate.ledger)
        assert aside.decided_at is not None


def test_where_nobody_is_known_nobody_is_answered(made: Street) -> None:
    unsigned(made)
    with pytest.raises(GatewayError) as refused:
        operator(made.procuratorate).decide(Action.REJECT, the_thing(made.procuratorate).id, "go away")
    assert refused.value.code == "quarantine-unanswerable"


# -- close and retention ----------------------------------------------------------------------------------------------


def test_what_is_closed_leaves_quarantine_when_its_time_has_passed_and_nothing_else_does(made: Street) -> None:
    unsigned(made)
    first = the_thing(made.procuratorate)
    operator(made.procuratorate).decide(Action.CLOSE, first.id, "not theirs, they say")
    theirs = made.procuratorate.only(IN)
    assert theirs.state is State.CLOSED
    last = made.procuratorate.ledger.timeline(theirs.id)[-1]
    assert (last.what, last.actor, last.note) == ("closed", "zhang", "not theirs, they say")
    made.clock.time += 5
    strange = made.there / f"{'a' * 32}.cfb"
    strange.write_bytes(b"no bundle at all")
    taken_in(made)
    assert len(things(made.procuratorate)) == 2
    made.clock.time += HALF_YEAR
    made.go("procuratorate:retain")
    (left,) = things(made.procuratorate)
    assert left.id != first.id
    assert made.procuratorate.log.of("quarantine-retention-ended") == [{"count": 1}]


def test_a_second_bundle_under_a_known_name_is_evidence_until_a_person_closes_it(made: Street) -> None:
    file = sent(made)
    copy = file.read_bytes()
    made.settle()
    raw = bytearray(copy)
    raw[100] ^= 1
    file.write_bytes(raw)
    made.go("procuratorate:in-police")
    thing = the_thing(made.procuratorate)
    assert thing.note.code == "equivocation"
    made.clock.time += HALF_YEAR
    made.go("procuratorate:retain")
    for action in (Action.RECHECK, Action.REJECT):
        with pytest.raises(GatewayError) as refused:
            operator(made.procuratorate).decide(action, thing.id, "x")
        assert refused.value.code == "quarantine-moved-on"
    state = made.procuratorate.only(IN).state
    operator(made.procuratorate).decide(Action.CLOSE, thing.id, "reported")
    assert made.procuratorate.only(IN).state is state
    made.clock.time += HALF_YEAR
    made.go("procuratorate:retain")
    assert things(made.procuratorate) == []


def test_of_two_things_under_one_name_the_first_to_be_closed_leaves_the_transfer(made: Street) -> None:
    file = sent(made)
    whole = file.read_bytes()
    for bit in (1, 2):
        raw = bytearray(whole)
        raw[2000] ^= bit
        file.write_bytes(raw)
        taken_in(made)
        taken_in(made)  # what was set aside before is offered again first
    first, second = things(made.procuratorate)
    operator(made.procuratorate).decide(Action.CLOSE, first.id, "x")
    assert made.procuratorate.only(IN).state is State.QUARANTINED
    operator(made.procuratorate).decide(Action.CLOSE, second.id, "x")
    assert made.procuratorate.only(IN).state is State.CLOSED


# -- all of them ------------------------------------------------------------------------------------------------------


def test_one_decision_at_a_time_and_each_on_record(made: Street) -> None:
    unsigned(made)
    house = made.procuratorate
    thing = the_thing(house)
    operator(house).decide(Action.RECHECK, thing.id, "first")
    with pytest.raises(GatewayError) as refused:
        operator(house).decide(Action.CLOSE, thing.id, "second")
    assert refused.value.code == "decision-pending"
    assert house.only(IN).state is State.QUARANTINED
    made.clock.time += 1
    made.go("procuratorate:decide", "procuratorate:open")
    made.clock.time += 1
    operator(house).decide(Action.CLOSE, thing.id, "second")
    assert [(d.action, d.actor, d.why, d.code, d.outcome) for d in house.ledger.decisions.deeds()] == [
        ("close", "zhang", "second", "bad-signature", ""),
        ("recheck", "zhang", "first", "bad-signature", ""),
    ]


def test_a_bundle_that_came_whole_meanwhile_needs_no_decision(made: Street) -> None:
    file = sent(made)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    taken_in(made)
    thing = the_thing(made.procuratorate)
    operator(made.procuratorate).decide(Action.RECHECK, thing.id, "perhaps")
    file.write_bytes(whole)
    made.go("procuratorate:in-police", "procuratorate:in-police")  # offered again before the daemon got to deciding
    made.settle()
    assert made.delivered() == {"one.txt": b"one"}
    (decision,) = made.procuratorate.ledger.decisions.about(thing.id)
    assert decision.outcome == "quarantine-moved-on"
    assert one(made.procuratorate.ground.quarantine, made.procuratorate.ledger, thing.id).decided_at is not None


def test_status_counts_what_waits_for_a_decision(made: Street) -> None:
    unsigned(made)
    house = made.procuratorate

    def waiting() -> int:
        found = survey(house.identity.settings, house.ledger, house.clock.now()).notices
        return sum(notice.count for notice in found if notice.need is Need.QUARANTINED)

    assert waiting() == 1
    operator(house).decide(Action.RECHECK, the_thing(house).id, "x")
    assert waiting() == 0
    made.go("procuratorate:decide", "procuratorate:open")
    assert waiting() == 1
    operator(house).decide(Action.CLOSE, the_thing(house).id, "x")
    assert waiting() == 0


def test_an_id_that_names_nothing_or_too_much(made: Street) -> None:
    unsigned(made)
    for beginning, code in (("", "missing"), ("x", "missing"), ("../..", "missing"), ("0" * 32, "missing")):
        with pytest.raises(GatewayError) as refused:
            operator(made.procuratorate).decide(Action.CLOSE, beginning, "x")
        assert refused.value.code == f"quarantine-{code}"
    root = made.procuratorate.identity.settings.paths.quarantine
    name = QuarantineId(the_thing(made.procuratorate).id)
    shutil.copytree(root / name, root / (name[:8] + "0" * 24))
    with pytest.raises(GatewayError) as refused:
        operator(made.procuratorate).decide(Action.CLOSE, name[:8], "x")
    assert refused.value.code == "quarantine-ambiguous"
