"""Whole exchanges between two nodes in one process, into which faults are injected, and how each must end."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.cli import demo_samples
from gateway.cli.demo_samples import Sample, find_samples
from gateway.domain.errors import GatewayError
from tests.support.faults import Fault
from tests.support.houses import House, Street, build, street
from tests.support.invariant import REFUSED_THERE, Site, nothing_is_lost_or_doubled
from tests.support.wholly import by_one_order, in_order

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
_ALL = {sample.name: sample for sample in find_samples(SAMPLES)}
_FILE = next(s for s in _ALL.values() if s.route == "files" and s.parts[0].is_file())
_FOLDER = next(s for s in _ALL.values() if s.route == "files" and s.parts[0].is_dir())
_ZIP = next(s for s in _ALL.values() if s.route == "police" and s.expected == "delivered")
_DEFECT = next(s for s in _ALL.values() if s.name.startswith("09_traversal"))
UNTOLD = "untold"
"""Beside the nodes of a run that says in its operations log that the source could not be told something."""
STARTS = 3
"""Starts that one fault may spoil: a daemon that cannot start is started again by systemd."""


@dataclass(frozen=True)
class Scene:
    """An exchange of `exports` between two nodes joined by folders."""

    name: str
    exports: Sequence[Sample]

    def build(self, root: Path) -> None:
        """Make two nodes below `root` that have never run, to be copied."""
        build(root)
        if any(sample.expected == REFUSED_THERE for sample in self.exports):
            routes = root / "procuratorate" / "etc" / "routes.d" / "procuratorate.yaml"
            routes.write_text(routes.read_text("utf-8").rstrip() + "\n    flows: [arrest-request]\n", "utf-8")

    def drop(self, root: Path) -> None:
        """Put the exports into the outbound folders."""
        for sample in self.dropped(root):
            demo_samples.drop(sample, root / "police" / "out")

    def dropped(self, root: Path) -> Sequence[Sample]:
        """Return what is dropped in the nodes below `root`."""
        del root
        return self.exports

    def street(self, root: Path) -> Street:
        """Return the two nodes below `root`, not yet opened."""
        return street(root)

    def play(self, root: Path, fault: Fault) -> None:
        """Let both nodes start and work, with `fault` in them, until nobody owes anything."""
        with fault.injected():
            self._play(root, fault)

    def _play(self, root: Path, fault: Fault) -> None:
        made = self.street(root)
        made.aside = fault.aside
        started(made)
        try:
            made.settle()
            if made.police.log.of("source-not-told"):
                root.with_name(UNTOLD).touch()
        finally:
            made.close()

    def check(self, root: Path) -> None:
        """Start both nodes again from what is on the disk, let them come to rest, and assert that all is well."""
        made = self.street(root)
        made.clock.time += 60
        made.open()
        try:
            made.settle()
            ours, theirs = _site(made.police, made.leftovers()), _site(made.procuratorate, ())
            is_told = not root.with_name(UNTOLD).exists()
            out = root / "police" / "out"
            nothing_is_lost_or_doubled(self.dropped(root), out, made.into, ours, theirs, is_told=is_told)
            for house in made.houses:
                assert not set(house.log.alerts()) - {"bundle-quarantined", "export-refused"}, house.log.lines
        finally:
            made.close()


@dataclass(frozen=True)
class DiskScene(Scene):
    """The same on a disk of another kind, which `on` lets the test's disk pass for."""

    on: Callable[[pytest.MonkeyPatch], None]

    def play(self, root: Path, fault: Fault) -> None:
        with pytest.MonkeyPatch.context() as patched:
            self.on(patched)
            super().play(root, fault)


EXCHANGE = Scene("files that travel together and a police export are delivered", (_FILE, _FOLDER, _ZIP))
REFUSAL = Scene("one export is refused here, one there", (replace(_FILE, expected=REFUSED_THERE), _DEFECT))

BY_ONE_ORDER = DiskScene("the same, each round of syncing by one order", EXCHANGE.exports, by_one_order)
IN_ORDER = DiskScene("the same on a disk that keeps order", EXCHANGE.exports, in_order)

SCENES = (EXCHANGE, REFUSAL)


def started(made: Street) -> Street:
    """Start both nodes as systemd would: again when a start is refused."""
    for start in range(STARTS):
        try:
            return made.open()
        except (GatewayError, OSError):
            if start == STARTS - 1:
                raise
            for house in made.houses:
                with suppress(AttributeError):  # it had not come so far
                    house.close()
    raise AssertionError("unreachable")


def copied(built: Path, root: Path) -> None:
    """Copy the nodes that were built; another time and place, the same nodes."""
    shutil.copytree(built, root)


def _site(house: House, leftovers: Sequence[str]) -> Site:
    return Site(house.unit, house.ledger, house.identity.directory.book, house.state, leftovers)
