"""The free-space guard: big things stop early, small ones go on, and two never share the same room (defect D72)."""

import os
from pathlib import Path

import pytest

from gateway.domain.errors import Scope, TransientError
from gateway.folders.space import SpaceGuard

GIB = 1 << 30


def guard(free: int, *, total: int = 100 * GIB, floor_bytes: int = 20 * GIB) -> SpaceGuard:
    def statvfs(_path: Path) -> os.statvfs_result:
        return os.statvfs_result((4096, 1, total, free, free, 0, 0, 0, 0, 255))

    return SpaceGuard(Path("/spool"), floor_bytes=floor_bytes, small_floor=GIB, statvfs=statvfs)


def test_the_floor_stays_free() -> None:
    guard(25 * GIB).may_accept(5 * GIB)
    with pytest.raises(TransientError) as caught:
        guard(25 * GIB).may_accept(5 * GIB + 1)
    assert (caught.value.code, caught.value.scope) == ("disk-space-low", Scope.NODE)
    assert caught.value.facts == {
        "free": 25 * GIB,
        "needed": 5 * GIB + 1,
        "floor": 20 * GIB,
        "missing": 1,
        "reserved": 0,
        "folder": "/spool",
    }


def test_urgent_and_small_things_go_on_until_their_own_floor() -> None:
    low = guard(2 * GIB)
    assert low.space().is_low
    with pytest.raises(TransientError):
        low.may_accept(1)
    low.may_accept(GIB, small=True)
    with pytest.raises(TransientError) as caught:
        low.may_accept(GIB + 1, small=True)
    assert caught.value.facts["floor"] == GIB


def test_reserved_room_is_not_promised_twice_and_is_given_back() -> None:
    shared = guard(30 * GIB)
    with shared.accept(6 * GIB):
        assert shared.space().reserved == 6 * GIB
        with pytest.raises(TransientError):
            shared.may_accept(6 * GIB)
        shared.may_accept(4 * GIB)
        with pytest.raises(TransientError), shared.accept(5 * GIB):
            pytest.fail("the room was promised twice")
    shared.may_accept(6 * GIB)
    with pytest.raises(RuntimeError), shared.accept(6 * GIB):
        raise RuntimeError
    assert shared.space().reserved == 0


def test_the_real_disk_is_asked(tmp_path: Path) -> None:
    real = SpaceGuard(tmp_path, floor_bytes=0)
    space = real.space()
    assert 0 < space.free <= space.total
    with pytest.raises(TransientError):
        real.may_accept(space.total + 1)


def test_a_missing_spool_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="folder-missing"):
        SpaceGuard(tmp_path / "gone", floor_bytes=0).may_accept(1)


def test_what_is_written_of_a_promise_is_not_counted_twice() -> None:
    shared = guard(30 * GIB)
    with shared.accept(6 * GIB) as reservation:
        assert (reservation.size, reservation.left) == (6 * GIB, 6 * GIB)
        reservation.written(5 * GIB)
        assert shared.space().reserved == GIB
        shared.may_accept(9 * GIB)
        reservation.written(7 * GIB)  # an estimate was too small
        assert shared.space().reserved == 0


def test_what_was_accepted_before_stands_in_the_way_of_the_large_only() -> None:
    figures = os.statvfs_result((4096, 1, 100 * GIB, 30 * GIB, 30 * GIB, 0, 0, 0, 0, 255))
    shared = SpaceGuard(
        Path("/spool"), floor_bytes=20 * GIB, small_floor=GIB, promised=lambda: 7 * GIB, statvfs=lambda _path: figures
    )
    shared.may_accept(3 * GIB)
    with pytest.raises(TransientError):
        shared.may_accept(3 * GIB + 1)
    shared.may_accept(4 * GIB, small=True)
    # Work on what was accepted needs the disk only, and once it runs the promise to it is not counted again.
    with shared.work(7 * GIB):
        shared.may_accept(3 * GIB)
        with pytest.raises(TransientError):
            shared.may_accept(3 * GIB + 1)


def test_the_ledgers_own_disk_keeps_room_or_nothing_is_accepted() -> None:
    def statvfs(path: Path) -> os.statvfs_result:
        free = 0 if path == Path("/ledger") else 50 * GIB
        return os.statvfs_result((4096, 1, 100 * GIB, free, free, 0, 0, 0, 0, 255))

    shared = SpaceGuard(Path("/spool"), floor_bytes=8 * GIB, keeping=[Path("/ledger")], statvfs=statvfs)
    for small in (False, True):
        with pytest.raises(TransientError) as caught:
            shared.may_accept(1, small=small)
        assert caught.value.facts["folder"] == "/ledger"
        assert caught.value.facts["missing"] == 256 << 20
    with shared.work(1):
        pass  # what was accepted is finished


@pytest.mark.parametrize(("ordinary", "small"), [(2 * GIB, 256 << 20), (64 << 20, 8 << 20), (0, 0)])
def test_the_floor_of_the_small_follows_the_ordinary_one(ordinary: int, small: int) -> None:
    shared = SpaceGuard(Path("/"), floor_bytes=ordinary)
    assert (shared.floor(small=False), shared.floor(small=True)) == (ordinary, small)


def test_only_another_disk_has_a_guard_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shared = SpaceGuard(tmp_path, floor_bytes=8 * GIB)
    assert shared.elsewhere(tmp_path / "in") is None
    other = shared.elsewhere(Path("/proc"))
    assert other is not None
    assert other.root == Path("/proc")
