"""What is wrong between the parts of a grant, between grants, and with the profiles that routes want."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from gateway.settings.complaints import Complaint, misspelling
from gateway.settings.grants import GrantSettings
from gateway.settings.kinds import ANY
from gateway.settings.routes import OutboundRoute

if TYPE_CHECKING:
    from gateway.settings.crosscheck import Known, Placed


def check_grants(grants: "Collection[Placed[GrantSettings]]", known: "Known") -> Iterator[Complaint]:
    """Yield what is wrong with the grants, each by itself and between them."""
    seen: dict[str, str] = {}
    for one in grants:
        value, document = one.value, one.document
        if value.id in seen:
            yield document.at_value(one.at("id"), "name-twice", name=value.id, other=seen[value.id])
        seen.setdefault(value.id, one.place("id"))
        if value.until < value.since:
            yield document.at_value(one.at("until"), "days-backwards", text=str(value.until), first=str(value.since))
        for side in ("giver", "taker"):
            party = getattr(value, side)
            if party.unit is None and party.role is None:
                yield document.at_value(one.at(side), "side-empty")
            elif party.unit is not None and party.role is not None:
                yield document.at_key(one.at(side, "role"), "rule-double", key="role")
            elif party.role is not None:
                yield from _unknown(one, (side, "role"), "role-unknown", party.role, known.roles)
        for position, flow in enumerate(value.flows):
            yield from _unknown(one, ("flows", position), "flow-unknown", flow, known.flows)
        for position, field in enumerate(value.fields):
            yield from _unknown(one, ("fields", position), "field-unknown", field, known.fields)
        yield from _unknown(one, ("profile",), "profile-unknown", value.profile, known.profiles)


def check_profiles(route: "Placed[OutboundRoute]", known: "Known") -> Iterator[Complaint]:
    """Yield what is wrong with the masking profiles of one route."""
    for flow, profile in route.value.profile.items():
        if flow != ANY:
            yield from _unknown(route, ("profile", flow), "flow-unknown", flow, known.flows)
        yield from _unknown(route, ("profile", flow), "profile-unknown", profile, known.profiles)


def _unknown(
    one: "Placed[GrantSettings] | Placed[OutboundRoute]",
    steps: tuple[str | int, ...],
    code: str,
    text: str,
    names: Collection[str] | None,
) -> Iterator[Complaint]:
    if names is not None and text not in names:
        found, facts = misspelling(code, text, sorted(names))
        yield one.document.at_value(one.at(*steps), found, **facts)
