"""The part of the ledger that remembers what was in the bundles, without naming anybody."""

from sqlalchemy import Select, select

from gateway.domain.ids import TransferId
from gateway.domain.matter import Matter
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import param, value
from gateway.ledger.schema_matters import matters
from gateway.standard.matter import from_bytes


class MatterBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def get(self, transfer: TransferId) -> Matter | None:
        """Return what was in the bundle of `transfer`; None if nobody recorded it."""
        with self._doors.reading() as connection:
            raw = value(connection, _raw, {"transfer": transfer})
        return None if raw is None else from_bytes(raw)


def _raw() -> Select[bytes]:
    return select(matters.c.raw).where(matters.c.transfer_id == param("transfer"))
