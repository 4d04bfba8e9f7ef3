"""`caseferry simulate`: shows how far the simulated province is, then its figures and whether everything held."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from gateway.cli.terminal import EXIT_FAILED, Terminal
from gateway.compose.identity import new_umask
from gateway.compose.simulating import Progress, Result, Simulation, percentile
from gateway.compose.simulating_build import Scenario
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.oplog import Fact
from gateway.words.templates import mark

MIB = 1 << 20
PERCENTILES = (50.0, 95.0, 99.0)
BYTES_AN_EXCHANGE = 100_000
"""What one takes at least on the disk: originals, bundles and deliveries of small exports, and three ledgers' rows."""
COPIES = 6
"""Of the bytes of an export: original, bundle, at one or two hubs, at the recipient, delivery."""
BYTES_A_UNIT = 2_000_000
"""A node's empty ledger, keys and configuration."""
SHOWN = 20
"""Complaints that are printed."""

_PHASES = MappingProxyType({"build": mark("building"), "run": mark("exchanging"), "prove": mark("proving")})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say; see `Scenario`."""

    units: int
    exchanges: int
    faults: bool
    kills: int
    processes: int
    seed: int
    scale: float
    window: int
    day_seconds: float
    sftp: int
    durable: bool


def simulate(terminal: Terminal, asked: Asked, keep: Path | None) -> int:
    """Run the simulation and return the exit code: 0 only if the invariant was proven."""
    new_umask()
    with _workplace(keep) as root:
        scenario = Scenario(
            root,
            asked.units,
            asked.exchanges,
            asked.scale,
            asked.seed,
            asked.window,
            asked.day_seconds,
            asked.faults,
            asked.durable,
            asked.sftp,
        )
        _require_room(scenario)
        _announce(terminal, scenario, asked)
        with _bars(terminal) as tell:
            result = Simulation(
                scenario,
                processes=asked.processes,
                kills=asked.kills,
                clock=SystemClock(),
                ops=_Unheard(),
                tell=tell,
            ).run()
    figures = _figures(result, asked)
    if terminal.as_json:
        terminal.emit({**figures, "complaints": list(result.complaints), "ok": not result.complaints})
    else:
        _print(terminal, result, asked, figures)
        if keep is not None:
            terminal.say(mark("Everything is kept in {root}."), root=keep)
    return EXIT_FAILED if result.complaints else 0


def _announce(terminal: Terminal, scenario: Scenario, asked: Asked) -> None:
    exchanges = scenario.exchanges()
    hubs = sum(one.role == "hub" for one in scenario.province())
    terminal.say(
        mark("{units} units and {hubs} hubs in {processes} processes; {count} exchanges, {size} MiB, seed {seed}."),
        units=asked.units,
        hubs=hubs,
        processes=asked.processes,
        count=len(exchanges),
        size=f"{sum(one.size for one in exchanges) / MIB:,.1f}",
        seed=asked.seed,
    )
    terminal.say(
        mark("Sizes above 4 KiB are multiplied by {scale}: the province's own would be terabytes."),
        scale=f"{asked.scale:g}",
    )
    if not asked.durable:
        terminal.say(mark("Nothing waits for the disk (--durability none); a power cut would lose what was confirmed."))


def _figures(result: Result, asked: Asked) -> dict[str, object]:
    return {
        "units": asked.units,
        "exchanges": asked.exchanges,
        "delivered": result.delivered,
        "processes": asked.processes,
        "seed": asked.seed,
        "scale": asked.scale,
        "durable": asked.durable,
        "sftp_links": asked.sftp,
        "build_seconds": round(result.build_seconds, 1),
        "run_seconds": round(result.run_seconds, 2),
        "prove_seconds": round(result.prove_seconds, 1),
        "exchanges_a_second": round(asked.exchanges / max(result.run_seconds, 1e-9), 2),
        "cpu_ms_an_exchange": round(result.cpu / asked.exchanges * 1000, 1),
        "seconds_to_receipt": {f"p{part:g}": round(percentile(result.latencies, part), 3) for part in PERCENTILES},
        "seconds_to_custody": {f"p{part:g}": round(percentile(result.custodies, part), 3) for part in PERCENTILES},
        "export_bytes": result.export_bytes,
        "bundle_bytes": result.bundle_bytes,
        "carried_by_hubs": result.relayed,
        "still_owed": result.owed,
        "peak_rss_bytes": result.peak,
        "kills": result.kills,
        "faults": dict(sorted(result.faults.items())),
    }


def _print(terminal: Terminal, result: Result, asked: Asked, figures: dict[str, object]) -> None:
    words = terminal.words
    table = terminal.table(words.text(mark("Figure")), words.text(mark("Value")), right=(1,))
    latency = " / ".join(f"{percentile(result.latencies, part):.2f}" for part in PERCENTILES)
    custody = " / ".join(f"{percentile(result.custodies, part):.2f}" for part in PERCENTILES)
    for name, value in (
        (mark("exchanges a second"), f"{figures['exchanges_a_second']}"),
        (mark("seconds from first drop to last receipt"), f"{result.run_seconds:.1f}"),
        (mark("drop to receipt, seconds p50 / p95 / p99"), latency),
        (mark("drop to custody receipt, seconds p50 / p95 / p99"), custody if result.custodies else "-"),
        (mark("bytes dropped, MiB"), f"{result.export_bytes / MIB:,.1f}"),
        (mark("bytes sealed, MiB"), f"{result.bundle_bytes / MIB:,.1f}"),
        (mark("bundles carried on by hubs"), f"{result.relayed:,}"),
        (mark("processor time an exchange, milliseconds"), f"{figures['cpu_ms_an_exchange']}"),
        (mark("most memory of one process, MiB"), f"{result.peak / MIB:,.0f}"),
        (mark("still owed at the end"), str(result.owed)),
    ):
        table.add_row(words.text(name), value)
    terminal.show(table)
    if asked.faults:
        told = ", ".join(f"{name} {count}" for name, count in sorted(result.faults.items()))
        terminal.say(mark("Faults: {told}; processes killed: {kills}."), told=told or "-", kills=result.kills)
    if result.complaints:
        terminal.say(mark("The invariant does not hold:"))
        for complaint in result.complaints[:SHOWN]:
            terminal.line(f"  {complaint}")
    else:
        terminal.say(
            mark("Proven from ledgers and folders: {count} exports, each delivered once, whole, its receipt home."),
            count=result.delivered,
        )


@contextmanager
def _bars(terminal: Terminal) -> Iterator["_Shown"]:
    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[more]}"),
        TimeElapsedColumn(),
        console=terminal.err,
        disable=terminal.as_json or not terminal.err.is_terminal,
    ) as bars:
        yield _Shown(bars, terminal)


class _Shown:
    """The bars of the phases, each made when it begins."""

    def __init__(self, bars: Bars, terminal: Terminal) -> None:
        self._bars = bars
        self._words = terminal.words
        self._bar_of: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        if progress.phase not in self._bar_of:
            text = self._words.text(_PHASES[progress.phase])
            self._bar_of[progress.phase] = self._bars.add_task(text, total=progress.total, more="")
        more = ""
        if progress.phase == "run":
            more = self._words.text(
                mark("{home} receipts, {peak} MiB, {kills} killed"),
                home=progress.home,
                peak=progress.peak // MIB,
                kills=progress.kills,
            )
        self._bars.update(self._bar_of[progress.phase], completed=progress.done, more=more)


class _Unheard:
    """An operations log of what the parent process itself meets; what matters comes back as an error."""

    def info(self, event: str, /, **facts: Fact) -> None:
        """Let it pass."""

    def warn(self, event: str, /, **facts: Fact) -> None:
        """Let it pass."""

    def error(self, event: str, /, **facts: Fact) -> None:
        """Let it pass."""

    def alert(self, event: str, /, **facts: Fact) -> None:
        """Let it pass."""


def _require_room(scenario: Scenario) -> None:
    exported = sum(one.size for one in scenario.exchanges())
    needed = scenario.count * BYTES_AN_EXCHANGE + exported * COPIES + scenario.units * BYTES_A_UNIT
    free = shutil.disk_usage(scenario.root).free
    if free < needed:
        raise ConfigError(
            "simulation-no-room",
            f"{needed} bytes are needed in {scenario.root}, {free} are free",
            scope=Scope.NODE,
            facts={"needed": needed, "free": free},
        )


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="caseferry-simulate-", ignore_cleanup_errors=True) as folder:
            yield Path(folder).resolve()
        return
    if keep.exists() and any(keep.iterdir()):
        raise ConfigError("demo-folder-used", f"{keep} is not empty", scope=Scope.NODE, facts={"folder": str(keep)})
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()
