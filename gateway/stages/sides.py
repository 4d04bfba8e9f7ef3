"""What checks may know of an export's two sides: how the roster lists them, and which day it is here."""

from gateway.domain.ids import UnitCode
from gateway.stages.routing import Decision, Territory
from gateway.standard.checking import Context, Unit
from gateway.standard.dates import day_at


def context_of(decision: Decision, territory: Territory, at: float) -> Context:
    """Return what is known of who sends an export and for whom it is; pure.

    decision: where it goes.     at: seconds since 1970 UTC by this node's clock.
    """
    receiver = _unit(territory, decision.choices[0].recipient.unit) if decision.choices else None
    return Context(_unit(territory, territory.unit), receiver, day_at(at))


def _unit(territory: Territory, code: UnitCode) -> Unit | None:
    listed = territory.listed(code)
    return None if listed is None else Unit(listed.role, listed.level.value, listed.region, listed.name)
