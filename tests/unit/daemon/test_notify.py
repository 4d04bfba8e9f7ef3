"""What systemd is told, and when the watchdog goes hungry."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.daemon.notify import UNWATCHED_SECONDS, Notifier, WatchdogFeeder
from gateway.daemon.supervisor import Policy, Supervisor
from gateway.daemon.worker import Bells
from tests.unit.daemon.doubles import WAIT, FakeClock, HeardLog, Steps, eventually


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def manager_end(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield end


def heard(end: socket.socket) -> list[list[str]]:
    found = []
    while True:
        try:
            found.append(end.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return found


def notifier(end: socket.socket, clock: FakeClock, seconds: float | None = None) -> Notifier:
    return Notifier(end.getsockname(), seconds, clock)


def test_each_word_is_one_datagram(manager_end: socket.socket, clock: FakeClock) -> None:
    notify = notifier(manager_end, clock)
    assert notify.ready("平安 3 links up")
    assert notify.reloading()
    assert notify.say("two\nlines")
    assert notify.alive()
    assert notify.stopping()
    assert heard(manager_end) == [
        ["READY=1", "STATUS=平安 3 links up"],
        ["RELOADING=1", "MONOTONIC_USEC=1000000000"],
        ["STATUS=two lines"],
        ["WATCHDOG=1"],
        ["STOPPING=1"],
    ]


def test_an_abstract_socket_is_reached(clock: FakeClock) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("")  # the kernel chooses an abstract name
        name = end.getsockname()
        end.setblocking(False)
        assert Notifier("@" + name[1:].decode(), None, clock).ready()
        assert heard(end) == [["READY=1"]]


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "/nonexistent/notify"])
def test_without_a_listener_nothing_happens(address: str | None, clock: FakeClock) -> None:
    notify = Notifier(address, None, clock)
    assert not notify.ready()
    assert not notify.alive()


def test_a_listener_that_does_not_read_holds_up_nobody(manager_end: socket.socket, clock: FakeClock) -> None:
    notify = notifier(manager_end, clock)
    while notify.alive():
        pass
    assert heard(manager_end)


def test_nothing_to_say_is_not_said(manager_end: socket.socket, clock: FakeClock) -> None:
    assert not notifier(manager_end, clock).say("")
    assert heard(manager_end) == []


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_ours_only_if_it_says_so(
    environ: dict[str, str], seconds: float | None, clock: FakeClock
) -> None:
    assert Notifier.from_environment(environ, 77, clock).watchdog_seconds == seconds


class TestFeeder:
    def test_it_feeds_three_times_as_often_as_it_must(self, clock: FakeClock) -> None:
        assert WatchdogFeeder(Notifier(None, 90.0, clock), tuple, HeardLog()).period == 30.0
        assert WatchdogFeeder(Notifier(None, None, clock), tuple, HeardLog()).period == UNWATCHED_SECONDS

    def test_it_is_not_fed_while_a_step_is_stuck(self, manager_end: socket.socket, clock: FakeClock) -> None:
        entered, release = threading.Event(), threading.Event()

        def hang() -> None:
            entered.set()
            eventually(release)

        log = HeardLog()
        supervisor = Supervisor(
            [Steps("send", hang, lambda: None)],
            bells=Bells(),
            clock=clock,
            log=log,
            on_collapse=lambda: None,
            policy=Policy(allowance=300.0),
        )
        feeder = WatchdogFeeder(notifier(manager_end, clock, 90.0), supervisor.stuck, log)
        supervisor.start()
        try:
            eventually(entered)
            assert feeder.feed()
            assert heard(manager_end) == [["WATCHDOG=1"]]
            clock.time += 301.0
            assert not feeder.feed()
            assert not feeder.feed()
            assert heard(manager_end) == []
            assert log.of("worker-stuck") == [{"worker": "send"}]
            supervisor.beat("send")
            assert feeder.feed()
            assert heard(manager_end) == [["WATCHDOG=1"]]
            assert log.of("worker-goes-on") == [{"worker": "send"}]
        finally:
            release.set()
            assert supervisor.stop(WAIT) == ()
