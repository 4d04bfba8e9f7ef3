"""Tells an operator, once a day each, of sources from which nothing has come for longer than is usual."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.domain.clock import Clock
from gateway.domain.ids import RouteName
from gateway.domain.oplog import OpsLog
from gateway.domain.sources import Source
from gateway.ledger.store import Ledger
from gateway.stages.rhythm import HISTORY_SECONDS, SAMPLES_MAX, Silence, silence_of

LOOK_SECONDS: Final = 600.0
"""Seconds between two looks."""
AGAIN_SECONDS: Final = 86_400.0
"""Nobody is told of the same silence sooner again."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """every: route -> seconds within which something should come, where that is configured.   routes: those that are
    in use.   least: exports from which a rhythm is known."""

    every: Mapping[RouteName, float]
    routes: frozenset[RouteName]
    least: int


def silences(ledger: Ledger, now: float, expected: Expectations) -> list[tuple[Source, Silence]]:
    """Return every source with what its rhythm says of `now` (seconds since 1970 UTC).

    What is configured for a route concerns the source that was heard there last; of routes that are not in use, and of
    sources that are paused, nothing is expected.
    """
    sources = ledger.sources.all()
    times = {one.id: ledger.sources.times(one.id, now - HISTORY_SECONDS, SAMPLES_MAX) for one in sources}
    latest: dict[RouteName, Source] = {}
    for one in sources:
        if times[one.id] and (one.route not in latest or times[one.id][-1] > times[latest[one.route].id][-1]):
            latest[one.route] = one
    found = []
    for one in sources:
        every = expected.every.get(one.route)
        is_asked = one.route in expected.routes and one.paused_at is None
        is_asked = is_asked and (every is None or latest.get(one.route) is one)
        said = silence_of(times[one.id], now, every, expected.least)
        found.append((one, said if is_asked else Silence(said.last, said.quiet, None, said.samples)))
    return found


class SilenceStage:
    """Looks every ten minutes, from the first minutes on; what was told is remembered over a restart."""

    name = "silence"

    def __init__(self, *, ledger: Ledger, expected: Expectations, clock: Clock, ops: OpsLog) -> None:
        self._ledger = ledger
        self._expected = expected
        self._clock = clock
        self._ops = ops
        self._next = 0.0

    def step(self) -> float | None:
        """Tell what is due; return the seconds until the next look."""
        now = self._clock.now()
        if now < self._next:
            return self._next - now
        self._next = now + LOOK_SECONDS
        for source, said in silences(self._ledger, now, self._expected):
            told = source.silent_at
            if said.is_silent and (told is None or now - told >= AGAIN_SECONDS or told < (said.last or 0.0)):
                self._ops.alert(
                    "source-silent",
                    source=source.id,
                    route=source.route,
                    quiet=round(said.quiet),
                    usual=round(said.usual or 0.0),
                )
                self._ledger.sources.said_silent(source.id)
        return LOOK_SECONDS
