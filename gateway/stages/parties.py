"""Sender and recipient of a bundle as both sides' case systems know them: by the roster's codes."""

from gateway.domain.ids import UnitCode
from gateway.packing import Party
from gateway.roster.roster import Roster


def party(roster: Roster | None, unit: UnitCode, at: float) -> Party:
    """Return `unit` with its codes of every scheme as they are at `at` (seconds since 1970 UTC).

    Of several codes in one scheme the newest counts. Nothing but the unit itself where no roster lists it.
    """
    listed = roster.units.get(unit) if roster is not None else None
    if listed is None:
        return Party(unit, codes={})
    used = [name for name in listed.names if name.since <= at and (name.until is None or at < name.until)]
    codes = {name.scheme: name.code for name in sorted(used, key=lambda one: one.since)}
    return Party(unit, listed.name, listed.role, codes)
