"""Whose turn it is in a process that hosts many nodes: workers that were rung, and workers whose wait is over."""

import heapq
from collections import deque
from collections.abc import Callable

from gateway.daemon.worker import Bells
from gateway.domain.ids import UnitCode

Turn = tuple[UnitCode, str]
"""One worker of one node."""


class Rota:
    """Turns in the order in which they were asked for, each once however often it was asked for. One thread."""

    def __init__(self) -> None:
        self._called: deque[Turn] = deque()
        self._waiting: set[Turn] = set()
        self._wishes: list[tuple[float, Turn]] = []
        self._wish_of: dict[Turn, float] = {}

    def call(self, turn: Turn) -> None:
        """Ask for a turn at once."""
        if turn not in self._waiting:
            self._waiting.add(turn)
            self._called.append(turn)

    def wish(self, turn: Turn, at: float | None) -> None:
        """Ask for a turn at `at`, in place of what was wished before; None: only when called."""
        if at is None:
            self._wish_of.pop(turn, None)
        else:
            self._wish_of[turn] = at
            heapq.heappush(self._wishes, (at, turn))

    def round(self, now: float) -> list[Turn]:
        """Take every turn that is due and return them; what is asked for from now on belongs to the next round."""
        while self._wishes and self._wishes[0][0] <= now:
            at, turn = heapq.heappop(self._wishes)
            if self._wish_of.get(turn) == at:
                del self._wish_of[turn]
                self.call(turn)
        due = list(self._called)
        self._called.clear()
        self._waiting.clear()
        return due

    def next_at(self) -> float | None:
        """Return when the next wish is due; None if there is none."""
        while self._wishes and self._wish_of.get(self._wishes[0][1]) != self._wishes[0][0]:
            heapq.heappop(self._wishes)
        return self._wishes[0][0] if self._wishes else None

    def forget(self, unit: UnitCode) -> None:
        """Drop every turn of a node that was closed."""
        self._called = deque(turn for turn in self._called if turn[0] != unit)
        self._waiting = set(self._called)
        self._wish_of = {turn: at for turn, at in self._wish_of.items() if turn[0] != unit}


class Calls(Bells):
    """The bells of one node: a ring is a turn asked for."""

    def __init__(self, call: Callable[[str], None], everybody: Callable[[], None]) -> None:
        super().__init__()
        self._call = call
        self._everybody = everybody

    def ring(self, *names: str) -> None:
        """Ask for a turn of each."""
        for name in names:
            self._call(name)

    def ring_all(self) -> None:
        """Ask for a turn of every worker."""
        self._everybody()
