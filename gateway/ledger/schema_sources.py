"""The tables of sources: which case software drops exports here, and what was seen in each export."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint, text

from gateway.ledger.schema import WHOLE, id_column, metadata, text_column, time_column, whole_column

sources: Final = Table(
    "sources",
    metadata,
    id_column(),
    text_column("route"),
    text_column("packer"),
    # As the software calls itself; empty where it does not.
    text_column("system"),
    # JSON: the versions that count as usual, and what was usual (gateway/stages/trend.py).
    text_column("versions"),
    text_column("baseline"),
    time_column("since"),
    time_column("paused_at", nullable=True),
    # JSON: by what its exports look different.
    text_column("seen"),
    time_column("told_at", nullable=True),
    time_column("silent_at", nullable=True),
    whole_column("revision"),
    UniqueConstraint("route", "packer", "system", name="sources_once"),
    sqlite_strict=True,
)

looks: Final = Table(
    "looks",
    metadata,
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), primary_key=True),
    Column("source", WHOLE, ForeignKey("sources.id"), nullable=False),
    time_column("at"),
    text_column("version"),
    text_column("flow"),
    text_column("verdict"),
    # Findings as `verdict:CODE*count`, marks as gateway/domain/sources.py has them; blank and line feed between.
    text_column("codes"),
    text_column("marks"),
    whole_column("asked"),
    whole_column("filled"),
    time_column("dated", nullable=True),
    # Whether it says anything about its software.
    Column("counted", WHOLE, nullable=False, server_default=text("1")),
    sqlite_strict=True,
)
Index("looks_source", looks.c.source, looks.c.at)
Index("looks_at", looks.c.at)
