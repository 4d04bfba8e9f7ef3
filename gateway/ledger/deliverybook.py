"""What was delivered here and what was signed about it, asked for many bundles at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Select

from gateway.domain.ids import BundleId
from gateway.domain.records import ReceiptRecord
from gateway.ledger import streams
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import listed, rows_among
from gateway.ledger.rows import select_receipts, to_receipt
from gateway.ledger.schema import receipts
from gateway.ledger.streams import Named, Seen


class DeliveryBook:
    """Questions about a batch; what one bundle answers does not depend on the others."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def seen_among(self, bundles: Iterable[Named]) -> Seen:
        """Return what was delivered here under any of the names and numbers of `bundles`."""
        with self._doors.reading() as connection:
            return streams.seen_among(connection, bundles)

    def receipts_among(self, bundles: Iterable[BundleId]) -> Mapping[BundleId, list[ReceiptRecord]]:
        """Return what was signed about each of `bundles`, oldest first; nothing of those that nothing was about."""
        found: dict[BundleId, list[ReceiptRecord]] = {}
        with self._doors.reading() as connection:
            for row in rows_among(connection, _receipts_of, "bundle", bundles):
                receipt = to_receipt(row)
                found.setdefault(receipt.bundle_id, []).append(receipt)
        return found


def _receipts_of(length: int) -> Select[*tuple[Any, ...]]:
    return select_receipts().where(receipts.c.bundle_id.in_(listed("bundle", length))).order_by(receipts.c.id)
