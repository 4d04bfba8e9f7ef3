"""Which workers a change in the ledger concerns: who owes the next effect, and who waits for it."""

from collections.abc import Iterable
from types import MappingProxyType

from gateway.domain.lifecycle import Direction, State, ends
from gateway.ledger.change import Touched
from gateway.stages.legs import in_leg, out_leg
from gateway.stages.open import OpenStage
from gateway.stages.pack import PackStage
from gateway.stages.relay import RelayStage
from gateway.stages.terms import TermStage

_SHARED = MappingProxyType(
    {
        State.FOUND: (PackStage.name,),
        State.FETCHED: (OpenStage.name, RelayStage.name),
        State.VERIFIED: (OpenStage.name,),
    }
)
_LEGS = MappingProxyType(
    {
        State.SEALED: (out_leg,),
        State.OFFERED: (in_leg,),
        State.VERIFIED: (in_leg,),
        State.QUARANTINED: (in_leg,),
        State.CHECKED: (out_leg, in_leg),
        State.DELIVERED: (out_leg, in_leg),
        State.REJECTED: (out_leg, in_leg),
    }
)
"""Which workers a transfer's new state concerns: who owes the next effect, and who clears the mailbox."""
_COUNTED = frozenset({State.SEALED, State.DELIVERED, State.COLLECTED, State.REFUSED})
"""States in which what passed of a case is more, or less, than before."""
_MAKES_WAY = ends(Direction.OUTBOUND) | {State.FOUND, State.SEALED}
"""States in which, or since more is known of it, a transfer may let others go first on a route that keeps order; on
which link those wait is not known of it."""


def concerned(touched: Touched, orderly: Iterable[str]) -> set[str]:
    """Return the names of the workers to be woken. orderly: those that carry out what routes with an order send."""
    names: set[str] = set()
    for state, link in touched:
        names.update(_SHARED.get(state, ()))
        if link is not None:
            names.update(leg(link) for leg in _LEGS.get(state, ()))
        if state in _COUNTED:
            names.add(TermStage.name)
        if state in _MAKES_WAY:
            names.update(orderly)
    return names
