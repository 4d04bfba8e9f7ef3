"""Time as a collaborator, so that nothing below the composition root reads a clock by itself."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Wall-clock time in seconds since 1970-01-01 UTC; for records, never for deadlines."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never stepping back; for deadlines and durations."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
