"""Writes down what was seen in an export, inside somebody else's transaction, and reads sources and looks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Delete, Insert, Row, delete, select

from gateway.domain.ids import RouteName, TransferId
from gateway.domain.sources import Look, Seen, Source, SourceId
from gateway.ledger.change import Change, adding
from gateway.ledger.prepared import param
from gateway.ledger.rows import storable
from gateway.ledger.schema_sources import looks, sources

MARKS_MAX: Final = 2000
"""Characters of the marks of one export that are kept; a whole flow's fields have some 600."""


def keep(change: Change, transfer: TransferId, look: Look) -> None:
    """Record what was seen in the export of `transfer`, in the place of what was seen when it was read before."""
    change.concern("look", transfer)
    row = {
        "transfer_id": transfer,
        "source": look.source,
        "at": look.at,
        "version": storable(look.version),
        "flow": storable(look.flow),
        "verdict": look.verdict,
        "codes": " ".join(f"{code}*{count}" for code, count in look.codes.items()),
        "marks": storable("\n".join(look.marks))[:MARKS_MAX],
        "asked": look.asked,
        "filled": look.filled,
        "dated": look.dated,
        "counted": int(look.is_counted),
    }
    change.add(_no_look, {"transfer": transfer})
    change.add(_new_look, row)


def _no_look() -> Delete:
    return delete(looks).where(looks.c.transfer_id == param("transfer"))


def _new_look() -> Insert:
    return adding(looks, [column.name for column in looks.c])


def to_source(row: Sequence[Any]) -> Source:
    """Return the source in a row of all columns, in their order."""
    number, route, packer, system, versions, baseline, since, paused_at, seen, told_at, silent_at, revision = row
    return Source(
        SourceId(number),
        RouteName(route),
        packer,
        system,
        tuple(json.loads(versions)),
        baseline,
        since,
        paused_at,
        tuple(Seen(*one) for one in json.loads(seen)),
        told_at,
        silent_at,
        revision,
    )


def written(seen: tuple[Seen, ...]) -> str:
    """Return the reasons of a pause as the table keeps them."""
    return json.dumps([[one.kind, one.subject, one.before, one.now] for one in seen], ensure_ascii=False)


def to_look(row: Row[*tuple[Any, ...]]) -> Look:
    """Return the look in a row of all columns of its table; `system` is its source's."""
    r = row._mapping
    return Look(
        version=r["version"],
        flow=r["flow"],
        verdict=r["verdict"],
        codes=read_codes(r["codes"]),
        marks=tuple(r["marks"].split("\n")) if r["marks"] else (),
        asked=r["asked"],
        filled=r["filled"],
        dated=r["dated"],
        is_counted=bool(r["counted"]),
        source=SourceId(r["source"]),
        at=r["at"],
    )


def read_codes(text: str) -> Mapping[str, int]:
    """Return finding codes (`verdict:CODE`) and how often each was found, as `keep` wrote them."""
    found = (one.rpartition("*") for one in text.split())
    return {code: int(count) for code, _, count in found}


def source(connection: Connection, wanted: SourceId) -> Source | None:
    """Return one source; None if there is none."""
    row = connection.execute(select(*sources.c).where(sources.c.id == wanted)).first()
    return None if row is None else to_source(row)
