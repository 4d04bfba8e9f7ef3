"""Whether a custody handover passes dossiers that fill the link: the same exchange on the idle and on the full link."""

from pathlib import Path

from benchmarks import data
from benchmarks.data import KIB, MIB
from benchmarks.exchanges import FLOOR_SECONDS, REST_SECONDS, SLOWEST
from benchmarks.figures import Figure, Section, median, percentile
from benchmarks.journeys import LEGS, Journey
from benchmarks.nodes import running_pair

HANDOVER = 20 * KIB
MOST = 200
"""Handovers made ready to be dropped while the dossiers are under way; all that pass are counted."""
GOAL = 3.0
"""What the full link's p95 may be, as a multiple of the idle one's."""


def lanes(root: Path, count: int, size: int, rounds: int) -> Section:
    """Ferry handovers of 20 KiB one by one, first alone, then while `count` dossiers of `size` bytes are under way."""
    with running_pair(root / "nodes") as pair:
        alone = [data.handover(root / f"alone-{n:03d}", HANDOVER, f"lanes/alone/{n}") for n in range(rounds)]
        quiet = [pair.ferry([one], FLOOR_SECONDS) for one in alone]
        dossiers = [data.dossier(root / f"dossier-{n:03d}", size, f"lanes/{n}") for n in range(count)]
        passing = [data.handover(root / f"passing-{n:03d}", HANDOVER, f"lanes/passing/{n}") for n in range(MOST)]
        patience = FLOOR_SECONDS + count * size / SLOWEST
        bulk, urgent = pair.overtake(dossiers, passing, REST_SECONDS, patience)
    idle = [run.journeys[0] for run in quiet]
    full = list(urgent.journeys)
    ratio = percentile(_seconds(full), 95) / percentile(_seconds(idle), 95)
    figures = (
        *_figures("idle link", idle),
        *_figures("full link", full),
        Figure(
            "full link's p50, as a multiple of the idle one's", median(_seconds(full)) / median(_seconds(idle)), "x"
        ),
        Figure("full link's p95, as a multiple of the idle one's", ratio, "x", f"goal: at most {GOAL:g}"),
        Figure("dossiers: first drop to last receipt", bulk.seconds, "s", f"{count} of {size / MIB:g} MiB"),
        Figure("dossiers: throughput", count * size / MIB / bulk.seconds, "MiB/s", "the handovers passing"),
    )
    work = (
        f"one custody handover of 20 KiB at a time, {rounds} times on the idle link; then {len(full)} times while "
        f"{count} dossiers of {size / MIB:g} MiB dropped at once are packed, sent and opened on the same link"
    )
    broken = (*(one for run in (*quiet, bulk, urgent) for one in run.broken),)
    return Section("B4", "Urgent beside bulk on one link", work, figures, broken)


def _figures(name: str, journeys: list[Journey]) -> tuple[Figure, Figure]:
    legs = ", ".join(f"{leg} {median([one.leg(leg) for one in journeys]):.2f}" for leg in LEGS)
    slow = ", ".join(f"{leg} {percentile([one.leg(leg) for one in journeys], 95):.2f}" for leg in LEGS)
    return (
        Figure(f"{name}: drop to signed receipt, p50", median(_seconds(journeys)), "s", f"medians: {legs}"),
        Figure(f"{name}: drop to signed receipt, p95", percentile(_seconds(journeys), 95), "s", f"p95 of each: {slow}"),
    )


def _seconds(journeys: list[Journey]) -> list[float]:
    return [one.seconds for one in journeys]
