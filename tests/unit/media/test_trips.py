"""A bundle travels on a medium and its receipt comes back; whatever happens to the medium is noticed and mended."""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import POLICE
from gateway.domain.errors import GatewayError
from gateway.domain.lifecycle import State
from gateway.domain.records import Action
from gateway.domain.trips import TripState
from gateway.folders.medium import Medium
from tests.support.houses import IN, OUT, street
from tests.support.trips import Journey, build

CONTENT = os.urandom(20_000)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    build(root)
    return root


@pytest.fixture
def journey(template: Path, tmp_path: Path) -> Iterator[Journey]:
    """Two open houses; one bundle of the police waits for the medium."""
    root = tmp_path / "root"
    shutil.copytree(template, root)
    made = Journey(street(root), root / "medium")
    for house in made.street.houses:
        house.open()
    made.street.drop("notes.bin", CONTENT)
    made.work(made.police)
    yield made
    made.street.close()


def code_of(caught: pytest.ExceptionInfo[GatewayError]) -> str:
    return caught.value.code


def test_a_bundle_goes_and_its_receipt_comes_back(journey: Journey) -> None:
    police, procuratorate = journey.police, journey.procuratorate
    assert police.only(OUT).state is State.SENT
    out = journey.send(police)
    assert (out.state, out.number, out.asked_by, out.confirmed_by) == (TripState.CARRIED, 1, "an", "bo")
    (came,) = journey.take(procuratorate)
    assert (came.state, came.number, came.label) == (TripState.CARRIED, 1, "USB 7")
    journey.work(procuratorate)
    assert journey.street.delivered() == {"notes.bin": CONTENT}
    shutil.rmtree(journey.medium / out.trip)
    journey.send(procuratorate)
    journey.take(police)
    journey.work(police)
    assert police.only(OUT).state is State.DELIVERED
    # The returning index said that the first trip arrived: what was kept for a lost medium is gone.
    assert police.ledger.trips.get(out.id).state is TripState.ARRIVED
    assert list((journey.box(police) / "trips").iterdir()) == []


def test_both_people_stand_in_the_book(journey: Journey) -> None:
    journey.send(journey.police)
    journey.take(journey.procuratorate)
    deeds = [(one.actor, one.action) for one in journey.police.ledger.decisions.deeds()]
    assert sorted(deeds) == [("an", Action.MEDIA_EXPORT), ("bo", Action.MEDIA_CONFIRM)]
    deeds = [(one.actor, one.action) for one in journey.procuratorate.ledger.decisions.deeds()]
    assert sorted(deeds) == [("chen", Action.MEDIA_IMPORT), ("deng", Action.MEDIA_CONFIRM)]


def test_nothing_is_written_before_the_second_person(journey: Journey) -> None:
    journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "")
    assert list(journey.medium.iterdir()) == []


def test_who_asked_cannot_confirm(journey: Journey) -> None:
    desk = journey.desk(journey.police, "an")
    asked = desk.export("procuratorate", journey.medium, "", "").trip
    with pytest.raises(GatewayError) as caught:
        desk.confirm(asked.id, "")
    assert code_of(caught) == "trip-same-person"
    assert list(journey.medium.iterdir()) == []
    journey.desk(journey.police, "bo").confirm(asked.id, "")
    looked = journey.desk(journey.procuratorate, "chen")
    (found,) = looked.look(journey.medium, "").trips
    with pytest.raises(GatewayError) as caught:
        looked.confirm(found.id, "")
    assert code_of(caught) == "trip-same-person"
    assert list((journey.box(journey.procuratorate) / "in").iterdir()) == []


@pytest.mark.parametrize(("wanted", "alone"), [("import", True), ("none", True), ("export", False)])
def test_the_setting_says_where_one_person_is_enough(journey: Journey, wanted: str, alone: bool) -> None:
    journey.police.close()
    link = journey.police.root / "etc" / "links.d" / "procuratorate.yaml"
    link.write_text(link.read_text("utf-8") + f"media:\n  two_persons: {wanted}\n", "utf-8")
    journey.police.open()
    desk = journey.desk(journey.police, "an")
    asked = desk.export("procuratorate", journey.medium, "", "").trip
    assert desk.needs_two(asked) is not alone
    if alone:
        assert desk.confirm(asked.id, "").confirmed_by == "an"


def test_what_is_not_confirmed_in_time_waits_again(journey: Journey) -> None:
    asked = journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "").trip
    journey.street.clock.time += 4 * 3600 + 1
    with pytest.raises(GatewayError) as caught:
        journey.desk(journey.police, "bo").confirm(asked.id, "")
    assert code_of(caught) == "trip-closed"
    assert len(list((journey.box(journey.police) / "out").iterdir())) == asked.files


def test_one_trip_at_a_time(journey: Journey) -> None:
    desk = journey.desk(journey.police, "an")
    asked = desk.export("procuratorate", journey.medium, "", "").trip
    (journey.box(journey.police) / "out" / f"{'0' * 32}.cfr").write_bytes(b"x")
    with pytest.raises(GatewayError) as caught:
        desk.export("procuratorate", journey.medium, "", "")
    assert code_of(caught) == "trip-pending"
    desk.cancel(asked.id, "wrong medium")
    assert desk.export("procuratorate", journey.medium, "", "").trip.files == asked.files + 1


def test_a_lost_medium_goes_again_with_the_same_bytes(journey: Journey) -> None:
    first = journey.send(journey.police)
    shutil.rmtree(journey.medium / first.trip)
    lost = journey.desk(journey.police, "an").lose(first.id, "the courier's bag was stolen")
    assert lost.state is TripState.LOST
    second = journey.send(journey.police)
    assert (second.number, second.files, second.size) == (2, first.files, first.size)
    journey.take(journey.procuratorate)
    journey.work(journey.procuratorate)
    assert journey.street.delivered() == {"notes.bin": CONTENT}
    # The lost one is named until it is known to be lost there as well.
    _trips, (waiting,) = journey.desk(journey.procuratorate, "chen").listing(10)
    assert [number for _epoch, number in waiting.missing] == [1]


def test_a_lost_medium_that_turns_up_does_no_harm(journey: Journey) -> None:
    first = journey.send(journey.police)
    journey.desk(journey.police, "an").lose(first.id, "left on the train")
    journey.send(journey.police)
    assert len(journey.take(journey.procuratorate)) == 1
    assert len(journey.take(journey.procuratorate)) == 1
    journey.work(journey.procuratorate)
    assert len(journey.procuratorate.transfers(IN)) == 1
    _trips, (waiting,) = journey.desk(journey.procuratorate, "chen").listing(10)
    assert waiting.missing == ()


def test_a_trip_is_taken_in_once(journey: Journey) -> None:
    journey.send(journey.police)
    journey.take(journey.procuratorate)
    with pytest.raises(GatewayError) as caught:
        journey.take(journey.procuratorate)
    assert code_of(caught) == "trip-repeated"


def test_what_a_medium_still_bears_is_passed_over(journey: Journey) -> None:
    out = journey.send(journey.police)
    with pytest.raises(GatewayError) as caught:
        journey.take(journey.police)
    assert code_of(caught) == "trip-none"
    journey.take(journey.procuratorate)
    journey.work(journey.procuratorate)
    back = journey.send(journey.procuratorate)
    found = journey.desk(journey.police, "an").look(journey.medium, "")
    assert [trip.trip for trip in found.trips] == [back.trip]
    assert back.trip != out.trip
    assert found.refused == ()


def test_a_changed_byte_lets_nothing_in_and_a_sound_medium_everything(journey: Journey) -> None:
    out = journey.send(journey.police)
    path = max(path for path in (journey.medium / out.trip).iterdir() if path.name != "index")
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    with pytest.raises(GatewayError) as caught:
        journey.take(journey.procuratorate)
    assert code_of(caught) == "trip-torn"
    assert list((journey.box(journey.procuratorate) / "in").iterdir()) == []
    path.write_bytes(sound)
    (trip,) = journey.procuratorate.ledger.trips.newest(5)
    assert journey.desk(journey.procuratorate, "chen").confirm(trip.id, "").state is TripState.CARRIED


def test_a_key_that_was_revoked_meanwhile_counts_no_more(journey: Journey) -> None:
    journey.send(journey.police)
    journey.procuratorate.identity.directory.book.remove(POLICE, now=journey.street.clock.now())
    found = journey.desk(journey.procuratorate, "chen").look(journey.medium, "")
    assert [error.code for _trip, error in found.refused] == ["unknown-sender"]


def test_strangers_files_are_left_alone(journey: Journey) -> None:
    (journey.medium / "holiday.jpg").write_bytes(b"jpg")
    out = journey.send(journey.police)
    (journey.medium / out.trip / "evil.exe").write_bytes(b"MZ")
    found = journey.desk(journey.procuratorate, "chen").look(journey.medium, "")
    assert found.strangers == 1
    journey.desk(journey.procuratorate, "deng").confirm(found.trips[0].id, "")
    assert (journey.medium / "holiday.jpg").read_bytes() == b"jpg"
    assert (journey.medium / out.trip / "evil.exe").read_bytes() == b"MZ"
    assert len(list((journey.box(journey.procuratorate) / "in").iterdir())) == out.files


def test_what_does_not_fit_waits_for_the_next_trip(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Medium, "free", lambda _self: 80_000)
    loaded = journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "")
    assert (loaded.left, loaded.trip.files) == (1, 1)  # the inventory goes, the bundle waits
    monkeypatch.setattr(Medium, "free", lambda _self: 10)
    journey.desk(journey.police, "an").cancel(loaded.trip.id, "full")
    with pytest.raises(GatewayError) as caught:
        journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "")
    assert code_of(caught) == "medium-full"


class PulledError(Exception):
    """The medium was pulled out, or the power went."""


def run_until_pulled(work: Callable[[], object], monkeypatch: pytest.MonkeyPatch, step: int) -> bool:
    """Run `work` with the power gone at the `step`-th sync of a file or folder; whether it came so far."""
    count = 0
    real = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == step:
            raise PulledError
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        try:
            work()
        except PulledError:
            return True
    return False


def test_an_export_that_is_interrupted_anywhere_goes_on(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "").trip
    step = 1
    while run_until_pulled(lambda: journey.desk(journey.police, "bo").confirm(asked.id, ""), monkeypatch, step):
        index = journey.medium / asked.trip / "index"
        if not index.exists():
            assert Medium(journey.medium).trips() == []
        step += 1
    assert step > 4
    (came,) = journey.take(journey.procuratorate)
    assert came.files == asked.files
    journey.work(journey.procuratorate)
    assert journey.street.delivered() == {"notes.bin": CONTENT}


def test_an_import_that_is_interrupted_anywhere_goes_on(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    journey.send(journey.police)
    (found,) = journey.desk(journey.procuratorate, "chen").look(journey.medium, "").trips
    step = 1
    while run_until_pulled(
        lambda: journey.desk(journey.procuratorate, "deng").confirm(found.id, ""), monkeypatch, step
    ):
        step += 1
    assert step > 4
    journey.work(journey.procuratorate)
    assert journey.street.delivered() == {"notes.bin": CONTENT}
    assert journey.procuratorate.ledger.trips.get(found.id).state is TripState.CARRIED
    assert list((journey.box(journey.procuratorate) / "trips").iterdir()) == []


def test_a_medium_that_fails_is_told_and_tried_again(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "").trip
    shutil.move(journey.medium, journey.medium.with_name("pulled"))
    with pytest.raises(GatewayError) as caught:
        journey.desk(journey.police, "bo").confirm(asked.id, "")
    assert code_of(caught) == "medium-missing"
    done = journey.desk(journey.police, "bo").confirm(asked.id, "", journey.medium.with_name("pulled"))
    assert done.state is TripState.CARRIED


def test_a_medium_that_refuses_any_write_is_told_as_such_and_goes_on_where_it_takes_it(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "").trip
    means = {errno.EIO: "medium-failed", errno.EROFS: "medium-denied", errno.ENOSPC: "medium-full"}
    told, real = [], os.open
    for step, number in enumerate(cycle(means)):
        taken = count()

        def opened(path: str | Path, flags: int, *more: int) -> int:
            if Path(path).is_relative_to(journey.medium) and flags & os.O_WRONLY and next(taken) == step:  # noqa: B023 - within its round
                raise OSError(number, os.strerror(number), str(path))  # noqa: B023
            return real(path, flags, *more)

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", opened)
            try:
                done = journey.desk(journey.police, "bo").confirm(asked.id, "")
                break
            except GatewayError as error:
                told.append(error.code)
        assert Medium(journey.medium).trips() == []
    assert done.state is TripState.CARRIED
    assert told == [code for code, _ in zip(cycle(means.values()), told, strict=False)]
    assert len(told) >= len(means)
    assert [came.files for came in journey.take(journey.procuratorate)] == [asked.files]


def test_a_full_disk_of_ours_is_not_told_as_a_full_medium(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    journey.send(journey.police)
    (found,) = journey.desk(journey.procuratorate, "chen").look(journey.medium, "").trips
    real, ours = os.write, journey.procuratorate.state / "media"

    def write(descriptor: int, data: bytes) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(ours):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        with pytest.raises(GatewayError) as caught:
            journey.desk(journey.procuratorate, "deng").confirm(found.id, "")
    assert code_of(caught) == "disk-full"
    assert list((journey.box(journey.procuratorate) / "in").iterdir()) == []
    assert journey.desk(journey.procuratorate, "deng").confirm(found.id, "").state is TripState.CARRIED


def test_two_commands_at_a_time_do_not_meet(journey: Journey) -> None:
    with (journey.box(journey.police) / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(GatewayError) as caught:
            journey.desk(journey.police, "an").export("procuratorate", journey.medium, "", "")
    assert code_of(caught) == "media-busy"
