"""Two real nodes on loopback for the benchmarks: started, watched, fed with exports, and asked what became of them."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import Made, digests_of
from benchmarks.figures import BenchmarkError, Use
from benchmarks.journeys import Journey, Tally, journeys
from benchmarks.processes import Family, together
from gateway.cli.demo_nodes import DemoNode, make_nodes
from gateway.compose.health import read_health
from gateway.domain.clock import SystemClock
from gateway.domain.lifecycle import Direction, State
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.settings.load import NODE_FILE
from gateway.stages.layout import CONTENT

LOOK_SECONDS = 0.1
"""Between two looks into the sender's ledger; times are taken from the ledger itself, so this blurs none of them."""
MEMORY_EVERY = 5
"""Looks into the ledger between two looks at memory."""
READY_SECONDS = 60.0
_ROAD = (State.FOUND, State.SEALED, State.SENT, State.IN_CUSTODY)


@dataclass(frozen=True, slots=True)
class Run:
    """What became of some exports that were dropped together."""

    journeys: tuple[Journey, ...]
    broken: tuple[str, ...]
    seconds: float
    """From the first drop to the last receipt."""


class Pair:
    """A police node that sends and a procuratorate node that receives, both running."""

    def __init__(self, root: Path, police: DemoNode, procuratorate: DemoNode, clock: SystemClock) -> None:
        self.root = root
        self._police = police
        self._procuratorate = procuratorate
        self._clock = clock
        self.sender = Family(_pid(police))
        self.receiver = Family(_pid(procuratorate))

    @property
    def origin(self) -> Path:
        """The folder of the node that sends, its outbound folders included."""
        return self._police.place.root

    @contextmanager
    def ledgers(self) -> Iterator[tuple[Ledger, Ledger]]:
        """Open both ledgers for reading."""
        with self._police.ledger(self._clock) as ours, self._procuratorate.ledger(self._clock) as theirs:
            yield ours, theirs

    def ferry(self, exports: Sequence[Made], patience: float, *, route: str = "files") -> Run:
        """Drop all exports at once and wait for their receipts, `patience` seconds at most.

        Then check that each was delivered exactly once with the same bytes, which is not timed.
        """
        with self.ledgers() as (ours, theirs):
            settled_before = _settled(ours)
            dropped: dict[str, float] = {}
            for export in exports:
                dropped[export.path.name] = self._drop(export, route)
            self._wait(lambda: _settled(ours) - settled_before >= len(exports), patience)
            found, tally = journeys(ours, theirs, dropped)
        return self._run(exports, dropped, found, tally)

    def overtake(self, ahead: Sequence[Made], behind: Sequence[Made], rest: float, patience: float) -> tuple[Run, Run]:
        """Drop all of `ahead`, then those of `behind` one after the other, each `rest` seconds after the receipt of the
        one before, for as long as something of `ahead` is under way; return what became of either.

        The first of `behind` is dropped when the first of `ahead` is sealed.
        """
        with self.ledgers() as (ours, theirs):
            dropped = {one.path.name: self._drop(one) for one in ahead}
            self._wait(lambda: any(_is_past(ours, name, State.FOUND) for name in dropped), patience)
            passing: dict[str, float] = {}
            for export in behind:
                if all(_is_past(ours, name, State.SENT) for name in dropped):
                    break
                time.sleep(rest)
                passing[export.path.name] = self._drop(export)
                self._wait(lambda name=export.path.name: _is_past(ours, name, State.SENT), patience)  # type: ignore[misc] # a lambda's defaults have no types
            self._wait(lambda: all(_is_past(ours, name, State.SENT) for name in dropped), patience)
            passed = [one for one in behind if one.path.name in passing]
            return (
                self._run(ahead, dropped, *journeys(ours, theirs, dropped)),
                self._run(passed, passing, *journeys(ours, theirs, passing)),
            )

    def _drop(self, export: Made, route: str = "files") -> float:
        at = self._clock.now()
        export.drop(self._police.place.out / route)
        return at

    def _run(self, exports: Sequence[Made], dropped: Mapping[str, float], found: list[Journey], tally: Tally) -> Run:
        broken = tally.complaints(len(exports)) + self._compare(exports, found)
        if not found:
            raise BenchmarkError("; ".join(broken) or "nothing was dropped")
        seconds = max(one.marks[-1] for one in found) - min(dropped.values())
        return Run(tuple(found), tuple(broken), seconds)

    def begin(self) -> None:
        """Count processor time for `uses` from now on."""
        self.sender.begin()
        self.receiver.begin()

    def uses(self) -> list[Use]:
        """Return what the processes of both nodes took since then, by side and name."""
        return together([*self.sender.uses("sender"), *self.receiver.uses("receiver")])

    def collect(self) -> None:
        """Remove what was delivered, as the software at the other side does once it has read it."""
        for one in self._procuratorate.place.into.iterdir():
            shutil.rmtree(one)

    def look(self) -> None:
        """Note the memory of both nodes."""
        self.sender.look()
        self.receiver.look()

    def _wait(self, is_over: Callable[[], bool], patience: float) -> None:
        deadline = self._clock.monotonic() + patience
        looks = 0
        while not is_over():
            for node in (self._police, self._procuratorate):
                if not node.is_running():
                    raise BenchmarkError(f"node {node.place.unit} ended:\n{node.errors()[-2000:]}")
            if self._clock.monotonic() > deadline:
                raise BenchmarkError(f"no end after {patience:.0f} s")
            if looks % MEMORY_EVERY == 0:
                self.look()
            looks += 1
            time.sleep(LOOK_SECONDS)
        self.look()

    def _compare(self, exports: Sequence[Made], found: Sequence[Journey]) -> list[str]:
        """Return what differs between the bytes that were dropped and those in the inbound folder."""
        into = self._procuratorate.place.into
        delivered = {one.export: into / one.delivered_as for one in found}
        names = {export.path.name for export in exports}
        copies = {one.delivered_as for one in found}
        broken = [f"{len(names)} exports in {len(copies)} deliveries"] if len(copies) != len(names) else []
        differing = [
            export.path.name
            for export in exports
            if export.path.name not in delivered
            or digests_of(delivered[export.path.name] / CONTENT) != dict(export.digests)
        ]
        if differing:
            broken.append(f"{len(differing)} exports did not arrive byte for byte, e.g. {differing[0]}")
        return broken


@contextmanager
def running_pair(root: Path, *, default_timing: bool = False) -> Iterator[Pair]:
    """Make two nodes below the new folder `root`, start them, and stop them afterwards.

    default_timing: scan and poll as often as an installed node does, not as often as the demo.
    Raises BenchmarkError if a node does not start, or does not end with 0 within its drain time.
    """
    clock = SystemClock()
    root.mkdir()
    police, procuratorate = make_nodes(root, clock)
    if default_timing:
        for node in (police, procuratorate):
            _forget_timing(node.place.config / NODE_FILE)
    try:
        for node in (police, procuratorate):
            node.start()
        for node in (police, procuratorate):
            _wait_ready(node, clock)
        yield Pair(root, police, procuratorate, clock)
    finally:
        try:
            first = police.stop()
        finally:  # one that hangs leaves no other behind
            second = procuratorate.stop()
    if (first, second) != (0, 0):
        raise BenchmarkError(f"the nodes ended with {first} and {second}")


def _wait_ready(node: DemoNode, clock: SystemClock) -> None:
    deadline = clock.monotonic() + READY_SECONDS
    while not _pid(node):
        if not node.is_running() or clock.monotonic() > deadline:
            raise BenchmarkError(f"node {node.place.unit} does not start:\n{node.errors()[-2000:]}")
        time.sleep(LOOK_SECONDS)


def _pid(node: DemoNode) -> int:
    """Return the daemon's process id from its own account of itself; 0 until it has written one."""
    return read_health(node.place.root / "state").pid


def _is_past(ledger: Ledger, name: str, state: State) -> bool:
    """Whether the export of this name has left `state`, and those before it, behind."""
    before = _ROAD[: _ROAD.index(state) + 1]
    found = ledger.search(TransferFilter(direction=Direction.OUTBOUND, text=name), 1)
    return bool(found) and found[0].state not in before


def _settled(ledger: Ledger) -> int:
    # What an earlier round delivered is cleared away, and counts as collected from then on.
    by_state = ledger.counts().by_state
    return sum(by_state.get((Direction.OUTBOUND, state), 0) for state in (State.DELIVERED, State.COLLECTED))


def _forget_timing(file: Path) -> None:
    """Take the demo's `timing` out of a node file; every other setting stays."""
    kept = []
    inside = False
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith(" ") and line.strip():
            inside = line.startswith("timing:")
        if not inside:
            kept.append(line)
    file.write_text("\n".join(kept) + "\n", "utf-8")
