"""Writes down what was in a bundle, inside somebody else's transaction."""

from sqlalchemy import Delete, Insert, delete

from gateway.domain.ids import TransferId
from gateway.domain.matter import Matter
from gateway.ledger.change import Change, adding
from gateway.ledger.prepared import param
from gateway.ledger.rows import storable
from gateway.ledger.schema_matters import matter_numbers, matter_persons, matters
from gateway.standard.casenumbers import normal_number
from gateway.standard.matter import to_bytes


def keep(change: Change, transfer: TransferId, matter: Matter) -> None:
    """Record what was in the bundle of `transfer`, in the place of what was recorded before."""
    change.concern("matter", transfer)
    for forgetting in (_no_persons, _no_numbers, _no_matter):
        change.add(forgetting, {"transfer": transfer})
    row = {"transfer_id": transfer, "at": change.now, "flow": storable(matter.flow)}
    said = {"request": matter.request, "chapters": " ".join(matter.chapters), "raw": to_bytes(matter)}
    change.add(_new_matter, {**row, **said})
    for scheme, number in {(s, storable(normal_number(n))): None for s, n in matter.numbers}:
        change.add(_new_number, {"transfer_id": transfer, "scheme": scheme, "number": number})
    for one in matter.persons:
        row = {"transfer_id": transfer, "position": one.position, "number_key": one.number_key}
        change.add(_new_person, {**row, "name_key": one.name_key, "shown": storable(one.shown)})


def _no_persons() -> Delete:
    return delete(matter_persons).where(matter_persons.c.transfer_id == param("transfer"))


def _no_numbers() -> Delete:
    return delete(matter_numbers).where(matter_numbers.c.transfer_id == param("transfer"))


def _no_matter() -> Delete:
    return delete(matters).where(matters.c.transfer_id == param("transfer"))


def _new_matter() -> Insert:
    return adding(matters, [column.name for column in matters.c])


def _new_number() -> Insert:
    return adding(matter_numbers, [column.name for column in matter_numbers.c])


def _new_person() -> Insert:
    return adding(matter_persons, [column.name for column in matter_persons.c])
