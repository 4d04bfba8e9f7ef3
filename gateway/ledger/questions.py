"""What workers ask of the ledger: what is due, what is late, what is known of a bundle."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.domain.ids import BundleId, Digest, LinkName, RouteName, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer
from gateway.ledger import arrivals, asking, ordering, queries, repeats, streams
from gateway.ledger.doors import Doors
from gateway.ledger.ordering import Orders
from gateway.ledger.shelves import Shelves


class Questions(Shelves):
    """What the ledger inherits its answers to workers from. Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors, unit: UnitCode, epoch: int) -> None:
        super().__init__(doors, unit, epoch)
        self._doors = doors
        self._own_epoch = epoch

    def due(
        self,
        states: Collection[State],
        *,
        now: float,
        link: LinkName | None = None,
        direction: Direction | None = None,
        limit: int,
        orders: Orders = queries.NO_ORDERS,
        closed: Collection[UnitCode] = (),
        large: bool | None = None,
    ) -> list[Transfer]:
        """Return what is not held and may be tried at `now`, the one owed for longest first; on one link by lanes.

        orders: on these routes what must wait until an earlier one has its final receipt is left out.
        large: the large ones only, or the small ones.
        closed: recipients that nothing of ours may be sent to.

        States in which a direction owes nothing never match: `delivered` gives inbound transfers only.
        """
        kinds: Any = {"direction": direction, "orders": orders, "large": large, "closed": closed}
        with self._doors.reading() as connection:
            return asking.due(connection, states, now, link=link, limit=limit, **kinds)

    def next_due_at(
        self,
        states: Collection[State],
        link: LinkName | None = None,
        direction: Direction | None = None,
        orders: Orders = queries.NO_ORDERS,
        large: bool | None = None,
    ) -> float | None:
        """Return when the next of them may be tried (it may be past); None if nothing waits."""
        with self._doors.reading() as connection:
            return asking.next_due_at(connection, states, link=link, direction=direction, orders=orders, large=large)

    def owed_bytes(self, state: State, above: int = 0) -> int:
        """Return the bytes of the transfers in `state` that are larger than `above` and not held."""
        with self._doors.reading() as connection:
            return connection.execute(queries.owed_bytes(state, above)).scalar_one()

    def overdue(self, now: float, link: LinkName | None = None, *, limit: int, **kinds: Any) -> list[Transfer]:
        """Return what should have had a receipt by `now` and is not held, oldest first; kinds: as in `due`."""
        with self._doors.reading() as connection:
            return asking.overdue(connection, now, link, limit=limit, **kinds)

    def sending_times(
        self, now: float, link: LinkName, *, orders: Orders = queries.NO_ORDERS, large: bool | None = None
    ) -> asking.SendingTimes:
        """Return when what leaves by `link` falls due."""
        with self._doors.reading() as connection:
            return asking.sending_times(connection, now, link, orders=orders, large=large)

    def unconfirmed(self, link: LinkName | None = None, *, limit: int) -> list[Transfer]:
        """Return what was sent (on `link`, None: on any) and neither has a final receipt nor is due one, nor due to be
        sent again: on diodes, and at a hub what the next hub has in its custody; the longest first."""
        return self._read(queries.unconfirmed(link, limit))

    def goes_before(self, transfer: Transfer, orders: Orders) -> Transfer | None:
        """Return the earliest transfer that must have its final receipt before `transfer` is sent; None if none."""
        if transfer.direction is not Direction.OUTBOUND or transfer.route not in orders:
            return None
        return next(iter(self._read(ordering.goes_before(transfer.id, orders))), None)

    def held_back(self, transfer: Transfer, orders: Orders) -> int:
        """Return how many sealed bundles wait until `transfer` has its final receipt."""
        if transfer.direction is not Direction.OUTBOUND or transfer.route not in orders:
            return 0
        with self._doors.reading() as connection:
            return connection.execute(ordering.held_back(transfer.id, orders)).scalar_one()

    def settled(self, direction: Direction, before: float, *, limit: int) -> list[Transfer]:
        """Return what settled by `before`, owes nothing and is not closed, earliest first: what retention may end."""
        return self._read(queries.settled(direction, before, limit))

    def next_sequence(self, recipient: UnitCode) -> int:
        """Return the number that the next bundle sealed for `recipient` must bear."""
        with self._doors.reading() as connection:
            return streams.last(connection, recipient, Direction.OUTBOUND, self._own_epoch) + 1

    def arrived(self, link: LinkName, bundles: Collection[BundleId]) -> Mapping[BundleId, Transfer]:
        """Return what is known of `bundles` that came over `link`."""
        with self._doors.reading() as connection:
            return arrivals.arrived(connection, link, bundles)

    def seen(self, origin: UnitCode, bundle_id: BundleId) -> Digest | None:
        """Return the header hash under which a bundle was delivered here; None if it never was."""
        with self._doors.reading() as connection:
            return streams.seen_as(connection, origin, bundle_id)

    def last_sent(self, business_key: str) -> Transfer | None:
        """Return the version of an export that was sealed last and still counts; None if there is none.
        What was refused, or closed without a receipt of the recipient, did not reach anybody."""
        with self._doors.reading() as connection:
            return repeats.last_sent(connection, business_key)

    def sent_as(self, route: RouteName, export_name: str) -> Mapping[str, Digest]:
        """Return business key -> content of the last version, of what was sent from exports of this name."""
        with self._doors.reading() as connection:
            return repeats.sent_as(connection, route, export_name)

    def later(self, bundle_id: BundleId) -> list[Transfer]:
        """Return the transfers that repeat or correct a bundle, oldest first."""
        return self._read(queries.later(bundle_id))

    def _read(self, query: queries.TransferQuery) -> list[Transfer]:
        with self._doors.reading() as connection:
            return queries.read(connection, query)
