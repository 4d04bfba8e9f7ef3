"""The porters: a bounded number of threads that move what is large, made when one is needed, gone when none is."""

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count

from gateway.daemon.vital import VitalThread
from gateway.domain.clock import Clock

Load = tuple[int, int, Callable[[], None], Future[None]]


class Porters:
    """At most `most` threads for the whole node; a link that has nothing large costs none. Any thread.

    Why not ThreadPoolExecutor: its threads stay for ever, it waits for them at exit, and nobody can tell whether one
    hangs.
    """

    def __init__(self, most: int, clock: Clock) -> None:
        if most < 1:
            raise ValueError("somebody must carry")
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._waiting: list[Load] = []
        self._beats: dict[str, float] = {}
        """Name of each thread -> when it began, or last came further."""

    def run(self, work: Callable[[], None], rank: int) -> Future[None]:
        """Have `work` done by the next free thread: of what waits the lowest `rank` first, then the longest waiting."""
        future: Future[None] = Future()
        with self._lock:
            number = next(self._numbers)
            heapq.heappush(self._waiting, (rank, number, work, future))
            if len(self._beats) < self._most:
                name = f"porter-{number}"
                self._beats[name] = self._clock.monotonic()
                try:
                    VitalThread(self._live, name, (name,)).start()
                except RuntimeError:
                    # No more threads just now: the others do it, or it is refused. A place is never lost.
                    del self._beats[name]
                    if not self._beats:
                        self._waiting.clear()
                        raise
        return future

    def beat(self, name: str) -> None:
        """Take note that the thread `name` came further; other names are let pass."""
        with self._lock:
            if name in self._beats:
                self._beats[name] = self._clock.monotonic()

    def stuck(self, allowance: float) -> tuple[str, ...]:
        """Return the names of the threads that came no further for `allowance` seconds."""
        with self._lock:
            now = self._clock.monotonic()
            return tuple(name for name, since in self._beats.items() if now - since > allowance)

    def _live(self, name: str) -> None:
        while (load := self._next(name)) is not None:
            *_, work, future = load
            if not future.set_running_or_notify_cancel():
                continue
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whoever asked for it is told, whatever it is
                future.set_exception(error)
            else:
                future.set_result(None)

    def _next(self, name: str) -> Load | None:
        with self._lock:
            if not self._waiting:
                del self._beats[name]
                return None
            self._beats[name] = self._clock.monotonic()
            return heapq.heappop(self._waiting)


class InlinePorters:
    """Porters that carry at once, in the caller's thread: for one-shot commands and tests."""

    def run(self, work: Callable[[], None], rank: int) -> Future[None]:
        """Do `work` now and return a future that is done."""
        del rank
        future: Future[None] = Future()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a future carries whatever the work raised
            future.set_exception(error)
        else:
            future.set_result(None)
        return future
