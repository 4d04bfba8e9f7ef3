"""Room on our disk: what lacks it is not begun, costs no attempt and no processor, and is looked at again soon."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.names import bundle_name, receipt_name
from gateway.bundle.receipt import FILE_MAX
from gateway.compose.ground import Ground
from gateway.domain.errors import TransientError
from gateway.domain.ids import BundleId
from gateway.domain.lifecycle import State
from gateway.domain.records import Stage, known
from gateway.folders import entries
from gateway.folders.space import SMALL_BYTES, SpaceGuard
from gateway.stages.lanes import Bulk, Lanes
from gateway.stages.open import OpenStage
from gateway.stages.pack import PackStage
from gateway.stages.packed import PackOutcome
from gateway.stages.shortage import LOOK_SECONDS, Shortage, try_again
from gateway.stages.standstill import Halting
from tests.support.houses import IN, OUT, Street, opened

LARGE = SMALL_BYTES + 1


class Disk:
    """What statvfs says of our disk: as much free as the test says."""

    def __init__(self) -> None:
        self.free = 1 << 40

    def change(self, floor: int = 0) -> Callable[[Ground], Ground]:
        def statvfs(_path: Path) -> os.statvfs_result:
            return os.statvfs_result((4096, 1, 1 << 40, self.free, self.free, 0, 0, 0, 0, 255))

        def changed(ground: Ground) -> Ground:
            space = SpaceGuard(ground.shortage.space.root, floor_bytes=floor, statvfs=statvfs)
            over = Shortage(space, ground.clock, ground.ops, lambda: try_again(ground.ledger))
            return replace(ground, shortage=over)

        return changed


@pytest.fixture
def disk() -> Disk:
    return Disk()


def packing(made: Street) -> Lanes[tuple[PackOutcome, ...]]:
    halting = made.police.worker("pack")
    assert isinstance(halting, Halting)
    stage = halting._worker
    assert isinstance(stage, PackStage)
    return stage._lanes


def lacking(missing: int) -> TransientError:
    return TransientError("disk-space-low", facts={"missing": missing, "reserved": 0})


def claimed(made: Street, **exports: int) -> None:
    for name, size in exports.items():
        made.drop(f"{name}.bin", bytes(size))
    for _turn in range(3):
        made.go("police:claim")
        made.clock.time += 1
    assert {t.state for t in made.police.transfers(OUT)} == {State.FOUND}


def test_what_lacks_room_is_not_begun_and_looked_at_every_few_seconds(closed: Street, disk: Disk) -> None:
    closed.police.change = disk.change()
    with opened(closed) as made:
        claimed(made, large=LARGE)
        disk.free = LARGE - 1
        before = made.police.only(OUT)
        for _turn in range(5):
            assert made.step(made.police, "pack") == LOOK_SECONDS
            made.clock.time += LOOK_SECONDS
        assert made.police.only(OUT) == before
        (line,) = made.police.log.lines[-1:]
        assert line == (
            "alert",
            "space-low",
            {
                "folder": str(made.police.state / "spool"),
                "free": LARGE - 1,
                "floor": 0,
                "missing": 1,
                "waiting": 1,
                "bytes": LARGE,
            },
        )
        disk.free = LARGE
        made.go("police:pack", "police:pack")
        assert made.police.only(OUT).state is State.SEALED
        assert [event for _level, event, _facts in made.police.log.lines if "space" in event] == [
            "space-low",
            "space-back",
        ]


def test_as_many_small_ones_as_fit_are_begun_together(closed: Street, disk: Disk) -> None:
    closed.police.change = disk.change()
    with opened(closed) as made:
        claimed(made, a=100, b=200, c=300)
        disk.free = 350
        assert made.step(made.police, "pack") == LOOK_SECONDS
        # What work under way holds is no shortage: the third waits for its turn.
        assert made.police.log.of("space-low") == []
        begun = {t.export_name for load, _held in packing(made)._running.values() for t in load.transfers.values()}
        assert begun == {"a.bin", "b.bin"}
        made.go("police:pack", "police:pack")
        assert {t.state for t in made.police.transfers(OUT)} == {State.SEALED}


def test_waiting_for_the_place_of_large_ones_is_no_spinning(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    claimed(made, large=LARGE)
    monkeypatch.setattr(Bulk, "has_room", False)
    assert made.step(made.police, "pack") == LOOK_SECONDS
    assert made.police.log.of("space-low") == []


def test_what_failed_for_want_of_room_is_tried_at_once_when_there_is_room_again(closed: Street, disk: Disk) -> None:
    closed.police.change = disk.change(floor=1000)
    with opened(closed) as made:
        claimed(made, a=100)
        ledger, shortage = made.police.ledger, made.police.ground.shortage
        failed = ledger.fail(
            made.police.only(OUT),
            Stage.PACK,
            TransientError("disk-full", "no space left"),
            started_at=made.clock.now(),
            retry_at=made.clock.now() + 900,
        )
        shortage.look()
        assert ledger.get(failed.id) == failed
        disk.free = 10
        shortage.look()
        disk.free = 1 << 40
        shortage.look()
        assert ledger.get(failed.id).next_attempt_at == made.clock.now()
        made.go("police:pack", "police:pack")
        assert made.police.only(OUT).state is State.SEALED


def test_one_alarm_and_one_all_clear_however_many_wait(closed: Street, disk: Disk) -> None:
    closed.police.change = disk.change()
    with opened(closed) as made:
        shortage = made.police.ground.shortage
        shortage.waits("claim a", [5, 6], lacking(3))
        shortage.waits("claim b", [7], lacking(2))
        view = shortage.view()
        assert view is not None
        assert (view.count, view.size, view.missing) == (3, 18, 2)
        shortage.waits("claim a", [])
        shortage.waits("claim a", [])
        assert shortage.view() is not None
        shortage.waits("claim b", [])
        assert shortage.view() is None
        said = [event for _level, event, _facts in made.police.log.lines if "space" in event]
        assert said == ["space-low", "space-back"]


def test_large_imports_are_delivered_one_in_a_step_and_after_the_small(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("one", LARGE), ("two", LARGE + 1), ("small", 1)):
        made.drop(f"{name}.bin", os.urandom(size))  # nothing that shrinks when it is sealed
    with monkeypatch.context() as patched:
        patched.setattr(OpenStage, "_deliver_verified", lambda _self: False)
        for _turn in range(20):
            made.go("police:claim", "police:pack", "police:out-procuratorate")
            made.go("procuratorate:in-police", "procuratorate:open")
            made.clock.time += 1
            states = [t.state for t in made.procuratorate.transfers(IN)]
            if states == [State.VERIFIED] * 3:
                break
    assert made.step(made.procuratorate, "open") == 0.0
    assert len(made.delivered()) == 2
    assert "small.bin" in made.delivered()
    made.go("procuratorate:open")
    assert len(made.delivered()) == 3


def test_an_import_that_cannot_be_measured_for_another_disk_holds_up_no_other(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.drop("one.txt", b"one")
    (made.out / "many").mkdir()
    for number in range(8):
        (made.out / "many" / f"{number}.txt").write_bytes(b"page")
    for _turn in range(3):
        made.go("police:claim", "police:pack", "police:out-procuratorate", "procuratorate:in-police")
        made.clock.time += 1
    monkeypatch.setattr(SpaceGuard, "elsewhere", lambda _self, folder: SpaceGuard(folder, floor_bytes=0))
    monkeypatch.setattr(entries, "WALK_MAX", 6)
    for _turn in range(2):
        made.procuratorate.worker("open").step()
    assert set(made.delivered()) == {"one.txt"}
    (large,) = [one for one in made.procuratorate.transfers(IN) if one.state is State.VERIFIED]
    assert large.hold_code == "export-too-many-files"


def test_what_is_to_be_set_aside_waits_for_room_and_holds_up_no_other(closed: Street, disk: Disk) -> None:
    closed.police.change = disk.change()
    with opened(closed) as made:
        huge = made.back / receipt_name(b"too large to be one")
        with huge.open("wb") as out:
            out.truncate(FILE_MAX + 1)
        disk.free = FILE_MAX
        (made.back / bundle_name(BundleId("b" * 32))).write_bytes(b"small")
        for _turn in range(2):
            assert made.police.worker("in-procuratorate").step() is not None
        assert huge.exists()
        assert made.police.only(IN).state is State.FETCHED
        assert not made.police.ground.quarantine.listing()
        assert {facts["code"] for facts in made.police.log.of("receipt-waits")} == {"disk-space-low"}
        assert made.police.log.alerts() == []
        disk.free = 1 << 40
        made.go("police:in-procuratorate")
        assert not huge.exists()
        (aside,) = made.police.ground.quarantine.listing()
        assert aside.note.code == "receipt-file-too-large"
        assert made.police.log.alerts() == ["receipt-file-too-large"]


def test_another_file_under_a_known_name_waits_for_room_and_holds_up_no_other(closed: Street, disk: Disk) -> None:
    closed.procuratorate.change = disk.change()
    with opened(closed) as made:
        for name in ("one.txt", "two.txt"):
            made.drop(name, name.encode())
            made.settle()
        first, second = (bundle_name(known(one.bundle_id)) for one in made.procuratorate.transfers(IN))
        for name in (first, second):
            (made.there / name).write_bytes(b"another")
        disk.free = 0
        made.procuratorate.worker("in-police").step()
        log = made.procuratorate.log
        assert [facts["code"] for facts in log.of("repetition-waits")] == ["disk-space-low"] * 2
        assert log.alerts() == []
        disk.free = 1 << 40
        made.go("procuratorate:in-police")
        assert {one.note.subject for one in made.procuratorate.ground.quarantine.listing()} == {first, second}
        assert log.alerts() == ["equivocation"] * 2
        assert list(made.there.iterdir()) == []
