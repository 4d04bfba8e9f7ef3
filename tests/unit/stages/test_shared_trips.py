"""Small things share a trip to a worker; one that ends the worker takes no other along."""

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.compose.ground import Ground
from gateway.daemon.crew import InlineCrew
from gateway.domain.errors import GatewayError, PermanentError, TransientError
from gateway.domain.lanes import SMALL_BYTES
from gateway.domain.lifecycle import State
from gateway.packing import Packet
from gateway.stages.crew import A, News, Progress, R, Report
from gateway.stages.open_work import OpenBatch
from gateway.stages.packed import PackBatch
from packers.folder import FolderPacker
from tests.support.houses import IN, OUT, House, Street, opened

POISON = 50_000
"""Bytes more than any other export here has; by them the crew knows what ends it."""


class FragileCrew(InlineCrew):
    """A crew whose workers are ended by what is large, with all that shares its trip; of what they did not foresee it
    tells as processes do."""

    def __init__(self, error: GatewayError) -> None:
        self._error = error
        self.trips: list[int] = []
        """How many went together, each time."""

    def run(
        self,
        work: Callable[[A, Report], R],
        argument: A,
        on_progress: Progress | None = None,
        on_news: News | None = None,
        *,
        is_large: bool = False,
    ) -> "Future[R]":
        if isinstance(argument, PackBatch | OpenBatch):
            self.trips.append(len(argument.orders))
            if max(map(_size, argument.orders)) >= POISON:
                return _ended(self._error)
        future = super().run(work, argument, on_progress, on_news, is_large=is_large)
        error = future.exception()
        is_foreseen = error is None or isinstance(error, GatewayError)
        return future if is_foreseen else _ended(PermanentError("worker-bug", repr(error)))


def _ended(error: GatewayError) -> "Future[Any]":
    ended: Future[Any] = Future()
    ended.set_exception(error)
    return ended


def _size(order: object) -> int:
    parts = getattr(order, "parts", None)
    return getattr(order, "size", 0) if parts is None else sum(part.stat().st_size for part in parts)


def fragile(house: House, error: GatewayError) -> FragileCrew:
    """Give `house` such a crew."""
    crew = FragileCrew(error)

    def change(ground: Ground) -> Ground:
        return replace(ground, crew=crew)

    house.change = change
    return crew


ENDS = (
    PermanentError("worker-bug", "KeyError < somewhere"),
    TransientError("worker-died", "the process doing the work ended with -11"),
)


@pytest.mark.parametrize("error", ENDS, ids=lambda error: error.code)
@pytest.mark.parametrize("end", ["packing", "opening"])
def test_what_ends_a_worker_takes_no_neighbour_along(closed: Street, error: GatewayError, end: str) -> None:
    crew = fragile(closed.police if end == "packing" else closed.procuratorate, error)
    with opened(closed) as made:
        for name in ("a.txt", "b.txt", "d.txt"):
            made.drop(name, name.encode())
        made.drop("c.txt", os.urandom(2 * POISON))
        made.work(60)
        assert set(made.delivered()) == {"a.txt", "b.txt", "d.txt"}
        assert crew.trips[:5] == [4, 1, 1, 1, 1]
        house, way, state = (
            (made.police, OUT, State.FOUND) if end == "packing" else (made.procuratorate, IN, State.FETCHED)
        )
        (poison,) = [one for one in house.transfers(way) if one.state is state]
        is_held = isinstance(error, PermanentError)
        assert (poison.last_error, poison.hold_code) == (error.code, error.code if is_held else None)
        assert poison.attempts >= 2


def test_a_packer_that_hides_what_it_wrote_takes_no_neighbour_along(
    closed: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = FolderPacker.write

    def hiding(packer: FolderPacker, packet: Packet, into: Path) -> tuple[str, ...]:
        entries = write(packer, packet, into)
        is_c = any((into / entries[0]).rglob("c.txt"))
        return tuple(f".{name}" for name in entries) if is_c else entries

    monkeypatch.setattr(FolderPacker, "write", hiding)
    fragile(closed.procuratorate, ENDS[0])
    with opened(closed) as made:
        for name in ("a.txt", "b.txt", "c.txt"):
            made.drop(name, name.encode())
        made.work(60)
        assert set(made.delivered()) == {"a.txt", "b.txt"}
        assert [one.hold_code for one in made.procuratorate.transfers(IN)].count("worker-bug") == 1


class BusyCrew(FragileCrew):
    """A crew with a worker that is at work on something large and will be for long."""

    def run(
        self,
        work: Callable[[A, Report], R],
        argument: A,
        on_progress: Progress | None = None,
        on_news: News | None = None,
        *,
        is_large: bool = False,
    ) -> "Future[R]":
        return Future() if is_large else super().run(work, argument, on_progress, on_news)


def test_what_failed_beside_long_work_is_tried_again_at_its_time(closed: Street) -> None:
    closed.police.change = lambda ground: replace(ground, crew=BusyCrew(TransientError("local-io", "our disk")))
    with opened(closed) as made:
        made.drop("small.bin", os.urandom(2 * POISON))
        made.drop("large.bin", bytes(SMALL_BYTES + 1))
        for _turn in range(3):
            made.go("police:claim", "police:pack")
            made.clock.time += 1
        before = next(one for one in made.police.transfers(OUT) if one.export_name == "small.bin").attempts
        assert before > 0
        for _turn in range(5):  # two more than it takes where its random token says that it is tried again at once
            wait = made.step(made.police, "pack")
            assert wait is not None
            assert wait <= 5.0
            made.clock.time += wait
        after = next(one for one in made.police.transfers(OUT) if one.export_name == "small.bin").attempts
        assert after > before
