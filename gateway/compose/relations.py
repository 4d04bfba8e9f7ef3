"""How one transfer stands to others: what it repeats or corrects, and what repeats or corrects it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer
from gateway.ledger.store import Ledger


class Kin(StrEnum):
    """What one transfer is to another."""

    CORRECTS = "corrects"
    CORRECTED_BY = "corrected-by"
    REPEATS = "repeats"
    REPEATED_BY = "repeated-by"
    DIFFERS = "differs"  # another version that nobody has let go as a correction


@dataclass(frozen=True, slots=True)
class Relation:
    """One other transfer, and what the first is to it."""

    kin: Kin
    transfer: Transfer


def relations(ledger: Ledger, transfer: Transfer) -> tuple[Relation, ...]:
    """Return how `transfer` stands to others of its direction, the earlier one first."""
    found: list[Relation] = []
    if transfer.earlier is not None:
        kin = _kin(transfer)
        found += [Relation(kin, one) for one in ledger.by_bundle(transfer.earlier, transfer.direction)]
    if transfer.bundle_id is not None:
        back = {Kin.CORRECTS: Kin.CORRECTED_BY, Kin.REPEATS: Kin.REPEATED_BY, Kin.DIFFERS: Kin.DIFFERS}
        later = ledger.later(transfer.bundle_id)
        found += [Relation(back[_kin(one)], one) for one in later if one.direction is transfer.direction]
    return tuple(found)


def _kin(later: Transfer) -> Kin:
    """Return what a transfer is to the earlier one that it names."""
    if later.bundle_id is not None:
        return Kin.CORRECTS
    # A duplicate has settled, also after retention closed it; a version that was held and then closed never did.
    return Kin.REPEATS if later.state is State.DUPLICATE or later.settled_at is not None else Kin.DIFFERS
