"""A small simulated province: exchanges a second over hubs, with and without waiting for the disk."""

from pathlib import Path

from benchmarks.data import MIB
from benchmarks.figures import Figure, Section
from gateway.compose.simulating import Result, Simulation, percentile
from gateway.compose.simulating_build import Scenario
from gateway.domain.clock import SystemClock
from gateway.domain.oplog import Fact

SCALE = 1e-4
WINDOW = 32
GOAL = 60.0
"""Exchanges a second over a hub that two cores are meant to carry; told, not promised: machines differ."""


def simulated(root: Path, units: int, count: int, processes: int) -> Section:
    """Replay `count` exchanges of the reference province between `units` units; once durably, once not."""
    figures: list[Figure] = []
    broken: list[str] = []
    for durable, name in ((True, "durable"), (False, "not waiting for the disk")):
        place = root / ("full" if durable else "none")
        place.mkdir()
        result = _run(Scenario(place, units, count, SCALE, 1, WINDOW, 0.0, False, durable), processes)
        broken += [f"{name}: {complaint}" for complaint in result.complaints]
        figures += [
            Figure(f"{name}: exchanges", count / result.run_seconds, "1/s", f"goal {GOAL:g} on two idle cores"),
            Figure(f"{name}: drop to receipt, p50", percentile(result.latencies, 50), "s", f"{WINDOW} under way"),
            Figure(f"{name}: drop to receipt, p99", percentile(result.latencies, 99), "s"),
            Figure(f"{name}: processor time", result.cpu / count * 1000, "ms", "an exchange, over three nodes"),
            Figure(f"{name}: peak RSS of a process", result.peak / MIB, "MiB", f"{units // processes} nodes in it"),
        ]
    work = (
        f"{count:,} exchanges of the reference province between {units} units and their hubs, {processes} processes, "
        f"sizes above 4 KiB times {SCALE:g}; every one proven from ledgers and folders"
    )
    return Section("B7", "A simulated province", work, tuple(figures), tuple(broken))


def _run(scenario: Scenario, processes: int) -> Result:
    simulation = Simulation(
        scenario, processes=processes, kills=0, clock=SystemClock(), ops=_Unheard(), tell=lambda _progress: None
    )
    return simulation.run()


class _Unheard:
    """An operations log that nobody reads."""

    def info(self, event: str, /, **facts: Fact) -> None: ...

    def warn(self, event: str, /, **facts: Fact) -> None: ...

    def error(self, event: str, /, **facts: Fact) -> None: ...

    def alert(self, event: str, /, **facts: Fact) -> None: ...
