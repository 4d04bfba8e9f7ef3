"""The two crews: child processes for the daemon, and the caller's own thread for one-shot commands and tests."""

import math
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from gateway.daemon.crewmate import be_ready
from gateway.daemon.crewseat import Rules, Seat
from gateway.daemon.errand import Errand, named, stopping
from gateway.domain.clock import Clock
from gateway.domain.errors import Scope, TransientError
from gateway.domain.oplog import OpsLog
from gateway.stages.crew import A, News, Progress, R, Report

_BESIDE_SECONDS = 10.0
"""After something small, large work that begins gives way at once: where one handover is, others are not far."""
_BURIAL_SECONDS = 1.0
"""A killed child is gone within milliseconds; one that hangs inside the kernel is not waited for."""


class ProcessCrew:
    """A Crew of at most `size` child processes, each started when it is first needed, each doing one thing at a time.

    Why not ProcessPoolExecutor: there one killed child fails everybody's work, progress has no way back, and the
    multiprocessing children load the parent's main module.
    """

    def __init__(self, size: int, *, log: OpsLog, clock: Clock, rules: Rules | None = None) -> None:
        if size < 1:
            raise ValueError("a crew needs at least one child")
        self._size = size
        self._log = log
        self._clock = clock
        self._rules = rules or Rules()
        self._lock = threading.Lock()
        self._waiting: deque[Errand] = deque()
        self._idle: list[Seat] = []
        self._seats: list[Seat] = []
        self._closing = False
        self._small_at = -math.inf
        """When the last small work was asked for; monotonic seconds."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the children there are now."""
        return tuple(pid for seat in list(self._seats) if (pid := seat.pid) is not None)

    def run(
        self,
        work: Callable[[A, Report], R],
        argument: A,
        on_progress: Progress | None = None,
        on_news: News | None = None,
        *,
        is_large: bool = False,
    ) -> "Future[R]":
        """Run `work(argument, report)` in a child, see Crew: at once if one is free, else in the order of asking.

        What is large does not take the last idle child while another may be started, and has one made ready beside it:
        else the first small thing would wait until a process has started and loaded its code. It leaves the processor
        to small work that comes meanwhile or came a moment ago; alone it is as quick as any.
        """
        named(work)
        errand = Errand(work, argument, on_progress, on_news, is_large)
        with self._lock:
            if self._closing:
                errand.future.set_exception(stopping())
            elif len(self._idle) > (is_large and len(self._seats) < self._size):
                # Small work gets the one that worked last: its child is warm, and the others' may rest.
                self._idle.pop(0 if is_large else -1).give(errand)
            elif len(self._seats) < self._size:
                self._seat(errand)
            else:
                self._waiting.append(errand)
        if is_large:
            self.run(be_ready, work.__module__)
        elif work is not be_ready:
            self._small_at = self._clock.monotonic()
            for seat in self._seats:
                seat.give_way()
        return errand.future

    def close(self, deadline: float) -> None:
        """Refuse further work; what waits fails at once with `stopping`, what runs after `deadline` seconds. May be
        repeated."""
        with self._lock:
            self._closing = True
            waiting, self._waiting = self._waiting, deque()
            idle, self._idle = self._idle, []
        for seat in idle:
            seat.give(None)
        for errand in waiting:
            if errand.future.set_running_or_notify_cancel():
                errand.future.set_exception(stopping())
        until = self._clock.monotonic() + deadline
        for seat in self._seats:
            seat.thread.join(max(until - self._clock.monotonic(), 0.0))
        for seat in self._seats:
            seat.dismiss()
        for seat in self._seats:
            seat.thread.join(_BURIAL_SECONDS)

    def _seat(self, errand: Errand) -> None:
        """Give `errand` to one seat more; if no thread can be made for it, those that there are do it, or it fails."""
        seat = Seat(self._rules, self._log, self._next_errand, self._has_small)
        seat.give(errand)
        try:
            seat.thread.start()
        except RuntimeError:
            if self._seats:
                self._waiting.append(errand)
            else:
                error = TransientError("worker-unstartable", "no thread could be started", scope=Scope.NODE)
                errand.future.set_exception(error)
        else:
            self._seats.append(seat)

    def _has_small(self) -> bool:
        return self._clock.monotonic() - self._small_at < _BESIDE_SECONDS

    def _next_errand(self, seat: Seat) -> Errand | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._closing:
                seat.give(None)
            else:
                self._idle.append(seat)
            return None


class InlineCrew:
    """A Crew that does everything at once in the caller's thread. An unforeseen exception is in the future as it is."""

    def run(
        self,
        work: Callable[[A, Report], R],
        argument: A,
        on_progress: Progress | None = None,
        on_news: News | None = None,
        *,
        is_large: bool = False,
    ) -> "Future[R]":
        """Run `work(argument, report)` now and return a future that is done."""
        del is_large
        named(work)
        future: Future[R] = Future()
        try:
            future.set_result(work(argument, _InlineReport(on_progress, on_news)))
        except Exception as error:  # noqa: BLE001 - a future carries whatever the work raised
            future.set_exception(error)
        return future


class _InlineReport:
    """Hands everything on as it is told."""

    def __init__(self, on_progress: Progress | None, on_news: News | None) -> None:
        self._on_progress = on_progress
        self._on_news = on_news

    def __call__(self, done: int, /) -> None:
        if self._on_progress is not None:
            self._on_progress(done)

    def tell(self, news: object) -> None:
        if self._on_news is not None:
            self._on_news(news)
