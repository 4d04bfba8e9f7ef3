"""What the stages need to know of a route: where exports come from, who may receive them, where deliveries go."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.keys import PublicKeys
from gateway.domain.ids import LinkName, RouteName, UnitCode
from gateway.domain.records import Order

ANY = "*"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One unit that an export may go to: its encryption key now, and the link that leads there."""

    unit: UnitCode
    link: LinkName
    keys: PublicKeys | None
    """None while no key of the unit counts: then its exports wait, and go to nobody else."""
    lacking: str = ""
    """Code of why there is none."""


@dataclass(frozen=True, slots=True)
class OutboundRoute:
    """Exports of one outbound folder."""

    name: RouteName
    folder: Path
    packer: str
    receivers: Mapping[str, Recipient]
    """Receiver's code as the export writes it (or `*` for any) -> recipient."""
    flows: frozenset[str]
    """Flows that may leave here; `*` for all."""
    expires_seconds: int
    order: Order = Order.NONE

    def recipient(self, code: str) -> Recipient | None:
        """Return who stands behind `code`, or None if this route knows nobody by it."""
        return self.receivers.get(code) or self.receivers.get(ANY)

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
