"""Every exchange over every kind of boundary: all that was dropped arrives once and whole, whatever the device does."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import POLICE
from gateway.domain.lifecycle import Direction, State
from tests.support.boundaries import BOUNDARIES, Boundary, Crossing, build, opened

IN, OUT = Direction.INBOUND, Direction.OUTBOUND
CAP = 64 << 10
"""Bytes; the largest file of the devices here."""
Files = Mapping[str, bytes]
SMALL = {"small.txt": b"content"}
SIZES = {f"{size}.bin": random.Random(size).randbytes(size) for size in (CAP - 6000, CAP, 5 * CAP + 1)}
MANY = {f"{number}.txt": f"content {number}".encode() for number in range(12)}


def dropped(made: Crossing, files: Files) -> None:
    for name, content in files.items():
        made.drop(name, content)


def arrived(made: Crossing, files: Files) -> None:
    """Assert that it ended as it should: each delivered once, and known to be if receipts come back."""
    assert made.delivered() == files
    expected = State.DELIVERED if made.boundary.confirms else State.SENT
    states = [t.state for t in made.police.transfers(OUT) if t.state is not State.DUPLICATE]
    assert states == [expected] * len(files)
    assert len(made.procuratorate.transfers(IN)) == len(files)
    assert [device.refused for device in made.devices] == [[]] * len(made.devices)


def exchange(made: Crossing, files: Files) -> None:
    dropped(made, files)
    made.end()
    arrived(made, files)
    for house in made.houses:
        assert not house.log.alerts(), house.log.lines


def a_small_one(made: Crossing) -> None:
    exchange(made, SMALL)


def sizes_around_the_cap(made: Crossing) -> None:
    exchange(made, SIZES)


def many_small_ones(made: Crossing) -> None:
    exchange(made, MANY)


def a_lost_receipt(made: Crossing) -> None:
    """All that comes back is lost until the delivery has been made."""
    dropped(made, SMALL)
    while not made.delivered():
        made.work()
        for path in (*(made.root / "b-out").iterdir(), *(made.root / "a-in").iterdir()):
            path.unlink()
    made.end()
    arrived(made, SMALL)


def a_refusal(made: Crossing) -> None:
    made.drop("refused.txt", b"content")
    made.close()
    routes = made.procuratorate.root / "etc" / "routes.d" / "procuratorate.yaml"
    routes.write_text(routes.read_text("utf-8").rstrip() + "\n    flows: [arrest-request]\n", "utf-8")
    for house in made.houses:
        house.open()
    made.work(60)
    while made.boundary.confirms and made.police.only(OUT).state is not State.REFUSED:
        made.work()
    assert made.delivered() == {}
    assert made.police.only(OUT).state is (State.REFUSED if made.boundary.confirms else State.SENT)
    assert made.procuratorate.only(IN).state is State.DISMISSED


def a_damaged_part(made: Crossing) -> None:
    """One byte of everything that arrives first is another one."""
    dropped(made, SMALL | SIZES)
    seen: set[str] = set()
    for _turn in range(60):
        made.work()
        for path in (made.root / "b-in").iterdir():
            if path.name not in seen and len(seen) < 4 and path.stat().st_size > 3000:
                seen.add(path.name)
                with path.open("r+b") as file:
                    file.seek(2000)
                    byte = file.read(1)
                    file.seek(2000)
                    file.write(bytes([byte[0] ^ 0xFF]))
    assert seen
    made.end()
    arrived(made, SMALL | SIZES)


def restarts_in_between(made: Crossing) -> None:
    dropped(made, SMALL | SIZES)
    for _turn in range(12):
        made.work(2)
        made.close()
        for house in made.houses:
            house.open()
    made.end()
    arrived(made, SMALL | SIZES)


def a_repetition(made: Crossing) -> None:
    exchange(made, SMALL)
    dropped(made, SMALL)
    made.work(12)
    # What repeats another waits for that one's receipt; where none comes, it is not sent either.
    again = made.police.transfers(OUT)[1:]
    assert [t.state for t in again] == [State.DUPLICATE if made.boundary.confirms else State.FOUND]
    assert made.delivered() == SMALL
    assert len(made.procuratorate.transfers(IN)) == 1


def a_resync(made: Crossing) -> None:
    """What was sent is lost; the peer says what it has, and is sent the rest."""
    exchange(made, SMALL)
    made.drop("lost.txt", b"lost")
    for _turn in range(30):
        made.work()
        if any(t.state is State.SENT for t in made.police.transfers(OUT)):
            break
    for path in (*(made.root / "a-out").iterdir(), *(made.root / "b-in").iterdir()):
        path.unlink()
    made.procuratorate.ledger.resync.want(POLICE, "asked")
    made.end()
    arrived(made, {**SMALL, "lost.txt": b"lost"})


EXCHANGES: Mapping[str, Callable[[Crossing], None]] = {
    one.__name__: one
    for one in (
        a_small_one,
        sizes_around_the_cap,
        many_small_ones,
        a_lost_receipt,
        a_refusal,
        a_damaged_part,
        restarts_in_between,
        a_repetition,
        a_resync,
    )
}
ALWAYS = {
    ("share", "many_small_ones"),
    ("mirror", "restarts_in_between"),
    ("gap", "sizes_around_the_cap"),
    ("hostile-gap", "a_small_one"),
    ("late-diode", "a_lost_receipt"),
    ("silent-diode", "a_small_one"),
}
"""What every run tries; `make soak` tries all."""


def _is_possible(boundary: Boundary, exchange: str) -> bool:
    if exchange in ("a_lost_receipt", "a_resync"):
        return boundary.confirms
    return exchange != "a_damaged_part" or boundary.splits


MATRIX = [
    pytest.param(kind, name, id=f"{kind}-{name}", marks=() if (kind, name) in ALWAYS else pytest.mark.soak)
    for kind, boundary in BOUNDARIES.items()
    for name in EXCHANGES
    if _is_possible(boundary, name)
]


@pytest.mark.parametrize(("kind", "name"), MATRIX)
def test_every_exchange_over_every_boundary(tmp_path: Path, kind: str, name: str) -> None:
    with opened(build(tmp_path, BOUNDARIES[kind])) as made:
        EXCHANGES[name](made)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_a_hostile_device_of_any_humour(tmp_path: Path, seed: int) -> None:
    with opened(build(tmp_path, BOUNDARIES["hostile-gap"], seed)) as made:
        exchange(made, SMALL | SIZES)
