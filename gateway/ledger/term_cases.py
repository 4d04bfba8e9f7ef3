"""What passed of one case: which packages belong together, and what is to be known of each to count its terms."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, Label, Select, exists, func, select, union, union_all

from gateway.domain.answers import Kind
from gateway.domain.deadlines import Answering, SeenPackage
from gateway.domain.ids import BundleId, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode
from gateway.ledger.prepared import listed, rows_among
from gateway.ledger.schema import receipts, transfers
from gateway.ledger.schema_answers import answers, asked, withdrawals
from gateway.ledger.schema_matters import matter_numbers, matters
from gateway.ledger.schema_terms import terms
from gateway.standard.matter import from_bytes

CASE_MAX: Final = 500
"""Packages of one case that its terms are counted from, the newest; a case that goes through every stage has fifty."""
NEVER: Final = (State.REFUSED, State.REJECTED, State.DISMISSED, State.DUPLICATE)
"""States of what did not reach anybody: nothing counts from it."""


@dataclass(frozen=True, slots=True)
class Case:
    """What belongs together. transfers: every package; seen: what passed of these, oldest first, without what reached
    nobody."""

    transfers: frozenset[TransferId]
    seen: tuple[SeenPackage, ...]


_TAKES_BACK: Final = (
    (withdrawals.c.bundle_id == transfers.c.bundle_id)
    & (withdrawals.c.direction == transfers.c.direction)
    & (withdrawals.c.peer == transfers.c.peer + "")
)
"""Whether a withdrawal takes a transfer back; the sum keeps a database from walking all that a peer ever exchanged."""


def in_company(connection: Connection, ids: Collection[TransferId]) -> set[TransferId]:
    """Return those of `ids` that have any next of kin: most packages are the whole of their case."""
    return {TransferId(one) for (one,) in rows_among(connection, _company, "id", ids)}


def kin(connection: Connection, first: TransferId) -> set[TransferId]:
    """Return the packages of the case to which `first` belongs: by numbers, by what answers, corrects or withdraws
    what, and by what has ended a term. At most about CASE_MAX, the nearest."""
    found, new = {first}, {first}
    while new and len(found) < CASE_MAX:
        known = [TransferId(one) for (one,) in rows_among(connection, _kin, "id", sorted(new))]
        new = set(known) - found
        found |= new
    return found


def seen_of(connection: Connection, ids: Collection[TransferId]) -> Iterator[SeenPackage]:
    """Return what is to be known of the packages `ids`, oldest first; of at most CASE_MAX, the newest."""
    newest = sorted(ids)[-CASE_MAX:]
    arrived = {transfer: (issued, heard) for transfer, issued, heard in rows_among(connection, _arrivals, "id", newest)}
    answering = _answering(connection, newest)
    for found in rows_among(connection, _packages, "id", newest):
        transfer, direction, peer, bundle, case_no, copy, at, raw, corrected, withdrawn = found
        is_outbound = direction == Direction.OUTBOUND
        issued, heard = arrived.get(transfer, (None, None)) if is_outbound else (at, None)
        yield SeenPackage(
            transfer=TransferId(transfer),
            is_outbound=is_outbound,
            peer=UnitCode(peer or ""),
            bundle=BundleId(bundle or ""),
            case_no=case_no,
            at=at,
            arrived_at=issued,
            heard_at=heard,
            is_copy=bool(copy),
            matter=from_bytes(raw),
            answering=answering.get(transfer, ()),
            corrected=None if corrected is None else TransferId(corrected),
            withdrawn=None if withdrawn is None else TransferId(withdrawn),
        )


def _answering(connection: Connection, replies: Collection[TransferId]) -> dict[int, tuple[Answering, ...]]:
    found: dict[int, tuple[Answering, ...]] = {}
    for reply, request, position, kind in rows_among(connection, _ties, "id", replies):
        tie = Answering(TransferId(request), position, kind == Kind.INTERIM)
        found[reply] = (*found.get(reply, ()), tie)
    return found


# -- the questions, see prepared.py ------------------------------------------------------------------------------------


def _company(length: int) -> CompoundSelect[TransferId]:
    """Select those of some transfers that `_kin` would find anything for but themselves."""
    ids = listed("id", length)
    mine, theirs = matter_numbers.alias(), matter_numbers.alias()
    same = (theirs.c.scheme == mine.c.scheme, theirs.c.number == mine.c.number)
    shared = exists().where(*same, theirs.c.transfer_id != mine.c.transfer_id)
    taken_back = select(transfers.c.id).join(withdrawals, _TAKES_BACK)
    return union(
        select(mine.c.transfer_id).where(mine.c.transfer_id.in_(ids), shared),
        select(asked.c.transfer_id).where(asked.c.transfer_id.in_(ids), asked.c.corrected.is_not(None)),
        select(asked.c.corrected).where(asked.c.corrected.in_(ids)),
        select(answers.c.reply_id).where(answers.c.reply_id.in_(ids)),
        select(answers.c.request_id).where(answers.c.request_id.in_(ids)),
        select(withdrawals.c.transfer_id).where(withdrawals.c.transfer_id.in_(ids)),
        taken_back.where(transfers.c.id.in_(ids)),
        select(terms.c.ended_by).where(terms.c.ended_by.in_(ids)),
    )


def _kin(length: int) -> Select[TransferId]:
    """Select what is next of kin to some transfers."""
    ids = listed("id", length)
    mine, theirs = matter_numbers.alias(), matter_numbers.alias()
    numbered = (
        select(theirs.c.transfer_id)
        .join(mine, (mine.c.scheme == theirs.c.scheme) & (mine.c.number == theirs.c.number))
        .where(mine.c.transfer_id.in_(ids))
        .order_by(theirs.c.transfer_id.desc())
        .limit(CASE_MAX)
        .subquery()
    )
    withdrawn = select(transfers.c.id).join(withdrawals, _TAKES_BACK)
    taking_back = select(withdrawals.c.transfer_id).join(transfers, _TAKES_BACK)
    everything = union_all(
        select(numbered.c.transfer_id),
        select(asked.c.corrected).where(asked.c.transfer_id.in_(ids)),
        select(asked.c.transfer_id).where(asked.c.corrected.in_(ids)),
        select(answers.c.request_id).where(answers.c.reply_id.in_(ids)),
        select(answers.c.reply_id).where(answers.c.request_id.in_(ids)),
        withdrawn.where(withdrawals.c.transfer_id.in_(ids)),
        taking_back.where(transfers.c.id.in_(ids)),
        # What moved may have ended something to which nothing else leads any more.
        select(terms.c.transfer_id).where(terms.c.ended_by.in_(ids)),
    ).subquery()
    (column,) = everything.c
    return select(column).where(column.is_not(None)).distinct().limit(2 * CASE_MAX)


def _packages(length: int) -> Select[*tuple[Any, ...]]:
    c = transfers.c
    query = (
        select(c.id, c.direction, c.peer, c.bundle_id, c.case_no, c.copy, matters.c.at, matters.c.raw)
        .add_columns(asked.c.corrected, _withdrawn())
        .join(matters, matters.c.transfer_id == c.id)
        .outerjoin(asked, asked.c.transfer_id == c.id)
        .where(c.id.in_(listed("id", length)), c.state.not_in(NEVER))
    )
    return query.order_by(c.id)


def _withdrawn() -> Label[int | None]:
    """Select the first that took a transfer back and was not refused itself."""
    by = transfers.alias()
    query = select(func.min(withdrawals.c.transfer_id)).join(by, by.c.id == withdrawals.c.transfer_id)
    its = query.where(_TAKES_BACK, by.c.state.not_in(NEVER)).correlate(transfers)
    return its.scalar_subquery().label("withdrawn")


def _ties(length: int) -> Select[*tuple[Any, ...]]:
    a = answers.c
    query = select(a.reply_id, a.request_id, a.position, a.kind).where(
        a.reply_id.in_(listed("id", length)), a.void.is_(None)
    )
    return query.order_by(a.reply_id, a.reply_position)


def _arrivals(length: int) -> Select[*tuple[Any, ...]]:
    """Select of each the first word of the recipient's that it was delivered, or collected."""
    c = receipts.c
    codes = (ReceiptCode.DELIVERED, ReceiptCode.COLLECTED)
    return (
        select(c.transfer_id, func.min(c.issued_at).label("issued_at"), func.min(c.at).label("at"))
        .join(transfers, transfers.c.id == c.transfer_id)
        .where(c.transfer_id.in_(listed("id", length)), c.code.in_(codes), c.issuer == transfers.c.peer)
        .group_by(c.transfer_id)
    )
