"""What is large stands behind what is small, and leaves a process ready for it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.daemon.crew import InlineCrew, ProcessCrew
from gateway.domain.clock import SystemClock
from gateway.domain.errors import PermanentError
from gateway.stages.crew import LEISURE, run_large
from tests.unit.daemon import errands
from tests.unit.daemon.doubles import WAIT, HeardLog

MOST = 19
"""As far as anybody can stand back."""


@pytest.fixture
def crew() -> Iterator[ProcessCrew]:
    crew = ProcessCrew(2, log=HeardLog(), clock=SystemClock())
    yield crew
    crew.close(0.0)


def test_large_work_stands_back_and_its_process_does_not_stay_there(crew: ProcessCrew) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    large, behind = run_large(crew, errands.standing, None).result(WAIT)
    assert behind == min(ours + LEISURE, MOST)
    after = {crew.run(errands.standing, None) for _ in range(8)}
    assert {future.result(WAIT)[1] for future in after} == {ours}
    assert large in crew.pids


def test_a_process_is_ready_for_what_is_small_while_something_large_is_at_work(
    crew: ProcessCrew, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    large = run_large(crew, errands.wait_for, str(fifo))
    assert crew.run(errands.double, 21).result(WAIT) == 42, "it came behind the loading, in the other process"
    assert not large.done()
    assert len(crew.pids) == 2
    fifo.write_bytes(b"go on")
    assert large.result(WAIT) == b"go on"


def test_errors_of_large_work_are_its_own(crew: ProcessCrew) -> None:
    error = run_large(crew, errands.fail, "no").exception(WAIT)
    assert isinstance(error, PermanentError)
    assert isinstance(run_large(InlineCrew(), errands.fail, "no").exception(WAIT), PermanentError)
