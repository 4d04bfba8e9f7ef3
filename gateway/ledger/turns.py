"""Turns at what many share: everybody's work comes up in rotation, the most urgent of each first."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, literal_column, select

from gateway.domain.ids import LinkName, RouteName
from gateway.domain.lanes import LARGE_LANES, rank
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import Build, Values, listed, param, rows, rows_among
from gateway.ledger.queries import TransferQuery
from gateway.ledger.rows import select_transfers, to_transfer
from gateway.ledger.schema import transfers

MOST_TURNS: Final = 32
"""Turns looked into at once; the others come up when these have been served."""
IN_ORDER: Final = 512
"""Transfers of a turn that keeps an order that are looked at: a large one among them holds up those behind it."""


def turn_of(transfer: Transfer) -> str:
    """Return with whom a transfer takes turns at a station of the whole node: its link, or before one is known, its
    route (the column `turn`)."""
    return transfer.link or turn_of_route(transfer.route)


def turn_of_route(route: RouteName | None) -> str:
    """Return the turn of what was claimed on `route` and has no link yet."""
    return f":{route}" if route else ""


@dataclass(frozen=True, slots=True)
class Station:
    """What waits in one state for the same people: of the whole node, taking turns by link (or route), or, at a hub,
    on one link, taking turns by origin.

    addressed: only what is known to be for somebody, or only what is not; None: either.
    """

    state: State
    addressed: bool | None = None
    link: LinkName | None = None

    @property
    def turn(self) -> str:
        """The column that says whose turn it is."""
        return "turn" if self.link is None else "peer"

    @property
    def shape(self) -> tuple[State, bool | None, bool]:
        """What makes its statements others than those of another one; the name of the link does not."""
        return self.state, self.addressed, self.link is not None

    def tests(self, of: FromClause) -> tuple[ColumnElement[bool], ...]:
        """Test for what waits here; in the very words of the indexes that answer it. The link's name is a `param`."""
        c = of.c
        tests: tuple[ColumnElement[bool], ...] = (c.state == self.state, c.owing == literal_column("1"))
        if self.addressed is not None:
            tests += (c.recipient.is_not(None) if self.addressed else c.recipient.is_(None),)
        if self.link is not None:
            tests += (c.link == param("link"), c.direction == literal_column(f"'{Direction.RELAY}'"))
        return tests


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The work of one turn: the most urgent lane of its small and of its large things, where it has any."""

    turn: str
    small: int | None
    large: int | None


class Turns:
    """What is owed at what many share, in turns. Any thread."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def due(
        self,
        state: State,
        *,
        now: float,
        limit: int,
        busy: int = 0,
        after: str = "",
        whole: Collection[RouteName] = (),
        addressed: bool | None = None,
    ) -> list[Transfer]:
        """Return what is not held and may be tried at `now`, about `limit` small things and as many large ones.

        Small ones first; among either the more urgent, and of equal urgency an equal share of every turn, beginning
        behind `after`. States that mean the same in both directions only.
        busy:      so many more of each turn, because the caller leaves some out that are under way.
        whole:     routes that keep an order; of these what is owed for longest, large and small.
        addressed: only what is known to be for somebody, or only what is not; None: either.
        """
        orderly = {turn_of_route(route) for route in whole}
        station = Station(state, addressed)
        with self._doors.reading() as connection:
            turns = _waiting(connection, station)
            others = [one for one in turns if one.turn not in orderly]
            found: list[Transfer] = []
            for large in (False, True):
                found += _shares(connection, station, now, others, after=after, limit=limit, busy=busy, large=large)
            for one in turns:
                if one.turn in orderly:
                    # Their order is that of the numbers, and whoever asks sees to it.
                    its = {"now": now, "turn": one.turn, "limit": IN_ORDER + busy}
                    found += _read(connection, _longest_owed, station, its)
        return found

    def to_forward(self, link: LinkName, *, now: float, limit: int, after: str = "", large: bool) -> list[Transfer]:
        """Return about `limit` bundles of others that are owed on `link`, as `due`, taking turns by origin; each with
        all its recipients behind that link."""
        station = Station(State.CHECKED, link=link)
        with self._doors.reading() as connection:
            turns = _waiting(connection, station)
            found = _shares(connection, station, now, turns, after=after, limit=limit, busy=0, large=large)
            bundles = sorted({one.bundle_id for one in found if one.bundle_id is not None})
            together = rows_among(connection, _together, "bundle", bundles, {"link": link, "now": now}, *station.shape)
            chosen = {one.id for one in found}
            return found + [one for one in map(to_transfer, together) if one.id not in chosen]


def _shares(
    connection: Connection,
    station: Station,
    now: float,
    turns: Sequence[_Waiting],
    *,
    after: str,
    limit: int,
    busy: int,
    large: bool,
) -> list[Transfer]:
    lanes = [(lane, one.turn) for one in turns if (lane := one.large if large else one.small) is not None]
    # The most urgent lane first, and in each whoever comes behind `after`.
    rotated = sorted(lanes, key=lambda pair: (pair[0], pair[1] <= after, pair[1]))
    share = -(-limit // max(min(len(rotated), MOST_TURNS), 1)) + busy
    # One that has nothing to be tried now takes nobody's place.
    of_each = (
        _read(connection, _most_urgent, station, {"now": now, "turn": turn, "limit": share}, large)
        for _lane, turn in rotated
    )
    chosen = list(islice(filter(None, of_each), MOST_TURNS))
    return sorted(_by_turns(chosen), key=lambda one: rank(one.priority, one.size))


def _by_turns(lines: Sequence[Sequence[Transfer]]) -> Iterator[Transfer]:
    """Yield the first of each, then the second of each, and so on."""
    for number in range(max(map(len, lines), default=0)):
        for line in lines:
            if number < len(line):
                yield line[number]


def _waiting(connection: Connection, station: Station) -> list[_Waiting]:
    return [_Waiting(*row) for row in rows(connection, _turns, {"link": station.link}, *station.shape)]


def _read(connection: Connection, build: Build, station: Station, values: Values, *shape: bool) -> list[Transfer]:
    its = {**values, "link": station.link}
    return [to_transfer(row) for row in rows(connection, build, its, *station.shape, *shape)]


def _station(state: State, addressed: bool | None, is_linked: bool) -> Station:
    """Return a station for a statement, in which the name of its link has a place."""
    return Station(state, addressed, LinkName("any") if is_linked else None)


def _turns(*shape: Any) -> Select[*tuple[Any, ...]]:
    return waiting(_station(*shape))


def waiting(station: Station) -> Select[*tuple[Any, ...]]:
    """Select every turn of a station, by one step into the index for each, however much it has."""
    turn = transfers.c[station.turn]
    found = select(func.min(turn).label("turn")).where(*station.tests(transfers)).cte("waiting", recursive=True)
    after = transfers.alias("after")
    following = select(func.min(after.c[station.turn])).where(
        *station.tests(after), after.c[station.turn] > found.c.turn
    )
    found = found.union_all(select(following.scalar_subquery()).where(found.c.turn.is_not(None)))

    def most_urgent(*, large: bool) -> ColumnElement[int]:
        ours = transfers.alias("large" if large else "small")
        lane = ours.c.lane >= LARGE_LANES if large else ours.c.lane < LARGE_LANES
        query = select(func.min(ours.c.lane)).where(*station.tests(ours), ours.c[station.turn] == found.c.turn, lane)
        return query.scalar_subquery()

    return select(found.c.turn, most_urgent(large=False), most_urgent(large=True)).where(found.c.turn.is_not(None))


def _most_urgent(state: State, addressed: bool | None, is_linked: bool, large: bool) -> TransferQuery:
    c = transfers.c
    of_size = c.lane >= LARGE_LANES if large else c.lane < LARGE_LANES
    query = _due(_station(state, addressed, is_linked)).where(of_size)
    return query.order_by(c.lane, c.next_attempt_at, c.id).limit(param("limit"))


def _longest_owed(*shape: Any) -> TransferQuery:
    c = transfers.c
    return _due(_station(*shape)).order_by(c.next_attempt_at, c.id).limit(param("limit"))


def _due(station: Station) -> TransferQuery:
    c = transfers.c
    # The sum keeps a database from walking by time instead of by lane, and then sorting all that waits.
    its = (c[station.turn] == param("turn"), c.next_attempt_at + 0 <= param("now"))
    return select_transfers().where(*station.tests(transfers), *its)


def _together(length: int, *shape: Any) -> TransferQuery:
    c = transfers.c
    of = (c.next_attempt_at <= param("now"), c.bundle_id.in_(listed("bundle", length)))
    return select_transfers().where(*_station(*shape).tests(transfers), *of)
