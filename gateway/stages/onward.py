"""Which link leads to a unit: straight, down the roster's tree of hubs, or up it; never back where it came from."""

from collections.abc import Collection, Iterator, Mapping

from gateway.domain.ids import LinkName, UnitCode
from gateway.roster.directory import Directory
from gateway.roster.roster import HOPS_MAX, Roster


class Onward:
    """The next hop from one node. Pure: it looks at the roster and at which links there are, not at their health."""

    def __init__(self, unit: UnitCode, links: Mapping[UnitCode, LinkName], directory: Directory) -> None:
        """links: the unit at the other end -> the link, of those that are in use."""
        self._unit = unit
        self._links = links
        self._roster = directory.roster

    def next_link(self, recipient: UnitCode, came_by: LinkName | None = None) -> LinkName | None:
        """Return the link by which a bundle for `recipient` goes on; None if no link but `came_by` leads there.

        came_by: the link by which it arrived here; None at its origin.
        """
        hops = self._hops(recipient)
        found = (self._links[unit] for unit in hops if unit in self._links)
        return next((link for link in found if link != came_by), None)

    def share(
        self, recipients: Collection[UnitCode], came_by: LinkName, *, is_ours: bool
    ) -> dict[UnitCode, LinkName | None]:
        """Return for whom of its other recipients a bundle goes on from here, and by which link; None: no link leads
        there.

        To whom the best way leads back where it came from is not among them: whoever handed it to us, or a hub before,
        sends to them by another link. Where that leaves nobody and it is not ours either, two rosters disagree, and
        the next best way has to do.
        """
        best = {unit: self.next_link(unit) for unit in recipients}
        here = {unit: link for unit, link in best.items() if link != came_by}
        if here or is_ours:
            return here
        return {unit: self.next_link(unit, came_by) for unit in recipients}

    def _hops(self, recipient: UnitCode) -> Iterator[UnitCode]:
        """Yield the units that it may go to next, the best first."""
        yield recipient
        if self._roster is None or self._is_too_far(self._roster, recipient):
            return
        down = self._roster.way_up(recipient)
        if self._unit in down:
            yield from down[1 : down.index(self._unit)]
            return  # whoever stands above us would send it back
        own = self._roster.units.get(self._unit)
        if own is not None and recipient in self._roster.units:
            yield from own.hubs
            yield from self._roster.way_up(self._unit)[1:]

    def _is_too_far(self, roster: Roster, recipient: UnitCode) -> bool:
        return len(roster.way(self._unit, recipient)) - 2 > HOPS_MAX
