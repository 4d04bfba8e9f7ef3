"""What workers may rely on: they are called, backed off, restarted, ended in time, and missed when they are stuck."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from gateway.daemon.supervisor import Policy, Supervisor
from gateway.daemon.worker import Bells
from gateway.domain.clock import SystemClock
from gateway.domain.errors import PermanentError, Scope, SecurityError, TransientError
from tests.unit.daemon.doubles import WAIT, FakeClock, HeardLog, Steps, eventually


class Stage:
    """A supervisor with everything around it."""

    def __init__(self) -> None:
        self.log = HeardLog()
        self.bells = Bells()
        self.collapsed = threading.Event()
        self.supervisors: list[Supervisor] = []

    def run(self, *workers: Any, clock: Any = None, **policy: Any) -> Supervisor:
        supervisor = Supervisor(
            workers,
            bells=self.bells,
            clock=clock or SystemClock(),
            log=self.log,
            on_collapse=self.collapsed.set,
            policy=Policy(**{"restart_pause": 0.0, "first_backoff": 0.0, **policy}),
        )
        self.supervisors.append(supervisor)
        supervisor.start()
        return supervisor


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    for supervisor in stage.supervisors:
        assert supervisor.stop(WAIT) == ()


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def play() -> NoReturn:
        raise error

    return play


def never() -> None:
    """The wish of a worker that waits for its bell."""


class Gate:
    """A step that blocks until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        eventually(self.open)


def test_each_worker_steps_at_once_in_a_thread_of_its_name(stage: Stage) -> None:
    names: dict[str, str] = {}
    both = threading.Barrier(3)

    def play(name: str) -> Callable[[], None]:
        def step() -> None:
            names[name] = threading.current_thread().name
            both.wait(WAIT)

        return step

    stage.run(Steps("pack", play("pack"), never), Steps("send", play("send"), never))
    both.wait(WAIT)
    assert names == {"pack": "pack", "send": "send"}


def test_zero_means_at_once_none_means_when_rung(stage: Stage) -> None:
    worker = Steps("pack", lambda: 0.0, lambda: 0.0, never)
    stage.run(worker)
    worker.until(3)
    stage.bells.ring("pack")
    worker.until(4)


def test_seconds_are_waited_and_no_longer(stage: Stage) -> None:
    worker = Steps("pack", lambda: 0.01)
    stage.run(worker)
    worker.until(3)


def test_a_known_failure_is_logged_by_code_and_tried_again_with_growing_pauses(stage: Stage) -> None:
    plays = [raising(TransientError("link-timeout", "no answer", scope=Scope.LINK))] * 5
    worker = Steps("send", *plays, never)
    stage.run(worker, first_backoff=0.001, longest_backoff=0.004)
    worker.until(6)
    facts = stage.log.of("step-failed")
    assert [f["pause_seconds"] for f in facts] == [0.001, 0.002, 0.004, 0.004, 0.004]
    assert facts[0] == {
        "worker": "send",
        "code": "link-timeout",
        "scope": "link",
        "detail": "no answer",
        "failures": 1,
        "pause_seconds": 0.001,
    }
    assert stage.log.bugs == []


def test_a_success_ends_the_row_of_failures(stage: Stage) -> None:
    fail = raising(TransientError("link-timeout"))
    worker = Steps("send", fail, fail, lambda: 0.0, fail, never)
    supervisor = stage.run(worker, first_backoff=0.001)
    worker.until(5)
    assert [f["failures"] for f in stage.log.of("step-failed")] == [1, 2, 1]
    assert supervisor.collapsed is None


@pytest.mark.parametrize(
    ("error", "level"),
    [(TransientError("x"), "warn"), (PermanentError("x"), "error"), (SecurityError("x"), "alert")],
)
def test_the_level_says_how_grave_a_failure_is(stage: Stage, error: Exception, level: str) -> None:
    stage.run(Steps("send", raising(error), never))
    stage.log.until("step-failed")
    assert stage.log.lines[0][0] == level


def test_a_failing_worker_is_not_hurried_by_rings_but_keeps_them(stage: Stage) -> None:
    begun, pause = list[float](), 0.1

    def fail_once() -> None:
        begun.append(SystemClock().monotonic())
        if len(begun) == 1:
            raise TransientError("link-timeout")

    worker = Steps("send", fail_once)
    stage.run(worker, first_backoff=pause, longest_backoff=pause)
    stage.log.until("step-failed")
    stage.bells.ring("send")
    worker.until(3)  # one after the pause, one for the ring
    # However late this thread rang: nobody is so busy that a pause is shorter than it was asked to be.
    assert begun[1] - begun[0] >= pause


@pytest.mark.parametrize("bug", [KeyError("a name"), SystemExit(3), MemoryError()])
def test_a_bug_ends_a_life_not_the_worker(stage: Stage, bug: BaseException) -> None:
    worker = Steps("pack", raising(bug), never)
    supervisor = stage.run(worker)
    worker.until(2)
    assert stage.log.bugs == [bug]
    assert [view.deaths for view in supervisor.views()] == [1]
    assert supervisor.collapsed is None


def test_the_third_death_within_a_minute_ends_the_process(stage: Stage) -> None:
    worker = Steps("pack", raising(KeyError("x")))
    neighbour = Steps("send", never)
    supervisor = stage.run(worker, neighbour, clock=FakeClock())
    eventually(stage.collapsed)
    assert supervisor.collapsed == "pack"
    assert worker.count == 3
    assert stage.log.of("worker-collapsed") == [{"worker": "pack", "deaths": 3}]
    stage.bells.ring("send")
    neighbour.until(2)


def test_deaths_further_apart_do_not(stage: Stage) -> None:
    clock = FakeClock()

    def die_later() -> NoReturn:
        clock.time += 31.0
        raise KeyError("x")

    worker = Steps("pack", die_later, die_later, die_later, die_later, never)
    supervisor = stage.run(worker, clock=clock)
    worker.until(5)
    assert supervisor.collapsed is None


def test_a_worker_that_dies_gives_back_what_it_holds_before_it_goes_on(stage: Stage) -> None:
    events: list[str] = []

    class Holder(Steps):
        def close(self) -> None:
            events.append(f"close after {self.count}")

    worker = Holder("send", raising(KeyError("x")), never)
    supervisor = stage.run(worker)
    worker.until(2)
    assert events == ["close after 1"]
    supervisor.stop(WAIT)
    assert events == ["close after 1", "close after 2"]


@pytest.mark.parametrize("error", [TransientError("link-timeout"), KeyError("x")])
def test_what_cannot_be_given_back_keeps_nobody(stage: Stage, error: Exception) -> None:
    class Holder(Steps):
        def close(self) -> None:
            raise error

    supervisor = stage.run(Holder("send", never))
    assert supervisor.stop(WAIT) == ()
    assert len(stage.log.of("close-failed")) == 1


def test_a_stop_wakes_those_who_wait_and_those_who_pause(stage: Stage) -> None:
    waiting = Steps("pack", never)
    pausing = Steps("send", raising(TransientError("link-timeout")))
    supervisor = stage.run(waiting, pausing, first_backoff=3600.0, longest_backoff=3600.0)
    waiting.until(1)
    stage.log.until("step-failed")
    assert supervisor.stop(WAIT) == ()


def test_a_step_that_hangs_is_named_and_not_waited_for(stage: Stage) -> None:
    gate = Gate()
    supervisor = stage.run(Steps("send", gate))
    eventually(gate.entered)
    assert supervisor.stop(0.0) == ("send",)
    assert {"worker": "send", "seconds": 0.0} in stage.log.of("worker-did-not-stop")
    gate.open.set()


def test_a_stuck_step_is_seen_a_working_or_waiting_one_is_not(stage: Stage) -> None:
    clock = FakeClock()
    gate = Gate()
    waiting = Steps("pack", never)
    supervisor = stage.run(Steps("send", gate), waiting, clock=clock, allowance=100.0)
    eventually(gate.entered)
    waiting.until(1)
    while supervisor.views()[1].busy_seconds is not None:  # a step that has begun has not ended yet
        threading.Event().wait(0.001)
    clock.time += 100.0
    assert supervisor.stuck() == ()
    clock.time += 1.0
    assert supervisor.stuck() == ("send",)
    supervisor.beat("send")
    supervisor.beat("nobody")
    assert supervisor.stuck() == ()
    clock.time += 101.0
    assert supervisor.stuck() == ("send",)
    assert next(view.busy_seconds for view in supervisor.views() if view.name == "send") == 202.0
    gate.open.set()


class TestSwap:
    def test_the_same_worker_is_not_disturbed_others_come_and_go(self, stage: Stage) -> None:
        stays, leaves, comes = Steps("pack", never), Steps("send-a", never), Steps("send-b", never)
        supervisor = stage.run(stays, leaves)
        stays.until(1)
        leaves.until(1)
        assert supervisor.swap([stays, comes], WAIT) == ()
        comes.until(1)
        assert [view.name for view in supervisor.views()] == ["pack", "send-b"]
        stage.bells.ring("pack", "send-a")
        stays.until(2)
        assert leaves.count == 1

    def test_a_new_worker_waits_for_the_old_one_of_its_name(self, stage: Stage) -> None:
        gate = Gate()
        old, new = Steps("send", gate), Steps("send", never)
        supervisor = stage.run(old)
        eventually(gate.entered)
        assert supervisor.swap([new], 0.0) == ("send",)
        assert new.count == 0
        assert supervisor.stop(0.0)[:1] == ("send",)
        gate.open.set()

    def test_it_begins_when_the_old_one_has_ended(self, stage: Stage) -> None:
        gate = Gate()
        old, new = Steps("send", gate), Steps("send", never)
        supervisor = stage.run(old)
        eventually(gate.entered)
        supervisor.swap([new], 0.0)
        gate.open.set()
        new.until(1)

    def test_two_workers_of_one_name_are_refused_and_nothing_changes(self, stage: Stage) -> None:
        worker = Steps("pack", never)
        supervisor = stage.run(worker)
        with pytest.raises(ValueError, match="one name"):
            supervisor.swap([Steps("send", never), Steps("send", never)], 0.0)
        stage.bells.ring("pack")
        worker.until(2)
