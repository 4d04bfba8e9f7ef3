"""The same silence before every run that is timed: nothing to be written, memory warm, processors idle."""

import mmap
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import GIB, MIB
from benchmarks.processes import PROC

IDLE = 0.85
"""The share of the processors that must be idle, over LOOK_SECONDS."""
LOOK_SECONDS = 0.2
FREE = 1200 * MIB
"""What is left of free memory."""
TOUCHED, TOUCHED_BESIDE = 128 * MIB, 1024 * MIB
"""Bytes of free memory touched right before a run: without ballast, and beside it nearly all that it leaves."""
PIECE = 4 * MIB
_AT_ONCE = 64
_SPARSE = 1 << 43
"""Bytes of the ballast file, which takes no room on the disk: more than any run reads."""


@dataclass(slots=True)
class Quiet:
    """Makes the machine quiet, as well as that can be done in bounded time.

    A virtual machine that gives free memory back to its host pays seconds per GiB for touching it again, and whoever
    writes first pays for all. A server that runs for long has its page cache full instead. So it is filled with clean
    pages of a sparse file first: then new memory means dropping one of them, for everybody. What was just given back
    can still be had for nothing, so it is filled as soon as something large has been removed.

    What it leaves free is touched and given back right before each run. Where there is no time for ballast, some memory
    is: enough for small runs.

    place:    folder for the sparse file.
    patience: seconds to wait for idle processors, at most.
    most:     bytes read to fill the page cache before one run, at most; 0: it is not filled.
    """

    place: Path
    patience: float
    most: int
    waited: float = 0.0
    """Seconds spent waiting for idle processors, in all."""
    disturbed: int = 0
    """How often they were not idle when patience was over."""
    filling: float = 0.0
    """Seconds spent filling memory, in all."""
    _at: int = 0

    def settle(self, inputs: Iterable[Path] = ()) -> None:
        """Fill memory, write back what is dirty, read the files below `inputs` once, and wait for idle processors."""
        self.fill()
        os.sync()
        for path in inputs:
            _read(path)
        began = time.monotonic()
        until = began + self.patience
        while not (is_idle := _idle_share() >= IDLE) and time.monotonic() < until:
            pass
        self.waited += time.monotonic() - began
        self.disturbed += not is_idle
        _touch(TOUCHED_BESIDE if self.most else TOUCHED)

    def fill(self) -> None:
        """Fill free memory; best done as soon as much has been removed, before the host has taken it."""
        began = time.monotonic()
        self._fill(self.most)
        self.filling += time.monotonic() - began

    def _fill(self, left: int) -> None:
        file = self.place / "ballast"
        if left <= 0 or _free() <= FREE:
            return
        if not file.exists():
            with file.open("xb") as made:
                made.truncate(_SPARSE)
        with file.open("rb", buffering=0) as source, ThreadPoolExecutor(os.cpu_count()) as pool:
            while left > 0 and _free() > FREE:
                places = range(self._at, self._at + _AT_ONCE * PIECE, PIECE)
                list(pool.map(lambda at: os.pread(source.fileno(), PIECE, at), places))
                self._at += _AT_ONCE * PIECE
                left -= _AT_ONCE * PIECE


BALLAST = 32 * GIB
"""More than the free memory of the machines this is run on."""


def _touch(size: int) -> None:
    with mmap.mmap(-1, size) as memory:
        for _ in range(0, size, PIECE):
            memory.write(b"\1" * PIECE)


def _free() -> int:
    text = (PROC / "meminfo").read_text("ascii")
    return int(text.partition("MemFree:")[2].split()[0]) << 10


def _read(path: Path) -> None:
    for file in path.rglob("*") if path.is_dir() else (path,):
        if file.is_file():
            with file.open("rb", buffering=0) as source:
                while source.read(PIECE):
                    pass


def _idle_share() -> float:
    before = _ticks()
    time.sleep(LOOK_SECONDS)
    after = _ticks()
    return (after[1] - before[1]) / max(1, after[0] - before[0])


def _ticks() -> tuple[int, int]:
    """Return the time of all processors, and that in which they had nothing to do, since the start of the machine."""
    first = (PROC / "stat").read_text("ascii").split("\n", 1)[0]
    ticks = [int(one) for one in first.split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]
