"""How the daemon's main thread starts, reloads, collapses and ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.daemon import process
from gateway.daemon.notify import Notifier, WatchdogFeeder
from gateway.daemon.process import EXIT_COLLAPSED, MainLoop
from gateway.daemon.signals import SignalInbox
from gateway.daemon.vital import VitalThread
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError
from tests.unit.daemon.doubles import WAIT, HeardLog, eventually


def send(*numbers: signal.Signals) -> Callable[[], None]:
    def now() -> None:
        for number in numbers:
            os.kill(os.getpid(), number)

    return now


class Script:
    """A node that plays a scene at each look at whether it has collapsed."""

    def __init__(self, *scenes: Callable[[], None]) -> None:
        self.scenes = list(scenes)
        self.events: list[str] = []
        self.fallen: str | None = None
        self.whole = True
        self.reload_error: Exception | None = None
        self.refreshed = 0
        self.start_error: Exception | None = None
        self.summary_error: Exception | None = None
        self.drain_step: Callable[[], None] = lambda: None

    def start(self) -> None:
        self.events.append("start")
        if self.start_error is not None:
            raise self.start_error

    def reload(self) -> None:
        self.events.append("reload")
        if self.reload_error is not None:
            raise self.reload_error

    def refresh(self) -> None:
        self.refreshed += 1

    def collapsed(self) -> str | None:
        if self.scenes:
            self.scenes.pop(0)()
        return self.fallen

    def summary(self) -> str:
        if self.summary_error is not None:
            raise self.summary_error
        return "well"

    def drain(self, deadline: float) -> bool:
        self.events.append(f"drain {deadline}")
        self.drain_step()
        return self.whole


class Stand:
    """A main loop around a script, with the service manager's end of the line."""

    def __init__(self, manager_end: socket.socket) -> None:
        self.log = HeardLog()
        self.inbox = SignalInbox()
        self.ends: list[int] = []
        self.ended = threading.Event()
        self._manager_end = manager_end

    def run(self, node: Script, stuck: tuple[str, ...] = ()) -> int:
        clock = SystemClock()
        notifier = Notifier(self._manager_end.getsockname(), 90.0, clock)
        feeder = WatchdogFeeder(notifier, lambda: stuck, self.log)
        loop = MainLoop(
            node, inbox=self.inbox, notifier=notifier, feeder=feeder, clock=clock, log=self.log, end=self._end
        )
        return loop.run()

    def _end(self, code: int) -> None:
        self.ends.append(code)
        self.ended.set()

    def said(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self._manager_end.recv(4096).decode().split("\n")[0])
            except BlockingIOError:
                return found


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield Stand(end)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_zero(stand: Stand, number: signal.Signals) -> None:
    node = Script(send(number))
    assert stand.run(node) == 0
    assert node.events == ["start", f"drain {process.DRAIN_SECONDS}"]
    assert stand.said() == ["READY=1", "WATCHDOG=1", "STATUS=well", "STOPPING=1"]
    assert stand.ends == []


def test_afterwards_signals_mean_what_they_meant_before(stand: Stand) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    stand.run(Script(send(signal.SIGTERM)))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_hangup_reloads_and_the_node_goes_on(stand: Stand) -> None:
    node = Script(send(signal.SIGHUP), send(signal.SIGTERM))
    assert stand.run(node) == 0
    assert node.events == ["start", "reload", f"drain {process.DRAIN_SECONDS}"]
    assert stand.said()[3:5] == ["RELOADING=1", "READY=1"]
    assert stand.log.of("reloaded") == [{}]


@pytest.mark.parametrize("error", [ConfigError("key-unknown", "links.d/hub.yaml:3:1"), KeyError("bug")])
def test_a_refused_reload_changes_nothing_and_is_said(stand: Stand, error: Exception) -> None:
    node = Script(send(signal.SIGHUP), send(signal.SIGTERM))
    node.reload_error = error
    assert stand.run(node) == 0
    assert len(stand.log.of("reload-refused")) == 1
    assert stand.said()[3:5] == ["RELOADING=1", "READY=1"]


def test_a_stop_wins_over_a_reload(stand: Stand) -> None:
    node = Script(send(signal.SIGHUP, signal.SIGTERM))
    assert stand.run(node) == 0
    assert "reload" not in node.events


def test_a_collapse_wakes_the_loop_drains_and_ends_with_seventy(stand: Stand) -> None:
    node = Script()

    def fall() -> None:
        node.fallen = "pack"
        stand.inbox.wake()

    node.scenes.append(lambda: threading.Thread(target=fall).start())
    assert stand.run(node) == EXIT_COLLAPSED == 70
    assert node.events[-1].startswith("drain")
    assert stand.log.of("daemon-collapsed") == [{"worker": "pack"}]


def test_a_thread_that_nobody_replaces_takes_the_process_along_when_it_dies(stand: Stand) -> None:
    node = Script()

    def rot() -> None:
        raise KeyError("a bug")

    node.scenes.append(lambda: VitalThread(rot, "rota").start())
    assert stand.run(node) == EXIT_COLLAPSED
    assert node.events[-1].startswith("drain")
    assert stand.log.of("thread-died") == [{"thread": "rota", "vital": True}]
    assert stand.log.of("daemon-collapsed") == [{"worker": "rota"}]


def test_a_thread_that_is_replaced_is_told_of_and_ends_nothing(stand: Stand) -> None:
    before = threading.excepthook

    def die() -> None:
        thread = threading.Thread(target=[].pop, name="ears")
        thread.start()
        thread.join()
        stand.inbox.wake()  # else the loop looks again when the watchdog wants to be fed, half a minute later

    assert stand.run(Script(die, send(signal.SIGTERM))) == 0
    assert stand.log.of("thread-died") == [{"thread": "ears", "vital": False}]
    assert threading.excepthook is before


def test_a_stuck_worker_starves_the_watchdog_but_not_the_reader(stand: Stand) -> None:
    stand.run(Script(send(signal.SIGTERM)), stuck=("send",))
    assert stand.said() == ["READY=1", "STATUS=well", "STOPPING=1"]


@pytest.mark.parametrize("error", [ConfigError("port-in-use"), KeyError("bug")])
def test_a_node_that_cannot_start_is_drained_and_its_error_raised(stand: Stand, error: Exception) -> None:
    node = Script()
    node.start_error = error
    with pytest.raises(type(error)) as raised:
        stand.run(node)
    assert raised.value is error
    assert node.events == ["start", f"drain {process.DRAIN_SECONDS}"]
    assert "READY=1" not in stand.said()


@pytest.mark.parametrize("error", [ConfigError("ledger-busy"), KeyError("bug")])
def test_a_line_for_people_that_cannot_be_made_ends_nothing(stand: Stand, error: Exception) -> None:
    node = Script(send(signal.SIGTERM))
    node.summary_error = error
    assert stand.run(node) == 0
    assert stand.said() == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_what_hangs_after_the_drain_is_left_behind(stand: Stand) -> None:
    node = Script(send(signal.SIGTERM))
    node.whole = False
    assert stand.run(node) == 0
    assert stand.ends == [0]
    assert stand.log.of("daemon-stopped") == [{"exit_code": 0, "whole": False}]


def test_a_drain_that_fails_ends_all_the_same(stand: Stand) -> None:
    node = Script(send(signal.SIGTERM))

    def fail() -> None:
        raise KeyError("x")

    node.drain_step = fail
    assert stand.run(node) == 0
    assert stand.ends == [0]


def test_a_drain_that_hangs_is_cut_off(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "DRAIN_SECONDS", 0.0)
    monkeypatch.setattr(process, "GUARD_SECONDS", 0.01)
    node = Script(send(signal.SIGTERM))
    node.drain_step = lambda: eventually(stand.ended)
    stand.run(node)
    assert stand.ends == [0]
    assert stand.log.of("drain-cut-off") == [{"seconds": 0.0}]


def test_waking_an_inbox_that_is_closed_is_nothing(stand: Stand) -> None:
    stand.run(Script(send(signal.SIGTERM)))
    stand.inbox.wake()


DAEMON = """
import sys, threading
from gateway.daemon.notify import Notifier, WatchdogFeeder
from gateway.daemon.process import MainLoop
from gateway.daemon.signals import SignalInbox
from gateway.daemon.supervisor import Policy, Supervisor
from gateway.daemon.worker import Bells
from gateway.domain.clock import SystemClock
from tests.unit.daemon.doubles import HeardLog

class Hangs:
    name = "send"
    def step(self):
        print("in step", flush=True)
        threading.Event().wait()

class Dies:
    name = "pack"
    def step(self):
        raise KeyError

class Node:
    def __init__(self, worker):
        self.supervisor = Supervisor([worker], bells=Bells(), clock=clock, log=log, on_collapse=inbox.wake,
                                     policy=Policy(restart_pause=0.0))
    def start(self): self.supervisor.start()
    def reload(self): pass
    def refresh(self): pass
    def summary(self): return ""
    def collapsed(self): return self.supervisor.collapsed
    def drain(self, deadline): return self.supervisor.stop(0.1) == ()

clock, log, inbox = SystemClock(), HeardLog(), SignalInbox()
notifier = Notifier(None, None, clock)
node = Node(Hangs() if sys.argv[1] == "hangs" else Dies())
feeder = WatchdogFeeder(notifier, node.supervisor.stuck, log)
sys.exit(MainLoop(node, inbox=inbox, notifier=notifier, feeder=feeder, clock=clock, log=log).run())
"""


@pytest.fixture
def daemon() -> Iterator[Callable[[str], "subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(how: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", DAEMON, how]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, env=environment))
        return started[-1]

    yield start
    for running in started:
        running.kill()
        running.communicate()


def test_a_real_process_with_a_hanging_step_ends_with_zero(
    daemon: Callable[[str], "subprocess.Popen[bytes]"],
) -> None:
    running = daemon("hangs")
    assert running.stdout is not None
    assert running.stdout.readline() == b"in step\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(WAIT) == 0


def test_a_real_process_whose_worker_dies_three_times_ends_with_seventy(
    daemon: Callable[[str], "subprocess.Popen[bytes]"],
) -> None:
    assert daemon("dies").wait(WAIT) == EXIT_COLLAPSED
