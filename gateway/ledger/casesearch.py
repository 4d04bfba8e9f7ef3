"""Finding transfers by the beginning of a case number, in about the same time however many cases begin so."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, case, func, literal, or_, select
from sqlalchemy.sql.elements import ColumnElement

from gateway.domain.ids import TransferId
from gateway.domain.lifecycle import Direction
from gateway.domain.records import Transfer
from gateway.ledger import queries
from gateway.ledger.prepared import param, rows, value
from gateway.ledger.queries import TransferFilter, begins, end_of
from gateway.ledger.rows import select_transfers
from gateway.ledger.schema import CASE_PAGE, NUMBERED_CASE, PAGE_SHIFT, transfers
from gateway.ledger.schema_matters import NUMBER_PAGE, matter_numbers
from gateway.standard.casenumbers import normal_number

CROWD: Final = 4_096
"""So many numbers that begin alike are sorted to find the newest; with more of them, the pages are walked."""

PAGES_LOOKED_AT: Final = 16
"""So many pages, the newest, are read through for what very many begin with and nothing else tells apart: a quarter of
a million transfers, which takes some tenths of a second."""

_t, _n = transfers.c, matter_numbers.c


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave. `looked_back_to`: what was recorded before this one was not looked at; None: all was."""

    transfers: tuple[Transfer, ...]
    looked_back_to: TransferId | None = None


def search(connection: Connection, wanted: TransferFilter, limit: int, offset: int) -> Found:
    """Return what the filter lets through, newest first; where very many cases begin so, what was recorded last."""
    if not wanted.case or wanted.exact or not _is_crowded(connection, wanted.case):
        return Found(tuple(queries.read(connection, queries.search(wanted, limit, offset))))
    if not queries.tests(wanted):
        return Found(_of(connection, _newest(connection, wanted.case, limit + offset)[offset:]))
    for telling in _others(wanted):
        if not _are_many(connection, telling):
            # Its index leads to few, of which all else is asked.
            newest = (_t.found_at.desc(), _t.id.desc())
            query = select_transfers().where(*queries.tests(telling), _passes(wanted)).order_by(*newest)
            return Found(tuple(queries.read(connection, query.limit(limit).offset(offset))))
    return _among_the_newest(connection, wanted, limit, offset)


def _among_the_newest(connection: Connection, wanted: TransferFilter, limit: int, offset: int) -> Found:
    """Return what passes of the newest pages of ids: no index tells what is wanted from what is not."""
    last = value(connection, _last_id, {}) or 0
    oldest = max(0, (last >> PAGE_SHIFT) + 1 - PAGES_LOOKED_AT)
    ids: list[int] = []
    for page in range(last >> PAGE_SHIFT, oldest - 1, -1):
        its = _t.id.between(page << PAGE_SHIFT, ((page + 1) << PAGE_SHIFT) - 1)
        query = select(_t.id).where(its, _passes(wanted)).order_by(_t.id.desc()).limit(limit + offset - len(ids))
        ids += connection.execute(query).scalars()
        if len(ids) >= limit + offset:
            return Found(_of(connection, ids[offset:]))
    return Found(_of(connection, ids[offset:]), TransferId(oldest << PAGE_SHIFT) if oldest else None)


def _of(connection: Connection, ids: list[int]) -> tuple[Transfer, ...]:
    """Return these transfers, the one recorded last first."""
    if not ids:
        return ()
    return tuple(queries.read(connection, select_transfers().where(_t.id.in_(ids)).order_by(_t.id.desc())))


def _others(wanted: TransferFilter) -> Iterator[TransferFilter]:
    """Yield what is wanted beside the case and an index answers, one by one."""
    if wanted.held:
        yield TransferFilter(held=True)
    if wanted.failing:
        yield TransferFilter(failing=True)
    if wanted.direction is Direction.RELAY:
        yield TransferFilter(direction=wanted.direction)
    if wanted.since is not None or wanted.until is not None:
        yield TransferFilter(since=wanted.since, until=wanted.until)
    alone: dict[str, Any] = {"state": wanted.state, "link": wanted.link, "flow": wanted.flow, "text": wanted.text}
    alone["peer"] = wanted.peer if wanted.direction is not Direction.RELAY else None
    for name, one in alone.items():
        if one:
            yield TransferFilter(**{name: one})


def _are_many(connection: Connection, wanted: TransferFilter) -> bool:
    some = select(_t.id).where(*queries.tests(wanted)).limit(CROWD).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one() >= CROWD


def _is_crowded(connection: Connection, case: str) -> bool:
    """Whether very many transfers, or numbers of what is in them, begin so."""
    return any(
        value(connection, _so_many, {**bounds, "most": CROWD}, is_own) >= CROWD for is_own, bounds in _ranges(case)
    )


def _newest(connection: Connection, case: str, most: int) -> list[int]:
    """Return the ids of the `most` transfers that were recorded last, of those whose numbers begin so, descending.

    Page by page from the newest, as ids are given out; within a page by the number, so nothing else is read.
    """
    ranges = _ranges(case)
    last = value(connection, _last_id, {}) or 0
    found: list[int] = []
    for page in range(last >> PAGE_SHIFT, -1, -1):
        its: set[int] = set()
        for is_own, bounds in ranges:
            its.update(one for (one,) in rows(connection, _on_page, {**bounds, "page": page, "most": most}, is_own))
        found += sorted(its, reverse=True)
        if len(found) >= most:
            break
    return found[:most]


def _ranges(case: str) -> list[tuple[bool, dict[str, str]]]:
    """Return where the numbers that begin so stand: of transfers (True), and of what is in them, in its own spelling.

    None where nothing stands behind them: no number begins with the last of all characters.
    """
    both = ((True, case), (False, normal_number(case) or case))
    return [(is_own, {"low": low, "high": high}) for is_own, low in both if (high := end_of(low)) is not None]


def _in_range(is_own: bool) -> tuple[ColumnElement[bool], ...]:
    number = _t.case_no if is_own else _n.number
    its = (number >= param("low"), number < param("high"))
    return (*its, NUMBERED_CASE) if is_own else its


def _so_many(is_own: bool) -> Select[int]:
    some = select((_t.id if is_own else _n.transfer_id).label("id")).where(*_in_range(is_own)).limit(param("most"))
    return select(func.count()).select_from(some.subquery())


def _on_page(is_own: bool) -> Select[int]:
    page, number = (CASE_PAGE, _t.id) if is_own else (NUMBER_PAGE, _n.transfer_id)
    its = select(number).where(page == param("page"), *_in_range(is_own))
    return its.order_by(number.desc()).limit(param("most"))


def _last_id() -> Select[int]:
    return select(func.max(_t.id))


def _passes(wanted: TransferFilter) -> ColumnElement[bool]:
    """Test for all that is wanted, in such a way that no database goes by an index for any of it."""
    other = begins(_n.number, normal_number(wanted.case) or wanted.case)
    is_of_case = or_(begins(_t.case_no, wanted.case), select(_n.number).where(_n.transfer_id == _t.id, other).exists())
    return case((and_(is_of_case, *queries.tests(wanted)), literal(1)), else_=literal(0)) == literal(1)
