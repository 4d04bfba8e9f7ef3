"""One export, one bundle, several recipients: sealed once, carried once over a shared link, receipted one by one."""

import pytest

from gateway.compose.backup import By, back_up, restore
from gateway.domain.lifecycle import State
from gateway.settings.routes import Rule, Target
from tests.support.copies import COURT_UNIT, PROSECUTOR_UNIT, Copying
from tests.support.hubs import CITY_A, COUNTY, COURT, OUT, PROSECUTOR, opened


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.ledger, "change", never)
        with pytest.raises(KeyboardInterrupt):
            house.worker("pack").step()
    assert len(calls) == 1
    assert [t.state for t in house.transfers(OUT)] == [State.FOUND]
    made.reopen(COUNTY)
    assert made.held_bytes(COUNTY) == []
    made.settle()
    assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
    assert [t.sequence for t in made[COUNTY].transfers(OUT)] == [1, 1]


@pytest.mark.parametrize("is_sent", [False, True], ids=["sealed", "sent"])
def test_after_a_restore_a_forgotten_bundle_is_taken_in_for_all_of_its_recipients(made: Copying, is_sent: bool) -> None:
    """Under the numbers that it was sealed with, whoever the route names by now; and nobody gets it twice."""
    house, folder = made[COUNTY], made.root / "backup"
    settings, etc = house.identity.settings, made.root / COUNTY / "etc"
    back_up(settings, etc, folder, made.clock)
    made.drop(COUNTY, "a.txt", b"one")
    while not house.transfers(OUT) or house.transfers(OUT)[0].state is State.FOUND:
        for name in ("claim", "pack"):
            made.step(house, name)
        made.clock.time += 1
    (bundle,) = {one.bundle_id for one in house.transfers(OUT)}
    if is_sent:
        made.settle()
    house.close()
    restore(settings, etc, folder, By("zhang", "the disk was exchanged"), made.clock)
    made.cc = ()
    made.houses[COUNTY] = house.open()
    made.settle()
    assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
    first, copy = made[COUNTY].transfers(OUT)
    assert {first.bundle_id, copy.bundle_id} == {bundle}
    assert {first.recipient, copy.recipient} == {PROSECUTOR_UNIT, COURT_UNIT}
    assert [(one.sequence, one.epoch, one.state) for one in (first, copy)] == [(1, 7, State.DELIVERED)] * 2


def test_the_same_again_is_a_duplicate_for_all_and_so_is_what_a_copy_brought(made: Copying) -> None:
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    made.drop(COUNTY, "a.txt", b"one")
    made.settle()
    assert [t.state for t in made[COUNTY].transfers(OUT)] == [State.DELIVERED, State.DELIVERED, State.DUPLICATE]
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


def test_behind_one_hub_the_shared_way_is_gone_once(hubbed: Copying) -> None:
    made = hubbed
    made.drop(COUNTY, "a.txt", b"one")
    seen: set[tuple[str, int]] = set()
    for _turn in range(12):
        made.work(COUNTY)
        seen |= {(path.name, path.stat().st_ino) for path in made.mailbox(COUNTY, CITY_A).glob("*.cfb")}
        made.work(CITY_A, PROSECUTOR, COURT)
    made.settle()
    first, copy = made[COUNTY].transfers(OUT)
    assert [name for name, _inode in seen] == [f"{first.bundle_id}.cfb"]
    assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
    assert (first.link, copy.link) == (CITY_A, CITY_A)
    assert [made[COUNTY].events(one).count("sent") for one in (first, copy)] == [1, 1]
    assert (first.state, copy.state) == (State.DELIVERED, State.DELIVERED)
    assert made.ack("a.txt") == {PROSECUTOR_UNIT: ("110", True), COURT_UNIT: ("110", True)}
    assert len(made.relays(CITY_A)) == 2


def test_while_a_hub_holds_it_the_source_sees_that_of_each_recipient(hubbed: Copying) -> None:
    hubbed.drop(COUNTY, "a.txt", b"one")
    hubbed.work(COUNTY, CITY_A, turns=12)
    assert {t.state for t in hubbed[COUNTY].transfers(OUT)} == {State.IN_CUSTODY}
    assert {unit: code for unit, (code, _signed) in hubbed.ack("a.txt").items()} == {
        PROSECUTOR_UNIT: "100",
        COURT_UNIT: "100",
    }


def test_recipient_and_copy_may_both_be_found_by_role(closed: Copying) -> None:
    """The export names nobody, and nobody is written down by a code."""
    closed.to = ""
    closed.rules = (Rule(role="procuratorate", region="own"), Rule(role="procuratorate", region="9902"))
    closed.cc = (Target(role="court", region="9902"),)
    with opened(closed) as made:
        made.drop(COUNTY, "a.txt", b"one")
        made.settle()
        assert [t.recipient for t in made[COUNTY].transfers(OUT)] == [PROSECUTOR_UNIT, COURT_UNIT]
        assert made.delivered(PROSECUTOR) == made.delivered(COURT) == {"a.txt": b"one"}
