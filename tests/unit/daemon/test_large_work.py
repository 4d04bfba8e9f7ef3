"""What is large leaves a process ready for what is small."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.daemon.crew import InlineCrew, ProcessCrew
from gateway.domain.clock import SystemClock
from gateway.domain.errors import PermanentError
from gateway.stages.crew import run_large
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
    large = run_large(crew, errands.wait_for, str(fifo))
    assert len(crew._seats) == 2, "another was begun, for nothing but to be ready"
    assert crew.run(errands.double, 21).result(WAIT) == 42
    assert not large.done()
    fifo.write_bytes(b"go on")
    assert large.result(WAIT) == b"go on"


def test_errors_of_large_work_are_its_own(crew: ProcessCrew) -> None:
    for one in (crew, InlineCrew()):
        assert isinstance(run_large(one, errands.fail, "no").exception(WAIT), PermanentError)
