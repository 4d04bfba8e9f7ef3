"""By which hubs a unit is reached from here: none where it is a neighbour."""

from collections.abc import Collection

from gateway.domain.ids import UnitCode
from gateway.roster.directory import Directory


class Ways:
    """The ways from one node. Pure: the roster's tree, and which units are neighbours."""

    def __init__(self, unit: UnitCode, neighbours: Collection[UnitCode], directory: Directory) -> None:
        """neighbours: the units at the other ends of the links that are in use."""
        self._unit = unit
        self._neighbours = frozenset(neighbours)
        self._directory = directory

    def hubs_to(self, recipient: UnitCode) -> tuple[UnitCode, ...]:
        """Return the hubs that carry what goes to `recipient`, ours first; empty for a neighbour, and where no way is
        known."""
        roster = self._directory.roster
        if recipient in self._neighbours or roster is None:
            return ()
        way = roster.way(self._unit, recipient)[1:-1]
        # Our second hub may be the one that we have a link to.
        first = next((at for at, hub in enumerate(way) if hub in self._neighbours), None)
        if first is not None:
            return way[first:]
        own = roster.units.get(self._unit)
        others = [] if own is None else [hub for hub in own.hubs if hub in self._neighbours]
        return tuple(others[:1])
