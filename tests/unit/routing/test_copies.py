"""One export, one bundle, several recipients: sealed once, carried once over a shared link, receipted one by one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from gateway.domain.records import known
from tests.support.copies import COURT_UNIT, PROSECUTOR_UNIT, Copying, behind_one_hub, neighbours
from tests.support.hubs import CITY_A, COUNTY, COURT, OUT, PROSECUTOR, opened


@pytest.fixture
def closed(tmp_path: Path) -> Copying:
    return neighbours(tmp_path / "province")


@pytest.fixture
def made(closed: Copying) -> Iterator[Copying]:
    with opened(closed):
        yield closed


def test_both_get_the_same_bundle_and_the_source_sees_both_receipts(made: Copying) -> None:
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
    first, copy = made[COUNTY].transfers(OUT)
    assert (first.recipient, copy.recipient) == (PROSECUTOR_UNIT, COURT_UNIT)
    assert first.bundle_id == copy.bundle_id
    assert first.header_hash == copy.header_hash
    assert (first.state, copy.state, first.claim) == (State.DELIVERED, State.DELIVERED, copy.claim)
    assert (first.sequence, copy.sequence) == (1, 1)
    assert made.ack("a.txt") == {PROSECUTOR_UNIT: ("110", True), COURT_UNIT: ("110", True)}


def test_each_recipient_has_a_stream_of_its_own(made: Copying) -> None:
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    made.cc = ()
    made.reopen(COUNTY)
    made.drop(COUNTY, "b.txt", b"two")
    made.settle()
    made.to, made.cc = COURT_UNIT, ()
    made.reopen(COUNTY)
    made.drop(COUNTY, "c.txt", b"three")
    made.settle()
    assert [(t.recipient, t.sequence) for t in made[COUNTY].transfers(OUT)] == [
        (PROSECUTOR_UNIT, 1),
        (COURT_UNIT, 1),
        (PROSECUTOR_UNIT, 2),
        (COURT_UNIT, 2),
    ]
    assert made.delivered(COURT) == {"a.txt": b"one", "c.txt": b"three"}


def test_until_the_last_has_answered_the_source_sees_who_has_not_and_the_original_is_kept(made: Copying) -> None:
    made.drop(COUNTY, "a.txt", b"one")
    made.work(COUNTY, PROSECUTOR, turns=12)
    assert made.ack("a.txt") == {PROSECUTOR_UNIT: ("110", True), COURT_UNIT: ("", False)}
    made.clock.time += 400 * 86400
    made.step(made[COUNTY], "retain")
    first, copy = made[COUNTY].transfers(OUT)
    assert (first.state, copy.state) == (State.CLOSED, State.SENT)
    assert made.claims() == ["a.txt"]
    assert made.held_bytes(COUNTY)
    made.clock.time -= 400 * 86400
    made.settle()
    assert made.delivered(COURT) == {"a.txt": b"one"}
    made.clock.time += 400 * 86400
    made.step(made[COUNTY], "retain")
    assert {t.state for t in made[COUNTY].transfers(OUT)} == {State.CLOSED}
    assert (made.claims(), made.held_bytes(COUNTY)) == ([], [])


def refuse_at(made: Copying, name: str) -> None:
    """Let a house take nothing of what comes: no route of it does."""
    routes = made.root / name / "etc" / "routes.d" / "all.yaml"
    routes.write_text(
        routes.read_text("utf-8").replace("    folder: ../in\n", "    flows: [arrest-request]\n    folder: ../in\n"),
        "utf-8",
    )
    made.reopen(name)


def test_one_refusal_concerns_nobody_else_and_gives_nothing_back(made: Copying) -> None:
    refuse_at(made, COURT)
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    first, copy = made[COUNTY].transfers(OUT)
    assert (first.state, copy.state) == (State.DELIVERED, State.REFUSED)
    assert made.ack("a.txt") == {PROSECUTOR_UNIT: ("110", True), COURT_UNIT: ("203", True)}
    report = (made.police / "err" / "a.txt.err.json").read_text("utf-8")
    assert COURT_UNIT in report
    assert not (made.police / "reject").exists()
    made.reopen(COUNTY)
    assert made.claims() == ["a.txt"]


def test_what_all_refuse_is_given_back_once(made: Copying) -> None:
    for name in (COURT, PROSECUTOR):
        refuse_at(made, name)
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    assert {t.state for t in made[COUNTY].transfers(OUT)} == {State.REFUSED}
    assert [path.name for path in (made.police / "reject").iterdir()] == ["a.txt"]
    assert made.claims() == []


def test_a_commit_that_is_lost_between_sealing_and_record_leaves_neither(made: Copying) -> None:
    """The bundle was whole and signed; nobody has heard of it, so it is sealed anew under the same two numbers."""
    made.drop(COUNTY, "a.txt", b"one")
    house = made[COUNTY]
    while not made.claims():
        made.step(house, "claim")
        made.clock.time += 1
    calls: list[object] = []

    def never(work: object) -> object:
        calls.append(work)
        raise KeyboardInterrupt

    house.worker("pack").step()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(house.ledger, "change", never)
        house.worker("pack").step()
    assert len(calls) == 1
    assert [t.state for t in house.transfers(OUT)] == [State.FOUND]
    made.reopen(COUNTY)
    assert made.held_bytes(COUNTY) == []
    made.settle()
    assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
    assert [t.sequence for t in made[COUNTY].transfers(OUT)] == [1, 1]


def test_the_same_export_again_is_a_duplicate_for_all(made: Copying) -> None:
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    assert [t.state for t in made[COUNTY].transfers(OUT)] == [State.DELIVERED, State.DELIVERED, State.DUPLICATE]


def test_what_a_copy_brought_is_not_sent_to_the_same_unit_again(made: Copying) -> None:
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    made.to, made.cc = COURT_UNIT, ()
    made.reopen(COUNTY)
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    again = made[COUNTY].transfers(OUT)[-1]
    assert (again.state, again.recipient) == (State.DUPLICATE, COURT_UNIT)


def test_a_lost_copy_is_sent_again_to_its_recipient_alone(made: Copying) -> None:
    made.drop(COUNTY, "a.txt", b"one")
    while not made.bundles(COUNTY, COURT):
        made.work(COUNTY)
    for path in made.mailbox(COUNTY, COURT).glob("*.cfb"):
        path.unlink()
    made.work(turns=10)
    made.clock.time += 2 * 86400
    made.settle()
    assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
    first, copy = made[COUNTY].transfers(OUT)
    assert made[COUNTY].events(first).count("sent") == 1
    assert made[COUNTY].events(copy).count("sent") == 2


def test_behind_one_hub_the_shared_way_is_gone_once(tmp_path: Path) -> None:
    made = behind_one_hub(tmp_path / "province")
    with opened(made):
        made.drop(COUNTY, "a.txt", b"one")
        seen: set[str] = set()
        deposits = 0
        for _turn in range(40):
            made.work(COUNTY)
            lying = set(made.bundles(COUNTY, CITY_A))
            deposits += len(lying - seen)
            seen |= lying
            made.work(CITY_A, PROSECUTOR, COURT)
        made.settle()
        assert deposits == 1
        assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
        first, copy = made[COUNTY].transfers(OUT)
        assert (first.link, copy.link) == (CITY_A, CITY_A)
        assert [made[COUNTY].events(one).count("sent") for one in (first, copy)] == [1, 1]
        assert (first.state, copy.state) == (State.DELIVERED, State.DELIVERED)
        assert made.ack("a.txt") == {PROSECUTOR_UNIT: ("110", True), COURT_UNIT: ("110", True)}
        assert len(made.relays(CITY_A)) == 2
        assert known(first.bundle_id) == known(copy.bundle_id)
