"""What the roster lets a sender send us, asked once the flow inside can be read: the matrix, and the class outside."""

from dataclasses import dataclass

from gateway.domain.errors import PermanentError, SecurityError
from gateway.domain.ids import UnitCode
from gateway.domain.records import Priority
from gateway.roster.roster import Roster
from gateway.stages.routes import ANY


@dataclass(frozen=True, slots=True)
class Admission:
    """What may be in one bundle.

    flows:     those that its sender may send us, `*` for all; None where the roster does not name both of us.
    disclosed: the flow that the class in its clear header tells hubs of; empty for none.
    """

    flows: frozenset[str] | None = None
    disclosed: str = ""
    priority: Priority | None = None

    def check(self, flow: str) -> None:
        """Raise SecurityError `class-mismatch` if hubs were told of another flow than the one inside, PermanentError
        `not-permitted` if the sender may not send us `flow`."""
        if self.disclosed and self.disclosed != flow:
            facts = {"flow": flow, "disclosed": self.disclosed}
            raise SecurityError("class-mismatch", "the class outside stands for another flow", facts=facts)
        if self.flows is not None and ANY not in self.flows and flow not in self.flows:
            raise PermanentError("not-permitted", "the roster's matrix does not allow this flow", facts={"flow": flow})


class Admissions:
    """Works them out, once for each sender."""

    def __init__(self, roster: Roster | None, unit: UnitCode) -> None:
        self._roster = roster
        self._unit = unit
        self._flows: dict[UnitCode, frozenset[str] | None] = {}

    def of(self, origin: UnitCode, routing_class: int) -> Admission:
        """Return what may be in a bundle from `origin` of this class. A class that our roster does not know, and class
        0, disclose nothing."""
        if self._roster is None:
            return Admission()
        if origin not in self._flows:
            self._flows[origin] = self._allowed(self._roster, origin)
        known = self._roster.in_class(routing_class)
        if known is None:
            return Admission(self._flows[origin])
        return Admission(self._flows[origin], known.flow, known.priority)

    def _allowed(self, roster: Roster, origin: UnitCode) -> frozenset[str] | None:
        if origin not in roster.units or self._unit not in roster.units:
            return None
        flows = {rule.flow for rule in roster.content.permissions}
        return frozenset(flow for flow in flows if roster.permission(flow, origin, self._unit) is not None)
