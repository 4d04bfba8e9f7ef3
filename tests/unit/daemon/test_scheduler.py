"""What periodic work may rely on: it comes again, never twice at once, whatever its neighbours do."""

import threading
from collections.abc import Iterator

import pytest

from gateway.daemon.scheduler import Scheduler
from gateway.domain.clock import SystemClock
from gateway.domain.errors import TransientError
from tests.unit.daemon.doubles import WAIT, HeardLog, eventually


@pytest.fixture
def log() -> HeardLog:
    return HeardLog()


@pytest.fixture
def scheduler(log: HeardLog) -> Iterator[Scheduler]:
    scheduler = Scheduler(log=log, clock=SystemClock())
    yield scheduler
    scheduler.stop(WAIT)


class Counter:
    def __init__(self, wanted: int) -> None:
        self.reached = threading.Event()
        self._left = wanted

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.reached.set()


def test_work_comes_again_and_again(scheduler: Scheduler) -> None:
    counter = Counter(3)
    scheduler.every("scan", 0.02, counter, first_after=0.0)
    scheduler.start()
    eventually(counter.reached)


def test_work_can_be_set_and_replaced_while_it_runs(scheduler: Scheduler) -> None:
    scheduler.start()
    late = Counter(1)
    scheduler.every("scan", 3600.0, lambda: None)
    scheduler.every("scan", 0.01, late)
    eventually(late.reached)


def test_a_late_run_is_not_skipped(scheduler: Scheduler) -> None:
    counter = Counter(1)
    scheduler.every("report", 3600.0, counter, first_after=-1800.0)
    scheduler.start()
    eventually(counter.reached)


@pytest.mark.parametrize("error", [TransientError("link-timeout"), KeyError("x")])
def test_a_failure_is_logged_and_keeps_neither_the_next_run_nor_a_neighbour(
    scheduler: Scheduler, log: HeardLog, error: Exception
) -> None:
    def fail() -> None:
        raise error

    neighbour = Counter(2)
    scheduler.every("fails", 0.02, fail, first_after=0.0)
    scheduler.every("works", 0.02, neighbour, first_after=0.0)
    scheduler.start()
    eventually(neighbour.reached)
    assert log.until("scheduled-work-failed", 2)[0]["work"] == "fails"


def test_work_that_overruns_is_not_started_twice_and_is_said(scheduler: Scheduler, log: HeardLog) -> None:
    release = threading.Event()
    entries: list[int] = []

    def overrun() -> None:
        entries.append(1)
        eventually(release)

    scheduler.every("slow", 0.02, overrun, first_after=0.0)
    scheduler.start()
    assert log.until("scheduled-work-overran", 2)[0] == {"work": "slow"}
    assert len(entries) == 1
    release.set()


def test_a_stop_waits_for_what_runs_but_not_beyond_its_deadline(log: HeardLog) -> None:
    entered, release = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        eventually(release)

    scheduler = Scheduler(log=log, clock=SystemClock())
    scheduler.every("hangs", 3600.0, hang, first_after=0.0)
    scheduler.start()
    eventually(entered)
    assert not scheduler.stop(0.0)
    assert log.of("scheduled-work-did-not-stop") == [{"seconds": 0.0}]
    release.set()


def test_a_stop_before_a_start_is_nothing(log: HeardLog) -> None:
    scheduler = Scheduler(log=log, clock=SystemClock())
    assert scheduler.stop(0.0)


def test_nothing_is_said_on_stderr(scheduler: Scheduler, capfd: pytest.CaptureFixture[str]) -> None:
    counter = Counter(1)
    scheduler.every("scan", 0.02, counter, first_after=0.0)
    scheduler.start()
    eventually(counter.reached)
    scheduler.stop(WAIT)
    assert capfd.readouterr() == ("", "")
