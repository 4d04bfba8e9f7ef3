"""What is to happen later in a soak, such as the end of a fault or the start of a node; the one loop runs it."""

import heapq
import itertools
import time
from collections.abc import Callable


class Agenda:
    """Callables with their times. Nothing runs but in `run_due` and `finish`."""

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.is_closing = False
        """Whether no fault is to last longer than it takes to end it."""

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Plan `act`."""
        heapq.heappush(self._planned, (time.monotonic() + seconds, next(self._numbers), act))

    def run_due(self) -> None:
        """Run what is due by now, in order."""
        while self._planned and self._planned[0][0] <= time.monotonic():
            heapq.heappop(self._planned)[2]()

    def finish(self, seconds: float) -> None:
        """Run everything that is planned, early, and what it plans; AssertionError if that finds no end in time."""
        self.is_closing = True
        deadline = time.monotonic() + seconds
        while self._planned:
            assert time.monotonic() < deadline, "faults that do not end"
            heapq.heappop(self._planned)[2]()
            time.sleep(0.01)
