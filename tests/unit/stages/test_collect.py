"""Case software takes a delivery: the origin is told by a signed receipt; a folder that is away proves nothing."""

import json
import shutil

import pytest

from gateway.bundle.receipt import verify_receipt
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode, known
from tests.support.crashing import dies_at
from tests.support.houses import IN, OUT, Street, opened, street


def exchanged(made: Street) -> None:
    made.drop("one.txt", b"one")
    made.drop("two.txt", b"two")
    made.settle()
    assert {t.state for t in made.procuratorate.transfers(IN)} == {State.CONFIRMED}


def take(made: Street, name: str) -> None:
    """Be the case software and take one delivery."""
    (folder,) = (path for path in made.into.iterdir() if (path / "content" / name).exists())
    shutil.rmtree(folder)


def look(made: Street) -> None:
    """Look into the folder, let what is owed be carried, and look again."""
    made.go("procuratorate:collect", "procuratorate:out-police", "police:in-procuratorate", "procuratorate:collect")


def states(made: Street) -> dict[str, tuple[State, State]]:
    theirs = {t.bundle_id: t.state for t in made.procuratorate.transfers(IN)}
    return {t.export_name: (t.state, theirs[t.bundle_id]) for t in made.police.transfers(OUT)}


DELIVERED, COLLECTED = (State.DELIVERED, State.CONFIRMED), (State.COLLECTED, State.COLLECTED)


def test_what_is_taken_is_told_and_what_is_left_is_not(made: Street) -> None:
    exchanged(made)
    assert made.step(made.procuratorate, "collect") == 60
    look(made)
    assert states(made) == {"one.txt": DELIVERED, "two.txt": DELIVERED}
    take(made, "one.txt")
    look(made)
    assert states(made) == {"one.txt": COLLECTED, "two.txt": DELIVERED}

    ours = next(t for t in made.police.transfers(OUT) if t.export_name == "one.txt")
    receipts = made.police.ledger.receipts(known(ours.bundle_id))
    assert [one.code for one in receipts] == [ReceiptCode.DELIVERED, ReceiptCode.COLLECTED]
    signer = made.procuratorate.identity.keyring.node_keys()[0].public
    assert verify_receipt(receipts[-1].raw, lambda _key_id: signer).code is ReceiptCode.COLLECTED
    ack = json.loads((made.out / "ack" / "one.txt.receipt.json").read_bytes())
    assert [line["code"] for line in ack["receipts"]] == ["120"]


def test_it_is_told_once(made: Street) -> None:
    exchanged(made)
    take(made, "one.txt")
    look(made)
    look(made)
    taken = next(t for t in made.procuratorate.transfers(IN) if t.state is State.COLLECTED)
    assert made.procuratorate.events(taken)[-4:] == ["confirmed", "receipt-asked", "confirmed", "collected"]
    assert made.mail() == []
    assert made.procuratorate.log.alerts() == made.police.log.alerts() == []


def test_a_bundle_that_comes_again_is_answered_with_the_receipt_that_it_was_taken(made: Street) -> None:
    made.drop("one.txt", b"one")
    made.go("police:claim")
    made.clock.time += 1
    made.go("police:claim", "police:pack", "police:pack", "police:out-procuratorate")
    made.go("procuratorate:in-police", "procuratorate:open", "procuratorate:open", "procuratorate:in-police")
    made.go("procuratorate:out-police")
    for lost in made.back.iterdir():
        lost.unlink()
    take(made, "one.txt")
    made.go("procuratorate:collect", "procuratorate:out-police")
    for lost in made.back.iterdir():
        lost.unlink()
    made.go("procuratorate:collect")
    assert made.police.only(OUT).state is State.SENT
    made.clock.time += 3601
    made.go("police:out-procuratorate")
    made.settle()
    assert made.police.only(OUT).state is State.COLLECTED
    assert list(made.into.iterdir()) == []
    look(made)
    assert made.procuratorate.only(IN).state is State.COLLECTED


@pytest.fixture
def shared(closed: Street) -> Street:
    """The inbound folder is a share with a sentinel."""
    routes = closed.procuratorate.root / "etc" / "routes.d" / "procuratorate.yaml"
    routes.write_text(routes.read_text("utf-8").rstrip() + "\n    sentinel: .mounted\n", "utf-8")
    (closed.into / ".mounted").touch()
    return closed


def test_a_share_that_is_away_was_not_emptied(shared: Street) -> None:
    with opened(shared) as made:
        made.drop("one.txt", b"one")
        for _turn in range(60):
            for house in made.houses:
                for worker in house.plan.workers:
                    made.step(house, worker.name)
            made.clock.time += 0.5
        away = made.into.with_name("away")
        made.into.rename(away)
        look(made)
        made.into.mkdir()
        look(made)
        assert states(made) == {"one.txt": DELIVERED}
        made.into.rmdir()
        away.rename(made.into)
        look(made)
        assert states(made) == {"one.txt": DELIVERED}
        shutil.rmtree(next(path for path in made.into.iterdir() if path.is_dir()))
        look(made)
        assert states(made) == {"one.txt": COLLECTED}


def test_death_at_any_effect_of_telling_costs_a_repetition_at_most(made: Street) -> None:
    exchanged(made)
    take(made, "one.txt")
    made.close()

    def tell() -> None:
        with opened(street(made.root, made.clock)) as other:
            look(other)

    at = 0
    while dies_at(at, tell):
        at += 3
    assert at > 5
    made.open()
    look(made)
    assert states(made) == {"one.txt": COLLECTED, "two.txt": DELIVERED}
    assert made.mail() == []
