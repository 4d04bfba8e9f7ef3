"""Each leg by itself: the state it leads to, the effect on the disk, and when it wants to be called again."""

import json

from gateway.domain.lifecycle import State
from gateway.domain.records import known
from tests.support.houses import IN, OUT, Street


def test_an_exchange_leg_by_leg(made: Street) -> None:
    made.drop("one.txt", b"one")
    made.go("police:claim")
    assert made.police.transfers(OUT) == []  # seen once is not yet settled
    made.clock.time += 1
    made.go("police:claim")
    ours = made.police.only(OUT)
    assert (ours.state, ours.export_name, ours.size) == (State.FOUND, "one.txt", 3)
    assert not (made.out / "one.txt").exists()

    made.go("police:pack", "police:pack")
    ours = made.police.only(OUT)
    bundle = known(ours.bundle_id)
    assert (ours.state, ours.sequence, ours.recipient, ours.link) == (State.SEALED, 1, "990102", "procuratorate")
    sealed = made.police.ground.spool.outbound_bundle(bundle, known(ours.claim))
    assert sealed.stat().st_size == ours.size
    assert made.mail() == []

    made.go("police:out-procuratorate")
    ours = made.police.only(OUT)
    assert ours.state is State.SENT
    assert ours.receipt_due_at == made.clock.time + 3600
    assert [path.read_bytes() for path in made.mail()] == [sealed.read_bytes()]

    made.go("procuratorate:in-police")
    theirs = made.procuratorate.only(IN)
    assert (theirs.state, theirs.bundle_id, theirs.origin) == (State.FETCHED, bundle, None)
    assert len(made.mail()) == 1  # custody passes once it is verified

    made.go("procuratorate:open")
    assert made.procuratorate.only(IN).state is State.FETCHED  # a worker has it
    assert made.delivered() == {}
    made.go("procuratorate:open")
    theirs = made.procuratorate.only(IN)
    assert (theirs.state, theirs.origin, theirs.sequence) == (State.DELIVERED, "990102000000", 1)
    assert made.delivered() == {"one.txt": b"one"}
    assert made.procuratorate.ledger.seen(known(theirs.origin), bundle) == ours.header_hash
    made.go("procuratorate:in-police")
    assert made.mail() == []
    assert made.leftovers() == []

    made.go("procuratorate:out-police")
    assert made.procuratorate.only(IN).state is State.CONFIRMED
    (letter,) = made.mail()
    assert letter.suffix == ".cfr"

    made.go("police:in-procuratorate")
    assert made.police.only(OUT).state is State.DELIVERED
    assert made.mail() == []
    ack = json.loads((made.out / "ack" / "one.txt.receipt.json").read_bytes())
    assert ack["bundle_id"] == bundle


def test_legs_with_nothing_to_do_wait_to_be_rung(made: Street) -> None:
    assert [made.step(made.police, name) for name in ("pack", "open")] == [None, None]
    assert made.step(made.police, "out-procuratorate") == 3600  # then it says where it stands
    assert made.step(made.police, "claim") == 0.2
    assert made.step(made.police, "in-procuratorate") == 1.0


def test_the_out_leg_wants_to_be_called_when_a_receipt_should_have_come(made: Street) -> None:
    made.drop("one.txt", b"one")
    made.go("police:claim")
    made.clock.time += 1
    made.go("police:claim", "police:pack", "police:pack")
    assert made.step(made.police, "out-procuratorate") == 3599  # a second more, and it says where it stands
    (bundle,) = made.mail()
    bundle.unlink()
    made.clock.time += 3599
    made.go("police:out-procuratorate")
    assert bundle not in made.mail()
    made.clock.time += 1
    made.go("police:out-procuratorate")
    assert bundle in made.mail()
    ours = made.police.only(OUT)
    assert made.police.events(ours)[-2:] == ["sent", "sent"]
    assert ours.receipt_due_at == made.clock.time + 3600


def test_small_exports_share_a_batch_and_a_stream(made: Street) -> None:
    for number in range(40):
        made.drop(f"{number}.txt", b"x")
    made.settle()
    assert sorted(known(t.sequence) for t in made.police.transfers(OUT)) == list(range(1, 41))
    assert len(made.delivered()) == 40
    assert made.leftovers() == []
