"""Where the talk of inventories with each peer stands: what was asked, what was answered, what is owed."""

from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, or_, select, union, update

from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.ledger.prepared import param, row, rows
from gateway.ledger.schema import asks, resyncs, streams, transfers

_ASKS_MAX: Final = 16
"""Asks to one peer that an answer may still be for."""


@dataclass(frozen=True, slots=True)
class PeerWord:
    """Where the talk with one peer stands. Times are seconds since 1970 UTC by our clock, None where never.

    wanted_at, why: an inventory of ours is to be sent.     asked_at: when the last one went that asked for an answer.
    heard_at: when the last answer came.     theirs: the peer's last inventory, as it was signed.
    owed:     its name, if the peer waits for our answer; else empty.     gap_since: since when numbers are missing.
    """

    peer: UnitCode
    wanted_at: float | None = None
    why: str = ""
    asked_at: float | None = None
    heard_at: float | None = None
    theirs: bytes | None = None
    owed: str = ""
    halted: str = ""
    """Code of why nothing is sent to this peer any more."""
    gap_since: float | None = None


def word(connection: Connection, peer: UnitCode) -> PeerWord:
    """Return where the talk with `peer` stands."""
    found = row(connection, _word, {"peer": peer})
    return PeerWord(peer) if found is None else PeerWord(*found)


def pressing(connection: Connection) -> list[PeerWord]:
    """Return the talks in which something is to be done or looked at."""
    return [PeerWord(*found) for found in rows(connection, _pressing, {})]


def halted(connection: Connection) -> list[PeerWord]:
    """Return the talks that are halted."""
    return [PeerWord(*found) for found in rows(connection, _halted, {})]


def peers(connection: Connection) -> list[UnitCode]:
    """Return every unit that there is a stream with, or that we have talked with."""
    query = union(select(streams.c.peer), select(resyncs.c.peer)).order_by("peer")
    return [UnitCode(row[0]) for row in connection.execute(query)]


def closed_to(connection: Connection, *, asks_first: bool) -> frozenset[UnitCode]:
    """Return the recipients that nothing may be sent to now."""
    r, t = resyncs.c, transfers.c
    found = {word.peer for word in halted(connection)}
    if asks_first:
        waiting = select(t.peer).where(t.direction == Direction.OUTBOUND, t.state.in_((State.SEALED, State.SENT)))
        heard = select(r.peer).where(r.heard_at.is_not(None))
        found |= set(connection.execute(waiting.where(t.peer.not_in(heard)).distinct()).scalars())
    return frozenset(map(UnitCode, found))


def note(connection: Connection, peer: UnitCode, **facts: Any) -> None:
    """Set columns of a peer's row; it is made if there is none."""
    if connection.execute(select(resyncs.c.peer).where(resyncs.c.peer == peer)).first() is None:
        connection.execute(insert(resyncs), {"peer": peer, "why": "", "owed": "", "halted": ""})
    if facts:
        connection.execute(update(resyncs).where(resyncs.c.peer == peer).values(facts))


def ask(connection: Connection, peer: UnitCode, name: str, now: float) -> None:
    """Record that an inventory that asks is being sent; the newest `_ASKS_MAX` are remembered."""
    note(connection, peer, asked_at=now)
    connection.execute(insert(asks), {"peer": peer, "name": name, "at": now})
    kept = select(asks.c.id).where(asks.c.peer == peer).order_by(asks.c.id.desc()).limit(_ASKS_MAX)
    connection.execute(delete(asks).where(asks.c.peer == peer, asks.c.id.not_in(kept)))


def answered(connection: Connection, peer: UnitCode, name: str) -> float | None:
    """Return when we asked what `name` asked, and forget it and what was asked earlier; None if that is long answered.

    Several asks may lie in the peer's mailbox at once, in no order; it answers whichever it reads last.
    """
    row = connection.execute(select(asks.c.id, asks.c.at).where(asks.c.peer == peer, asks.c.name == name)).first()
    if row is None:
        return None
    connection.execute(delete(asks).where(asks.c.peer == peer, asks.c.id <= row.id))
    return float(row.at)


def note_gap(connection: Connection, peer: UnitCode, now: float) -> None:
    """Record that a number of `peer` was delivered before one that is lower; the first time counts."""
    if word(connection, peer).gap_since is None:
        note(connection, peer, gap_since=now)


def _words() -> Select[*tuple[Any, ...]]:
    return select(*(resyncs.c[one.name] for one in fields(PeerWord))).order_by(resyncs.c.peer)


def _word() -> Select[*tuple[Any, ...]]:
    return _words().where(resyncs.c.peer == param("peer"))


def _pressing() -> Select[*tuple[Any, ...]]:
    r = resyncs.c
    return _words().where(or_(r.wanted_at.is_not(None), r.owed != "", r.gap_since.is_not(None)))


def _halted() -> Select[*tuple[Any, ...]]:
    return _words().where(resyncs.c.halted != "")
