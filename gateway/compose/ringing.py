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
        (Direction.OUTBOUND, State.SEALED): (out_leg,),
        (Direction.RELAY, State.CHECKED): (out_leg,),
        (Direction.INBOUND, State.OFFERED): (in_leg,),
        (Direction.INBOUND, State.VERIFIED): (in_leg,),
        (Direction.INBOUND, State.QUARANTINED): (in_leg,),
        (Direction.INBOUND, State.CHECKED): (out_leg, in_leg),
        (Direction.INBOUND, State.DELIVERED): (out_leg,),
        (Direction.INBOUND, State.REJECTED): (out_leg, in_leg),
    }
)
"""Which workers a transfer's new state concerns: who owes the next effect, and who clears the mailbox, once: what is
delivered was verified before."""
_SENT = frozenset({(Direction.OUTBOUND, State.SENT), (Direction.RELAY, State.FORWARDED)})
"""What owes nothing but is waited for; changed in it, it may be due again: missed, released, or its bytes are back."""
_COUNTED = frozenset({State.SEALED, State.DELIVERED, State.COLLECTED, State.REFUSED})
"""States in which what passed of a case is more, or less, than before."""
_MAKES_WAY = ends(Direction.OUTBOUND) | {State.FOUND, State.SEALED}
"""States in which, or since more is known of it, a transfer may let others go first on a route that keeps order; on
which link those wait is not known of it."""


def concerned(touched: Touched, orderly: Iterable[str]) -> set[str]:
    """Return the names of the workers to be woken. orderly: those that carry out what routes with an order send."""
    names: set[str] = set()
    for direction, state, link, is_new in touched:
        if not (is_new and state is State.VERIFIED):  # who has verified delivers, in the same step
            names.update(_SHARED.get(state, ()))
        if link is not None:
            names.update(leg(link) for leg in _LEGS.get((direction, state), ()))
            if not is_new and (direction, state) in _SENT:
                names.add(out_leg(link))
        if state in _COUNTED:
            names.add(TermStage.name)
        if state in _MAKES_WAY:
            names.update(orderly)
    return names
