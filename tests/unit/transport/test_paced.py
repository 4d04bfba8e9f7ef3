"""A link's hours and its share of the line, on a real folder, with a clock that is told."""

from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError, TransientError
from gateway.domain.ids import wire_name
from gateway.transport.folder import FolderTransport
from gateway.transport.paced import PacedTransport, Throttle
from tests.support.ledger import START, ToldClock

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
MIB = 1 << 20


class Line:
    """A folder link whose rests are counted instead of waited for."""

    def __init__(self, root: Path, rate: int | None = None, opens_in: float = 0.0) -> None:
        self.clock = ToldClock()
        self.rate = rate
        self.opens_in = opens_in
        self.rested: list[float] = []
        self.theirs, self.waiting = root / "theirs", root / "waiting"
        for folder in (self.theirs, self.waiting):
            folder.mkdir()
        self.transport = PacedTransport(
            FolderTransport(self.theirs, self.waiting),
            lambda: self.opens_in,
            Throttle(lambda: self.rate, self.clock, self._rest),
        )

    def _rest(self, seconds: float) -> None:
        self.rested.append(seconds)
        self.clock.time += seconds


def source(root: Path, size: int) -> Path:
    path = root / "source"
    path.write_bytes(b"x" * size)
    return path


@pytest.mark.parametrize("way", ["deposit", "fetch"])
def test_bytes_take_the_time_that_the_rate_says(tmp_path: Path, way: str) -> None:
    line = Line(tmp_path, rate=MIB)
    if way == "deposit":
        line.transport.deposit(source(tmp_path, 8 * MIB), NAME)
    else:
        (line.waiting / NAME).write_bytes(b"x" * 8 * MIB)
        line.transport.fetch(NAME, tmp_path / "into", 8 * MIB)
    assert line.clock.time - START == pytest.approx(8.0)
    assert max(line.rested) <= 0.25


def test_the_rate_is_asked_for_again_at_every_block(tmp_path: Path) -> None:
    line = Line(tmp_path, rate=MIB)

    def at_noon(_done: int) -> None:
        if line.clock.time >= START + 4:
            line.rate = None

    line.transport.deposit(source(tmp_path, 64 * MIB), NAME, at_noon)
    assert line.clock.time - START == pytest.approx(4.0)


def test_small_files_share_the_line_with_what_came_before(tmp_path: Path) -> None:
    line = Line(tmp_path, rate=MIB)
    for number in range(16):
        line.transport.deposit(source(tmp_path, MIB // 4), wire_name(f"{number:032x}.cfr"))
    assert line.clock.time - START == pytest.approx(4.0)


def test_a_rest_ends_when_the_node_is_being_stopped(tmp_path: Path) -> None:
    line = Line(tmp_path, rate=1024)

    def stops(_done: int) -> None:
        if line.clock.time > START + 1:
            raise TransientError("stopping", "the node is being stopped")

    with pytest.raises(TransientError, match="being stopped"):
        line.transport.deposit(source(tmp_path, MIB), NAME, stops)
    assert line.clock.time - START < 2
    assert list(line.theirs.iterdir()) == []


def test_what_is_under_way_stops_at_a_block_when_the_hours_end(tmp_path: Path) -> None:
    line = Line(tmp_path)
    seen: list[int] = []

    def closing(done: int) -> None:
        seen.append(done)
        line.opens_in = 3600.0 if done >= 3 * MIB else 0.0

    with pytest.raises(GatewayError) as refused:
        line.transport.deposit(source(tmp_path, 8 * MIB), NAME, closing)
    assert refused.value.code == "link-window-closed"
    assert seen[-1] == 3 * MIB
    for call in (line.transport.listing, lambda: line.transport.head(NAME, 1)):
        with pytest.raises(GatewayError, match="opens in 3600 s"):
            call()
    line.transport.remove([NAME])
    line.transport.probe()
    line.opens_in = 0.0
    line.transport.deposit(source(tmp_path, 8 * MIB), NAME)
    assert (line.theirs / NAME).stat().st_size == 8 * MIB
