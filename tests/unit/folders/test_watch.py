"""Scanning: what is settled, what waits and why, and what a scan must never conclude."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError, Scope, TransientError
from gateway.folders import entries
from gateway.folders.watch import OutboundWatch, Why
from tests.support.outbound import MarkedZips, SettableClock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def watch(root: Path, clock: SettableClock) -> OutboundWatch:
    return OutboundWatch(root, MarkedZips(), clock, stable_scans=3, spacing=1.0)


def settled_after(watch: OutboundWatch, clock: SettableClock, scans: int, seconds: float = 1.0) -> list[str]:
    for _ in range(scans - 1):
        watch.scan()
        clock.seconds += seconds
    return [candidate.name for candidate in watch.scan().settled]


def test_an_export_with_its_mark_is_settled_at_once(root: Path, watch: OutboundWatch) -> None:
    (root / "a.zip").write_bytes(b"zip")
    (root / "a.ok").write_bytes(b"")
    result = watch.scan()
    assert [candidate.parts for candidate in result.settled] == [("a.zip", "a.ok")]
    assert result.entries["a.zip"].size == 3
    assert result.waiting == ()
    assert result.problems == ()


def test_an_export_without_a_mark_format_settles_when_unchanged_over_n_scans(
    root: Path, watch: OutboundWatch, clock: SettableClock
) -> None:
    (root / "a.csv").write_bytes(b"row")
    assert settled_after(watch, clock, 2) == []
    assert watch.scan().waiting[0].why is Why.SETTLING
    clock.seconds += 1
    assert settled_after(watch, clock, 1) == ["a.csv"]


def test_a_burst_of_scans_proves_nothing(root: Path, watch: OutboundWatch, clock: SettableClock) -> None:
    (root / "a.csv").write_bytes(b"row")
    assert settled_after(watch, clock, 100, seconds=0.01) == []
    assert settled_after(watch, clock, 200, seconds=0.01) == ["a.csv"]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"longer than before"),
        lambda path: os.utime(path, ns=(5, 5)),
        lambda path: (path.with_name(".new").write_bytes(b"row"), path.with_name(".new").replace(path)),
    ],
    ids=["size", "time", "inode"],
)
def test_any_change_starts_the_count_anew(
    root: Path, watch: OutboundWatch, clock: SettableClock, change: Callable[[Path], object]
) -> None:
    path = root / "a.csv"
    path.write_bytes(b"row")
    os.utime(path, ns=(7, 7))
    assert settled_after(watch, clock, 2) == []
    change(path)
    clock.seconds += 1
    waiting = watch.scan().waiting[0]
    assert (waiting.why, waiting.seconds) == (Why.GROWING, 2.0)
    clock.seconds += 1
    assert settled_after(watch, clock, 1) == []
    clock.seconds += 1
    assert settled_after(watch, clock, 1) == ["a.csv"]


def test_a_folder_counts_everything_below_it(root: Path, watch: OutboundWatch, clock: SettableClock) -> None:
    (root / "case" / "docs" / "deep").mkdir(parents=True)
    (root / "case" / "docs" / "deep" / "1.pdf").write_bytes(b"12345")
    (root / "case" / "case.json").write_bytes(b"{}")
    assert entries.look(root / "case").size == 7
    settled_after(watch, clock, 3)
    (root / "case" / "docs" / "deep" / "2.pdf").write_bytes(b"67890")
    clock.seconds += 1
    assert watch.scan().waiting[0].why is Why.GROWING
    (root / "case" / "_READY").touch()
    result = watch.scan()
    assert [candidate.name for candidate in result.settled] == ["case"]
    assert result.entries["case"].children == {"docs", "case.json", "_READY"}


def test_waiting_exports_say_why_and_when_to_remind(root: Path, watch: OutboundWatch, clock: SettableClock) -> None:
    (root / "a.zip").write_bytes(b"zip")
    (root / "case").mkdir()
    settled_after(watch, clock, 3)
    assert {waiting.candidate.name: waiting.why for waiting in watch.scan().waiting} == {
        "a.zip": Why.NO_MARKER,
        "case": Why.INCOMPLETE,
    }
    assert not any(waiting.wants_reminder() for waiting in watch.scan().waiting)
    clock.seconds += 1800
    assert all(waiting.wants_reminder() for waiting in watch.scan().waiting)


def test_our_own_folders_dot_names_and_the_sentinel_are_not_exports(root: Path, clock: SettableClock) -> None:
    for name in ("err", "ack", "Reject", ".caseferry-x"):
        (root / name).mkdir()
    (root / ".hidden.csv").touch()
    (root / "MOUNTED").touch()
    watch = OutboundWatch(root, MarkedZips(), clock, stable_scans=1, sentinel="MOUNTED")
    assert watch.scan().settled == ()
    assert watch.scan().waiting == ()


def test_names_in_any_encoding_are_seen(root: Path, clock: SettableClock) -> None:
    name = os.fsdecode("案卷.csv".encode("gb18030"))
    (root / name).touch()
    watch = OutboundWatch(root, MarkedZips(), clock, stable_scans=1)
    assert [candidate.name for candidate in watch.scan().settled] == [name]


def test_links_and_pipes_are_problems_and_neighbours_are_not_affected(root: Path, clock: SettableClock) -> None:
    (root / "link").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")
    (root / "a.csv").touch()
    result = OutboundWatch(root, MarkedZips(), clock, stable_scans=1).scan()
    assert [candidate.name for candidate in result.settled] == ["a.csv"]
    assert {(problem.name, problem.error.code) for problem in result.problems} == {
        ("link", "entry-unsafe"),
        ("pipe", "entry-unsafe"),
    }


def test_one_entry_that_cannot_be_looked_at_does_not_stop_the_scan(
    root: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = {
        "locked.csv": PermissionError(13, "x"),
        "broken.csv": OSError(5, "x"),
        "gone.csv": FileNotFoundError(2, "x"),
    }
    for name in (*errors, "a.csv"):
        (root / name).touch()
    look = entries.look

    def failing(path: str) -> entries.Entry:
        if (name := Path(path).name) in errors:
            raise errors[name]
        return look(path)

    monkeypatch.setattr(entries, "look", failing)
    result = OutboundWatch(root, MarkedZips(), clock, stable_scans=1).scan()
    assert [candidate.name for candidate in result.settled] == ["a.csv"]
    assert {(problem.name, problem.error.code) for problem in result.problems} == {
        ("locked.csv", "export-unreadable"),
        ("broken.csv", "local-io"),
    }


def test_a_folder_beyond_the_walk_limits_is_a_problem_of_its_own(
    root: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "WALK_MAX", 3)
    (root / "wide").mkdir()
    for number in range(4):
        (root / "wide" / str(number)).touch()
    (root / "deep" / "/".join("d" * 40)).mkdir(parents=True)
    (root / "a.csv").touch()
    result = OutboundWatch(root, MarkedZips(), clock, stable_scans=1).scan()
    assert [candidate.name for candidate in result.settled] == ["a.csv"]
    assert {(problem.name, problem.error.code) for problem in result.problems} == {
        ("wide", "export-too-many-files"),
        ("deep", "export-too-many-files"),
    }


def test_no_more_of_a_folder_is_looked_at_than_one_may_have(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "WALK_MAX", 3)
    (root / "wide").mkdir()
    (root / "wide" / "page").touch()
    scan = os.scandir

    @contextmanager
    def endless(folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scan(folder) as found:
            yield cycle(found)

    monkeypatch.setattr(os, "scandir", endless)
    with pytest.raises(PermanentError) as caught:
        entries.look(root / "wide")
    assert caught.value.code == "export-too-many-files"


def test_a_folder_deeper_than_any_path_reaches_is_no_trouble_of_the_disk(
    root: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "long").mkdir()
    monkeypatch.chdir(root / "long")
    for _ in range(20):
        Path("n" * 255).mkdir()
        os.chdir("n" * 255)
    problems = OutboundWatch(root, MarkedZips(), clock, stable_scans=1).scan().problems
    assert [(problem.name, problem.error.code) for problem in problems] == [("long", "export-too-many-files")]


def test_an_unmounted_share_is_a_fault_and_not_an_empty_folder(root: Path, clock: SettableClock) -> None:
    watch = OutboundWatch(root, MarkedZips(), clock, stable_scans=3, sentinel="MOUNTED")
    (root / "MOUNTED").touch()
    (root / "a.csv").write_bytes(b"row")
    assert settled_after(watch, clock, 2) == []
    away = root.with_name("away")
    for leave_empty_folder in (False, True):
        root.rename(away)
        if leave_empty_folder:
            root.mkdir()
        with pytest.raises(TransientError) as caught:
            watch.scan()
        assert (caught.value.code, caught.value.scope) == ("mount-missing", Scope.ROUTE)
        assert caught.value.facts == {"folder": str(root)}
        if leave_empty_folder:
            root.rmdir()
        away.rename(root)
    clock.seconds += 1
    assert settled_after(watch, clock, 1) == ["a.csv"]


def test_another_filesystem_at_the_same_place_is_a_fault(
    tmp_path: Path, other_device: Path, root: Path, clock: SettableClock
) -> None:
    if other_device.stat().st_dev == root.stat().st_dev:
        pytest.skip("this machine has no second filesystem to point at")
    place = tmp_path / "place"
    place.symlink_to(root)
    watch = OutboundWatch(place, MarkedZips(), clock)
    watch.scan()
    place.unlink()
    place.symlink_to(other_device)
    with pytest.raises(TransientError) as caught:
        watch.scan()
    assert caught.value.code == "mount-missing"
    (other_device / "MOUNTED").touch()
    (root / "MOUNTED").touch()
    marked = OutboundWatch(place, MarkedZips(), clock, sentinel="MOUNTED")
    marked.scan()
    place.unlink()
    place.symlink_to(root)
    marked.scan()
    place.unlink()
    place.symlink_to(root)
    watch.scan()


def test_a_file_in_place_of_the_folder_is_a_fault(tmp_path: Path, clock: SettableClock) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(TransientError) as caught:
        OutboundWatch(tmp_path / "out", MarkedZips(), clock).scan()
    assert caught.value.code == "mount-missing"


def test_a_folder_we_may_not_read_needs_a_person(
    root: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: object) -> object:
        raise PermissionError(13, "x")

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(PermanentError) as caught:
        OutboundWatch(root, MarkedZips(), clock).scan()
    assert (caught.value.code, caught.value.scope) == ("folder-denied", Scope.ROUTE)


def test_a_claimed_and_dropped_again_name_starts_anew(root: Path, watch: OutboundWatch, clock: SettableClock) -> None:
    (root / "a.csv").write_bytes(b"row")
    assert settled_after(watch, clock, 3) == ["a.csv"]
    (root / "a.csv").unlink()
    assert watch.scan().settled == ()
    (root / "a.csv").write_bytes(b"row")
    assert watch.scan().waiting[0].seconds == 0.0


def test_no_scan_may_settle_on_nothing(root: Path, clock: SettableClock) -> None:
    with pytest.raises(ValueError, match="stable_scans"):
        OutboundWatch(root, MarkedZips(), clock, stable_scans=0)
