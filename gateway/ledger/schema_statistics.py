"""Indexes by which exchanges are counted, and the tests that they stand for."""

from typing import Final

from sqlalchemy import Index, text

from gateway.ledger.schema import attempts, receipts

# The literals stand in the queries as well: only so may a database use the index.
FAILED: Final = text("code <> ''")
"""An attempt that failed."""
REFUSING: Final = text("code >= '200' AND code < '400'")
"""A receipt that refuses; those of the 400s only warn."""

Index("attempts_failed", attempts.c.transfer_id, sqlite_where=FAILED, postgresql_where=FAILED)
Index("receipts_refusing", receipts.c.transfer_id, sqlite_where=REFUSING, postgresql_where=REFUSING)
