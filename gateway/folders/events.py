"""Ringing a bell when something happens in an outbound folder: only ever a hint to scan sooner, never a fact."""

import errno
import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
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

from gateway.domain.clock import Clock
from gateway.folders import disk

CANARY = f"{disk.TEMP_PREFIX}canary"
"""A file that is made and removed at once, to see whether its folder is heard; scans never see it."""
CANARY_SECONDS = 5.0
"""What has not been heard by then is not heard: events come within milliseconds."""

_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_HEARD: tuple[type[FileSystemEvent], ...] = (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
)


@dataclass(frozen=True, slots=True)
class BellHealth:
    """How well the bell hears.

    overflows: times that the system dropped events. restarts: dead observers replaced. rearmed: folders watched anew,
    because they were exchanged or no longer heard.
    deaf:      roots that are missing, cannot be watched, or whose canary was not heard; scans see them all the same.
    denied:    roots in which we may not make a canary: whether they are heard is not known.
    heard_at:  when every canary of a round was heard last (seconds since 1970 UTC); 0 before the first.
    """

    rings: int = 0
    overflows: int = 0
    restarts: int = 0
    rearmed: int = 0
    deaf: tuple[Path, ...] = ()
    denied: tuple[Path, ...] = ()
    heard_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Armed:
    watch: ObservedWatch
    identity: tuple[int, int]


class FolderBell:
    """Watches the folders `roots` themselves, not what lies deeper, and calls `ring(root)` from its own thread.

    `ring` must return at once and must not raise. `check` belongs into a periodic step: it notices a dead observer, a
    root that went away or was made anew, and arms again; every re-arming rings, because something may have been missed.
    Our own temporary names do not ring.

    canaries: those of the roots in which `sing` makes a canary. One that is not heard makes its root deaf until the
        next one is. It proves our own ear; what another machine does on a share may raise no event here all the same.
    """

    def __init__(
        self, roots: Sequence[Path], ring: Callable[[Path], None], clock: Clock, canaries: Collection[Path] = ()
    ) -> None:
        self._roots = tuple(roots)
        self._ring = ring
        self._clock = clock
        self._canaries = tuple(root for root in self._roots if root in set(canaries))
        self._sung: dict[Path, float] = {}
        """Root -> when its canary was made (monotonic); taken out when it is heard."""
        self._unheard: set[Path] = set()
        self._denied: set[Path] = set()
        self._heard_at = 0.0
        self._rearmed = 0
        self._lock = threading.Lock()
        self._rings = 0
        self._overflows = 0
        self._restarts = 0
        self._ears: _Ears | None = None
        self._observer: BaseObserver | None = None
        self._armed: dict[Path, _Armed] = {}

    def start(self) -> None:
        """Begin to listen; a root that is missing now is armed by a later `check`. A canary that a kill left is
        removed."""
        for root in self._canaries:
            with suppress(OSError):
                (root / CANARY).unlink(missing_ok=True)
        self._listen()
        self.check()

    def check(self) -> BellHealth:
        """Re-arm what has gone deaf and say how the bell is; call it about as often as the folders are scanned."""
        if self._observer is not None and not self._is_alive():
            self._silence()
            self._listen()
            self._restarts += 1
        for root in self._listen_anew():
            self._disarm(root)
        for root in self._roots:
            self._arm(root)
        return self.health()

    def health(self) -> BellHealth:
        """Say how the bell was when it was last checked; touches no folder. Any thread."""
        with self._lock:
            deaf = tuple(root for root in self._roots if root not in self._armed or root in self._unheard)
            denied = tuple(root for root in self._roots if root in self._denied)
            return BellHealth(self._rings, self._overflows, self._restarts, self._rearmed, deaf, denied, self._heard_at)

    def sing(self) -> None:
        """Make and remove a canary in every root that is armed; the next `check` a while later says who was deaf."""
        for root in self._canaries:
            if root in self._armed:
                self._sing(root)

    def stop(self) -> None:
        """Stop listening; returns when the threads have ended. Repeatable."""
        self._silence()

    def heard(self, root: Path, names: Collection[str] = ()) -> None:
        """Pass on that something happened in `root`, to the entries of these `names` if they are known."""
        if CANARY in names:
            self._canary_heard(root)
        if names and all(name.startswith(disk.TEMP_PREFIX) for name in names):
            return
        with self._lock:
            self._rings += 1
        self._ring(root)

    def overflowed(self) -> None:
        """Note that the system dropped events: which ones nobody knows, so every root rings."""
        with self._lock:
            self._overflows += 1
        for root in self._roots:
            self.heard(root)

    def _sing(self, root: Path) -> None:
        path = root / CANARY
        with self._lock:
            self._sung.setdefault(root, self._clock.monotonic())
        try:
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            path.unlink(missing_ok=True)
        except OSError as error:
            with self._lock:
                self._sung.pop(root, None)
                if error.errno in _DENIED:
                    self._denied.add(root)
        else:
            with self._lock:
                self._denied.discard(root)

    def _canary_heard(self, root: Path) -> None:
        with self._lock:
            self._sung.pop(root, None)
            self._unheard.discard(root)
            if not self._sung and not self._unheard:
                self._heard_at = self._clock.now()

    def _listen_anew(self) -> list[Path]:
        """Return the roots whose canary should have been heard by now; they are deaf until one is."""
        with self._lock:
            before = self._clock.monotonic() - CANARY_SECONDS
            late = [root for root, sung in self._sung.items() if sung <= before]
            for root in late:
                del self._sung[root]
            self._unheard.update(late)
            return late

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
            self._disarm(root)
        if identity is None:
            return
        try:
            watch = observer.schedule(_Handler(self, root), str(root), recursive=False, event_filter=list(_HEARD))
        except OSError:
            return  # the system's limit of watches, or the root has just gone: reported as deaf
        self._armed[root] = _Armed(watch, identity)
        self.heard(root)

    def _disarm(self, root: Path) -> None:
        armed, observer = self._armed.pop(root, None), self._observer
        if armed is not None and observer is not None:
            observer.unschedule(armed.watch)
            with self._lock:
                self._rearmed += 1


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
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        self._bell.heard(self._root, [Path(path).name for path in paths])


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
