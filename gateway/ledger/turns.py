"""Turns at what the whole node shares: every peer's work comes up in rotation, the most urgent of each first."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, select

from gateway.domain.ids import RouteName
from gateway.domain.lanes import LARGE_LANES, rank
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer
from gateway.ledger.doors import Doors
from gateway.ledger.queries import TransferQuery, read
from gateway.ledger.rows import select_transfers
from gateway.ledger.schema import transfers

MOST_TURNS: Final = 32
"""Turns looked into at once; the others come up when these have been served."""
IN_ORDER: Final = 512
"""Transfers of a turn that keeps an order that are looked at: a large one among them holds up those behind it."""


def turn_of(transfer: Transfer) -> str:
    """Return with whom a transfer takes turns: its link, or before one is known, its route (the column `turn`)."""
    return transfer.link or turn_of_route(transfer.route)


def turn_of_route(route: RouteName | None) -> str:
    """Return the turn of what was claimed on `route` and has no link yet."""
    return f":{route}" if route else ""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The work of one turn: the most urgent lane of its small and of its large things, where it has any."""

    turn: str
    small: int | None
    large: int | None


class Turns:
    """What is owed at a station of the whole node, in turns. Any thread."""

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
        busy:  so many more of each turn, because the caller leaves some out that are under way.
        whole: routes that keep an order; of these what is owed for longest, large and small.
        addressed: only what is known to be for somebody, or only what is not; None: either.
        """
        orderly = {turn_of_route(route) for route in whole}
        with self._doors.reading() as connection:
            station = _Station(state, addressed)
            waiting = _waiting(connection, station)
            found: list[Transfer] = []
            for large in (False, True):
                others = [one for one in waiting if one.turn not in orderly]
                found += _shares(connection, station, now, others, after=after, limit=limit, busy=busy, large=large)
            for one in waiting:
                if one.turn in orderly:
                    # Their order is that of the numbers, and whoever asks sees to it.
                    found += read(connection, _longest_owed(station, now, one.turn, IN_ORDER + busy))
        return found


def _shares(
    connection: Connection,
    station: "_Station",
    now: float,
    waiting: Sequence[_Waiting],
    *,
    after: str,
    limit: int,
    busy: int,
    large: bool,
) -> list[Transfer]:
    lanes = [(lane, one.turn) for one in waiting if (lane := one.large if large else one.small) is not None]
    # The most urgent lane first, and in each whoever comes behind `after`.
    rotated = sorted(lanes, key=lambda pair: (pair[0], pair[1] <= after, pair[1]))
    share = -(-limit // max(min(len(rotated), MOST_TURNS), 1)) + busy
    # One that has nothing to be tried now takes nobody's place.
    of_each = (read(connection, _most_urgent(station, now, turn, share, large=large)) for _lane, turn in rotated)
    chosen = list(islice(filter(None, of_each), MOST_TURNS))
    return sorted(_by_turns(chosen), key=lambda one: rank(one.priority, one.size))


def _by_turns(queues: Sequence[Sequence[Transfer]]) -> Iterator[Transfer]:
    """Yield the first of each, then the second of each, and so on."""
    for number in range(max(map(len, queues), default=0)):
        for queue in queues:
            if number < len(queue):
                yield queue[number]


@dataclass(frozen=True, slots=True)
class _Station:
    """What waits in one state; `addressed` as in `Turns.due`."""

    state: State
    addressed: bool | None = None

    def tests(self, of: FromClause) -> tuple[ColumnElement[bool], ...]:
        c = of.c
        free = (c.state == self.state, c.hold_code.is_(None))
        if self.addressed is None:
            return free
        return (*free, c.recipient.is_not(None) if self.addressed else c.recipient.is_(None))


def _waiting(connection: Connection, station: _Station) -> list[_Waiting]:
    return [_Waiting(*row) for row in connection.execute(_turns(station))]


def waiting(state: State) -> Select[*tuple[Any, ...]]:
    """Select every turn that has something in `state`, by one step into the index for each, however much it has."""
    return _turns(_Station(state))


def _turns(station: _Station) -> Select[*tuple[Any, ...]]:
    c = transfers.c
    found = select(func.min(c.turn).label("turn")).where(*station.tests(transfers)).cte("waiting", recursive=True)
    after = transfers.alias("after")
    following = select(func.min(after.c.turn)).where(*station.tests(after), after.c.turn > found.c.turn)
    found = found.union_all(select(following.scalar_subquery()).where(found.c.turn.is_not(None)))

    def most_urgent(*, large: bool) -> ColumnElement[int]:
        ours = transfers.alias("large" if large else "small")
        lane = ours.c.lane >= LARGE_LANES if large else ours.c.lane < LARGE_LANES
        query = select(func.min(ours.c.lane)).where(*station.tests(ours), ours.c.turn == found.c.turn, lane)
        return query.scalar_subquery()

    return select(found.c.turn, most_urgent(large=False), most_urgent(large=True)).where(found.c.turn.is_not(None))


def _most_urgent(station: _Station, now: float, turn: str, limit: int, *, large: bool) -> TransferQuery:
    c = transfers.c
    of_size = c.lane >= LARGE_LANES if large else c.lane < LARGE_LANES
    return _due(station, now, turn).where(of_size).order_by(c.lane, c.next_attempt_at, c.id).limit(limit)


def _longest_owed(station: _Station, now: float, turn: str, limit: int) -> TransferQuery:
    c = transfers.c
    return _due(station, now, turn).order_by(c.next_attempt_at, c.id).limit(limit)


def _due(station: _Station, now: float, turn: str) -> TransferQuery:
    c = transfers.c
    return select_transfers().where(*station.tests(transfers), c.turn == turn, c.next_attempt_at <= now)
