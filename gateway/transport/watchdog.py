"""Tears a connection down from outside when it does not move, since a blocked library cannot be asked to stop."""

import threading
from collections.abc import Callable

from gateway.domain.clock import Clock


class Watchdog:
    """One thread that calls `abort` once when a deadline passes.

    abort:    frees whoever is blocked, from another thread, e.g. by shutting the socket down.
    shortest: seconds; no deadline is ever set nearer than this, which lets arming be a mere assignment.
    """

    def __init__(self, abort: Callable[[], None], shortest: float, clock: Clock, name: str) -> None:
        self._abort = abort
        self._shortest = shortest
        self._clock = clock
        self._deadline: float | None = None
        self._ended = threading.Event()
        self._fired = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_late(self) -> bool:
        """Whether a deadline passed, whoever noticed it first: this thread, or a timer of the library."""
        deadline = self._deadline
        return self._fired.is_set() or (deadline is not None and self._clock.monotonic() > deadline)

    def expect(self, seconds: float) -> None:
        """Something must happen within `seconds` (at least `shortest`); replaces the previous deadline."""
        self._deadline = self._clock.monotonic() + seconds

    def rest(self) -> None:
        """Nothing is being waited for."""
        self._deadline = None

    def end(self) -> None:
        """Stop the thread and wait for it; may be repeated."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        pause = self._shortest
        while not self._ended.wait(pause):
            deadline = self._deadline
            left = self._shortest if deadline is None else deadline - self._clock.monotonic()
            if left <= 0:
                self._fired.set()
                self._abort()
                return
            # Whatever deadline is set while we sleep lies at least `shortest` ahead, hence after we wake.
            pause = min(left, self._shortest)
