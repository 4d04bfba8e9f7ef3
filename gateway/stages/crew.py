"""What a stage asks of the worker processes: run one module-level function away from our own threads."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

A = TypeVar("A")
R = TypeVar("R")

Progress = Callable[[int], None]
"""Called with the number of bytes done so far."""
News = Callable[[object], None]
"""Called with what the work tells beside its result."""


class Report(Protocol):
    """What a piece of work is given to tell how far it is."""

    def __call__(self, done: int, /) -> None:
        """So many bytes are done; cheap to call, seldom heard."""
        ...

    def tell(self, news: object) -> None:
        """Tell something of our own at once; a value that may be answered with."""
        ...


class Crew(Protocol):
    """Runs work elsewhere; see gateway.daemon.crew for the processes behind it."""

    def run(
        self,
        work: Callable[[A, Report], R],
        argument: A,
        on_progress: Progress | None = None,
        on_news: News | None = None,
        *,
        is_large: bool = False,
    ) -> Future[R]:
        """Run `work(argument, report)` and return the future of its result.

        work:     a function at its module's top level, repeatable: it may be cut off anywhere and run again.
        argument: picklable; so must the result be, made of plain values and of classes of `gateway` and `packers`.
        on_progress: called from another thread, at most four times a second; if it raises, the work is ended and the
                  future fails with what it raised: so a stop, or a hold, reaches a long piece of work.
        on_news:  called likewise, with each thing that the work tells; the other process is not to be trusted with it.
        is_large: it takes long, so it leaves a process to what does not, and the processor where there is such work.

        The future fails with the GatewayError that `work` raised, or with one of

            worker-died            transient  the process was killed or ran out of memory
            worker-stalled         transient  no sign of life for the time that the crew allows
            worker-unstartable     transient  no process, or no thread for one, could be started
            worker-bug             permanent  `work` raised something unforeseen; the log has the place
            worker-answer-refused  security   the answer was no value: the process is not what it was
            stopping               transient  the crew is being closed
        """
        ...
