"""The bell: hears what happens in a root, says when it has gone deaf, and is never needed for correctness."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask, WatchDescriptor

from gateway.folders.events import FolderBell


class Rings:
    """Collects rings and lets a test wait for the next one of a root."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung: list[Path] = []

    def __call__(self, root: Path) -> None:
        with self._condition:
            self._rung.append(root)
            self._condition.notify_all()

    def forget(self) -> None:
        with self._condition:
            self._rung.clear()

    def comes(self, root: Path) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: root in self._rung, timeout=20)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def rings() -> Rings:
    return Rings()


@pytest.fixture
def bell(root: Path, rings: Rings) -> Iterator[FolderBell]:
    bell = FolderBell([root], rings)
    bell.start()
    rings.forget()
    yield bell
    bell.stop()


def test_a_closed_file_a_moved_file_and_a_new_folder_ring(root: Path, bell: FolderBell, rings: Rings) -> None:
    (root / "a.zip").write_bytes(b"x")
    assert rings.comes(root)
    rings.forget()
    (root.parent / "b.zip").write_bytes(b"x")
    (root.parent / "b.zip").rename(root / "b.zip")
    assert rings.comes(root)
    rings.forget()
    (root / "case").mkdir()
    assert rings.comes(root)
    assert bell.check().deaf == ()


def test_a_root_that_is_made_anew_is_armed_again(root: Path, bell: FolderBell, rings: Rings) -> None:
    root.rmdir()
    assert bell.check().deaf == (root,)
    root.mkdir()
    rings.forget()
    assert bell.check().deaf == ()
    assert rings.comes(root)
    rings.forget()
    (root / "a.zip").write_bytes(b"x")
    assert rings.comes(root)


def test_a_root_that_was_exchanged_between_two_checks_is_armed_again(
    root: Path, bell: FolderBell, rings: Rings
) -> None:
    root.rename(root.with_name("old"))
    root.mkdir()
    bell.check()
    rings.forget()
    (root / "a.zip").write_bytes(b"x")
    assert rings.comes(root)


def test_a_root_that_is_missing_at_start_is_armed_later(tmp_path: Path, rings: Rings) -> None:
    root = tmp_path / "late"
    bell = FolderBell([root], rings)
    bell.start()
    try:
        assert bell.check().deaf == (root,)
        root.mkdir()
        assert bell.check().deaf == ()
        assert rings.comes(root)
    finally:
        bell.stop()


def test_dropped_events_are_counted_and_ring_every_root(root: Path, bell: FolderBell, rings: Rings) -> None:
    ears = bell._ears
    assert ears is not None
    ears.handle_event(InotifyEvent(WatchDescriptor(-1), Mask(InotifyConstants.IN_Q_OVERFLOW), 0, b""))
    assert rings.comes(root)
    assert bell.check().overflows == 1


@pytest.mark.parametrize("thread", ["_observer", "_ears"])
def test_a_dead_observer_is_replaced(root: Path, bell: FolderBell, rings: Rings, thread: str) -> None:
    victim = getattr(bell, thread)
    victim.stop()
    victim.join()
    health = bell.check()
    assert (health.restarts, health.deaf) == (1, ())
    rings.forget()
    (root / "a.zip").write_bytes(b"x")
    assert rings.comes(root)


def test_stopping_ends_every_thread_and_may_be_repeated(root: Path, rings: Rings) -> None:
    before = set(threading.enumerate())
    bell = FolderBell([root], rings)
    bell.start()
    assert set(threading.enumerate()) > before
    bell.stop()
    bell.stop()
    assert set(threading.enumerate()) <= before
    assert bell.check().deaf == (root,)
