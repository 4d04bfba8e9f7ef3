"""What a crew promises of its children: isolation, intact errors, bounded news, a clean end."""

import os
import select
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.crew import InlineCrew, ProcessCrew
from gateway.daemon.crewseat import Rules
from gateway.daemon.frames import MAX_BODY, Kind, packed
from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError, PermanentError, Scope, SecurityError, TransientError
from tests.unit.daemon import errands
from tests.unit.daemon.doubles import WAIT, HeardLog, eventually


@pytest.fixture
def log() -> HeardLog:
    return HeardLog()


@pytest.fixture
def crew(log: HeardLog) -> Iterator[ProcessCrew]:
    crew = ProcessCrew(2, log=log, clock=SystemClock())
    yield crew
    crew.close(0.0)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def failure(future: "Future[Any]") -> GatewayError:
    error = future.exception(WAIT)
    assert isinstance(error, GatewayError)
    return error


def blocked(crew: ProcessCrew, fifo: Path) -> "Future[bytes]":
    """Start work that runs, and blocks until the fifo is written or its child killed."""
    running = threading.Event()
    future = crew.run(errands.wait_for, str(fifo), lambda _done: running.set())
    eventually(running)
    return future


def test_a_thread_that_cannot_be_made_costs_the_crew_no_place(
    crew: ProcessCrew, fifo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        assert failure(crew.run(errands.double, 21)).code == "worker-unstartable"
    first = blocked(crew, fifo)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        waiting = crew.run(errands.double, 21)
    assert not waiting.done()
    assert crew.run(errands.double, 4).result(WAIT) == 8, "there is a place for another"
    fifo.write_bytes(b"go on")
    first.result(WAIT)
    assert waiting.result(WAIT) == 42


def test_a_result_comes_back_from_another_process(crew: ProcessCrew) -> None:
    assert crew.run(errands.double, 21).result(WAIT) == 42
    assert crew.run(errands.who, None).result(WAIT) != os.getpid()


def test_values_of_our_own_come_back_equal(crew: ProcessCrew) -> None:
    assert crew.run(errands.values, None).result(WAIT) == errands.values(None, lambda _done: None)


def test_a_gateway_error_travels_intact_and_the_child_lives_on(crew: ProcessCrew) -> None:
    before = crew.run(errands.who, None).result(WAIT)
    error = failure(crew.run(errands.fail, "member 3"))
    assert type(error) is PermanentError
    assert (error.code, error.detail, error.scope, error.facts) == ("zip-crc", "member 3", Scope.ROUTE, {"member": 3})
    assert crew.run(errands.who, None).result(WAIT) == before


def test_a_killed_child_fails_only_its_own_work_and_is_replaced(log: HeardLog, crew: ProcessCrew, fifo: Path) -> None:
    victim = blocked(crew, fifo)
    (pid,) = crew.pids
    neighbour = crew.run(errands.double, 1)
    os.kill(pid, signal.SIGKILL)
    error = failure(victim)
    assert (type(error), error.code) == (TransientError, "worker-died")
    assert neighbour.result(WAIT) == 2
    assert log.of("crew-child-died") == [{"crew": "crew", "exit_code": -9, "at_work": True}]
    assert [crew.run(errands.double, n).result(WAIT) for n in range(4)] == [0, 2, 4, 6]


def test_a_child_that_kills_itself_each_time_fails_each_time(crew: ProcessCrew) -> None:
    assert [failure(crew.run(errands.kill_itself, None)).code for _ in range(3)] == ["worker-died"] * 3


def test_a_child_killed_while_idle_fails_no_work(crew: ProcessCrew) -> None:
    pid = crew.run(errands.who, None).result(WAIT)
    os.kill(pid, signal.SIGKILL)
    assert crew.run(errands.who, None).result(WAIT) != pid


def test_out_of_memory_is_a_death(crew: ProcessCrew) -> None:
    assert failure(crew.run(errands.exhaust, None)).code == "worker-died"


def test_a_bug_holds_its_work_names_the_place_and_quotes_nothing(log: HeardLog, crew: ProcessCrew) -> None:
    before = crew.run(errands.who, None).result(WAIT)
    error = failure(crew.run(errands.blunder, None))
    assert (type(error), error.code) == (PermanentError, "worker-bug")
    (facts,) = log.of("crew-bug")
    assert "KeyError" in str(facts["place"])
    assert "in blunder" in str(facts["place"])
    assert "name of a person" not in str(facts) + str(error)
    assert crew.run(errands.who, None).result(WAIT) != before


@pytest.mark.parametrize("work", [errands.answer_with_trap, errands.answer_with_own_class])
def test_an_answer_that_is_no_value_is_refused_and_never_called(
    crew: ProcessCrew, work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = failure(crew.run(work, None))
    assert (type(error), error.code) == (SecurityError, "worker-answer-refused")
    assert list(tmp_path.iterdir()) == []
    assert crew.run(errands.double, 2).result(WAIT) == 4


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff" * 5,  # no such kind
        struct.pack("<BI", Kind.RESULT, MAX_BODY + 1),
        struct.pack("<BI", Kind.FAILED, len(packed("no error"))) + packed("no error"),
        struct.pack("<BI", Kind.READY, 0),
        struct.pack("<BI", Kind.READY, len(packed({}))) + packed({}),
    ],
)
def test_a_child_that_babbles_is_ended(crew: ProcessCrew, raw: bytes) -> None:
    error = failure(crew.run(errands.babble, raw))
    assert (type(error), error.code) == (SecurityError, "worker-answer-refused")
    assert crew.pids == ()
    assert crew.run(errands.double, 2).result(WAIT) == 4


def test_without_room_for_a_process_the_work_is_tried_again_later(
    crew: ProcessCrew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    error = failure(crew.run(errands.double, 2))
    assert (type(error), error.code, error.scope) == (TransientError, "worker-unstartable", Scope.NODE)
    monkeypatch.undo()
    assert crew.run(errands.double, 2).result(WAIT) == 4


def test_work_that_is_cancelled_before_it_began_is_never_begun(log: HeardLog, fifo: Path) -> None:
    crew = ProcessCrew(1, log=log, clock=SystemClock())
    running = blocked(crew, fifo)
    waiting = crew.run(errands.kill_itself, None)
    assert waiting.cancel()
    fifo.write_bytes(b"go on")
    assert running.result(WAIT) == b"go on"
    assert crew.run(errands.double, 2).result(WAIT) == 4
    assert log.of("crew-child-died") == []
    crew.close(0.0)


def test_a_crew_of_nobody_is_refused(log: HeardLog) -> None:
    with pytest.raises(ValueError, match="at least one"):
        ProcessCrew(0, log=log, clock=SystemClock())


def test_a_child_takes_little_memory(crew: ProcessCrew) -> None:
    assert crew.run(errands.resident_bytes, None).result(WAIT) < 40 << 20


def test_what_the_first_errands_have_loaded_is_left_out_of_every_collection(crew: ProcessCrew) -> None:
    """Of two: the first may only make ready for the second, which loads the tables of the standard."""
    assert crew.run(errands.frozen, None).result(WAIT) == 0
    assert crew.run(errands.loads_tables, None).result(WAIT) > 1000
    third, fourth = (crew.run(errands.frozen, None).result(WAIT) for _ in range(2))
    assert third >= fourth > errands.TABLES + 1000


def test_a_result_that_cannot_travel_is_a_bug_of_the_work(crew: ProcessCrew) -> None:
    assert failure(crew.run(errands.not_picklable, None)).code == "worker-bug"


def test_an_argument_that_cannot_travel_fails_the_future_and_not_the_crew(crew: ProcessCrew) -> None:
    assert crew.run(errands.recall, threading.Lock()).exception(WAIT) is not None  # type: ignore[arg-type]  # the point
    assert crew.run(errands.double, 2).result(WAIT) == 4


def test_work_that_no_child_could_find_is_refused_at_once(crew: ProcessCrew) -> None:
    with pytest.raises(ValueError, match="top level"):
        crew.run(lambda argument, _report: argument, 1)


def test_the_secret_goes_over_the_line_only(log: HeardLog) -> None:
    rules = Rules(initialise=errands.remember, secret="open sesame")
    assert "sesame" not in repr(rules)
    crew = ProcessCrew(1, log=log, clock=SystemClock(), rules=rules)
    try:
        assert crew.run(errands.recall, None).result(WAIT) == "open sesame"
        assert "sesame" not in crew.run(errands.arguments_and_environment, None).result(WAIT)
        os.kill(crew.pids[0], signal.SIGKILL)
        assert crew.run(errands.recall, None).result(WAIT) == "open sesame"
    finally:
        crew.close(0.0)


def test_a_child_that_cannot_be_initialised_fails_the_work(log: HeardLog) -> None:
    rules = Rules(initialise=errands.refuse_secret, secret="x")
    crew = ProcessCrew(1, log=log, clock=SystemClock(), rules=rules)
    try:
        assert failure(crew.run(errands.recall, None)).code == "passphrase-wrong"
        assert crew.pids == ()
    finally:
        crew.close(0.0)


def test_progress_is_heard_seldom_however_often_it_is_reported(crew: ProcessCrew) -> None:
    heard: list[int] = []
    assert crew.run(errands.report_much, 300_000, heard.append).result(WAIT) == 300_000
    assert heard[0] == 0
    assert heard == sorted(heard)
    assert len(heard) < 100


def test_a_listener_that_raises_ends_the_work(crew: ProcessCrew, tmp_path: Path) -> None:
    def listen(done: int) -> None:
        if done > 1:
            raise TransientError("stopping")

    future = crew.run(errands.report_until_told, str(tmp_path / "never"), listen)
    assert failure(future).code == "stopping"
    assert crew.run(errands.double, 2).result(WAIT) == 4


def test_a_silent_child_is_ended(log: HeardLog, fifo: Path) -> None:
    rules = Rules(silence=1.0)
    crew = ProcessCrew(1, log=log, clock=SystemClock(), rules=rules)
    try:
        assert failure(crew.run(errands.wait_for, str(fifo))).code == "worker-stalled"
        assert crew.pids == ()
        object.__setattr__(rules, "silence", WAIT)  # what the next child may take to start where all are busy
        assert crew.run(errands.double, 2).result(WAIT) == 4
    finally:
        crew.close(0.0)


def test_an_idle_child_is_let_go_and_comes_back_when_needed(log: HeardLog) -> None:
    crew = ProcessCrew(1, log=log, clock=SystemClock(), rules=Rules(rest_after=0.0))
    try:
        first = crew.run(errands.who, None).result(WAIT)
        assert crew.run(errands.who, None).result(WAIT) != first
    finally:
        crew.close(0.0)


def test_children_do_not_heed_the_signals_of_the_terminal_and_of_systemd(crew: ProcessCrew) -> None:
    assert crew.run(errands.ignore_signals, None).result(WAIT) == "still here"


def test_a_child_holds_only_what_its_work_needs(crew: ProcessCrew) -> None:
    loaded = crew.run(errands.loaded_modules, None).result(WAIT)
    heavy = {"loguru", "apscheduler", "pydantic", "sqlalchemy", "paramiko", "asyncssh", "typer", "rich", "yaml"}
    assert heavy.isdisjoint(loaded)


def test_closing_fails_what_waits_at_once_and_lets_what_runs_end(log: HeardLog, fifo: Path) -> None:
    crew = ProcessCrew(1, log=log, clock=SystemClock())
    running = blocked(crew, fifo)
    waiting = crew.run(errands.double, 2)
    closer = threading.Thread(target=crew.close, args=(WAIT,))
    closer.start()
    assert failure(waiting).code == "stopping"
    fifo.write_bytes(b"go on")
    assert running.result(WAIT) == b"go on"
    closer.join(WAIT)
    assert not closer.is_alive()
    assert failure(crew.run(errands.double, 2)).code == "stopping"


def test_closing_kills_what_outlasts_the_deadline(log: HeardLog, fifo: Path) -> None:
    crew = ProcessCrew(1, log=log, clock=SystemClock())
    running = blocked(crew, fifo)
    (pid,) = crew.pids
    crew.close(0.0)
    assert failure(running).code == "stopping"
    assert gone(pid)
    crew.close(0.0)


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path, fifo: Path) -> None:
    program = f"""
import os, signal
from gateway.daemon.crew import ProcessCrew
from gateway.daemon.frames import MAX_BODY, Kind, packed
from gateway.domain.clock import SystemClock
from tests.unit.daemon import errands
from tests.unit.daemon.doubles import HeardLog
crew = ProcessCrew(2, log=HeardLog(), clock=SystemClock())
idle = crew.run(errands.who, None).result()
crew.run(errands.wait_for, {str(fifo)!r}, lambda done: print(*crew.pids, idle, flush=True))
signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        assert parent.stdout is not None
        pids = {int(pid) for pid in parent.stdout.readline().split()}
        watches = [os.pidfd_open(pid) for pid in pids]
        parent.kill()
        parent.wait()

    for watch in watches:
        assert select.select([watch], [], [], WAIT)[0], "an orphan lives on"
        os.close(watch)


class TestInline:
    def test_it_has_the_same_face(self) -> None:
        crew = InlineCrew()
        heard: list[int] = []
        assert crew.run(errands.report_much, 3, heard.append).result(0) == 3
        assert heard == [0, 1, 2]
        assert failure(crew.run(errands.fail, "x")).code == "zip-crc"
        with pytest.raises(ValueError, match="top level"):
            crew.run(lambda argument, _report: argument, 1)

    def test_a_bug_is_seen_as_it_is(self) -> None:
        assert isinstance(InlineCrew().run(errands.blunder, None).exception(0), KeyError)
