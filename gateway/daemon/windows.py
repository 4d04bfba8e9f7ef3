"""The hours in which a link may be used: spans that open by a cron expression and last for a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any

AHEAD = 64
"""Openings of each window that are looked at; what lies behind them is looked at when it comes near."""
NEVER_SECONDS = 86400.0
"""A window that never opens (the 30th of February) is looked at again after so long."""


@dataclass(frozen=True, slots=True)
class Window:
    """`opens`: five-field cron expression, day of the month and day of the week must both match. `lasts`: seconds."""

    opens: str
    lasts: float


@dataclass(frozen=True, slots=True)
class Hours:
    """Whether the link may be used, and until when (seconds since 1970 UTC) that stays so; None: not known yet."""

    is_open: bool
    until: float | None


class Windows:
    """Several windows together: the link is open while one of them is.

    zone: in which the expressions are meant; None: the zone of this machine. Thread-safe: what is remembered is
    replaced whole.
    """

    def __init__(self, windows: Sequence[Window], zone: tzinfo | None = None) -> None:
        self._windows: list[tuple[Any, float]] = []
        if windows:
            # Commands that only look at links without windows start sooner without it.
            from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]  # ships no types

            self._windows = [(CronTrigger.from_crontab(one.opens, timezone=zone), one.lasts) for one in windows]
        self._known: tuple[float, Hours] | None = None

    def at(self, moment: float) -> Hours:
        """Return how it is at `moment` (seconds since 1970 UTC)."""
        if not self._windows:
            return Hours(is_open=True, until=None)
        known = self._known
        if known is not None and known[1].until is not None and known[0] <= moment < known[1].until:
            return known[1]
        found = self._look(moment)
        self._known = moment, found
        return found

    def closed_for(self, moment: float) -> float:
        """Return the seconds from `moment` until the link may be used; 0 if it may."""
        found = self.at(moment)
        if found.is_open:
            return 0.0
        return NEVER_SECONDS if found.until is None else found.until - moment

    def _look(self, moment: float) -> Hours:
        begin = end = None
        for opens, closes in sorted(span for one in self._windows for span in islice(_spans(*one, moment), AHEAD)):
            if begin is not None and end is not None and opens <= end:
                end = max(end, closes)
            elif begin is not None and begin <= moment:
                break
            elif begin is None:
                begin, end = opens, closes
            else:
                break
        if begin is None:
            return Hours(is_open=False, until=None)
        return Hours(is_open=True, until=end) if begin <= moment else Hours(is_open=False, until=begin)


def _spans(trigger: Any, lasts: float, moment: float) -> Iterator[tuple[float, float]]:
    """Yield (opens, closes) of each span that has not ended at `moment`, the earliest first."""
    before = None
    while True:
        start = datetime.fromtimestamp(moment - lasts, trigger.timezone)
        fire = trigger.get_next_fire_time(before, start if before is None else before)
        if fire is None:
            return
        before = fire
        opens = fire.timestamp()
        if opens + lasts > moment:
            yield opens, opens + lasts
