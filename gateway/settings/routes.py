"""What a file of routes.d may say: which folders of case software exchange with which units."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field, Strict

from gateway.domain.records import Order
from gateway.settings.kinds import (
    ANY,
    ROSTER,
    Folder,
    Label,
    LabelOrAny,
    Region,
    RouteLabel,
    Section,
    Unit,
    UnitOrAny,
    UnitOrRoster,
)
from gateway.settings.quantities import Duration

_CODE_MAX = 64
"""Characters of a receiver's code as exports write it."""
_RULES_MAX = 200
"""Rules of one route; a route with more is read by nobody."""


class FeedbackEncoding(StrEnum):
    """Encoding of the plain-text feedback files."""

    UTF_8 = "utf-8"
    GB18030 = "gb18030"
    GBK = "gbk"


class Target(Section):
    """Whom a rule finds, for which flows: one unit, or the units of a role in a region as the roster names them."""

    flows: tuple[LabelOrAny, ...] = Field(
        default=(ANY,), min_length=1, description='flows that it is for; ["*"] for all'
    )
    unit: Unit | None = Field(default=None, description="the very unit; instead of role")
    role: Label | None = Field(
        default=None, description="role of the unit in the roster, such as procuratorate; instead of unit"
    )
    region: Region | None = Field(
        default=None,
        description="with role: own (the region of this node), same-city, or the first 2, 4 or 6 digits of a region; "
        "left out: anywhere",
    )

    def fits(self, flow: str) -> bool:
        """Whether it is for `flow`."""
        return ANY in self.flows or flow in self.flows


class Rule(Target):
    """To whom exports go whose software names no receiver; the first rule that finds exactly one unit counts."""

    wins_over_export: Annotated[bool, Strict()] = Field(
        default=False, description="true: also where the export names a receiver, and instead of that one"
    )


class OutboundRoute(Section):
    """Exports of one outbound folder, and who may receive them."""

    name: RouteLabel = Field(description="name of the route, used in logs and commands")
    enabled: Annotated[bool, Strict()] = Field(default=True, description="false leaves the folder alone")
    folder: Folder = Field(description="case software drops its exports here")
    packer: Label = Field(description="reads the exports: the name of an installed packer")
    sentinel: Annotated[str, Field(pattern=r"^\.?[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] | None = Field(
        default=None,
        description="name of a file that the folder always holds while its share is mounted; needed for shares only",
    )
    receivers: Mapping[Annotated[str, Field(min_length=1, max_length=_CODE_MAX)], UnitOrRoster] = Field(
        default={},
        description='receiver\'s code as the export writes it: unit; "*" stands for any other code or none; roster '
        "instead of a unit: whose code it is in the roster, today or before a merger",
    )
    scheme: Label | None = Field(
        default=None, description="the one code scheme of the roster in which receivers' codes are looked up; none: all"
    )
    rules: tuple[Rule, ...] = Field(
        default=(), max_length=_RULES_MAX, description="to whom exports go that name no receiver, asked in order"
    )
    cc: tuple[Target, ...] = Field(
        default=(), max_length=_RULES_MAX, description="who gets the same bundle as well, for which flows"
    )
    flows: tuple[LabelOrAny, ...] = Field(
        default=(ANY,), min_length=1, description='flows that may leave here; ["*"] for all'
    )
    profile: Mapping[LabelOrAny, Label] = Field(
        default={},
        description='flow: masking profile by which its exports leave here at least; "*" stands for any other flow. '
        "The flow's own counts where it is stricter",
    )
    expires: Annotated[float, Duration("1h", "90d")] = Field(
        default=30 * 86400.0, description="a bundle that is not opened within this time is void"
    )
    order: Order = Field(
        default=Order.NONE,
        description="case or stream: what goes to one unit is sent in the order in which it was dropped, that of one "
        "case or all of it, each when the one before it has its final receipt; none: each as soon as it can",
    )
    drift: Annotated[bool, Strict()] = Field(
        default=True, description="false: never paused because its exports look different all at once"
    )
    expect: Annotated[float, Duration("10m", "90d")] | None = Field(
        default=None,
        description="an export is expected at least this often; left out: the rhythm of the past weeks says it",
    )
    stable_scans: Annotated[int, Strict(), Field(ge=2, le=100)] | None = Field(
        default=None, description="instead of timing.stable_scans, for this folder"
    )
    feedback_encoding: FeedbackEncoding = Field(
        default=FeedbackEncoding.UTF_8,
        description="encoding of the .err.txt files; gb18030 or gbk for old case software",
    )

    def receiver(self, code: str) -> str | None:
        """Return the unit that stands behind an export's receiver `code`, `roster` where that says it; None if this
        route knows nobody by it."""
        return self.receivers.get(code) or self.receivers.get(ANY)

    @property
    def finds_by_role(self) -> bool:
        """Whether a rule or a copy finds units by their role in the roster."""
        return any(one.role is not None for one in (*self.rules, *self.cc))

    @property
    def named(self) -> frozenset[str]:
        """Every unit that this route names by its code."""
        targets = {str(one.unit) for one in (*self.rules, *self.cc) if one.unit is not None}
        return frozenset(targets | (set(self.receivers.values()) - {ROSTER}))


class InboundRoute(Section):
    """Deliveries of some flows from some units into one inbound folder."""

    name: RouteLabel = Field(description="name of the route, used in logs and commands")
    enabled: Annotated[bool, Strict()] = Field(default=True, description="false holds what would be delivered here")
    senders: tuple[UnitOrAny, ...] = Field(
        default=(ANY,), min_length=1, description='units whose bundles land here; ["*"] for all'
    )
    flows: tuple[LabelOrAny, ...] = Field(
        default=(ANY,), min_length=1, description='flows that land here; ["*"] for all'
    )
    folder: Folder = Field(description="case software collects deliveries here")
    packer: Label = Field(description="writes the imports: the name of an installed packer")
    sentinel: Annotated[str, Field(pattern=r"^\.?[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] | None = Field(
        default=None,
        description="name of a file that the folder always holds while its share is mounted; needed for shares only",
    )

    def takes(self, sender: str, flow: str) -> bool:
        """Whether a bundle of `flow` from unit `sender` is delivered by this route."""
        return bool({ANY, sender} & set(self.senders)) and bool({ANY, flow} & set(self.flows))


class RoutesFile(Section):
    """The whole of one file of routes.d."""

    outbound: tuple[OutboundRoute, ...] = Field(default=(), description="folders that exports leave from")
    inbound: tuple[InboundRoute, ...] = Field(default=(), description="folders that deliveries land in")
