"""A ledger that refuses one change in turn, as when its disk is full for a moment: nothing is lost or done twice."""

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compose.ground import Ground
from gateway.domain.errors import Scope, TransientError
from gateway.domain.lifecycle import State
from gateway.domain.records import known
from tests.support.houses import IN, OUT, build, opened, street

EXPORTS = {f"{number}.txt": f"content {number}".encode() for number in range(3)}
CHANGES = frozenset({"found", "offered", "advance", "advance_many", "fail", "receipted", "take"})
BOOKS = frozenset({"relays"})
"""Parts of the ledger with changes of their own."""
STRIDE = 4
ALWAYS = {"police": 1, "procuratorate": 2}
"""The first of the changes, each fourth from there on, that an ordinary run has refused; a soak refuses every one."""


class Failing:
    """A ledger whose change number `at` (from 0) fails; `met` counts them."""

    def __init__(self, ledger: object, at: int, met: "itertools.count[int]") -> None:
        self._ledger = ledger
        self._at = at
        self._met = met

    def __getattr__(self, name: str) -> object:
        true = getattr(self._ledger, name)
        if name in BOOKS:
            return Failing(true, self._at, self._met)
        if name not in CHANGES:
            return true

        def change(*args: object, **kwargs: object) -> object:
            if next(self._met) == self._at:
                raise TransientError("ledger-busy", "the ledger's disk is full", scope=Scope.NODE)
            return true(*args, **kwargs)

        return change


def failing_at(at: int, met: "itertools.count[int]") -> Callable[[Ground], Ground]:
    return lambda ground: replace(ground, ledger=Failing(ground.ledger, at, met))  # type: ignore[arg-type]  # stands in for the Ledger


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
            assert at >= 3, "an exchange has several changes; so few mean that the count is broken"
            return
