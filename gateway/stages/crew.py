"""What a stage asks of the worker processes: run one module-level function away from our own threads."""

from collections.abc import Callable
from concurrent.futures import Future
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
        *,
        is_large: bool = False,
    ) -> Future[R]:
        """Run `work(argument, report)`; the future fails with GatewayError. `work` must be repeatable and picklable
        by name. What `is_large` leaves a process and the processor to what is not."""
        ...
