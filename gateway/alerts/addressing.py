"""To whom an alert goes, and from when on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from gateway.domain.alerts import Alert, AlertKind, Severity


@dataclass(frozen=True, slots=True)
class SinkRule:
    """What one sink is told. quiet: minutes of the day between which notices wait; None: never."""

    name: str
    kinds: frozenset[AlertKind]
    least: Severity
    quiet: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """The sinks of a node, and the time zone of their quiet hours."""

    rules: Sequence[SinkRule]
    zone: tzinfo

    def of(self, alert: Alert) -> Mapping[str, float]:
        """Return sink -> the earliest moment (seconds since 1970 UTC) at which it is told of `alert`."""
        return {
            rule.name: self._earliest(rule, alert)
            for rule in self.rules
            if alert.kind in rule.kinds and alert.severity >= rule.least
        }

    def _earliest(self, rule: SinkRule, alert: Alert) -> float:
        if rule.quiet is None or alert.severity > Severity.NOTICE:
            return alert.at
        after, until = rule.quiet
        now = datetime.fromtimestamp(alert.at, self.zone)
        minute = now.hour * 60 + now.minute
        is_quiet = after <= minute < until if after <= until else minute >= after or minute < until
        if not is_quiet:
            return alert.at
        day = now.date() + timedelta(days=minute >= until)
        return (datetime.combine(day, time(), self.zone) + timedelta(minutes=until)).timestamp()
