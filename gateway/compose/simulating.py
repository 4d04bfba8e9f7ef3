"""Runs a simulated province: builds it, spreads its nodes over processes, kills some if asked to, and proves it all."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.compose import simulating_build, simulating_proof
from gateway.compose.simulating_build import Scenario
from gateway.compose.simulating_journal import Diary
from gateway.compose.simulating_plan import dealt
from gateway.compose.simulating_proof import Evidence, ProofOrder
from gateway.compose.simulating_share import ShareNews, ShareOrder
from gateway.daemon.crew import ProcessCrew
from gateway.daemon.frames import Kind, from_child, packed
from gateway.daemon.launch import Launched, launch
from gateway.domain.clock import Clock
from gateway.domain.errors import Scope, TransientError
from gateway.domain.oplog import OpsLog

TARGET: Final = "gateway.compose.simulating_share:serve"
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 180.0
"""Without any news of one more export dropped or receipted, a simulation has failed."""
QUIET_SECONDS = 30.0
"""After the last receipt came home, hubs may still have papers to carry for so long."""
END_SECONDS = 60.0
_LOT = 25
"""Units that a process builds or proves at a time."""
_KILLS_FROM, _KILLS_TO = 0.1, 0.9
"""Parts of the whole between which processes are killed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a simulation is; `phase` is one of `build`, `run`, `quiet`, `prove`."""

    phase: str
    done: int
    total: int
    home: int = 0
    peak: int = 0
    kills: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What came out. `latencies` and `custodies`: seconds from the drop, sorted."""

    complaints: tuple[str, ...]
    build_seconds: float
    run_seconds: float
    prove_seconds: float
    latencies: tuple[float, ...]
    custodies: tuple[float, ...]
    export_bytes: int
    bundle_bytes: int
    relayed: int
    owed: int
    steps: int
    cpu: float
    """Seconds of processor time of the processes that were left at the end."""
    peak: int
    """Most bytes that any one process had resident."""
    kills: int
    faults: Counter[str]
    delivered: int


class Simulation:
    """One run of one scenario over `processes` processes. Kills are part of its faults."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        processes: int,
        kills: int,
        clock: Clock,
        ops: OpsLog,
        tell: Callable[[Progress], None],
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._ops = ops
        self._tell = tell
        self._shares = [units for units in dealt(scenario.province(), processes) if units]
        self._crew = ProcessCrew(processes, log=ops, clock=clock)
        draw = random.Random(f"caseferry kills {scenario.seed}")  # noqa: S311 - drawn again by the same seed, no secret
        spread = sorted(draw.uniform(_KILLS_FROM, _KILLS_TO) for _ in range(kills))
        self._kills = [(int(part * scenario.count), draw.randrange(len(self._shares))) for part in spread]
        self._pause = threading.Event()

    def run(self) -> Result:
        """Do it all. Raises TransientError `simulation-stalled` if it comes to no end."""
        try:
            began = self._clock.monotonic()
            self._build()
            built = self._clock.monotonic()
            run_seconds, news, killed = self._let_run()
            ran = self._clock.monotonic()
            evidence = self._prove()
            proved = self._clock.monotonic()
        finally:
            self._crew.close(END_SECONDS)
        diary = Diary()
        for number in range(len(self._shares)):
            diary.read(self._scenario.journal(number))
        faults: Counter[str] = Counter()
        for one in news:
            faults.update({fate: count for fate, count in one.faults.items() if fate != "whole" and count})
        return Result(
            tuple(simulating_proof.verdict(self._scenario, evidence, list(diary.dropped))),
            built - began,
            run_seconds,
            proved - ran,
            tuple(sorted(at - diary.dropped[number] for number, at in diary.home.items())),
            tuple(sorted(at - diary.dropped[number] for number, at in diary.custody.items())),
            sum(one.size for one in self._scenario.exchanges()),
            evidence.bundle_bytes,
            evidence.relayed,
            evidence.owed,
            sum(one.steps for one in news),
            sum(one.cpu for one in news),
            max(one.peak for one in news),
            killed,
            faults,
            len(set(evidence.received)),
        )

    def _build(self) -> None:
        simulating_build.prepare(self._scenario)
        units = [one.unit for one in self._scenario.province()]
        lots = [tuple(units[start : start + _LOT]) for start in range(0, len(units), _LOT)]
        orders = [self._crew.run(simulating_build.build_lot, (self._scenario, lot)) for lot in lots]
        done = 0
        for lot, order in zip(lots, orders, strict=True):
            order.result()
            done += len(lot)
            self._tell(Progress("build", done, len(units)))
        simulating_build.sign_roster(self._scenario, self._clock)

    def _let_run(self) -> tuple[float, list[ShareNews], int]:
        """Let every process work until every receipt is home, and then until nothing is owed; the seconds until the
        last receipt, the last news of each, and how many were killed."""
        total = self._scenario.count
        running = [self._launch(number) for number in range(len(self._shares))]
        news: list[ShareNews | None] = [None] * len(running)
        kills = list(self._kills)
        began = moved = self._clock.monotonic()
        home_at: float | None = None
        last = (-1, -1)
        try:
            while True:
                for number, child in enumerate(running):
                    news[number] = self._heard(child, news[number])
                heard = [one for one in news if one is not None]
                now = self._clock.monotonic()
                done = (sum(one.dropped for one in heard), sum(one.home for one in heard))
                if done != last:
                    last, moved = done, now
                    peak = max((one.peak for one in heard), default=0)
                    self._tell(Progress("run", done[0], total, done[1], peak, len(self._kills) - len(kills)))
                if kills and done[1] >= kills[0][0]:
                    _at, number = kills.pop(0)
                    running[number].kill()
                    running[number].end(END_SECONDS)
                    running[number] = self._launch(number)
                    moved = now
                if done == (total, total):
                    home_at = home_at or now
                    if not sum(one.owed for one in heard) or now - home_at > QUIET_SECONDS:
                        break
                elif now - moved > PATIENCE_SECONDS:
                    raise TransientError(
                        "simulation-stalled",
                        f"no news for {PATIENCE_SECONDS:.0f} s: {done[0]} dropped, {done[1]} receipts of {total}",
                        scope=Scope.NODE,
                        facts={"dropped": done[0], "home": done[1], "total": total},
                    )
                self._pause.wait(LOOK_SECONDS)
            for number, child in enumerate(running):
                news[number] = self._ended(child, news[number])
        finally:
            for child in running:
                child.kill()
                child.end(END_SECONDS)
        return home_at - began, [one for one in news if one is not None], len(self._kills) - len(kills)

    def _launch(self, number: int) -> Launched:
        child = launch(f"simulate-{number}", TARGET)
        child.line.send(Kind.INITIALISE, packed(ShareOrder(self._scenario, number, self._shares[number])))
        return child

    def _heard(self, child: Launched, before: ShareNews | None) -> ShareNews | None:
        """Return the newest news of a process; TransientError if it has died."""
        while child.line.stirs(0.0):
            frame = child.line.receive()
            if frame is None:
                raise TransientError("simulation-died", "a process of the simulation ended by itself", scope=Scope.NODE)
            before = from_child(frame[1])
        return before

    def _ended(self, child: Launched, before: ShareNews | None) -> ShareNews | None:
        child.line.send(Kind.STOP)
        child.line.limit(END_SECONDS)
        while (frame := child.line.receive()) is not None:
            before = from_child(frame[1])
            if frame[0] is Kind.RESULT:
                return before
        return before

    def _prove(self) -> Evidence:
        units = [one.unit for one in self._scenario.province()]
        lots = [tuple(units[start : start + _LOT]) for start in range(0, len(units), _LOT)]
        orders = [self._crew.run(simulating_proof.collect, ProofOrder(self._scenario, lot)) for lot in lots]
        found = Evidence()
        done = 0
        for lot, order in zip(lots, orders, strict=True):
            found.add(order.result())
            done += len(lot)
            self._tell(Progress("prove", done, len(units)))
        return found


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value of sorted `values` that `part` per cent are not above; 0.0 of nothing."""
    return values[min(int(len(values) * part / 100), len(values) - 1)] if values else 0.0
