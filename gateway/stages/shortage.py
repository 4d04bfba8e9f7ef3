"""What waits for room on a disk of ours: told once when it begins and once when it is over, and looked at often."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, TransientError
from gateway.domain.lifecycle import State
from gateway.domain.oplog import OpsLog
from gateway.folders import disk
from gateway.folders.space import OPENING, SpaceGuard
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger

LOOK_SECONDS = 5.0
"""What waits for room is looked at this often: asking a disk how full it is costs nothing, failing does."""
CODES = frozenset({"disk-space-low", "disk-full"})
"""What an attempt fails with where room was lacking."""
MARGIN = 16
"""A sixteenth more than the floor must be free before a shortage is called over."""
_AGAIN_MAX = 1000
"""Failed transfers that are tried again at once when there is room: as many as `status` would ever show."""


@dataclass(frozen=True, slots=True)
class ShortageView:
    """Which disk lacks room since when (seconds since 1970 UTC), and what waits for it; sizes in bytes.

    missing: what must become free before the smallest of what waits goes on, or before the floor is kept.
    """

    folder: str
    since: float
    free: int
    floor: int
    missing: int
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    count: int
    size: int
    missing: int


class Shortage:
    """What waits for room on the disk of one guard. Any thread.

    on_over: called once when there is room again, by whoever noticed it.
    """

    def __init__(self, space: SpaceGuard, clock: Clock, ops: OpsLog, on_over: Callable[[], None]) -> None:
        self._space = space
        self._clock = clock
        self._ops = ops
        self._on_over = on_over
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._view: ShortageView | None = None

    @property
    def space(self) -> SpaceGuard:
        """The guard of the disk."""
        return self._space

    def waits(self, who: str, sizes: Sequence[int], error: TransientError | None = None) -> None:
        """Say that pieces of these sizes wait for room in one part of the work; none: nothing of it waits any more.

        error: the guard's, for the first of them. Where work under way holds the room that is missing, it is nobody's
        alarm: the piece waits for its turn.
        """
        facts = error.facts if error is not None else {}
        missing, reserved = int(facts.get("missing", 0)), int(facts.get("reserved", 0))
        with self._lock:
            if sizes:
                if missing <= reserved and who not in self._waiting:
                    return
                self._waiting[who] = _Waiting(len(sizes), sum(sizes), missing)
            elif self._waiting.pop(who, None) is None:
                return
        self.look()

    def view(self) -> ShortageView | None:
        """Return the shortage as last looked at; None while there is none."""
        return self._view

    def look(self) -> None:
        """Compare with the look before, and tell what has changed. Raises as `disk.failure` says."""
        space = self._space.space()
        over = False
        with self._lock:
            before = self._view
            waiting = list(self._waiting.values())
            # Over only by a margin: else a log line more or less would tell of it again and again.
            kept = space.floor if before is None else space.floor + space.floor // MARGIN
            is_short = bool(waiting) or space.free < kept
            missing = min((one.missing for one in waiting), default=max(0, kept - space.free))
            now = None
            if is_short:
                now = ShortageView(
                    disk.printable(str(self._space.root)),
                    before.since if before is not None else self._clock.now(),
                    space.free,
                    space.floor,
                    missing,
                    sum(one.count for one in waiting),
                    sum(one.size for one in waiting),
                )
            self._view = now
            over = before is not None and now is None
        if before is None and now is not None:
            self._ops.alert(
                "space-low",
                folder=now.folder,
                free=now.free,
                floor=now.floor,
                missing=now.missing,
                waiting=now.count,
                bytes=now.size,
            )
        elif before is not None and over:
            self._ops.info(
                "space-back",
                folder=before.folder,
                free=space.free,
                seconds=round(self._clock.now() - before.since),
            )
            self._on_over()


def promised(ledger: Ledger, above: int) -> int:
    """Return the bytes that accepted transfers larger than `above` still need on our disk, those under way included.

    A bundle takes as much as its export. An import takes as much again as its bundle while it is opened, and once more
    where its packer copies; what is held needs nothing before a person has released it.
    """
    return ledger.owed_bytes(State.FOUND, above) + OPENING * ledger.owed_bytes(State.FETCHED, above)


def try_again(ledger: Ledger) -> None:
    """Let everything that failed for want of room be tried at once instead of when its pause ends."""
    for transfer in ledger.search(TransferFilter(failing=True, held=False), _AGAIN_MAX):
        if transfer.last_error in CODES:
            try:
                ledger.retry_now(transfer, "space")
            except GatewayError:
                continue  # it has moved on, or cannot be recorded now: then its pause ends by itself
