"""Signals as values that the main thread waits for, so that nothing ever runs in the middle of something else."""

import contextlib
import select
import signal
import socket
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Self

_WOKEN = b"\0"
"""What `wake` writes; no signal has this number."""


class SignalInbox:
    """Collects signals between `caught` and its end. Only the main thread may use it, except for `wake`."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    @contextlib.contextmanager
    def caught(self, numbers: Sequence[signal.Signals]) -> Iterator[Self]:
        """Collect `numbers` for as long as the context lasts; afterwards they mean what they meant before."""
        before = [(number, signal.signal(number, _nothing)) for number in numbers]
        old_wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        try:
            yield self
        finally:
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before:
                signal.signal(number, handler)
            self._reader.close()
            self._writer.close()

    def wait(self, seconds: float | None) -> frozenset[signal.Signals]:
        """Return the signals that came, each once; empty when woken, or after `seconds` (None = no limit)."""
        select.select([self._reader], [], [], seconds)
        try:
            numbers = self._reader.recv(4096)
        except BlockingIOError:
            return frozenset()
        return frozenset(signal.Signals(number) for number in numbers if number)

    def wake(self) -> None:
        """Let `wait` return. May be called from any thread; after the end of `caught` it does nothing."""
        with contextlib.suppress(OSError):  # full: it is about to return anyway
            self._writer.send(_WOKEN)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The number has been written to the wakeup descriptor; this only takes the place of the default action."""
