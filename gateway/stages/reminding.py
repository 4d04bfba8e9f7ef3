"""Exports that stay in their outbound folder for too long: which, why and since when; the source is told of some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.clock import Clock
from gateway.domain.ids import RouteName
from gateway.folders.watch import REMIND_AFTER, Waiting
from gateway.stages.telling import SourceTelling


@dataclass(frozen=True, slots=True)
class Overdue:
    """One export that should not be there any more; `code`: why; `seconds`: for how long we have seen it so."""

    route: RouteName
    name: str
    code: str
    seconds: float


@dataclass(slots=True)
class _Failing:
    code: str
    since: float
    is_told: bool = False


class Reminders:
    """What a run of the program has seen; after a restart the half hour begins anew."""

    def __init__(self, telling: SourceTelling, clock: Clock) -> None:
        self._telling = telling
        self._clock = clock
        self._failing: dict[RouteName, dict[str, _Failing]] = {}
        self._overdue: dict[RouteName, tuple[Overdue, ...]] = {}

    def seen(self, route: RouteName, waiting: Sequence[Waiting], failing: Mapping[str, str]) -> None:
        """Take in what one scan saw: what waits for its mark or for quiet, and what could not be looked at or claimed.

        failing: export or entry -> code. Nobody but the source may be able to mend that, so `err/` says it too.
        """
        if not (waiting or failing):
            self._failing.pop(route, None)
            self._overdue.pop(route, None)
            return
        now, before = self._clock.monotonic(), self._failing.get(route, {})
        kept: dict[str, _Failing] = {}
        for name, code in failing.items():
            one = before.get(name)
            kept[name] = one if one is not None and one.code == code else _Failing(code, one.since if one else now)
        self._failing[route] = kept
        seen = [Overdue(route, name, one.code, now - one.since) for name, one in kept.items()]
        late = [overdue for overdue in seen if overdue.seconds >= REMIND_AFTER]
        for overdue in late:
            if not kept[overdue.name].is_told:
                kept[overdue.name].is_told = True
                self._telling.unclaimed(route, overdue.name, overdue.code)
        reminded = [Overdue(route, w.candidate.name, w.why, w.seconds) for w in waiting if w.wants_reminder()]
        self._overdue[route] = (*reminded, *late)

    def overdue(self) -> list[Overdue]:
        """Return what waits for longer than it should, as the last scans saw it. Any thread."""
        return [one for late in list(self._overdue.values()) for one in late]
