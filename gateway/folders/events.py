"""Ringing a bell when something happens in an outbound folder: only ever a hint to scan sooner, never a fact."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import InotifyEvent, InotifyFD

_HEARD: tuple[type[FileSystemEvent], ...] = (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
)


@dataclass(frozen=True, slots=True)
class BellHealth:
    """How well the bell hears. `deaf`: roots that are missing or cannot be watched; scans see them all the same."""

    rings: int
    overflows: int
    restarts: int
    deaf: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Armed:
    watch: ObservedWatch
    identity: tuple[int, int]


class FolderBell:
    """Watches the folders `roots` themselves, not what lies deeper, and calls `ring(root)` from its own thread.

    `ring` must return at once and must not raise. `check` belongs into a periodic step: it notices a dead observer, a
    root that went away or was made anew, and arms again; every re-arming rings, because something may have been missed.
    """

    def __init__(self, roots: Sequence[Path], ring: Callable[[Path], None]) -> None:
        self._roots = tuple(roots)
        self._ring = ring
        self._lock = threading.Lock()
        self._rings = 0
        self._overflows = 0
        self._restarts = 0
        self._ears: _Ears | None = None
        self._observer: BaseObserver | None = None
        self._armed: dict[Path, _Armed] = {}

    def start(self) -> None:
        """Begin to listen; a root that is missing now is armed by a later `check`."""
        self._listen()
        self.check()

    def check(self) -> BellHealth:
        """Re-arm what has gone deaf and say how the bell is; call it about as often as the folders are scanned."""
        if self._observer is not None and not self._is_alive():
            self._silence()
            self._listen()
            self._restarts += 1
        for root in self._roots:
            self._arm(root)
        with self._lock:
            deaf = tuple(root for root in self._roots if root not in self._armed)
            return BellHealth(self._rings, self._overflows, self._restarts, deaf)

    def stop(self) -> None:
        """Stop listening; returns when the threads have ended. Repeatable."""
        self._silence()

    def heard(self, root: Path) -> None:
        """Pass on that something happened in `root`."""
        with self._lock:
            self._rings += 1
        self._ring(root)

    def overflowed(self) -> None:
        """Note that the system dropped events: which ones nobody knows, so every root rings."""
        with self._lock:
            self._overflows += 1
        for root in self._roots:
            self.heard(root)

    def _listen(self) -> None:
        ears = _Ears(self.overflowed)
        ears.start()
        observer = BaseObserver(InotifyEmitter, inotify_fd=ears)
        observer.start()
        self._ears, self._observer = ears, observer

    def _silence(self) -> None:
        observer, ears = self._observer, self._ears
        self._observer = self._ears = None
        self._armed = {}
        for thread in (observer, ears):
            if thread is not None:
                thread.stop()
                thread.join()

    def _is_alive(self) -> bool:
        observer, ears = self._observer, self._ears
        return observer is not None and ears is not None and observer.is_alive() and ears.is_alive()

    def _arm(self, root: Path) -> None:
        observer = self._observer
        if observer is None:
            return
        identity = _identity(root)
        armed = self._armed.get(root)
        if armed is not None:
            emitter = next((one for one in observer.emitters if one.watch == armed.watch), None)
            if identity == armed.identity and emitter is not None and emitter.is_alive():
                return
            observer.unschedule(armed.watch)
            del self._armed[root]
        if identity is None:
            return
        try:
            watch = observer.schedule(_Handler(self, root), str(root), recursive=False, event_filter=list(_HEARD))
        except OSError:
            return  # the system's limit of watches, or the root has just gone: reported as deaf
        self._armed[root] = _Armed(watch, identity)
        self.heard(root)


class _Ears(InotifyFD):
    """The reader of one inotify instance, of our own so that lost events can be counted."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__()
        self._overflowed = overflowed

    def handle_event(self, event: InotifyEvent) -> None:
        if event.is_queue_overflow:
            self._overflowed()
        super().handle_event(event)


class _Handler(FileSystemEventHandler):
    def __init__(self, bell: FolderBell, root: Path) -> None:
        self._bell = bell
        self._root = root

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._bell.heard(self._root)


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
