"""Between rows of the tables and the records of the domain."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, Select, select

from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, RouteName, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Priority, ReceiptCode, ReceiptRecord, Transfer
from gateway.ledger.schema import receipts, transfers

_Id = TypeVar("_Id", bound=str)
T = TypeVar("T")

AT_ONCE: Final = 500
"""Values in one IN list; databases limit the parameters of a statement (SQLite before 3.32: 999)."""

DERIVED: Final = frozenset({"peer", "copy", "lane", "turn"})
"""Columns that only answer questions; a transfer is read without them."""
_COLUMNS: Final = tuple(column for column in transfers.c if column.name not in DERIVED)


@cache
def select_transfers() -> Select[*tuple[Any, ...]]:
    """Return the select whose rows `to_transfer` reads; built once, since a select never changes."""
    return select(*_COLUMNS)


def to_transfer(row: Row[*tuple[Any, ...]]) -> Transfer:
    """Return the transfer in a row of `select_transfers`."""
    r = row._mapping
    return Transfer(
        id=TransferId(r["id"]),
        version=r["version"],
        direction=Direction(r["direction"]),
        state=State(r["state"]),
        link=_or_none(LinkName, r["link"]),
        route=_or_none(RouteName, r["route"]),
        origin=_or_none(UnitCode, r["origin"]),
        recipient=_or_none(UnitCode, r["recipient"]),
        bundle_id=_or_none(BundleId, r["bundle_id"]),
        header_hash=_or_none(Digest, r["header_hash"]),
        epoch=r["epoch"],
        sequence=r["sequence"],
        flow=r["flow"],
        case_no=r["case_no"],
        export_name=r["export_name"],
        claim=_or_none(ClaimToken, r["claim"]),
        size=r["size"],
        found_at=r["found_at"],
        changed_at=r["changed_at"],
        owed_since=r["owed_since"],
        settled_at=r["settled_at"],
        attempts=r["attempts"],
        next_attempt_at=r["next_attempt_at"],
        receipt_due_at=r["receipt_due_at"],
        hold_code=r["hold_code"],
        last_error=r["last_error"],
        verdict=r["verdict"],
        business_key=r["business_key"],
        content_hash=_or_none(Digest, r["content_hash"]),
        priority=Priority(r["priority"]),
        earlier=_or_none(BundleId, r["earlier"]),
    )


def fetch(connection: Connection, ids: Sequence[TransferId]) -> dict[TransferId, Transfer]:
    """Return the transfers with these ids; unknown ids are left out."""
    found: dict[TransferId, Transfer] = {}
    for part in parts(ids):
        rows = connection.execute(select_transfers().where(transfers.c.id.in_(part)))
        found.update((transfer.id, transfer) for transfer in map(to_transfer, rows))
    return found


def parts(values: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Yield `values` in lists of at most `size`."""
    everything = list(values)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


def select_receipts() -> Select[str, str, str, str, float, bytes]:
    """Return the select whose rows `to_receipt` reads."""
    c = receipts.c
    return select(c.bundle_id, c.header_hash, c.code, c.issuer, c.issued_at, c.raw)


def to_receipt(row: Row[str, str, str, str, float, bytes]) -> ReceiptRecord:
    """Return the receipt in a row of `select_receipts`."""
    bundle_id, header_hash, code, issuer, issued_at, raw = row
    return ReceiptRecord(BundleId(bundle_id), Digest(header_hash), ReceiptCode(code), UnitCode(issuer), issued_at, raw)


def storable(text: str) -> str:
    """Return `text` as both databases keep it: NUL, and bytes that were no UTF-8 (lone surrogates), become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")


def _or_none(kind: Callable[[str], _Id], value: str | None) -> _Id | None:
    return None if value is None else kind(value)
