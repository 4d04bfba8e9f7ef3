"""The kill-anywhere matrix, a sample of it: a fault at one call of a whole exchange, a new start, and all is well.

`make reliability` tries every point. The sample is the same each time, and another for each kind.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from gateway.stages import open_work
from tests.support.calls import Call
from tests.support.earlyscene import ARRIVING
from tests.support.faults import MOMENTS, Fault, Kind
from tests.support.hubscene import OVER_A_HUB, HubScene
from tests.support.matrix import BEYOND, Point, points, tried
from tests.support.scenes import EXCHANGE, IN_ORDER, REFUSAL, SCENES, Scene, copied
from tests.support.wholly import by_one_order, in_order

SAMPLE = {Kind.KILL: 3, Kind.POWER: 3, Kind.TORN: 2, Kind.EIO: 3}
"""Points of one kind in one scene in an ordinary run."""
OTHERS = 1
WHOLE, KEPT = "rounds by one order", "order is kept"
DISKS = MappingProxyType({WHOLE: (Kind.POWER, Kind.EIO), KEPT: (Kind.TORN, Kind.POWER, Kind.EIO)})
"""Disks for which less is synced one by one, and what is tried on each."""
FEW = (Kind.KILL, Kind.POWER, Kind.EIO)
"""Three nodes cost more than two, and what is large more than what is small; `make reliability` tries more."""


@pytest.fixture(scope="module", params=SCENES, ids=["exchange", "refusal"])
def scene(request: pytest.FixtureRequest) -> Scene:
    found = request.param
    assert isinstance(found, Scene)
    return found


@pytest.fixture(scope="module")
def built(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The nodes of the scene, never run, to be copied."""
    root = tmp_path_factory.mktemp("built") / "nodes"
    scene.build(root)
    return root


@pytest.fixture(scope="module")
def totals(scene: Scene, built: Path) -> dict[Kind, int]:
    return points(scene, built, built.with_name("count"))


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_one_fault_anywhere_changes_nothing_in_the_end(
    scene: Scene, built: Path, totals: dict[Kind, int], kind: Kind, tmp_path: Path
) -> None:
    total = totals[kind]
    assert total > 50, "an exchange has hundreds of calls; so few mean that the count is broken"
    wanted = SAMPLE.get(kind, OTHERS)
    # Spread over the whole exchange, at another place of each stretch for each kind.
    shift = list(Kind).index(kind) * 7
    for number in range(wanted):
        at = (number * total // wanted + shift) % total
        outcome = tried(Point(scene, kind, at), built, tmp_path / str(at))
        assert not outcome.trouble, outcome
        assert outcome.where, f"no run came to point {at} of {total}"


@pytest.mark.parametrize(
    "scene", [EXCHANGE, pytest.param(REFUSAL, marks=pytest.mark.soak)], ids=["exchange", "refusal"], indirect=True
)
@pytest.mark.parametrize("disk", DISKS)
def test_one_fault_anywhere_changes_nothing_where_one_sync_stands_for_many(
    built: Path, scene: Scene, disk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_order if disk == KEPT else by_one_order)(monkeypatch)
    kinds = DISKS[disk]
    totals = points(scene, built, tmp_path / "count")
    for number, kind in enumerate(kinds, 1):
        at = totals[kind] * number // (len(kinds) + 1)
        outcome = tried(Point(scene, kind, at), built, tmp_path / kind.name)
        assert not outcome.trouble, outcome
        assert outcome.where, f"no run came to point {at} of {totals[kind]}"


@pytest.mark.parametrize(
    "moments", [range(1), pytest.param(range(len(MOMENTS)), marks=pytest.mark.soak)], ids=["one", "all"]
)
def test_a_claim_that_a_killed_process_left_whole_lasts_once_it_is_recorded(tmp_path: Path, moments: range) -> None:
    """Where a disk keeps order the names of a claim last with its last sync only, and that never came."""
    IN_ORDER.build(tmp_path / "built")
    (before_last_sync, *_others) = struck(IN_ORDER, tmp_path, "conclude", "/police/state/spool/claims/police")
    for moment in moments:
        at = before_last_sync * len(MOMENTS) + moment
        outcome = tried(Point(IN_ORDER, Kind.KILL_POWER, at), tmp_path / "built", tmp_path / str(moment))
        assert not outcome.trouble, outcome


def struck(scene: Scene, folder: Path, name: str, place: str) -> list[int]:
    """Return the numbers of the calls `name` at `place`, below the nodes, among those at which a process may die."""
    root = folder / "listed"
    copied(folder / "built", root)
    scene.drop(root)
    fault = Listing(Kind.KILL, BEYOND, root, folder / "report")
    scene.play(root, fault)
    shutil.rmtree(root)
    return [number for number, call in enumerate(fault.calls) if call == (name, f"{root}{place}")]


@dataclass
class Listing(Fault):
    """No fault: lists where one might be."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def number(self, call: Call) -> int:
        self.calls.append((call.name, call.place))
        return super().number(call)


def test_one_fault_anywhere_in_an_exchange_over_a_hub_changes_nothing_in_the_end(tmp_path: Path) -> None:
    scene = HubScene("a file is delivered over a hub", OVER_A_HUB.exports[:1])
    scene.build(tmp_path / "built")
    try_few(scene, tmp_path, points(scene, tmp_path / "built", tmp_path / "count"))


def test_one_fault_anywhere_while_a_large_file_is_opened_that_arrives_changes_nothing_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        # Without a fault it is opened once, else the scene would show nothing.
        patched.setattr(open_work, "unpack", lambda *_args, **_others: pytest.fail("DATA was read again"))
        ARRIVING.build(tmp_path / "built")
        totals = points(ARRIVING, tmp_path / "built", tmp_path / "count")
    try_few(ARRIVING, tmp_path, totals)


def try_few(scene: Scene, folder: Path, totals: dict[Kind, int]) -> None:
    for kind in FEW:
        at = (totals[kind] // 3 + list(Kind).index(kind) * 7) % totals[kind]
        outcome = tried(Point(scene, kind, at), folder / "built", folder / kind.name)
        assert not outcome.trouble, outcome
        assert outcome.where, f"no run came to point {at} of {totals[kind]}"
