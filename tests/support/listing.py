"""Gives a desk's node a signed roster in which it stands with its own keys, beside others."""

import os

from gateway.compose.identity import load_keyring
from gateway.roster.content import Permission, RosterUnit
from tests.support.desk import Desk
from tests.support.rosters import Authority, install, listed, roster_of


def own(desk: Desk, role: str = "police", *, region: str = "990102", hubs: tuple[str, ...] = ()) -> RosterUnit:
    """Return the entry of the desk's own unit."""
    card = load_keyring(desk.settings, os.environ).card(desk.place.unit, desk.place.name)
    return listed(card, role, region=region, hubs=hubs)


def trust_roster(
    desk: Desk, *units: RosterUnit, permissions: tuple[Permission, ...] | None = None, role: str = "police"
) -> None:
    """Let the desk's node trust a roster of itself and `units`."""
    authority = Authority()
    mine = () if any(unit.unit == desk.place.unit for unit in units) else (own(desk, role),)
    install(desk.state, authority.issue(roster_of(*mine, *units, permissions=permissions)), authority)
