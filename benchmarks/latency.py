"""W4 and W5: how long one small handover takes, on an idle link and beside dossiers that fill it."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data
from benchmarks.data import KIB, MIB, Made
from benchmarks.figures import BenchmarkError, Figure, Goal, Section, median, percentile
from benchmarks.journeys import LEGS, Journey
from benchmarks.nodes import Pair, Run, running_pair
from benchmarks.peers.nncp import Nncp, arrived, clear, nncp, write_configurations
from benchmarks.peers.site import site as running_site
from benchmarks.quiet import Quiet
from benchmarks.races import FLOOR_SECONDS, OURS, SLOWEST, lacking, warm_up
from benchmarks.steps import Steps
from gateway.compose.setup import free_ports

HANDOVER = 20 * KIB
REST_SECONDS = 0.3
"""Between two handovers; each rest is a little longer, so that they fall anywhere between two polls."""
REST_STEP = 0.137
REST_MOST = 1.0
GAP_SECONDS = 0.25
"""Between two handovers of W5: the same pace on the idle and on the full link, and so close that dozens fall into the
time that the dossiers take. A 95th percentile of twenty is the second worst of them, and says little."""
MOST = 300
"""Handovers made ready to be dropped while the dossiers are under way; all that pass are counted."""
SLOWEST_TOLD = 5
"""So many of the slowest are told, for a percentile shows one of them."""
P50, P95 = Goal(1.5), Goal(3.0)
BESIDE = Goal(3.0)
"""What the full link's p95 may be, as a multiple of the idle one's."""
QUICKER = Goal(3.0, is_floor=True)
"""How many times as long NNCP is meant to take."""
_CALLS = 'calls: [{cron: "*/1 * * * * * *", onlinedeadline: 3600}]'
"""The sender calls once and stays connected, which is the quickest that NNCP can be."""
_PORT_SECONDS = 10.0


def idle(root: Path, count: int, sample: Path, quiet: Quiet) -> Section:
    """W4: one handover of one 20 KiB file at a time on an idle link.

    Some have no mark and must be found unchanged a few times first; some are police exports with their mark, of
    which `sample` is one.
    """
    few = max(1, count // 4)
    with running_pair(root / "nodes", default_timing=True) as pair:
        warm_up(pair, root)
        quiet.settle()
        marked = one_by_one(pair, handovers(root, "marked", count))
        bare = one_by_one(pair, [data.handover(root / f"bare-{n:03d}", HANDOVER, f"bare/{n}") for n in range(few)])
        cases = [data.police_case(sample, root, number) for number in range(few)]
        police = one_by_one(pair, cases, route="police")
    beside, absent = _beside_nncp(root, count, marked, quiet)
    settling = median(_seconds(bare)) - median(_seconds(marked))
    figures = [
        *_latency("drop to signed receipt", marked, P50, P95),
        *_latency("police zip: drop to signed receipt", police),
        Figure(
            "what settling adds where there is no mark",
            settling,
            "s",
            f"median of {few}: the folder must be seen unchanged three times, 2 s apart",
        ),
        *beside,
    ]
    work = (
        f"one handover of one 20 KiB file with a completion mark at a time, {count} times, with the timing of an "
        f"installed node (scan 2 s, poll 10 s); then {few} without a mark and {few} police exports with theirs"
    )
    broken = tuple(one for run in (*marked, *bare, *police) for one in run.broken)
    return Section(
        "W4", "One handover on an idle link", work, tuple(figures), broken, absent=(absent,) if absent else ()
    )


def full(root: Path, count: int, size: int, handed: int, quiet: Quiet) -> Section:
    """W5: `handed` handovers on the idle link, then, at the same pace, handovers while `count` dossiers of `size` bytes
    are under way on it."""
    patience = FLOOR_SECONDS + count * size / SLOWEST
    with running_pair(root / "nodes", default_timing=True) as pair:
        warm_up(pair, root)
        dossiers = [data.dossier(root / f"dossier-{n:03d}", size, f"lanes/{n}").labelled() for n in range(count)]
        passing = handovers(root, "passing", MOST)
        quiet.settle()
        idle_link, _none = pair.paced(handovers(root, "alone", handed), GAP_SECONDS, patience)
        full_link, bulk = pair.paced(passing, GAP_SECONDS, patience, beside=dossiers)
    alone, beside = ([one.seconds for one in run.journeys] for run in (idle_link, full_link))
    taken = bulk.seconds if bulk else 0.0
    figures = (
        *_journeys("idle link: drop to signed receipt", idle_link.journeys),
        *_journeys("full link: drop to signed receipt", full_link.journeys),
        Figure("full link's p50, as a multiple of the idle one's", median(beside) / median(alone), "x"),
        Figure(
            "full link's p95, as a multiple of the idle one's",
            percentile(beside, 95) / percentile(alone, 95),
            "x",
            f"slowest: idle {_slowest(alone)}; full {_slowest(beside)}",
            goal=BESIDE,
        ),
        Figure("dossiers: first drop to last receipt", taken, "s", f"{count} of {size / MIB:g} MiB"),
        Figure("dossiers: throughput", count * size / MIB / taken, "MiB/s", "the handovers passing"),
    )
    work = (
        f"handovers of 20 KiB, one every {GAP_SECONDS:g} s, {handed} on the idle link; then {len(beside)}, for as long "
        f"as {count} dossiers of {size / MIB:g} MiB dropped at once are packed, sent and opened on the same link"
    )
    broken = tuple(one for run in (idle_link, full_link, bulk) if run for one in run.broken)
    return Section("W5", "Handovers beside dossiers on one link", work, figures, broken)


def handovers(root: Path, name: str, count: int) -> list[Made]:
    """Make handovers of 20 KiB that say by a label that they are complete."""
    return [data.handover(root / f"{name}-{n:03d}", HANDOVER, f"{name}/{n}").labelled() for n in range(count)]


def one_by_one(pair: Pair, exports: Sequence[Made], route: str = "files") -> list[Run]:
    """Ferry exports one after the other, with rests between them."""
    runs = []
    for number, export in enumerate(exports):
        time.sleep(REST_SECONDS + number * REST_STEP % REST_MOST)
        runs.append(pair.ferry([export], FLOOR_SECONDS, route=route))
    return runs


def _beside_nncp(root: Path, count: int, ours: Sequence[Run], quiet: Quiet) -> tuple[list[Figure], str]:
    """Return what NNCP takes from `nncp-file` to the file at the other side, where both toss by themselves.

    Instead of figures, a reason why there are none.
    """
    name = "NNCP with autotoss: file to delivery"
    missing = lacking(Nncp(is_carried=False))
    if missing:
        return [], f"{name}: not installed ({', '.join(missing)})"
    seconds = []
    with running_site(root / "nncp-site") as site:
        port = free_ports(1)[0]
        write_configurations(site, port, _CALLS)
        clear(site)
        steps = Steps("NNCP")
        listening = nncp("daemon", site, "b", "-autotoss", "-bind", f"127.0.0.1:{port}")
        with steps.served(listening, port, _PORT_SECONDS), steps.running(nncp("caller", site, "a", "-autotoss")):
            try:
                for number in range(count + 1):
                    file = root / f"nncp-{number:03d}.pdf"
                    data.write(file, HANDOVER, data.noise(f"nncp/{number}"))
                    if number == 1:
                        quiet.settle()
                    time.sleep(REST_SECONDS + number * REST_STEP % REST_MOST)
                    began = time.time()
                    steps.run(nncp("file", site, "a", file, f"b:{file.name}"))
                    at, landed = arrived(site, file.name, FLOOR_SECONDS)
                    if landed.read_bytes() != file.read_bytes():
                        return [], f"{name}: what arrived differs"
                    seconds.append(at - began)
            except BenchmarkError as error:
                return [], f"{name}: failed: {error}"
    # The first one waits for the connection.
    taken = seconds[1:]
    ratio = median(taken) / median(_seconds(ours))
    return [
        Figure(f"{name}, p50", median(taken), "s", "no receipt; the connection is held open", min(taken), max(taken)),
        Figure(f"{name}, p95", percentile(taken, 95), "s"),
        Figure(f"that p50, as a multiple of {OURS}'s to the receipt", ratio, "x", goal=QUICKER),
    ], ""


def _slowest(seconds: Sequence[float]) -> str:
    return ", ".join(f"{one:.3f}" for one in sorted(seconds)[: -SLOWEST_TOLD - 1 : -1])


def _latency(name: str, runs: Sequence[Run], p50: Goal | None = None, p95: Goal | None = None) -> list[Figure]:
    return _journeys(name, [run.journeys[0] for run in runs], p50, p95)


def _journeys(name: str, found: Sequence[Journey], p50: Goal | None = None, p95: Goal | None = None) -> list[Figure]:
    seconds = [one.seconds for one in found]
    legs = ", ".join(f"{leg} {median([one.leg(leg) for one in found]):.2f}" for leg in LEGS)
    slow = ", ".join(f"{leg} {percentile([one.leg(leg) for one in found], 95):.2f}" for leg in LEGS)
    spread = min(seconds), max(seconds)
    return [
        Figure(f"{name}, p50", median(seconds), "s", f"of {len(seconds)}; medians: {legs}", *spread, p50),
        Figure(f"{name}, p95", percentile(seconds, 95), "s", f"p95 of each: {slow}", goal=p95),
    ]


def _seconds(runs: Sequence[Run]) -> list[float]:
    return [run.journeys[0].seconds for run in runs]
