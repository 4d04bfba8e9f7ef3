"""The bell: hears what happens in a root, says when it has gone deaf, and is never needed for correctness."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from gateway.folders.events import CANARY, CANARY_SECONDS, BellHealth, FolderBell
from tests.support.ledger import ToldClock
from tests.support.nodes import eventually


class Rings:
    """Collects rings and lets a test wait for the next one of a root."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung: list[Path] = []

    def __call__(self, root: Path) -> None:
        with self._condition:
            self._rung.append(root)
            self._condition.notify_all()

    def rung(self) -> int:
        with self._condition:
            return len(self._rung)

    def forget(self) -> None:
        with self._condition:
            self._rung.clear()

    def comes(self, root: Path) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: root in self._rung, timeout=60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def rings() -> Rings:
    return Rings()


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def bell(root: Path, rings: Rings, clock: ToldClock) -> Iterator[FolderBell]:
    bell = FolderBell([root], rings, clock, [root])
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
    bell = FolderBell([root], rings, ToldClock())
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


def test_a_dead_reader_is_replaced(root: Path, bell: FolderBell, rings: Rings) -> None:
    victim = bell._ears
    assert victim is not None
    victim.stop()
    victim.join()
    health = bell.check()
    assert (health.restarts, health.deaf) == (1, ())
    rings.forget()
    (root / "a.zip").write_bytes(b"x")
    assert rings.comes(root)


def test_where_the_system_gives_no_reader_all_are_deaf_until_it_does(
    root: Path, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = iter([True, True, False])
    made = InotifyFD._create_inotify_fd

    def create() -> int:
        if next(limits):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return made()

    monkeypatch.setattr(InotifyFD, "_create_inotify_fd", staticmethod(create))
    bell = FolderBell([root], rings, ToldClock())
    bell.start()
    try:
        assert bell.health().deaf == (root,)
        assert (bell.check().deaf, bell.health().restarts) == ((), 1)
        rings.forget()
        (root / "a.zip").write_bytes(b"x")
        assert rings.comes(root)
    finally:
        bell.stop()
    assert bell.check().deaf == (root,)


def test_hundreds_of_folders_are_heard_by_one_thread(tmp_path: Path, rings: Rings) -> None:
    roots = [tmp_path / str(number) for number in range(200)]
    for root in roots:
        root.mkdir()
    before = set(threading.enumerate())  # of which one may end meanwhile
    bell = FolderBell(roots, rings, ToldClock())
    bell.start()
    try:
        assert len(set(threading.enumerate()) - before) == 1
        rings.forget()
        (roots[150] / "a.zip").write_bytes(b"x")
        assert rings.comes(roots[150])
    finally:
        bell.stop()


def test_stopping_ends_every_thread_and_may_be_repeated(root: Path, rings: Rings) -> None:
    before = set(threading.enumerate())
    bell = FolderBell([root], rings, ToldClock())
    bell.start()
    assert set(threading.enumerate()) - before
    bell.stop()
    bell.stop()
    assert set(threading.enumerate()) <= before
    assert bell.check().deaf == (root,)


def later(bell: FolderBell, clock: ToldClock) -> BellHealth:
    """Check once the canaries should have been heard."""
    clock.time += CANARY_SECONDS
    return bell.check()


def test_a_canary_is_heard_wakes_nobody_and_leaves_nothing(
    root: Path, bell: FolderBell, rings: Rings, clock: ToldClock
) -> None:
    assert bell.check().heard_at == 0
    rings.forget()
    bell.sing()
    eventually(lambda: bell.health().heard_at == clock.now(), "the canary")
    assert list(root.iterdir()) == []
    health = later(bell, clock)
    assert (health.deaf, health.denied, health.rearmed) == ((), (), 0)
    (root / ".caseferry-0123.tmp").write_bytes(b"our own")
    (root / "a.zip").write_bytes(b"x")
    assert rings.comes(root)
    assert rings.rung() <= 2  # the export was created and closed; what is our own rang nothing


def test_a_temporary_name_of_ours_rings_once_it_becomes_a_real_one(root: Path, bell: FolderBell, rings: Rings) -> None:
    temporary = root / ".caseferry-0123.tmp"
    temporary.write_bytes(b"x")
    temporary.rename(root / "a.zip")
    assert rings.comes(root)


def test_a_folder_whose_canary_is_not_heard_is_deaf_and_armed_again(
    root: Path, bell: FolderBell, rings: Rings, clock: ToldClock
) -> None:
    bell._armed[root].on_event = lambda _event: None  # type: ignore[method-assign]  # it goes deaf
    bell.sing()
    assert bell.check().deaf == ()
    rings.forget()
    health = later(bell, clock)
    assert (health.deaf, health.rearmed) == ((root,), 1)
    assert rings.comes(root)  # something may have been missed
    bell.sing()
    eventually(lambda: bell.health().deaf == (), "being heard again")


def test_where_we_may_not_write_nobody_knows(
    root: Path, bell: FolderBell, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        true = os.open

        def refused(path: object, flags: int, *args: object, **more: object) -> int:
            if str(path).endswith(CANARY):
                raise PermissionError(13, "x")
            return true(path, flags, *args, **more)  # type: ignore[arg-type]  # passed on as it came

        broken.setattr(os, "open", refused)
        bell.sing()
    health = later(bell, clock)
    assert (health.denied, health.deaf, health.rearmed) == ((root,), (), 0)
    bell.sing()
    assert later(bell, clock).denied == ()


def test_a_canary_that_a_kill_left_is_removed_at_the_start(root: Path, rings: Rings) -> None:
    (root / CANARY).touch()
    bell = FolderBell([root], rings, ToldClock(), [root])
    bell.start()
    bell.stop()
    assert list(root.iterdir()) == []


def test_no_canary_is_made_where_none_is_asked_for_or_the_folder_is_away(
    tmp_path: Path, root: Path, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    away = tmp_path / "away"
    bell = FolderBell([root, away], rings, ToldClock(), [away])
    bell.start()
    monkeypatch.setattr(bell, "_sing", made.append)
    try:
        bell.sing()
        assert made == []
        away.mkdir()
        bell.check()
        bell.sing()
        assert made == [away]
    finally:
        bell.stop()
