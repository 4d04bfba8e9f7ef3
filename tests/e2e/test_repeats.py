"""The same export dropped again on real daemons, across a restart; another version, let go as a correction."""

import base64
import json
from dataclasses import replace

from gateway.compose.acting import Operator
from gateway.compose.identity import load_settings
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer, known
from tests.support.exports import STEM, PoliceExport
from tests.support.nodes import CLOCK, Pair, drop, eventually

FIRST = PoliceExport()
AGAIN = replace(FIRST, stem=STEM.replace("20260310153012", "20260310180000"))
MENDED = replace(FIRST.changed(("样板广场盗窃", "样板广场扒窃")), stem=STEM.replace("20260310153012", "20260311090000"))


def dropped(pair: Pair, export: PoliceExport) -> str:
    """Drop an export, the mark last, and return its name."""
    aside = pair.police.root / "aside"
    aside.mkdir(exist_ok=True)
    for part in export.drop(aside):
        drop(pair.police_out, part.name, part.read_bytes())
    return f"{export.stem}.zip"


def ended(pair: Pair, name: str, *, but: Transfer | None = None) -> Transfer:
    """Wait until the newest export of that name is a duplicate, and return its transfer."""
    return eventually(
        lambda: (found := pair.ended(name, State.DUPLICATE)) and (but is None or found.id != but.id) and found,
        f"{name} found to be a duplicate",
    )


def test_an_export_is_sent_once_and_corrected_when_a_person_says_so(pair: Pair) -> None:
    name = dropped(pair, FIRST)
    first = pair.ferried(name)
    with pair.police.ledger() as ledger:
        (receipt,) = ledger.receipts(known(first.bundle_id))

    again = ended(pair, dropped(pair, FIRST))
    pair.police.daemon.stop()
    pair.police.start()
    third = ended(pair, dropped(pair, FIRST), but=again)
    other = ended(pair, dropped(pair, AGAIN))
    assert {t.earlier for t in (again, third, other)} == {first.bundle_id}
    shown = json.loads((pair.police_out / "ack" / f"{AGAIN.stem}.zip.receipt.json").read_bytes())
    assert [base64.b64decode(line["receipt"]) for line in shown["receipts"]] == [receipt.raw]
    assert len(pair.procuratorate.transfers(Direction.INBOUND)) == 1

    name = dropped(pair, MENDED)
    held = eventually(
        lambda: (found := pair.police.outbound(name)) and found.hold_code == "content-differs" and found, "a hold"
    )
    told = json.loads((pair.police_out / "err" / f"{name}.err.json").read_bytes())
    assert [finding["code"] for finding in told["findings"]] == ["DUP-DIFFERENT"]
    Operator(load_settings(pair.police.config), "zhang", CLOCK).release(held.id, "the place was wrong")

    ours = pair.ferried(name)
    theirs = known(pair.procuratorate.inbound(known(ours.bundle_id)))
    assert ours.earlier == theirs.earlier == first.bundle_id
    assert (pair.delivery(ours) / "_CORRECTS").read_text("utf-8") == f"{pair.delivery(first).name}\n"
    assert pair.police.events(first)[-1] == "corrected"
    assert pair.procuratorate.events(known(pair.procuratorate.inbound(known(first.bundle_id))))[-1] == "corrected"
    assert len(list(pair.into.iterdir())) == 2
    pair.come_to_rest()
