"""The questions that workers ask again and again, each put together once."""

from collections.abc import Collection, Hashable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select

from gateway.domain.ids import BundleId, ClaimToken, LinkName, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Order, Transfer
from gateway.ledger import queries
from gateway.ledger.ordering import Orders
from gateway.ledger.prepared import Build, Param, Values, param, row, rows, value
from gateway.ledger.queries import TransferQuery
from gateway.ledger.rows import to_transfer

_Orders = tuple[tuple[Any, Order], ...]


class SendingTimes(NamedTuple):
    """When what leaves by a link falls due (it may be past), in seconds since 1970; None where nothing waits."""

    sealed: float | None
    """A bundle of ours."""
    relayed: float | None
    """One of others."""
    receipt: float | None
    """The next receipt should have come, or what is overdue may be sent again."""


def due(
    connection: Connection,
    states: Collection[State],
    now: float,
    *,
    link: LinkName | None,
    direction: Direction | None,
    limit: int,
    orders: Orders,
    closed: Collection[UnitCode],
    large: bool | None,
) -> list[Transfer]:
    """Return what `queries.due` selects."""
    if closed:
        # Rare, and who is closed changes: not worth a shape of its own.
        return queries.read(
            connection,
            queries.due(
                states, now, link=link, direction=direction, limit=limit, orders=orders, closed=closed, large=large
            ),
        )
    shape = (frozenset(states), direction, link is not None, _kept(orders), large)
    return _read(connection, _due, {"now": now, "link": link, "limit": limit}, *shape)


def next_due_at(
    connection: Connection,
    states: Collection[State],
    *,
    link: LinkName | None,
    direction: Direction | None,
    orders: Orders,
    large: bool | None,
) -> float | None:
    """Return what `queries.next_due_at` selects."""
    shape = (frozenset(states), direction, link is not None, _kept(orders), large)
    at: float | None = value(connection, _next_due_at, {"link": link}, *shape)
    return at


def overdue(
    connection: Connection,
    now: float,
    link: LinkName | None,
    *,
    limit: int,
    large: bool | None = None,
    closed: Collection[UnitCode] = (),
) -> list[Transfer]:
    """Return what `queries.overdue` selects."""
    if closed:
        return queries.read(connection, queries.overdue(now, link=link, limit=limit, large=large, closed=closed))
    return _read(connection, _overdue, {"now": now, "link": link, "limit": limit}, link is not None, large)


def sending_times(
    connection: Connection, now: float, link: LinkName, *, orders: Orders, large: bool | None
) -> SendingTimes:
    """Return when what leaves by `link` falls due, by one statement."""
    return SendingTimes(*row(connection, _sending_times, {"now": now, "link": link}, _kept(orders), large))


def by_bundle(connection: Connection, bundle_id: BundleId, direction: Direction | None) -> list[Transfer]:
    """Return what `queries.by_bundle` selects."""
    return _read(connection, _by_bundle, {"bundle": bundle_id}, direction)


def by_claim(connection: Connection, claim: ClaimToken) -> list[Transfer]:
    """Return what `queries.by_claim` selects."""
    return _read(connection, _by_claim, {"claim": claim})


def by_id(connection: Connection, transfer_id: TransferId) -> list[Transfer]:
    """Return what `queries.by_id` selects."""
    return _read(connection, _by_id, {"id": transfer_id})


def _read(connection: Connection, build: Build, values: Values, *shape: Hashable) -> list[Transfer]:
    return [to_transfer(row) for row in rows(connection, build, values, *shape)]


def _kept(orders: Orders) -> _Orders:
    return tuple(sorted(orders.items()))


def _link(*, is_given: bool) -> Param | None:
    return param("link") if is_given else None


def _due(
    states: frozenset[State], direction: Direction | None, is_linked: bool, orders: _Orders, large: bool | None
) -> TransferQuery:
    of: Any = {"link": _link(is_given=is_linked), "direction": direction, "orders": dict(orders), "large": large}
    return queries.due(states, param("now"), limit=param("limit"), **of)


def _next_due_at(
    states: frozenset[State], direction: Direction | None, is_linked: bool, orders: _Orders, large: bool | None
) -> Select[float | None]:
    link = _link(is_given=is_linked)
    return queries.next_due_at(states, link=link, direction=direction, orders=dict(orders), large=large)


def _overdue(is_linked: bool, large: bool | None) -> TransferQuery:
    return queries.overdue(param("now"), link=_link(is_given=is_linked), limit=param("limit"), large=large)


def _sending_times(orders: _Orders, large: bool | None) -> Select[*tuple[float | None, ...]]:
    link = param("link")
    sealed = queries.next_due_at((State.SEALED,), link=link, direction=None, orders=dict(orders), large=large)
    relayed = queries.next_due_at((State.CHECKED,), link=link, direction=Direction.RELAY, large=large)
    receipt = queries.next_receipt_due_at(param("now"), link=link, large=large)
    return select(*(one.scalar_subquery() for one in (sealed, relayed, receipt)))


def _by_bundle(direction: Direction | None) -> TransferQuery:
    return queries.by_bundle(param("bundle"), direction)


def _by_claim() -> TransferQuery:
    return queries.by_claim(param("claim"))


def _by_id() -> TransferQuery:
    return queries.by_id(param("id"))
