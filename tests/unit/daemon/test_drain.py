"""A whole daemon's worth of parts ends within one deadline, whatever hangs."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.child import SupervisedChild
from gateway.daemon.crew import ProcessCrew
from gateway.daemon.drain import CREW_SHARE, Closing, drain
from gateway.daemon.scheduler import Scheduler
from gateway.daemon.supervisor import Supervisor
from gateway.daemon.worker import Bells
from gateway.domain.clock import SystemClock
from gateway.domain.errors import TransientError
from tests.unit.daemon import errands, servers
from tests.unit.daemon.doubles import WAIT, HeardLog, Steps, eventually

CLOCK = SystemClock()


class Parts:
    def __init__(self) -> None:
        self.log = HeardLog()
        self.crew = ProcessCrew(1, log=self.log, clock=CLOCK)
        self.scheduler = Scheduler(log=self.log, clock=CLOCK)
        self.children: list[SupervisedChild] = []
        self.supervisor = Supervisor([], bells=Bells(), clock=CLOCK, log=self.log, on_collapse=lambda: None)
        self.scheduler.start()

    def child(self, serve: Any) -> None:
        child = SupervisedChild("server", serve, None, log=self.log, clock=CLOCK)
        child.start()
        child.wait_ready(WAIT)
        self.children.append(child)

    def drain(self, deadline: float, *, crew: Closing | None = None) -> bool:
        crews = [crew or self.crew]
        return drain(self.supervisor, crews, self.children, self.scheduler, deadline=deadline, clock=CLOCK)


@pytest.fixture
def parts() -> Iterator[Parts]:
    parts = Parts()
    yield parts
    parts.drain(0.0)


def test_idle_parts_end_by_themselves(parts: Parts) -> None:
    parts.child(servers.echo)
    parts.supervisor.swap([Steps("pack", lambda: None)], 0.0)
    parts.crew.run(errands.double, 1).result(WAIT)
    assert parts.drain(WAIT)
    assert parts.crew.pids == ()
    assert parts.children[0].pid is None


class Hurried:
    """A crew whose share of the deadline is over at once; the others have the rest, however busy the machine is."""

    def __init__(self, crew: ProcessCrew) -> None:
        self.share = 0.0
        self._crew = crew

    def close(self, deadline: float) -> None:
        self.share = deadline
        self._crew.close(0.1)


def test_a_worker_that_waits_for_a_crew_is_freed_when_the_crew_is_ended(parts: Parts, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    running = threading.Event()
    outcomes: list[Future[bytes]] = []

    def step() -> None:
        outcomes.append(parts.crew.run(errands.wait_for, str(fifo), lambda _done: running.set()))
        outcomes[0].result()

    parts.supervisor.swap([Steps("pack", step)], 0.0)
    eventually(running)
    crew = Hurried(parts.crew)
    assert parts.drain(WAIT, crew=crew)
    assert 0.0 < crew.share <= WAIT * CREW_SHARE
    error = outcomes[0].exception(0)
    assert isinstance(error, TransientError)
    assert error.code == "stopping"


def test_what_hangs_is_said_and_keeps_nothing_else(parts: Parts) -> None:
    entered, release = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        eventually(release)

    parts.child(servers.deaf)
    parts.supervisor.swap([Steps("send", hang)], 0.0)
    eventually(entered)
    assert not parts.drain(0.5)
    assert parts.log.of("worker-did-not-stop")[0]["worker"] == "send"
    assert parts.children[0].pid is None
    release.set()
