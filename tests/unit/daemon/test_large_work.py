"""What is large leaves a process and the processor to what is small."""

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from gateway.daemon.crew import InlineCrew, ProcessCrew
from gateway.daemon.crewseat import NICENESS
from gateway.domain.errors import PermanentError
from tests.unit.daemon import errands
from tests.unit.daemon.doubles import WAIT, FakeClock, HeardLog, eventually

USUAL = os.getpriority(os.PRIO_PROCESS, 0)
GIVING_WAY = min(USUAL + NICENESS, 19)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread cannot give way alone")


@pytest.fixture
def crew() -> Iterator[ProcessCrew]:
    crew = ProcessCrew(2, log=HeardLog(), clock=FakeClock())
    yield crew
    crew.close(0.0)


def at_work(crew: ProcessCrew, folder: Path) -> tuple[Future[tuple[int, int]], Path]:
    """Have large work begin that ends when the fifo is written."""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    begun = threading.Event()
    large = crew.run(errands.niceness, str(fifo), lambda _done: begun.set(), is_large=True)
    eventually(begun)
    return large, fifo


def test_a_process_is_ready_for_what_is_small_while_something_large_is_at_work(
    crew: ProcessCrew, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    large = crew.run(errands.wait_for, str(fifo), is_large=True)
    assert len(crew._seats) == 2, "another was begun, for nothing but to be ready"
    assert crew.run(errands.double, 21).result(WAIT) == 42
    assert not large.done()
    fifo.write_bytes(b"go on")
    assert large.result(WAIT) == b"go on"


def test_something_large_does_not_take_the_process_that_is_warm(crew: ProcessCrew) -> None:
    warm = crew.run(errands.who, None).result(WAIT)
    while not crew._idle:
        os.sched_yield()  # it counts as idle a moment after its answer was heard
    assert crew.run(errands.who, None, is_large=True).result(WAIT) != warm, "another was started for it"
    assert {crew.run(errands.who, None, is_large=True).result(WAIT) for _ in range(4)} <= set(crew.pids)
    assert len(crew.pids) == 2, "and no third"


def test_a_crew_of_one_does_everything_in_its_process() -> None:
    crew = ProcessCrew(1, log=HeardLog(), clock=FakeClock())
    try:
        only = crew.run(errands.who, None).result(WAIT)
        assert crew.run(errands.who, None, is_large=True).result(WAIT) == only
    finally:
        crew.close(0.0)


def test_large_work_alone_is_as_quick_as_any(crew: ProcessCrew, tmp_path: Path) -> None:
    large, fifo = at_work(crew, tmp_path)
    fifo.write_bytes(b"go on")
    assert large.result(WAIT) == (USUAL, USUAL)


@LINUX
def test_large_work_gives_way_from_the_moment_something_small_comes(crew: ProcessCrew, tmp_path: Path) -> None:
    large, fifo = at_work(crew, tmp_path)
    assert crew.run(errands.niceness, "").result(WAIT) == (USUAL, USUAL)
    fifo.write_bytes(b"go on")
    assert large.result(WAIT) == (GIVING_WAY, GIVING_WAY), "its own thread, and the one that it starts then"
    assert {crew.run(errands.niceness, "").result(WAIT) for _ in range(4)} == {(USUAL, USUAL)}, "and only until its end"


@LINUX
def test_large_work_gives_way_from_its_beginning_where_something_small_was_a_moment_ago(tmp_path: Path) -> None:
    crew = ProcessCrew(1, log=HeardLog(), clock=FakeClock())
    try:
        crew.run(errands.double, 21).result(WAIT)
        large, fifo = at_work(crew, tmp_path)
        fifo.write_bytes(b"go on")
        assert large.result(WAIT) == (GIVING_WAY, GIVING_WAY)
        assert crew.run(errands.niceness, "").result(WAIT) == (USUAL, USUAL), "the same process, afterwards"
    finally:
        crew.close(0.0)


def test_errors_of_large_work_are_its_own(crew: ProcessCrew) -> None:
    for one in (crew, InlineCrew()):
        assert isinstance(one.run(errands.fail, "no", is_large=True).exception(WAIT), PermanentError)
