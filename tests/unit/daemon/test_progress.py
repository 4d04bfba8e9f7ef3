"""What the board shows of long transfers, and how little it writes."""

import json
import os
import threading
from pathlib import Path

import pytest

from gateway.daemon.progress import FILE_NAME, LONG_AFTER, WRITE_SECONDS, Progress, ProgressBoard, read_progress
from tests.unit.daemon.doubles import FakeClock


class Rung:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


@pytest.fixture
def board(path: Path, clock: FakeClock, rung: Rung) -> ProgressBoard:
    board = ProgressBoard(path, clock=clock, ring=rung)
    board.step()
    clock.time += WRITE_SECONDS
    return board


def test_a_long_transfer_is_shown_with_its_rate(board: ProgressBoard, path: Path, clock: FakeClock) -> None:
    with board.track(7, "send", 1000) as report:
        clock.time += 2.0
        report(400)
        assert board.step() is None
        assert read_progress(path).transfers == (Progress(7, "send", 400, 1000, 2.0, 200.0),)
        clock.time += 1.0
        report(800)
        board.step()
        assert read_progress(path).transfers == (Progress(7, "send", 800, 1000, 3.0, 300.0),)
    clock.time += 1.0
    board.step()
    assert read_progress(path).transfers == ()
    assert (read_progress(path).pid, read_progress(path).written_at) == (os.getpid(), 1004.5)


def test_a_short_transfer_is_never_written(board: ProgressBoard, path: Path, clock: FakeClock) -> None:
    before = path.stat()
    for number in range(100):
        with board.track(number, "send", 10) as report:
            clock.time += LONG_AFTER / 2
            report(10)
            board.step()
    board.step()
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_it_is_written_at_most_twice_a_second(board: ProgressBoard, path: Path, clock: FakeClock) -> None:
    with board.track(7, "send", 1000) as report:
        clock.time += 2.0
        report(1)
        board.step()
        report(2)
        assert board.step() == WRITE_SECONDS
        assert read_progress(path).transfers[0].done == 1
        clock.time += WRITE_SECONDS
        assert board.step() is None
        assert read_progress(path).transfers[0].done == 2


def test_the_worker_is_rung_once_until_it_has_looked(board: ProgressBoard, clock: FakeClock, rung: Rung) -> None:
    with board.track(7, "send", 1000) as report:
        clock.time += 2.0
        for done in range(1, 500):
            report(done)
        assert rung.count == 1
        board.step()
        report(500)
        assert rung.count == 2


def test_the_end_of_what_was_shown_is_news_the_end_of_what_was_not_is_none(
    board: ProgressBoard, clock: FakeClock, rung: Rung
) -> None:
    with board.track(1, "send", 10):
        pass
    assert rung.count == 0
    with board.track(2, "send", 10) as report:
        clock.time += 2.0
        report(5)
        board.step()
    assert rung.count == 2


def test_only_coming_further_counts_as_alive(path: Path, clock: FakeClock) -> None:
    alive: list[str] = []
    board = ProgressBoard(path, clock=clock, ring=lambda: None, on_progress=alive.append)
    with board.track(7, "send", 1000) as report:
        crew = threading.Thread(target=lambda: [report(done) for done in (5, 5, 3, 6)], name="crew")
        crew.start()
        crew.join()
    assert alive == [threading.current_thread().name] * 2


def test_the_file_is_for_the_owner_and_replaced_whole(board: ProgressBoard, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_what_an_earlier_process_left_behind_is_overwritten(path: Path, clock: FakeClock) -> None:
    path.write_text('{"v":1,"pid":1,"written_at":1.0,"transfers":[{"transfer":1}]}')
    ProgressBoard(path, clock=clock, ring=lambda: None).step()
    assert read_progress(path).pid == os.getpid()


def test_a_folder_that_cannot_be_written_harms_nobody(tmp_path: Path, clock: FakeClock) -> None:
    assert ProgressBoard(tmp_path / "gone" / FILE_NAME, clock=clock, ring=lambda: None).step() is None


def entry(**changes: object) -> dict[str, object]:
    return {"transfer": 1, "stage": "send", "done": 1, "total": 2, "seconds": 1, "rate": 0.5, "paused": True, **changes}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({"pid": 1, "written_at": 1, "transfers": 5}),
        json.dumps({"pid": 1, "written_at": 1, "transfers": [5]}),
        json.dumps({"pid": 1, "written_at": 1, "transfers": [entry(done="1")]}),
        json.dumps({"pid": "x", "written_at": 1, "transfers": []}),
        '{"pid": 1e999, "written_at": 1, "transfers": []}',
        json.dumps({"pid": 1, "written_at": 10**400, "transfers": []}),
        json.dumps({"pid": 1, "written_at": 1, "transfers": [entry(rate=10**400)]}),
        "[" * 100_000,
    ],
)
def test_a_reader_takes_what_it_cannot_read_for_nothing(path: Path, body: str) -> None:
    path.write_text(body)
    assert read_progress(path).transfers == ()
    assert read_progress(path).pid == 0


def test_a_reader_takes_a_missing_file_for_nothing(path: Path) -> None:
    assert read_progress(path).transfers == ()


def test_a_reader_takes_a_well_formed_entry(path: Path) -> None:
    path.write_text(json.dumps({"pid": 1, "written_at": 1, "transfers": [entry()]}))
    assert read_progress(path).transfers == (Progress(1, "send", 1, 2, 1.0, 0.5, True),)
