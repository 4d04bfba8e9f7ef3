"""How rosters and their differences are told, to people and to machines."""

from collections.abc import Mapping

from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text
from gateway.roster.comparing import Difference
from gateway.roster.content import Permission, RosterUnit
from gateway.roster.roster import Roster
from gateway.words.templates import mark

LISTED_MAX = 50
"""Units and rules that are told one by one."""


def say_difference(terminal: Terminal, found: Difference) -> None:
    """Print what changed."""
    terminal.say(mark("Version {old} to {new}:"), old=found.version[0], new=found.version[1])
    if found.is_empty:
        terminal.say(mark("Nothing else changed."))
    said: list[tuple[str, Mapping[str, object]]] = [
        *((mark("+ {unit} {name}, {role}"), {"unit": u.unit, "name": u.name, "role": u.role}) for u in found.added),
        *((mark("- {unit} {name}, {role}"), {"unit": u.unit, "name": u.name, "role": u.role}) for u in found.removed),
        *(
            (mark("~ {unit} {name}: {fields}"), {"unit": one.unit, "name": one.name, "fields": ", ".join(one.fields)})
            for one in found.changed
        ),
        *((mark("+ rule {rule}"), {"rule": rule_text(one)}) for one in found.allowed),
        *((mark("- rule {rule}"), {"rule": rule_text(one)}) for one in found.withdrawn),
        *((mark("+ class {number} {flow}"), {"number": one.number, "flow": one.flow}) for one in found.classes),
    ]
    for original, facts in said[:LISTED_MAX]:
        terminal.say(original, **{name: cell(value) for name, value in facts.items()})
    if len(said) > LISTED_MAX:
        terminal.say(mark("and {count} more"), count=len(said) - LISTED_MAX)


def difference_json(found: Difference) -> dict[str, object]:
    """Return what changed, for machines."""
    return {
        "from_version": found.version[0],
        "to_version": found.version[1],
        "added": [unit.unit for unit in found.added],
        "removed": [unit.unit for unit in found.removed],
        "changed": [{"unit": one.unit, "fields": list(one.fields)} for one in found.changed],
        "allowed": [rule_text(one) for one in found.allowed],
        "withdrawn": [rule_text(one) for one in found.withdrawn],
        "classes": [one.number for one in found.classes],
    }


def rule_text(rule: Permission) -> str:
    """Return a rule on one line."""
    return f"{rule.flow}: {rule.sender} > {rule.receiver}"


def unit_json(unit: RosterUnit) -> dict[str, object]:
    """Return one unit, for machines."""
    return {
        "unit": unit.unit,
        "name": unit.name,
        "role": unit.role,
        "level": unit.level.value,
        "region": unit.region,
        "parent": unit.parent,
        "hubs": list(unit.hubs),
        "codes": [
            {"scheme": one.scheme, "code": one.code, "since": one.since, "until": one.until} for one in unit.names
        ],
        "keys": [
            {
                "suite": int(key.public.suite),
                "sign_key_id": key.public.sign_key_id.hex(),
                "not_before": key.not_before,
                "not_after": key.not_after,
                "revoked_at": key.revoked_at,
                "compromised": key.compromised,
            }
            for key in unit.keys
        ],
        "closed_at": unit.closed_at,
        "successor": unit.successor,
    }


def show_units(terminal: Terminal, roster: Roster, units: tuple[RosterUnit, ...]) -> None:
    """Print a table of units."""
    words = terminal.words
    columns = (
        mark("Unit"),
        mark("Name"),
        mark("Role"),
        mark("Region"),
        mark("Hubs"),
        mark("Keys until"),
        mark("State"),
    )
    table = terminal.table(*(words.text(one) for one in columns), folded=(1, 4))
    for unit in units:
        good = [key.not_after for key in unit.keys if key.revoked_at is None]
        if unit.closed_at is not None:
            state = words.text(mark("closed"))
        else:
            state = "" if good else words.text(mark("revoked"))
        way = " > ".join(roster.way_up(unit.unit)[1:])
        cells = (unit.unit, unit.name, unit.role, unit.region, way, clock_text(max(good)) if good else "", state)
        table.add_row(*map(cell, cells))
    terminal.show(table)
