"""Alerts: what a person must be told now, without naming anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gateway.domain.oplog import Fact


class AlertKind(StrEnum):
    """What an alert is about."""

    DEADLINE = "deadline"  # a term that is near, or past
    OPERATION = "operation"  # the gateway itself
    TEST = "test"  # somebody tries a sink


class Severity(IntEnum):
    """How urgent an alert is; a sink may ask for the urgent ones alone. A term that is amber gives a notice, a red one
    a warning, an overdue one a critical alert."""

    NOTICE = 1
    WARNING = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. id: its number in the ledger, 0 before it has one; at: seconds since 1970 UTC.

    subject: what it is about; the same is not told twice (a term once for each level, the gateway's own once a day).
    name: a deadline's `<flow>/<id>`, or the slug of the log's event. facts: code-like, or case number, unit and masked
    person; nothing else of a person's.
    """

    at: float
    kind: AlertKind
    severity: Severity
    subject: str
    name: str
    facts: Mapping[str, Fact]
    id: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """One alert that is owed to one sink. attempts: failed ones."""

    alert: Alert
    sink: str
    attempts: int
    next_at: float


@dataclass(frozen=True, slots=True)
class Told:
    """How one alert fared at one sink: `done_at` None while it is still owed."""

    sink: str
    done_at: float | None
    attempts: int
    next_at: float
    last_error: str
