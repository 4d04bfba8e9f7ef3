"""What a stage asks of the worker processes: run one module-level function away from our own threads."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeVar

A = TypeVar("A")
R = TypeVar("R")

LEISURE = 10
"""Steps of niceness by which large work stands behind all else: a tenth of a processor where somebody wants it."""


class Report(Protocol):
    """What a piece of work is given to tell how far it is."""

    def __call__(self, done: int, /) -> None:
        """So many bytes are done; cheap to call, seldom heard."""
        ...

    def tell(self, news: object) -> None:
        """Tell something of our own at once; a value that may be answered with."""
        ...


class Crew(Protocol):
    """Runs work elsewhere; see gateway.daemon for the processes behind it."""

    def run(
        self,
        work: Callable[[A, Report], R],
        argument: A,
        on_progress: Callable[[int], None] | None = None,
        on_news: Callable[[object], None] | None = None,
    ) -> Future[R]:
        """Run `work(argument, report)`; the future fails with GatewayError. `work` must be repeatable and picklable
        by name."""
        ...


@dataclass(frozen=True, slots=True)
class Leisurely:
    """Work, and its argument, that gives way to everybody else who wants a processor."""

    work: Callable[[Any, Report], Any]
    argument: Any


def run_large(
    crew: Crew,
    work: Callable[[A, Report], R],
    argument: A,
    on_progress: Callable[[int], None] | None = None,
    on_news: Callable[[object], None] | None = None,
) -> Future[R]:
    """Let `crew` run something large, as `Crew.run` says: it stands behind whatever is small, for which another process
    is made ready."""
    future: Future[R] = crew.run(at_leisure, Leisurely(work, argument), on_progress, on_news)
    # Else the first small thing would wait until a process has started and loaded its code, beside this one at work.
    crew.run(be_ready, work.__module__)
    return future


def at_leisure(what: Leisurely, report: Report) -> Any:
    """Do `what` in a thread that stands behind all others, and so do the threads that it starts.

    Who has stood back cannot come forward again without a privilege. The thread ends with the work, and the process
    goes on as it was.
    """
    with ThreadPoolExecutor(1, "at-leisure", initializer=_stand_back) as pool:
        return pool.submit(what.work, what.argument, report).result()


def be_ready(module: str, report: Report) -> None:
    """Load the code of `module`."""
    del report
    import_module(module)


def _stand_back() -> None:
    if sys.platform == "linux":  # elsewhere it would be for the whole process
        with suppress(OSError):
            os.nice(LEISURE)
