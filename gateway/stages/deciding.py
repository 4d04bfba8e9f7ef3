"""What a person may decide about a thing in quarantine: one set of rules, asked when it is decided and when done."""

from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.bundle.names import Kind
from gateway.domain.errors import PermanentError, SecurityError
from gateway.domain.ids import Digest
from gateway.domain.lifecycle import State
from gateway.domain.records import Action, Transfer
from gateway.folders import disk
from gateway.folders.quarantine import Quarantined
from gateway.stages.aside import SetAside
from gateway.stages.refusals import WAIVABLE


def header_of(thing: Quarantined) -> Digest | None:
    """Return the digest of a bundle's header as its first bytes claim it; None if they are no envelope."""
    try:
        with disk.mapped(thing.path.parent), thing.path.open("rb") as source:
            return parse_envelope(source.read(ENVELOPE_MAX)).header_hash
    except SecurityError:
        return None


def check(aside: SetAside, action: Action) -> None:
    """PermanentError if `action` is not to be done about it, with a code that says what to do instead.

    `quarantine-moved-on`, `quarantine-not-waivable`, `quarantine-unanswerable`, `quarantine-not-recheckable`.
    """
    if action is Action.CLOSE:
        return
    if aside.kind is Kind.RECEIPTS:
        _check_receipts(aside, action)
        return
    code = aside.thing.note.code
    if action is Action.RELEASE and code not in WAIVABLE:
        raise PermanentError(
            "quarantine-not-waivable", f"{code} is nothing that a person may waive", facts={"code": code}
        )
    transfer = aside.transfer
    if transfer is None:
        raise PermanentError("quarantine-not-recheckable", "it belongs to no transfer")
    if transfer.state is not State.QUARANTINED:
        raise moved_on(transfer)
    if action is Action.REJECT and not _is_answerable(aside.thing, transfer):
        raise PermanentError("quarantine-unanswerable", "nobody is known to have sent it", facts={"code": code})


def moved_on(transfer: Transfer) -> PermanentError:
    """Return the error for a decision whose transfer waits for none any more."""
    return PermanentError(
        "quarantine-moved-on",
        f"transfer {transfer.id} is {transfer.state}",
        facts={"id": transfer.id, "state": transfer.state},
    )


def _check_receipts(aside: SetAside, action: Action) -> None:
    code = aside.thing.note.code
    if action is Action.REJECT:
        raise PermanentError("quarantine-unanswerable", "receipts are not answered", facts={"code": code})
    if action is Action.RELEASE:
        raise PermanentError(
            "quarantine-not-waivable", f"{code} is nothing that a person may waive", facts={"code": code}
        )
    if code == "receipt-file-too-large":
        raise PermanentError("quarantine-not-recheckable", "it is larger than any receipt file can be")


def _is_answerable(thing: Quarantined, transfer: Transfer) -> bool:
    """Whether the sender was proven by a verified envelope, and by these very bytes."""
    return transfer.origin is not None and transfer.header_hash is not None and header_of(thing) == transfer.header_hash
