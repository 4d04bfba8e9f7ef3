"""Where the talk of inventories with each peer stands: what was asked, what was answered, what is owed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gateway.domain.ids import UnitCode
from gateway.ledger.schema import resyncs


@dataclass(frozen=True, slots=True)
class PeerWord:
    """Where the talk with one peer stands. Times are seconds since 1970 UTC by our clock, None where never.

    wanted_at, why: an inventory of ours is to be sent.     ask, asked_at: the last one that asked for an answer.
    heard_at: when the last answer came.     theirs: the peer's last inventory, as it was signed.
    owed:     its name, if the peer waits for our answer; else empty.     gap_since: since when numbers are missing.
    """

    peer: UnitCode
    wanted_at: float | None = None
    why: str = ""
    ask: str = ""
    asked_at: float | None = None
    heard_at: float | None = None
    theirs: bytes | None = None
    owed: str = ""
    gap_since: float | None = None


def word(connection: Connection, peer: UnitCode) -> PeerWord:
    """Return where the talk with `peer` stands."""
    row = connection.execute(select(resyncs).where(resyncs.c.peer == peer)).first()
    return PeerWord(peer) if row is None else PeerWord(**row._mapping)


def note(connection: Connection, peer: UnitCode, **facts: Any) -> None:
    """Set columns of a peer's row; it is made if there is none."""
    if connection.execute(select(resyncs.c.peer).where(resyncs.c.peer == peer)).first() is None:
        connection.execute(insert(resyncs), {"peer": peer, "why": "", "ask": "", "owed": ""})
    if facts:
        connection.execute(update(resyncs).where(resyncs.c.peer == peer).values(facts))


def note_gap(connection: Connection, peer: UnitCode, now: float) -> None:
    """Record that a number of `peer` was delivered before one that is lower; the first time counts."""
    if word(connection, peer).gap_since is None:
        note(connection, peer, gap_since=now)
