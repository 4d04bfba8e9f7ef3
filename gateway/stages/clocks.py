"""How far the peers' clocks differ from ours, measured from what they sign: told, and never used for a decision."""

import threading
from dataclasses import dataclass

from gateway.domain.clock import Clock
from gateway.domain.ids import UnitCode
from gateway.domain.oplog import OpsLog

UNBOUNDED = 1e9
"""Seconds; stands for "no bound is known"."""
WINDOW_SECONDS = 3600.0
"""Measurements of this long count together; then a clock may have been set, or have drifted."""


@dataclass(frozen=True, slots=True)
class SkewView:
    """A peer's clock is ahead of ours by between `low` and `high` seconds (below zero: behind), as known at `at`."""

    peer: UnitCode
    low: float
    high: float
    at: float

    @property
    def proven(self) -> float:
        """The seconds that it differs at the least; zero while both may agree."""
        return proven(self.low, self.high)


class PeerClocks:
    """The peers' clocks. Any thread; outlives a reload."""

    def __init__(self, clock: Clock, ops: OpsLog) -> None:
        self._clock = clock
        self._ops = ops
        self._lock = threading.Lock()
        self._views: dict[UnitCode, SkewView] = {}
        self._begun: dict[UnitCode, float] = {}
        self._told: set[UnitCode] = set()

    def signed(self, peer: UnitCode, said_at: float, *, after: float, warn: float) -> None:
        """Learn from what `peer` signed with its own time `said_at`, whole seconds, and what has reached us just now.

        after: a moment of ours before which it cannot have signed it; zero if none is known.
        warn:  seconds beyond which a difference is told. Times are seconds since 1970 UTC.
        """
        now = self._clock.now()
        low, high = said_at - now, said_at + 1 - after if after else UNBOUNDED
        with self._lock:
            before = self._views.get(peer)
            if before is not None and now - self._begun[peer] <= WINDOW_SECONDS:
                low_both, high_both = max(low, before.low), min(high, before.high)
            else:
                low_both, high_both = 1.0, 0.0
            if low_both > high_both:
                # The first, the window is over, or the clock was set meanwhile.
                self._begun[peer] = now
                low_both, high_both = low, high
            low_both, high_both = (min(UNBOUNDED, max(-UNBOUNDED, one)) for one in (low_both, high_both))
            view = self._views[peer] = SkewView(peer, round(low_both, 1), round(high_both, 1), now)
            differs, told = abs(view.proven) > warn, peer in self._told
            if differs:
                self._told.add(peer)
            else:
                self._told.discard(peer)
        if differs and not told:
            self._ops.warn("clock-skew", peer=peer, ahead_seconds=round(view.proven))
        elif told and not differs:
            self._ops.info("clock-agrees", peer=peer)

    def views(self) -> list[SkewView]:
        """Return what is known of every peer that has signed something since the start."""
        with self._lock:
            return list(self._views.values())


def proven(low: float, high: float) -> float:
    """Return the seconds by which two clocks differ at the least, if one is ahead by between `low` and `high`."""
    return low if low > 0 else high if high < 0 else 0.0
