"""What a batch of small exports costs: most syncs, names and commits are shared, and it shall stay so."""

import errno
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.domain.lifecycle import State
from gateway.domain.records import known
from gateway.folders.claim import ClaimShelf
from gateway.folders.watch import OutboundWatch, ScanResult
from gateway.stages import claim, lanes
from tests.support import calls
from tests.support.houses import OUT, Street, opened

MANY = 64


@pytest.fixture
def made(closed: Street) -> Iterator[Street]:
    with opened(closed) as street:
        yield street


def effects(made: Street, *names: str) -> Counter[str]:
    """Return how often each call was met while these workers stepped."""
    found: Counter[str] = Counter()

    def around(call: calls.Call) -> object:
        found[call.name] += 1
        return call.go()

    with calls.met(around, made.root):
        made.go(*names)
    return found


def settle(made: Street) -> None:
    """Let the exports be seen unchanged, so that the next scan finds all of them settled."""
    made.go("police:claim")
    assert made.police.transfers(OUT) == []
    made.clock.time += 1


def test_a_batch_shares_what_can_be_shared(made: Street) -> None:
    for number in range(MANY):
        folder = made.out / f"case-{number:02d}"
        folder.mkdir()
        for page in range(3):
            (folder / f"{page}.pdf").write_bytes(b"%d of %d" % (page, number))
    settle(made)

    claimed = effects(made, "police:claim")
    assert len(made.police.transfers(OUT)) == MANY
    # Of each export: three pages, its folder, intent, claim folder, parts. Of all: outbound, route's folder, shelf.
    assert claimed["fsync"] <= 7 * MANY + 8
    assert claimed["mkdir"] <= 2 * MANY + 2
    assert claimed["commit"] == 1
    # Of each export: looked at by the scan, before it moves, before it is synced, and once it has moved.
    assert claimed["scandir"] <= 4 * MANY + 2
    assert claimed["stat"] + claimed["lstat"] <= 5 * MANY + 16

    packed = effects(made, "police:pack", "police:pack", "police:pack", "police:pack")
    assert {one.state for one in made.police.transfers(OUT)} == {State.SEALED}
    assert packed["fsync"] <= MANY + 4
    assert packed["commit"] <= 2
    assert packed["statvfs"] <= 4, "one look at the disk for all of a batch"

    made.go("police:out-procuratorate", "procuratorate:in-police", *["procuratorate:open"] * 4)
    made.go("procuratorate:out-police")
    receipted = effects(made, *["police:in-procuratorate"] * 4)
    assert {one.state for one in made.police.transfers(OUT)} == {State.DELIVERED}
    assert len(list((made.out / "ack").iterdir())) == MANY
    # Of each export: its acknowledgement.
    assert receipted["fsync"] <= MANY + 16
    assert receipted["commit"] <= 4


def test_what_shares_a_trip_to_a_worker_is_bounded_in_bytes(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "BATCH_BYTES", MANY // 4 * len(b"one page"))
    for number in range(MANY):
        made.drop(f"{number:03d}.txt", b"one page")
    settle(made)
    made.go("police:claim")
    # One commit notes that there is such a source.
    assert effects(made, *["police:pack"] * 8)["commit"] == 4 + 1
    assert {one.state for one in made.police.transfers(OUT)} == {State.SEALED}


def test_what_takes_long_to_look_at_is_looked_at_seldom(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3 * MANY):
        made.drop(f"{number:03d}.txt", b"one page")
    settle(made)
    scan, scans = OutboundWatch.scan, 0

    def slow(watch: OutboundWatch) -> ScanResult:
        nonlocal scans
        if watch.root == made.out:
            scans += 1
            made.clock.time += 1
        return scan(watch)

    claim_all = ClaimShelf.claim_all

    def claiming(*args: Any) -> Any:
        made.clock.time += 2 * claim.LOOK_AGAIN
        return claim_all(*args)

    monkeypatch.setattr(OutboundWatch, "scan", slow)
    monkeypatch.setattr(ClaimShelf, "claim_all", claiming)
    made.go("police:claim")
    assert (scans, len(made.police.transfers(OUT))) == (1, 3 * MANY)
    assert 3 * 2 * claim.LOOK_AGAIN < claim.LOOK_SHARE


def test_one_scan_serves_all_that_it_found_settled(made: Street) -> None:
    for number in range(3 * MANY + 1):
        made.drop(f"{number:03d}.txt", b"one page")
    settle(made)
    assert effects(made, "police:claim")["commit"] == 4
    assert len(made.police.transfers(OUT)) == 3 * MANY + 1


def test_what_cannot_be_claimed_keeps_nothing_behind_it_from_its_turn(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "LOOK_AGAIN", 0.0)
    for number in range(MANY):
        made.drop(f"{number:03d}.txt", b"one page")
    made.drop("larger.txt", b"one page, and a line more")
    settle(made)

    def locked(call: calls.Call) -> object:
        if call.name == "rename-new" and not call.place.endswith("larger.txt"):
            raise OSError(errno.EBUSY, "another program holds it open")
        return call.go()

    with calls.met(locked, made.root):
        made.go("police:claim")
    assert [one.export_name for one in made.police.transfers(OUT)] == ["larger.txt"]
    assert len([path for path in made.out.iterdir() if path.suffix == ".txt"]) == MANY


def test_a_quota_that_is_used_up_is_met_once_a_look(made: Street) -> None:
    made.drop("first.txt", b"one page")
    settle(made)
    made.go("police:claim")
    for number in range(2 * MANY):
        made.drop(f"{number:03d}.txt", b"one page")
    made.go("police:claim")
    made.clock.time += 1
    refused = 0

    def full(call: calls.Call) -> object:
        nonlocal refused
        if call.name == "mkdir" and "/claims/" in call.place:
            refused += 1
            raise OSError(errno.EDQUOT, "no more than this")
        return call.go()

    with calls.met(full, made.root):
        made.go("police:claim")
    assert refused == 1
    assert len([path for path in made.out.iterdir() if path.suffix == ".txt"]) == 2 * MANY


def test_each_sealing_has_a_file_of_its_own(made: Street) -> None:
    made.drop("case.txt", b"one page")
    settle(made)
    made.go("police:claim")
    left = made.police.ground.spool.sealing(known(made.police.only(OUT).claim))
    left.write_bytes(b"half of a bundle")
    with left.open("rb") as held:
        made.go("police:pack", "police:pack")
        assert made.police.only(OUT).state is State.SEALED
        assert held.read() == b"half of a bundle"
