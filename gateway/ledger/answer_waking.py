"""Remembers what was in a bundle, and lets the replies go on that waited for it: in the commit that records it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, update

from gateway.domain.ids import TransferId
from gateway.domain.lifecycle import Direction, State
from gateway.domain.matter import Matter
from gateway.domain.records import Stage, Transfer
from gateway.ledger import answer_rows, matter_rows
from gateway.ledger.rows import fetch, storable
from gateway.ledger.schema import events, transfers

if TYPE_CHECKING:
    from gateway.ledger.change import Change

REPLY_ORPHAN: Final = "reply-orphan"
"""No request is known that a reply answers."""
REPLY_UNCLEAR: Final = "reply-unclear"
"""Several requests fit, and nobody guesses."""
REPLY_TWICE: Final = "reply-twice"
"""Somebody was answered before, and otherwise."""
OURS: Final = frozenset({REPLY_ORPHAN, REPLY_UNCLEAR, REPLY_TWICE})
"""Hold codes of replies that wait."""
FOUND: Final = "request-found"
TIED: Final = "tied"
RELEASED: Final = "released"
_NOTE_MAX: Final = 500


def remember(change: "Change", transfer: Transfer, matter: Matter) -> None:
    """Record what was in the bundle of `transfer`, just sealed or delivered, and how it stands to others."""
    matter_rows.keep(change, transfer.id, matter)
    if answer_rows.concerns(matter):
        woken = answer_rows.settle(change.connection, change.now, transfer, matter)
        wake(change, woken, note=f"transfer {transfer.id}")


def wake(change: "Change", replies: Sequence[TransferId], *, note: str, actor: str = "") -> None:
    """Let each of `replies` be tried at once, whatever it waits for; a hold of other kinds stays.

    actor: the person by whose word it is; empty where a request has come.
    """
    for one in fetch(change.connection, replies).values():
        if (one.direction, one.state) not in ((Direction.OUTBOUND, State.FOUND), (Direction.INBOUND, State.VERIFIED)):
            continue
        if one.hold_code is not None and one.hold_code not in OURS:
            continue
        free = {"next_attempt_at": change.now, "owed_since": change.now, "hold_code": None}
        what = RELEASED if actor else FOUND
        record(change, one, what, note=note, actor=actor, code=one.hold_code or one.last_error or "", values=free)


def record(
    change: "Change",
    transfer: Transfer,
    what: str,
    *,
    note: str,
    actor: str = "",
    code: str = "",
    values: Mapping[str, float | None] = MappingProxyType({}),
) -> None:
    """Write one line into the timeline of `transfer`, and with it the columns `values`; whoever works on the version
    before looks again."""
    t, version = transfers.c, transfer.version + 1
    set_ = {**values, "version": version, "changed_at": change.now}
    change.connection.execute(update(transfers).where(t.id == transfer.id, t.version == transfer.version).values(set_))
    change.touch(transfer)
    change.connection.execute(
        insert(events),
        {
            "transfer_id": transfer.id,
            "version": version,
            "at": change.now,
            "kind": "release" if what == RELEASED else "event",
            "what": what,
            "stage": Stage.OPERATE if actor else Stage.PACK,
            "state": transfer.state,
            "code": code,
            "note": storable(note)[:_NOTE_MAX],
            "actor": storable(actor),
        },
    )
