"""The standstill: once another node was heard to speak for this unit, nothing is taken, sent, fetched or delivered."""

from collections.abc import Callable
from typing import Protocol


class Step(Protocol):
    """A worker as the supervisor knows it."""

    @property
    def name(self) -> str:
        """Its label."""
        ...

    def step(self) -> float | None:
        """Do what is due."""
        ...


class Standstill:
    """Whether and why the node stands still; it lasts until a new epoch is begun. Any thread."""

    def __init__(self, code: str | None, on_halt: Callable[[str], None]) -> None:
        self.code = code
        self._on_halt = on_halt

    def halt(self, code: str) -> None:
        """Let nothing go on from now on; what is in a step ends it. The ledger has it on record already."""
        if self.code is None:
            self.code = code
            self._on_halt(code)


class Halting:
    """A worker that does nothing while the node stands still."""

    def __init__(self, worker: Step, standstill: Standstill) -> None:
        self._worker = worker
        self._standstill = standstill
        self.name = worker.name

    def step(self) -> float | None:
        """Do what is due, unless the node stands still."""
        return None if self._standstill.code is not None else self._worker.step()

    def close(self) -> None:
        """Give back what the worker holds."""
        close = getattr(self._worker, "close", None)
        if close is not None:
            close()
