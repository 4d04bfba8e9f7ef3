"""What must hold between the units, rules and classes of a roster before anybody signs it or believes it."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from types import MappingProxyType

from gateway.bundle.card import ssh_public
from gateway.bundle.keys import PublicKeys
from gateway.domain.errors import PermanentError, Scope, SecurityError
from gateway.domain.ids import UnitCode
from gateway.roster.content import ANY, HUB, Level, RosterContent, RosterUnit, UnitName
from gateway.roster.roster import HOPS_MAX
from gateway.standard.matrix import load_matrix

COMPLAINTS_MAX = 20
"""Complaints that are told at once."""

_REGION = re.compile(r"[0-9]{6}")
_REGION_ENDS = MappingProxyType({Level.PROVINCE: "0000", Level.CITY: "00", Level.COUNTY: ""})


def check(content: RosterContent, before: RosterContent | None = None) -> None:
    """Raise PermanentError `roster-unsound`, which names what is wrong, or SecurityError `key-refused`.

    before: a roster whose keys were found sound; keys that it lists, too, are not looked at again.
    """
    found = [complaint for _, complaint in zip(range(COMPLAINTS_MAX), complaints(content), strict=False)]
    if found:
        raise PermanentError(
            "roster-unsound",
            "; ".join(found),
            scope=Scope.NODE,
            facts={"why": "; ".join(found[:3]), "count": len(found)},
        )
    check_keys(content, before)


def complaints(content: RosterContent) -> Iterator[str]:
    """Yield one English sentence for each thing that is wrong, keys' points aside."""
    units = {unit.unit: unit for unit in content.units}
    codes = [unit.unit for unit in content.units]
    if codes != sorted(set(codes)):
        yield "a unit is listed twice, or units are out of order"
    yield from _keys_twice(content.units)
    yield from _names_twice(content.units)
    for unit in content.units:
        for complaint in (*_of_unit(unit), *_of_kin(unit, units)):
            yield f"{unit.unit}: {complaint}"
    yield from _of_rules(content)


def check_keys(content: RosterContent, before: RosterContent | None) -> None:
    """Raise SecurityError `key-refused` for a key that is no point on its curve, or of small order."""
    sound = {key.public for unit in before.units for key in unit.keys} if before is not None else set()
    sound_ssh = set(_ssh(before.units)) if before is not None else set()
    for unit in content.units:
        for key in unit.keys:
            if key.public not in sound:
                PublicKeys(key.public.suite, key.public.sign_public, key.public.encrypt_public)
    for text in set(_ssh(content.units)) - sound_ssh:
        try:
            ssh_public(text)
        except ValueError as error:
            raise SecurityError("key-refused", str(error), scope=Scope.NODE) from error


def _ssh(units: Iterable[RosterUnit]) -> Iterator[str]:
    for unit in units:
        yield from (unit.ssh_host_key, *unit.ssh_host_keys_also, *unit.ssh_user_keys)


def _keys_twice(units: Collection[RosterUnit]) -> Iterator[str]:
    listed: Counter[bytes | str] = Counter()
    for unit in units:
        listed.update(key.public.sign_public for key in unit.keys)
        listed.update(key.public.encrypt_public for key in unit.keys)
        listed.update(_ssh((unit,)))
    if twice := [key for key, count in listed.items() if count > 1]:
        yield f"{len(twice)} keys are listed twice"


def _names_twice(units: Collection[RosterUnit]) -> Iterator[str]:
    taken: dict[tuple[str, str], list[tuple[UnitName, UnitCode]]] = {}
    for unit in units:
        for name in unit.names:
            others = taken.setdefault((name.scheme, name.code), [])
            if any(_overlap(name, other) for other, _ in others):
                yield f"{unit.unit}: the code {name.code} of {name.scheme} has another meaning at the same time"
            others.append((name, unit.unit))


def _overlap(one: UnitName, other: UnitName) -> bool:
    return (one.until is None or other.since < one.until) and (other.until is None or one.since < other.until)


def _of_unit(unit: RosterUnit) -> Iterator[str]:
    if unit.role != HUB and unit.role not in load_matrix().roles:
        yield f"nobody knows the role {unit.role}"
    if not _REGION.fullmatch(unit.region) or not unit.region.endswith(_REGION_ENDS[unit.level]):
        yield f"the region {unit.region!r} is not one of a {unit.level}"
    if not unit.suites or list(unit.suites) != sorted(set(unit.suites)):
        yield "accepted suites are missing or out of order"
    if not set(unit.suites) <= {key.public.suite for key in unit.keys}:
        yield "an accepted suite has no key"
    if any(not key.not_before < key.not_after for key in unit.keys):
        yield "a key ends before it begins"
    if any(key.compromised and key.revoked_at is None for key in unit.keys):
        yield "a compromised key is not revoked"
    if any(name.until is not None and name.until <= name.since for name in unit.names):
        yield "a code ends before it begins"
    if not unit.ssh_user_keys and unit.closed_at is None:
        yield "there is no SSH key by which it logs in"


def _of_kin(unit: RosterUnit, units: dict[UnitCode, RosterUnit]) -> Iterator[str]:
    if unit.parent is not None and unit.parent not in units:
        yield f"its parent {unit.parent} is not listed"
    if len(set(unit.hubs)) != len(unit.hubs):
        yield "a hub is listed twice"
    for hub in unit.hubs:
        if hub not in units or units[hub].role != HUB:
            yield f"{hub} is no hub"
        elif units[hub].closed_at is not None and unit.closed_at is None:
            yield f"its hub {hub} is closed"
    if _climbs_for_ever(unit, units):
        yield "its hubs lead back to itself, or over too many"
    if _is_own_ancestor(unit, units):
        yield "it is its own ancestor"
    if unit.successor is not None:
        if unit.closed_at is None:
            yield "it has a successor, and is not closed"
        if unit.successor not in units:
            yield f"its successor {unit.successor} is not listed"
        elif _last_successor(unit, units) is None:
            yield "its successors lead back to itself"


def _climbs_for_ever(unit: RosterUnit, units: dict[UnitCode, RosterUnit]) -> bool:
    """Whether any way up over hubs, not the preferred one alone, comes back or is longer than HOPS_MAX."""
    level = {hub for hub in unit.hubs if hub in units}
    for _ in range(HOPS_MAX):
        if not level:
            return False
        if unit.unit in level:
            return True
        level = {above for hub in level for above in units[hub].hubs if above in units}
    return bool(level)


def _is_own_ancestor(unit: RosterUnit, units: dict[UnitCode, RosterUnit]) -> bool:
    seen, above = {unit.unit}, unit.parent
    while above is not None and above in units:
        if above in seen:
            return True
        seen.add(above)
        above = units[above].parent
    return False


def _last_successor(unit: RosterUnit, units: dict[UnitCode, RosterUnit]) -> UnitCode | None:
    seen, at = {unit.unit}, unit
    while at.successor is not None and at.successor in units:
        if at.successor in seen:
            return None
        seen.add(at.successor)
        at = units[at.successor]
    return at.unit


def _of_rules(content: RosterContent) -> Iterator[str]:
    known = {*load_matrix().roles, ANY}
    for rule in content.permissions:
        if not {rule.sender, rule.receiver} <= known:
            yield f"the rule for {rule.flow} names a role that nobody knows: {rule.sender}, {rule.receiver}"
    if len(set(content.permissions)) != len(content.permissions):
        yield "a rule is listed twice"
    numbers = [one.number for one in content.classes]
    if numbers != sorted(set(numbers)):
        yield "a class is listed twice, or classes are out of order"
    flows = Counter(one.flow for one in content.classes if one.flow)
    if any(count > 1 for count in flows.values()):
        yield "a flow has two classes"
