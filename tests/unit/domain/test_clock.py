"""The machine's clocks."""

import time

from gateway.domain.clock import SystemClock


def test_the_system_clock_shows_the_machines_time() -> None:
    clock = SystemClock()
    assert time.time() - 60 < clock.now() < time.time() + 60
    first = clock.monotonic()
    assert first <= clock.monotonic() <= time.monotonic()
