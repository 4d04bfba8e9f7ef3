"""What the stages need to know of a route: where exports come from, who may receive them, where deliveries go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.bundle.keys import PublicKeys
from gateway.domain.ids import LinkName, RouteName, UnitCode
from gateway.domain.records import Order

ANY = "*"
ROSTER = "roster"
"""In the place of a receiver: whose code it is in the roster."""
OWN = "own"
SAME_CITY = "same-city"
CITY_DIGITS = 4
"""Digits of a region's code that its whole city shares (GB/T 2260)."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One unit that an export may go to: its encryption key now, and the link by which its bundles leave here."""

    unit: UnitCode
    link: LinkName | None
    keys: PublicKeys | None
    """None while no key of the unit counts, or no link leads to it: then its exports wait, and go to nobody else."""
    lacking: str = ""
    """Code of why there is none."""
    is_neighbour: bool = False
    """Whether the link leads to the unit itself, and not to a hub."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule finds for which flows: the very unit, or those of a role in a region as the roster names them."""

    flows: frozenset[str]
    unit: UnitCode | None = None
    role: str = ""
    region: str = ""
    """`own`, `same-city`, or the first digits of a region's code; empty for anywhere."""
    wins_over_export: bool = False

    def fits(self, flow: str) -> bool:
        """Whether it is for `flow`."""
        return ANY in self.flows or flow in self.flows


@dataclass(frozen=True, slots=True)
class OutboundRoute:
    """Exports of one outbound folder."""

    name: RouteName
    folder: Path
    packer: str
    receivers: Mapping[str, str]
    """Receiver's code as the export writes it (or `*` for any) -> unit, or `roster`."""
    flows: frozenset[str]
    """Flows that may leave here; `*` for all."""
    expires_seconds: int
    order: Order = Order.NONE
    scheme: str | None = None
    """The one code scheme in which `roster` looks codes up; None for all."""
    rules: tuple[Target, ...] = ()
    """Whom exports go to that name no receiver; the first that finds exactly one unit counts."""
    cc: tuple[Target, ...] = ()
    """Who gets the same bundle as well."""
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Flow (or `*`) -> masking profile that its exports leave by at least."""
    drift: bool = True
    """Whether its sources are paused when their exports look different all at once."""

    def permits(self, flow: str) -> bool:
        """Whether exports of `flow` may leave by this route."""
        return ANY in self.flows or flow in self.flows


@dataclass(frozen=True, slots=True)
class InboundRoute:
    """Deliveries of some flows from some units into one inbound folder."""

    name: RouteName
    folder: Path
    packer: str
    sentinel: str | None
    """Name of a file that is in the folder while its share is mounted."""
    origins: frozenset[str]
    flows: frozenset[str]

    def takes(self, origin: UnitCode, flow: str) -> bool:
        """Whether a bundle of `flow` from `origin` is delivered by this route."""
        return (ANY in self.origins or origin in self.origins) and (ANY in self.flows or flow in self.flows)
