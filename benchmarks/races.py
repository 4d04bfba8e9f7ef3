"""W1 to W3: the same cases carried by this project, by a bare `sftp put` and by its peers, in turn."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks import data
from benchmarks.data import KIB, MIB, Made
from benchmarks.figures import BenchmarkError, Figure, Goal, Section, Use, median, middle, shown
from benchmarks.journeys import LEGS, Journey
from benchmarks.nodes import Pair, running_pair
from benchmarks.peers.peer import Peer
from benchmarks.peers.site import Site, is_installed, site
from benchmarks.processes import together
from benchmarks.quiet import Quiet
from benchmarks.steps import Steps

OURS = "CaseFerry"
RSS_LIMIT = 300 * MIB
"""What no process of a daemon may exceed, whatever the size of the export."""
SLOWEST = 4 * MIB
"""Bytes per second below which a run counts as hung."""
FLOOR_SECONDS = 120.0
CASE_SECONDS = 1.0
"""What each case may take beyond that."""
WARM = 160
"""Small cases that go before the clock starts: a daemon that has run for a while has started all its processes. They
are more than two batches, or the second worker process of either end would start inside the first round."""
CHILDREN_SECONDS = 5.0
"""What a server may need after a run to end the processes of its sessions, whose time then counts as its own."""
LARGE_FILES = 16
MANY_BYTES = 100 * KIB
SMALL_BYTES = 20 * KIB


@dataclass(frozen=True, slots=True)
class Lap:
    """One run of one contender over its cases, and what it took."""

    cases: int
    seconds: float
    uses: tuple[Use, ...]
    broken: tuple[str, ...] = ()
    journeys: tuple[Journey, ...] = ()

    @property
    def each(self) -> float:
        """Seconds for one case."""
        return self.seconds / self.cases


@dataclass(frozen=True, slots=True)
class Contender:
    """Who carries the cases. `most`: how many of them, where doing all would take too long; scaled per case."""

    name: str
    lap: Callable[[Sequence[Made]], Lap]
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What is carried, and what this project is meant to reach. `goal`: a multiple of the bare put."""

    key: str
    title: str
    work: str
    cases: Sequence[Made]
    goal: float
    goal_each: float | None = None
    """Milliseconds a case; None where there is no such goal."""


def race(work: Work, peers: Sequence[tuple[Peer, int | None]], rounds: int, root: Path, quiet: Quiet) -> Section:
    """Let everybody carry the work, `rounds` times in turn; the first of `peers` is the measure of the others.

    peers: each with the most cases it is given. Those that are not installed are named and left out.
    """
    missing = [f"{peer.name}: not installed ({', '.join(lacks)})" for peer, _most in peers if (lacks := lacking(peer))]
    with (
        _ready(root / "site", [one for one in peers if not lacking(one[0])]) as there,
        running_pair(root / "nodes", default_timing=True) as pair,
    ):
        warm_up(pair, root)
        turn = iter(range(rounds))
        ours = Contender(OURS, lambda cases: ours_lap(pair, cases, next(turn), root, quiet))
        others = [
            Contender(peer.name, partial(peer_lap, peer, place, quiet=quiet), most) for place, peer, most in there
        ]
        laps, failed = interleaved([*others[:1], ours, *others[1:]], work.cases, rounds)
        logins = [_login(there[0][0], rounds, quiet)] if there else []
    section = section_of(work, laps, [*missing, *failed], others[0].name if others else None)
    return replace(section, figures=(*section.figures, *logins))


def interleaved(
    contenders: Sequence[Contender], cases: Sequence[Made], rounds: int
) -> tuple[dict[str, list[Lap]], list[str]]:
    """Return the laps of all, run in turn, and what failed; who fails once is not asked again."""
    laps: dict[str, list[Lap]] = {one.name: [] for one in contenders}
    failed: dict[str, str] = {}
    for number in range(rounds):
        # Forth and back, so that nobody always runs behind the same one, nor the first always on the fullest disk.
        for one in contenders if number % 2 == 0 else contenders[::-1]:
            if one.name in failed:
                continue
            try:
                lap = one.lap(cases[: one.most])
                laps[one.name].append(lap)
                print(f"round {number + 1} of {rounds}: {one.name}: {shown(lap.seconds)} s", file=sys.stderr)
            except BenchmarkError as error:
                if one.name == OURS:
                    raise
                failed[one.name] = f"{one.name}: failed: {error}"
    return {name: found for name, found in laps.items() if name not in failed}, list(failed.values())


def warm_up(pair: Pair, root: Path) -> None:
    """Carry a few small cases, so that the nodes have started all their processes."""
    cases = data.small_cases(root / "warm", WARM, KIB, "warm")
    pair.ferry([one.labelled() for one in cases], FLOOR_SECONDS)


def ours_lap(pair: Pair, cases: Sequence[Made], number: int, root: Path, quiet: Quiet) -> Lap:
    """Carry copies of the cases between two nodes; labels say that they are complete. `number`: of the round.

    Of each round they have other names and case numbers, else they would be known as sent before.
    """
    drop = root / f"drop-{number}"
    drop.mkdir()
    exports = [one.copied(drop, f"{one.path.name}-r{number}").labelled() for one in cases]
    patience = FLOOR_SECONDS + len(cases) * CASE_SECONDS + sum(one.size for one in cases) / SLOWEST
    quiet.settle(one.path for one in exports)
    pair.begin()
    run = pair.ferry(exports, patience)
    uses = pair.uses()
    pair.collect()
    quiet.fill()
    large = [
        f"{one.who} {one.process} had {one.peak / MIB:.0f} MiB resident, limit {RSS_LIMIT // MIB}"
        for one in uses
        if one.peak >= RSS_LIMIT
    ]
    return Lap(len(cases), run.seconds, tuple(uses), (*run.broken, *large), run.journeys)


def peer_lap(peer: Peer, place: Site, cases: Sequence[Made], quiet: Quiet) -> Lap:
    """Let a peer carry the cases, then compare every byte; raises BenchmarkError if something is missing or differs."""
    place.clear()
    steps = Steps(peer.name)
    sources = [one.path for one in cases]
    with peer.serving(place, steps):
        quiet.settle(sources)
        place.server.begin()
        with steps.watched():
            began = time.monotonic()
            peer.carry(place, steps, sources)
            seconds = time.monotonic() - began
    place.server.wait_alone(CHILDREN_SECONDS)
    uses = together([*steps.uses(), *place.server.uses(peer.name)])
    differing = [one for one in cases if data.digests_of(peer.arrived(place, one.path)) != dict(one.digests)]
    if differing:
        raise BenchmarkError(f"{len(differing)} cases did not arrive byte for byte, e.g. {differing[0].path.name}")
    place.clear()
    quiet.fill()
    return Lap(len(cases), seconds, tuple(uses))


def _login(place: Site, rounds: int, quiet: Quiet) -> Figure:
    """Return what a session costs that puts nothing: each lap of the bare put begins with a login, ours with none."""
    quiet.settle()
    empty, steps, seconds = place.ours / "empty", Steps("login"), []
    empty.touch()
    for _ in range(rounds):
        began = time.monotonic()
        place.sftp(steps, f'put "{empty}" "{place.into}"')
        seconds.append(time.monotonic() - began)
    return middle(
        "a session of sftp for one empty file", seconds, "s", "in each bare put; our link has logged in before"
    )


def lacking(peer: Peer) -> list[str]:
    """Return the packages that would have to be installed for a peer, the server of all of them included."""
    return peer.missing() if is_installed() else sorted({*peer.missing(), "openssh-server"})


@contextmanager
def _ready(folder: Path, peers: Sequence[tuple[Peer, int | None]]) -> Iterator[list[tuple[Site, Peer, int | None]]]:
    """Run a server where there is a peer that needs it, and let all make their keys; end what they have started."""
    if not peers:
        yield []
        return
    with site(folder) as place:
        place.clear()
        try:
            for peer, _most in peers:
                peer.prepare(place)
            yield [(place, *one) for one in peers]
        finally:
            for peer, _most in peers:
                peer.tidy(place)


def section_of(work: Work, laps: dict[str, list[Lap]], absent: Sequence[str], base: str | None) -> Section:
    """Return what came out of all laps. `base`: the measure of the others; `absent`: who was left out, and why."""
    figures: list[Figure] = []
    uses: list[Use] = []
    bars: list[tuple[str, float]] = []
    whole = len(work.cases)
    measure = laps.get(base or "", [])
    for name, found in laps.items():
        goal = Goal(work.goal) if name == OURS else None
        ratios = [one.each / bare.each for one, bare in zip(found, measure, strict=True)] if measure else []
        if ratios:
            figures.append(middle(name, ratios, "x bare", _note(found, whole), goal))
            bars.append((name, median(ratios)))
        else:
            figures.append(middle(name, [one.seconds for one in found], "s", _note(found, whole)))
        uses += _middle_lap(found).uses
    ours = laps[OURS]
    if work.goal_each is not None:
        each = [one.each * 1000 for one in ours]
        figures.append(middle(f"{OURS}, a case", each, "ms", "", Goal(work.goal_each)))
    figures += _legs(ours)
    broken = tuple(dict.fromkeys(one for lap in ours for one in lap.broken))
    # What befell our own run in every round is said once.
    return Section(work.key, work.title, work.work, tuple(figures), broken, tuple(uses), tuple(bars), tuple(absent))


def _middle_lap(laps: Sequence[Lap]) -> Lap:
    seconds = median([one.seconds for one in laps])
    return next(one for one in laps if one.seconds == seconds)


def _note(laps: Sequence[Lap], whole: int) -> str:
    seconds = [one.seconds for one in laps]
    lap = _middle_lap(laps)
    used = sum(one.seconds for one in lap.uses)
    largest = max(lap.uses, key=lambda one: one.peak, default=None)
    parts = [f"{shown(median(seconds))} s ({shown(min(seconds))} to {shown(max(seconds))})"]
    if whole > 1:
        parts.append(f"{shown(lap.each * 1000)} ms a case")
    if lap.cases != whole:
        parts.append(f"measured on {lap.cases} cases")
    parts.append(f"processor {shown(round(used, 2))} s")
    if largest and largest.peak:
        parts.append(f"largest process {largest.process} {shown(round(largest.peak / MIB))} MiB")
    return "; ".join(parts)


def _legs(laps: Sequence[Lap]) -> list[Figure]:
    """Return how long each leg took; where there are many cases also how long it was busy with all of them."""
    figures = []
    for at, leg in enumerate(LEGS):
        waits = [one.leg(leg) for lap in laps for one in lap.journeys]
        spans = [max(j.marks[at] for j in lap.journeys) - min(j.began(leg) for j in lap.journeys) for lap in laps]
        note = f"a case, its turn waited for; busy for {shown(median(spans))} s in all" if laps[0].cases > 1 else ""
        figures.append(middle(f"{OURS}, of this {leg}", waits, "s", note))
    return figures


def one_large(folder: Path, size: int) -> Work:
    """W1: one case of `size` bytes in 16 files, half of them text."""
    made = data.dossier(folder / "case-large", size, "large", LARGE_FILES)
    shape = f"one case of {told(size)} in {LARGE_FILES} files, half of them text, half incompressible"
    return Work("W1", f"One case of {told(size)}", shape, [made], 1.0)


def one_of_many(folder: Path, count: int) -> Work:
    """W2: one case of `count` documents of 100 KiB."""
    made = data.case_of_many(folder / "case-of-many", count, MANY_BYTES, "many")
    shape = f"one case of {count:,} documents of 100 KiB, every second one text, the others incompressible"
    return Work("W2", f"One case of {count:,} documents", shape, [made], 0.6)


def many_small(folder: Path, count: int) -> Work:
    """W3: `count` cases of three documents of 20 KiB."""
    shape = f"{count:,} cases of 3 documents of 20 KiB, dropped at once, each with its own bundle and its own receipt"
    cases = data.small_cases(folder, count, SMALL_BYTES, "small")
    return Work("W3", f"{count:,} small cases", shape, cases, 0.5, 3.0)


def told(size: int) -> str:
    """Return a number of bytes in words."""
    return f"{size / (1 << 30):g} GiB" if size >= 1 << 30 else f"{size / MIB:g} MiB"
