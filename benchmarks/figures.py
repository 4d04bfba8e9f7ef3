"""What a benchmark yields: figures with their units, statistics over them, and promises that they keep or break."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil


class BenchmarkError(Exception):
    """A benchmark could not be carried through; its text says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, or a list of them already put into words by `unit`."""

    name: str
    value: float
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark: what was done, what came out, and which promises were broken (in English, empty if none)."""

    key: str
    title: str
    work: str
    figures: tuple[Figure, ...]
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of the benchmarks on one machine."""

    machine: Mapping[str, str]
    options: Mapping[str, str]
    sections: tuple[Section, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        """Every broken promise."""
        return tuple(f"{section.key}: {one}" for section in self.sections for one in section.broken)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` of them do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle one of `values`, the lower of two."""
    return percentile(values, 50)


def shown(value: float) -> str:
    """Return a figure with three significant digits, or whole."""
    if value == int(value) and abs(value) < 10**12:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
