"""A roster for trials on one machine: signed by an authority of three officers whose keys are forgotten at once."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.bundle.card import parse_card
from gateway.domain.ids import UnitCode
from gateway.keyring.officer import OfficerKey
from gateway.roster.authority import Officers, next_root, propose, sign
from gateway.roster.content import Level, RosterContent
from gateway.roster.drafting import default_classes, default_permissions, unit_of_card
from gateway.roster.file import join
from gateway.roster.proving import fingerprint

OFFICERS, THRESHOLD = 3, 2
VALID_SECONDS = 365 * 86400
_PROVINCE = "测试省"
_BEFORE = 60
"""Seconds; a unit is listed since a little earlier, so that clocks that differ do no harm."""


@dataclass(frozen=True, slots=True)
class Member:
    """One unit for the roster. `card`: signed by its own keys; `hub`: by which it is reached."""

    card: bytes
    role: str
    level: Level
    region: str
    hub: UnitCode | None


def trial_roster(members: Iterable[Member], now: float) -> tuple[bytes, str]:
    """Return a signed roster file of `members` with the standard's permissions, and the fingerprint to trust it by."""
    units = [
        unit_of_card(
            parse_card(one.card),
            role=one.role,
            level=one.level,
            region=one.region,
            parent=None,
            hubs=() if one.hub is None else (one.hub,),
            since=int(now) - _BEFORE,
        )
        for one in members
    ]
    content = RosterContent(
        1,
        int(now),
        _PROVINCE,
        tuple(sorted(units, key=lambda one: one.unit)),
        default_permissions(),
        default_classes(),
    )
    officers = [OfficerKey.draw() for _ in range(OFFICERS)]
    expires = int(now) + VALID_SECONDS
    root = next_root([], Officers(tuple(one.public for one in officers), THRESHOLD), expires)
    file = propose([root], content, expires)
    for one in officers[:THRESHOLD]:
        file = sign(file, one.public, one.sign)
    raw = join(file)
    return raw, fingerprint(file.roots[-1])
