"""Kills while the same is dropped again and corrected: built again from the disk, nothing was sent twice."""

import json
import shutil
from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from tests.support.crashing import dies_at
from tests.support.exports import PoliceExport
from tests.support.houses import IN, OUT, Street, build, opened, street

HONEST = PoliceExport()
SHARES = 10
"""Tests among which the points of the soak are spread: each is a life of two nodes, and a second one."""
MENDED = HONEST.changed(("样板广场盗窃", "样板广场扒窃"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nodes that have never run, to be copied."""
    root = tmp_path_factory.mktemp("power")
    build(root)
    return root


@pytest.fixture(scope="module")
def sent(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nodes between which one export has been exchanged; its correction was let go."""
    root = tmp_path_factory.mktemp("sent") / "street"
    shutil.copytree(built, root)
    HONEST.drop(root / "police" / "out" / "police")
    with opened(street(root)) as made:
        made.settle()
        MENDED.drop(root / "police" / "out" / "police")
        made.go("police:claim", "police:pack", "police:pack")
        made.police.ledger.release(made.police.transfers(OUT)[-1], "zhang", "mended")
    return root


def drop_again(out: Path) -> None:
    (out / "files" / "new.txt").write_bytes(b"new")


def repeated(root: Path) -> None:
    """Let the correction go, then drop the same twice more, in one life of the nodes."""
    with opened(street(root)) as made:
        made.settle()
        for _time in range(2):
            MENDED.drop(root / "police" / "out" / "police")
            made.settle()


def end_what_was_begun(out: Path) -> None:
    """Do as the police system, which lost its power too: an export that it had no time to mark it writes anew."""
    if [path for path in out.glob("*.zip") if not path.with_name(f"{path.name}.ok").exists()]:
        MENDED.drop(out)


def sent_once_each(made: Street) -> None:
    ours = sorted(made.police.transfers(OUT), key=lambda t: t.id)  # the clock of each life begins anew
    first, correction, *repeats = [t for t in ours if t.export_name != "new.txt"]
    assert (first.state, correction.state) == (State.DELIVERED, State.DELIVERED)
    assert correction.earlier == first.bundle_id
    assert made.police.events(first).count("corrected") == 1
    assert {t.state for t in repeats} == {State.DUPLICATE}
    assert {t.earlier for t in repeats} == {correction.bundle_id}
    theirs = {t.bundle_id: t for t in made.procuratorate.transfers(IN)}
    assert theirs.keys() == {t.bundle_id for t in ours if t.bundle_id}
    old = theirs[first.bundle_id]
    assert made.procuratorate.events(old).count("corrected") == 1
    assert len(list(made.into.glob("*/_READY"))) == 3
    assert len(list(made.into.glob("*/_CORRECTS"))) == 1
    ack = made.out.with_name("police") / "ack" / f"{MENDED.stem}.zip.receipt.json"
    assert json.loads(ack.read_bytes())["bundle_id"] == correction.bundle_id
    assert made.leftovers() == []


def cut_among_repeats(sent: Path, root: Path, first: int, stride: int) -> None:
    at = first
    while True:
        here = root / str(at)
        shutil.copytree(sent, here)
        drop_again(here / "police" / "out")
        died = dies_at(at, lambda here=here: repeated(here))
        end_what_was_begun(here / "police" / "out" / "police")
        with opened(street(here)) as made:
            made.clock.time += 60
            made.settle()
            MENDED.drop(here / "police" / "out" / "police")
            made.settle()
            sent_once_each(made)
        shutil.rmtree(here)
        if not died:
            break
        at += stride
    assert at > 100, "three exchanges have hundreds of effects; so few mean that the count is broken"


def test_a_power_cut_sends_nothing_twice_that_is_dropped_again(sent: Path, tmp_path: Path) -> None:
    cut_among_repeats(sent, tmp_path, 5, 130)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(SHARES))
def test_no_power_cut_sends_anything_twice_that_is_dropped_again(sent: Path, tmp_path: Path, first: int) -> None:
    cut_among_repeats(sent, tmp_path, first, SHARES)
