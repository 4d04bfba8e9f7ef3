"""Decides to which units one export goes, and why: the one place that pack, `inspect` and `route explain` all ask."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.bundle.envelope import RECIPIENTS_MAX
from gateway.domain.ids import UnitCode
from gateway.domain.records import Priority
from gateway.roster.content import ANY as ANY_ROLE
from gateway.roster.content import Permission, RosterUnit
from gateway.roster.finding import near, resolve
from gateway.roster.roster import Roster, acts_as
from gateway.stages.routes import ANY, CITY_DIGITS, OWN, ROSTER, SAME_CITY, OutboundRoute, Recipient, Target
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict

NEAR = 3
"""Candidates shown for a code that nobody has."""
NO_WAY = "recipient-unreachable"
"""Why exports for a unit wait to which no link leads, not even by hubs."""
_SHOWN = 8
"""Units, or pairs of roles, that one finding names."""


class How(StrEnum):
    """What made a unit a recipient."""

    NAMED = "named"  # `receivers` names the code of the export
    ANY = "any"  # it stands behind "*"
    ROSTER = "roster"  # the roster knows the code
    RULE = "rule"
    CC = "cc"


@dataclass(frozen=True, slots=True)
class Territory:
    """What a node knows of the units around it, as far as routing asks: fit to be sent to a worker process.

    recipients: whom anything here may be sent to at all.   priority: the lane of flows that have no class.
    """

    unit: UnitCode
    recipients: Mapping[UnitCode, Recipient]
    roster: Roster | None = None
    priorities: Mapping[str, Priority] = field(default_factory=dict)

    def with_lane(self, flow: str, standard: Standard) -> "Territory":
        """Return the same with the lane that `flow` has by `standard`: a node may run for longer than an edition."""
        kind = standard.flow(flow) or standard.reply(flow)
        return self if kind is None else replace(self, priorities={**self.priorities, flow: kind.lane})

    def listed(self, unit: UnitCode) -> RosterUnit | None:
        """Return what the roster says of `unit`; None without a roster, and for strangers to it."""
        return None if self.roster is None else self.roster.units.get(unit)

    def recipient(self, unit: UnitCode) -> Recipient:
        """Return how `unit` is reached; exports for one that cannot be reached wait."""
        return self.recipients.get(unit) or Recipient(unit, None, None, NO_WAY)

    def rules(self, receiver: UnitCode) -> bool:
        """Whether the roster's matrix says what goes from here to `receiver`: it names both."""
        return self.listed(self.unit) is not None and self.listed(receiver) is not None

    def permission(self, flow: str, receiver: UnitCode) -> Permission | None:
        """Return the line of the matrix that lets `flow` go from here to `receiver`."""
        return None if self.roster is None else self.roster.permission(flow, self.unit, receiver)

    def permits(self, flow: str, receiver: UnitCode) -> bool:
        """Whether `flow` may go from here to `receiver`: between units of which the roster does not name both,
        who confirmed each other's cards decides."""
        return not self.rules(receiver) or self.permission(flow, receiver) is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """One recipient, and what chose it. `place`: the setting below the route, such as `rules[1]`.

    moved_from: the code that was asked for, where the unit it meant was merged or renamed; else empty.
    """

    recipient: Recipient
    how: How
    place: str
    permission: Permission | None = None
    moved_from: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where an export goes: the recipient first, then its copies. No choices where the findings refuse it.

    routing_class: the number that tells hubs of the flow, 0 for nothing.
    """

    choices: tuple[Choice, ...] = ()
    findings: tuple[Finding, ...] = ()
    routing_class: int = 0
    priority: Priority = Priority.NORMAL

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Whom the bundle is sealed to, the recipient first."""
        return tuple(choice.recipient for choice in self.choices)


def decide(route: OutboundRoute, territory: Territory, flow: str, code: str, at: float) -> Decision:
    """Return where an export of `flow` goes whose software wrote `code` as its receiver (empty: none).

    at: seconds since 1970 UTC, the day for which codes count. Pure: the same arguments give the same decision.
    """
    asked = _Asked(route, territory, flow, code, at)
    found: list[Finding] = []
    if not route.permits(flow):
        found.append(_mismatch(flow, route))
    first = asked.receiver()
    if isinstance(first, Finding):
        return Decision(findings=(first, *found))
    copies = list(asked.copies({first.recipient.unit}, found.append))
    choices = (first, *copies)
    found += [moved for choice in choices if (moved := asked.moved(choice)) is not None]
    found += [asked.not_permitted(choice) for choice in choices if not territory.permits(flow, choice.recipient.unit)]
    if len(choices) > RECIPIENTS_MAX:
        found.append(Finding("CC-TOO-MANY", Verdict.REJECT, mender="operator", facts={"limit": RECIPIENTS_MAX}))
    if any(finding.verdict is Verdict.REJECT for finding in found):
        return Decision((first,), tuple(found))
    number, priority = _lane(territory, flow, choices)
    return Decision(choices, tuple(found), number, priority)


def _lane(territory: Territory, flow: str, choices: Sequence[Choice]) -> tuple[int, Priority]:
    """Return the class, which all recipients must know, and the lane."""
    roster = territory.roster
    if roster is not None and all(territory.rules(choice.recipient.unit) for choice in choices):
        number = roster.class_of(flow)
        if number:
            return number, roster.priority_of(number)
    return 0, territory.priorities.get(flow, Priority.NORMAL)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question to one route."""

    route: OutboundRoute
    territory: Territory
    flow: str
    code: str
    at: float

    def receiver(self) -> Choice | Finding:
        """Return the unit that the export is for, or why there is none."""
        over = self._by_rules(lambda rule: rule.wins_over_export)
        if over is not None:
            return over
        entry = self.route.receivers.get(self.code)
        if self.code and entry is not None:
            return self._chosen(UnitCode(entry), How.NAMED, f'receivers["{self.code}"]')
        if not self.code:
            ruled = self._by_rules(lambda rule: not rule.wins_over_export)
            if ruled is not None:
                return ruled
        rest = self.route.receivers.get(ANY)
        if rest is not None and rest != ROSTER:
            return self._chosen(UnitCode(rest), How.ANY, 'receivers["*"]')
        if not self.code:
            return _nobody(self.flow) if self.route.rules else _unknown(self.code, "")
        return self._by_roster() if rest == ROSTER else self._unknown()

    def copies(self, taken: set[UnitCode], report: Callable[[Finding], None]) -> Iterator[Choice]:
        """Yield whom the copies go to, each unit once; `report` is told of those that find nobody."""
        for position, target in enumerate(self.route.cc):
            if not target.fits(self.flow):
                continue
            place = f"cc[{position}]"
            chosen = [self._chosen(unit, How.CC, place) for unit in self._found(target)]
            present = [choice for choice in chosen if isinstance(choice, Choice)]
            if not present:
                facts = {"flow": self.flow, "rule": place, "route": self.route.name}
                report(Finding("CC-NOBODY", Verdict.WARN, mender="operator", facts=facts))
            for choice in present:
                if choice.recipient.unit not in taken:
                    taken.add(choice.recipient.unit)
                    yield choice

    def moved(self, choice: Choice) -> Finding | None:
        """Return what is said of a unit that goes by another code today."""
        if not choice.moved_from:
            return None
        unit = choice.recipient.unit
        listed = self.territory.listed(unit)
        facts = {"code": choice.moved_from, "unit": unit, "name": "" if listed is None else listed.name}
        return Finding("ORG-MOVED", Verdict.WARN, _FIELD, choice.moved_from, expected=unit, facts=facts)

    def not_permitted(self, choice: Choice) -> Finding:
        """Return the refusal of a flow that may not go this way, with the roles between which it may."""
        territory, receiver = self.territory, choice.recipient.unit
        roster = territory.roster
        rules = () if roster is None else roster.content.permissions
        may = dict.fromkeys(f"{p.sender} > {p.receiver}" for p in rules if p.flow in (ANY_ROLE, self.flow))
        own, other = territory.listed(territory.unit), territory.listed(receiver)
        return Finding(
            "FLOW-NOT-PERMITTED",
            Verdict.REJECT,
            Place(field="业务类型"),
            value=self.flow,
            mender="operator" if choice.how is How.CC else "handler",
            facts={
                "flow": self.flow,
                "unit": receiver,
                "sender": "-" if own is None else own.role,
                "receiver": "-" if other is None else other.role,
                "may": _some(may) or "-",
            },
        )

    def _by_rules(self, wanted: Callable[[Target], bool]) -> Choice | Finding | None:
        """Return whom the first of these rules finds that finds anybody; None if all find nobody."""
        for position, rule in enumerate(self.route.rules):
            if not (wanted(rule) and rule.fits(self.flow)):
                continue
            found = self._found(rule)
            place = f"rules[{position}]"
            if len(found) > 1:
                facts = {"flow": self.flow, "rule": place, "route": self.route.name, "units": _some(found)}
                return Finding("ROUTE-SEVERAL", Verdict.REJECT, mender="operator", facts=facts)
            if found:
                return self._chosen(found[0], How.RULE, place)
        return None

    def _found(self, target: Target) -> tuple[UnitCode, ...]:
        """Return the units that a target means at this time, ascending; never our own."""
        if target.unit is not None:
            return () if target.unit == self.territory.unit else (target.unit,)
        roster, begins = self.territory.roster, self._begins(target.region)
        if roster is None or begins is None:
            return ()
        return tuple(
            sorted(
                unit.unit
                for unit in roster.units.values()
                if acts_as(unit, target.role) and unit.region.startswith(begins) and self._is_open(unit)
                if unit.unit != self.territory.unit
            )
        )

    def _begins(self, region: str) -> str | None:
        """Return the digits with which the meant regions begin; None if the roster does not say where we are."""
        if region not in (OWN, SAME_CITY):
            return region
        own = self.territory.listed(self.territory.unit)
        return None if own is None else own.region[: CITY_DIGITS if region == SAME_CITY else None]

    def _is_open(self, unit: RosterUnit) -> bool:
        return unit.since <= self.at and (unit.closed_at is None or unit.closed_at > self.at)

    def _by_roster(self) -> Choice | Finding:
        roster = self.territory.roster
        found = None if roster is None else resolve(roster.units, self.route.scheme, self.code, self.at)
        if found is None or not self._is_open(found.unit):
            return self._unknown()
        # A code of its own, in whatever scheme, is no move; one that ended, or that of another unit, is.
        current = {
            found.unit.unit,
            *(name.code for name in found.unit.names if self._is_current(name.since, name.until)),
        }
        moved = self.code if found.via or self.code not in current else ""
        return self._told(found.unit.unit, How.ROSTER, 'receivers["*"]: roster', moved)

    def _is_current(self, since: int, until: int | None) -> bool:
        return since <= self.at and (until is None or until > self.at)

    def _chosen(self, unit: UnitCode, how: How, place: str) -> Choice | Finding:
        """Return the choice of `unit`, or of who took its place where the roster says so."""
        roster, listed = self.territory.roster, self.territory.listed(unit)
        if roster is None or listed is None or self._is_open(listed):
            return self._told(unit, how, place, "")
        found = resolve(roster.units, None, unit, self.at)
        if found is None or not self._is_open(found.unit):
            return _unknown(unit, "")
        return self._told(found.unit.unit, how, place, unit)

    def _told(self, unit: UnitCode, how: How, place: str, moved_from: str) -> Choice | Finding:
        if unit == self.territory.unit:
            return Finding("ORG-OWN", Verdict.REJECT, _FIELD, self.code, facts={"unit": unit})
        recipient = self.territory.recipient(unit)
        return Choice(recipient, how, place, self.territory.permission(self.flow, unit), moved_from)

    def _unknown(self) -> Finding:
        roster = self.territory.roster
        alike = () if roster is None else near(roster.units.values(), self.code, NEAR)
        return _unknown(self.code, "; ".join(f"{one.unit} {one.name}" for one in alike))


_FIELD = Place(field="接收单位")


def _unknown(code: str, alike: str) -> Finding:
    """Return the refusal of a code that nobody has; `alike`: who may be meant."""
    return Finding("ORG-UNKNOWN", Verdict.REJECT, _FIELD, value=code, expected=alike, facts={"code": code})


def _nobody(flow: str) -> Finding:
    return Finding("ROUTE-NOBODY", Verdict.REJECT, _FIELD, facts={"flow": flow})


def _mismatch(flow: str, route: OutboundRoute) -> Finding:
    place = Place(field="业务类型")
    return Finding("ROUTE-MISMATCH", Verdict.REJECT, place, value=flow, facts={"flow": flow, "route": route.name})


def _some(names: Sequence[str] | Mapping[str, object]) -> str:
    listed = list(names)
    return ", ".join(listed[:_SHOWN]) + (", ..." if len(listed) > _SHOWN else "")
