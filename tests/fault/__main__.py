"""The whole kill-anywhere matrix: tries every point, writes the table, ends with 1 if anything went wrong."""

import argparse
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

import yaml

from gateway.compose import identity
from gateway.settings import marks
from tests.conftest import absent, memory
from tests.support import traces
from tests.support.earlyscene import ARRIVING
from tests.support.hubscene import OVER_A_HUB
from tests.support.lines import LineFault, a_site
from tests.support.matrix import Outcome, Point, points, tried
from tests.support.nodes import make_pair, running
from tests.support.scenes import BY_ONE_ORDER, EXCHANGE, IN_ORDER, REFUSAL, Scene

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- begin of the table -->\n", "<!-- end of the table -->\n"
SAY_EVERY = 30.0
TRACED = "system calls of real daemons, by strace"
SCENE_NAMES: Mapping[str, Scene] = MappingProxyType(
    {
        "exchange": EXCHANGE,
        "order": BY_ONE_ORDER,
        "kept": IN_ORDER,
        "refusal": REFUSAL,
        "early": ARRIVING,
        "hub": OVER_A_HUB,
    }
)
ALL_SCENES: Sequence[Scene] = tuple(SCENE_NAMES.values())
SPARSER, SPARSE = 8, (BY_ONE_ORDER, IN_ORDER, OVER_A_HUB)
"""Where points are left out at all, this many times more of these scenes: most of what is done in them is done in the
others as well, and three nodes cost twice as much as two."""
SHOWN = 5
"""Failures of one row that are printed in full."""


@dataclass
class Row:
    """What came of one kind of fault: in one scene, or in one group of system calls."""

    kind: str
    where: str
    total: int
    tried: int = 0
    failed: int = 0
    missed: int = 0
    """Points that the run never came to."""
    seconds: float = 0.0

    def count(self, *, has_struck: bool, trouble: str) -> None:
        self.tried += has_struck
        self.missed += not has_struck
        self.failed += bool(trouble)
        if trouble and self.failed <= SHOWN:
            print(trouble, flush=True)

    def cells(self) -> str:
        return f"| {self.kind} | {self.where} | {self.total} | {self.tried} | {self.failed} |"


@dataclass
class Progress:
    """Says now and then how far it has come."""

    total: int
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    said: float = 0.0

    def step(self) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.said >= SAY_EVERY:
            self.said = now
            print(f"{self.done} of {self.total} points, {now - self.began:.0f} s", flush=True)


def prepared(folder: Path, scenes: Sequence[Scene]) -> dict[str, Path]:
    """Build the nodes of every scene, to be copied."""
    built = {}
    for number, scene in enumerate(scenes):
        built[scene.name] = folder / f"built-{number}"
        scene.build(built[scene.name])
    return built


def try_point(point: Point, built: dict[str, Path], folder: Path) -> Outcome:
    return tried(
        point, built[point.scene.name], folder / f"{ALL_SCENES.index(point.scene)}-{point.kind.name}-{point.at}"
    )


def in_one_process(folder: Path, scenes: Sequence[Scene], stride: int, processes: int) -> list[Row]:
    """Try every `stride`-th point of every kind in every one of `scenes`."""
    _parse_once()
    rows: dict[tuple[str, str], Row] = {}
    todo: list[Point] = []
    built = prepared(folder, scenes)
    for scene in scenes:
        step = stride * SPARSER if scene in SPARSE and len(scenes) > 1 and stride > 1 else stride
        for kind, total in points(scene, built[scene.name], folder / "count").items():
            rows[scene.name, kind.name] = Row(kind.value, scene.name, total)
            # The offset differs by kind, so that thinned-out kinds meet other calls.
            todo += [Point(scene, kind, at) for at in range(len(rows) % step, total, step)]
    progress = Progress(len(todo))
    work = partial(try_point, built=built, folder=folder)
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for outcome in pool.imap_unordered(work, todo, 4):
            row = rows[outcome.point.scene.name, outcome.point.kind.name]
            row.count(has_struck=bool(outcome.where), trouble=str(outcome) if outcome.trouble else "")
            progress.step()
    return list(rows.values())


def _parse_once() -> None:
    """Let a text of settings that is read again be read, but not be parsed: that would be a third of all the work."""
    compose, found = marks._compose, dict[str, yaml.Node]()

    def remembered(text: str, document: marks.Document) -> yaml.Node | None:
        if text not in found:
            node = compose(text, document)
            if node is None:
                return None
            found[text] = node
        return found[text]

    marks._compose = remembered
    identity.packer_names = cache(identity.packer_names)


def in_lines(folder: Path) -> list[Row]:
    """Let the line to an SFTP server fail at every call on it: few, and soon done."""
    rows = []
    for fault in LineFault:
        place = folder / f"line-{fault.name}"
        place.mkdir()
        with a_site(place) as site:
            total = site.suffer(None)
            rows.append(Row(fault.value, "deposit, listing, fetch and removal over SFTP", total))
            for at in range(total):
                trouble = ""
                try:
                    site.suffer(fault, at)
                except Exception as error:  # noqa: BLE001 - whatever it is belongs into the table
                    trouble = f"{fault.name} at {at}: {type(error).__name__}: {error}"
                rows[-1].count(has_struck=True, trouble=trouble)
    return rows


def in_daemons(folder: Path, stride: int) -> list[Row]:
    """Try the points of the strace sample, one after the other."""
    rows: dict[str, Row] = {}
    chosen = traces.LARGE[::stride]
    progress = Progress(len(chosen))
    for point, has_struck, trouble in each_traced(folder, chosen):
        row = rows.setdefault(point.injection.fault, Row(point.injection.fault, TRACED, 0))
        row.total += 1
        row.count(has_struck=has_struck, trouble=trouble and f"{point}: {trouble}")
        progress.step()
    return list(rows.values())


def each_traced(folder: Path, chosen: Sequence[traces.TracedPoint]) -> Iterator[tuple[traces.TracedPoint, bool, str]]:
    """Yield what came of each point; after a failure two new daemons go on."""
    waiting = list(chosen)
    for number in range(len(chosen) + 1):
        if not waiting:
            return
        place = folder / f"daemons-{number}"
        place.mkdir()
        with running(make_pair(place / "nodes")) as pair:
            suffering = traces.TracedPair(pair, place)
            while waiting:
                point = waiting.pop(0)
                try:
                    yield point, suffering.suffer(point), ""
                except Exception:  # noqa: BLE001 - whatever it is belongs into the table
                    yield point, True, traceback.format_exc()
                    break


def table(rows: Sequence[Row], seconds: float, stride: int, processes: int) -> str:
    """Return the table of docs/reliability.md and the line below it."""
    lines = ["| Fault | Where | Points | Tried | Failed |", "|---|---|---|---|---|"]
    lines += [row.cells() for row in rows]
    sums = [sum(getattr(row, name) for row in rows) for name in ("total", "tried", "failed")]
    lines.append(f"| **all** | | **{sums[0]}** | **{sums[1]}** | **{sums[2]}** |")
    which = "every point" if stride == 1 else f"one point in {stride} in one process and by strace"
    lines += [
        "",
        f"Made by `make reliability` on {datetime.now(UTC):%Y-%m-%d}: {which}, in"
        f" {seconds / 60:.0f} minutes with {processes} processes on {os.cpu_count()} cores"
        f" ({platform.machine()}, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}; load"
        f" {os.getloadavg()[2]:.0f}).",
    ]
    return "\n".join(lines) + "\n"


def write(text: str) -> None:
    """Put the table between the markers of the page."""
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{text}{END}{after}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fault", description=__doc__)
    parser.add_argument("--stride", type=int, default=1, metavar="N", help="only every Nth point of each kind")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--folder", type=Path, default=memory(), help="where the nodes are made")
    parser.add_argument("--no-write", action="store_true", help="leave docs/reliability.md as it is")
    parser.add_argument(
        "--only", choices=SCENE_NAMES, metavar="SCENE", help=f"one of {', '.join(SCENE_NAMES)}; writes nothing"
    )
    chosen = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="caseferry-matrix-", dir=chosen.folder))
    if chosen.only:
        rows = in_one_process(folder, [SCENE_NAMES[chosen.only]], chosen.stride, chosen.processes)
        print(table(rows, time.monotonic() - began, chosen.stride, chosen.processes))
        return 1 if any(row.failed for row in rows) else 0
    rows = in_one_process(folder, ALL_SCENES, chosen.stride, chosen.processes)
    rows += in_lines(folder)
    if why := absent("needs_strace"):
        print(f"left out: {TRACED}: {why}")
    else:
        rows += in_daemons(folder, chosen.stride)
    text = table(rows, time.monotonic() - began, chosen.stride, chosen.processes)
    print(text)
    if not chosen.no_write:
        write(text)
    failed = sum(row.failed for row in rows)
    if failed:
        print(f"the nodes of what failed are below {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
