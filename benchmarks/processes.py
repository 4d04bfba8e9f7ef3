"""What the kernel says of a process and its descendants: peak memory, memory now, processor time."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Use

PROC = Path("/proc")
ALONE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Peak:
    """One process and the most memory that it ever had resident, in bytes (VmHWM)."""

    pid: int
    name: str
    bytes: int


@dataclass(slots=True)
class Family:
    """One process with all its descendants; asked again and again, it also remembers those that have ended.

    head:  what the first one is called; empty for what the kernel calls it.
    apart: processes that do not belong to it, nor do their descendants.
    """

    pid: int
    head: str = "daemon"
    apart: frozenset[int] = frozenset()
    _peaks: dict[int, Peak] = field(default_factory=dict)
    _before: dict[int, float] = field(default_factory=dict)

    def look(self) -> None:
        """Note the peak of every process of the family that lives now."""
        for pid in members(self.pid, self.apart):
            status = _status(pid)
            if "VmHWM" in status:
                name = self.head if self.head and pid == self.pid else status["Name"]
                self._peaks[pid] = Peak(pid, name, _kib(status["VmHWM"]))

    def peaks(self) -> list[Peak]:
        """Return what was noted, the first process first, then the largest."""
        return sorted(self._peaks.values(), key=lambda one: (one.pid != self.pid, -one.bytes))

    def resident(self) -> int:
        """Return the bytes that the family has resident now; shared pages count in each process."""
        return sum(_kib(_status(pid).get("VmRSS", "0 kB")) for pid in members(self.pid, self.apart))

    def cpu_seconds(self) -> float:
        """Return the processor time that the family has used, children that have ended included."""
        return sum(_cpu_seconds(pid) for pid in members(self.pid, self.apart))

    def begin(self) -> None:
        """Count processor time for `uses` from now on."""
        self._before = {pid: _cpu_seconds(pid) for pid in members(self.pid, self.apart)}

    def wait_alone(self, patience: float) -> None:
        """Wait until the first process has no children any more, `patience` seconds at most."""
        until = time.monotonic() + patience
        while len(list(members(self.pid, self.apart))) > 1 and time.monotonic() < until:
            time.sleep(ALONE_SECONDS)

    def uses(self, who: str) -> list[Use]:
        """Return what the family took since `begin`, by name; what has ended counts with the process it belonged to."""
        self.look()
        living = {pid: _cpu_seconds(pid) - self._before.get(pid, 0.0) for pid in members(self.pid, self.apart)}
        uses = [Use(who, one.name, living.get(one.pid, 0.0), one.bytes) for one in self.peaks()]
        return together(uses)


def together(uses: Sequence[Use]) -> list[Use]:
    """Return one use for each name: processor time added up, the largest peak."""
    found: dict[tuple[str, str], Use] = {}
    for one in uses:
        key = (one.who, one.process)
        last = found.get(key, Use(*key, 0.0, 0))
        found[key] = Use(*key, last.seconds + one.seconds, max(last.peak, one.peak))
    return list(found.values())


def members(pid: int, apart: frozenset[int] = frozenset()) -> Iterator[int]:
    """Yield a process and all its descendants without those `apart`; those that end meanwhile are left out."""
    if pid in apart:
        return
    yield pid
    try:
        threads = list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return
    for thread in threads:
        try:
            children = (thread / "children").read_text("ascii").split()
        except OSError:
            continue
        for child in children:
            yield from members(int(child), apart)


def _status(pid: int) -> Mapping[str, str]:
    try:
        lines = (PROC / str(pid) / "status").read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _kib(text: str) -> int:
    return int(text.removesuffix(" kB")) << 10


def _cpu_seconds(pid: int) -> float:
    try:
        # The name, in parentheses, may hold anything; what follows it is numbers.
        fields = (PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    own_and_waited_for = sum(int(number) for number in fields[11:15])
    return own_and_waited_for / os.sysconf("SC_CLK_TCK")
