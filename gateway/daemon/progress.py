"""The board of long transfers under way: kept in memory, and in a small file that `status` and `watch` read."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.clock import Clock

FILE_NAME = "progress.json"
"""Name of the file inside the state folder."""
LONG_AFTER = 1.0
"""Seconds after which a transfer counts as long; a thousand small ones must not make the file flicker."""
WRITE_SECONDS = 0.5
"""The file is written at most this often."""
MAX_BYTES = 1 << 20
"""A reader takes no more than this; one entry has about 100 bytes and no more than a few hundred are under way."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One transfer under way. Sizes are bytes, `seconds` since it began, `rate` bytes per second of late.

    paused: it gives way to something more urgent."""

    transfer: int
    stage: str
    done: int
    total: int
    seconds: float
    rate: float
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ProgressView:
    """What another process reads. `written_at` is wall-clock; `pid` the daemon that wrote it, 0 if nothing was read."""

    pid: int
    written_at: float
    transfers: tuple[Progress, ...]


class _Run:
    """One entry of the board. `worker` is the name of the thread that began it."""

    def __init__(self, transfer: int, stage: str, total: int, now: float) -> None:
        self.transfer = transfer
        self.stage = stage
        self.total = total
        self.worker = threading.current_thread().name
        self.began = now
        self.done = 0
        self.paused = False
        self.rate = 0.0
        self.rated_at = now
        self.rated_done = 0


class ProgressBoard:
    """Thread-safe. It is also a worker: the file is written in `step`, so that no transfer waits for the disk.

    ring: wakes that worker; on_progress: called with the name of the thread that began a transfer whenever that
    transfer has come further, so that a long step counts as alive.
    """

    name = "progress"

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        ring: Callable[[], None],
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._ring = ring
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._runs: list[_Run] = []
        # As if something were shown: the first step overwrites what an earlier process left behind.
        self._dirty = True
        self._shown = True
        self._next_look = 0.0

    @contextmanager
    def track(self, transfer: int, stage: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a transfer for as long as the context lasts; yields the callable to report the bytes done so far to."""
        run = _Run(transfer, stage, total, self._clock.monotonic())
        with self._lock:
            self._runs.append(run)
        try:
            yield lambda done: self._came_to(run, done)
        finally:
            with self._lock:
                self._runs.remove(run)
                changed = self._shown and not self._dirty
                self._dirty = self._dirty or changed
            if changed:
                self._ring()

    @contextmanager
    def pausing(self, transfer: int, stage: str) -> Iterator[None]:
        """Show a transfer that is being tracked as paused for as long as the context lasts."""
        self._set_paused(transfer, stage, paused=True)
        try:
            yield
        finally:
            self._set_paused(transfer, stage, paused=False)

    def step(self) -> float | None:
        """Write the file if something changed; never more often than every half second."""
        now = self._clock.monotonic()
        if now < self._next_look:
            return self._next_look - now
        with self._lock:
            if not self._dirty:
                return None
            self._dirty = False
            long = self._long(now)
            differs = bool(long) or self._shown
            self._shown = bool(long)
        self._next_look = now + WRITE_SECONDS
        if differs:
            self._write(long)
        return None

    def _long(self, now: float) -> tuple[Progress, ...]:
        return tuple(_seen(run, now) for run in self._runs if now - run.began >= LONG_AFTER)

    def _came_to(self, run: _Run, done: int) -> None:
        further = done > run.done
        run.done = max(run.done, done)
        if not further:
            return
        if self._on_progress is not None:
            self._on_progress(run.worker)
        with self._lock:
            changed = not self._dirty
            self._dirty = True
        if changed:
            self._ring()

    def _set_paused(self, transfer: int, stage: str, *, paused: bool) -> None:
        with self._lock:
            for run in self._runs:
                if (run.transfer, run.stage) == (transfer, stage):
                    run.paused = paused
            changed = not self._dirty
            self._dirty = True
        if changed:
            self._ring()

    def _write(self, transfers: tuple[Progress, ...]) -> None:
        body = {
            "v": 1,
            "pid": os.getpid(),
            "written_at": round(self._clock.now(), 3),
            "transfers": [
                {
                    "transfer": p.transfer,
                    "stage": p.stage,
                    "done": p.done,
                    "total": p.total,
                    "seconds": round(p.seconds, 1),
                    "rate": round(p.rate),
                    "paused": p.paused,
                }
                for p in transfers
            ],
        }
        temporary = self._path.with_name(f".{self._path.name}.new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as out:
                json.dump(body, out)
            # No fsync: after a power cut nobody is under way.
            temporary.replace(self._path)
        except OSError:
            # The board is a view for people: a full disk is somebody else's alarm.
            return


def read_progress(path: Path) -> ProgressView:
    """Return what the daemon last wrote to `path`; an empty view if there is nothing, or nothing that can be read."""
    try:
        with path.open("rb") as source:
            body = json.loads(source.read(MAX_BYTES))
        return ProgressView(int(body["pid"]), float(body["written_at"]), tuple(map(_parsed, body["transfers"])))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return ProgressView(0, 0.0, ())


def _parsed(entry: dict[str, object]) -> Progress:
    match entry:
        case {
            "transfer": int(transfer),
            "stage": str(stage),
            "done": int(done),
            "total": int(total),
            "seconds": int() | float() as seconds,
            "rate": int() | float() as rate,
            "paused": bool(paused),
        }:
            return Progress(transfer, stage, done, total, float(seconds), float(rate), paused)
    raise ValueError("not an entry of the board")


def _seen(run: _Run, now: float) -> Progress:
    passed = now - run.rated_at
    if passed >= WRITE_SECONDS:
        newest = (run.done - run.rated_done) / passed
        # Half of what was, half of what is: steady enough to read, quick enough to notice that a line died.
        run.rate = newest if run.rated_done == 0 else (run.rate + newest) / 2
        run.rated_at, run.rated_done = now, run.done
    return Progress(run.transfer, run.stage, run.done, run.total, now - run.began, run.rate, run.paused)
