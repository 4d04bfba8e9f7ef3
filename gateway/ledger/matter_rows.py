"""Writes down what was in a bundle, inside somebody else's transaction."""

from sqlalchemy import Connection, delete, insert

from gateway.domain.ids import TransferId
from gateway.domain.matter import Matter
from gateway.ledger.rows import storable
from gateway.ledger.schema_matters import matter_numbers, matter_persons, matters
from gateway.standard.casenumbers import normal_number
from gateway.standard.matter import to_bytes


def keep(connection: Connection, now: float, transfer: TransferId, matter: Matter) -> None:
    """Record what was in the bundle of `transfer`, in the place of what was recorded before."""
    for table in (matter_persons, matter_numbers, matters):
        connection.execute(delete(table).where(table.c.transfer_id == transfer))
    row = {"transfer_id": transfer, "at": now, "flow": storable(matter.flow)}
    connection.execute(insert(matters), {**row, "request": matter.request, "raw": to_bytes(matter)})
    numbers = {(s, storable(normal_number(n))): None for s, n in matter.numbers}
    if numbers:
        rows = [{"transfer_id": transfer, "scheme": scheme, "number": number} for scheme, number in numbers]
        connection.execute(insert(matter_numbers), rows)
    if matter.persons:
        connection.execute(
            insert(matter_persons),
            [
                {
                    "transfer_id": transfer,
                    "position": one.position,
                    "number_key": one.number_key,
                    "name_key": one.name_key,
                    "shown": storable(one.shown),
                }
                for one in matter.persons
            ],
        )
