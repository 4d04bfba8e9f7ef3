"""A large bundle is opened while it arrives; whatever comes between, only what its sender signed is delivered."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.bundle.unseal import Front, open_front, open_promised
from gateway.domain.lifecycle import State
from gateway.folders import growing
from gateway.stages import early_work, layout, open_work
from gateway.stages.early import PATIENCE_SECONDS, TELL_SECONDS
from gateway.stages.lanes import Bulk
from tests.support.arriving import MIB, NAME, PATIENCE, POLICE_LINK, Arrival, ThreadCrew, hosting, sealed_for
from tests.support.calls import Call, met
from tests.support.houses import IN, House, Street, opened
from tests.support.wholly import by_one_order


class Scene:
    """The procuratorate, with a mailbox in which a dossier of the police arrives."""

    def __init__(self, made: Street, scratch: Path, crew: ThreadCrew) -> None:
        self.made = made
        self.crew = crew
        self.house: House = made.procuratorate
        self.arrival: Arrival = sealed_for(made.procuratorate, made.police, scratch)

    @property
    def staging(self) -> list[str]:
        """Return what lies where bundles are opened."""
        folder = self.house.state / "spool" / "staging" / POLICE_LINK
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    @property
    def lost(self) -> list[object]:
        """Return why early openings came to nothing."""
        return [facts["code"] for facts in self.house.log.of("early-opening-lost")]

    def hear(self) -> None:
        """Have it heard that something grows, and looked at."""
        self.house.plan.open.heard_growing(POLICE_LINK)
        self.made.step(self.house, "open")

    def worked(self) -> None:
        """Wait for all workers."""
        for future in self.crew.futures:
            future.exception(PATIENCE)

    def deliver(self) -> None:
        """Let the fetched bundle be delivered, and nothing be left of it."""
        for _turn in range(8):
            self.made.step(self.house, "in-police")
            self.made.step(self.house, "open")
            self.worked()
            found = self.house.transfers(IN)
            if found and found[0].state is State.DELIVERED:
                break
            self.made.clock.time += 1
        assert self.house.only(IN).state is State.DELIVERED
        assert self.made.delivered()[NAME] == self.arrival.content
        self.made.clock.time += PATIENCE_SECONDS + 1
        self.made.step(self.house, "open")
        assert self.staging == []


@pytest.fixture
def crew() -> ThreadCrew:
    return ThreadCrew()


@pytest.fixture
def scene(closed: Street, tmp_path: Path, crew: ThreadCrew) -> Iterator[Scene]:
    house = closed.procuratorate
    house.equip = hosting
    house.change = lambda ground: replace(ground, crew=crew)
    with opened(closed):
        try:
            yield Scene(closed, tmp_path / "sealed", crew)
        finally:
            house.plan.open.close()


@pytest.fixture
def never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it fail that DATA is decrypted of what has arrived."""
    monkeypatch.setattr(open_work, "unpack", lambda *_args, **_others: pytest.fail("DATA was read again"))


def test_what_arrives_is_opened_meanwhile_and_its_data_is_not_read_again(scene: Scene, never_again: None) -> None:
    scene.arrival.begin()
    scene.arrival.come(9 * MIB)
    scene.hear()
    scene.arrival.come()
    scene.worked()
    assert scene.staging == [f".{scene.arrival.sealed.bundle_id}-early"]
    assert scene.house.transfers(IN) == []
    scene.arrival.end()
    scene.deliver()
    assert scene.lost == []
    assert len(scene.crew.futures) == 2


@contextmanager
def synced(fails: bool = False) -> Iterator[list[tuple[str, str]]]:
    """Yield every call that syncs a file or all of them, with the name of what it was about; an order for all fails if
    `fails`, else that of a member."""
    found: list[tuple[str, str]] = []

    def around(call: Call) -> Any:
        if call.name in {"fsync", "syncfs"}:
            found.append((call.name, Path(call.place).name))
            if fails and (call.name == "syncfs" or Path(call.place).name == NAME):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call.go()

    with met(around):
        yield found


def test_what_was_opened_meanwhile_lasts_by_an_order_of_its_own_and_is_not_synced_again(
    scene: Scene, never_again: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_one_order(monkeypatch)
    scene.made.into.chmod(0o770)
    scene.arrival.begin()
    scene.arrival.come()
    with synced() as early:
        scene.hear()
        scene.worked()
    members = f".{scene.arrival.sealed.bundle_id}-early"
    assert early[-2:] == [("syncfs", members), ("fsync", layout.CASE_PACKAGE)]
    (content,) = scene.house.state.rglob(f"{members}/{layout.CONTENT}{NAME}")
    assert content.stat().st_mode & 0o777 == 0o660, "as those who may read the inbound folder need it"
    scene.arrival.end()
    with synced() as calls:
        scene.deliver()
    assert not {name for _call, name in calls} & {NAME, "record.txt"}


@pytest.mark.parametrize("is_changed", [False, True])
def test_where_no_one_order_lasts_each_is_synced_while_it_arrives_and_again_only_if_it_was_changed(
    scene: Scene, never_again: None, is_changed: bool
) -> None:
    scene.arrival.begin()
    scene.arrival.come()
    with synced() as early:
        scene.hear()
        scene.worked()
    members = f".{scene.arrival.sealed.bundle_id}-early"
    assert {NAME, layout.CASE_PACKAGE, layout.CONTENT.rstrip("/"), members} <= {name for _call, name in early}
    assert "syncfs" not in {call for call, _name in early}
    if is_changed:
        scene.made.into.chmod(0o770)
    scene.arrival.end()
    with synced() as calls:
        scene.deliver()
    assert (NAME in {name for _call, name in calls}) == is_changed
    assert open_work.NOTE in {name for _call, name in calls}


@pytest.mark.parametrize("is_one", [True, False])
def test_what_cannot_be_written_while_it_is_opened_is_opened_anew(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, is_one: bool
) -> None:
    if is_one:
        by_one_order(monkeypatch)
    scene.arrival.begin()
    scene.arrival.come()
    with synced(fails=True):
        scene.hear()
        scene.worked()
        scene.made.step(scene.house, "open")
    assert (scene.lost, scene.staging) == (["local-io"], [])
    scene.arrival.end()
    scene.deliver()


def test_what_is_fetched_while_it_is_still_being_opened_waits_for_that(scene: Scene, never_again: None) -> None:
    scene.arrival.begin()
    scene.arrival.come(9 * MIB)
    scene.hear()
    (opening,) = scene.crew.futures
    assert not opening.done()
    # Under another name all of it is there, while what is followed has yet to grow.
    name = scene.arrival.growing.with_name(scene.arrival.name)
    name.write_bytes(scene.arrival.whole)
    scene.made.step(scene.house, "in-police")
    assert scene.made.step(scene.house, "open") is None
    assert (len(scene.crew.futures), scene.house.only(IN).state) == (1, State.FETCHED)
    scene.arrival.come()
    scene.worked()
    scene.deliver()


def test_bytes_that_change_after_they_were_opened_change_nothing(scene: Scene, never_again: None) -> None:
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    with scene.arrival.growing.open("r+b") as out:
        out.seek(scene.arrival.data_offset + 5 * MIB)
        out.write(bytes(MIB))
    scene.arrival.end()
    scene.deliver()


def test_bytes_that_change_before_they_are_opened_are_refused_and_the_whole_is_opened_anew(scene: Scene) -> None:
    sound = scene.arrival.whole
    at = scene.arrival.data_offset + 5 * MIB
    scene.arrival.whole = sound[:at] + bytes(16) + sound[at + 16 :]
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    assert scene.staging == []
    scene.arrival.whole = sound
    scene.arrival.begin()
    scene.arrival.come()
    scene.arrival.end()
    scene.deliver()
    assert scene.lost == ["content-auth-failed"]


def test_who_sends_a_bundle_again_while_it_is_opened_touches_nothing_of_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, never_again: None
) -> None:
    scene.house.plan.open._early._bulk.give_back()  # a node of more workers has a place for a second large thing
    asked, go = threading.Event(), threading.Event()

    def proven(*given: Any, **how: Any) -> Front:
        asked.set()
        assert go.wait(PATIENCE)
        return open_front(*given, **how)

    monkeypatch.setattr(open_work, "open_front", proven)
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    scene.arrival.end()
    scene.made.step(scene.house, "in-police")
    scene.made.step(scene.house, "open")
    assert asked.wait(PATIENCE)
    scene.arrival.begin()
    scene.arrival.come(9 * MIB)
    scene.hear()
    assert (scene.lost, len(scene.crew.futures)) == (["not-permitted"], 2)
    go.set()
    scene.worked()
    scene.deliver()


def test_a_case_package_beyond_the_limit_is_not_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_work, "MAX_CASE_PACKAGE_BYTES", 10)
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    scene.arrival.end()
    for name in ("in-police", "open"):
        scene.made.step(scene.house, name)
    scene.worked()
    scene.made.step(scene.house, "open")
    assert scene.house.only(IN).state is State.REJECTED
    assert scene.staging == []


def test_members_other_than_the_signed_ones_are_thrown_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_work, "open_promised", lambda *given, **how: open_promised(*given, **how)[::-1])
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    scene.arrival.end()
    scene.deliver()


def test_another_bundle_gets_nothing_of_what_was_opened(scene: Scene) -> None:
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    scene.arrival.growing.unlink()
    other = sealed_for(scene.house, scene.made.police, scene.made.root / "other")
    other.begin()
    other.come()
    other.end()
    scene.made.step(scene.house, "in-police")
    scene.arrival = other
    scene.deliver()


def test_a_herald_that_its_sender_did_not_sign_begins_nothing(scene: Scene) -> None:
    places = {2: "not-a-bundle", 70: "unknown-sender", 130: "malformed", 170: "bad-signature", -1: "manifest-corrupt"}
    for at in places:
        herald = bytearray(scene.arrival.herald)
        herald[at] ^= 1
        scene.arrival.begin(bytes(herald))
        scene.hear()
        scene.worked()
        scene.made.step(scene.house, "open")
        scene.made.clock.time += TELL_SECONDS
        assert scene.staging == []
    assert scene.lost == list(places.values())[1:], "what is no herald is none of our business"


def test_what_comes_to_nothing_again_and_again_is_told_once_a_minute(scene: Scene) -> None:
    herald = scene.arrival.herald
    for wait in (0, 1, 1, TELL_SECONDS - 2):
        scene.made.clock.time += wait
        scene.arrival.begin(herald[:70] + bytes(len(herald) - 70))
        scene.hear()
    assert [facts["times"] for facts in scene.house.log.of("early-opening-lost")] == [1, 3]


def test_who_takes_it_back_leaves_nothing_behind(scene: Scene) -> None:
    scene.arrival.begin()
    scene.arrival.come(9 * MIB)
    scene.hear()
    scene.arrival.growing.unlink()
    scene.worked()
    scene.made.step(scene.house, "open")
    assert (scene.lost, scene.staging) == (["gone"], [])


def test_what_stands_still_is_given_up_and_opened_once_it_is_here(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "STILL_SECONDS", 0.0)
    scene.arrival.begin()
    scene.arrival.come(9 * MIB)
    scene.hear()
    scene.worked()
    scene.made.step(scene.house, "open")
    assert (scene.lost, scene.staging) == (["still"], [])
    scene.arrival.come()
    scene.arrival.end()
    scene.deliver()


def test_what_never_becomes_a_bundle_is_forgotten(scene: Scene) -> None:
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    assert scene.made.step(scene.house, "open") is not None
    scene.made.clock.time += PATIENCE_SECONDS + 1
    scene.made.step(scene.house, "open")
    assert (scene.lost, scene.staging) == (["not-arrived"], [])


def test_whoever_needs_the_place_gets_it(scene: Scene) -> None:
    bulk: Bulk = scene.house.plan.open._early._bulk
    scene.arrival.begin()
    scene.arrival.come(9 * MIB)
    scene.hear()
    assert bulk.take()
    assert not bulk.has_room
    scene.worked()
    scene.made.step(scene.house, "open")
    assert (scene.lost, scene.staging) == (["stopping"], [])
    bulk.give_back()
    scene.arrival.come()
    scene.arrival.end()
    scene.deliver()
    assert bulk.has_free


def test_a_start_finds_nothing_of_what_was_half_opened(scene: Scene) -> None:
    scene.arrival.begin()
    scene.arrival.come()
    scene.hear()
    scene.worked()
    assert scene.staging
    scene.house.close()  # as a kill would
    scene.house.open()
    assert scene.staging == []
    scene.arrival.end()
    scene.deliver()


def test_a_stop_gives_up_what_is_half_opened(scene: Scene) -> None:
    scene.arrival.begin()
    scene.arrival.come(9 * MIB)
    scene.hear()
    scene.house.plan.open.close()
    assert scene.staging == []
