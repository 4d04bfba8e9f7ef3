"""What is usual for one source, what it has shown of late, and whether the two still agree; pure arithmetic."""

import json
import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from gateway.domain.sources import REJECTED, Look, Seen

RECENT_MAX: Final = 200
"""Exports of one flow that are compared with what is usual, however many come within the window."""
LOOKBACK: Final = 2
"""Windows before a pause in which what went out is looked through for what it was paused for."""
CHANCE: Final = 1e-6
"""What comes about by chance more rarely than this is taken for no chance."""
USUAL_MAX: Final = 4000
"""Exports after which what is usual begins to forget: half of it at a time."""
MARKS_MAX: Final = 400
"""Kinds of marks that are remembered of one source."""
_ALL: Final = "*"
"""In the place of a flow: of all of them."""


@dataclass(frozen=True, slots=True)
class DriftRules:
    """What counts as a change. window: seconds.   exports: fewest of a flow that are judged; what is older than the
    window counts where fewer came within it.   baseline: exports after which something is usual.   drop: share by
    which something must have become rarer, or more frequent (0 to 1)."""

    window: float = 3600.0
    exports: int = 10
    baseline: int = 30
    drop: float = 0.20


@dataclass(frozen=True, slots=True)
class _Shown:
    at: float
    marks: tuple[str, ...]


class Trend:
    """One source. Grows by `add`; nothing in it grows without end."""

    def __init__(self, rules: DriftRules) -> None:
        self._rules = rules
        self._recent: dict[str, deque[_Shown]] = {}
        self._exports: Counter[str] = Counter()
        self._marks: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    @classmethod
    def read(cls, rules: DriftRules, baseline: str, looks: Iterable[Look]) -> Self:
        """Return the trend of a source from what was written of it and from the looks since; what is in both counts
        once. What cannot be read is as if it was not there: it is learnt anew."""
        made = cls(rules)
        kept = json.loads(baseline) if baseline else {}
        made._exports.update(kept.get("exports", {}))
        made._marks.update(kept.get("marks", {}))
        made._until.update(kept.get("until", {}))
        for look in looks:
            made.add(look)
        return made

    def written(self) -> str:
        """Return what is usual, as `read` takes it."""
        kept = {"exports": dict(self._exports), "marks": dict(self._marks.most_common(MARKS_MAX)), "until": self._until}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    def add(self, look: Look) -> None:
        """Take in one export."""
        for flow, marks in (
            (look.flow, tuple(one for one in look.marks if one != REJECTED)),
            (_ALL, tuple(one for one in look.marks if one == REJECTED)),
        ):
            if look.at <= self._until.get(flow, -1.0):
                continue
            recent = self._recent.setdefault(flow, deque())
            recent.append(_Shown(look.at, marks))
            old = look.at - self._rules.window
            while len(recent) > RECENT_MAX or (len(recent) > self._rules.exports and recent[0].at < old):
                self._becomes_usual(flow, recent.popleft())

    @property
    def count(self) -> int:
        """How many exports it knows, as far as it still remembers them."""
        return self._exports[_ALL] + len(self._recent.get(_ALL, ()))

    def drifts(self) -> tuple[Seen, ...]:
        """Return everything that is more frequent by far than usual, and not by chance."""
        return tuple(found for flow, recent in sorted(self._recent.items()) for found in self._of(flow, recent))

    def _of(self, flow: str, recent: deque[_Shown]) -> Iterable[Seen]:
        usual, now = self._exports[flow], len(recent)
        if usual < self._rules.baseline or now < self._rules.exports:
            return
        shown = Counter(mark for one in recent for mark in one.marks)
        for mark, count in sorted(shown.items()):
            before = self._marks[mark]
            if count / now - before / usual <= self._rules.drop:
                continue
            if by_chance(count, now, min(before, usual), usual) < CHANCE:
                kind, _, subject = mark.partition(" ")
                yield Seen(kind, subject, f"{before}/{usual}", f"{count}/{now}")

    def _becomes_usual(self, flow: str, shown: _Shown) -> None:
        self._exports[flow] += 1
        self._marks.update(shown.marks)
        self._until[flow] = shown.at
        if self._exports[flow] > USUAL_MAX:
            self._forget_half(flow)

    def _forget_half(self, flow: str) -> None:
        self._exports[flow] //= 2
        for mark in list(self._marks):
            _kind, _, subject = mark.partition(" ")
            if (subject.partition("/")[0] or _ALL) == flow:
                self._marks[mark] //= 2


def by_chance(count: int, of: int, before: int, usual: int) -> float:
    """Return how probable it is that at least `count` of `of` exports show what `before` of the `usual` ones showed.

    Beta-binomial: what is usual is known from so many exports only, and the fewer they were the more may be chance.
    """
    a, b = before + 1, usual - before + 1
    log = (
        math.lgamma(of + 1)
        - math.lgamma(k + 1)
        - math.lgamma(of - k + 1)
        + _log_beta(k + a, of - k + b)
        - _log_beta(a, b)
        for k in range(count, of + 1)
    )
    return min(1.0, math.fsum(math.exp(one) for one in log))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
