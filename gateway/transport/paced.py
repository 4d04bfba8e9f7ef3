"""A transport that keeps to a link's hours and to its share of the line: both in the path of its progress."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.ids import WireName
from gateway.transport.api import Entry, Growing, Progress, Transport, sending_ahead, silent
from gateway.transport.errors import fault

CLOSED = "link-window-closed"
SLICE_SECONDS = 0.25
"""Longest rest between two looks whether the node is being stopped."""
_FIRST_MAX = 4 << 20
"""Bytes; more than any transport moves before it says so for the first time."""


class Throttle:
    """Lets so many bytes a second through, as an average over a second; for one direction of one link. Thread-safe.

    rate: returns the bytes a second that may pass now, None for any number. pause: rests for so many seconds.
    """

    def __init__(self, rate: Callable[[], int | None], clock: Clock, pause: Callable[[float], object]) -> None:
        self._rate = rate
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._paid_until = 0.0
        """Monotonic seconds; until then the line is paid for by what has passed."""

    def passed(self, count: int, look: Callable[[], object]) -> None:
        """Account for `count` bytes that have passed, and rest as long as they are ahead of the rate.

        look: called between rests; what it raises ends them.
        """
        rate = self._rate()
        if rate is None or count <= 0:
            return
        with self._lock:
            now = self._clock.monotonic()
            self._paid_until = max(self._paid_until, now) + count / rate
            rest = self._paid_until - now
        while rest > 0:
            look()
            self._pause(min(rest, SLICE_SECONDS))
            rest -= SLICE_SECONDS


class PacedTransport:
    """Another transport within a link's hours, and no faster than its throttle.

    What is under way when the hours end stops at the next block with `link-window-closed`; what has been moved by then
    is continued in the next window, where the transport can.

    closed_for: returns the seconds until the link may be used, 0 if it may.
    """

    def __init__(self, transport: Transport, closed_for: Callable[[], float], throttle: Throttle | None) -> None:
        self._transport = transport
        self._closed_for = closed_for
        self._throttle = throttle

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        """Deposit as the transport does."""
        self._look()
        self._transport.deposit(source, name, self._paced(progress))

    def deposit_ahead(self, source: Growing, progress: Progress = silent) -> bool:
        """Send what grows as the transport does, which must be able to."""
        self._look()
        return sending_ahead(self._transport).deposit_ahead(source, self._paced(progress))

    def listing(self) -> list[Entry]:
        """List as the transport does."""
        self._look()
        return self._transport.listing()

    def head(self, name: WireName, length: int) -> bytes:
        """Read as the transport does."""
        self._look()
        return self._transport.head(name, length)

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        """Fetch as the transport does."""
        self._look()
        self._transport.fetch(name, into, size, self._paced(progress))

    def remove(self, names: Sequence[WireName]) -> None:
        """Remove as the transport does; also after hours, so that nothing that was taken is taken twice."""
        self._transport.remove(names)

    def probe(self) -> None:
        """Probe as the transport does; somebody asks, whatever the hour."""
        self._transport.probe()

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _look(self) -> None:
        if (seconds := self._closed_for()) > 0:
            raise fault(CLOSED, f"the link opens in {seconds:.0f} s", seconds=round(seconds))

    def _paced(self, progress: Progress) -> Progress:
        before = 0
        is_first = True

        def paced(done: int) -> None:
            nonlocal before, is_first
            progress(done)
            self._look()
            # What the first call speaks of may have been there from an attempt before.
            moved = 0 if is_first and done > _FIRST_MAX else done - before
            before, is_first = done, False
            if self._throttle is not None:
                self._throttle.passed(moved, lambda: progress(done))

        return paced
