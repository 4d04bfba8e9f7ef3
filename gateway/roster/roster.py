"""The roster in use: who stands behind a key, by which hubs a unit is reached, and who may send what to whom."""

from collections.abc import Mapping

from gateway.domain.ids import UnitCode
from gateway.domain.records import Priority
from gateway.roster.content import ANY, HUB, FlowClass, Level, Permission, RosterContent, RosterUnit, UnitKey
from gateway.roster.finding import NEAR_MAX, Candidate, Resolved, near, resolve

HOPS_MAX = 8
"""Hubs on one way; a province, its cities and their counties need at most three."""
UPPER = "-upper"
"""Ends the role of a court or procuratorate towards those below it."""

PLATFORM = "platform"
"""What a hub is in the exchange standard: the exchange platform, which gets flows of its own."""

_RANKED = frozenset({"court", "procuratorate"})


class Roster:
    """One verified roster; never changed once built."""

    def __init__(self, content: RosterContent) -> None:
        self.content = content
        self._units = {unit.unit: unit for unit in content.units}
        self._by_signing = {k.public.sign_key_id: (u, k) for u in content.units for k in u.keys}
        self._by_encryption = {k.public.encrypt_key_id: u for u in content.units for k in u.keys}
        self._classes = {one.number: one for one in content.classes}
        self._of_flow = {one.flow: one for one in content.classes if one.flow}
        self._rules: dict[str, list[Permission]] = {}
        for rule in content.permissions:
            self._rules.setdefault(rule.flow, []).append(rule)

    @property
    def units(self) -> Mapping[UnitCode, RosterUnit]:
        """Every unit by its code, the closed ones included."""
        return self._units

    def signer(self, key_id: bytes) -> tuple[RosterUnit, UnitKey] | None:
        """Return whose signing key `key_id` is; None if nobody's."""
        return self._by_signing.get(key_id)

    def reader(self, key_id: bytes) -> RosterUnit | None:
        """Return who can open what is wrapped to the encryption key `key_id`; None if nobody."""
        return self._by_encryption.get(key_id)

    def is_hub(self, unit: UnitCode) -> bool:
        """Whether `unit` carries bundles for others."""
        found = self._units.get(unit)
        return found is not None and found.role == HUB

    def has_revoked(self, unit: UnitCode, at: float) -> bool:
        """Whether every key that `unit` has here is revoked at `at` (seconds since 1970 UTC); False if it is not
        listed."""
        found = self._units.get(unit)
        return found is not None and all(key.revoked_at is not None and key.revoked_at <= at for key in found.keys)

    def way_up(self, unit: UnitCode) -> tuple[UnitCode, ...]:
        """Return `unit` and the preferred hubs above it, the nearest first; ends before a hub that comes again."""
        way = [unit]
        while (found := self._units.get(way[-1])) is not None and found.hubs and len(way) <= HOPS_MAX:
            if found.hubs[0] in way:
                break
            way.append(found.hubs[0])
        return tuple(way)

    def hubs_above(self, unit: UnitCode) -> frozenset[UnitCode]:
        """Return every hub that stands above `unit` on any way up, not the preferred one alone."""
        found: set[UnitCode] = set()
        level = {unit}
        while level := {hub for one in level if one in self._units for hub in self._units[one].hubs} - found:
            found |= level
        return frozenset(found)

    def way(self, sender: UnitCode, receiver: UnitCode) -> tuple[UnitCode, ...]:
        """Return the units from `sender` to `receiver`, both included, over the lowest hub that both share; empty if
        they share none."""
        up, down = self.way_up(sender), self.way_up(receiver)
        for climbed, unit in enumerate(up):
            if unit in down:
                return up[: climbed + 1] + down[: down.index(unit)][::-1]
        return ()

    def permission(self, flow: str, sender: UnitCode, receiver: UnitCode) -> Permission | None:
        """Return the first rule that lets `sender` send `flow` to `receiver`; None if there is none."""
        one, other = self._units.get(sender), self._units.get(receiver)
        if one is None or other is None:
            return None
        senders, receivers = roles_of(one), roles_of(other)
        rules = (*self._rules.get(flow, ()), *self._rules.get(ANY, ()))
        return next((p for p in rules if p.sender in senders and p.receiver in receivers), None)

    def any_permission(self, sender: UnitCode, receiver: UnitCode) -> Permission | None:
        """Return the first rule that lets `sender` send anything at all to `receiver`; None if there is none. What a
        hub can ask of a bundle whose flow it is not told."""
        one, other = self._units.get(sender), self._units.get(receiver)
        if one is None or other is None:
            return None
        senders, receivers = roles_of(one), roles_of(other)
        return next((p for p in self.content.permissions if p.sender in senders and p.receiver in receivers), None)

    def resolve(self, scheme: str | None, code: str, at: float) -> Resolved | None:
        """Return the unit that `code` names at `at`, as `finding.resolve` says; None if nobody has that code."""
        return resolve(self._units, scheme, code, at)

    def near(self, text: str, most: int = NEAR_MAX) -> tuple[Candidate, ...]:
        """Return the units that somebody who wrote `text` may have meant, the closest first."""
        return near(self.content.units, text, most)

    def class_of(self, flow: str) -> int:
        """Return the class under which bundles of `flow` travel; 0 if hubs are told nothing."""
        found = self._of_flow.get(flow)
        return 0 if found is None else found.number

    def in_class(self, number: int) -> FlowClass | None:
        """Return what a class stands for; None for 0 and for what this roster does not know."""
        return self._classes.get(number)

    def priority_of(self, number: int) -> Priority:
        """Return the lane of a class; NORMAL for what is not known."""
        found = self._classes.get(number)
        return Priority.NORMAL if found is None else found.priority


def acts_as(unit: RosterUnit, role: str) -> bool:
    """Whether `unit` may act as `role`: a court above others is their `court-upper` too."""
    return role in roles_of(unit)


def roles_of(unit: RosterUnit) -> frozenset[str]:
    """Return what `unit` may act as: its role, and what a court or procuratorate above others, or a hub, is besides."""
    also = {unit.role + UPPER} if unit.role in _RANKED and unit.level is not Level.COUNTY else set()
    return frozenset({unit.role, ANY, *also, *((PLATFORM,) if unit.role == HUB else ())})
