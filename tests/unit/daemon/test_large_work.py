"""What is large leaves a process and the processor to what is small."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.daemon.crew import InlineCrew, ProcessCrew
from gateway.daemon.crewmate import NICENESS
from gateway.domain.clock import SystemClock
from gateway.domain.errors import PermanentError
from tests.unit.daemon import errands
from tests.unit.daemon.doubles import WAIT, HeardLog


@pytest.fixture
def crew() -> Iterator[ProcessCrew]:
    crew = ProcessCrew(2, log=HeardLog(), clock=SystemClock())
    yield crew
    crew.close(0.0)


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
    crew = ProcessCrew(1, log=HeardLog(), clock=SystemClock())
    try:
        only = crew.run(errands.who, None).result(WAIT)
        assert crew.run(errands.who, None, is_large=True).result(WAIT) == only
    finally:
        crew.close(0.0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread cannot give way alone")
def test_only_what_is_large_gives_way_and_so_do_its_threads() -> None:
    crew = ProcessCrew(1, log=HeardLog(), clock=SystemClock())
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        large = crew.run(errands.niceness, None, is_large=True).result(WAIT)
        small = crew.run(errands.niceness, None).result(WAIT)
    finally:
        crew.close(0.0)
    assert large == (min(usual + NICENESS, 19),) * 2
    assert small == (usual, usual), "the same process, afterwards"


def test_errors_of_large_work_are_its_own(crew: ProcessCrew) -> None:
    for one in (crew, InlineCrew()):
        assert isinstance(one.run(errands.fail, "no", is_large=True).exception(WAIT), PermanentError)
