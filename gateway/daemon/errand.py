"""One piece of work for a crew: a module-level function, its argument, and the future that its result goes into."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.errors import TransientError
from gateway.stages.crew import News, Progress


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
