"""What a stage asks of the worker processes: run one module-level function away from our own threads."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Crew(Protocol):
    """Runs work elsewhere; see gateway.daemon for the processes behind it."""

    def run(
        self,
        work: Callable[[A, Callable[[int], None]], R],
        argument: A,
        on_progress: Callable[[int], None] | None = None,
    ) -> Future[R]:
        """Run `work(argument, report)`; the future fails with GatewayError. `work` must be repeatable and picklable
        by name."""
        ...
