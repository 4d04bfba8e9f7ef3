"""What passed of one case: which packages belong together, and what is to be known of each to count its terms."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Label, Select, bindparam, func, select, union_all

from gateway.domain.answers import Kind
from gateway.domain.deadlines import Answering, SeenPackage
from gateway.domain.ids import BundleId, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode
from gateway.ledger.prepared import parts
from gateway.ledger.schema import receipts, transfers
from gateway.ledger.schema_answers import answers, asked, withdrawals
from gateway.ledger.schema_matters import matter_numbers, matters
from gateway.ledger.schema_terms import terms
from gateway.standard.matter import from_bytes

CASE_MAX: Final = 500
"""Packages of one case that its terms are counted from, the newest; a case that goes through every stage has fifty."""
NEVER: Final = (State.REFUSED, State.REJECTED, State.DISMISSED, State.DUPLICATE)
"""States of what did not reach anybody: nothing counts from it."""


_IDS: Final[BindParameter[TransferId]] = bindparam("ids", expanding=True)
_TAKES_BACK: Final = (
    (withdrawals.c.bundle_id == transfers.c.bundle_id)
    & (withdrawals.c.direction == transfers.c.direction)
    & (withdrawals.c.peer == transfers.c.peer)
)


def kin(connection: Connection, first: TransferId) -> set[TransferId]:
    """Return the packages of the case to which `first` belongs: by numbers, by what answers, corrects or withdraws
    what, and by what has ended a term. At most about CASE_MAX, the nearest."""
    found, new = {first}, {first}
    while new and len(found) < CASE_MAX:
        known = [one for part in parts(sorted(new)) for one in connection.execute(_KIN, {"ids": part}).scalars()]
        new = set(known) - found
        found |= new
    return found


def seen_of(connection: Connection, ids: Collection[TransferId]) -> Iterator[SeenPackage]:
    """Return what is to be known of the packages `ids`, oldest first; of at most CASE_MAX, the newest."""
    newest = sorted(ids)[-CASE_MAX:]
    arrived = {
        r.transfer_id: (r.issued_at, r.at)
        for part in parts(newest)
        for r in connection.execute(_ARRIVALS, {"ids": part})
    }
    for part in parts(newest):
        answering = _answering(connection, part)
        for row in connection.execute(_PACKAGES, {"ids": part}):
            is_outbound = row.direction == Direction.OUTBOUND
            issued, heard = arrived.get(row.id, (None, None)) if is_outbound else (row.at, None)
            yield SeenPackage(
                transfer=TransferId(row.id),
                is_outbound=is_outbound,
                peer=UnitCode(row.peer or ""),
                bundle=BundleId(row.bundle_id or ""),
                case_no=row.case_no,
                at=row.at,
                arrived_at=issued,
                heard_at=heard,
                is_copy=bool(row.copy),
                matter=from_bytes(row.raw),
                answering=answering.get(row.id, ()),
                corrected=None if row.corrected is None else TransferId(row.corrected),
                withdrawn=None if row.withdrawn is None else TransferId(row.withdrawn),
            )


def _answering(connection: Connection, replies: Sequence[TransferId]) -> dict[int, tuple[Answering, ...]]:
    found: dict[int, tuple[Answering, ...]] = {}
    for row in connection.execute(_ANSWERING, {"ids": replies}):
        tie = Answering(TransferId(row.request_id), row.position, row.kind == Kind.INTERIM)
        found[row.reply_id] = (*found.get(row.reply_id, ()), tie)
    return found


# -- the questions, each put together once: to do so costs more than to ask them, and each case asks them all ---------


def _kin_query() -> Select[TransferId]:
    """Select what is next of kin to the transfers `ids`; made once, since it is asked for every case."""
    mine, theirs = matter_numbers.alias(), matter_numbers.alias()
    numbered = (
        select(theirs.c.transfer_id)
        .join(mine, (mine.c.scheme == theirs.c.scheme) & (mine.c.number == theirs.c.number))
        .where(mine.c.transfer_id.in_(_IDS))
        .order_by(theirs.c.transfer_id.desc())
        .limit(CASE_MAX)
        .subquery()
    )
    withdrawn = select(transfers.c.id).join(withdrawals, _TAKES_BACK)
    taking_back = select(withdrawals.c.transfer_id).join(transfers, _TAKES_BACK)
    everything = union_all(
        select(numbered.c.transfer_id),
        select(asked.c.corrected).where(asked.c.transfer_id.in_(_IDS)),
        select(asked.c.transfer_id).where(asked.c.corrected.in_(_IDS)),
        select(answers.c.request_id).where(answers.c.reply_id.in_(_IDS)),
        select(answers.c.reply_id).where(answers.c.request_id.in_(_IDS)),
        withdrawn.where(withdrawals.c.transfer_id.in_(_IDS)),
        taking_back.where(transfers.c.id.in_(_IDS)),
        # What moved may have ended something to which nothing else leads any more.
        select(terms.c.transfer_id).where(terms.c.ended_by.in_(_IDS)),
    ).subquery()
    (column,) = everything.c
    return select(column).where(column.is_not(None)).distinct().limit(2 * CASE_MAX)


def _packages_query() -> Any:
    c = transfers.c
    query = (
        select(c.id, c.direction, c.peer, c.bundle_id, c.case_no, c.copy, matters.c.at, matters.c.raw)
        .add_columns(asked.c.corrected, _withdrawn())
        .join(matters, matters.c.transfer_id == c.id)
        .outerjoin(asked, asked.c.transfer_id == c.id)
        .where(c.id.in_(_IDS), c.state.not_in(NEVER))
    )
    return query.order_by(c.id)


def _withdrawn() -> Label[int | None]:
    """Select the first that took a transfer back and was not refused itself."""
    by = transfers.alias()
    query = select(func.min(withdrawals.c.transfer_id)).join(by, by.c.id == withdrawals.c.transfer_id)
    its = query.where(_TAKES_BACK, by.c.state.not_in(NEVER)).correlate(transfers)
    return its.scalar_subquery().label("withdrawn")


def _answering_query() -> Any:
    a = answers.c
    query = select(a.reply_id, a.request_id, a.position, a.kind).where(a.reply_id.in_(_IDS), a.void.is_(None))
    return query.order_by(a.reply_id, a.reply_position)


def _arrivals_query() -> Any:
    """Select of each the first word of the recipient's that it was delivered, or collected."""
    c = receipts.c
    codes = (ReceiptCode.DELIVERED, ReceiptCode.COLLECTED)
    return (
        select(c.transfer_id, func.min(c.issued_at).label("issued_at"), func.min(c.at).label("at"))
        .join(transfers, transfers.c.id == c.transfer_id)
        .where(c.transfer_id.in_(_IDS), c.code.in_(codes), c.issuer == transfers.c.peer)
        .group_by(c.transfer_id)
    )


_KIN: Final = _kin_query()
_PACKAGES: Final = _packages_query()
_ANSWERING: Final = _answering_query()
_ARRIVALS: Final = _arrivals_query()
