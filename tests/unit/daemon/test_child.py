"""What a long-lived child is promised and promises: readiness, news, new arguments, restarts, an end in time."""

import os
import queue
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.daemon.child import ChildPolicy, SupervisedChild
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError, GatewayError, TransientError
from tests.unit.daemon import servers
from tests.unit.daemon.doubles import WAIT, HeardLog

Start = Callable[..., SupervisedChild]


@pytest.fixture
def log() -> HeardLog:
    return HeardLog()


@pytest.fixture
def start(log: HeardLog) -> Iterator[Start]:
    started: list[SupervisedChild] = []

    def begin(serve: Any, argument: Any, **named: Any) -> SupervisedChild:
        policy = named.pop("policy", ChildPolicy(first_backoff=0.01))
        child = SupervisedChild("server", serve, argument, log=log, clock=SystemClock(), policy=policy, **named)
        started.append(child)
        child.start()
        return child

    yield begin
    for child in started:
        child.stop(0.0)


def test_it_says_when_it_is_ready_and_with_what(start: Start) -> None:
    child = start(servers.echo, "first")
    assert child.wait_ready(WAIT) == {"port": 2222, "argument": "first"}
    assert child.pid != os.getpid()


def test_a_new_argument_reaches_it_without_a_restart(start: Start) -> None:
    news: queue.SimpleQueue[Any] = queue.SimpleQueue()
    child = start(servers.echo, "first", on_news=news.put)
    child.wait_ready(WAIT)
    before = child.pid
    child.reload("second")
    assert news.get(timeout=WAIT) == {"argument": "second"}
    assert (child.pid, child.deaths) == (before, 0)


def test_killed_it_is_started_again_with_the_newest_argument(start: Start) -> None:
    ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
    child = start(servers.echo, "first", on_ready=ready.put)
    assert ready.get(timeout=WAIT)["argument"] == "first"
    child.reload("second")
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    assert ready.get(timeout=WAIT)["argument"] == "second"
    assert child.deaths == 1


def test_a_death_before_it_is_ready_is_tried_again(start: Start, tmp_path: Any) -> None:
    child = start(servers.second_time_lucky, str(tmp_path / "mark"))
    assert child.wait_ready(WAIT)["argument"] == "later"
    assert child.deaths == 1


def test_what_keeps_it_from_serving_is_raised_where_it_is_waited_for(start: Start) -> None:
    with pytest.raises(ConfigError) as raised:
        start(servers.refuse, None).wait_ready(WAIT)
    assert raised.value.code == "port-in-use"


def test_a_bug_names_its_place_and_quotes_nothing(start: Start) -> None:
    with pytest.raises(GatewayError) as raised:
        start(servers.blunder, None).wait_ready(WAIT)
    assert raised.value.code == "child-bug"
    assert "in blunder" in raised.value.detail
    assert "secret" not in raised.value.detail


def test_one_that_is_not_ready_in_time_is_ended_and_tried_again(start: Start, log: HeardLog) -> None:
    child = start(servers.never_ready, None, policy=ChildPolicy(ready_within=0.3, first_backoff=0.01))
    with pytest.raises(TransientError) as raised:
        child.wait_ready(WAIT)
    assert raised.value.code == "child-not-ready"
    log.until("child-restarting", 2)


def test_the_pause_between_restarts_grows(start: Start, log: HeardLog) -> None:
    start(servers.refuse, None, policy=ChildPolicy(first_backoff=0.01, longest_backoff=0.04))
    pauses = [facts["pause_seconds"] for facts in log.until("child-restarting", 4)[:4]]
    assert pauses == [0.01, 0.02, 0.04, 0.04]


def test_asked_to_stop_it_ends_by_itself(start: Start, log: HeardLog) -> None:
    child = start(servers.echo, "first")
    child.wait_ready(WAIT)
    assert child.stop(WAIT)
    assert child.pid is None
    assert log.of("child-ended") == [{"child": "server", "exit_code": 0}]
    assert log.of("child-restarting") == []


def test_one_that_does_not_listen_is_killed_after_the_deadline(start: Start, log: HeardLog) -> None:
    child = start(servers.deaf, None)
    child.wait_ready(WAIT)
    assert not child.stop(0.0)
    assert log.of("child-ended") == [{"child": "server", "exit_code": -9}]


def test_without_room_for_a_process_it_is_tried_again(
    start: Start, log: HeardLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    child = start(servers.echo, "first")
    with pytest.raises(TransientError) as raised:
        child.wait_ready(WAIT)
    assert raised.value.code == "child-unstartable"
    monkeypatch.undo()
    log.until("child-ready")
    assert child.wait_ready(WAIT)["argument"] == "first"


def test_one_that_babbles_is_ended_and_started_again(start: Start, log: HeardLog) -> None:
    start(servers.babble, None)
    assert log.until("child-answer-refused", 2)[0]["child"] == "server"


def test_a_stop_before_a_start_is_nothing(log: HeardLog) -> None:
    child = SupervisedChild("server", servers.echo, None, log=log, clock=SystemClock())
    assert child.stop(0.0)


def test_a_stop_shortens_the_pause_before_a_restart(start: Start, log: HeardLog) -> None:
    child = start(servers.refuse, None, policy=ChildPolicy(first_backoff=3600.0, longest_backoff=3600.0))
    log.until("child-restarting")
    assert child.stop(WAIT)


def test_what_cannot_be_heard_ends_the_child_and_not_who_keeps_it(start: Start, log: HeardLog) -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def stumble(news: Any) -> None:
        heard.put(news)
        raise KeyError("a bug of ours")

    child = start(servers.echo, "first", on_news=stumble, policy=ChildPolicy(first_backoff=0.01))
    for count, argument in enumerate(("second", "third"), 1):
        log.until("child-ready", count)
        child.reload(argument)
        assert heard.get(timeout=WAIT) == {"argument": argument}
        assert log.until("child-answer-refused", count)[-1]["why"] == "KeyError"
    log.until("child-ready", 3)


def test_a_stray_hangup_does_not_end_it(start: Start) -> None:
    assert start(servers.ignores_hangup, None).wait_ready(WAIT)["argument"] == "alive"


def test_it_dies_with_a_parent_that_is_killed() -> None:
    program = """
import signal
from gateway.daemon.child import SupervisedChild
from gateway.domain.clock import SystemClock
from tests.unit.daemon import servers
from tests.unit.daemon.doubles import HeardLog
child = SupervisedChild("server", servers.deaf, None, log=HeardLog(), clock=SystemClock())
child.start()
child.wait_ready(20)
print(child.pid, flush=True)
signal.pause()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        watch = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert select.select([watch], [], [], WAIT)[0], "an orphan lives on"
    os.close(watch)
