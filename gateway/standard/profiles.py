"""Masking profiles as data: what of a case may travel under which, and which one counts for an export."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.standard.catalogue import FieldKind, Flow, Standard

FULL: Final = "full"
"""The profile that changes nothing; every standard has it."""
ANY: Final = "*"
"""In a route's profiles: every flow that is not named."""
RULES: Final = frozenset(
    {"surname-star", "id-3-2", "year-only", "to-county", "drop", "hash", "replace-names", "phone-3-4"}
)
"""How a masked value is written (gateway/standard/masks.py)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile, as config/codes/profiles.yaml explains it. level: of two the greater one is stricter."""

    code: str
    zh: str
    en: str
    level: int
    masks_from: int
    documents_to: int
    asked_only: bool
    looks_inside: bool
    rules: Mapping[str, str]
    """Field -> rule instead of the dictionary's."""

    @property
    def is_full(self) -> bool:
        """Whether everything travels as it is."""
        return self.code == FULL

    def rule(self, kind: "FieldKind") -> str:
        """Return how a field of this kind is written; empty: as it is."""
        return self.rules.get(kind.code, kind.mask) if kind.pii >= self.masks_from else ""


def flow_behind(standard: "Standard", code: str) -> "Flow | None":
    """Return the flow `code`, or the one that the reply `code` answers; None for what the standard does not know."""
    reply = standard.reply(code)
    return standard.flow(reply.request if reply is not None else code)


def profile_of(standard: "Standard", code: str, wanted: Mapping[str, str]) -> Profile:
    """Return the profile under which the flow or reply `code` leaves by a route that wants `wanted` (flow, or `*`, to
    profile): the stricter of the two. KeyError for a profile that the standard does not have."""
    flow = flow_behind(standard, code)
    own = standard.profiles[flow.profile if flow is not None else FULL]
    routes = standard.profiles[wanted.get(code, wanted.get(ANY, FULL))]
    return max(own, routes, key=lambda one: one.level)
