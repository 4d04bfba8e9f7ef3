"""The table of where numbers of a peer's streams may be missing."""

from typing import Final

from sqlalchemy import PrimaryKeyConstraint, Table

from gateway.ledger.schema import metadata, text_column, whole_column

gaps: Final = Table(
    "gaps",
    metadata,
    text_column("peer"),
    whole_column("epoch"),
    # Every number of the stream that is missing lies in one of its rows, both ends included; a stream without rows was
    # never looked through. The last row of one that was is open: its end is the highest number there can be.
    whole_column("first"),
    whole_column("final"),
    PrimaryKeyConstraint("peer", "epoch", "first"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
