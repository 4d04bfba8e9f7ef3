"""Hands lent to the sealing of one large bundle: a second processor helps, and the disk begins to write, meanwhile."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import BinaryIO

from gateway import linux
from gateway.transport.api import Progress

PUSHED_BYTES = 8 << 20
"""After so many bytes the disk is asked to write what it got, so that no sync, at the end of the sealing or of what is
small beside it, finds much in its way."""
SETTLED_BYTES = 64 << 20
"""After so many it is waited for those before them: no more wait for a slow disk, and its errors show early."""


class Hands:
    """Two threads for as long as one file is written; to be had from `lent`."""

    def __init__(self, pool: ThreadPoolExecutor, out: BinaryIO, progress: Progress) -> None:
        self._pool = pool
        self._out = out
        self._progress = progress
        self._telling = threading.Lock()
        self._pushed = self._settled = 0
        self._pushing: Future[None] | None = None

    def beside(self, call: Callable[[], None]) -> Callable[[], None]:
        """Begin `call` in a thread of its own; see bundle.streams.Beside."""
        return self._pool.submit(call).result

    def told(self, done: int) -> None:
        """Hand on that `done` bytes are done. Raises the OSError with which the disk failed since the last time.

        Whoever helps may say that nothing is done yet, at any time.
        """
        with self._telling:
            self._progress(done)
        if done - self._settled >= SETTLED_BYTES:
            self._push(linux.settle_writing)
            self._settled = self._pushed = done
        elif done - self._pushed >= PUSHED_BYTES and (self._pushing is None or self._pushing.done()):
            self._push(linux.start_writing)
            self._pushed = done

    def _push(self, push: Callable[[int], None]) -> None:
        self.settle()
        self._pushing = self._pool.submit(push, self._out.fileno())

    def settle(self) -> None:
        """Wait for the disk. Whoever syncs after a failure was told hears of nothing, so this one has to tell."""
        pushing, self._pushing = self._pushing, None
        if pushing is not None:
            pushing.result()


@contextmanager
def lent(out: BinaryIO, progress: Progress) -> Iterator[Hands]:
    """Lend hands to whoever writes `out`, a file; raises OSError at the end if the disk could not keep up its part."""
    with ThreadPoolExecutor(2, "sealing") as pool:
        hands = Hands(pool, out, progress)
        yield hands
        hands.settle()
        # Whoever signs and syncs the file next has other things to do than to wait for so much to be written. The
        # journal and the disk's cache are left to that sync, which needs them in any case.
        out.flush()
        linux.finish_writing(out.fileno())
