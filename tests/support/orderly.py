"""Routes that keep an order on a street of two houses: exports of numbered cases, and the order of their arrival."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gateway.domain.lifecycle import Event
from gateway.domain.records import Order
from tests.support.exports import PoliceExport
from tests.support.houses import IN, OUT, Street

_CASE = "A9901020000002026030012"
PAPER = "文书/提请批准逮捕书.pdf"


def keep(root: Path, order: Order) -> None:
    """Have every outbound route of the police keep `order`."""
    routes = root / "police" / "etc" / "routes.d" / "police.yaml"
    text = routes.read_text("utf-8")
    assert text.count("    packer: ") == 2
    routes.write_text(text.replace("    packer: ", f"    order: {order}\n    packer: "), "utf-8")


def case_no(case: int) -> str:
    """Return the case number of the numbered case."""
    return f"{_CASE[:-4]}{case:04d}"


def drop(made: Street, case: int, number: int, *, padding: int = 0) -> str:
    """Drop export `number` of a case at the told time, larger by `padding` bytes; return its name."""
    # A letter of its own each time: a second request in one case is no correction of the first.
    export = PoliceExport().changed((_CASE, case_no(case)), ("提捕字〔2026〕15号", f"提捕字〔2026〕{number}号"))
    export = replace(export, stem=f"TQPZDB_990102000000_990102_{case_no(case)}_2026031015{number:04d}")
    head, body = export.files[PAPER].split(b"\n", 1)
    export = export.with_file(PAPER, b"\n".join((head, os.urandom(padding), body)))
    for part in export.drop(made.out.with_name("police")):
        os.utime(part, (made.clock.time, made.clock.time))
    return f"{export.stem}.zip"


def arrivals(made: Street) -> list[str]:
    """Return the names of the police's exports in the order in which the procuratorate has them on record."""
    names = {transfer.bundle_id: transfer.export_name for transfer in made.police.transfers(OUT)}
    bundles = {transfer.id: transfer.bundle_id for transfer in made.procuratorate.transfers(IN)}
    path = made.procuratorate.identity.settings.ledger_path
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute(
            "SELECT transfer_id FROM events WHERE what = ? ORDER BY id", (Event.DELIVERED,)
        ).fetchall()
    return [names[bundles[number]] for (number,) in rows]
