"""Faulty lines of a simulation: every fate does what its name says, and the same file meets the same fate."""

import os
from pathlib import Path

import pytest

from gateway.compose.simulating_faults import Carrier, FaultRates, Mailfolder
from tests.support.ledger import START, ToldClock

NAME = f"{'0' * 32}.cfb"
RECEIPTS = f"{'1' * 32}.cfr"
NEVER = FaultRates(0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture
def ends(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


def carrier(ends: tuple[Path, Path], rates: FaultRates, clock: ToldClock | None = None) -> Carrier:
    return Carrier(*ends, seed=1, clock=clock or ToldClock(START), rates=rates)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_without_faults_everything_arrives_as_it_is(ends: tuple[Path, Path]) -> None:
    (ends[0] / NAME).write_bytes(b"bundle")
    (ends[0] / ".half").write_bytes(b"not yet")
    carrier(ends, NEVER).look()
    assert (ends[1] / NAME).read_bytes() == b"bundle"
    assert (ends[0] / ".half").exists()


def test_a_dropped_file_is_gone_and_counted(ends: tuple[Path, Path]) -> None:
    (ends[0] / NAME).write_bytes(b"bundle")
    line = carrier(ends, FaultRates(1.0, 0.0, 0.0, 0.0, 0.0))
    line.look()
    assert names(ends[0]) == names(ends[1]) == []
    assert line.fates == {"dropped": 1}


def test_receipts_have_a_rate_of_their_own(ends: tuple[Path, Path]) -> None:
    for name in (NAME, RECEIPTS):
        (ends[0] / name).write_bytes(b"x")
    carrier(ends, FaultRates(0.0, 1.0, 0.0, 0.0, 0.0)).look()
    assert names(ends[1]) == [NAME]


def test_a_cut_file_arrives_shorter(ends: tuple[Path, Path]) -> None:
    (ends[0] / NAME).write_bytes(b"x" * 1000)
    carrier(ends, FaultRates(0.0, 0.0, 0.0, 1.0, 0.0)).look()
    assert (ends[1] / NAME).stat().st_size < 1000
    assert names(ends[0]) == []


def test_a_late_file_arrives_when_its_time_has_come(ends: tuple[Path, Path]) -> None:
    clock = ToldClock(START)
    (ends[0] / NAME).write_bytes(b"x")
    line = carrier(ends, FaultRates(0.0, 0.0, 0.0, 0.0, 1.0), clock)
    line.look()
    assert names(ends[1]) == []
    clock.time += 3.1
    line.look()
    assert names(ends[1]) == [NAME]


def test_a_doubled_file_comes_again_after_it_was_taken(ends: tuple[Path, Path]) -> None:
    clock = ToldClock(START)
    (ends[0] / NAME).write_bytes(b"x")
    line = carrier(ends, FaultRates(0.0, 0.0, 1.0, 0.0, 0.0), clock)
    line.look()
    (ends[1] / NAME).unlink()
    clock.time += 3.1
    line.look()
    assert (ends[1] / NAME).read_bytes() == b"x"


def test_a_change_right_after_a_look_is_not_missed(tmp_path: Path) -> None:
    clock = ToldClock(tmp_path.stat().st_mtime)
    folder = Mailfolder(tmp_path, clock)
    assert folder.has_changed()
    assert folder.has_changed()  # so fresh that another change could bear the same time
    clock.time += 1
    assert folder.has_changed()
    assert not folder.has_changed()
    os.utime(tmp_path, (clock.time, clock.time + 5))
    assert folder.has_changed()
