"""The tables of terms: one row each, made anew from what passed, and how far the events were followed for them."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table, text

from gateway.ledger.schema import WHOLE, metadata, text_column, time_column, whole_column

terms: Final = Table(
    "terms",
    metadata,
    # What began it.
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), nullable=False),
    text_column("flow"),
    text_column("deadline"),
    # The person's in the case package; -1 for the case.
    whole_column("position"),
    text_column("kind"),
    whole_column("is_ours"),
    text_column("peer"),
    text_column("case_no"),
    text_column("shown"),
    text_column("limit"),
    time_column("started_at", nullable=True),
    time_column("amber_at", nullable=True),
    time_column("red_at", nullable=True),
    time_column("due_at", nullable=True),
    time_column("overdue_at", nullable=True),
    text_column("last_day"),
    text_column("outcome"),
    time_column("ended_at", nullable=True),
    whole_column("ended_by", nullable=True),
    text_column("notes"),
    text_column("why_not"),
    # The level that was alerted last: 0 none, 1 amber, 2 red, 3 overdue.
    whole_column("alerted"),
    # When it next reaches a level that was not alerted; null once nothing is to be told of it any more.
    time_column("next_at", nullable=True),
    PrimaryKeyConstraint("transfer_id", "flow", "deadline", "position"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
_RUNNING = text("outcome = 'running' AND due_at IS NOT NULL")
Index("terms_running", terms.c.due_at, sqlite_where=_RUNNING, postgresql_where=_RUNNING)
_NEXT = text("next_at IS NOT NULL")
Index("terms_next", terms.c.next_at, sqlite_where=_NEXT, postgresql_where=_NEXT)
Index("terms_ended_by", terms.c.ended_by)

bookmarks: Final = Table(
    "bookmarks",
    metadata,
    # Who follows the events, and the last one that it has taken in.
    Column("reader", text_column("reader").type, primary_key=True),
    whole_column("event_id"),
    sqlite_strict=True,
)
