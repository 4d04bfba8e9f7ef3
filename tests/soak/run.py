"""One soak: a province at work under faults for so many minutes, then peace, then the verdict and its table."""

import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tests.soak.agenda import Agenda
from tests.soak.drops import Dropper
from tests.soak.faults import Faults
from tests.soak.verdict import alerts, judge, leftovers
from tests.soak.watch import Watch
from tests.support.nodes import Node
from tests.support.province import Province, province

LOOK = 0.02
WATCH_EVERY = 2.0
LINE_EVERY = 5.0
FAULTS_END = 60.0
"""Seconds within which every fault that is under way must have been undone."""
CONVERGE = 300.0
"""Seconds after the last start within which nothing may be owed any more; a few will do where others leave room."""
MEMORY_MOST = MappingProxyType({"daemon": 200 << 20, "sftp-server": 160 << 20, "crew": 160 << 20})
"""Bytes that one process may have had resident, by its kind; a worker process calls itself `crew`."""
FILES_MOST = 128
"""Files that a daemon may have open: two dozen at rest, and a few for each transfer under way."""


@dataclass(frozen=True)
class Pace:
    """How much happens. Seconds between two drops and two faults are means; `big_every`: so many drops to a big one."""

    drop: float = 0.5
    fault: float = 2.5
    big_every: int = 60


@dataclass
class Report:
    """What a soak did and found."""

    seed: str
    root: Path
    seconds: float = 0.0
    rows: list[tuple[str, str]] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    judge: Callable[[], list[str]] = list
    """Looks once more whether the promise holds, with all daemons ended."""

    @property
    def is_sound(self) -> bool:
        return not self.breaches


def soak(seconds: float, seed: str, pace: Pace, say: Callable[[str], None], root: Path | None = None) -> Report:
    """Let a province work under faults for `seconds`, then come to rest; return the verdict. Its folder stays."""
    place = Path(tempfile.mkdtemp(prefix="caseferry-soak-")) if root is None else root
    with province(place) as land:
        return _Soak(land, seed, pace, say).run(seconds)


class _Soak:
    def __init__(self, land: Province, seed: str, pace: Pace, say: Callable[[str], None]) -> None:
        self._land = land
        self._seed = seed
        self._pace = pace
        self._say = say
        self._agenda = Agenda()
        self._faults = Faults(land, self._agenda, seed)
        self._dropper = Dropper(land, seed, big_every=pace.big_every)
        self._watch = Watch()
        self._began = time.monotonic()
        self._lines = (land.root / "soak.log").open("a", encoding="utf-8")

    def run(self, seconds: float) -> Report:
        report = Report(self._seed, self._land.root)
        try:
            self._note(f"seed {self._seed}, {seconds:.0f} s, in {self._land.root}")
            self._land.start()
            self._suffer(seconds)
            self._agenda.finish(FAULTS_END)
            report.breaches += self._stop()
            self._note("faults have ended, all nodes start anew")
            self._land.start()
            converged = self._converge()
            report.breaches += self._stop()
            report.breaches += self._faults.complaints
            report.judge = lambda: judge(self._land, self._dropper.dropped, self._faults.harmed)
            report.breaches += report.judge()
            report.breaches += self._resources()
            report.seconds = time.monotonic() - self._began
            report.rows += self._rows(report, converged)
        finally:
            # Nobody may be left frozen, whatever ended the run.
            self._agenda.finish(FAULTS_END)
            self._land.stop()
            self._lines.close()
        return report

    # -- work under faults --------------------------------------------------------------------------------------------

    def _suffer(self, seconds: float) -> None:
        rhythm = {
            "drop": (random.Random(f"{self._seed}/drops"), self._pace.drop, self._drop),
            "fault": (random.Random(f"{self._seed}/faults"), self._pace.fault, self._strike),
        }
        begin = time.monotonic()
        due = {name: begin + draw.expovariate(1 / mean) for name, (draw, mean, _act) in rhythm.items()}
        due |= {"watch": begin, "line": begin + LINE_EVERY}
        while (now := time.monotonic()) < begin + seconds:
            self._agenda.run_due()
            for name, (draw, mean, act) in rhythm.items():
                if now >= due[name]:
                    act()
                    due[name] += draw.expovariate(1 / mean)
            if now >= due["watch"]:
                self._faults.look()
                self._watch.look(self._land.nodes)
                due["watch"] = now + WATCH_EVERY
            if now >= due["line"]:
                self._line()
                due["line"] = now + LINE_EVERY
            time.sleep(LOOK)

    def _drop(self) -> None:
        made = self._dropper.drop()
        self._note(f"drop {made.name} {made.source.root.name}>{made.target.root.name} {made.size}", quiet=True)

    def _strike(self) -> None:
        self._note(f"fault {self._faults.strike()}", quiet=True)

    # -- peace --------------------------------------------------------------------------------------------------------

    def _converge(self) -> float:
        """Wait until nobody owes anything; return the seconds that took."""
        began = time.monotonic()
        shown = began
        while time.monotonic() < began + CONVERGE:
            if self._is_at_rest():
                break
            if time.monotonic() > shown + LINE_EVERY:
                self._line()
                shown = time.monotonic()
                self._watch.look(self._land.nodes)
            time.sleep(LOOK * 5)
        self._watch.look(self._land.nodes)
        return time.monotonic() - began

    def _is_at_rest(self) -> bool:
        land = self._land
        is_under_way = land.unclaimed() or land.mail() or any(_owed(n) or leftovers(n) for n in land.nodes)
        return not is_under_way

    def _stop(self) -> list[str]:
        for node in self._land.nodes:
            node.wait_ready()
        codes = self._land.stop()
        return [] if set(codes) <= {0} else [f"the nodes ended with {codes}"]

    # -- figures ------------------------------------------------------------------------------------------------------

    def _resources(self) -> list[str]:
        found = [
            f"{kind} used {used >> 20} MiB" for kind, used in self._watch.peaks().items() if used > MEMORY_MOST[kind]
        ]
        if self._watch.files > FILES_MOST:
            found.append(f"a daemon had {self._watch.files} files open")
        if survivors := self._watch.survivors():
            found.append(f"processes outlive their daemon: {survivors}")
        return found

    def _line(self) -> None:
        owed = [_owed(node) for node in self._land.nodes]
        up = sum(node.is_ready for node in self._land.nodes)
        self._note(
            f"{len(self._dropper.dropped)} dropped, {len(self._land.unclaimed())} unclaimed, {sum(owed)} owed, "
            f"{self._faults.done.total()} faults, {up} of {len(owed)} nodes up"
        )

    def _note(self, text: str, *, quiet: bool = False) -> None:
        line = f"{time.monotonic() - self._began:7.1f} s  {text}"
        print(line, file=self._lines, flush=True)
        if not quiet:
            self._say(line)

    def _rows(self, report: Report, converged: float) -> list[tuple[str, str]]:
        dropped, faults = self._dropper.dropped, self._faults
        outcomes = [f"{sum(d.outcome == kind for d in dropped)} {kind}" for kind in ("delivered", "held", "refused")]
        return [
            ("seed", self._seed),
            ("seconds", f"{report.seconds:.0f}, of which {_processor_seconds():.0f} of processor time"),
            ("drops", f"{len(dropped)}, {sum(d.size for d in dropped) >> 20} MiB; to be {', '.join(outcomes)}"),
            ("faults", f"{faults.done.total()}: " + _listed(faults.done)),
            ("found nobody", _listed(faults.idle)),
            ("mail harmed", str(len(faults.harmed))),
            ("starts", str(faults.starts)),
            ("to converge", f"{converged:.1f} s"),
            ("peak memory", ", ".join(f"{k} {n >> 20} MiB" for k, n in sorted(self._watch.peaks().items()))),
            ("open files", str(self._watch.files)),
            ("alarms", _listed(alerts(self._land.nodes))),
            ("verdict", "sound" if report.is_sound else f"{len(report.breaches)} BREACHES"),
        ]


def _processor_seconds() -> float:
    """Return what this process and the daemons that it has seen end have used; their orphans are not counted."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counted.items()) if n) or "none"


def _owed(node: Node) -> int:
    """Return how many transfers the node still hopes to move on without a person."""
    with node.ledger() as ledger:
        held = ledger.counts().held
    return max(0, node.owed() - held)
