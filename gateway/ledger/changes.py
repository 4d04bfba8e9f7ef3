"""What may be written about a transfer, each as one function inside somebody else's transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Insert, exists, insert, select

from gateway.domain.errors import GatewayError, PermanentError, SecurityError
from gateway.domain.ids import LinkName, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, Event, State, after, ends
from gateway.domain.records import Facts, ReceiptCode, ReceiptRecord, Stage, Step, Transfer
from gateway.ledger import answer_waking, gaps, queries, repeats, source_rows, streams
from gateway.ledger.change import Change, adding, moved_on
from gateway.ledger.prepared import param
from gateway.ledger.rows import changed, fetch, storable
from gateway.ledger.schema import INTEGER_MAX, attempts, events, receipts

DETAIL_MAX: Final = 500
"""Characters kept of an error's detail or a person's reason; enough for one sentence."""

_CODES: Final[Mapping[Event, frozenset[ReceiptCode]]] = MappingProxyType(
    {
        Event.CUSTODY_RECEIPTED: frozenset({ReceiptCode.CUSTODY}),
        Event.DELIVERY_RECEIPTED: frozenset({ReceiptCode.DELIVERED}),
        Event.COLLECTION_RECEIPTED: frozenset({ReceiptCode.COLLECTED}),
        Event.REFUSAL_RECEIPTED: frozenset(code for code in ReceiptCode if code[0] in "23"),
    }
)
_IDENTITY: Final = ("origin", "recipient", "bundle_id", "header_hash", "epoch", "sequence")
_NUMBERS: Final = ("epoch", "sequence", "size")
_SETTLING: Final = frozenset(
    {State.DELIVERED, State.COLLECTED, State.DUPLICATE, State.REFUSED, State.REJECTED, State.SETTLED}
)
_TAUGHT: Final = tuple(one.name for one in fields(Facts) if one.name not in ("matter", "look", "note", "code"))
_said: Final = attrgetter(*_TAUGHT)
_UNCLAIMED: Final[Mapping[str, Any]] = MappingProxyType(
    dict.fromkeys(("origin", "recipient", "header_hash", "epoch", "sequence"))
)
_OTHER_BYTES: Final = frozenset({Event.OFFERED_AGAIN, Event.RELEASED})
_DELIVERIES: Final = frozenset({Event.DELIVERED, Event.RECALLED})
_SENDINGS: Final = frozenset({Event.SENT, Event.FORWARDED})

RECEIPT_NEVER_CAME: Final = "receipt-never-came"
RETRIES_EXHAUSTED: Final = "retries-exhausted"
GIVEN_UP: Final = frozenset({RECEIPT_NEVER_CAME, RETRIES_EXHAUSTED})
"""Hold codes of what has owed the same for too long; progress all the same lifts the hold."""


def advance(change: Change, steps: Sequence[Step]) -> list[Transfer]:
    """Take `steps` in order and return the transfers as they then are."""
    known = fetch(change.connection, [step.transfer.id for step in steps])
    for step in steps:
        known[step.transfer.id] = _advance(change, _unmoved(known, step.transfer), step)
    delivered = [known[step.transfer.id] for step in steps if step.event in _DELIVERIES]
    if delivered:
        streams.mark_seen(change.about("streams"), delivered, change.now)
    return [known[step.transfer.id] for step in steps]


def fail(
    change: Change,
    seen: Transfer,
    stage: Stage,
    error: GatewayError,
    *,
    started_at: float,
    retry_at: float | None,
    facts: Facts,
) -> Transfer:
    """Record a failed attempt and what it taught; `retry_at` None holds the transfer with the error's code."""
    before = _current(change, seen)
    now = replace(
        before,
        **_taught(before, facts),
        attempts=before.attempts + 1,
        last_error=error.code,
        next_attempt_at=before.next_attempt_at if retry_at is None else retry_at,
        hold_code=error.code if retry_at is None else before.hold_code,
    )
    now = change.write(before, now)
    _look(change, now, facts)
    detail = storable(error.detail)[:DETAIL_MAX]
    _attempt(change, now, stage, before.state, started_at, code=error.code, detail=detail, retry_at=retry_at)
    if retry_at is None:
        _event(change, now, "hold", "held", stage, code=error.code, note=detail)
    return now


def hold(change: Change, seen: Transfer, code: str, actor: str, why: str) -> Transfer:
    """Put a person's hold on a transfer that still owes something; a hold that was there gives way to it."""
    before = _current(change, seen)
    if before.state in ends(before.direction):
        raise PermanentError("transfer-ended", f"transfer {before.id} is {before.state} and owes nothing")
    now = change.write(before, replace(before, hold_code=code))
    _event(change, now, "hold", "held", Stage.OPERATE, code=code, note=why, actor=actor)
    return now


def release(change: Change, seen: Transfer, actor: str, why: str) -> Transfer:
    """Take the hold off and let the effect be tried at once; what is not held stays as it is.

    The failed attempts stay counted: the effect owed is still the same. The time after which it is given up starts
    anew.
    """
    before = _current(change, seen)
    if before.hold_code is None:
        return before
    free = replace(before, hold_code=None, next_attempt_at=change.now, owed_since=change.now)
    now = change.write(before, free)
    _event(change, now, "release", "released", Stage.OPERATE, code=before.hold_code, note=why, actor=actor)
    return now


def give_up(
    change: Change, before: float, *, link: LinkName | None, others: Collection[LinkName], expects: bool, limit: int
) -> list[Transfer]:
    """Hold what has owed the same effect since `before`, see `queries.owed_since`; return it as it then is."""
    held = []
    query = queries.owed_since(before, link=link, others=others, expects=expects, limit=limit)
    for found in queries.read(change.connection, query):
        code = RECEIPT_NEVER_CAME if found.state in queries.AWAITING else RETRIES_EXHAUSTED
        now = change.write(found, replace(found, hold_code=code))
        _event(change, now, "hold", "held", Stage.OPERATE, code=code, note=found.last_error or "")
        held.append(now)
    return held


def retry_now(change: Change, seen: Transfer, actor: str, why: str = "") -> Transfer:
    """Let the owed effect be tried at once instead of when its backoff ends."""
    before = _current(change, seen)
    if before.state in ends(before.direction):
        raise PermanentError("transfer-ended", f"transfer {before.id} is {before.state} and owes nothing")
    if before.hold_code is not None:
        raise PermanentError("transfer-held", f"transfer {before.id} is held ({before.hold_code}): release it first")
    now = change.write(before, replace(before, next_attempt_at=change.now))
    _event(change, now, "event", "retry", Stage.OPERATE, note=why, actor=actor)
    return now


def retry_link(change: Change, link: LinkName, actor: str, why: str, limit: int) -> int:
    """Cut the backoff of what waits on `link` short, at most `limit` transfers; return how many there were."""
    waiting = queries.read(change.connection, queries.backing_off(link, change.now, limit))
    for found in waiting:
        retry_now(change, found, actor, why)
    return len(waiting)


def set_back(change: Change, seen: Transfer) -> None:
    """Lift the hold under which the bytes of a transfer were brought back to their place: the next effect is due."""
    before = _current(change, seen)
    change.write(before, replace(before, hold_code=None, next_attempt_at=change.now))


def keep_receipt(change: Change, seen: Transfer, receipt: ReceiptRecord) -> None:
    """Keep a receipt that changes no state: a warning, or one that says again what is known."""
    transfer = fetch(change.connection, [seen.id]).get(seen.id)
    if transfer is None:
        raise no_such(seen.id)
    _receipt(change, transfer, receipt)


def born(change: Change, transfer: Transfer, stage: Stage) -> None:
    """Record the first event of a transfer that was just inserted."""
    change.enter(transfer)
    _event(change, transfer, "event", transfer.state, stage)


def born_again(change: Change, transfer: Transfer, receipt: ReceiptRecord) -> None:
    """Record the one event of a transfer that was just inserted from its receipt."""
    change.enter(transfer)
    _event(change, transfer, "event", "rebuilt", Stage.RESYNC, note="made again from the receipt after a restore")
    _receipt(change, transfer, receipt)


def send_again(change: Change, transfer: Transfer) -> Transfer:
    """Let a bundle that was sent and never arrived be sent again at once."""
    facts = Facts(receipt_due_at=change.now, note="the recipient does not have it")
    return advance(change, [Step(transfer, Event.MISSED, Stage.RESYNC, facts)])[0]


def addressed(change: Change, seen: Transfer) -> Transfer:
    """Record that a fetched bundle is addressed to us, so that it is opened here."""
    before = _current(change, seen)
    return change.write(before, replace(before, recipient=change.unit))


def touch(change: Change, transfer: Transfer, what: str, note: str) -> Transfer:
    """Record a fact that moves nothing, so that whoever works on the version before looks again."""
    _event(change, now := change.write(transfer, transfer), "event", what, Stage.RELAY, note=note)
    return now


def no_such(transfer_id: TransferId) -> PermanentError:
    """Return the error for an id that names nothing."""
    return PermanentError("no-such-transfer", f"there is no transfer {transfer_id}")


def _advance(change: Change, stored: Transfer, step: Step) -> Transfer:
    state = after(stored.direction, stored.state, step.event)
    _check_evidence(step)
    before = _unclaimed(change, stored) if step.event in _OTHER_BYTES else stored
    values = {"next_attempt_at": change.now, "attempts": 0, "last_error": None, **_taught(before, step.facts)}
    values["state"] = state
    if state in _SETTLING and before.settled_at is None:
        values.setdefault("settled_at", change.now)
    if step.event in _SENDINGS:
        values["receipt_due_at"] = step.facts.receipt_due_at  # each sending says anew whether one is expected
    if state not in queries.AWAITING or (state is State.FORWARDED and step.event is Event.CUSTODY_RECEIPTED):
        values["receipt_due_at"] = None  # nobody owes us one, or the next hub has it: it is not sent again
    if state is not before.state:
        values["owed_since"] = change.now
    hold_code = values.get("hold_code", before.hold_code)
    if state in ends(before.direction) or (state is not before.state and hold_code in GIVEN_UP):
        values["hold_code"] = None  # nothing is owed, or it goes on after all: nobody is needed
    if step.event is Event.QUARANTINED:
        values["last_error"] = step.facts.note or None
    elif step.event is Event.SEALED:
        # What it corrects is decided by the sealing, not by a hold before.
        values["earlier"] = step.facts.earlier
        if values.get("epoch", before.epoch) is None:
            values["epoch"] = change.epoch
    now = changed(before, values)
    _give_out(change, now, step.event)
    now = change.write(stored, now)
    _event(change, now, "event", step.event, step.stage, code=step.facts.code, note=step.facts.note, actor=step.actor)
    if step.started_at is not None:
        _attempt(change, now, step.stage, stored.state, step.started_at)
    if step.receipt is not None:
        _receipt(change, now, step.receipt)
    if step.facts.matter is not None:
        answer_waking.remember(change, now, step.facts.matter)
    _look(change, now, step.facts)
    if step.event in (Event.SEALED, Event.DELIVERED):
        mark_corrected(change, now, step.stage)
    return now


def _unclaimed(change: Change, stored: Transfer) -> Transfer:
    """What the bytes before them claimed does not bind other ones; every check is run anew."""
    gaps.forget(change.connection, stored)
    return changed(stored, _UNCLAIMED)


def mark_corrected(change: Change, now: Transfer, stage: Stage) -> None:
    """Note at what `now` corrects, if anything, that it is corrected."""
    for earlier in repeats.bearers(change.connection, now.direction, _peer(now), now.earlier) if now.earlier else ():
        marked = change.write(earlier, earlier)
        _event(change, marked, "event", "corrected", stage, note=f"transfer {now.id}")


def _give_out(change: Change, now: Transfer, event: Event) -> None:
    """Count the number of what was sealed as given out."""
    if event is not Event.SEALED:
        return
    if now.epoch == change.epoch:  # what was sealed before a restore was sent, whatever is known of it now
        repeats.check_not_sealed_before(change, now)
    streams.give_out(change.about("streams"), now, change.epoch)


def _check_evidence(step: Step) -> None:
    """A peer's claim moves a transfer only with the signed receipt that makes it; else the caller has a bug."""
    expected = _CODES.get(step.event)
    if expected is not None and (step.receipt is None or step.receipt.code not in expected):
        raise ValueError(f"{step.event} needs the receipt that says so")


def _taught(before: Transfer, facts: Facts) -> dict[str, Any]:
    """Return the columns that `facts` sets, fit to be stored."""
    taught = {name: value for name, value in zip(_TAUGHT, _said(facts), strict=True) if value is not None}
    for name in _IDENTITY:
        recorded = getattr(before, name)
        if recorded is not None and taught.get(name, recorded) != recorded:
            raise PermanentError(
                "fact-fixed", f"transfer {before.id} has another {name} on record", facts={"fact": name}
            )
    for name in _NUMBERS:
        if not 0 <= taught.get(name, 0) <= INTEGER_MAX:
            raise PermanentError("number-out-of-range", f"{name} does not fit 63 bits", facts={"fact": name})
    return {name: storable(value) if isinstance(value, str) else value for name, value in taught.items()}


def _current(change: Change, seen: Transfer) -> Transfer:
    return _unmoved(fetch(change.connection, [seen.id]), seen)


def _unmoved(known: Mapping[TransferId, Transfer], seen: Transfer) -> Transfer:
    """Return the transfer as stored, if it still is the version that the caller saw."""
    stored = known.get(seen.id)
    if stored is None:
        raise no_such(seen.id)
    if stored.version != seen.version:
        raise moved_on(seen)
    return stored


def _peer(transfer: Transfer) -> UnitCode | None:
    return transfer.recipient if transfer.direction is Direction.OUTBOUND else transfer.origin


def _event(
    change: Change,
    now: Transfer,
    kind: str,
    what: str,
    stage: Stage,
    *,
    code: str = "",
    note: str = "",
    actor: str = "",
) -> None:
    row = {
        "transfer_id": now.id,
        "version": now.version,
        "at": change.now,
        "kind": kind,
        "what": what,
        "stage": stage,
        "state": now.state,
        "code": code,
        "note": storable(note)[:DETAIL_MAX],
        "actor": storable(actor),
    }
    change.add(_new_event, row)


def _attempt(
    change: Change,
    now: Transfer,
    stage: Stage,
    state: State,
    started_at: float,
    *,
    code: str = "",
    detail: str = "",
    retry_at: float | None = None,
) -> None:
    row = {
        "transfer_id": now.id,
        "version": now.version,
        "stage": stage,
        "state": state,
        "started_at": started_at,
        "ended_at": change.now,
        "code": code,
        "detail": detail,
        "retry_at": retry_at,
    }
    change.add(_new_attempt, row)


def _look(change: Change, transfer: Transfer, facts: Facts) -> None:
    """Keep what was seen in the export, if it was looked at."""
    if facts.look is not None:
        source_rows.keep(change, transfer.id, facts.look)


def _receipt(change: Change, transfer: Transfer, receipt: ReceiptRecord) -> None:
    """Keep the receipt verbatim, once."""
    named = (transfer.bundle_id, transfer.header_hash or receipt.header_hash)
    if (receipt.bundle_id, receipt.header_hash) != named:
        raise SecurityError("receipt-mismatch", f"the receipt is not about the bundle of transfer {transfer.id}")
    row = {
        "transfer_id": transfer.id,
        "version": transfer.version,
        "at": change.now,
        "bundle_id": receipt.bundle_id,
        "header_hash": receipt.header_hash,
        "code": receipt.code,
        "issuer": receipt.issuer,
        "issued_at": receipt.issued_at,
        "digest": sha256(receipt.raw).hexdigest(),
        "raw": receipt.raw,
    }
    change.add(_new_receipt, row)


def _new_event() -> Insert:
    return adding(events, [column.name for column in events.c if column.name != "id"])


def _new_attempt() -> Insert:
    return adding(attempts, [column.name for column in attempts.c])


def _new_receipt() -> Insert:
    """Insert a receipt unless the transfer has it."""
    c = receipts.c
    given = [column for column in c if column.name != "id"]
    same = (c.bundle_id == param("bundle_id"), c.transfer_id == param("transfer_id"), c.digest == param("digest"))
    row = select(*(param(column.name, column.type) for column in given)).where(~exists().where(*same))
    return insert(receipts).from_select([column.name for column in given], row)
