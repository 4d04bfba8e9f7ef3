"""The free-space guard: says no to big things while there is still room for small ones (defect D72)."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import Scope, TransientError
from gateway.folders import disk

SMALL_FLOOR = 256 << 20
"""Bytes that even urgent and small things leave free: the ledger and the logs need room to write."""


@dataclass(frozen=True, slots=True)
class Space:
    """How full the disk is; bytes. `is_low`: nothing but urgent or small things is accepted now."""

    total: int
    free: int
    reserved: int
    floor: int

    @property
    def is_low(self) -> bool:
        return self.free - self.reserved < self.floor


class SpaceGuard:
    """Free space on the filesystem of `root`, less what was promised to work under way. Safe for several threads.

    floor_bytes, floor_ratio: the larger of both stays free of ordinary work; ratio of the disk's size, 0 to 1.
    small_floor: bytes that urgent work leaves free too.
    """

    def __init__(
        self,
        root: Path,
        *,
        floor_bytes: int,
        floor_ratio: float,
        small_floor: int = SMALL_FLOOR,
        statvfs: Callable[[Path], os.statvfs_result] = os.statvfs,
    ) -> None:
        self._root = root
        self._floor_bytes = floor_bytes
        self._floor_ratio = floor_ratio
        self._small_floor = small_floor
        self._statvfs = statvfs
        self._lock = threading.Lock()
        self._reserved = 0

    def space(self) -> Space:
        """Return how full the disk is now. Raises as `disk.failure` says."""
        with disk.mapped(self._root):
            figures = self._statvfs(self._root)
        total, free = figures.f_frsize * figures.f_blocks, figures.f_frsize * figures.f_bavail
        floor = max(self._floor_bytes, int(self._floor_ratio * total))
        return Space(total, free, self._reserved, floor)

    def may_accept(self, size: int, urgent: bool = False) -> None:
        """Return if `size` more bytes may be written now; raise `disk-space-low` (transient, node) if not.

        urgent: also small things: only the small floor must stay free. Facts: `free`, `needed`, `floor` in bytes.
        """
        with self._lock:
            self._check(size, urgent)

    @contextmanager
    def reserve(self, size: int, urgent: bool = False) -> Iterator[None]:
        """Like `may_accept`, and count `size` bytes as taken until the body ends, so that no two share the room."""
        with self._lock:
            self._check(size, urgent)
            self._reserved += size
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= size

    def _check(self, size: int, urgent: bool) -> None:
        now = self.space()
        floor = min(self._small_floor, now.floor) if urgent else now.floor
        if now.free - now.reserved - size < floor:
            facts = {"free": now.free - now.reserved, "needed": size, "floor": floor}
            raise TransientError("disk-space-low", "too little space left on our disk", scope=Scope.NODE, facts=facts)
