"""A quarter of a minute of a soak in the ordinary run; and the verdict that it gives is shown to bite."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.lifecycle import Direction, State
from tests.soak.run import Pace, Report, soak
from tests.support.province import SENTINEL, UNITS

SEED = "minute"
PACE = Pace(drop=1.0, fault=3.0, big_every=40)
"""Little work for the processor, so that the tests beside it lose little."""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_quarter_of_a_minute_of_faults_breaks_no_promise(tmp_path: Path) -> None:
    report = soak(15, SEED, PACE, print, tmp_path)
    assert report.breaches == [], report.rows
    for plant, what in PLANTED:
        mend = plant(tmp_path)
        found = report.judge()
        assert any(what in breach for breach in found), (plant.__name__, found)
        mend()
    assert report.judge() == []
    shutil.rmtree(tmp_path)


def deliveries(root: Path) -> list[Path]:
    return [path for name in UNITS for path in sorted((root / name / "in").iterdir()) if path.name != SENTINEL]


def another_byte(root: Path) -> Callable[[], object]:
    found = (path for delivery in deliveries(root) for path in (delivery / "content").rglob("*"))
    path = next(path for path in found if path.is_file() and path.stat().st_size)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return lambda: path.write_bytes(content)


def a_delivery_gone(root: Path) -> Callable[[], object]:
    path = deliveries(root)[0]
    aside = path.rename(root / path.name)
    return lambda: aside.rename(path)


def a_delivery_twice(root: Path) -> Callable[[], object]:
    path = deliveries(root)[0]
    twin = shutil.copytree(path, path.with_name("twin"))
    return lambda: shutil.rmtree(twin)


def an_acknowledgement_gone(root: Path) -> Callable[[], object]:
    path = next(root.glob("*/out/*/ack/*.json"))
    aside = path.rename(root / path.name)
    return lambda: aside.rename(path)


def mail_left(root: Path) -> Callable[[], object]:
    path = next(root.glob("*/state/mailboxes/*/in")) / f"{'0' * 32}.cfb"
    path.touch()
    return path.unlink


def a_temporary_left(root: Path) -> Callable[[], object]:
    path = root / "court" / "state" / "spool" / "outbound" / ".left.part"
    path.touch()
    return path.unlink


def a_death(root: Path) -> Callable[[], object]:
    path = next((root / "prison" / "state" / "log").glob("*.log"))
    content = path.read_bytes()
    line = {"at": "2026-11-22T10:15:30.123Z", "level": "alert", "event": "worker-died", "facts": {"worker": "open"}}
    path.write_bytes(content + json.dumps(line).encode() + b"\n")
    return lambda: path.write_bytes(content)


def a_strange_thing_in_quarantine(root: Path) -> Callable[[], object]:
    path = root / "police" / "state" / "quarantine" / ("0" * 32)
    path.mkdir(parents=True)
    (path / "note.json").write_text(json.dumps({"subject": "strange.cfb", "code": "malformed"}), "utf-8")
    return lambda: shutil.rmtree(path)


def ledgers_at_odds(root: Path) -> Callable[[], object]:
    path = next(path for path in sorted(root.glob("*/state/ledger/ledger.db")) if _numbers(path))
    (one, number) = _numbers(path)[0]
    _renumber(path, one, number + 1_000_000)
    return lambda: _renumber(path, one, number)


def _numbers(path: Path) -> list[tuple[int, int]]:
    with sqlite3.connect(path) as database:
        query = "SELECT id, sequence FROM transfers WHERE direction = ? AND state = ? ORDER BY id"
        found = database.execute(query, (Direction.INBOUND, State.CONFIRMED)).fetchall()
    database.close()
    return found


def _renumber(path: Path, transfer: int, number: int) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE transfers SET sequence = ? WHERE id = ?", (number, transfer))
    database.close()


PLANTED: tuple[tuple[Callable[[Path], Callable[[], object]], str], ...] = (
    (another_byte, "are not those that were dropped"),
    (a_delivery_gone, "are not those that were dropped"),
    (a_delivery_twice, "deliveries, "),
    (an_acknowledgement_gone, "was not shown the receipt"),
    (mail_left, f"{'0' * 32}.cfb"),
    (a_temporary_left, "left behind"),
    (a_death, "worker-died"),
    (a_strange_thing_in_quarantine, "nobody harmed it"),
    (ledgers_at_odds, "the ledgers differ in sequence"),
)
"""What harms the outcome of a soak (and returns what mends it), and the words of the breach."""


def test_a_report_is_sound_only_without_a_breach() -> None:
    assert Report("seed", Path()).is_sound
    assert not Report("seed", Path(), breaches=["one"]).is_sound
