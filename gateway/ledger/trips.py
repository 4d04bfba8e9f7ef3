"""The part of the ledger that remembers the trips of removable media, and which two persons stand for each."""

from collections.abc import Collection
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.domain.errors import PermanentError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.records import Action, Decision
from gateway.domain.trips import OPEN, Trip, TripState, TripWay
from gateway.ledger import decisions
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors
from gateway.ledger.rows import storable
from gateway.ledger.schema_trips import trips

_ASKING: Final = MappingProxyType({TripWay.OUT: Action.MEDIA_EXPORT, TripWay.IN: Action.MEDIA_IMPORT})
GAPS_MAX: Final = 100
"""Missing trips that are named."""


class TripBook:
    """Errors and threads as the ledger's own methods. Each step of a person is a decision in the same commit."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def ask(self, wanted: Trip, why: str) -> Trip:
        """Record that a person asked for a trip; its id and `asked_at` are given here.

        Raises PermanentError `trip-pending` if another of the same link and way is still open, and `trip-repeated` if
        this inbound one was taken in before.
        """

        def work(change: Change) -> Trip:
            c = trips.c
            same = select(c.id).where(c.link == wanted.link, c.way == wanted.way, c.state.in_(sorted(OPEN)))
            earlier = change.connection.execute(same).scalar()
            if earlier is not None:
                raise PermanentError("trip-pending", f"trip {earlier} is not finished", facts={"id": earlier})
            if wanted.way is TripWay.IN:
                _refuse_repeated(change.connection, wanted.trip)
            values = {**asdict(wanted), "asked_at": change.now}
            del values["id"]
            values["asked_by"], values["label"] = storable(wanted.asked_by), storable(wanted.label)
            key = change.connection.execute(insert(trips), values).inserted_primary_key
            made = _get(change.connection, key[0] if key else 0)
            _decided(change, made, _ASKING[made.way], made.asked_by, why)
            return made

        return self._doors.change(work)

    def confirm(self, trip: int, actor: str, why: str, *, epoch: int, two_persons: bool) -> Trip:
        """Record that a person lets the trip happen and return it; a trip already confirmed is returned as it is.

        epoch: this node's; an outbound trip gets the next number of its link under it.
        Raises PermanentError `trip-unknown`, `trip-closed`, `trip-repeated`, `trip-expired` (its time has passed), and
        `trip-same-person` if `two_persons` and the actor asked for it.
        """

        def work(change: Change) -> Trip:
            found = _get(change.connection, trip)
            if found.state is TripState.CONFIRMED:
                return found
            _require(found, TripState.ASKED)
            if change.now > found.confirm_by:
                raise PermanentError("trip-expired", f"trip {trip} was not confirmed in time", facts={"id": trip})
            if two_persons and storable(actor) == found.asked_by:
                raise PermanentError(
                    "trip-same-person", "who asked for a trip cannot confirm it", facts={"id": trip, "person": actor}
                )
            if found.way is TripWay.IN:
                _refuse_repeated(change.connection, found.trip)
            else:
                number = _last_number(change.connection, found.link, epoch) + 1
                found = replace(found, epoch=epoch, number=number)
            made = replace(found, state=TripState.CONFIRMED, confirmed_by=storable(actor), confirmed_at=change.now)
            _decided(change, made, Action.MEDIA_CONFIRM, made.confirmed_by or "", why)
            return _write(change, made)

        return self._doors.change(work)

    def carried(self, trip: int, heard: Collection[str] = ()) -> Trip:
        """Record that a confirmed trip is whole on its medium, or handed in; may be repeated.

        heard: trips of ours that the peer's index says to have arrived.
        """

        def work(change: Change) -> Trip:
            found = _get(change.connection, trip)
            for one in _all(change.connection, TripWay.OUT, found.link, TripState.CARRIED):
                if one.trip in heard:
                    _write(change, replace(one, state=TripState.ARRIVED, ended_at=change.now))
            if found.state is TripState.CARRIED:
                return found
            _require(found, TripState.CONFIRMED)
            return _write(change, replace(found, state=TripState.CARRIED, carried_at=change.now))

        return self._doors.change(work)

    def cancel(self, trip: int, actor: str, why: str) -> Trip:
        """Record that a trip is called off which is not finished; PermanentError `trip-unknown`, `trip-closed`."""

        def work(change: Change) -> Trip:
            found = _get(change.connection, trip)
            _require(found, *OPEN)
            made = _write(change, replace(found, state=TripState.CANCELLED, ended_at=change.now))
            _decided(change, made, Action.MEDIA_CANCEL, actor, why)
            return made

        return self._doors.change(work)

    def lose(self, trip: int, actor: str, why: str) -> Trip:
        """Record that the medium of an outbound trip is gone; PermanentError `trip-unknown`, `trip-closed`."""

        def work(change: Change) -> Trip:
            found = _get(change.connection, trip)
            if found.way is TripWay.IN:
                raise _closed(found)
            _require(found, TripState.CARRIED, TripState.CONFIRMED)
            made = _write(change, replace(found, state=TripState.LOST, ended_at=change.now))
            _decided(change, made, Action.MEDIA_LOST, actor, why)
            return made

        return self._doors.change(work)

    def expire(self) -> None:
        """Call off what nobody confirmed in time."""

        def work(change: Change) -> None:
            c = trips.c
            change.connection.execute(
                update(trips)
                .where(c.state == TripState.ASKED, c.confirm_by < change.now)
                .values({"state": TripState.CANCELLED, "ended_at": change.now})
            )

        self._doors.change(work)

    def get(self, trip: int) -> Trip:
        """Return one trip; PermanentError `trip-unknown`."""
        with self._doors.reading() as connection:
            return _get(connection, trip)

    def newest(self, limit: int) -> list[Trip]:
        """Return the trips, newest first."""
        with self._doors.reading() as connection:
            return [_trip(row) for row in connection.execute(select(trips).order_by(trips.c.id.desc()).limit(limit))]

    def on(self, link: LinkName, way: TripWay) -> list[Trip]:
        """Return all trips of a link in one way, oldest first."""
        with self._doors.reading() as connection:
            return _all(connection, way, link)

    def way_of(self, trip: str) -> TripWay | None:
        """Return `out` for a trip (32 hexadecimal digits) that this node made, `in` for one that was handed in whole;
        None if it is neither."""
        with self._doors.reading() as connection:
            ours = select(trips.c.id).where(trips.c.trip == trip, trips.c.way == TripWay.OUT)
            if connection.execute(ours).first() is not None:
                return TripWay.OUT
            return TripWay.IN if _is_taken_in(connection, trip) else None

    def heard(self, link: LinkName, limit: int) -> tuple[str, ...]:
        """Return the ids of the trips that arrived here by `link`, the newest `limit`, the newest last."""
        return tuple(one.trip for one in self.on(link, TripWay.IN) if one.state is TripState.CARRIED)[-limit:]

    def missing(self, link: LinkName) -> list[tuple[int, int]]:
        """Return (epoch, number) of trips that should have come by `link` before others that have, in order."""
        came: dict[int, set[int]] = {}
        for one in self.on(link, TripWay.IN):
            if one.state is TripState.CARRIED and one.epoch is not None and one.number is not None:
                came.setdefault(one.epoch, set()).add(one.number)
        gaps = ((epoch, n) for epoch, numbers in came.items() for n in range(1, max(numbers)) if n not in numbers)
        return [gap for gap, _ in zip(gaps, range(GAPS_MAX), strict=False)]


def _get(connection: Connection, trip: int) -> Trip:
    row = connection.execute(select(trips).where(trips.c.id == trip)).first()
    if row is None:
        raise PermanentError("trip-unknown", f"there is no trip {trip}", facts={"id": trip})
    return _trip(row)


def _all(connection: Connection, way: TripWay, link: LinkName, state: TripState | None = None) -> list[Trip]:
    c = trips.c
    query = select(trips).where(c.link == link, c.way == way).order_by(c.id)
    if state is not None:
        query = query.where(c.state == state)
    return [_trip(row) for row in connection.execute(query)]


def _is_taken_in(connection: Connection, trip: str) -> bool:
    c = trips.c
    query = select(c.id).where(c.trip == trip, c.way == TripWay.IN, c.state == TripState.CARRIED)
    return connection.execute(query).first() is not None


def _refuse_repeated(connection: Connection, trip: str) -> None:
    if _is_taken_in(connection, trip):
        raise PermanentError("trip-repeated", "everything of this trip was handed in before", facts={"trip": trip})


def _last_number(connection: Connection, link: LinkName, epoch: int) -> int:
    c = trips.c
    query = select(func.max(c.number)).where(c.link == link, c.way == TripWay.OUT, c.epoch == epoch)
    return connection.execute(query).scalar() or 0


def _require(trip: Trip, *states: TripState) -> None:
    if trip.state not in states:
        raise _closed(trip)


def _closed(trip: Trip) -> PermanentError:
    return PermanentError("trip-closed", f"trip {trip.id} is {trip.state}", facts={"id": trip.id, "state": trip.state})


def _write(change: Change, trip: Trip) -> Trip:
    values = asdict(trip)
    del values["id"]
    change.connection.execute(update(trips).where(trips.c.id == trip.id).values(values))
    return trip


def _decided(change: Change, trip: Trip, action: Action, actor: str, why: str) -> None:
    subject = f"trip {trip.id} ({trip.files} files, {trip.size} bytes)"
    decisions.decide(change, Decision(0, 0.0, actor, action, None, subject, trip.link, None, "", why), done=True)


def _trip(row: Row[*tuple[Any, ...]]) -> Trip:
    r = dict(row._mapping)
    way, state, link, peer = TripWay(r["way"]), TripState(r["state"]), LinkName(r["link"]), UnitCode(r["peer"])
    return Trip(**{**r, "way": way, "state": state, "link": link, "peer": peer})
