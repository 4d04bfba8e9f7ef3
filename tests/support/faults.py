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

from gateway.domain.records import known
from tests.support import calls
from tests.support.calls import Call
from tests.support.crashing import die, freeze
from tests.support.powercuts import PowerCut

_SLOW = frozenset({"open", "create", "read", "write", "pread", "pwrite", "fsync", "fdatasync", "ftruncate", "statvfs"})
"""Calls that POSIX lets a signal break."""


AT_REST = 1 << 30
MOMENTS = (1, 3, AT_REST)
"""When the power is cut after a new start: right after the commit of that number (from 0), or when all is at rest. What
is recorded and does not last yet shows between a commit and the next sync. Three: no divisor of the usual strides, so
that whoever leaves points out still meets each."""


class Kind(Enum):
    """What may happen, and how the table of docs/reliability.md calls it."""

    KILL = "SIGKILL"
    KILL_TWICE = "SIGKILL, and another while starting again"
    KILL_POWER = "SIGKILL, and a power cut after the new start"
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
        return self in {Kind.KILL, Kind.KILL_TWICE, Kind.KILL_POWER, Kind.POWER, Kind.TORN}

    @property
    def moments(self) -> int:
        """How often each of its calls is a point: for each moment of the new start at which the second fault comes."""
        return len(MOMENTS) if self is Kind.KILL_POWER else 1

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
    `owed`: what a killed process before this one had not synced.   `after_commits`: only calls that directly follow a
    commit have numbers.
    """

    kind: Kind
    at: int
    root: Path
    report: Path
    owed: PowerCut | None = None
    after_commits: bool = False
    has_struck: bool = False
    met: Counter[str] = field(default_factory=Counter)
    """How often each call was met, up to the fault."""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _cut: PowerCut | None = None
    _is_aside: bool = False
    _is_recorded: bool = False
    """Whether a commit was the last call that could be struck."""

    def __post_init__(self) -> None:
        if self.kind.is_power_cut or self.kind is Kind.KILL_POWER:
            self._cut = self.owed or PowerCut(self.root)

    def around(self, call: Call) -> Any:
        if self.has_struck or self._is_aside:
            return self._let(call)
        self.met[call.name] += 1
        if not self.kind.may_strike(call.name):
            return self._let(call)
        is_recorded, self._is_recorded = self._is_recorded, call.name == "commit"
        if self.after_commits and not is_recorded:
            return self._let(call)
        number = self.number(call)
        if number != self.at:
            return self._let(call)
        self.has_struck = True
        self.report.write_text(f"{call.name} {call.place.removeprefix(os.fspath(self.root))}\n{_ours()}", "utf-8")
        return self._strike(call)

    def number(self, call: Call) -> int:
        """Return the number of a call that may be struck; each is met once."""
        del call
        return next(self._numbers)

    @property
    def pending(self) -> Path:
        """Where a process that is to be killed has written down what it had not synced."""
        return self.report.with_name("pending")

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

    def cut_now(self) -> None:
        """Take back what was not synced, of whoever it was."""
        known(self._cut).cut()

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
        if self.kind is Kind.KILL_POWER:
            self.pending.write_bytes(known(self._cut).saved())
            freeze()
        elif self._cut is not None:
            self._cut.cut(names=self.kind is Kind.POWER)
        die()
        raise AssertionError("SIGKILL is survived by nobody")


def _ours() -> str:
    lines = traceback.extract_stack()
    return "".join(f"  {line.filename}:{line.lineno} {line.name}\n" for line in lines if "/gateway/" in line.filename)
