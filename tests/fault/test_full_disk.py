"""A disk that is truly full: small things pass, large ones wait and go on by themselves, nothing is lost or doubled."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compose.ground import Ground
from gateway.domain.lifecycle import State
from gateway.folders.space import SMALL_BYTES, SpaceGuard
from gateway.stages.shortage import Shortage, try_again
from tests.support.children import MIB, fill, free, on_small_disks
from tests.support.houses import IN, OUT, House, Street, build, opened, street

SMALL = {f"small-{number}.bin": os.urandom(MIB // 2) for number in range(3)}
BULK = {"bulk.bin": os.urandom(SMALL_BYTES + 4 * MIB)}
DISK = 160 * MIB


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("full")
    build(root)
    return root


def with_a_small_disk(
    built: Path, root: Path, folder: str, action: Callable[[Street, Path], None], size: int = DISK
) -> None:
    """Let `action` see a street below `root` whose `folder` lies on a small disk of its own."""
    shutil.copytree(built, root, dirs_exist_ok=True)
    place = root / folder
    place.mkdir(exist_ok=True)

    def act() -> None:
        if (built / folder).exists():
            shutil.copytree(built / folder, place, dirs_exist_ok=True)
        action(street(root), place)

    on_small_disks({place: size}, act)


def drop(made: Street, exports: dict[str, bytes]) -> None:
    for name, content in exports.items():
        made.drop(name, content)


def blind(ground: Ground) -> Ground:
    """A guard that believes in endless room, so that the disk itself refuses the writing."""
    endless = os.statvfs_result((4096, 4096, 1 << 40, 1 << 40, 1 << 40, 0, 0, 0, 0, 255))
    space = SpaceGuard(ground.shortage.space.root, floor_bytes=0, statvfs=lambda _path: endless)
    over = Shortage(space, ground.clock, ground.ops, lambda: try_again(ground.ledger))
    return replace(ground, shortage=over)


def is_all_there(made: Street, exports: dict[str, bytes]) -> None:
    """AssertionError unless every export was delivered and receipted once, and nothing lies about."""
    assert made.delivered() == exports
    assert [t.state for t in made.police.transfers(OUT)] == [State.DELIVERED] * len(exports)
    assert [t.state for t in made.procuratorate.transfers(IN)] == [State.CONFIRMED] * len(exports)
    assert sorted(t.sequence or 0 for t in made.police.transfers(OUT)) == list(range(1, len(exports) + 1))
    assert made.leftovers() == []
    assert not (made.procuratorate.state / "quarantine").exists()


def short(house: House) -> list[str]:
    return [event for _level, event, _facts in house.log.lines if event.startswith("space-")]


def test_small_exports_pass_while_bulk_waits_and_goes_on_by_itself(built: Path, tmp_path: Path) -> None:
    def scenario(made: Street, disk: Path) -> None:
        made.police.free_space = 40 * MIB
        with opened(made):
            drop(made, SMALL | BULK)
            ballast = fill(disk, 50 * MIB)
            made.work(30)
            assert made.delivered() == SMALL
            assert [path.name for path in made.waiting()] == ["bulk.bin"]
            (alert,) = made.police.log.of("space-low")
            assert (alert["waiting"], alert["bytes"]) == (1, len(BULK["bulk.bin"]))
            assert 0 < int(str(alert["missing"])) <= len(BULK["bulk.bin"])
            assert made.police.log.alerts() == ["space-low"]
            ballast.unlink()
            made.settle()
            is_all_there(made, SMALL | BULK)
            assert short(made.police) == ["space-low", "space-back"]
            assert all(t.attempts == 0 for t in made.police.transfers(OUT))
            assert not any("attempt-failed" in line for line in made.police.log.lines)

    with_a_small_disk(built, tmp_path, "police", scenario)


def test_what_was_claimed_waits_for_the_room_that_its_bundle_takes_also_after_a_restart(
    built: Path, tmp_path: Path
) -> None:
    def scenario(made: Street, disk: Path) -> None:
        made.police.free_space = 40 * MIB
        with opened(made):
            drop(made, BULK)
            for _turn in range(3):
                made.go("police:claim")
                made.clock.time += 1
            (claimed,) = made.police.transfers(OUT)
        ballast = fill(disk, 50 * MIB)
        again = street(made.root, made.clock)
        again.police.free_space = 40 * MIB
        with opened(again):
            # What the claimed one will take is promised to it, although this run of the program did not promise it.
            assert again.police.ground.shortage.space.space().reserved == 0
            drop(again, SMALL | {"bulk-2.bin": b"x" * (SMALL_BYTES + 1)})
            again.work(30)
            assert again.delivered() == SMALL
            assert again.police.ledger.get(claimed.id) == claimed
            assert [path.name for path in again.waiting()] == ["bulk-2.bin"]
            view = again.police.ground.shortage.view()
            assert view is not None
            assert (view.count, view.size) == (2, claimed.size + SMALL_BYTES + 1)
            ballast.unlink()
            again.settle()
            assert again.delivered() == SMALL | BULK | {"bulk-2.bin": b"x" * (SMALL_BYTES + 1)}
            assert short(again.police) == ["space-low", "space-back"]

    with_a_small_disk(built, tmp_path, "police", scenario)


def test_small_bundles_are_fetched_while_bulk_waits_in_the_mailbox(built: Path, tmp_path: Path) -> None:
    def scenario(made: Street, disk: Path) -> None:
        made.procuratorate.free_space = 40 * MIB
        with opened(made):
            drop(made, SMALL | BULK)
            # Room for the bundle, and not for opening it: it is accepted whole or not at all.
            ballast = fill(disk, 90 * MIB)
            made.work(30)
            assert made.delivered() == SMALL
            assert len(made.mail()) == 1
            assert made.procuratorate.log.alerts() == ["space-low"]
            ballast.unlink()
            made.settle()
            is_all_there(made, SMALL | BULK)
            assert short(made.procuratorate) == ["space-low", "space-back"]
            assert not any("attempt-failed" in line for line in made.procuratorate.log.lines)

    with_a_small_disk(built, tmp_path, "procuratorate", scenario)


def test_a_disk_that_fills_while_sealing_costs_an_attempt_and_keeps_no_room(built: Path, tmp_path: Path) -> None:
    def scenario(made: Street, disk: Path) -> None:
        made.police.change = blind
        with opened(made):
            drop(made, BULK)
            for _turn in range(3):
                made.go("police:claim")
                made.clock.time += 1
            ballast = fill(disk, 10 * MIB)
            before = free(disk)
            made.go("police:pack", "police:pack")
            bulk = made.police.only(OUT)
            assert (bulk.state, bulk.attempts, bulk.last_error) == (State.FOUND, 1, "disk-full")
            assert before - free(disk) < MIB
            drop(made, SMALL)
            made.work(30)
            assert made.delivered() == SMALL
            ballast.unlink()
            made.settle()
            is_all_there(made, SMALL | BULK)

    with_a_small_disk(built, tmp_path, "police", scenario)


@pytest.mark.parametrize("leaving", [10, 30])
def test_a_disk_that_fills_while_fetching_or_opening_loses_and_doubles_nothing(
    built: Path, tmp_path: Path, leaving: int
) -> None:
    def scenario(made: Street, disk: Path) -> None:
        made.procuratorate.change = blind
        with opened(made):
            drop(made, BULK)
            ballast = fill(disk, leaving * MIB)
            made.work(30)
            ballast.unlink()
            drop(made, SMALL)
            made.settle()
            is_all_there(made, SMALL | BULK)
            failed = {line["code"] for line in made.procuratorate.log.of("attempt-failed")}
            # With the bundle fetched, its list of contents says that the members would not fit.
            assert failed == ({"disk-full"} if leaving == 10 else {"disk-space-low"})

    with_a_small_disk(built, tmp_path, "procuratorate", scenario)


@pytest.mark.parametrize("victim", ["police", "procuratorate"])
def test_a_ledger_whose_disk_is_full_loses_and_doubles_nothing(built: Path, tmp_path: Path, victim: str) -> None:
    def scenario(made: Street, disk: Path) -> None:
        with opened(made):
            for kept in (0, 4096, 65_536):
                drop(made, {f"{kept}-{name}": content for name, content in SMALL.items()})
                ballast = fill(disk, kept)
                made.work(12)
                ballast.unlink()
                made.work(4)
            made.settle()
            expected = {f"{kept}-{name}": content for kept in (0, 4096, 65_536) for name, content in SMALL.items()}
            is_all_there(made, expected)

    with_a_small_disk(built, tmp_path, f"{victim}/state/ledger", scenario, 8 * MIB)


def test_an_inbound_folder_on_a_full_disk_gets_the_small_ones_and_the_rest_later(built: Path, tmp_path: Path) -> None:
    def scenario(made: Street, disk: Path) -> None:
        with opened(made):
            drop(made, SMALL | BULK)
            ballast = fill(disk, 10 * MIB)
            made.work(30)
            assert made.delivered() == SMALL
            assert [path.name for path in disk.iterdir() if path.name.startswith(".")] == []
            (alert,) = made.procuratorate.log.of("space-low")
            assert alert["folder"] == str(disk)
            (view,) = made.procuratorate.plan.open.shortages()
            assert (view.count, view.folder) == (1, str(disk))
            ballast.unlink()
            made.settle()
            is_all_there(made, SMALL | BULK)
            assert short(made.procuratorate) == ["space-low", "space-back"]

    with_a_small_disk(built, tmp_path, "procuratorate/in", scenario)
