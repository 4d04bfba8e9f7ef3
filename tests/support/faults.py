"""The kinds of faults of the kill-anywhere matrix, and the one that is injected into a process."""

import errno
import itertools
import os
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tests.support import calls
from tests.support.calls import Call
from tests.support.crashing import die
from tests.support.powercuts import PowerCut

_SLOW = frozenset({"open", "create", "read", "write", "pread", "pwrite", "fsync", "fdatasync", "ftruncate", "statvfs"})
"""Calls that POSIX lets a signal break."""


class Kind(Enum):
    """What may happen, and how the table of docs/reliability.md calls it."""

    KILL = "SIGKILL"
    KILL_TWICE = "SIGKILL, and another while starting again"
    POWER = "power cut: nothing is left that was not synced"
    TORN = "power cut: names are left, their un-synced bytes are not"
    EIO = "EIO"
    ENOSPC = "ENOSPC"
    EDQUOT = "EDQUOT"
    EINTR = "EINTR"
    SHORT = "short read or write"

    @property
    def is_deadly(self) -> bool:
        """Whether the process ends by it."""
        return self in {Kind.KILL, Kind.KILL_TWICE, Kind.POWER, Kind.TORN}

    @property
    def is_power_cut(self) -> bool:
        return self in {Kind.POWER, Kind.TORN}

    def may_strike(self, call: str) -> bool:
        """Whether this can happen at a call of that name, and leaves another disk there than at its neighbours."""
        if self.is_deadly:
            return call in calls.EFFECTS
        if self is Kind.EINTR:
            return call in _SLOW
        if self is Kind.SHORT:
            return call in calls.BYTES
        if self is Kind.EIO:
            return call != "commit"
        return call in calls.ROOM


@dataclass
class Fault:
    """Lets every call below `root` happen, but for call number `at` (from 0) of those that `kind` may strike.

    `report`: a file that is written just before, naming the call and the lines of ours that made it.
    """

    kind: Kind
    at: int
    root: Path
    report: Path
    has_struck: bool = False
    met: Counter[str] = field(default_factory=Counter)
    """How often each call was met, up to the fault."""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _cut: PowerCut | None = None
    _is_aside: bool = False

    def __post_init__(self) -> None:
        if self.kind.is_power_cut:
            self._cut = PowerCut(self.root)

    def around(self, call: Call) -> Any:
        if self.has_struck or self._is_aside:
            return self._let(call)
        self.met[call.name] += 1
        if not self.kind.may_strike(call.name):
            return self._let(call)
        number = next(self._numbers)
        if number != self.at:
            return self._let(call)
        self.has_struck = True
        self.report.write_text(f"{call.name} {call.place.removeprefix(os.fspath(self.root))}\n{_ours()}", "utf-8")
        return self._strike(call)

    @contextmanager
    def injected(self) -> Iterator[None]:
        """Meet every call of this process while the context lasts."""
        with calls.met(self.around, self.root):
            yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the calls pass that only the test makes."""
        self._is_aside = True
        try:
            yield
        finally:
            self._is_aside = False

    def _let(self, call: Call) -> Any:
        if self._cut is None or self.has_struck or "/ledger/ledger.db" in call.place:
            return call.go()
        return self._cut.around(call)

    def _strike(self, call: Call) -> Any:
        if self.kind is Kind.SHORT:
            return call.go_short()
        if not self.kind.is_deadly:
            number = getattr(errno, self.kind.value)
            raise OSError(number, os.strerror(number), call.place)
        if self._cut is not None:
            self._cut.cut(names=self.kind is Kind.POWER)
        die()
        raise AssertionError("SIGKILL is survived by nobody")


def _ours() -> str:
    lines = traceback.extract_stack()
    return "".join(f"  {line.filename}:{line.lineno} {line.name}\n" for line in lines if "/gateway/" in line.filename)
