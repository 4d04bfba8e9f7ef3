"""Whole exchanges between two real nodes: one big export, many small ones at once, single ones on an idle link."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data
from benchmarks.data import MIB, Made
from benchmarks.figures import Figure, Section, median, percentile
from benchmarks.journeys import LEGS, Journey
from benchmarks.nodes import Pair, Run, running_pair
from benchmarks.reference import Reference

RSS_LIMIT = 300 * MIB
"""What no process of a daemon may exceed, whatever the size of the export."""
SLOWEST = 4 * MIB
"""Bytes per second below which a big exchange counts as hung."""
FLOOR_SECONDS = 120.0
SMALL_BYTES = 20 * data.KIB
SMALL_FILES = 3
IDLE_SECONDS = 8.0
REST_SECONDS = 0.3
"""Between two exchanges on an idle link; each rest is a little longer, so that they fall anywhere between two polls."""
REST_STEP = 0.137
REST_MOST = 1.0


def big(root: Path, size: int, rounds: int, reference: Reference | None) -> Section:
    """Ferry one export of `size` bytes, `rounds` times, each beside a bare `sftp put` of the same bytes."""
    runs: list[Run] = []
    puts: list[float] = []
    broken: list[str] = []
    with running_pair(root / "nodes") as pair:
        for number in range(rounds):
            export = data.dossier(root / f"dossier-{number + 1}", size, f"big/{number}")
            if reference is not None:
                puts.append(reference.put(export.path))
            run = pair.ferry([export], FLOOR_SECONDS + size / SLOWEST)
            runs.append(run)
            broken += run.broken
        memory, exceeded = _memory(pair)
    journeys = [run.journeys[0] for run in runs]
    seconds = median([one.seconds for one in journeys])
    figures = [
        Figure("drop to signed receipt", seconds, "s", _rounds(rounds)),
        Figure("throughput", size / MIB / seconds, "MiB/s"),
        *_legs(journeys),
    ]
    if puts:
        figures.append(Figure("bare OpenSSH sftp put of the same bytes", median(puts), "s", _rounds(rounds)))
        figures.append(Figure("drop to receipt, as a multiple of that", seconds / median(puts), "x"))
    shape = f"one export of {_size(size)}, half text, half incompressible, in 8 files (above 64 MiB none is compressed)"
    return Section("B1", f"One export of {_size(size)}", shape, (*figures, *memory), (*broken, *exceeded))


def many(root: Path, count: int, reference: Reference | None) -> Section:
    """Ferry `count` exports of three files of 20 KiB, dropped at once; beside it one `sftp put -r` of them all."""
    source = root / "small"
    source.mkdir()
    exports = [
        data.handover(source / f"case-{number:05d}", SMALL_BYTES, f"many/{number}", SMALL_FILES)
        for number in range(count)
    ]
    put = reference.put(source) if reference is not None else None
    with running_pair(root / "nodes") as pair:
        run = pair.ferry(exports, FLOOR_SECONDS + count)
        memory, exceeded = _memory(pair)
    seconds = [one.seconds for one in run.journeys]
    figures = [
        Figure("exchanges", count / run.seconds, "1/s", f"{count:,} in {run.seconds:.1f} s"),
        Figure("drop to signed receipt, p50", percentile(seconds, 50), "s"),
        Figure("drop to signed receipt, p95", percentile(seconds, 95), "s"),
        *_spans(run.journeys),
        Figure("delivered more or less than once, or changed", len(run.broken), "complaints", "every file compared"),
    ]
    if put is not None:
        figures.append(Figure("bare OpenSSH sftp put -r of the same files", put, "s", "one session, no receipt"))
        figures.append(Figure("all exchanges, as a multiple of that", run.seconds / put, "x"))
    work = f"{count:,} exports of {SMALL_FILES} files of 20 KiB each, dropped at once"
    return Section("B2", f"{count:,} small exports at once", work, (*figures, *memory), (*run.broken, *exceeded))


def idle(root: Path, rounds: int, police_export: Path) -> Section:
    """Ferry one small export after the other on a link where nothing else happens, and watch the nodes do nothing."""
    with running_pair(root / "nodes") as pair:
        quick = _one_by_one(
            pair, [data.handover(root / f"hand-{n:03d}", SMALL_BYTES, f"idle/{n}") for n in range(rounds)]
        )
        idle_figures = _idle(pair)
    with running_pair(root / "installed", default_timing=True) as pair:
        marked = [data.police_case(police_export, root, number) for number in range(max(3, rounds // 4))]
        slow = _one_by_one(pair, marked, route="police")
    figures = [*_latency(quick, "files"), *_latency(slow, "police zip"), *idle_figures]
    work = (
        f"one export of one 20 KiB file at a time, {rounds} times, with the demo's timing (scan 0.2 s, two stable "
        f"scans, poll 1 s); then {len(marked)} police exports with completion marks, with the timing of an installed "
        "node (scan 2 s, poll 10 s)"
    )
    broken = tuple(one for run in (*quick, *slow) for one in run.broken)
    return Section("B3", "One small export on an idle link", work, tuple(figures), broken)


def _one_by_one(pair: Pair, exports: Sequence[Made], route: str = "files") -> list[Run]:
    runs = []
    for number, export in enumerate(exports):
        time.sleep(REST_SECONDS + number * REST_STEP % REST_MOST)
        runs.append(pair.ferry([export], FLOOR_SECONDS, route=route))
    return runs


def _latency(runs: Sequence[Run], name: str) -> list[Figure]:
    journeys = [run.journeys[0] for run in runs]
    seconds = [one.seconds for one in journeys]
    legs = ", ".join(f"{leg} {median([one.leg(leg) for one in journeys]):.2f}" for leg in LEGS)
    return [
        Figure(f"{name}: drop to signed receipt, p50", median(seconds), "s", f"medians: {legs}"),
        Figure(f"{name}: drop to signed receipt, p95", percentile(seconds, 95), "s", f"over {len(seconds)} exchanges"),
    ]


def _idle(pair: Pair) -> list[Figure]:
    families = (("sender", pair.sender), ("receiver", pair.receiver))
    before = [family.cpu_seconds() for _name, family in families]
    time.sleep(IDLE_SECONDS)
    figures = []
    for (name, family), earlier in zip(families, before, strict=True):
        used = (family.cpu_seconds() - earlier) / IDLE_SECONDS * 100
        figures.append(Figure(f"idle {name}: processor", used, "% of one core", f"over {IDLE_SECONDS:.0f} s"))
        figures.append(Figure(f"idle {name}: resident", family.resident() / MIB, "MiB", "all its processes together"))
    return figures


def _legs(journeys: Sequence[Journey]) -> list[Figure]:
    return [Figure(f"  of this {leg}", median([one.leg(leg) for one in journeys]), "s") for leg in LEGS]


def _spans(journeys: Sequence[Journey]) -> list[Figure]:
    """Return for each leg how long the first to the last export kept it busy, and how many it passed in a second."""
    figures = []
    for leg in LEGS:
        at = LEGS.index(leg)
        span = max(one.marks[at] for one in journeys) - min(one.began(leg) for one in journeys)
        waits = [one.leg(leg) for one in journeys]
        note = f"busy for {span:.2f} s; p50 {percentile(waits, 50):.2f} s, p95 {percentile(waits, 95):.2f} s each"
        figures.append(Figure(f"  {leg}", len(journeys) / max(span, 1e-6), "1/s", note))
    return figures


def _memory(pair: Pair) -> tuple[list[Figure], list[str]]:
    """Return the peak memory of every process, and a complaint for each that exceeds the limit."""
    figures, broken = [], []
    for side, family in (("sender", pair.sender), ("receiver", pair.receiver)):
        for peak in family.peaks():
            figures.append(Figure(f"peak RSS, {side}: {peak.name}", peak.bytes / MIB, "MiB"))
            if peak.bytes >= RSS_LIMIT:
                broken.append(f"{side} {peak.name} had {peak.bytes / MIB:.0f} MiB resident, limit {RSS_LIMIT // MIB}")
    return figures, broken


def _rounds(rounds: int) -> str:
    return f"median of {rounds}" if rounds > 1 else "one round"


def _size(size: int) -> str:
    return f"{size / (1 << 30):g} GiB" if size >= 1 << 30 else f"{size / MIB:g} MiB"
