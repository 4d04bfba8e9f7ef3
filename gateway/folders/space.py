"""The free-space guard: says no to big things while there is still room for small ones (defect D72)."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.domain import lanes
from gateway.domain.errors import Scope, TransientError
from gateway.folders import disk

SMALL_FLOOR = 256 << 20
"""Bytes that even small things leave free, or an eighth of the ordinary floor where that is less: the ledger and the
logs need room to write."""
OPENING = 2
"""An opened bundle takes so many times its size: its members, and the import where the packer copies them."""
SMALL_BYTES = lanes.SMALL_BYTES
"""Exports and bundles up to this size are small: they pass while there is room for nothing larger."""


@dataclass(frozen=True, slots=True)
class Space:
    """How full the disk is; bytes. `is_low`: nothing but small things is accepted now."""

    total: int
    free: int
    reserved: int
    floor: int

    @property
    def is_low(self) -> bool:
        return self.free - self.reserved < self.floor


class Reservation:
    """Room that was promised to one piece of work. Any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._written = 0

    def written(self, done: int) -> None:
        """Say that `done` bytes of it are on the disk by now, where statvfs counts them."""
        self._written = done

    @property
    def size(self) -> int:
        """Bytes that were promised."""
        return self._size

    @property
    def left(self) -> int:
        """Bytes that are still to be written."""
        return max(0, self._size - self._written)


class SpaceGuard:
    """Free space on the filesystem of `root`, less what was promised to work under way. Safe for several threads.

    floor_bytes: stays free of ordinary work.
    small_floor: bytes that small things leave free; by default as SMALL_FLOOR says, never more than the ordinary floor.
    keeping: folders of other disks that must keep the small floor, or nothing is accepted: the ledger's.
    promised: asked for the bytes that large things need which were accepted and are not finished, work under way
        included. It is the ledger that knows, so that no promise is forgotten over a restart.
    """

    def __init__(
        self,
        root: Path,
        *,
        floor_bytes: int,
        small_floor: int | None = None,
        keeping: Sequence[Path] = (),
        promised: Callable[[], int] = lambda: 0,
        statvfs: Callable[[Path], os.statvfs_result] = os.statvfs,
    ) -> None:
        self._root = root
        self._floor_bytes = floor_bytes
        self._small_floor = small_floor_of(floor_bytes) if small_floor is None else small_floor
        self._keeping = tuple(keeping)
        self._promised = promised
        self._statvfs = statvfs
        self._lock = threading.Lock()
        self._accepting: list[Reservation] = []
        self._working: list[Reservation] = []

    @property
    def root(self) -> Path:
        """The folder whose disk is guarded."""
        return self._root

    def elsewhere(self, folder: Path) -> "SpaceGuard | None":
        """Return a guard for what is copied into `folder`, None if that is on our disk, where a rename suffices.

        Another disk is not ours to keep free: only the small floor stays. Raises as `disk.failure` says.
        """
        if disk.device(folder) == disk.device(self._root):
            return None
        return SpaceGuard(folder, floor_bytes=min(self._floor_bytes, self._small_floor), statvfs=self._statvfs)

    def space(self) -> Space:
        """Return how full the disk is now. Raises as `disk.failure` says."""
        total, free = self._look(self._root)
        reserved = sum(one.left for one in (*self._accepting, *self._working))
        return Space(total, free, reserved, self._floor_bytes)

    def floor(self, *, small: bool) -> int:
        """Return the bytes that small or large things leave free."""
        return min(self._small_floor, self._floor_bytes) if small else self._floor_bytes

    def may_accept(self, size: int, *, small: bool = False) -> None:
        """Return if work that will write `size` bytes may be accepted; raise `disk-space-low` (transient, node) if not.

        small: only the small floor must stay free. Facts: `folder`, and bytes: `free`, `needed`,
        `floor`, `missing`, and `reserved` by work under way.
        """
        with self._lock:
            self._check(size, small=small, accepting=True)

    @contextmanager
    def accept(self, size: int, *, small: bool = False) -> Iterator[Reservation]:
        """Like `may_accept`, and count `size` bytes as taken until the body ends, so that no two share the room."""
        with self._reserved(size, self._accepting, small=small, accepting=True) as reservation:
            yield reservation

    @contextmanager
    def work(self, size: int, *, small: bool = False) -> Iterator[Reservation]:
        """Like `accept`, for work that was accepted before: other such work stands in its way only once it has
        begun."""
        with self._reserved(size, self._working, small=small, accepting=False) as reservation:
            yield reservation

    @contextmanager
    def _reserved(self, size: int, among: list[Reservation], *, small: bool, accepting: bool) -> Iterator[Reservation]:
        reservation = Reservation(size)
        with self._lock:
            self._check(size, small=small, accepting=accepting)
            among.append(reservation)
        try:
            yield reservation
        finally:
            with self._lock:
                among.remove(reservation)

    def _check(self, size: int, *, small: bool, accepting: bool) -> None:
        now = self.space()
        floor = min(self._small_floor, now.floor) if small else now.floor
        free = now.free - now.reserved
        if accepting and not small:
            free -= max(0, self._promised() - sum(one.size for one in self._working))
        if free - size < floor:
            raise _low(self._root, free, size, floor, now.reserved)
        for folder in self._keeping if accepting else ():
            _total, free = self._look(folder)
            floor = min(self._small_floor, self._floor_bytes)
            if free < floor:
                raise _low(folder, free, 0, floor, 0)

    def _look(self, folder: Path) -> tuple[int, int]:
        with disk.mapped(folder):
            figures = self._statvfs(folder)
        return figures.f_frsize * figures.f_blocks, figures.f_frsize * figures.f_bavail


def small_floor_of(floor_bytes: int) -> int:
    """Return the bytes that small things leave free where ordinary ones leave `floor_bytes`."""
    return min(SMALL_FLOOR, floor_bytes // 8)


def _low(folder: Path, free: int, needed: int, floor: int, reserved: int) -> TransientError:
    facts: dict[str, str | int] = {
        "free": free,
        "needed": needed,
        "floor": floor,
        "missing": needed + floor - free,
        "reserved": reserved,
        "folder": disk.printable(str(folder)),
    }
    return TransientError("disk-space-low", "too little space left on our disk", scope=Scope.NODE, facts=facts)
