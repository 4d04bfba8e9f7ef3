"""What checks may know of an export's two sides: how the roster lists them, and which day it is here."""

from gateway.domain.ids import UnitCode
from gateway.stages.routes import OutboundRoute
from gateway.stages.routing import Territory, decide
from gateway.standard.checking import Context, Unit
from gateway.standard.dates import day_at
from gateway.standard.package import CasePackage


def context_of(package: CasePackage, route: OutboundRoute, territory: Territory, at: float) -> Context:
    """Return what is known of who sends `package` by `route` and for whom it is; pure.

    at: seconds since 1970 UTC by this node's clock.
    """
    found = decide(route, territory, package.flow, package.receiver_code, at).choices
    receiver = _unit(territory, found[0].recipient.unit) if found else None
    return Context(_unit(territory, territory.unit), receiver, day_at(at))


def _unit(territory: Territory, code: UnitCode) -> Unit | None:
    listed = territory.listed(code)
    return None if listed is None else Unit(listed.role, listed.level.value, listed.region, listed.name)
