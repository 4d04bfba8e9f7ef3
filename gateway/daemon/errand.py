"""One piece of work for a crew: a module-level function, its argument, and the future that its result goes into."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from gateway.domain.errors import TransientError

Progress = Callable[[int], None]
"""Called with the number of bytes done so far."""
News = Callable[[object], None]
"""Called with what the work tells beside its result."""


class Report(Protocol):
    """What work is given to tell how far it is."""

    def __call__(self, done: int, /) -> None:
        """So many bytes are done."""
        ...

    def tell(self, news: object) -> None:
        """Tell a plain value, or one of our own classes, at once."""
        ...


A = TypeVar("A")
R = TypeVar("R")


class Crew(Protocol):
    """Something that runs work: child processes, or the caller's own thread."""

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
            worker-unstartable     transient  no process could be started
            worker-bug             permanent  `work` raised something unforeseen; the log has the place
            worker-answer-refused  security   the answer was no value: the process is not what it was
            stopping               transient  the crew is being closed
        """
        ...

    def close(self, deadline: float) -> None:
        """Refuse further work, give what runs `deadline` seconds, then end it. May be repeated."""
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """Work that waits for a child."""

    work: Callable[..., Any]
    argument: Any
    on_progress: Progress | None
    on_news: News | None
    is_large: bool = False
    future: "Future[Any]" = field(default_factory=Future)


def named(work: Callable[..., Any]) -> tuple[str, str]:
    """Return the module and name by which a child finds `work`; ValueError if it is not at its module's top level."""
    module, name = work.__module__, work.__qualname__
    if not name.isidentifier():
        raise ValueError(f"{module}.{name} is not at its module's top level, so no child can find it")
    return module, name


def stopping() -> TransientError:
    """The error of work that a stop cut off; it is owed again after the next start."""
    return TransientError("stopping", "the node is being stopped")
