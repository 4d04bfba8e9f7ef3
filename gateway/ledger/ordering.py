"""Whose turn it is on a route that keeps an order: what was dropped earlier and owes its final receipt goes first."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from gateway.domain.ids import RouteName, TransferId
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Order
from gateway.ledger.owing import UNANSWERED
from gateway.ledger.rows import DERIVED
from gateway.ledger.schema import transfers

Orders = Mapping[RouteName, Order]
"""The routes that keep an order; any other route keeps none."""

_EARLIER: Final = transfers.alias("earlier")


def its_turn(orders: Orders) -> ColumnElement[bool]:
    """Test that nothing goes before a transfer: of the same route and recipient, and under `case` of the same case.

    What has not been read yet may be of any case and for anybody, so it counts as the same. An export without a case
    number keeps no order among cases.
    """
    return and_(
        true(),
        *(
            not_(and_(later, exists().where(earlier).correlate(transfers)))
            for later, earlier in _ways(transfers, orders)
        ),
    )


def goes_before(transfer_id: TransferId, orders: Orders) -> Select[*tuple[Any, ...]]:
    """Select the earliest of the transfers that go before one."""
    columns = (column for column in _EARLIER.c if column.name not in DERIVED)
    return select(*columns).where(transfers.c.id == transfer_id, _before(orders)).order_by(_EARLIER.c.id).limit(1)


def held_back(transfer_id: TransferId, orders: Orders) -> Select[int]:
    """Select how many sealed bundles one transfer goes before."""
    sealed = transfers.c.state == State.SEALED
    return select(func.count()).where(_EARLIER.c.id == transfer_id, sealed, _open(transfers), _before(orders))


def _before(orders: Orders) -> ColumnElement[bool]:
    return or_(false(), *(and_(later, earlier) for later, earlier in _ways(transfers, orders)))


def _ways(of: FromClause, orders: Orders) -> Iterator[tuple[ColumnElement[bool], ColumnElement[bool]]]:
    """Yield what must hold of the later and of the earlier transfer; apart, so that an index answers each."""
    c, e = of.c, _EARLIER.c
    same = and_(
        _open(_EARLIER), e.route == c.route, e.id < c.id, or_(e.recipient == c.recipient, e.recipient.is_(None))
    )
    streams, cases = _keeping(orders, Order.STREAM), _keeping(orders, Order.CASE)
    if streams:
        yield c.route.in_(streams), same
    if cases:
        numbered = and_(c.route.in_(cases), c.case_no != "")
        yield numbered, and_(same, e.case_no == c.case_no)
        yield numbered, and_(same, e.case_no == "", e.state == State.FOUND)


def _open(of: FromClause) -> ColumnElement[bool]:
    """Test in the very words of the index `transfers_order`, which covers these rows only."""
    states: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in UNANSWERED]
    return and_(of.c.direction == literal_column(f"'{Direction.OUTBOUND}'"), of.c.state.in_(states))


def _keeping(orders: Orders, order: Order) -> list[RouteName]:
    return sorted(route for route, kept in orders.items() if kept is order)
