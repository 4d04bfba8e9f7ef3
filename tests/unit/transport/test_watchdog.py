"""A watchdog fires once, when it should, and never otherwise."""

import threading

from gateway.domain.clock import SystemClock
from gateway.transport.watchdog import Watchdog

SOON, LONG = 0.02, 60.0


def test_it_fires_when_a_deadline_passes() -> None:
    fired = threading.Event()
    watchdog = Watchdog(fired.set, SOON, SystemClock(), "watchdog")
    watchdog.expect(SOON)
    assert fired.wait(LONG)
    assert watchdog.is_late
    watchdog.end()


def test_a_deadline_that_passed_is_known_before_its_thread_has_woken() -> None:
    class Clock(SystemClock):
        """Told the time."""

        time = 0.0

        def monotonic(self) -> float:
            return self.time

    clock = Clock()
    watchdog = Watchdog(lambda: None, LONG, clock, "watchdog")
    watchdog.expect(LONG)
    assert not watchdog.is_late
    clock.time = LONG + 1
    assert watchdog.is_late
    watchdog.rest()
    assert not watchdog.is_late
    watchdog.end()


def test_it_does_not_fire_while_nothing_is_expected() -> None:
    class Clock(SystemClock):
        """Counts the looks, so that the test knows when the watchdog has looked."""

        def __init__(self) -> None:
            self.looks = threading.Semaphore(0)

        def monotonic(self) -> float:
            self.looks.release()
            return super().monotonic()

    clock = Clock()
    fired = threading.Event()
    watchdog = Watchdog(fired.set, SOON, clock, "watchdog")
    for _ in range(50):
        watchdog.expect(LONG)
        assert clock.looks.acquire(timeout=LONG)
        watchdog.rest()
    assert not fired.is_set()
    watchdog.end()


def test_its_thread_ends_with_it() -> None:
    watchdog = Watchdog(lambda: None, LONG, SystemClock(), "watchdog-that-ends")
    watchdog.end()
    watchdog.end()
    assert "watchdog-that-ends" not in {thread.name for thread in threading.enumerate()}


def test_it_may_be_ended_by_what_it_aborts() -> None:
    ended = threading.Event()

    def abort() -> None:
        watchdog.end()
        ended.set()

    watchdog = Watchdog(abort, SOON, SystemClock(), "watchdog")
    watchdog.expect(SOON)
    assert ended.wait(LONG)
