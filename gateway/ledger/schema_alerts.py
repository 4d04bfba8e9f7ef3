"""The tables of alerts: each once, and to whom it is still owed."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table, text

from gateway.ledger.schema import WHOLE, id_column, metadata, text_column, time_column, whole_column

alerts: Final = Table(
    "alerts",
    metadata,
    id_column(),
    time_column("at"),
    text_column("kind"),
    whole_column("severity"),
    text_column("subject"),
    text_column("name"),
    # JSON: code-like facts, case number, unit and masked person.
    text_column("facts"),
    sqlite_strict=True,
    # Receivers tell a repetition by its number.
    sqlite_autoincrement=True,
)
Index("alerts_subject", alerts.c.subject, alerts.c.at)
Index("alerts_at", alerts.c.at)

posts: Final = Table(
    "posts",
    metadata,
    Column("alert_id", WHOLE, ForeignKey("alerts.id"), nullable=False),
    text_column("sink"),
    whole_column("attempts"),
    time_column("next_at"),
    time_column("done_at", nullable=True),
    text_column("last_error"),
    PrimaryKeyConstraint("alert_id", "sink"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
_OWED = text("done_at IS NULL")
Index("posts_owed", posts.c.sink, posts.c.next_at, sqlite_where=_OWED, postgresql_where=_OWED)
