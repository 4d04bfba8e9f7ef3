"""What only a person may decide: releases, and what retention waits for."""

import shutil
from pathlib import Path

import pytest

from gateway.bundle.names import receipt_name
from gateway.bundle.receipt import join_receipts
from gateway.compose.workers import RETAIN_EVERY
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer, known
from gateway.folders.deliveries import publish_together
from tests.support.houses import IN, OUT, Street, opened, street

DEFECTS = Path(__file__).resolve().parents[2] / "data" / "police" / "defects"
DOUBTFUL = DEFECTS / "34_date_order.zip"
MONTH = 30 * 86400


def claimed(made: Street, archive: Path) -> Transfer:
    """Drop an export of police software and let it be claimed."""
    for path in (archive, archive.with_name(f"{archive.name}.ok")):
        shutil.copyfile(path, made.out.with_name("police") / path.name)
    made.go("police:claim")
    transfer = made.police.only(OUT)
    assert transfer.state is State.FOUND
    return transfer


def pack(made: Street) -> Transfer:
    made.go("police:pack", "police:pack")
    return made.police.only(OUT)


def test_a_doubtful_export_is_held_until_its_findings_are_released(made: Street) -> None:
    claimed(made, DOUBTFUL)
    held = pack(made)
    assert (held.state, held.hold_code, held.attempts) == (State.FOUND, "export-held", 1)
    assert pack(made) == held

    made.police.ledger.release(held, "zhang", "checked on paper")
    ours = pack(made)
    assert (ours.state, ours.verdict, ours.hold_code) == (State.SEALED, "hold", None)
    made.settle()
    assert made.police.only(OUT).state is State.DELIVERED


def test_releasing_another_hold_says_nothing_of_the_findings(made: Street) -> None:
    transfer = claimed(made, DOUBTFUL)
    stopped = made.police.ledger.hold(transfer, "held-by-person", "zhang", "wait for the chief")
    assert pack(made) == stopped
    made.police.ledger.release(stopped, "zhang", "the chief agrees")
    held = pack(made)
    assert (held.state, held.hold_code) == (State.FOUND, "export-held")


def test_a_rejection_stands_whatever_is_released(made: Street) -> None:
    transfer = claimed(made, DEFECTS / "09_traversal.zip")
    stopped = made.police.ledger.hold(transfer, "export-held", "zhang", "let me see")
    made.police.ledger.release(stopped, "zhang", "send it")
    refused = pack(made)
    assert (refused.state, refused.verdict) == (State.REFUSED, "reject")
    assert (made.out.with_name("police") / "reject" / "09_traversal.zip").exists()


def test_links_in_the_place_of_our_folders_are_told_of_and_stop_no_export(closed: Street, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    folder = closed.out.with_name("police")
    for name in ("err", "ack", "reject"):
        (folder / name).symlink_to(ours)
    with opened(closed) as made:
        claimed(made, DEFECTS / "09_traversal.zip")
        assert pack(made).state is State.REFUSED
        told = [one["code"] for one in made.police.log.of("source-not-told")]
        assert told
        assert set(told) == {"folder-replaced"}
    with opened(closed) as made:  # it is to be given back at each start
        assert [one["code"] for one in made.police.log.of("claim-damaged")] == ["folder-replaced"]
        made.drop("one.txt", b"one")
        made.settle()
        assert {one.state for one in made.police.transfers(OUT)} == {State.REFUSED, State.DELIVERED}
        assert list(ours.iterdir()) == []
    (folder / "reject").unlink()
    with opened(closed):
        assert (folder / "reject" / "09_traversal.zip").exists()


def test_an_export_whose_route_is_gone_is_held_and_goes_when_it_is_back(closed: Street) -> None:
    routes = closed.police.root / "etc" / "routes.d" / "police.yaml"
    text = routes.read_text("utf-8")
    with opened(closed) as made:
        claimed(made, next(iter(sorted((Path(__file__).parents[3] / "samples" / "police").glob("*.zip")))))
    routes.write_text(text.replace("name: police", "name: other"), "utf-8")
    with opened(street(closed.root, closed.clock)) as made:
        assert pack(made).hold_code == "route-gone"
    routes.write_text(text, "utf-8")
    with opened(street(closed.root, closed.clock)) as made:
        made.police.ledger.release(made.police.only(OUT), "zhang", "put back")
        made.settle()
        assert made.police.only(OUT).state is State.DELIVERED


def test_originals_and_bundles_stay_until_retention_is_over(made: Street) -> None:
    made.drop("one.txt", b"one")
    made.settle()
    ours = made.police.only(OUT)
    bundle = made.police.ground.spool.outbound_bundle(known(ours.bundle_id), known(ours.claim))
    shelf = made.police.ground.shelf
    (original,) = shelf.get(known(ours.claim)).parts
    assert original.read_bytes() == b"one"

    made.clock.time = known(ours.settled_at) + MONTH - 1
    assert made.step(made.police, "retain") == RETAIN_EVERY
    assert bundle.exists()
    assert original.exists()
    made.clock.time += 1
    made.go("police:retain")
    assert made.police.only(OUT).state is State.CLOSED
    assert not bundle.exists()
    assert not shelf.is_held(known(ours.claim))
    assert made.delivered() == {"one.txt": b"one"}  # what was delivered is the recipient's


def test_retention_never_ends_what_waits_for_its_receipt(made: Street) -> None:
    made.drop("one.txt", b"one")
    for _turn in range(4):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.clock.time += 1
    made.clock.time += 10 * MONTH
    made.go("police:retain")
    assert made.police.only(OUT).state is State.SENT
    assert made.police.ground.shelf.is_held(known(made.police.only(OUT).claim))


def test_a_late_receipt_after_retention_is_old_news(made: Street) -> None:
    made.drop("one.txt", b"one")
    made.settle()
    made.clock.time += MONTH + 1
    made.go("police:retain")
    theirs = made.procuratorate.only(IN)
    bundle = known(theirs.bundle_id)
    (receipt,) = made.procuratorate.ledger.receipts(bundle)
    body = join_receipts([receipt.raw])
    (made.back / receipt_name(body)).write_bytes(body)
    made.go("police:in-procuratorate")
    assert made.police.only(OUT).state is State.CLOSED
    assert made.police.log.alerts() == []


@pytest.mark.parametrize("name", ["34_date_order.zip", "09_traversal.zip"])
def test_an_interrupted_start_repeats_nothing(made: Street, name: str) -> None:
    claimed(made, DEFECTS / name)
    before = pack(made)
    made.close()
    with opened(street(made.root, made.clock)) as again:
        assert again.police.only(OUT) == before
        again.go("police:pack", "police:pack")
        assert again.police.only(OUT) == before
    made.open()


def test_a_hold_that_comes_between_the_delivery_and_its_record_costs_nothing(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[tuple[object, ...]] = []

    def publish_and_hold(*order: object, **more: object) -> object:
        done = publish_together(*order, **more)  # type: ignore[arg-type]  # passed on as they came
        if not published:
            made.procuratorate.ledger.hold(made.procuratorate.only(IN), "held-by-person", "zhang", "wait")
        published.append(order)
        return done

    monkeypatch.setattr("gateway.stages.delivering.publish_together", publish_and_hold)
    made.drop("a.txt", b"a")
    with pytest.raises(AssertionError):
        made.settle(turns=20)
    held = made.procuratorate.only(IN)
    assert (held.state, held.hold_code) == (State.VERIFIED, "held-by-person")
    assert made.delivered() == {"a.txt": b"a"}

    made.procuratorate.ledger.release(held, "zhang", "go on")
    made.settle()
    assert made.delivered() == {"a.txt": b"a"}
    assert made.police.only(OUT).state is State.DELIVERED
    assert made.leftovers() == []
