"""Threads that nobody replaces, and what becomes of the node when one of its threads dies of a bug."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.daemon.buglog import BugLog

_LIBRARY = frozenset({"APScheduler"})
"""Names of threads of libraries without which the node stands still, too."""


class VitalThread(threading.Thread):
    """A thread of ours that is gone for good if it dies: then the process ends, and systemd starts the node anew. It
    keeps no stopping process alive."""

    def __init__(self, target: Callable[..., None], name: str, args: tuple[Any, ...] = ()) -> None:
        super().__init__(target=target, name=name, args=args, daemon=True)


@contextmanager
def deaths_heard(log: BugLog, fallen: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, whatever ends a thread that nobody waits for is logged as a bug, and `fallen` is called with
    the name of one that is vital, from that thread."""

    def heard(death: threading.ExceptHookArgs) -> None:
        name = death.thread.name if death.thread is not None else "unknown"
        is_vital = isinstance(death.thread, VitalThread) or name in _LIBRARY
        if death.exc_value is not None:
            log.bug("thread-died", death.exc_value, thread=name, vital=is_vital)
        if is_vital:
            fallen(name)

    before = threading.excepthook
    threading.excepthook = heard
    try:
        yield
    finally:
        threading.excepthook = before
