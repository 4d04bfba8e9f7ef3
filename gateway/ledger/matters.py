"""The part of the ledger that remembers what was in the bundles, without naming anybody."""

from sqlalchemy import select

from gateway.domain.ids import TransferId
from gateway.domain.matter import Matter
from gateway.ledger.doors import Doors
from gateway.ledger.schema_matters import matters
from gateway.standard.matter import from_bytes


class MatterBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def get(self, transfer: TransferId) -> Matter | None:
        """Return what was in the bundle of `transfer`; None if nobody recorded it."""
        query = select(matters.c.raw).where(matters.c.transfer_id == transfer)
        with self._doors.reading() as connection:
            raw = connection.execute(query).scalar()
        return None if raw is None else from_bytes(raw)
