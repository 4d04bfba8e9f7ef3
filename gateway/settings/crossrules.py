"""What is wrong between the rules of one outbound route: nobody found, never asked, said twice, unknown words."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from gateway.settings.complaints import Complaint, misspelling
from gateway.settings.kinds import ANY, ROSTER
from gateway.settings.marks import Trail
from gateway.settings.routes import OutboundRoute, Rule, Target

if TYPE_CHECKING:
    from gateway.settings.crosscheck import Placed


def check_rules(
    route: "Placed[OutboundRoute]", flows: Collection[str] | None, roles: Collection[str] | None
) -> Iterator[Complaint]:
    """Yield what is wrong with the receivers, rules and copies of one route.

    flows, roles: the names that exist, where the caller knows them.
    """
    value, document = route.value, route.document
    if not value.receivers and not value.rules:
        yield document.at_value(route.at("receivers"), "route-aimless")
    for code, unit in value.receivers.items():
        if unit == ROSTER and code != ANY:
            yield document.at_value(route.at("receivers", code), "roster-misplaced")
    for part, targets in (("rules", value.rules), ("cc", value.cc)):
        for position, target in enumerate(targets):
            yield from _target(route, (part, position), target, flows, roles)
    yield from _idle(route)
    yield from _copied_twice(route)


def named_units(route: "Placed[OutboundRoute]") -> Iterator[tuple[Trail, str]]:
    """Yield where a route names which unit."""
    value = route.value
    yield from ((route.at("receivers", code), unit) for code, unit in value.receivers.items() if unit != ROSTER)
    for part, targets in (("rules", value.rules), ("cc", value.cc)):
        yield from (
            (route.at(part, position, "unit"), one.unit) for position, one in enumerate(targets) if one.unit is not None
        )


def _target(
    route: "Placed[OutboundRoute]",
    steps: tuple[str, int],
    target: Target,
    flows: Collection[str] | None,
    roles: Collection[str] | None,
) -> Iterator[Complaint]:
    document = route.document
    if target.unit is None and target.role is None:
        yield document.at_value(route.at(*steps), "rule-empty")
    if target.unit is not None and target.role is not None:
        yield document.at_key(route.at(*steps, "role"), "rule-double", key="role")
    elif target.unit is not None and target.region is not None:
        yield document.at_key(route.at(*steps, "region"), "region-idle")
    if target.role is not None and roles is not None and target.role not in roles:
        code, facts = misspelling("role-unknown", target.role, sorted(roles))
        yield document.at_value(route.at(*steps, "role"), code, **facts)
    leaving = set(route.value.flows)
    for position, flow in enumerate(target.flows):
        trail = route.at(*steps, "flows", position)
        if flow != ANY and flows is not None and flow not in flows:
            code, facts = misspelling("flow-unknown", flow, sorted(flows))
            yield document.at_value(trail, code, **facts)
        elif flow != ANY and ANY not in leaving and flow not in leaving:
            yield document.at_value(trail, "rule-flow-idle", flow=flow)


def _idle(route: "Placed[OutboundRoute]") -> Iterator[Complaint]:
    """Complain of rules behind one that finds its unit always, for all of their flows and wherever they are asked."""
    certain: list[tuple[int, Rule]] = []
    for position, rule in enumerate(route.value.rules):
        other = next((at for at, before in certain if _covers(before, rule)), None)
        if other is not None:
            place = route.place("rules", other)
            yield route.document.at_value(route.at("rules", position), "rule-idle", other=place)
        elif rule.unit is not None:
            certain.append((position, rule))


def _covers(before: Rule, rule: Rule) -> bool:
    """Whether wherever `rule` is asked `before` was asked first. One that wins over the export is asked before those
    that do not, and also where they are not."""
    if rule.wins_over_export and not before.wins_over_export:
        return False
    return ANY in before.flows or (ANY not in rule.flows and set(rule.flows) <= set(before.flows))


def _copied_twice(route: "Placed[OutboundRoute]") -> Iterator[Complaint]:
    seen: dict[tuple[str, str], int] = {}
    for position, one in enumerate(route.value.cc):
        if one.unit is None:
            continue
        for flow in one.flows:
            first = seen.setdefault((one.unit, flow), position)
            if first != position:
                trail = route.at("cc", position, "unit")
                yield route.document.at_value(trail, "cc-twice", unit=one.unit, other=route.place("cc", first))
                break
