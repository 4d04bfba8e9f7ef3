"""The rhythm of a source: at which hours of the week it drops exports, how long it usually pauses, and whether it is
silent now; pure arithmetic."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Final

HOUR: Final = 3600
HISTORY_SECONDS: Final = 56 * 86_400.0
"""Eight weeks: long enough to know a week, short enough to forget how an agency worked before."""
SAMPLES_MAX: Final = 5000
"""Newest exports of a source that its rhythm is taken from."""
USUAL: Final = 0.99
"""Share of its pauses that are shorter than what is called usual."""
MARGIN: Final = 1.5
"""By so much a pause must be longer than that: of a hundred pauses one is, and nobody wants to be called for it."""
LEAST_SECONDS: Final = 2 * HOUR
"""No source is called silent sooner."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What the rhythm says. last: when something was dropped last; None if nothing ever was in these weeks.
    quiet: seconds since then, counting only hours of the week in which the source is usually at work; where `expect`
    is configured, all of them. usual: after how many of those it is silent; None while too little is known."""

    last: float | None
    quiet: float
    usual: float | None
    samples: int

    @property
    def is_silent(self) -> bool:
        """Whether nothing has come for longer than is usual."""
        return self.usual is not None and self.quiet > self.usual


def silence_of(
    times: Sequence[float], now: float, expect: float | None, least: int, zone: tzinfo | None = None
) -> Silence:
    """Return what the exports at `times` (seconds since 1970 UTC, ascending) say of `now`.

    expect: configured seconds within which one should come; None for the rhythm.   least: exports from which a rhythm
    is known.   zone: of the working week; None for this machine's.
    """
    last = times[-1] if times else None
    if last is None:
        return Silence(None, 0.0, None, 0)
    if expect is not None:
        return Silence(last, max(0.0, now - last), expect, len(times))
    if len(times) < least:
        return Silence(last, max(0.0, now - last), None, len(times))
    work = _Work(times, now, zone)
    gaps = sorted(work.between(first, second) for first, second in pairwise(times))
    usual = gaps[min(len(gaps) - 1, int(USUAL * len(gaps)))]
    return Silence(last, work.between(last, now), max(MARGIN * usual, LEAST_SECONDS), len(times))


class _Work:
    """Counts seconds of the hours of the week in which anything was ever dropped."""

    def __init__(self, times: Sequence[float], now: float, zone: tzinfo | None) -> None:
        first = int(times[0] // HOUR)
        hours = range(first, int(now // HOUR) + 1)
        of_week = [_hour_of_week(hour, zone) for hour in hours]
        busy = {of_week[int(at // HOUR) - first] for at in times if at <= now}
        self._starts = [float(hour * HOUR) for hour, of in zip(hours, of_week, strict=True) if of in busy]

    def between(self, since: float, until: float) -> float:
        """Return the busy seconds between two times."""
        return max(0.0, self._until(until) - self._until(since))

    def _until(self, at: float) -> float:
        whole = bisect_right(self._starts, at)
        return 0.0 if not whole else (whole - 1) * HOUR + min(float(HOUR), at - self._starts[whole - 1])


def _hour_of_week(hour: int, zone: tzinfo | None) -> int:
    moment = datetime.fromtimestamp(hour * HOUR, UTC).astimezone(zone)
    return moment.weekday() * 24 + moment.hour
