"""What two nodes do when they compare: lost receipts, lost bundles, gaps, ledgers put back, a node that was copied."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.card import fingerprint
from gateway.bundle.inventory import parse_inventory, sign_inventory, sign_life
from gateway.bundle.names import Kind, inventory_name, paper_name
from gateway.bundle.statement import sign_paper
from gateway.compose.backup import By, back_up, renew_epoch, restore
from gateway.domain.holdings import Got, Life
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer, known
from gateway.domain.statements import Enquiry
from gateway.ledger.resync import CONFLICT, UNKNOWN_NUMBERS
from tests.support.cards import holder
from tests.support.houses import IN, OUT, House, Street, opened
from tests.support.ledger import missing

DAY = 86_400
BY = By("zhang", "the disk was exchanged")


def exchanged(made: Street, *names: str) -> None:
    """Let exports of these names go all the way."""
    for name in names:
        made.drop(name, name.encode())
    made.settle()


def of(made: Street, name: str) -> Transfer:
    return next(t for t in made.police.transfers(OUT) if t.export_name == name)


def agree(made: Street, *names: str, house: House | None = None) -> None:
    """Assert that every export of these names was delivered once, and that both ledgers say so alike."""
    ours = {known(t.bundle_id): t for t in made.police.transfers(OUT)}
    theirs = {known(t.bundle_id): t for t in made.procuratorate.transfers(IN)}
    assert ours.keys() == theirs.keys()
    assert len(ours) == len(made.police.transfers(OUT)) == len(names)
    # What the test took out of the inbound folder counts as collected.
    assert {t.state for t in ours.values()} <= {State.DELIVERED, State.COLLECTED}
    assert {t.state for t in theirs.values()} <= {State.CONFIRMED, State.COLLECTED}
    for bundle, our in ours.items():
        their = theirs[bundle]
        assert (our.header_hash, our.epoch, our.sequence) == (their.header_hash, their.epoch, their.sequence)
        assert {r.raw for r in made.police.ledger.receipts(bundle)} <= {
            r.raw for r in made.procuratorate.ledger.receipts(bundle)
        }


@contextmanager
def backed_up(house: House, config: Path) -> Iterator[Callable[[], None]]:
    """Back `house` up at once; the function that is lent puts the backup back."""
    folder = house.root / "backup"
    back_up(house.identity.settings, config, folder, house.clock)
    yield lambda: known(restore(house.identity.settings, config, folder, BY, house.clock)) and None


def etc(house: House) -> Path:
    return house.root / "etc"


def send_and_lose(made: Street, name: str) -> Transfer:
    """Let an export be sent, and its bundle be lost on the way; return its transfer."""
    made.drop(name, name.encode())
    while not lose(made, Kind.BUNDLE):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.clock.time += 1
    return of(made, name)


def lose(made: Street, kind: Kind) -> list[str]:
    """Remove the papers of one kind from both folders between the nodes; return their names."""
    gone = [path for path in made.mail() if path.suffix == kind]
    for path in gone:
        path.unlink()
    return [path.name for path in gone]


def deliver_and_lose_the_receipt(made: Street, name: str) -> None:
    made.drop(name, name.encode())
    while not lose(made, Kind.RECEIPTS):
        for house, workers in (
            ("police", ("claim", "pack", "out-procuratorate")),
            ("procuratorate", ("in-police", "open", "in-police", "out-police")),
        ):
            made.go(*(f"{house}:{worker}" for worker in workers))
        made.clock.time += 1


def test_each_says_where_it_stands_when_it_starts_and_every_hour(made: Street) -> None:
    for house in made.houses:
        assert "start" in [facts["why"] for facts in house.log.of("inventory-sent")]
        assert house.ledger.resync.word(next(one.unit for one in made.houses if one is not house)).heard_at is not None
    before = len(made.police.log.of("inventory-sent"))
    made.clock.time += 3601
    made.settle()
    assert "time" in [facts["why"] for facts in made.police.log.of("inventory-sent")[before:]]
    assert made.leftovers() == []


def test_a_peer_that_does_not_answer_is_not_buried_in_inventories(made: Street) -> None:
    for _hour in range(30):
        made.clock.time += 3600
        made.go("police:out-procuratorate")
    assert len(made.mail()) == 2  # one after the last answer, and one a day later


def test_a_lost_receipt_comes_again_when_asked_for_and_nothing_else_does(made: Street) -> None:
    deliver_and_lose_the_receipt(made, "one.txt")
    assert of(made, "one.txt").state is State.SENT
    made.police.ledger.resync.want(made.procuratorate.unit, "command")
    made.settle()
    agree(made, "one.txt")
    assert made.police.events(of(made, "one.txt")) == ["found", "sealed", "sent", "delivery-receipted"]
    assert made.procuratorate.events(made.procuratorate.only(IN))[-3:] == ["confirmed", "receipt-asked", "confirmed"]


def test_a_bundle_that_was_lost_on_the_way_is_sent_again_as_it_was(made: Street) -> None:
    exchanged(made, "before.txt")
    ours = send_and_lose(made, "one.txt")
    made.procuratorate.ledger.resync.want(made.police.unit, "command")
    made.go("procuratorate:out-police", "police:in-procuratorate", "police:out-procuratorate")
    assert of(made, "one.txt").state is State.SENT  # nobody has asked us: it may still be on its way
    made.clock.time += 1
    made.police.ledger.resync.want(made.procuratorate.unit, "command")
    made.settle()
    agree(made, "before.txt", "one.txt")
    assert of(made, "one.txt").bundle_id == ours.bundle_id
    assert made.police.events(ours) == ["found", "sealed", "sent", "missed", "sent", "delivery-receipted"]


@pytest.mark.parametrize("last", [0, 1])
def test_two_questions_at_once_are_answered_whichever_is_read_last(made: Street, last: int) -> None:
    exchanged(made, "before.txt")
    send_and_lose(made, "one.txt")
    asks: list[Path] = []
    for _ask in range(2):
        made.police.ledger.resync.want(made.procuratorate.unit, "command")
        made.go("police:out-procuratorate")
        asks += [path for path in made.mail() if path not in asks]
        made.clock.time += 1
    hidden = asks[last].rename(made.there.parent / "hidden")
    made.go("procuratorate:in-police")
    hidden.rename(asks[last])
    made.go("procuratorate:in-police")
    made.settle()
    agree(made, "before.txt", "one.txt")
    assert made.police.events(of(made, "one.txt"))[2:4] == ["sent", "missed"]


def test_a_gap_is_seen_at_once_and_asked_for(made: Street) -> None:
    send_and_lose(made, "one.txt")
    made.drop("two.txt", b"two.txt")
    while of(made, "one.txt").state is not State.DELIVERED:
        made.work(seconds=1)
    made.settle()
    agree(made, "one.txt", "two.txt")
    asked = [facts["why"] for facts in made.procuratorate.log.of("inventory-sent")]
    assert "gap" in asked
    assert made.clock.time - of(made, "one.txt").found_at < 120  # and not after the hour of the receipt's time
    made.clock.time += 61
    made.go("procuratorate:out-police")
    assert made.procuratorate.ledger.resync.word(made.police.unit).gap_since is None


@pytest.mark.parametrize("spool_too", [False, True], ids=["ledger", "ledger and spool"])
def test_a_sender_whose_ledger_is_put_back_learns_again_what_it_sent(closed: Street, spool_too: bool) -> None:
    with opened(closed) as made:
        exchanged(made, "before.txt")
        with backed_up(made.police, etc(made.police)) as put_back:
            exchanged(made, "after-1.txt", "after-2.txt")
            epoch = made.police.ledger.epoch
            made.police.close()
            if spool_too:
                shutil.rmtree(made.police.state / "spool")
            put_back()
            made.police.open()
        assert made.police.ledger.epoch != epoch
        made.settle()
        exchanged(made, "new.txt")
        agree(made, "before.txt", "after-1.txt", "after-2.txt", "new.txt")
        assert len(made.delivered()) == 4
        assert made.police.ledger.epoch == of(made, "new.txt").epoch
        assert of(made, "new.txt").sequence == 1
        rebuilt = len(made.police.log.of("transfer-rebuilt"))
        assert rebuilt == (2 if spool_too else 0)
        # What was in it is known again from the original, so that an answer still finds what it answers.
        if not spool_too:
            assert made.police.ledger.matters.get(of(made, "after-1.txt").id) is not None
        assert not any(made.procuratorate.log.of("equivocation"))


def test_a_restored_sender_sends_nothing_before_it_has_heard(closed: Street) -> None:
    with opened(closed) as made:
        with backed_up(made.police, etc(made.police)) as put_back:
            made.police.close()
            put_back()
            made.police.open()
        made.drop("one.txt", b"one.txt")
        for _turn in range(6):
            made.go("police:claim", "police:pack", "police:out-procuratorate", "police:in-procuratorate")
            made.clock.time += 10
        assert of(made, "one.txt").state is State.SEALED
        assert {path.suffix for path in made.there.iterdir()} == {Kind.INVENTORY}
        made.settle()
        agree(made, "one.txt")


@pytest.mark.parametrize("receipt_lost", [False, True], ids=["receipted", "receipt lost"])
def test_a_recipient_whose_ledger_is_put_back_delivers_nothing_twice(closed: Street, receipt_lost: bool) -> None:
    with opened(closed) as made:
        exchanged(made, "before.txt")
        with backed_up(made.procuratorate, etc(made.procuratorate)) as put_back:
            exchanged(made, "after.txt")
            if receipt_lost:
                deliver_and_lose_the_receipt(made, "lost.txt")
            made.procuratorate.close()
            delivered = made.delivered()
            for folder in list(made.into.iterdir()):
                shutil.rmtree(folder)  # the case software has taken everything
            put_back()
            made.procuratorate.open()
        made.clock.time += 3600
        made.settle()
        assert made.delivered() == {}
        assert set(delivered) == {"before.txt", "after.txt", *(["lost.txt"] if receipt_lost else [])}
        agree(made, *delivered)
        assert missing(made.procuratorate.ledger, made.police.unit, made.police.ledger.epoch) == []
        exchanged(made, "new.txt")
        assert made.delivered() == {"new.txt": b"new.txt"}


def test_where_the_journal_is_lost_too_a_person_decides_about_what_nobody_can_know(closed: Street) -> None:
    with opened(closed) as made:
        with backed_up(made.procuratorate, etc(made.procuratorate)) as put_back:
            exchanged(made, "receipted.txt")
            deliver_and_lose_the_receipt(made, "doubtful.txt")
            made.procuratorate.close()
            for folder in (*made.into.iterdir(), made.procuratorate.state / "delivered"):
                shutil.rmtree(folder)
            put_back()
            made.procuratorate.open()
        made.drop("early.txt", b"sent before the restore was known")
        while not made.procuratorate.transfers(IN):
            made.go("police:claim", "police:pack", "police:out-procuratorate", "procuratorate:in-police")
            made.clock.time += 1
        made.go("procuratorate:open")
        # From which number on all is new only the sender can say, and has not said.
        assert made.procuratorate.only(IN).last_error == "resync-awaited"
        made.work(40, 100)
        made.drop("new.txt", b"new.txt")
        made.work(10, 1)
        assert made.delivered() == {"new.txt": b"new.txt"}
        states = {t.sequence: t.state for t in made.procuratorate.transfers(IN)}
        assert states == {1: State.CONFIRMED, 2: State.QUARANTINED, 3: State.QUARANTINED, 4: State.CONFIRMED}
        assert {one["code"] for one in made.procuratorate.log.of("bundle-quarantined")} == {"delivery-doubtful"}


def test_a_spool_that_is_lost_is_made_good_by_the_peer_or_held(closed: Street) -> None:
    with opened(closed) as made:
        # One is verified at the recipient, one is in flight, one is only claimed: then both spools are lost.
        made.drop("verified.txt", b"verified.txt")
        while not any(t.state is State.FETCHED for t in made.procuratorate.transfers(IN)):
            made.go("police:claim", "police:pack", "police:out-procuratorate", "procuratorate:in-police")
            made.clock.time += 1
        made.procuratorate.close()
        shutil.rmtree(made.procuratorate.state / "spool")
        lose(made, Kind.BUNDLE)
        made.procuratorate.open()
        made.clock.time += 10
        made.settle()
        agree(made, "verified.txt")

        made.drop("claimed.txt", b"claimed.txt")
        for _turn in range(3):
            made.go("police:claim")
            made.clock.time += 1
        made.police.close()
        shutil.rmtree(made.police.state / "spool")
        made.police.open()
        made.go("police:pack", "police:pack")
        held = of(made, "claimed.txt")
        assert (held.state, held.hold_code) == (State.FOUND, "claim-missing")


def test_two_nodes_of_one_identity_both_notice_and_stand_still(closed: Street) -> None:
    with opened(closed) as made:
        exchanged(made, "before.txt")
        made.police.close()
        shutil.copytree(made.police.root, made.root / "copy" / "police")
        # The copy finds the same folders between the nodes, as both would find the same peer's server.
        for folder in (made.there, made.back):
            (made.root / "copy" / folder.name).symlink_to(folder)
        copy = House(made.root / "copy" / "police", made.police.unit, made.clock)
        made.police.open()
        copy.open()
        try:
            for _hour in range(3):
                for _turn in range(4):
                    for house in (made.police, copy, made.procuratorate):
                        for worker in house.plan.workers:
                            if worker.name.startswith(("in-", "out-")):
                                made.step(house, worker.name)
                made.clock.time += DAY + 1
            for house in (made.police, copy):
                assert house.ledger.resync.standing().standstill == CONFLICT
                assert [facts["code"] for facts in house.log.of("standstill")] == [CONFLICT]
            made.drop("later.txt", b"later.txt")
            for _turn in range(4):
                made.go("police:claim", "police:pack")
                made.clock.time += 1
            assert (made.out / "later.txt").exists()  # not even claimed
        finally:
            copy.close()
        made.police.close()
        renew_epoch(made.police.identity.settings, BY, made.clock)
        made.police.open()
        made.settle()
        agree(made, "before.txt", "later.txt")


def test_an_older_ledger_put_back_by_hand_is_noticed(closed: Street) -> None:
    with opened(closed) as made:
        exchanged(made, "before.txt")
        made.police.close()
        ledger = made.police.state / "ledger"
        shutil.copytree(ledger, made.root / "old")
        made.police.open()
        exchanged(made, "after.txt")
        made.police.close()
        shutil.rmtree(ledger)
        shutil.copytree(made.root / "old", ledger)
        made.police.open()
        for _turn in range(5):
            made.go("police:out-procuratorate", "procuratorate:in-police", "procuratorate:out-police")
            made.go("police:in-procuratorate")
            made.clock.time += 1
        assert made.police.ledger.resync.standing().standstill == CONFLICT


def test_a_peer_that_claims_numbers_we_never_gave_out_gets_nothing_more_and_stops_nobody_else(made: Street) -> None:
    exchanged(made, "before.txt")
    word = made.police.ledger.resync.word(made.procuratorate.unit)
    said = parse_inventory(known(word.theirs))
    lie = replace(said, got=(Got(made.police.ledger.epoch, 99, ()),), asks=False)
    raw = sign_inventory(lie, made.procuratorate.identity.keyring.node_keys()[0])
    (made.back / inventory_name(raw)).write_bytes(raw)
    made.go("police:in-procuratorate")
    assert [facts["code"] for facts in made.police.log.of("link-halted")] == [UNKNOWN_NUMBERS]
    assert made.police.ledger.resync.standing().standstill is None
    made.drop("later.txt", b"later.txt")
    made.work(20, 1)
    assert of(made, "later.txt").state is State.SEALED


def test_inventories_that_are_not_for_us_or_not_genuine_change_nothing(made: Street) -> None:
    made.police.ledger.resync.want(made.procuratorate.unit, "command")
    made.go("police:out-procuratorate")
    (letter,) = made.mail()
    raw = bytearray(letter.read_bytes())
    raw[-1] ^= 1
    letter.write_bytes(raw)
    made.go("procuratorate:in-police")
    assert [facts["code"] for facts in made.procuratorate.log.of("inventory-refused")] == ["inventory-bad-signature"]
    # Our own, sent back to us.
    made.police.ledger.resync.want(made.procuratorate.unit, "command")
    made.go("police:out-procuratorate")
    (letter,) = made.mail()
    letter.rename(made.back / letter.name)
    made.go("police:in-procuratorate")
    assert [facts["code"] for facts in made.police.log.of("inventory-refused")] == ["unknown-sender"]


def test_genuine_papers_that_nobody_may_bring_by_this_link_change_nothing(made: Street) -> None:
    """To somebody else, and we carry nothing; or of a third unit whom we know, and our neighbour is no hub."""
    police, neighbour, third = made.police, made.procuratorate, holder("990199")
    police.identity.directory.book.add(third.raw, fingerprint(third.card), now=made.clock.now())
    word = parse_inventory(known(police.ledger.resync.word(neighbour.unit).theirs))
    for issuer, to, signer in (
        (neighbour.unit, third.card.unit, neighbour.identity.keyring.node_keys()[0]),
        (third.card.unit, police.unit, third.private[0]),
    ):
        token = sign_life(Life(issuer, word.epoch, word.life), signer)
        signed = replace(word, issuer=issuer, to=to, token=token, asks=True)
        for kind, raw in (
            (Kind.INVENTORY, sign_inventory(signed, signer)),
            (Kind.STATEMENT, sign_paper(Enquiry(issuer, to, 1, 1, ()), signer)),
        ):
            (made.back / paper_name(raw, kind)).write_bytes(raw)
    made.go("police:in-procuratorate", "police:out-procuratorate")
    for paper in ("inventory", "statement"):
        assert [facts["code"] for facts in police.log.of(f"{paper}-refused")] == [f"{paper}-misdirected"] * 2
    assert police.ledger.resync.word(third.card.unit).theirs is None
    assert made.mail() == []
