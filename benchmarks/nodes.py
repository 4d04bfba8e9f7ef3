"""Two real nodes on loopback for the benchmarks: started, watched, fed with exports, and asked what became of them."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.data import Made, digests_of
from benchmarks.figures import BenchmarkError, Use
from benchmarks.journeys import Journey, Tally, journeys
from benchmarks.processes import Family, together
from benchmarks.receipts import Receipts
from gateway.cli.demo_nodes import DemoNode, make_nodes
from gateway.compose.health import read_health
from gateway.compose.identity import load_settings
from gateway.domain.clock import SystemClock
from gateway.ledger.store import Ledger
from gateway.settings.load import NODE_FILE
from gateway.stages.layout import CONTENT

LOOK_SECONDS = 0.1
"""Between two looks whether a node is ready."""
REST_LEAST, REST_MOST, REST_SHARE = 0.001, 0.02, 200
"""Seconds between two looks for receipts: a part in REST_SHARE of the time that has passed, within these bounds."""
CHECK_SECONDS = 0.5
"""Between two looks at memory, and whether the nodes still run."""
GAP_VARIES, GOLDEN = 0.4, 0.618
"""The share by which gaps differ, evenly and never in step with anything that happens at regular intervals."""
READY_SECONDS = 60.0


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
        with self.ledgers() as (ours, theirs), self._receipts() as receipts:
            wanted = receipts.count() + len(exports)
            rest, began = self._resting(patience), self._clock.now()
            dropped = {export.path.name: self._drop(export, route) for export in exports}
            while not (receipts.have_moved() and receipts.count() >= wanted):
                rest(self._clock.now() - began)
            ended = self._clock.now()
            found, tally = journeys(ours, theirs, dropped)
        seen = {max(found, key=lambda one: one.marks[-1]).export: ended} if found else {}
        return self._run(exports, dropped, _as_seen(found, seen), tally)

    def paced(
        self, exports: Sequence[Made], gap: float, patience: float, beside: Sequence[Made] = ()
    ) -> tuple[Run, Run | None]:
        """Drop exports one by one, about `gap` seconds apart, whether or not those before are receipted: who waited for
        receipts would drop fewest where they take longest.

        beside: dropped all at once before; then exports are dropped only for as long as one of these has no receipt.
        Returns what became of the exports, and of those beside.
        """
        with self.ledgers() as (ours, theirs), self._receipts() as receipts:
            large = {one.path.name: self._drop(one) for one in beside}
            small: dict[str, float] = {}
            seen: dict[str, float] = {}
            left, under_way = list(reversed(exports)), set(large)
            rest, due = self._resting(patience), self._clock.now()
            while left or under_way:
                if left and self._clock.now() >= due:
                    one = left.pop()
                    small[one.path.name] = self._drop(one)
                    under_way.add(one.path.name)
                    due += gap * (1 - GAP_VARIES / 2 + len(small) * GOLDEN % 1 * GAP_VARIES)
                if receipts.have_moved():
                    done, now = receipts.of(under_way), self._clock.now()
                    seen |= dict.fromkeys(done, now)
                    under_way.difference_update(done)
                if large and under_way.isdisjoint(large):
                    left.clear()
                rest(0.0 if under_way - large.keys() else REST_MOST * REST_SHARE)
            passed = [one for one in exports if one.path.name in small]
            found, tally = journeys(ours, theirs, small)
            run = self._run(passed, small, _as_seen(found, seen), tally)
            if not large:
                return run, None
            found, tally = journeys(ours, theirs, large)
            return run, self._run(beside, large, _as_seen(found, seen), tally)

    def _drop(self, export: Made, route: str = "files") -> float:
        at = self._clock.now()
        export.drop(self._police.place.out / route)
        return at

    def _run(
        self, exports: Sequence[Made], dropped: Mapping[str, float], found: Sequence[Journey], tally: Tally
    ) -> Run:
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

    def _receipts(self) -> Receipts:
        return Receipts(load_settings(self._police.place.config).ledger_path)

    def _resting(self, patience: float) -> Callable[[float], None]:
        """Return what rests between two looks, for longer the longer what is waited for has taken: a look too late then
        blurs no figure by more than a part in REST_SHARE, nor do looks take much of what is measured.

        Now and then it looks at both nodes. Raises BenchmarkError when one has ended, or `patience` seconds are over.
        """
        until = self._clock.monotonic() + patience
        checked = 0.0

        def rest(taken: float) -> None:
            nonlocal checked
            time.sleep(min(REST_MOST, max(REST_LEAST, taken / REST_SHARE)))
            now = self._clock.monotonic()
            if now - checked < CHECK_SECONDS:
                return
            checked = now
            self.look()
            for node in (self._police, self._procuratorate):
                if not node.is_running():
                    raise BenchmarkError(f"node {node.place.unit} ended:\n{node.errors()[-2000:]}")
            if now > until:
                raise BenchmarkError(f"no end after {patience:.0f} s")

        return rest

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


def _as_seen(found: Sequence[Journey], seen: Mapping[str, float]) -> list[Journey]:
    """Return the journeys, those of the exports `seen` with an end then."""
    return [replace(one, marks=(*one.marks[:-1], seen.get(one.export, one.marks[-1]))) for one in found]


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
