"""Ends all parts of a daemon within one deadline, in the order in which they need each other."""

from collections.abc import Sequence
from typing import Protocol

from gateway.daemon.child import SupervisedChild
from gateway.daemon.scheduler import Scheduler
from gateway.daemon.supervisor import Supervisor
from gateway.domain.clock import Clock

CREW_SHARE = 0.5
"""Of the deadline, for running work to end: short work then needs no second time, long work would not end anyway."""
FAREWELL_SHARE = 0.1
"""Of the deadline, kept for what comes after the workers."""


class Closing(Protocol):
    """A crew."""

    def close(self, deadline: float) -> None:
        """Refuse further work, give what runs `deadline` seconds, then end it."""
        ...


def drain(
    supervisor: Supervisor,
    crews: Sequence[Closing],
    children: Sequence[SupervisedChild],
    scheduler: Scheduler,
    *,
    deadline: float,
    clock: Clock,
) -> bool:
    """Stop everything within `deadline` seconds and return whether everything ended by itself.

    All are asked at once. Crews end before the workers are waited for, since a worker may wait for a crew; whatever is
    cut off is owed again after the next start.
    """
    until = clock.monotonic() + deadline

    def left(kept: float = 0.0) -> float:
        return max(until - clock.monotonic() - kept, 0.0)

    supervisor.ask_stop()
    for child in children:
        child.ask_stop()
    whole = scheduler.stop(left() * FAREWELL_SHARE)
    crew_until = clock.monotonic() + left() * CREW_SHARE
    for crew in crews:
        crew.close(max(crew_until - clock.monotonic(), 0.0))
    whole = not supervisor.stop(left(kept=deadline * FAREWELL_SHARE)) and whole
    for child in children:
        whole = child.stop(left()) and whole
    return whole
