"""Bad exports among good ones: good neighbours arrive, bad ones leave their reasons and their original behind."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.compose.acting import Operator
from gateway.compose.identity import load_settings
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer, known
from gateway.folders.claim import ClaimShelf
from gateway.standard.findings import SECRET
from tests.support.nodes import CLOCK, Pair, drop_zip, eventually

DEFECTS = Path(__file__).resolve().parents[1] / "data" / "police" / "defects"
INDEX = {row["path"]: row for row in json.loads((DEFECTS / "index.json").read_bytes()) if row["no"] not in (1, 16)}
"""Without the one that waits for its mark; what becomes of number 16 depends on what is read in it."""
REFUSED = {name: row["code"] for name, row in INDEX.items() if row["verdict"].startswith("reject")}
HELD = {name: row["code"] for name, row in INDEX.items() if row["verdict"] == "hold"}


@pytest.fixture(scope="module", autouse=True)
def _all_dropped(pair: Pair) -> None:
    """Drop every defective export at once, with good ones in between."""
    for number, name in enumerate(INDEX):
        drop_zip(pair.police_out, DEFECTS / name)
        if number % 5 == 0:
            pair.drop(f"good-{number}.txt", f"good {number}".encode())


def ended(pair: Pair, name: str) -> Transfer | None:
    """Return the outbound transfer of `name` once nothing more happens to it by itself."""
    transfer = pair.police.outbound(name)
    over = transfer is not None and (
        transfer.state in (State.DELIVERED, State.DUPLICATE, State.REFUSED) or transfer.hold_code is not None
    )
    return transfer if over else None


def reported(pair: Pair, name: str, folder: Path) -> Iterator[str]:
    """Yield the codes in the feedback about `name`, once both files are there."""
    err = folder / "err"
    text, told = err / f"{name}.err.txt", err / f"{name}.err.json"
    eventually(lambda: text.exists() and told.exists(), f"feedback about {name}")
    assert text.read_bytes()
    yield from (finding["code"] for finding in json.loads(told.read_bytes())["findings"])


def test_marked_material_leaves_its_reasons_and_nothing_else(pair: Pair) -> None:
    (name,) = (one for one, code in REFUSED.items() if code == SECRET)
    transfer = eventually(lambda: ended(pair, name), f"the end of {name}")
    assert list(reported(pair, name, pair.police_out)) == [SECRET]
    eventually(lambda: pair.police.logged("export-blocked", transfer=transfer.id), "the alert")
    assert not (pair.police_out / "reject" / name).exists()
    assert not ClaimShelf(pair.police.spool.claims).is_held(known(transfer.claim))


@pytest.mark.parametrize("name", [one for one, code in REFUSED.items() if code != SECRET])
def test_a_refused_export_leaves_its_reasons_and_its_original(pair: Pair, name: str) -> None:
    transfer = eventually(lambda: ended(pair, name), f"the end of {name}")
    assert (transfer.state, transfer.verdict) == (State.REFUSED, "reject")
    assert REFUSED[name] in list(reported(pair, name, pair.police_out))
    back = pair.police_out / "reject" / name
    eventually(back.exists, "the original")
    assert back.read_bytes() == (DEFECTS / name).read_bytes()
    marker = back.parent / f"{name}.ok"
    eventually(marker.exists, "its completion mark")
    assert marker.read_bytes() == (DEFECTS / f"{name}.ok").read_bytes()
    assert not (pair.police_out / name).exists()
    eventually(lambda: pair.police.logged("export-refused", transfer=transfer.id), "the log entry")


@pytest.mark.parametrize("name", HELD)
def test_a_held_export_leaves_its_reasons_and_is_kept(pair: Pair, name: str) -> None:
    transfer = eventually(lambda: ended(pair, name), f"the end of {name}")
    assert (transfer.state, transfer.hold_code) == (State.FOUND, "export-held")
    assert HELD[name] in list(reported(pair, name, pair.police_out))
    claim = ClaimShelf(pair.police.spool.claims).get(known(transfer.claim))
    assert claim.parts[0].read_bytes() == (DEFECTS / name).read_bytes()


def test_the_good_neighbours_arrive(pair: Pair) -> None:
    for number in range(0, len(INDEX), 5):
        assert pair.content(pair.ferried(f"good-{number}.txt")) == f"good {number}".encode()


def test_of_the_sendable_versions_of_one_case_one_goes_and_the_others_wait(pair: Pair) -> None:
    versions = [name for name, row in INDEX.items() if row["verdict"] in ("fix", "warn")]
    found = [eventually(lambda name=name: ended(pair, name), f"the end of {name}") for name in versions]
    assert {t.verdict for t in found} <= {"fix", "warn"}
    assert [t.state for t in found].count(State.DELIVERED) == 1
    assert {t.hold_code for t in found if t.state is not State.DELIVERED} == {"content-differs"}


def test_a_held_export_goes_when_a_person_lets_it_go_and_its_verdict_stays(pair: Pair) -> None:
    """Its findings are one decision, that it corrects what was sent of the same case another."""
    name = "34_date_order.zip"
    for code, why in (("export-held", "checked on paper"), ("content-differs", "the dates were mended")):
        held = eventually(
            lambda code=code: (found := pair.police.outbound(name)) and found.hold_code == code and found,
            f"{name} held: {code}",
        )
        Operator(load_settings(pair.police.config), "zhang", CLOCK).release(held.id, why)

    ours = pair.ferried(name)
    assert ours.id == held.id
    assert ours.verdict == "hold"
    with pair.police.ledger() as ledger:
        released = [entry for entry in ledger.timeline(ours.id) if entry.kind == "release"]
        (first,) = ledger.by_bundle(known(ours.earlier))
    assert [(entry.actor, entry.code) for entry in released] == [("zhang", "export-held"), ("zhang", "content-differs")]
    assert pair.police.events(first)[-1] == "corrected"
    note = (pair.delivery(ours) / "_CORRECTS").read_text("utf-8")
    assert note == f"{pair.delivery(first).name}\n"
    eventually(lambda: not (pair.police_out / "err" / f"{name}.err.json").exists(), "the feedback withdrawn")


def test_a_folder_with_what_is_no_file_is_refused_whole(pair: Pair) -> None:
    for name, make in (
        ("with-a-link", lambda path: path.symlink_to("/etc/passwd")),
        ("with-a-fifo", os.mkfifo),
    ):
        folder = pair.out / f".{name}"
        folder.mkdir()
        (folder / "good.txt").write_bytes(b"good")
        make(folder / "bad")
        folder.rename(pair.out / name)
        transfer = eventually(lambda name=name: ended(pair, name), f"the end of {name}")
        assert transfer.state is State.REFUSED
        assert list(reported(pair, name, pair.out))
        back = pair.out / "reject" / name
        eventually(back.exists, "the original")
        assert sorted(path.name for path in back.iterdir()) == ["bad", "good.txt"]
        assert not (back / "bad").is_file() or (back / "bad").is_symlink()


def test_special_files_of_their_own_are_left_where_they_are(pair: Pair) -> None:
    os.mkfifo(pair.out / "pipe.txt")
    (pair.out / "link.txt").symlink_to("/etc/passwd")
    pair.drop("beside-specials.txt", b"good")
    assert pair.content(pair.ferried("beside-specials.txt")) == b"good"
    delivered = {t.export_name for t in pair.police.transfers(Direction.OUTBOUND) if t.state is State.DELIVERED}
    assert not {"pipe.txt", "link.txt"} & delivered
    assert not any(path.name in ("pipe.txt", "link.txt") for path in pair.into.glob("*/content/*"))
