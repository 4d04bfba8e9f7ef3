"""The table of how many transfers there are in each state."""

from typing import Final

from sqlalchemy import PrimaryKeyConstraint, Table

from gateway.ledger.schema import metadata, text_column, whole_column

state_counts: Final = Table(
    "state_counts",
    metadata,
    text_column("direction"),
    text_column("state"),
    whole_column("number"),
    PrimaryKeyConstraint("direction", "state"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
