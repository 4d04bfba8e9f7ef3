"""What a stage asks of the worker processes: run one module-level function away from our own threads."""

from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from typing import Protocol, TypeVar

A = TypeVar("A")
R = TypeVar("R")


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


def run_large(
    crew: Crew,
    work: Callable[[A, Report], R],
    argument: A,
    on_progress: Callable[[int], None] | None = None,
    on_news: Callable[[object], None] | None = None,
) -> Future[R]:
    """Let `crew` run something large, as `Crew.run` says, and make another process ready for what is small."""
    future = crew.run(work, argument, on_progress, on_news)
    # Else the first small thing would wait until a process has started and loaded its code, beside this one at work.
    crew.run(be_ready, work.__module__)
    return future


def be_ready(module: str, report: Report) -> None:
    """Load the code of `module`."""
    del report
    import_module(module)
