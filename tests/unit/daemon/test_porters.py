"""Porters: no more threads than allowed, none where nothing is carried, the urgent first; a hanging one is seen."""

import threading

import pytest

from gateway.daemon.porters import InlinePorters, Porters
from gateway.domain.clock import SystemClock
from gateway.domain.records import known
from tests.unit.daemon.doubles import FakeClock

PATIENCE = 30.0


class Load:
    """Work that says when it began and ends when it may."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.thread: threading.Thread | None = None

    def __call__(self) -> None:
        self.thread = threading.current_thread()
        self.began.set()
        assert self.may_end.wait(PATIENCE)


def porters_there() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("porter-")}


def test_five_hundred_loads_make_no_more_threads_than_allowed() -> None:
    others = porters_there()  # of the test before, whose last breath may still be to come
    porters = Porters(4, SystemClock())
    loads = [Load() for _ in range(500)]
    futures = [porters.run(load, 5) for load in loads]
    assert all(load.began.wait(PATIENCE) for load in loads[:4])
    assert len(porters_there() - others) == 4
    for load in loads:
        load.may_end.set()
    for future in futures:
        future.result(PATIENCE)
    for thread in porters_there():
        thread.join(PATIENCE)
    assert porters_there() == set()


def test_of_what_waits_the_most_urgent_goes_first_then_the_longest_waiting() -> None:
    porters = Porters(1, SystemClock())
    first, done = Load(), list[str]()
    begun = porters.run(first, 9)
    assert first.began.wait(PATIENCE)
    futures = [porters.run(lambda name=name: done.append(name), rank) for name, rank in (("a", 5), ("b", 1), ("c", 5))]
    first.may_end.set()
    for future in (begun, *futures):
        future.result(PATIENCE)
    assert done == ["b", "a", "c"]


def test_what_has_not_begun_can_be_called_off() -> None:
    porters = Porters(1, SystemClock())
    first = Load()
    begun = porters.run(first, 5)
    assert first.began.wait(PATIENCE)
    called_off, after = porters.run(lambda: pytest.fail("called off"), 5), porters.run(lambda: None, 5)
    assert called_off.cancel()
    first.may_end.set()
    begun.result(PATIENCE)
    after.result(PATIENCE)


def test_one_that_comes_no_further_is_named_until_it_does() -> None:
    clock = FakeClock()
    porters = Porters(1, clock)
    load = Load()
    future = porters.run(load, 5)
    assert load.began.wait(PATIENCE)
    thread = known(load.thread)
    assert porters.stuck(300) == ()
    clock.time += 301
    assert porters.stuck(300) == (thread.name,)
    porters.beat(thread.name)
    porters.beat("somebody else")
    assert porters.stuck(300) == ()
    load.may_end.set()
    future.result(PATIENCE)
    thread.join(PATIENCE)


@pytest.mark.parametrize("porters", [Porters(1, SystemClock()), InlinePorters()], ids=["threads", "inline"])
def test_what_goes_wrong_is_told_to_whoever_asked(porters: Porters | InlinePorters) -> None:
    def work() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        porters.run(work, 5).result(PATIENCE)


def test_a_thread_that_cannot_be_made_costs_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    porters = Porters(1, SystemClock())

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError):
            porters.run(lambda: None, 1)
    done = list[str]()
    porters.run(lambda: done.append("later"), 1).result(PATIENCE)
    assert done == ["later"]
