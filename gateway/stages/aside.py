"""What lies in quarantine, which transfer each thing belongs to, and what was decided about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.bundle.names import Kind, parse
from gateway.domain.ids import bundle_id
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Action, Decision, Transfer
from gateway.folders.quarantine import Quarantine, Quarantined
from gateway.ledger.store import Ledger

EQUIVOCATION = "equivocation"
"""Of a second bundle under a known name: evidence, whatever became of the first."""

_OVER = frozenset({State.DELIVERED, State.CONFIRMED, State.COLLECTED, State.REJECTED, State.DISMISSED, State.CLOSED})
"""States of a transfer in which the bytes that were set aside on its way wait for nobody any more."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """One thing in quarantine. `decision`: the last one about it."""

    thing: Quarantined
    kind: Kind | None
    """A bundle or a receipt file by its name; None for anything else."""
    transfer: Transfer | None
    """The transfer of that bundle over that link, in whatever state it is now."""
    decision: Decision | None

    @property
    def is_pending(self) -> bool:
        """Whether something was decided and is not carried out yet."""
        return self.decision is not None and self.decision.done_at is None

    @property
    def decided_at(self) -> float | None:
        """Since when nobody needs to decide anything about it (seconds since 1970 UTC); None while somebody does."""
        note, last = self.thing.note, self.decision
        ending = {Action.CLOSE, Action.REJECT} | ({Action.RECHECK} if self.kind is Kind.RECEIPTS else set())
        if last is not None and last.action in ending and not last.outcome and (last.done_at or 0.0) >= note.at:
            return last.done_at
        if self.transfer is not None and self.transfer.state in _OVER and note.code != EQUIVOCATION:
            return max(note.at, self.transfer.changed_at)
        return None


def everything(quarantine: Quarantine, ledger: Ledger) -> list[SetAside]:
    """Return all that is in quarantine, oldest first."""
    things = quarantine.listing()
    latest = ledger.decisions.latest([thing.id for thing in things])
    return [_joined(thing, ledger, latest.get(thing.id)) for thing in things]


def one(quarantine: Quarantine, ledger: Ledger, beginning: str) -> SetAside:
    """Return the one thing whose id begins so; raises as `Quarantine.find`."""
    thing = quarantine.find(beginning)
    return _joined(thing, ledger, ledger.decisions.latest([thing.id]).get(thing.id))


def others(aside: SetAside, all_of_them: Sequence[SetAside]) -> bool:
    """Whether something else in quarantine waits under the same name and link."""
    named = (aside.thing.note.subject, aside.thing.note.link)
    return any(
        other.thing.id != aside.thing.id
        and (other.thing.note.subject, other.thing.note.link) == named
        and other.decided_at is None
        for other in all_of_them
    )


def _joined(thing: Quarantined, ledger: Ledger, decision: Decision | None) -> SetAside:
    named = parse(thing.note.subject)
    transfer = None
    if named is not None and named[0] is Kind.BUNDLE:
        found = ledger.by_bundle(bundle_id(named[1]), Direction.INBOUND)
        transfer = next((one for one in found if one.link == thing.note.link), None)
    return SetAside(thing, None if named is None else named[0], transfer, decision)
