"""One thing in quarantine as an operator sees it: what its outside says, whom it concerns, what may be decided."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.bundle.names import Kind
from gateway.compose.identity import load_directory
from gateway.compose.proving import Proof, Trust, prove
from gateway.domain.errors import GatewayError, PermanentError
from gateway.domain.lifecycle import Direction
from gateway.domain.records import Action, Decision, Transfer
from gateway.folders.quarantine import Quarantine
from gateway.settings.load import Settings
from gateway.stages.aside import SetAside, one
from gateway.stages.deciding import check

if TYPE_CHECKING:
    from gateway.ledger.store import Ledger

ABOUT_ASIDE = (Action.RECHECK, Action.RELEASE, Action.REJECT, Action.CLOSE)
"""What may be decided about a thing in quarantine."""
SHOWN = 8
"""Digits of an id that are printed and suffice to name it."""
TRANSFERS_MAX = 20
"""Transfers that are named of those a receipt file speaks of."""


@dataclass(frozen=True, slots=True)
class Outside:
    """`proof`: what the bytes state in the clear and whether a card that is known today verifies it; nothing inside is
    decrypted. `transfers`: those it concerns. `commands`: what may be decided now."""

    aside: SetAside
    proof: Proof | None
    trust: Trust
    transfers: tuple[Transfer, ...]
    decisions: tuple[Decision, ...]
    commands: tuple[str, ...]


def look_at(settings: Settings, ledger: "Ledger", beginning: str) -> Outside:
    """Return the one thing in quarantine whose id begins so. Raises as `Quarantine.find` and the ledger do."""
    aside = one(Quarantine(settings.paths.quarantine), ledger, beginning)
    trust = Trust.of((), load_directory(settings))
    proof = _proof(aside, trust)
    return Outside(
        aside,
        proof,
        trust,
        _concerned(aside, proof, ledger),
        tuple(ledger.decisions.about(aside.thing.id)),
        tuple(commands_for(aside)),
    )


def commands_for(aside: SetAside) -> list[str]:
    """Return the commands that may be given about it now; none while one is waiting to be carried out."""
    if aside.is_pending or aside.decided_at is not None:
        return []
    allowed = [action for action in ABOUT_ASIDE if _is_allowed(aside, action)]
    return [f"caseferry quarantine {action} {aside.thing.id[:SHOWN]} --why ..." for action in allowed]


def _is_allowed(aside: SetAside, action: Action) -> bool:
    try:
        check(aside, action)
    except PermanentError:
        return False
    return True


def _proof(aside: SetAside, trust: Trust) -> Proof | None:
    if aside.kind is None:
        return None
    try:
        return prove(aside.thing.path, trust, head_only=True)
    except GatewayError:
        return None


def _concerned(aside: SetAside, proof: Proof | None, ledger: "Ledger") -> tuple[Transfer, ...]:
    if aside.transfer is not None:
        return (aside.transfer,)
    if aside.kind is not Kind.RECEIPTS or not isinstance(proof, tuple):
        return ()
    bundles = dict.fromkeys(one.receipt.bundle_id for one in proof if one.receipt is not None)
    found = (
        transfer
        for bundle in list(bundles)[:TRANSFERS_MAX]
        for transfer in ledger.by_bundle(bundle, Direction.OUTBOUND)
    )
    return tuple(found)[:TRANSFERS_MAX]
