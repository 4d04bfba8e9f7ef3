"""The part of the ledger that keeps alerts until every sink has them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.domain.alerts import Alert, AlertKind, Post, Severity, Told
from gateway.domain.oplog import Fact
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors
from gateway.ledger.rows import storable
from gateway.ledger.schema_alerts import alerts, posts

ERROR_MAX: Final = 200
"""Characters kept of why a sink did not take an alert."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """An alert and who gets it. posts: sink -> the earliest moment (seconds since 1970 UTC). again: seconds in which
    the same subject is not told a second time; None: never again."""

    alert: Alert
    posts: Mapping[str, float]
    again: float | None = None


class AlertBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def record(self, found: Sequence[Addressed]) -> int:
        """Record alerts in one commit, each unless its subject was told before; return how many were new."""
        return self._doors.change(lambda change: sum(record(change, one) for one in found))

    def owed(self, sink: str, now: float, limit: int) -> list[Post]:
        """Return what is due at a sink, what is due longest first: what was refused waits behind what was not tried."""
        query = (
            select(*alerts.c, posts.c.attempts, posts.c.next_at)
            .join(posts, posts.c.alert_id == alerts.c.id)
            .where(posts.c.sink == sink, posts.c.done_at.is_(None), posts.c.next_at <= now)
            .order_by(posts.c.next_at, alerts.c.id)
            .limit(limit)
        )
        with self._doors.reading() as connection:
            return [Post(_alert(row), sink, row.attempts, row.next_at) for row in connection.execute(query)]

    def next_at(self, sink: str) -> float | None:
        """Return when the next alert may go to a sink (it may be past); None if none is owed."""
        query = select(func.min(posts.c.next_at)).where(posts.c.sink == sink, posts.c.done_at.is_(None))
        with self._doors.reading() as connection:
            return connection.execute(query).scalar()

    def done(self, found: Sequence[Post]) -> None:
        """Record that a sink has these alerts; may be repeated."""

        def work(change: Change) -> None:
            for one in found:
                change.connection.execute(_its(one).values(done_at=change.now, last_error=""))

        self._doors.change(work)

    def failed(self, post: Post, error: str, next_at: float) -> None:
        """Record that a sink did not take an alert, and when it is tried again."""
        values = {"attempts": post.attempts + 1, "next_at": next_at, "last_error": storable(error)[:ERROR_MAX]}
        self._doors.change(lambda change: change.connection.execute(_its(post).values(values)))

    def newest(self, limit: int) -> list[tuple[Alert, tuple[Told, ...]]]:
        """Return the newest alerts and how each fared, newest first."""
        with self._doors.reading() as connection:
            rows = connection.execute(select(alerts).order_by(alerts.c.id.desc()).limit(limit)).all()
            return [(_alert(row), _told(connection, row.id)) for row in rows]

    def waiting(self) -> Mapping[str, tuple[int, str]]:
        """Return by sink how many alerts it is still owed, and why the last attempt failed (empty: it did not)."""
        query = (
            select(posts.c.sink, func.count(), func.max(posts.c.last_error))
            .where(posts.c.done_at.is_(None))
            .group_by(posts.c.sink)
        )
        with self._doors.reading() as connection:
            return MappingProxyType({sink: (number, error) for sink, number, error in connection.execute(query)})


def record(change: Change, found: Addressed) -> bool:
    """Record one alert inside somebody else's transaction unless its subject was told; return whether it was new."""
    alert = found.alert
    known = select(func.max(alerts.c.at)).where(alerts.c.subject == alert.subject)
    last = change.connection.execute(known).scalar()
    if last is not None and (found.again is None or alert.at - last < found.again):
        return False
    row = {
        "at": alert.at,
        "kind": alert.kind,
        "severity": int(alert.severity),
        "subject": storable(alert.subject),
        "name": storable(alert.name),
        "facts": json.dumps(dict(alert.facts), ensure_ascii=True, sort_keys=True),
    }
    made = change.connection.execute(insert(alerts).returning(alerts.c.id), row).scalar_one()
    for sink, earliest in found.posts.items():
        values = {"alert_id": made, "sink": sink, "attempts": 0, "next_at": earliest, "last_error": ""}
        change.connection.execute(insert(posts), values)
    return True


def _its(post: Post) -> Any:
    return update(posts).where(posts.c.alert_id == post.alert.id, posts.c.sink == post.sink)


def _told(connection: Connection, alert: int) -> tuple[Told, ...]:
    rows = connection.execute(select(posts).where(posts.c.alert_id == alert).order_by(posts.c.sink))
    return tuple(Told(r.sink, r.done_at, r.attempts, r.next_at, r.last_error) for r in rows)


def _alert(row: Row[*tuple[Any, ...]]) -> Alert:
    facts: dict[str, Fact] = json.loads(row.facts)
    kind, severity = AlertKind(row.kind), Severity(row.severity)
    return Alert(row.at, kind, severity, row.subject, row.name, MappingProxyType(facts), row.id)
