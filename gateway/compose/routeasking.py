"""Answers `caseferry route explain`: by which rule, way and permission a flow would go, seen from this node."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.bundle.suites import Suite
from gateway.compose.territory import links_of, outbound_route, survey_territory, way_to
from gateway.domain.errors import ConfigError, GatewayError, Scope
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.records import Priority
from gateway.roster.content import Permission
from gateway.roster.directory import Directory
from gateway.roster.peers import PREFERENCE
from gateway.settings.load import Settings
from gateway.settings.routes import OutboundRoute as RouteSettings
from gateway.stages.admission import Admissions
from gateway.stages.onward import Onward
from gateway.stages.routing import NO_WAY, Choice, Decision, Territory, decide
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Verdict, worst

NOBODY = "-"
"""In the place of the receiver: the export names none."""


class View(StrEnum):
    """What this node is to the exchange that is asked about."""

    ORIGIN = "origin"
    HUB = "hub"
    RECIPIENT = "recipient"


class Outcome(StrEnum):
    """What would become of it."""

    GOES = "goes"
    WAITS = "waits"  # for a key, or for a link
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. sender, receiver: codes in any scheme of the roster; `receiver` as an export writes it, `-` if it
    names none. route: the outbound route that is asked; empty: the first by which it would go."""

    flow: str
    sender: str
    receiver: str
    route: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """One unit at the end of the way. `way`: the units from here, or from its sender, to it; `link`: of ours, the next.

    how, place: what chose it and where that stands; empty where nothing of ours chose.
    permission: the line of the matrix, None where the roster does not name both.
    """

    unit: UnitCode
    name: str
    role: str
    how: str
    place: str
    permission: Permission | None
    way: tuple[UnitCode, ...]
    link: LinkName | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer. `route`: ours that sends or takes it; `code`: of the error that keeps it, empty for none."""

    view: View
    outcome: Outcome
    flow: str
    sender: UnitCode
    receiver: str
    route: str | None
    reached: tuple[Reached, ...]
    routing_class: int
    priority: Priority
    findings: tuple[Finding, ...] = ()
    code: str = ""
    facts: tuple[tuple[str, str | int], ...] = ()
    """Values for the explanation of `code`."""


def explain_route(
    settings: Settings, directory: Directory, now: float, question: Question, standard: Standard | None = None
) -> Answer:
    """Return what would become of it at `now` (seconds since 1970 UTC) by `standard`, None: the packaged one.

    Raises ConfigError `route-unknown`.
    """
    own, flow = settings.node.unit, question.flow
    by = own if question.sender == own else _present(directory, question.sender, now)
    if by == own:
        return _from_here(settings, directory, now, question, standard)
    to = own if question.receiver == own else _present(directory, question.receiver, now)
    if to == own:
        return _to_here(settings, directory, now, _Pair(flow, by, own))
    return _over_here(settings, directory, _Pair(flow, by, to))


@dataclass(frozen=True, slots=True)
class _Pair:
    flow: str
    sender: UnitCode
    receiver: UnitCode


def _present(directory: Directory, code: str, at: float) -> UnitCode:
    """Return the unit that bears `code` at `at`; a code that nobody has stands for itself."""
    found = None if directory.roster is None else directory.roster.resolve(None, code, at)
    return UnitCode(code) if found is None else found.unit.unit


# -- as its origin ----------------------------------------------------------------------------------------------------


def _from_here(
    settings: Settings, directory: Directory, now: float, question: Question, standard: Standard | None
) -> Answer:
    flow, code = question.flow, "" if question.receiver == NOBODY else question.receiver
    territory = survey_territory(settings, directory, PREFERENCE, now, standard=standard)
    asked = _asked(settings, question.route)
    decisions = [(one, decide(outbound_route(one), territory, flow, code, now)) for one in asked]
    if not decisions:
        facts = (("route", "-"), ("known", "-"))
        lane = territory.priorities.get(flow, Priority.NORMAL)
        refused = Outcome.REFUSED
        return Answer(
            View.ORIGIN, refused, flow, territory.unit, code or NOBODY, None, (), 0, lane, (), "route-unknown", facts
        )
    route, found = next((one for one in decisions if worst(one[1].findings) is not Verdict.REJECT), decisions[0])
    outcome, lacking = _outcome(found)
    return Answer(
        View.ORIGIN,
        outcome,
        flow,
        territory.unit,
        code or NOBODY,
        route.name,
        tuple(_reached(settings, territory, choice) for choice in found.choices),
        found.routing_class,
        found.priority,
        found.findings,
        *lacking,
    )


def _asked(settings: Settings, wanted: str) -> list[RouteSettings]:
    enabled = [one for one in settings.outbound if one.enabled]
    if not wanted:
        return enabled
    chosen = [one for one in enabled if one.name == wanted]
    if not chosen:
        known = ", ".join(one.name for one in enabled) or "-"
        facts = {"route": wanted[:60], "known": known}
        raise ConfigError("route-unknown", f"no outbound route {wanted}", scope=Scope.ROUTE, facts=facts)
    return chosen


def _outcome(found: Decision) -> tuple[Outcome, tuple[str, tuple[tuple[str, str | int], ...]]]:
    """Return what becomes of an export, and what it lacks."""
    if not found.choices or worst(found.findings) is Verdict.REJECT:
        return Outcome.REFUSED, ("", ())
    for one in found.recipients:
        if one.keys is None or one.link is None:
            return Outcome.WAITS, (one.lacking, (("unit", one.unit),))
    return Outcome.GOES, ("", ())


def _reached(settings: Settings, territory: Territory, choice: Choice) -> Reached:
    recipient = choice.recipient
    listed = territory.listed(recipient.unit)
    return Reached(
        recipient.unit,
        "" if listed is None else listed.name,
        "" if listed is None else listed.role,
        choice.how,
        choice.place,
        choice.permission,
        way_to(settings, territory, recipient),
        recipient.link,
    )


# -- as its recipient, and as a hub -----------------------------------------------------------------------------------


def _to_here(settings: Settings, directory: Directory, now: float, pair: _Pair) -> Answer:
    own, flow, sender = pair.receiver, pair.flow, pair.sender
    taken = next((route for route in settings.inbound if route.enabled and route.takes(sender, flow)), None)
    number, priority = _class(directory, flow)
    code, facts = "", (("flow", flow), ("unit", sender))
    try:
        _known(directory, sender, now)
        Admissions(directory.roster, own).of(sender, number).check(flow)
    except GatewayError as error:
        code = error.code
    if not code and taken is None:
        code = "not-permitted"
    return Answer(
        View.RECIPIENT,
        Outcome.REFUSED if code else Outcome.GOES,
        flow,
        sender,
        own,
        None if taken is None else taken.name,
        (_listed(directory, pair, None),),
        number,
        priority,
        (),
        code,
        facts,
    )


def _known(directory: Directory, sender: UnitCode, now: float) -> None:
    """Raise `unknown-sender` or what else its keys lack: whoever cannot be sealed to now cannot sign for long."""
    suites: tuple[Suite, ...] = PREFERENCE
    directory.recipient_keys(sender, now, suites)


def _over_here(settings: Settings, directory: Directory, pair: _Pair) -> Answer:
    flow, sender, receiver = pair.flow, pair.sender, pair.receiver
    own, roster = settings.node.unit, directory.roster
    number, priority = _class(directory, flow)
    onward = Onward(own, links_of(settings), directory)
    way = () if roster is None else roster.way(sender, receiver)
    back = _link_before(settings, way, own)
    link = onward.next_link(receiver, back)
    code = ""
    if roster is None or not settings.relay.enabled:
        code = "relay-switched-off"
    elif not directory.is_hub(own):
        code = "relay-not-hub"
    elif sender not in roster.units or receiver not in roster.units:
        code = "recipient-unknown" if sender in roster.units else "unknown-sender"
    elif roster.permission(flow, sender, receiver) is None:
        code = "not-permitted"
    elif link is None:
        code = NO_WAY
    return Answer(
        View.HUB,
        Outcome.REFUSED if code else Outcome.GOES,
        flow,
        sender,
        receiver,
        None,
        (_listed(directory, pair, link),),
        number,
        priority,
        (),
        code,
        (("unit", own if code.startswith("relay") else receiver), ("flow", flow)),
    )


def _link_before(settings: Settings, way: tuple[UnitCode, ...], own: UnitCode) -> LinkName | None:
    """Return our link to whoever stands before us on the way: nothing goes back by it."""
    if own not in way or way.index(own) == 0:
        return None
    return links_of(settings).get(way[way.index(own) - 1])


def _class(directory: Directory, flow: str) -> tuple[int, Priority]:
    roster = directory.roster
    number = 0 if roster is None else roster.class_of(flow)
    return number, Priority.NORMAL if roster is None else roster.priority_of(number)


def _listed(directory: Directory, pair: _Pair, link: LinkName | None) -> Reached:
    roster, sender, receiver = directory.roster, pair.sender, pair.receiver
    unit = None if roster is None else roster.units.get(receiver)
    return Reached(
        receiver,
        "" if unit is None else unit.name,
        "" if unit is None else unit.role,
        "",
        "",
        None if roster is None else roster.permission(pair.flow, sender, receiver),
        (sender, receiver) if roster is None else roster.way(sender, receiver) or (sender, receiver),
        link,
    )
