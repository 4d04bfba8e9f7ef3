"""What a benchmark yields: figures with their units, statistics over them, and promises that they keep or break."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


class BenchmarkError(Exception):
    """A benchmark could not be carried through; its text says why."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is meant to reach: at most `limit`, or at least. Missing it is told and breaks no promise."""

    limit: float
    is_floor: bool = False

    def is_kept(self, value: float) -> bool:
        """Whether `value` reaches it."""
        return value >= self.limit if self.is_floor else value <= self.limit

    def told(self, value: float) -> str:
        """Return the goal, and whether `value` reaches it, in words."""
        kept = "kept" if self.is_kept(value) else "not kept"
        return f"at {'least' if self.is_floor else 'most'} {shown(self.limit)}: {kept}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, or the middle of several.

    low, high: the least and the greatest of them, where there were several.
    """

    name: str
    value: float
    unit: str
    note: str = ""
    low: float | None = None
    high: float | None = None
    goal: Goal | None = None

    @property
    def spread(self) -> str:
        """From the least to the greatest, in words; empty where there was one value."""
        return "" if self.low is None or self.high is None else f"{shown(self.low)} to {shown(self.high)}"

    @property
    def judged(self) -> str:
        """The goal and whether it is kept, in words; empty where there is none."""
        return self.goal.told(self.value) if self.goal else ""


@dataclass(frozen=True, slots=True)
class Use:
    """What the processes of one name took in one run.

    who:     the side or the tool that they belong to.
    seconds: processor time of all of them, system time and ended children included.
    peak:    bytes, the most that one of them had resident; 0 where it ended before it was looked at.
    """

    who: str
    process: str
    seconds: float
    peak: int


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark: what was done, what came out, and which promises were broken (in English, empty if none).

    uses: the processes of all who took part, in the run of the median. bars: name -> ratio, to be drawn.
    absent: who was left out, and why.
    """

    key: str
    title: str
    work: str
    figures: tuple[Figure, ...]
    broken: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    bars: tuple[tuple[str, float], ...] = ()
    absent: tuple[str, ...] = ()


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` of them do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle one of `values`, the lower of two."""
    return percentile(values, 50)


def middle(name: str, values: Sequence[float], unit: str, note: str = "", goal: Goal | None = None) -> Figure:
    """Return the median of `values`, with their spread where there are several."""
    low, high = (min(values), max(values)) if len(values) > 1 else (None, None)
    return Figure(name, median(values), unit, note, low, high, goal)


def shown(value: float) -> str:
    """Return a figure with three significant digits, or whole."""
    if value == int(value) and abs(value) < 10**12:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
