"""Finding transfers by the beginning of a case number, in about the same time however many cases begin so."""

from typing import Final

from sqlalchemy import Connection, Select, func, literal_column, or_, select
from sqlalchemy.sql.elements import ColumnElement

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

_t, _n = transfers.c, matter_numbers.c


def search(connection: Connection, wanted: TransferFilter, limit: int, offset: int) -> list[Transfer]:
    """Return what the filter lets through, newest first; where very many cases begin so, what was recorded last."""
    if not wanted.case or wanted.exact or not _is_crowded(connection, wanted.case):
        return queries.read(connection, queries.search(wanted, limit, offset))
    if tests := queries.tests(wanted):
        # The case tells nothing then: any other index is the better one, and the newest are looked at first.
        newest = (_t.found_at.desc(), _t.id.desc())
        query = select_transfers().where(_begins_untold(wanted.case), *tests)
        return queries.read(connection, query.order_by(*newest).limit(limit).offset(offset))
    ids = _newest(connection, wanted.case, limit + offset)[offset:]
    return queries.read(connection, select_transfers().where(_t.id.in_(ids)).order_by(_t.id.desc())) if ids else []


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


def _begins_untold(case: str) -> ColumnElement[bool]:
    """Test for the beginning of a number in such a way that no index of numbers is used."""
    untold = _t.case_no.concat(literal_column("''"))
    other = begins(_n.number, normal_number(case) or case)
    return or_(begins(untold, case), select(_n.number).where(_n.transfer_id == _t.id, other).exists())
