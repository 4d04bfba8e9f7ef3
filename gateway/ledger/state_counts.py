"""How many transfers there are in each state: kept with every change, for to count millions anew takes seconds."""

from collections.abc import Mapping

from sqlalchemy import Connection, Insert, Select, Update, func, select, update

from gateway.domain.lifecycle import Direction, State
from gateway.ledger.change import adding
from gateway.ledger.prepared import param, rows, write
from gateway.ledger.schema import transfers
from gateway.ledger.schema_state_counts import state_counts


def move(connection: Connection, moved: Mapping[tuple[Direction, State], int]) -> None:
    """Add to how many there are in each state, in the transaction that brings them there."""
    for (direction, state), more in moved.items():
        if more and not write(connection, _more, {"more": more, "its_direction": direction, "its_state": state}):
            write(connection, _first, {"direction": direction, "state": state, "number": more})


def by_state(connection: Connection) -> dict[tuple[Direction, State], int]:
    """Return how many transfers there are in which state, of states that have any."""
    return {(Direction(way), State(state)): number for way, state, number in rows(connection, _all, {})}


def complaints(connection: Connection) -> list[str]:
    """Count anew, and return how that is not what was kept, empty if it is; takes a second for some millions."""
    c = transfers.c
    counted = connection.execute(select(c.direction, c.state, func.count()).group_by(c.direction, c.state))
    there, kept = {(way, state): number for way, state, number in counted}, by_state(connection)
    wrong = [key for key in there.keys() | kept.keys() if there.get(key, 0) != kept.get(key, 0)]
    return [f"{way} {state}: {there.get((way, state), 0)} transfers, not as was kept" for way, state in sorted(wrong)]


def _more() -> Update:
    c = state_counts.c
    its = (c.direction == param("its_direction"), c.state == param("its_state"))
    return update(state_counts).where(*its).values(number=c.number + param("more"))


def _first() -> Insert:
    return adding(state_counts, ("direction", "state", "number"))


def _all() -> Select[str, str, int]:
    c = state_counts.c
    return select(c.direction, c.state, c.number).where(c.number > 0).order_by(c.direction, c.state)
