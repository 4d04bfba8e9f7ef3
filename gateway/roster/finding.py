"""Finds units by any code that they ever had, follows mergers to who answers today, and knows what looks alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.domain.ids import UnitCode
from gateway.roster.content import RosterUnit

NEAR_MAX = 5
"""Candidates that are shown to a person; more is no help."""
_FAR = 3
"""Edits from which two codes are no longer alike; a code has 6 to 18 characters."""
_SUCCESSIONS_MAX = 32


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a code stood for. `unit`: who answers now; `via`: the closed units on the way to it, the oldest first."""

    unit: RosterUnit
    via: tuple[UnitCode, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that somebody may have meant. `code`: the code that looks alike; `distance`: edits, 0 for a name."""

    unit: UnitCode
    name: str
    code: str
    distance: int


def resolve(units: Mapping[UnitCode, RosterUnit], scheme: str | None, code: str, at: float) -> Resolved | None:
    """Return the unit that `code` names at `at` (seconds since 1970 UTC), its successors followed; None if none.

    scheme: in which code scheme; None: the unit's own code, else any scheme if only one unit has the code in one.
    A code that was in use before `at` and has not been given to another since still names its unit.
    """
    named = _named(units, scheme, code, at)
    if named is None:
        return None
    via: list[UnitCode] = []
    while named.closed_at is not None and named.closed_at <= at and named.successor in units:
        via.append(named.unit)
        if len(via) > _SUCCESSIONS_MAX or named.successor is None:
            return None
        named = units[named.successor]
    return Resolved(named, tuple(via))


def _named(units: Mapping[UnitCode, RosterUnit], scheme: str | None, code: str, at: float) -> RosterUnit | None:
    if scheme is None and (own := units.get(UnitCode(code))) is not None:
        return own
    found = [
        (name.since, unit)
        for unit in units.values()
        for name in unit.names
        if name.code == code and scheme in (None, name.scheme) and name.since <= at
    ]
    if scheme is None and len({unit.unit for _, unit in found}) > 1:
        return None  # another unit has the same digits in another scheme: a person must say which
    return max(found, key=lambda one: one[0])[1] if found else None


def near(units: Iterable[RosterUnit], text: str, most: int = NEAR_MAX) -> tuple[Candidate, ...]:
    """Return units whose code, in any scheme, or whose name is close to `text`, the closest first."""
    wanted = text.strip()
    found: list[Candidate] = []
    for unit in units:
        if len(wanted) >= 2 and (wanted in unit.name or unit.name in wanted):
            found.append(Candidate(unit.unit, unit.name, unit.unit, 0))
            continue
        codes = (unit.unit, *(name.code for name in unit.names))
        distance, code = min((_distance(wanted.upper(), code.upper(), _FAR), code) for code in codes)
        if distance < _FAR:
            found.append(Candidate(unit.unit, unit.name, code, distance))
    found.sort(key=lambda one: (one.distance, one.unit))
    return tuple(found[:most])


def _distance(one: str, other: str, far: int) -> int:
    """Return the edits (insert, delete, replace, swap two neighbours) from `one` to `other`, or `far` if not fewer."""
    if abs(len(one) - len(other)) >= far:
        return far
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        fresh = [i]
        for j, right in enumerate(other, 1):
            best = min(row[j] + 1, fresh[j - 1] + 1, row[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                best = min(best, before[j - 2] + 1)
            fresh.append(best)
        if min(fresh) >= far:
            return far
        before, row = row, fresh
    return min(row[-1], far)
