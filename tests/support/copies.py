"""A province whose police sends copies: two recipients that are neighbours, or two behind one hub."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.compose.identity import Identity
from gateway.settings.routes import Rule, Target
from tests.support.claiming import whole_claims
from tests.support.hubs import CITY_A, COUNTY, COURT, PROSECUTOR, SPOTS, Province, build, roster_of

POLICE, COURT_UNIT, PROSECUTOR_UNIT = (SPOTS[name].unit for name in (COUNTY, COURT, PROSECUTOR))
NEIGHBOURS = {name: replace(SPOTS[name], hub=None) for name in (COUNTY, PROSECUTOR, COURT)}
BEHIND_ONE_HUB = {
    COUNTY: SPOTS[COUNTY],
    CITY_A: replace(SPOTS[CITY_A], hub=None),
    PROSECUTOR: replace(SPOTS[PROSECUTOR], hub=CITY_A),
    COURT: replace(SPOTS[COURT], hub=CITY_A),
}


@dataclass
class Copying(Province):
    """The police sends to the prosecutor, with a copy to the court, unless told otherwise."""

    receivers: dict[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    cc: tuple[Target, ...] = (Target(unit=COURT_UNIT),)
    to: str = PROSECUTOR_UNIT

    def _equipment(self, name: str) -> Callable[[Identity], Identity]:
        general = super()._equipment(name)

        def equip(identity: Identity) -> Identity:
            equipped = general(identity)
            if name != COUNTY:
                return equipped
            update = {"receivers": {"*": self.to} if self.to else {}, "rules": self.rules, "cc": self.cc}
            routes = tuple(route.model_copy(update=update) for route in equipped.settings.outbound)
            return replace(equipped, settings=equipped.settings.model_copy(update={"outbound": routes}))

        return equip

    @property
    def police(self) -> Path:
        """The outbound folder of the police."""
        return self.root / COUNTY / "out" / "files"

    def ack(self, export: str) -> dict[str, tuple[str, bool]]:
        """Return recipient -> code and whether the signed receipt is there, as the source of an export sees it."""
        found = json.loads((self.police / "ack" / f"{export}.receipt.json").read_bytes())
        return {line["recipient"]: (line["code"], bool(line["receipt"])) for line in found["receipts"]}

    def claims(self) -> list[str]:
        """Return what the claim shelf of the police holds."""
        return [claim.name for claim in whole_claims(self[COUNTY].ground.shelf)]


def neighbours(root: Path) -> Copying:
    """Return police, prosecutor and court, joined without a hub, not opened yet."""
    build(root, NEIGHBOURS, [(COUNTY, PROSECUTOR), (COUNTY, COURT)])
    return Copying(root, roster_of(root, NEIGHBOURS), NEIGHBOURS)


def behind_one_hub(root: Path) -> Copying:
    """Return police, prosecutor and court, each with a link to one hub only, not opened yet."""
    build(root, BEHIND_ONE_HUB)
    return Copying(root, roster_of(root, BEHIND_ONE_HUB), BEHIND_ONE_HUB)
