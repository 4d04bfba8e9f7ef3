"""What is on record of one bundle: what happened to its transfer, and what was signed about it."""

from sqlalchemy import Connection, Select, select

from gateway.domain.ids import BundleId, TransferId
from gateway.domain.records import ReceiptRecord, TimelineEntry
from gateway.ledger.prepared import param, rows
from gateway.ledger.rows import select_receipts, to_receipt
from gateway.ledger.schema import attempts, events, receipts


def receipts_of(connection: Connection, bundle_id: BundleId) -> list[ReceiptRecord]:
    """Return what was signed about a bundle, in the order in which it was recorded; each statement once."""
    found = rows(connection, _receipts_of, {"bundle": bundle_id})
    # Two transfers of one bundle may each have kept the same statement.
    return list(dict.fromkeys(map(to_receipt, found)))


def _receipts_of() -> Select[str, str, str, str, float, bytes]:
    return select_receipts().where(receipts.c.bundle_id == param("bundle")).order_by(receipts.c.id)


def timeline(connection: Connection, transfer_id: TransferId) -> list[TimelineEntry]:
    """Return a transfer's history in the order in which it was recorded, which no clock can change."""
    e, a, r = events.c, attempts.c, receipts.c
    lines: list[tuple[int, int, int, TimelineEntry]] = []
    took: dict[int, float] = {}
    for row in connection.execute(select(*a).where(a.transfer_id == transfer_id)):
        seconds = max(0.0, row.ended_at - row.started_at)
        if row.code:
            entry = TimelineEntry(
                row.ended_at, "attempt", "failed", row.stage, row.state, row.code, row.detail, seconds, ""
            )
            lines.append((row.version, 0, 0, entry))
        else:
            took[row.version] = seconds
    for row in connection.execute(select(*e).where(e.transfer_id == transfer_id)):
        seconds_or_none = took.get(row.version)
        entry = TimelineEntry(
            row.at, row.kind, row.what, row.stage, row.state, row.code, row.note, seconds_or_none, row.actor
        )
        lines.append((row.version, 1, row.id, entry))
    issued = select(r.id, r.version, r.at, r.code, r.issuer).where(r.transfer_id == transfer_id)
    for row in connection.execute(issued):
        entry = TimelineEntry(row.at, "receipt", f"receipt by {row.issuer}", "", "", row.code, "", None, "")
        lines.append((row.version, 2, row.id, entry))
    return [entry for *_, entry in sorted(lines, key=lambda line: line[:3])]
