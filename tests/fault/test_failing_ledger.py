"""A ledger that refuses one change in turn, as when its disk is full for a moment: nothing is lost or done twice."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.compose.ground import Ground
from gateway.domain.errors import Scope, TransientError
from gateway.domain.lifecycle import State
from gateway.domain.records import known
from gateway.ledger.change import Change
from tests.support.houses import IN, OUT, build, opened, street

EXPORTS = {f"{number}.txt": f"content {number}".encode() for number in range(3)}
STRIDE = 6
ALWAYS = {"police": 1, "procuratorate": 2}
"""The first of the changes, each sixth from there on, that an ordinary run has refused; a soak refuses every one."""


def failing_at(at: int, met: "itertools.count[int]") -> Callable[[Ground], Ground]:
    """Return what has a node's ledger refuse its change number `at` (from 0), whatever it is; `met` counts them."""

    def spoil(ground: Ground) -> Ground:
        true = ground.ledger.change

        def change(work: Callable[[Change], object]) -> object:
            if next(met) == at:
                raise TransientError("ledger-busy", "the ledger's disk is full", scope=Scope.NODE)
            return true(work)

        ground.ledger.change = change  # type: ignore[method-assign,assignment]  # the one door for all that it keeps
        return ground

    return spoil


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("failing")
    build(root)
    return root


@pytest.mark.parametrize(
    ("victim", "first"),
    [
        pytest.param(victim, first, marks=() if first == always else pytest.mark.soak)
        for victim, always in ALWAYS.items()
        for first in range(STRIDE)
    ],
)
def test_one_refused_change_changes_nothing_in_the_end(built: Path, tmp_path: Path, victim: str, first: int) -> None:
    for at in itertools.count(first, STRIDE):
        root = tmp_path / f"{at}"
        shutil.copytree(built, root)
        made = street(root)
        met = itertools.count()
        getattr(made, victim).change = failing_at(at, met)
        for name, content in EXPORTS.items():
            made.drop(name, content)
        with opened(made):
            made.settle()
            changes = next(met)
            assert made.delivered() == EXPORTS
            assert {t.state for t in made.police.transfers(OUT)} == {State.DELIVERED}
            assert {t.state for t in made.procuratorate.transfers(IN)} == {State.CONFIRMED}
            assert sorted(known(t.sequence) for t in made.police.transfers(OUT)) == [1, 2, 3]
            assert len(made.police.transfers(OUT)) == len(made.procuratorate.transfers(IN)) == len(EXPORTS)
            assert not (made.procuratorate.state / "quarantine").exists()
            assert made.leftovers() == []
            spool = made.police.state / "spool" / "outbound"
            assert {path.stem.partition("-")[0] for path in spool.iterdir()} == {
                t.bundle_id for t in made.police.transfers(OUT)
            }
        shutil.rmtree(root)
        if changes <= at:
            assert changes > 12, "an exchange has some twenty changes; so few mean that the count is broken"
            return
