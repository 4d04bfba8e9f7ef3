"""Threads for whoever has something to do: few for many short steps, more for those that last, none for who waits."""

import threading
from collections.abc import Iterator

import pytest

from gateway.daemon.rota import AT_ONCE, FEW, LONGEST, PATIENCE, Rota
from gateway.daemon.supervisor import Supervisor
from gateway.daemon.worker import Bells
from gateway.domain.clock import SystemClock
from tests.support.outbound import SettableClock
from tests.unit.daemon.doubles import WAIT, HeardLog, Steps, eventually


@pytest.fixture
def rota() -> Iterator[Rota]:
    rota = Rota(SystemClock())
    yield rota
    rota.close(WAIT)


def _hold(event: threading.Event) -> None:
    event.wait(WAIT)


def _pass(barrier: threading.Barrier) -> None:
    barrier.wait(WAIT)


def test_work_that_lasts_gets_threads_beyond_those_that_are_made_at_once(rota: Rota) -> None:
    together = threading.Barrier(AT_ONCE + 5)
    for _ in range(AT_ONCE + 4):
        rota.now(lambda: _pass(together))
    together.wait(WAIT)


def test_work_for_which_no_thread_could_be_made_is_done_later(rota: Rota, monkeypatch: pytest.MonkeyPatch) -> None:
    start, tries = threading.Thread.start, list[str]()

    def twice_none_left(thread: threading.Thread) -> None:
        if thread.name == "hand" and len(tries) < 2:
            tries.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", twice_none_left)
    done, due = threading.Event(), threading.Event()
    rota.now(done.set)
    eventually(done)
    assert len(tries) == 2
    rota.at(SystemClock().monotonic(), lambda: rota.soon(due.set))
    eventually(due)


def test_what_has_its_time_with_others_waits_for_them_but_not_for_long(rota: Rota) -> None:
    last, held = threading.Event(), threading.Event()
    for _ in range(FEW):
        rota.soon(lambda: _hold(held))
    rota.soon(last.set)
    eventually(last)
    held.set()


def test_short_work_whose_time_has_come_together_follows_each_other_in_few_threads() -> None:
    rota = Rota(SettableClock())  # whose time stands still: nobody runs out of patience
    held, done = threading.Event(), threading.Semaphore(0)
    threads: set[int] = set()

    def work() -> None:
        held.wait(WAIT)
        threads.add(threading.get_ident())
        done.release()

    for _ in range(20):
        rota.soon(work)
    held.set()
    for _ in range(20):
        assert done.acquire(timeout=WAIT)
    assert len(threads) <= FEW
    rota.close(WAIT)


def test_what_waits_and_gets_on_takes_no_further_thread() -> None:
    clock = SettableClock()
    rota = Rota(clock)
    held, done = threading.Event(), threading.Semaphore(0)
    threads: set[int] = set()

    def work() -> None:
        held.wait(WAIT)
        threads.add(threading.get_ident())
        clock.seconds += PATIENCE / 2
        done.release()

    count = int(LONGEST / PATIENCE)
    for _ in range(count):
        rota.soon(work)
    held.set()
    for _ in range(count):
        assert done.acquire(timeout=WAIT)
    assert len(threads) == FEW
    rota.close(WAIT)


def test_what_has_waited_for_long_is_helped_although_it_gets_on() -> None:
    clock = SettableClock()
    rota = Rota(clock)
    held, last = threading.Event(), threading.Event()

    def work() -> None:
        held.wait(WAIT)
        clock.seconds += PATIENCE / 2

    for _ in range(int(2 * LONGEST / PATIENCE) + 10):
        rota.soon(work)
    rota.soon(lambda: _hold(last))  # until the one behind it is done in another thread
    rota.soon(last.set)
    held.set()
    eventually(last)
    rota.close(WAIT)


def test_what_is_due_is_called_in_its_order(rota: Rota) -> None:
    called: list[str] = []
    done, held = threading.Event(), threading.Event()
    now = SystemClock().monotonic()
    rota.at(now + 3600, lambda: called.append("last"))
    rota.at(now, lambda: _hold(held))  # or what is due first could be called before the others are named
    rota.at(now + 0.03, done.set)
    rota.at(now + 0.02, lambda: called.append("second"))
    rota.at(now + 0.01, lambda: called.append("first"))
    held.set()
    eventually(done)
    assert called == ["first", "second"]


def test_closing_does_what_waits_and_ends_the_threads() -> None:
    before = set(threading.enumerate())
    rota = Rota(SystemClock())
    done = threading.Semaphore(0)
    for _ in range(AT_ONCE * 3):
        rota.now(done.release)
    rota.at(SystemClock().monotonic() + 3600, done.release)
    rota.close(WAIT)
    for _ in range(AT_ONCE * 3):
        assert done.acquire(timeout=WAIT)
    for thread in set(threading.enumerate()) - before:
        thread.join(WAIT)
    assert set(threading.enumerate()) <= before


def test_rests_that_begin_one_after_the_other_end_together_and_never_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time at which some end wakes two threads."""
    ends: list[float] = []
    monkeypatch.setattr(Rota, "at", lambda _rota, due, _work: ends.append(due))
    workers = [Steps(f"leg-{number}", lambda: 10.0) for number in range(200)]
    clock = SystemClock()
    supervisor = Supervisor(workers, bells=Bells(), clock=clock, log=HeardLog(), on_collapse=lambda: None)
    began = clock.monotonic()
    supervisor.start()
    for worker in workers:
        worker.until(1)
    assert supervisor.stop(WAIT) == ()
    ended = clock.monotonic()
    assert len(set(ends)) <= 2 + (ended - began) / 0.25
    assert began + 10.0 <= min(ends)
    assert max(ends) <= ended + 10.25


def test_hundreds_of_waiting_workers_take_no_thread_and_each_is_rung() -> None:
    before = threading.active_count()
    bells, log = Bells(), HeardLog()
    workers = [Steps(f"leg-{number}", lambda: None) for number in range(300)]
    supervisor = Supervisor(workers, bells=bells, clock=SystemClock(), log=log, on_collapse=lambda: None)
    supervisor.start()
    for worker in workers:
        worker.until(1)
    assert threading.active_count() - before < 100
    for worker in workers:
        bells.ring(worker.name)
    for worker in workers:
        worker.until(2)
    assert supervisor.stop(WAIT) == ()
    assert log.lines == []
