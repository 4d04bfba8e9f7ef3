"""What a file of grants.d may say: who may share what with whom until when, by which entry of the sharing catalogue."""

from datetime import date
from typing import Annotated

from pydantic import Field

from gateway.settings.kinds import CatalogueNumber, Label, Section, Title, Unit
from gateway.settings.standard_kinds import Day

_LISTED_MAX = 200
"""Flows or fields of one grant; the whole dictionary has a hundred."""


class Side(Section):
    """Who gives, or who takes: one unit, or every unit of a role."""

    unit: Unit | None = Field(default=None, description="the very unit; instead of role")
    role: Label | None = Field(default=None, description="role of the units in the roster; instead of unit")


class GrantSettings(Section):
    """One grant of the sharing catalogue, as it was approved."""

    id: CatalogueNumber = Field(description="number of the grant; the export names it, or the catalogue's number")
    catalogue: CatalogueNumber = Field(description="number of the entry of the sharing catalogue")
    giver: Side = Field(description="who gives")
    taker: Side = Field(description="who takes")
    flows: tuple[Label, ...] = Field(
        min_length=1, max_length=_LISTED_MAX, description="flows and replies that may go under it"
    )
    fields: tuple[Label, ...] = Field(
        default=(),
        max_length=_LISTED_MAX,
        description="fields of the dictionary that may go under it, besides those that the flow lists itself",
    )
    profile: Label = Field(
        default="masked", description="masking profile by which its data leave; the flow's where that is stricter"
    )
    purpose: Title = Field(description="what it is for, and by which rule")
    since: Day = Field(description="first day on which it counts")
    until: Day = Field(description="last day on which it counts")
    approved_by: Title = Field(description="who approved it")

    def days_left(self, today: date) -> int:
        """Return how many days it still counts after `today`; negative once it has ended."""
        return (self.until - today).days


class GrantsFile(Section):
    """The whole of one file of grants.d."""

    grants: Annotated[tuple[GrantSettings, ...], Field(description="grants of the sharing catalogue")] = ()
