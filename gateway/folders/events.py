"""Ringing a bell when something happens in an outbound folder: only ever a hint to scan sooner, never a fact."""

import errno
import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

from gateway.domain.clock import Clock
from gateway.folders import disk

CANARY = f"{disk.TEMP_PREFIX}canary"
"""A file that is made and removed at once, to see whether its folder is heard; scans never see it."""
CANARY_SECONDS = 5.0
"""What has not been heard by then is not heard: events come within milliseconds."""

_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_HEARD = Mask(
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)
"""What an export does that comes; what goes away, and reading, wakes nobody."""


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
        self._is_listening = False
        self._ears: _Ears | None = None
        self._armed: dict[Path, _Handler] = {}

    def start(self) -> None:
        """Begin to listen; a root that is missing now is armed by a later `check`, and so are all where the system
        has no more ears to give. A canary that a kill left is removed."""
        for root in self._canaries:
            with suppress(OSError):
                (root / CANARY).unlink(missing_ok=True)
        self._is_listening = True
        self._listen()
        self.check()

    def check(self) -> BellHealth:
        """Re-arm what has gone deaf and say how the bell is; call it about as often as the folders are scanned."""
        if self._is_listening and (self._ears is None or not self._ears.is_alive()):
            self._silence()
            self._restarts += self._listen()
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
        """Stop listening; returns when the thread has ended. Repeatable."""
        self._is_listening = False
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

    def _listen(self) -> bool:
        """Return whether anything is heard from now on."""
        try:
            ears = _Ears(self.overflowed)
        except OSError:
            return False  # the system's limit of such readers, or ours of open files: every root is deaf
        ears.start()
        self._ears = ears
        return True

    def _silence(self) -> None:
        ears, self._ears = self._ears, None
        self._armed = {}
        if ears is not None:
            ears.stop()
            ears.join()

    def _arm(self, root: Path) -> None:
        ears = self._ears
        if ears is None:
            return
        identity = _identity(root)
        armed = self._armed.get(root)
        if armed is not None:
            if identity == armed.identity and armed.is_heard:
                return
            self._disarm(root)
        if identity is None:
            return
        try:
            self._armed[root] = _Handler(self, root, identity, ears)
        except OSError:
            return  # the system's limit of watches, or the root has just gone: reported as deaf
        self.heard(root)

    def _disarm(self, root: Path) -> None:
        armed = self._armed.pop(root, None)
        if armed is not None:
            armed.remove()
            with self._lock:
                self._rearmed += 1


class _Ears(InotifyFD):
    """The one thread that reads the one inotify instance of all roots; our own, so that lost events are counted."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__()
        self._overflowed = overflowed

    def handle_event(self, event: InotifyEvent) -> None:
        if event.is_queue_overflow:
            self._overflowed()  # once for all roots; the library would tell each callback
            return
        super().handle_event(event)


class _Handler:
    """The watch of one root, called by the ears; raises OSError if the root cannot be watched."""

    def __init__(self, bell: FolderBell, root: Path, identity: tuple[int, int], ears: _Ears) -> None:
        self._bell = bell
        self._root = root
        self.identity = identity
        self._ears = ears
        self._id = CallbackId(id(self))
        self.is_heard = True
        """Whether the system still watches: it ends that when the folder is removed or its filesystem goes away."""
        # A WatchCallback but for the overflow, which the ears tell by themselves.
        self._descriptor = ears.add_callback(os.fsencode(root), _HEARD, cast("WatchCallback", self), self._id)
        if self._descriptor < 0:  # the library lets a folder that may not be read pass as if it were watched
            self.remove()
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def on_event(self, event: InotifyEvent) -> None:
        if event.name:
            self._bell.heard(self._root, (os.fsdecode(event.name),))

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        self.is_heard = False

    def remove(self) -> None:
        if self.is_heard:
            self._ears.remove_callbacks([(self._descriptor, self._id)])


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
