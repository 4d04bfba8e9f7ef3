"""Head starts: a large bundle leaves by its link while a worker process still seals it."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.bundle.herald import MAGIC, is_whole
from gateway.domain.clock import Clock
from gateway.domain.ids import LinkName, TransferId, WireName
from gateway.domain.records import Priority, Transfer
from gateway.domain.sources import Look

LOOK_SECONDS = 0.01
"""Between looks how far a bundle has grown: sealing adds some megabytes in that time."""
REST_SECONDS = 0.25
"""Between signs to whoever carries, while nothing is to be sent: so a stop is heard."""
PATIENCE_SECONDS = 30.0
"""Without a byte more, or sealed and not yet due, for so long: the peer's room and our place are given back."""
HERALD_MAX = 4 << 20
"""Bytes of a herald that is sent, some 20,000 members: held in memory while it leaves."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What a worker process tells once it knows where a bundle's bytes will lie: by which link it goes, and how urgent
    it is. data_offset: bytes before what grows; size: bytes of the whole bundle; herald: bytes of its herald, 0 for
    none. business_key, look: of the export, by which it is asked whether its herald may leave."""

    link: LinkName
    priority: Priority
    data_offset: int
    size: int
    herald: int = 0
    business_key: str | None = None
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A sealed bundle that may go: its transfers, where it lies, and its name at the peer."""

    parcel: Sequence[Transfer]
    path: Path
    name: WireName


class HeadStart:
    """One bundle that grows; seen as `transport.api.Growing` by the thread that carries it, told by others.

    It is tied to the open file and not to a path: only what this very sealing wrote is ever sent or named.
    """

    def __init__(self, transfer: Transfer, placed: Placed, path: Path, clock: Clock) -> None:
        """transfer: as it was claimed. path: where it is being sealed. Raises OSError."""
        self.transfer = replace(transfer, link=placed.link, priority=placed.priority, size=placed.size)
        self.start = placed.data_offset
        self.size = placed.size
        self._herald = placed.herald if placed.herald <= HERALD_MAX else 0
        self.reader = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._clock = clock
        self._changed = threading.Condition()
        self._due: Due | None = None
        self._is_over = False
        self.is_carried = False
        """Whether it was, or was to be, carried to its end: then what came of it is the transfer's."""
        self._stands = 0
        self._stirred_at = clock.monotonic()

    # -- told ---------------------------------------------------------------------------------------------------------

    def give_up(self) -> None:
        """It will not be sent from here: the carrier takes back what it sent."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def sealed(self) -> None:
        """It is sealed and recorded; from now on it waits for its turn, and not for ever."""
        with self._changed:
            self._stirred_at = self._clock.monotonic()

    def release(self, due: Due) -> None:
        """It may go now, if it is still carried, and if the file at its path is the one that was read here."""
        try:
            ours, found = os.fstat(self.reader), due.path.lstat()
            is_same = os.path.samestat(ours, found) and found.st_size == self.size
        except OSError:
            is_same = False
        with self._changed:
            if not self._is_over and is_same:
                self._due = due
            self._is_over |= not is_same
            self._changed.notify_all()

    def close(self) -> None:
        """Let go of the file; nobody carries it any more."""
        os.close(self.reader)

    # -- asked by the carrier -----------------------------------------------------------------------------------------

    @property
    def due(self) -> Due | None:
        """What it was released as."""
        with self._changed:
            return self._due

    def end(self) -> Due | None:
        """Let it be released no more; return what it was released as until now."""
        with self._changed:
            self._is_over = True
            return self._due

    def herald(self) -> bytes:
        """See Growing."""
        found = os.pread(self.reader, self._herald, 0)
        # MANIFEST is there before the release, and HEADER is written from its first byte on: while this stands, looked
        # at after all was read, no byte of a signed front was read.
        return found if is_whole(found) and os.pread(self.reader, len(MAGIC), 0) == MAGIC else b""

    def named(self) -> WireName | None:
        """See Growing."""
        due = self.due
        return None if due is None else due.name

    def stands(self, sent: int) -> int | None:
        """See Growing."""
        found = self._grown()
        if found <= sent:
            with self._changed:
                if not self._is_over and self._due is None:
                    self._changed.wait(REST_SECONDS if sent == self.size else LOOK_SECONDS)
            found = self._grown()
        with self._changed:
            now = self._clock.monotonic()
            if found > self._stands:
                self._stands, self._stirred_at = found, now
            is_forgotten = self._due is None and now - self._stirred_at > PATIENCE_SECONDS
            return None if self._is_over or is_forgotten else max(found, sent)

    def _grown(self) -> int:
        # DATA is written from its beginning to its end, and nothing behind it: so the file is as long as it stands.
        return min(os.fstat(self.reader).st_size, self.size)


@dataclass
class HeadStarts:
    """The head starts of one link: offered by the pack leg, begun and ended by the send leg. Thread-safe.

    ring: wakes the send leg. One at a time is under way: there is one hidden name for it at the peer.
    """

    ring: Callable[[], None]
    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _offered: HeadStart | None = None
    _running: HeadStart | None = None
    _is_closed: bool = False

    def offer(self, transfer: Transfer, placed: Placed, path: Path) -> None:
        """A bundle has begun to grow at `path`; it is passed over if another one has a head start on this link."""
        try:
            start = HeadStart(transfer, placed, path, self.clock)
        except OSError:
            return  # the worker meets the same trouble and tells of it
        with self._lock:
            is_taken = self._offered is None and self._running is None and not self._is_closed
            if is_taken:
                self._offered = start
        if is_taken:
            self.ring()
        else:
            start.close()

    @property
    def is_offered(self) -> bool:
        """Whether something waits to be begun."""
        return self._offered is not None

    def offered(self) -> HeadStart | None:
        """Return what waits to be begun."""
        return self._offered

    def begin(self, start: HeadStart) -> bool:
        """Begin what was offered; False if it is no longer there."""
        with self._lock:
            if self._offered is not start:
                return False
            self._offered, self._running = None, start
            return True

    def settle(self, transfer: TransferId, *, is_sealed: bool) -> None:
        """Sealing has ended: what is sealed and recorded waits for its turn, all else is taken back.

        What was not begun by now goes the ordinary way.
        """
        with self._lock:
            offered, running = self._offered, self._running
            if offered is not None and offered.transfer.id == transfer:
                self._offered = None
                offered.close()
            if running is not None and running.transfer.id == transfer:
                running.sealed() if is_sealed else running.give_up()

    def of(self, transfer: TransferId) -> HeadStart | None:
        """Return the head start of a transfer that is under way."""
        running = self._running
        return running if running is not None and running.transfer.id == transfer else None

    def ended(self, start: HeadStart) -> None:
        """Nobody carries `start` any more."""
        with self._lock:
            if self._running is start:
                self._running = None
                start.close()

    def open(self) -> None:
        """Take on what is offered, again after `close` as well: whoever carries it may go on after a bug."""
        self._is_closed = False

    def close(self) -> None:
        """Take nothing on any more, and let go of everything; nobody carries any of it by now."""
        with self._lock:
            self._is_closed = True
            for start in (self._offered, self._running):
                if start is not None:
                    start.close()
            self._offered = self._running = None
