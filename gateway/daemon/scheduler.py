"""Periodic work by interval on APScheduler: nothing skipped, nothing twice at once, nothing remembered on disk.

APScheduler counts in wall-clock time, so a clock that is set back delays what runs here. Work that something rests on
counts by itself, in `step()`; here belong rings, reports and tidying up.
"""

import logging
import queue
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES  # type: ignore[import-untyped]  # apscheduler ships no types
from apscheduler.executors.pool import BasePoolExecutor  # type: ignore[import-untyped]  # apscheduler ships no types
from apscheduler.jobstores.memory import MemoryJobStore  # type: ignore[import-untyped]  # apscheduler ships no types
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]  # no types shipped

from gateway.daemon.buglog import BugLog, tell
from gateway.daemon.vital import VitalThread
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError


class Scheduler:
    """Calls work in a thread of its own, each piece never twice at once; a failure is logged and the next time kept."""

    def __init__(self, *, log: BugLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._lane = _Lane()
        self._started = False
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            logger=_mute(),
            jobstores={"default": MemoryJobStore()},
            executors={"default": _Pool(self._lane)},
            # The default grace of one second silently skips runs; coalesce makes one run of those that were missed.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._overran, EVENT_JOB_MAX_INSTANCES)

    def every(self, name: str, seconds: float, work: Callable[[], None], first_after: float | None = None) -> None:
        """Call `work` every `seconds`, first after `first_after` seconds (None = `seconds`); replaces `name`."""
        first = seconds if first_after is None else first_after
        self._scheduler.add_job(
            self._guarded(name, work),
            "interval",
            seconds=seconds,
            id=name,
            replace_existing=True,
            next_run_time=datetime.fromtimestamp(self._clock.now(), UTC) + timedelta(seconds=first),
        )

    def start(self) -> None:
        """Begin; to be called once."""
        self._started = True
        self._lane.thread.start()
        self._scheduler.start()

    def stop(self, deadline: float) -> bool:
        """Call nothing any more, wait at most `deadline` seconds for what runs, and return whether it ended."""
        if not self._started:
            return True
        self._started = False
        self._scheduler.shutdown(wait=False)
        self._lane.thread.join(deadline)
        if self._lane.thread.is_alive():
            self._log.warn("scheduled-work-did-not-stop", seconds=deadline)
            return False
        return True

    def _guarded(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            try:
                work()
            except GatewayError as error:
                tell(self._log, "scheduled-work-failed", error, work=name)
            except Exception as error:  # noqa: BLE001 - a bug in one piece of work must not stop the others
                self._log.bug("scheduled-work-failed", error, work=name)

        return call

    def _overran(self, event: Any) -> None:
        self._log.warn("scheduled-work-overran", work=event.job_id)


class _Lane:
    """A pool of one thread that can be left behind: concurrent.futures would wait for it for ever at the end."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self.thread = VitalThread(self._live, "scheduler")

    def submit(self, call: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self._calls.put((future, lambda: call(*arguments)))
        return future

    def shutdown(self, _wait: bool) -> None:
        self._calls.put(None)

    def _live(self) -> None:
        while (entry := self._calls.get()) is not None:
            future, call = entry
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001 - APScheduler asks the future
                future.set_exception(error)


class _Pool(BasePoolExecutor):  # type: ignore[misc]  # apscheduler ships no types
    def __init__(self, lane: _Lane) -> None:
        super().__init__(lane)


def _mute() -> logging.Logger:
    """A logger outside the tree: what matters is logged here, by the listener and around each call."""
    return logging.Logger("scheduler", logging.CRITICAL + 1)
