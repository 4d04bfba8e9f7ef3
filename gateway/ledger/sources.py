"""The part of the ledger that knows the sources: who drops exports here, what they looked like, who is paused."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Select, func, insert, select, update

from gateway.domain.errors import PermanentError
from gateway.domain.ids import RouteName, TransferId
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer
from gateway.domain.sources import SOURCE_UPGRADE, Look, Seen, Source, SourceId, Suspect
from gateway.ledger import changes, queries, source_rows
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import NOTHING, Build, Values, param, rows
from gateway.ledger.queries import TransferQuery
from gateway.ledger.rows import select_transfers, storable
from gateway.ledger.schema import transfers
from gateway.ledger.schema_sources import looks, sources

NAME_MAX: Final = 120
"""Characters kept of what a case software calls itself."""

_SourceQuery = Select[*tuple[object, ...]]


class SourceBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    # Questions

    def all(self) -> list[Source]:
        """Return every source, by route and name."""
        return self._sources(_all)

    def of_route(self, route: RouteName, packer: str) -> list[Source]:
        """Return the sources behind a route, the one that was made last at the end."""
        return self._sources(_of_route, {"route": route, "packer": packer})

    def paused(self) -> list[Source]:
        """Return the sources that are paused, the longest first."""
        return self._sources(_paused)

    def get(self, wanted: SourceId) -> Source:
        """Return one source; PermanentError `no-such-source`."""
        with self._doors.reading() as connection:
            found = source_rows.source(connection, wanted)
        if found is None:
            raise PermanentError("no-such-source", f"there is no source {wanted}", facts={"id": wanted})
        return found

    def looks(self, source: SourceId, since: float, limit: int) -> list[Look]:
        """Return what was seen in the newest exports that were read after `since`, oldest first."""
        c = looks.c
        query = select(*c).where(c.source == source, c.at > since).order_by(c.at.desc(), c.transfer_id.desc())
        with self._doors.reading() as connection:
            return [source_rows.to_look(row) for row in connection.execute(query.limit(limit))][::-1]

    def last_of(self, source: SourceId) -> Look | None:
        """Return what was seen in the export that was read last; None if none was."""
        return next(iter(self.looks(source, -1.0, 1)), None)

    def times(self, source: SourceId, since: float, limit: int) -> list[float]:
        """Return when the newest exports of a source were dropped (seconds since 1970 UTC), the earliest first."""
        c, t = looks.c, transfers.c
        query = select(t.found_at).join(transfers, t.id == c.transfer_id).where(c.source == source, c.at > since)
        with self._doors.reading() as connection:
            return sorted(connection.execute(query.order_by(c.at.desc()).limit(limit)).scalars())

    def held(self, source: SourceId, limit: int, after: int = 0) -> list[Transfer]:
        """Return what is kept of a paused source, in the order in which it was dropped, beginning behind a number."""
        query = _held(source).where(transfers.c.id > after).order_by(transfers.c.id).limit(limit)
        with self._doors.reading() as connection:
            return queries.read(connection, query)

    def held_count(self, source: SourceId) -> int:
        """Return how many exports of a paused source are kept."""
        query = select(func.count()).select_from(_held(source).subquery())
        with self._doors.reading() as connection:
            return connection.execute(query).scalar_one()

    def suspects(self, source: Source, since: float, limit: int) -> list[Suspect]:
        """Return what was read from `since` on until the source was paused and shows what it was paused for, and is
        not kept: it was sealed, or given back. Oldest first."""
        c, t = looks.c, transfers.c
        wanted = {f"{one.kind} {one.subject}".rstrip() for one in source.seen}
        query = (
            select(c.transfer_id, t.state, t.export_name, t.case_no, c.marks)
            .join(transfers, t.id == c.transfer_id)
            .where(c.source == source.id, c.at >= since, c.at <= (source.paused_at or since), c.marks != "")
            .where(t.state != State.FOUND)
            .order_by(c.at, c.transfer_id)
            .limit(limit)
        )
        with self._doors.reading() as connection:
            rows = connection.execute(query).all()
        found = [
            Suspect(TransferId(n), State(state), name, case, tuple(m.split("\n"))) for n, state, name, case, m in rows
        ]
        return [one for one in found if wanted & set(one.marks)]

    # Changes

    def ensure(self, route: RouteName, packer: str, system: str) -> Source:
        """Return the source of these, making it if it is new."""
        system = storable(system)[:NAME_MAX]

        def work(change: Change) -> Source:
            c = sources.c
            query = select(*c).where(c.route == route, c.packer == packer, c.system == system)
            row = change.connection.execute(query).first()
            if row is None:
                values = {"route": route, "packer": packer, "system": system, "versions": "[]", "baseline": ""}
                values |= {"seen": "[]"}
                change.connection.execute(insert(sources), {**values, "since": 0.0, "revision": 0})
                row = change.connection.execute(query).one()
            return source_rows.to_source(row)

        return self._doors.change(work)

    def learn(self, source: SourceId, versions: Sequence[str], baseline: str) -> None:
        """Keep what has become usual."""
        self._update(source, versions=json.dumps([*versions], ensure_ascii=False), baseline=baseline)

    def pause(self, source: SourceId, seen: tuple[Seen, ...], baseline: str) -> Source:
        """Pause a source for what was seen and return it as it is then; one that is paused stays as it is."""

        def work(change: Change) -> Source:
            c = sources.c
            change.connection.execute(
                update(sources)
                .where(c.id == source, c.paused_at.is_(None))
                .values(
                    paused_at=change.now,
                    seen=storable(source_rows.written(seen)),
                    baseline=baseline,
                    told_at=None,
                    revision=c.revision + 1,
                )
            )
            return source_rows.to_source(change.connection.execute(select(*c).where(c.id == source)).one())

        return self._doors.change(work)

    def told(self, source: SourceId) -> None:
        """Record that a paused source's people were told."""
        self._stamp(source, "told_at")

    def said_silent(self, source: SourceId) -> None:
        """Record that somebody was told that a source is silent."""
        self._stamp(source, "silent_at")

    def resume(self, source: SourceId, *, anew: bool) -> None:
        """Let a paused source go on; what it showed while it was paused counts for nothing. May be repeated.

        anew: what is usual is learnt from now on; else it stays, and only the versions seen since count as usual too.
        """

        def work(change: Change) -> None:
            c = sources.c
            found = source_rows.source(change.connection, source)
            if found is None or found.paused_at is None:
                return
            query = select(looks.c.version).where(looks.c.source == source, looks.c.at >= found.paused_at).distinct()
            fresh = [v for v in change.connection.execute(query).scalars() if v and v not in found.versions]
            change.connection.execute(
                update(sources)
                .where(c.id == source)
                .values(
                    paused_at=None,
                    seen="[]",
                    told_at=None,
                    since=change.now,
                    baseline="" if anew else found.baseline,
                    versions=json.dumps([*found.versions, *fresh], ensure_ascii=False),
                    revision=c.revision + 1,
                )
            )

        self._doors.change(work)

    def release(self, source: SourceId, actor: str, why: str, limit: int) -> int:
        """Let the first of what is kept of a source be read anew, in its order; return how many those are."""

        def work(change: Change) -> int:
            query = _held(source).order_by(transfers.c.id).limit(limit)
            found = queries.read(change.connection, query)
            for one in found:
                changes.release(change, one, actor, why)
            return len(found)

        return self._doors.change(work)

    def _stamp(self, source: SourceId, column: str) -> None:
        def work(change: Change) -> None:
            change.connection.execute(update(sources).where(sources.c.id == source).values({column: change.now}))

        self._doors.change(work)

    def _update(self, source: SourceId, **values: object) -> None:
        def work(change: Change) -> None:
            change.connection.execute(update(sources).where(sources.c.id == source).values(values))

        self._doors.change(work)

    def _sources(self, build: Build, values: Values = NOTHING) -> list[Source]:
        with self._doors.reading() as connection:
            return [source_rows.to_source(row) for row in rows(connection, build, values)]


def _all() -> _SourceQuery:
    return select(*sources.c).order_by(sources.c.route, sources.c.system, sources.c.id)


def _of_route() -> _SourceQuery:
    c = sources.c
    return select(*c).where(c.route == param("route"), c.packer == param("packer")).order_by(c.id)


def _paused() -> _SourceQuery:
    return select(*sources.c).where(sources.c.paused_at.is_not(None)).order_by(sources.c.paused_at)


def _held(source: SourceId) -> TransferQuery:
    t = transfers.c
    # The sum keeps a database from walking all that the source ever dropped: what is held is few.
    return (
        select_transfers()
        .join(looks, looks.c.transfer_id == t.id)
        .where(looks.c.source + 0 == source, t.state == State.FOUND, t.hold_code == SOURCE_UPGRADE)
    )
