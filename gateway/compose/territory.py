"""What routing asks of a node's settings and trust: its outbound routes, and how each unit around it is reached."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.bundle.suites import Suite
from gateway.domain.errors import GatewayError
from gateway.domain.ids import LinkName, RouteName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.roster.content import RosterUnit
from gateway.roster.directory import Directory
from gateway.roster.roster import Roster, acts_as
from gateway.settings.load import Settings
from gateway.settings.routes import OutboundRoute as RouteSettings
from gateway.settings.routes import Target as TargetSettings
from gateway.stages.onward import Onward
from gateway.stages.routes import ANY, OutboundRoute, Recipient, Target
from gateway.stages.routing import NO_WAY, Territory
from gateway.standard.catalogue import Standard
from gateway.standard.dates import day_at
from gateway.standard.matrix import load_matrix, matrix_of


def links_of(settings: Settings) -> Mapping[UnitCode, LinkName]:
    """Return the links in use by which things can leave, by the unit at the other end."""
    return {link.peer: LinkName(link.name) for link in settings.links if link.enabled and link.sends}


def survey_territory(
    settings: Settings,
    directory: Directory,
    suites: Sequence[Suite],
    now: float,
    ops: OpsLog | None = None,
    *,
    standard: Standard | None = None,
) -> Territory:
    """Return what routing knows at `now` (seconds since 1970 UTC): which units can be sent to, and by which link.

    suites: those that we seal with. ops: told of units that a route names and that lack a key or a link.
    standard: the node's own, whose flows have lanes; None: the packaged one.
    """
    unit, links = settings.node.unit, links_of(settings)
    onward = Onward(unit, links, directory)
    roster = directory.roster
    named = {UnitCode(one) for route in settings.outbound for one in route.named}
    everybody = {*links, *named, *(() if roster is None else roster.units)} - {unit}
    recipients: dict[UnitCode, Recipient] = {}
    for one in sorted(everybody):
        link = onward.next_link(one)
        is_neighbour = link is not None and link == links.get(one)
        if link is None and (disabled := settings.link_to(one)) is not None and disabled.sends:
            # What goes by a link that is switched off for now is sealed and waits there.
            link, is_neighbour = LinkName(disabled.name), True
        if link is None:
            if one in named and ops is not None:
                ops.error("recipient-without-link", unit=one, code=NO_WAY)
            continue
        keys, lacking = None, ""
        try:
            keys = directory.recipient_keys(one, now, suites)
        except GatewayError as error:
            lacking = error.code
            if ops is not None and (one in named or one in links):
                ops.error("recipient-without-keys", unit=one, code=error.code)
        recipients[one] = Recipient(one, link, keys, lacking, is_neighbour)
    matrix = load_matrix() if standard is None else matrix_of(standard.on(day_at(now)))
    lanes = {one.flow: one.lane for one in matrix.flows}
    return Territory(unit, recipients, None if roster is None else _lean(roster), lanes)


def unreachable(settings: Settings, directory: Directory, units: Iterable[str]) -> tuple[str, ...]:
    """Return those of `units` to which no link in use leads, straight or by hubs, ascending."""
    onward = Onward(settings.node.unit, links_of(settings), directory)
    return tuple(sorted(unit for unit in units if onward.next_link(UnitCode(unit)) is None))


def forbidden(settings: Settings, directory: Directory) -> Iterator[tuple[str, str, str]]:
    """Yield (route, setting below it, flow) where a rule or a copy names a flow that the roster's matrix never lets go
    from here to the unit or the role that it finds: every export of that flow would be refused."""
    roster = directory.roster
    own = None if roster is None else roster.units.get(settings.node.unit)
    if roster is None or own is None:
        return
    for route in settings.outbound:
        for part, targets in (("rules", route.rules), ("cc", route.cc)):
            for position, target in enumerate(targets):
                for flow in target.flows:
                    if flow != ANY and not _may(roster, own, target, flow):
                        yield route.name, f"{part}[{position}]", flow


def _may(roster: Roster, own: RosterUnit, target: TargetSettings, flow: str) -> bool:
    if target.unit is not None:
        return target.unit not in roster.units or roster.permission(flow, own.unit, target.unit) is not None
    return any(
        rule.flow in (ANY, flow) and acts_as(own, rule.sender) and rule.receiver in (ANY, target.role)
        for rule in roster.content.permissions
    )


def way_to(settings: Settings, territory: Territory, recipient: Recipient) -> tuple[UnitCode, ...]:
    """Return the units from here to `recipient`, both included; empty if no link leads there.

    What the hubs make of it is their own affair: this is the way by the roster as we have it.
    """
    peer = next((link.peer for link in settings.links if link.name == recipient.link), None)
    if peer is None:
        return ()
    if peer == recipient.unit or territory.roster is None:
        return (territory.unit, recipient.unit)
    whole = territory.roster.way(territory.unit, recipient.unit)
    if peer in whole:
        return whole
    beyond = territory.roster.way(peer, recipient.unit)
    return (territory.unit, *beyond) if beyond and territory.unit not in beyond else ()


def outbound_route(route: RouteSettings) -> OutboundRoute:
    """Return a route as the stages know it."""
    return OutboundRoute(
        RouteName(route.name),
        route.folder,
        route.packer,
        dict(route.receivers),
        frozenset(route.flows),
        int(route.expires),
        route.order,
        route.scheme,
        tuple(replace(_target(rule), wins_over_export=rule.wins_over_export) for rule in route.rules),
        tuple(_target(one) for one in route.cc),
        dict(route.profile),
        route.drift,
    )


def _target(target: TargetSettings) -> Target:
    return Target(frozenset(target.flows), target.unit, target.role or "", target.region or "")


def _lean(roster: Roster) -> Roster:
    """Return the roster without keys, which are the bulk of it: it travels to worker processes with every batch."""
    units = tuple(replace(unit, keys=(), ssh_host_key="", ssh_user_keys=(), suites=()) for unit in roster.content.units)
    return Roster(replace(roster.content, units=units))
