"""What a node's settings say of sharing, as the stages know it."""

from collections.abc import Sequence

from gateway.compose.identity import Identity
from gateway.settings.grants import GrantSettings
from gateway.settings.grants import Side as SideSettings
from gateway.stages.sharing import Rulebook
from gateway.standard.grants import Grant, Side


def rulebook_of(identity: Identity) -> Rulebook:
    """Return the grants of a node, and the key of its pseudonyms."""
    return Rulebook(grants_of(identity.settings.grants), identity.pseudonyms)


def grants_of(settings: Sequence[GrantSettings]) -> tuple[Grant, ...]:
    """Return the grants as the standard knows them."""
    return tuple(
        Grant(
            one.id,
            one.catalogue,
            _side(one.giver),
            _side(one.taker),
            frozenset(one.flows),
            frozenset(one.fields),
            one.profile,
            one.purpose,
            one.since,
            one.until,
            one.approved_by,
        )
        for one in settings
    )


def _side(side: SideSettings) -> Side:
    return Side(str(side.unit or ""), side.role or "")
