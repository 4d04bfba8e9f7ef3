"""The free-space guard: big things stop early, small ones go on, and two never share the same room (defect D72)."""

import os
from pathlib import Path

import pytest

from gateway.domain.errors import Scope, TransientError
from gateway.folders.space import SpaceGuard

GIB = 1 << 30


def guard(free: int, *, total: int = 100 * GIB, floor_bytes: int = 10 * GIB, ratio: float = 0.2) -> SpaceGuard:
    def statvfs(_path: Path) -> os.statvfs_result:
        return os.statvfs_result((4096, 1, total, free, free, 0, 0, 0, 0, 255))

    return SpaceGuard(Path("/spool"), floor_bytes=floor_bytes, floor_ratio=ratio, small_floor=GIB, statvfs=statvfs)


def test_the_larger_of_both_floors_stays_free() -> None:
    guard(25 * GIB).may_accept(5 * GIB)
    with pytest.raises(TransientError) as caught:
        guard(25 * GIB).may_accept(5 * GIB + 1)
    assert (caught.value.code, caught.value.scope) == ("disk-space-low", Scope.NODE)
    assert caught.value.facts == {"free": 25 * GIB, "needed": 5 * GIB + 1, "floor": 20 * GIB}
    guard(15 * GIB, ratio=0.05).may_accept(5 * GIB)
    with pytest.raises(TransientError):
        guard(15 * GIB, ratio=0.05).may_accept(5 * GIB + 1)


def test_urgent_and_small_things_go_on_until_their_own_floor() -> None:
    low = guard(2 * GIB)
    assert low.space().is_low
    with pytest.raises(TransientError):
        low.may_accept(1)
    low.may_accept(GIB, urgent=True)
    with pytest.raises(TransientError) as caught:
        low.may_accept(GIB + 1, urgent=True)
    assert caught.value.facts["floor"] == GIB


def test_reserved_room_is_not_promised_twice_and_is_given_back() -> None:
    shared = guard(30 * GIB)
    with shared.reserve(6 * GIB):
        assert shared.space().reserved == 6 * GIB
        with pytest.raises(TransientError):
            shared.may_accept(6 * GIB)
        shared.may_accept(4 * GIB)
        with pytest.raises(TransientError), shared.reserve(5 * GIB):
            pytest.fail("the room was promised twice")
    shared.may_accept(6 * GIB)
    with pytest.raises(RuntimeError), shared.reserve(6 * GIB):
        raise RuntimeError
    assert shared.space().reserved == 0


def test_the_real_disk_is_asked(tmp_path: Path) -> None:
    real = SpaceGuard(tmp_path, floor_bytes=0, floor_ratio=0.0)
    space = real.space()
    assert 0 < space.free <= space.total
    with pytest.raises(TransientError):
        real.may_accept(space.total + 1)


def test_a_missing_spool_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="folder-missing"):
        SpaceGuard(tmp_path / "gone", floor_bytes=0, floor_ratio=0.0).may_accept(1)
