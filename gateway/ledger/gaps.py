"""Which numbers of a peer's streams are missing, without walking what was found to be whole before."""

from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Delete, Insert, Select, Subquery, and_, delete, func, select, union

from gateway.domain.holdings import STREAMS_MAX, Range, joined
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction
from gateway.domain.records import Transfer
from gateway.ledger.change import adding
from gateway.ledger.prepared import param, rows, value, write, write_many
from gateway.ledger.schema import INTEGER_MAX, seen, transfers
from gateway.ledger.schema_gaps import gaps

_KEPT: Final = 1024
"""Gaps of a stream that are kept; what lies behind the last of them is walked each time."""


def epochs(connection: Connection, direction: Direction, peer: UnitCode) -> list[int]:
    """Return the epochs under which transfers with `peer` bear numbers, ascending: one step into the index for each,
    however long their streams."""
    found: list[int] = []
    its = {"direction": direction, "peer": peer}
    while (epoch := value(connection, _next_epoch, {**its, "after": found[-1] if found else -1})) is not None:
        found.append(epoch)
    return found


def highest(connection: Connection, direction: Direction, peer: UnitCode, epoch: int) -> int:
    """Return the highest number that a transfer with `peer` bears; 0 if none does."""
    its = {"direction": direction, "peer": peer, "epoch": epoch}
    return value(connection, _highest_borne, its) or 0


def missing(connection: Connection, origin: UnitCode, epoch: int, limit: int) -> list[Range]:
    """Return the gaps of an inbound stream as (first, last) numbers, lowest first, at most `limit` (up to RANGES_MAX).

    A number is missing if a higher one is known and no transfer in any state, delivered or not, bears it.
    """
    return list(joined(_missing(connection, origin, epoch, limit)))


def look_through(connection: Connection, origin: UnitCode) -> None:
    """Note what is missing of the streams of `origin` now, so that the next look begins where this one has ended.

    What is known stays known (`forget` says where it does not), so nothing can come to be missing elsewhere.
    """
    for epoch in epochs(connection, Direction.INBOUND, origin)[-STREAMS_MAX:]:
        its = {"peer": origin, "epoch": epoch}
        found = _missing(connection, origin, epoch, _KEPT)
        end = found[-1][1] if len(found) == _KEPT else _top(connection, origin, epoch)
        end = min(end, INTEGER_MAX - 1)  # the open row has to have a first number
        new = [*joined(found), (end + 1, INTEGER_MAX)]
        if new != _suspected(connection, its):
            write(connection, _none_of, its)
            write_many(connection, _new, [{**its, "first": first, "final": final} for first, final in new])


def forget(connection: Connection, bearer: Transfer) -> None:
    """Note that the number which a transfer bears, if any, may be missing from now on: it will bear it no longer."""
    number = bearer.sequence
    if bearer.direction is not Direction.INBOUND or number is None:
        return
    its = {"peer": bearer.origin, "epoch": bearer.epoch}
    if not any(first <= number <= final for first, final in _suspected(connection, its)):
        write(connection, _new, {**its, "first": number, "final": number})


def _missing(connection: Connection, origin: UnitCode, epoch: int, limit: int) -> list[Range]:
    its = {"peer": origin, "epoch": epoch}
    *apart, (start, _open) = _suspected(connection, its)
    top = _top(connection, origin, epoch)
    left = _still_missing(connection, apart, its)
    found = [(first, min(final, top - 1)) for first, final in left if first < top][:limit]
    if len(found) < limit:
        asked = {**its, "start": start, "limit": limit - len(found)}
        found += [(first, final) for first, final in rows(connection, _beyond, asked)]
    return found


def _suspected(connection: Connection, its: dict[str, Any]) -> list[Range]:
    """Return where numbers of a stream may be missing, lowest first; the last is open."""
    return [(first, final) for first, final in rows(connection, _all_of, its)] or [(1, INTEGER_MAX)]


def _still_missing(connection: Connection, apart: list[Range], its: dict[str, Any]) -> list[Range]:
    """Return what is left of the closed ones of the suspected ranges, which lie `apart`: of what is known in each, only
    that is read which came since."""
    if not apart:
        return []
    came = {first: [number for _, number in some] for first, some in groupby(rows(connection, _come, its), _first)}
    found: list[Range] = []
    for first, final in apart:
        start = first
        for number in came.get(first, ()):
            if number > start:
                found.append((start, number - 1))
            start = number + 1
        if start <= final:
            found.append((start, final))
    return found


def _first(row: tuple[int, int]) -> int:
    return row[0]


def _top(connection: Connection, origin: UnitCode, epoch: int) -> int:
    """Return the highest number known of an inbound stream; 0 if none is."""
    delivered: int | None = value(connection, _highest_delivered, {"peer": origin, "epoch": epoch})
    return max(highest(connection, Direction.INBOUND, origin, epoch), delivered or 0)


# -- the questions, see prepared.py ------------------------------------------------------------------------------------


def _borne(direction: Any) -> tuple[Any, ...]:
    t = transfers.c
    return t.direction == direction, t.peer == param("peer"), t.sequence.is_not(None)


def _next_epoch() -> Select[int | None]:
    t = transfers.c
    return select(func.min(t.epoch)).where(*_borne(param("direction")), t.epoch > param("after"))


def _highest_borne() -> Select[int | None]:
    t = transfers.c
    return select(func.max(t.sequence)).where(*_borne(param("direction")), t.epoch == param("epoch"))


def _highest_delivered() -> Select[int | None]:
    s = seen.c
    return select(func.max(s.sequence)).where(s.origin == param("peer"), s.epoch == param("epoch"))


def _beyond() -> Select[*tuple[Any, ...]]:
    """Select the gaps from `start` on, below which none begins that reaches over it."""
    t, s, start = transfers.c, seen.c, param("start")
    borne = (*_borne(Direction.INBOUND), t.epoch == param("epoch"), t.sequence >= start)
    delivered = (s.origin == param("peer"), s.epoch == param("epoch"), s.sequence >= start)
    known: Subquery = union(
        select(t.sequence.label("number")).where(*borne), select(s.sequence.label("number")).where(*delivered)
    ).subquery()
    before = func.coalesce(func.lag(known.c.number).over(order_by=known.c.number), start - 1)
    pairs = select(before.label("before"), known.c.number.label("here")).subquery()
    query = select(pairs.c.before + 1, pairs.c.here - 1).where(pairs.c.here > pairs.c.before + 1)
    return query.order_by(pairs.c.here).limit(param("limit"))


def _all_of() -> Select[*tuple[Any, ...]]:
    g = gaps.c
    return select(g.first, g.final).where(g.peer == param("peer"), g.epoch == param("epoch")).order_by(g.first)


def _come() -> Any:
    """Select the numbers that are known of the closed ranges, each with the first of its range."""
    g, t, s = gaps.c, transfers.c, seen.c
    closed = (g.peer == param("peer"), g.epoch == param("epoch"), g.final < INTEGER_MAX)
    borne = and_(*_borne(Direction.INBOUND), t.epoch == param("epoch"), t.sequence.between(g.first, g.final))
    delivered = and_(s.origin == param("peer"), s.epoch == param("epoch"), s.sequence.between(g.first, g.final))
    return union(
        select(g.first.label("first"), t.sequence.label("number")).join(transfers, borne).where(*closed),
        select(g.first.label("first"), s.sequence.label("number")).join(seen, delivered).where(*closed),
    ).order_by("first", "number")


def _none_of() -> Delete:
    return delete(gaps).where(gaps.c.peer == param("peer"), gaps.c.epoch == param("epoch"))


def _new() -> Insert:
    return adding(gaps, ("peer", "epoch", "first", "final"))
