"""Whether what ran left threads or open files behind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _used() -> tuple[set[threading.Thread], set[str]]:
    # A handshake timer that was cancelled ends by itself; it is no leak, but takes a moment.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and thread.finished.is_set():
            thread.join(5)
    return set(threading.enumerate()), {path.name for path in Path("/proc/self/fd").iterdir()}


@contextmanager
def nothing_is_left_behind() -> Iterator[None]:
    """Expect no more threads and open files at the end than at the beginning."""
    threads, files = _used()
    yield
    threads_after, files_after = _used()
    assert threads_after <= threads
    assert len(files_after) <= len(files)
