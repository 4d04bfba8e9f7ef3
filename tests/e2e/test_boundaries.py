"""Every kind of boundary between two nodes, and what happens there: all that was dropped arrives once, whole."""

import random
from pathlib import Path

import pytest

from gateway.domain.lifecycle import Direction, State
from tests.support.boundaries import BOUNDARIES, Crossing, build, opened

IN, OUT = Direction.INBOUND, Direction.OUTBOUND
CAP = 64 << 10
"""Bytes; the largest file of the devices here."""


def small(made: Crossing) -> dict[str, bytes]:
    return {"small.txt": b"content"}


def around_the_cap(made: Crossing) -> dict[str, bytes]:
    return {f"{size}.bin": random.Random(size).randbytes(size) for size in (CAP - 6000, CAP, 5 * CAP + 1)}


def many(made: Crossing) -> dict[str, bytes]:
    return {f"{number}.txt": f"content {number}".encode() for number in range(12)}


EXPORTS = (small, around_the_cap, many)


def arrives(made: Crossing, files: dict[str, bytes]) -> None:
    """Drop `files`, and assert how it ends."""
    for name, content in files.items():
        made.drop(name, content)
    made.end()
    assert made.delivered() == files
    expected = State.DELIVERED if made.boundary.confirms else State.SENT
    assert {t.state for t in made.police.transfers(OUT)} == {expected}
    assert len(made.procuratorate.transfers(IN)) == len(files)
    assert [device.refused for device in made.devices] == [[]] * len(made.devices)
    for house in made.houses:
        assert not house.log.alerts(), house.log.lines


@pytest.mark.parametrize("name", BOUNDARIES)
def test_what_is_dropped_arrives_once_and_whole(tmp_path: Path, name: str) -> None:
    with opened(build(tmp_path, BOUNDARIES[name])) as made:
        arrives(made, small(made) | around_the_cap(made))
