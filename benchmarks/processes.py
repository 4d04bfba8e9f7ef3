"""What the kernel says of a daemon and its child processes: peak memory, memory now, processor time."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Peak:
    """One process and the most memory that it ever had resident, in bytes (VmHWM)."""

    pid: int
    name: str
    bytes: int


@dataclass(slots=True)
class Family:
    """One daemon with all its children; asked again and again, it also remembers those that have ended."""

    pid: int
    _peaks: dict[int, Peak] = field(default_factory=dict)

    def look(self) -> None:
        """Note the peak of every process of the family that lives now."""
        for pid in members(self.pid):
            status = _status(pid)
            if "VmHWM" in status:
                name = "daemon" if pid == self.pid else status["Name"]
                self._peaks[pid] = Peak(pid, name, _kib(status["VmHWM"]))

    def peaks(self) -> list[Peak]:
        """Return what was noted, the daemon first, then the largest."""
        return sorted(self._peaks.values(), key=lambda one: (one.pid != self.pid, -one.bytes))

    def resident(self) -> int:
        """Return the bytes that the family has resident now; shared pages count in each process."""
        return sum(_kib(_status(pid).get("VmRSS", "0 kB")) for pid in members(self.pid))

    def cpu_seconds(self) -> float:
        """Return the processor time that the family has used, children that have ended included."""
        return sum(_cpu_seconds(pid) for pid in members(self.pid))


def members(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants; those that end meanwhile are left out."""
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
            yield from members(int(child))


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
