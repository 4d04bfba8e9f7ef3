"""Changes to a draft of a roster, each from one content to the next; none of them signs or checks the whole."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.bundle.card import Card
from gateway.domain.errors import PermanentError, Scope
from gateway.domain.ids import UnitCode
from gateway.roster.content import (
    FlowClass,
    Level,
    Permission,
    RosterContent,
    RosterUnit,
    UnitKey,
    UnitName,
)
from gateway.standard.matrix import load_matrix


def default_permissions() -> tuple[Permission, ...]:
    """Return the matrix of the exchange standard."""
    return tuple(
        Permission(one.flow, sender, receiver)
        for one in load_matrix().flows
        for sender in one.senders
        for receiver in one.receivers
    )


def default_classes() -> tuple[FlowClass, ...]:
    """Return a class for each flow of the exchange standard, which tells hubs the flow, so that they can enforce it."""
    return tuple(FlowClass(one.number, one.flow, one.lane) for one in load_matrix().flows)


def unit_of_card(
    card: Card,
    *,
    role: str,
    level: Level,
    region: str,
    parent: UnitCode | None,
    hubs: Sequence[UnitCode],
    names: Iterable[UnitName] = (),
    since: int,
) -> RosterUnit:
    """Return the entry of a new unit with what its card says. since: seconds since 1970 UTC."""
    return RosterUnit(
        unit=card.unit,
        name=card.name,
        role=role,
        level=level,
        region=region,
        parent=parent,
        hubs=tuple(hubs),
        names=tuple(names),
        keys=tuple(UnitKey(key.public, key.not_before, key.not_after) for key in card.keys),
        suites=card.suites,
        ssh_host_key=card.ssh_host_key,
        ssh_user_keys=(card.ssh_user_key,),
        since=since,
    )


def renewed(unit: RosterUnit, card: Card) -> RosterUnit:
    """Return `unit` with the keys of its newer card beside those it had; a key that both list ends as the card says.

    The SSH keys on the card are preferred; those before them count as well, until `without_old_ssh`. Where a thief has
    all keys of the unit, those on the card count alone: with the old ones the thief would be let in again.
    """
    fresh = {key.public: UnitKey(key.public, key.not_before, key.not_after) for key in card.keys}
    kept = [
        replace(key, not_after=min(key.not_after, fresh[key.public].not_after)) if key.public in fresh else key
        for key in unit.keys
    ]
    had = {key.public for key in unit.keys}
    hosts = tuple(dict.fromkeys(k for k in (unit.ssh_host_key, *unit.ssh_host_keys_also) if k != card.ssh_host_key))
    made = replace(
        unit,
        name=card.name,
        keys=(*kept, *(key for public, key in fresh.items() if public not in had)),
        suites=card.suites,
        ssh_host_key=card.ssh_host_key,
        ssh_host_keys_also=hosts,
        ssh_user_keys=tuple(dict.fromkeys((card.ssh_user_key, *unit.ssh_user_keys))),
    )
    was_shut_out = all(key.revoked_at is not None for key in unit.keys) and any(key.compromised for key in unit.keys)
    return without_old_ssh(made) if was_shut_out else made


def without_old_ssh(unit: RosterUnit) -> RosterUnit:
    """Return `unit` with its newest SSH keys alone."""
    return replace(unit, ssh_host_keys_also=(), ssh_user_keys=unit.ssh_user_keys[:1])


def put(content: RosterContent, unit: RosterUnit) -> RosterContent:
    """Return `content` with `unit` in the place of the entry of its code, if there was one."""
    others = [one for one in content.units if one.unit != unit.unit]
    return replace(content, units=tuple(sorted([*others, unit], key=lambda one: one.unit)))


def get(content: RosterContent, unit: str) -> RosterUnit:
    """Return the entry of `unit`; PermanentError `roster-unit-unknown`."""
    for one in content.units:
        if one.unit == unit:
            return one
    raise PermanentError("roster-unit-unknown", f"no {unit}", scope=Scope.NODE, facts={"unit": unit})


def revoke(
    content: RosterContent, unit: str, at: int, key_id: bytes | None = None, *, compromised: bool
) -> RosterContent:
    """Return `content` with the keys of `unit`, or the one whose id is `key_id`, revoked at `at` (seconds, UTC).

    What was made before that still counts, unless `compromised`: whoever stole a key can date anything back.
    Raises PermanentError `roster-unit-unknown`, `roster-key-unknown`.
    """
    entry = get(content, unit)
    ids = {key.public.sign_key_id for key in entry.keys} | {key.public.encrypt_key_id for key in entry.keys}
    if key_id is not None and key_id not in ids:
        raise PermanentError("roster-key-unknown", f"{unit} has no such key", scope=Scope.NODE, facts={"unit": unit})

    def ended(key: UnitKey) -> UnitKey:
        if key_id not in (None, key.public.sign_key_id, key.public.encrypt_key_id):
            return key
        return replace(
            key,
            revoked_at=at if key.revoked_at is None else min(at, key.revoked_at),
            compromised=key.compromised or compromised,
        )

    return put(content, replace(entry, keys=tuple(map(ended, entry.keys))))


def close(content: RosterContent, unit: str, at: int, successor: UnitCode | None) -> RosterContent:
    """Return `content` with `unit` closed at `at`; its codes end then, and lead to `successor`, if there is one."""
    entry = get(content, unit)
    if successor is not None:
        get(content, successor)
    names = tuple(replace(name, until=at) if name.until is None else name for name in entry.names)
    return put(content, replace(entry, closed_at=at, successor=successor, names=names))


def classify(content: RosterContent, one: FlowClass) -> RosterContent:
    """Return `content` in which the flow of `one` has that class, and no other."""
    others = (each for each in content.classes if each.flow != one.flow)
    return replace(content, classes=tuple(sorted((*others, one), key=lambda each: each.number)))


def allow(content: RosterContent, rule: Permission, *, withdraw: bool = False) -> RosterContent:
    """Return `content` with `rule` among its permissions, or without it."""
    others = tuple(one for one in content.permissions if one != rule)
    return replace(content, permissions=others if withdraw else (*others, rule))
