"""The tables of reconciliation: its rounds, and who was asked what."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, UniqueConstraint

from gateway.ledger.schema import WHOLE, id_column, metadata, text_column, time_column, whole_column

rounds: Final = Table(
    "rounds",
    metadata,
    id_column(),
    # Three-way reconciliations: when one was wanted and why, when the parties were asked, by when they must answer.
    time_column("wanted_at"),
    text_column("why"),
    time_column("wait"),
    time_column("asked_at", nullable=True),
    time_column("done_at", nullable=True),
    # `balanced`, `differences`, `silent`; and how many of each.
    text_column("outcome"),
    whole_column("differences"),
    whole_column("silent"),
    sqlite_strict=True,
)

enquiries: Final = Table(
    "enquiries",
    metadata,
    id_column(),
    # Of which round; null where a neighbouring hub was asked what it still holds of ours.
    Column("round", WHOLE, ForeignKey("rounds.id"), nullable=True),
    text_column("party"),
    text_column("name"),
    time_column("at"),
    time_column("answered_at", nullable=True),
    # The statement, as it was signed.
    Column("raw", LargeBinary, nullable=True),
    UniqueConstraint("party", "name", name="enquiries_once"),
    sqlite_strict=True,
)
Index("enquiries_round", enquiries.c.round)
