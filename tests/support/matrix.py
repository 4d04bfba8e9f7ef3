"""The kill-anywhere matrix: each kind of fault at each point of each scene, one at a time, and what came of it."""

import shutil
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.support.crashing import in_child
from tests.support.faults import MOMENTS, Fault, Kind
from tests.support.powercuts import PowerCut
from tests.support.scenes import Scene, copied

BEYOND = 1 << 30
"""A point that no run comes to: the fault only counts."""
AGAIN = 97
"""Effects of a start, at most, among which the second death of KILL_TWICE is spread."""


@dataclass(frozen=True)
class Point:
    """One fault: `kind` at the `at`-th call that it may strike; with several moments, call and moment in one."""

    scene: Scene
    kind: Kind
    at: int


@dataclass(frozen=True)
class Outcome:
    """What came of one point. `where`: the call and our lines that made it; empty if the run never came there."""

    point: Point
    where: str
    trouble: str

    def __str__(self) -> str:
        head = f"{self.point.kind.name} at {self.point.at} in {self.point.scene.name}"
        return f"{head}: {self.where}{self.trouble}"


def points(scene: Scene, built: Path, folder: Path) -> dict[Kind, int]:
    """Return how many points each kind has in `scene`, whose nodes are at `built`; `folder` is made and removed."""
    folder.mkdir()
    root = folder / "run"
    copied(built, root)
    scene.drop(root)
    nothing = Fault(Kind.EIO, BEYOND, root, folder / "report")
    scene.play(root, nothing)
    scene.check(root)
    shutil.rmtree(folder)
    return {
        kind: kind.moments * sum(kind.may_strike(call) * number for call, number in nothing.met.items())
        for kind in Kind
    }


def tried(point: Point, built: Path, folder: Path) -> Outcome:
    """Let `point` happen to a copy of the nodes at `built`, start them again, and say what is wrong then.

    folder: made for this, removed if all is well.
    """
    folder.mkdir()
    root, report = folder / "run", folder / "report"
    copied(built, root)
    point.scene.drop(root)
    at, moment = divmod(point.at, point.kind.moments)
    fault = Fault(point.kind, at, root, report)
    trouble = ""
    owed: list[PowerCut] = []
    try:
        died = in_child(
            lambda: point.scene.play(root, fault),
            folder / "failed",
            lambda child: owed.append(PowerCut.after(child, root, fault.pending.read_bytes())),
        )
        assert died == (point.kind.is_deadly and report.exists()), "the wrong end"
        if point.kind is Kind.KILL_TWICE and died:
            again = Fault(Kind.KILL, point.at % AGAIN, root, folder / "report-again")
            in_child(lambda: point.scene.play(root, again), folder / "failed")
        for one in owed:
            then = Fault(Kind.POWER, MOMENTS[moment], root, folder / "report-then", one, after_commits=True)
            in_child(lambda then=then: _cut_in_the_end(point.scene, root, then), folder / "failed")
        point.scene.check(root)
    except Exception:  # noqa: BLE001 - whatever it is belongs into the table
        trouble = traceback.format_exc()
    finally:
        for one in owed:
            one.close()
    where = "".join(one.read_text("utf-8") for one in (report, folder / "report-then") if one.exists())
    if not trouble:
        shutil.rmtree(folder)
    return Outcome(point, where, trouble)


def _cut_in_the_end(scene: Scene, root: Path, fault: Fault) -> None:
    """Play until the power is cut, at rest if it was not before."""
    scene.play(root, fault)
    fault.cut_now()
