"""What a worker is: a named `step()` that says when it wants to be called again, and the bell that wakes it earlier."""

import threading
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable


class Worker(Protocol):
    """One leg of the node's work, called again and again by one thread at a time."""

    @property
    def name(self) -> str:
        """A label that is unique in the process, e.g. `send-hub`; names the thread and stands in the log."""
        ...

    def step(self) -> float | None:
        """Do what is due and return the seconds until the next call: 0.0 = at once, None = only when the bell rings.

        May raise GatewayError (logged by its code, tried again after a growing pause); anything else is a bug.
        Must be repeatable: it may have been cut off at any instruction before.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    """A worker that gives something back (a connection, a watch) when it is stopped or has died of a bug."""

    def close(self) -> None:
        """Give everything back; a later `step()` gets it anew."""
        ...


class Bell:
    """Wakes one waiting worker. A ring while nobody waits is kept, so that no news is ever missed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung = False
        self._stopping = False
        self._answer: Callable[[], None] | None = None

    @property
    def stopping(self) -> bool:
        """Whether the worker has been asked to end; asked for good, this bell is then of no more use."""
        return self._stopping

    def ring(self) -> None:
        """Ask for a step now; any number of rings before the step make one."""
        with self._lock:
            self._rung = True
        if self._answer is not None:
            self._answer()

    def stop(self) -> None:
        """Ask the worker to end after the present step; wakes it from any wait."""
        self._stopping = True
        if self._answer is not None:
            self._answer()

    def answer(self, answer: Callable[[], None]) -> None:
        """Have `answer` called after every ring and stop, in the thread that rings; for who waits without a thread."""
        self._answer = answer

    def take(self) -> bool:
        """Return whether it was rung since it was asked last, and forget that."""
        with self._lock:
            rung, self._rung = self._rung, False
            return rung


class Bells:
    """The bells of all workers by name, so that a part built before the workers can ring them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[str, Bell] = {}

    def ring(self, *names: str) -> None:
        """Ring these workers; a name that nobody bears (now) is let pass."""
        with self._lock:
            bells = [self._bells[name] for name in names if name in self._bells]
        for bell in bells:
            bell.ring()

    def ring_all(self) -> None:
        """Ring every worker."""
        with self._lock:
            bells = list(self._bells.values())
        for bell in bells:
            bell.ring()

    def hang(self, name: str) -> Bell:
        """Return a new bell for `name`, in place of any older one; for the supervisor."""
        bell = Bell()
        with self._lock:
            self._bells[name] = bell
        return bell

    def take_down(self, names: Iterable[str]) -> None:
        """Forget the bells of `names`; for the supervisor."""
        with self._lock:
            for name in names:
                self._bells.pop(name, None)
