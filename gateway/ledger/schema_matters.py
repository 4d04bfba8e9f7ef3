"""The tables of what was in the bundles: a row each, with numbers and pseudonyms to find it by."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table

from gateway.ledger.schema import WHOLE, metadata, page_of, text_column, time_column, whole_column

matters: Final = Table(
    "matters",
    metadata,
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), primary_key=True),
    time_column("at"),
    text_column("flow"),
    # The flow that a reply answers; empty for a request.
    text_column("request"),
    # Chapters of the Criminal Law that its charges stand in, ascending; empty for none, or none that is known.
    text_column("chapters"),
    # The whole of it, canonical (gateway/standard/matter.py).
    Column("raw", LargeBinary, nullable=False),
    sqlite_strict=True,
)
Index("matters_flow", matters.c.flow, matters.c.at)

matter_numbers: Final = Table(
    "matter_numbers",
    metadata,
    # As numbers are compared (gateway/standard/casenumbers.py). First, for a case is found by any of its numbers,
    # whatever the scheme; and SQLite 3.40's own check takes a table without row ids for damaged whose key is not its
    # first columns, in order.
    text_column("number"),
    text_column("scheme"),
    Column("transfer_id", WHOLE, ForeignKey("matters.transfer_id"), nullable=False),
    PrimaryKeyConstraint("number", "scheme", "transfer_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
Index("matter_numbers_transfer", matter_numbers.c.transfer_id)
# As "transfers_case_page".
NUMBER_PAGE: Final = page_of(matter_numbers.c.transfer_id)
Index("matter_numbers_page", NUMBER_PAGE, matter_numbers.c.number)

matter_persons: Final = Table(
    "matter_persons",
    metadata,
    Column("transfer_id", WHOLE, ForeignKey("matters.transfer_id"), nullable=False),
    whole_column("position"),
    # Pseudonyms of this node, of the identity number and of the name; empty where there is none.
    text_column("number_key"),
    text_column("name_key"),
    text_column("shown"),
    PrimaryKeyConstraint("transfer_id", "position"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
# Not for the filled ones alone: no database sees from a parameter that such an index would do.
Index("matter_persons_number", matter_persons.c.number_key)
Index("matter_persons_name", matter_persons.c.name_key)
