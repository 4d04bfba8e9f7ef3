"""A file is read while it grows, as long as that is worth the wait."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.folders.growing import LEAST_RATE, STILL_SECONDS, WARM_UP_SECONDS, GivenUpError, GrowingFile, head_of


class Told:
    """A clock that moves when somebody waits, and what happens meanwhile."""

    def __init__(self, happens: Callable[[], None] = lambda: None, step: float = 1.0) -> None:
        self.time = 0.0
        self._happens = happens
        self._step = step

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def rest(self, _seconds: float) -> None:
        self.time += self._step
        self._happens()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "growing"
    found.write_bytes(b"front")
    return found


def grows(path: Path, count: int) -> Callable[[], None]:
    def grow() -> None:
        os.truncate(path, path.stat().st_size + count)

    return grow


def test_a_read_gets_all_that_it_asked_for(path: Path) -> None:
    told = Told(grows(path, 3))
    with GrowingFile(path, 11, told, told.rest) as file:
        assert file.seek(4) == 4
        assert file.read(4) == b"t\0\0\0"
        assert path.stat().st_size == 8
        assert (file.read(99), file.read(99)) == (b"\0\0\0", b"")


def test_it_may_get_another_name_meanwhile(path: Path) -> None:
    told = Told()
    with GrowingFile(path, 5, told, told.rest) as file:
        path.rename(path.with_name("other"))
        assert file.read(5) == b"front"


@pytest.mark.parametrize(
    ("grown", "step", "code", "after"),
    [
        (0, 0.5, "still", STILL_SECONDS),
        (LEAST_RATE // 2, 1.0, "slow", WARM_UP_SECONDS),
    ],
)
def test_what_is_not_worth_the_wait_is_given_up(path: Path, grown: int, step: float, code: str, after: float) -> None:
    told = Told(grows(path, grown) if grown else lambda: None, step)
    with GrowingFile(path, 1 << 40, told, told.rest) as file:
        file.seek(LEAST_RATE * 10)
        with pytest.raises(GivenUpError, match=code):
            file.read(1)
    assert after < told.time <= after + 2 * step


def test_what_is_removed_is_gone(path: Path) -> None:
    told = Told(lambda: path.unlink(missing_ok=True))
    with GrowingFile(path, 99, told, told.rest) as file, pytest.raises(GivenUpError, match="gone"):
        file.read(50)
    with pytest.raises(GivenUpError, match="gone"):
        GrowingFile(path, 99, told, told.rest)


def test_a_link_is_not_followed(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    told = Told()
    with pytest.raises(OSError, match="symbolic"):
        GrowingFile(link, 99, told, told.rest)
    with pytest.raises(OSError, match="symbolic"):
        head_of(link, 5)
    assert head_of(path, 3) == b"fro"
