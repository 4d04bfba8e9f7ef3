"""Between rows of the tables and the records of the domain."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select

from gateway.domain.ids import BundleId, Digest, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Priority, ReceiptCode, ReceiptRecord, Transfer
from gateway.ledger.prepared import listed, rows_among
from gateway.ledger.schema import receipts, transfers

DERIVED: Final = frozenset({"peer", "copy", "lane", "turn", "owing"})
"""Columns that only answer questions; a transfer is read without them."""
_COLUMNS: Final = tuple(transfers.c[one.name] for one in fields(Transfer))
_its: Final = attrgetter(*(one.name for one in fields(Transfer)))
_PLACES: Final = MappingProxyType({one.name: place for place, one in enumerate(fields(Transfer))})
_DIRECTION, _STATE, _PRIORITY = (_COLUMNS.index(transfers.c[name]) for name in ("direction", "state", "priority"))


@cache
def select_transfers() -> Select[*tuple[Any, ...]]:
    """Return the select whose rows `to_transfer` reads; built once, since a select never changes."""
    return select(*_COLUMNS)


def to_transfer(row: Sequence[Any]) -> Transfer:
    """Return the transfer in a row of `select_transfers`."""
    values = list(row)
    values[_DIRECTION] = Direction(values[_DIRECTION])
    values[_STATE] = State(values[_STATE])
    values[_PRIORITY] = Priority(values[_PRIORITY])
    return Transfer(*values)


def changed(transfer: Transfer, values: Mapping[str, Any]) -> Transfer:
    """Return `transfer` with other `values`, by the names of its fields; KeyError for another name.

    As `dataclasses.replace`, which takes twice as long for so many fields.
    """
    its = list(_its(transfer))
    for name, value in values.items():
        its[_PLACES[name]] = value
    return Transfer(*its)


def fetch(connection: Connection, ids: Sequence[TransferId]) -> dict[TransferId, Transfer]:
    """Return the transfers with these ids; unknown ids are left out."""
    found = map(to_transfer, rows_among(connection, _by_id, "id", ids))
    return {transfer.id: transfer for transfer in found}


def _by_id(length: int) -> Select[*tuple[Any, ...]]:
    return select_transfers().where(transfers.c.id.in_(listed("id", length)))


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
    if text.isascii() and "\x00" not in text:
        return text  # most are
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")
