"""What changed between two rosters, unit by unit and rule by rule, for people who are about to sign or to accept."""

from dataclasses import dataclass, fields

from gateway.domain.ids import UnitCode
from gateway.roster.content import FlowClass, Permission, RosterContent, RosterUnit


@dataclass(frozen=True, slots=True)
class Changed:
    """One unit that both list, and the names of the fields that differ."""

    unit: UnitCode
    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it. `version`: before and after."""

    version: tuple[int, int]
    added: tuple[RosterUnit, ...]
    removed: tuple[RosterUnit, ...]
    changed: tuple[Changed, ...]
    allowed: tuple[Permission, ...]
    withdrawn: tuple[Permission, ...]
    classes: tuple[FlowClass, ...]
    """Classes that are new, or now mean something else."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the version differs."""
        parts = (self.added, self.removed, self.changed, self.allowed, self.withdrawn, self.classes)
        return not any(parts)


def compare(before: RosterContent, after: RosterContent) -> Difference:
    """Return what `after` says otherwise than `before`."""
    old = {unit.unit: unit for unit in before.units}
    new = {unit.unit: unit for unit in after.units}
    had, has = set(before.permissions), set(after.permissions)
    return Difference(
        (before.version, after.version),
        tuple(unit for unit in after.units if unit.unit not in old),
        tuple(unit for unit in before.units if unit.unit not in new),
        tuple(
            Changed(unit.unit, unit.name, _differing(old[unit.unit], unit))
            for unit in after.units
            if unit.unit in old and old[unit.unit] != unit
        ),
        tuple(rule for rule in after.permissions if rule not in had),
        tuple(rule for rule in before.permissions if rule not in has),
        tuple(one for one in after.classes if one not in set(before.classes)),
    )


def _differing(one: RosterUnit, other: RosterUnit) -> tuple[str, ...]:
    return tuple(field.name for field in fields(RosterUnit) if getattr(one, field.name) != getattr(other, field.name))
