"""The daemon's ear on its folders: kept armed, proven by canaries, and what changes about it told once."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.oplog import OpsLog
from gateway.folders import disk
from gateway.folders.events import BellHealth, FolderBell

CHECK_SECONDS = 10.0
"""Between two looks whether every folder is still heard."""
SING_SECONDS = 60.0
"""Between two rounds of canaries: 500 folders cost a tenth of a second."""


class Listening:
    """One bell over the folders of the present configuration. `look` is for one thread at a time.

    ring: called with the folder in which something happened; must return at once and must not raise.
    """

    def __init__(self, ring: Callable[[Path], None], clock: Clock, ops: OpsLog) -> None:
        self._ring = ring
        self._clock = clock
        self._ops = ops
        self._bell: FolderBell | None = None
        self._told = BellHealth()
        self._sung_at = float("-inf")

    def listen(self, folders: Sequence[Path], canaries: Sequence[Path]) -> None:
        """Listen to `folders` from now on instead of the ones before; a canary tests those of `canaries`."""
        self.stop()
        bell = FolderBell(folders, self._ring, self._clock, canaries)
        bell.start()
        self._told = BellHealth(deaf=self._told.deaf, denied=self._told.denied)
        self._sung_at = float("-inf")
        self._bell = bell

    def stop(self) -> None:
        """Listen no more; repeatable."""
        if self._bell is not None:
            self._bell.stop()

    def look(self) -> None:
        """Arm again what is no longer heard, let the canaries sing when it is time, and tell what has changed."""
        bell = self._bell
        if bell is None:
            return
        self._tell(bell.check())
        if self._clock.monotonic() - self._sung_at >= SING_SECONDS:
            self._sung_at = self._clock.monotonic()
            bell.sing()

    def health(self) -> BellHealth:
        """Return how well everything is heard; touches no folder, so that a share that hangs delays nothing."""
        return self._bell.health() if self._bell is not None else BellHealth()

    def _tell(self, now: BellHealth) -> None:
        before, self._told = self._told, now
        for folder in now.deaf:
            if folder not in before.deaf:
                self._ops.warn("folder-deaf", folder=disk.printable(str(folder)))
        for folder in before.deaf:
            if folder not in now.deaf:
                self._ops.info("folder-heard", folder=disk.printable(str(folder)))
        for folder in now.denied:
            if folder not in before.denied:
                self._ops.warn("canary-denied", folder=disk.printable(str(folder)))
        if now.overflows > before.overflows:
            self._ops.warn("events-overflowed", times=now.overflows - before.overflows)
        if now.restarts > before.restarts:
            self._ops.warn("watching-restarted", times=now.restarts - before.restarts)
