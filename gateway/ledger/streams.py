"""Streams and their sequence numbers: given out without gaps, delivered at most once, and what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Insert, Select, Update, select, update
from sqlalchemy.sql.elements import ColumnElement

from gateway.domain.errors import PermanentError, SecurityError, TransientError
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.domain.lifecycle import Direction
from gateway.domain.records import Transfer
from gateway.ledger import talks
from gateway.ledger.change import adding
from gateway.ledger.prepared import listed, param, rows_among, value, write, write_many
from gateway.ledger.schema import seen, streams


@dataclass(frozen=True, slots=True)
class Named:
    """A bundle as its envelope names it; `sequence` is None if it is not addressed to us."""

    origin: UnitCode
    bundle_id: BundleId
    epoch: int
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was delivered under the names and numbers of some bundles."""

    headers: Mapping[tuple[UnitCode, BundleId], Digest]
    numbers: Mapping[tuple[UnitCode, int, int], BundleId]

    def as_named(self, one: Named) -> Digest | None:
        """Return the header hash under which a bundle of its id was delivered; None if none was."""
        return self.headers.get((one.origin, one.bundle_id))

    def as_numbered(self, one: Named) -> BundleId | None:
        """Return the bundle that was delivered under its number; None if none was."""
        return None if one.sequence is None else self.numbers.get((one.origin, one.epoch, one.sequence))


def give_out(connection: Connection, transfer: Transfer, epoch: int) -> None:
    """Move the outbound stream to the number the transfer was sealed under.

    A bundle of another epoch was sealed before our ledger was put back, and is only taken in again.
    Raises TransientError `sequence-conflict` unless it is the next one of our `epoch`; sealing again mends that.
    """
    recipient, sequence = transfer.recipient, transfer.sequence
    if recipient is None or sequence is None or transfer.bundle_id is None or transfer.header_hash is None:
        raise ValueError("sealed without recipient, sequence, bundle id or header hash")
    if transfer.epoch is not None and transfer.epoch != epoch:
        catch_up(connection, recipient, Direction.OUTBOUND, transfer.epoch, sequence)
        return
    expected = last(connection, recipient, Direction.OUTBOUND, epoch) + 1
    if sequence != expected:
        raise TransientError(
            "sequence-conflict",
            f"sealed as {sequence}, but the stream's next is {expected}",
            facts={"sequence": sequence, "expected": expected},
        )
    _move(connection, recipient, Direction.OUTBOUND, epoch, sequence)


def mark_seen(connection: Connection, delivered: Sequence[Transfer], now: float) -> None:
    """Record that bundles, at least one, have been delivered, in this order, once and for ever; a number left out below
    one of them is noted as a gap.

    Raises PermanentError `already-delivered`, SecurityError `equivocation` or `sequence-reused`.
    """
    rows = [_new_row(transfer, now) for transfer in delivered]
    known = seen_among(
        connection, [Named(one["origin"], one["bundle_id"], one["epoch"], one["sequence"]) for one in rows]
    )
    headers, numbers = dict(known.headers), dict(known.numbers)
    before = {
        (origin, epoch): last(connection, origin, Direction.INBOUND, epoch)
        for origin, epoch in {(one["origin"], one["epoch"]) for one in rows}
    }
    stands = dict(before)
    for one in rows:
        origin, bundle, epoch, sequence = one["origin"], one["bundle_id"], one["epoch"], one["sequence"]
        header = headers.get((origin, bundle))
        if header == one["header_hash"]:
            raise PermanentError("already-delivered", f"bundle {bundle} was delivered before by another transfer")
        if header is not None:
            raise SecurityError("equivocation", f"bundle {bundle} was delivered before with another header")
        if other := numbers.get((origin, epoch, sequence)):
            raise SecurityError(
                "sequence-reused", f"{origin} gave number {sequence} of epoch {epoch} to bundle {other} as well"
            )
        headers[origin, bundle], numbers[origin, epoch, sequence] = one["header_hash"], bundle
        if sequence > stands[origin, epoch] + 1:
            talks.note_gap(connection, origin, now)
        stands[origin, epoch] = max(stands[origin, epoch], sequence)
    write_many(connection, _new_seen, rows)
    for (origin, epoch), sequence in stands.items():
        if sequence > before[origin, epoch]:
            _move(connection, origin, Direction.INBOUND, epoch, sequence)


def catch_up(connection: Connection, peer: UnitCode, direction: Direction, epoch: int, sequence: int) -> None:
    """Move a stream to `sequence` if it stands lower."""
    if sequence > last(connection, peer, direction, epoch):
        _move(connection, peer, direction, epoch, sequence)


def doubt(connection: Connection, origin: UnitCode, epoch: int, sequence: int) -> None:
    """Record that it is not known of the numbers up to `sequence` whether they were delivered before a restore."""
    if last(connection, origin, Direction.INBOUND, epoch) == 0:
        _move(connection, origin, Direction.INBOUND, epoch, 0)
    doubted = update(streams).where(*_its_stream()).values(doubtful=sequence)
    connection.execute(doubted, _stream(origin, Direction.INBOUND, epoch))


def last(connection: Connection, peer: UnitCode, direction: Direction, epoch: int) -> int:
    """Return where a stream stands, 0 if nothing was ever sent on it."""
    return value(connection, _last, _stream(peer, direction, epoch)) or 0


def seen_as(connection: Connection, origin: UnitCode, bundle_id: BundleId) -> Digest | None:
    """Return the header hash under which a bundle was delivered; None if it was not."""
    found = value(connection, _seen_as, {"origin": origin, "bundle_id": bundle_id})
    return None if found is None else Digest(found)


def seen_among(connection: Connection, bundles: Iterable[Named]) -> Seen:
    """Return what was delivered under any of the names and numbers of `bundles`."""
    named: dict[UnitCode, list[BundleId]] = {}
    numbered: dict[tuple[UnitCode, int], list[int]] = {}
    for one in bundles:
        named.setdefault(one.origin, []).append(one.bundle_id)
        if one.sequence is not None:
            numbered.setdefault((one.origin, one.epoch), []).append(one.sequence)
    headers = {
        (origin, BundleId(bundle)): Digest(header)
        for origin, ids in named.items()
        for bundle, header in rows_among(connection, _seen_as_any, "bundle", ids, {"origin": origin})
    }
    numbers = {
        (origin, epoch, sequence): BundleId(bundle)
        for (origin, epoch), theirs in numbered.items()
        for sequence, bundle in rows_among(
            connection, _seen_under, "number", theirs, {"origin": origin, "epoch": epoch}
        )
    }
    return Seen(headers, numbers)


def _new_row(transfer: Transfer, now: float) -> dict[str, Any]:
    """Return the row of a bundle that has been delivered; ValueError unless all of it is known."""
    row = {
        "origin": transfer.origin,
        "bundle_id": transfer.bundle_id,
        "header_hash": transfer.header_hash,
        "epoch": transfer.epoch,
        "sequence": transfer.sequence,
        "transfer_id": transfer.id,
        "at": now,
    }
    if None in row.values():
        raise ValueError("delivered without origin, bundle id, header hash, epoch or sequence")
    return row


def _move(connection: Connection, peer: UnitCode, direction: Direction, epoch: int, sequence: int) -> None:
    if not write(connection, _moving, {**_stream(peer, direction, epoch), "its_sequence": sequence}):
        row = {"peer": peer, "direction": direction, "epoch": epoch, "sequence": sequence}
        write(connection, _new_stream, row)


def _stream(peer: UnitCode, direction: Direction, epoch: int) -> dict[str, str | int]:
    return {"its_peer": peer, "its_direction": direction, "its_epoch": epoch}


def _its_stream() -> tuple[ColumnElement[bool], ...]:
    c = streams.c
    return c.peer == param("its_peer"), c.direction == param("its_direction"), c.epoch == param("its_epoch")


def _last() -> Select[int]:
    return select(streams.c.sequence).where(*_its_stream())


def _moving() -> Update:
    return update(streams).where(*_its_stream()).values(sequence=param("its_sequence"))


def _new_stream() -> Insert:
    return adding(streams, ("peer", "direction", "epoch", "sequence"))


def _new_seen() -> Insert:
    return adding(seen, [column.name for column in seen.c])


def _seen_as() -> Select[str]:
    return select(seen.c.header_hash).where(seen.c.origin == param("origin"), seen.c.bundle_id == param("bundle_id"))


def _seen_as_any(length: int) -> Select[str, str]:
    c = seen.c
    return select(c.bundle_id, c.header_hash).where(
        c.origin == param("origin"), c.bundle_id.in_(listed("bundle", length))
    )


def _seen_under(length: int) -> Select[int, str]:
    c = seen.c
    its = (c.origin == param("origin"), c.epoch == param("epoch"), c.sequence.in_(listed("number", length)))
    return select(c.sequence, c.bundle_id).where(*its)
