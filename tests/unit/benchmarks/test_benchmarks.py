"""The benchmarks measure what they say: the same bytes each time, honest statistics, legs that add up."""

import json
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import choices, data, report, results
from benchmarks.__main__ import HERE, arguments, options_of
from benchmarks.choices import CHOICES, SAMPLE
from benchmarks.data import MIB
from benchmarks.figures import BenchmarkError, Figure, Goal, Section, Use, median, percentile, shown
from benchmarks.journeys import LEGS, Journey, Tally, journeys
from benchmarks.processes import Family
from benchmarks.races import RSS_LIMIT
from benchmarks.receipts import Receipts
from benchmarks.results import Part
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, ReceiptCode, Stage, Step
from gateway.ledger.store import Ledger
from tests.support import ledger as made


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    first = data.dossier(tmp_path / "a", 300_001, "seed")
    again = data.dossier(tmp_path / "b", 300_001, "seed")
    other = data.dossier(tmp_path / "c", 300_001, "other")
    assert first.digests == again.digests == data.digests_of(first.path)
    assert not set(first.digests.values()) & set(other.digests.values())
    assert sum(path.stat().st_size for path in first.path.iterdir()) == first.size == 300_001


def test_an_export_is_dropped_with_its_mark_last(tmp_path: Path) -> None:
    outbound = tmp_path / "out"
    outbound.mkdir()
    export = data.police_case(SAMPLE, tmp_path, 3661)
    assert "A9901020000002026033661_" in export.path.name
    assert len(export.digests) > 1
    export.drop(outbound)
    assert {path.name for path in outbound.iterdir()} == {export.path.name, f"{export.path.name}.ok"}


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (75, 3), (76, 4), (95, 4), (100, 4)])
def test_percentiles_are_values_that_were_measured(percent: float, value: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == value


def test_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        median([])


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (12345.0, "12,345"), (1234.56, "1,235"), (1.2345, "1.23"), (0.01234, "0.0123")]
)
def test_figures_show_three_digits(value: float, text: str) -> None:
    assert shown(value) == text


def test_legs_add_up_to_the_whole() -> None:
    one = Journey("case", "case", 100.0, (100.5, 101.0, 103.0, 103.0, 104.25, 105.0))
    assert sum(one.leg(leg) for leg in LEGS) == pytest.approx(one.seconds) == 5.0
    assert one.leg("receive") == 0.0
    assert one.began("claim") == 100.0


def test_a_journey_is_read_out_of_both_ledgers(tmp_path: Path) -> None:
    clock = made.ToldClock(1000.0)
    with (
        Ledger.open(tmp_path / "a" / "ledger.db", unit=made.UNIT, clock=clock, new_epoch=lambda: 1) as ours,
        Ledger.open(tmp_path / "b" / "ledger.db", unit=made.PEER, clock=clock, new_epoch=lambda: 2) as theirs,
    ):
        outbound = ours.found([made.export(1, found_at=1000.5, name="case")])[0]
        clock.time = 1002.0
        outbound = ours.advance(made.seal(outbound, 1, 1))
        inbound = made.offered(theirs, 1)
        clock.time = 1004.0
        inbound = theirs.advance(Step(inbound, Event.FETCHED, Stage.RECEIVE, Facts()))
        facts = Facts(origin=made.UNIT, header_hash=made.header(1), epoch=1, sequence=1, export_name="case~1")
        clock.time = 1005.0
        inbound = theirs.advance(Step(inbound, Event.VERIFIED, Stage.OPEN, facts))
        theirs.advance(Step(inbound, Event.DELIVERED, Stage.DELIVER, facts, made.receipt(1, issuer=made.PEER)))
        clock.time = 1006.0
        # The receipt was quicker than the record of the sending.
        record = made.receipt(1, ReceiptCode.DELIVERED, issuer=UnitCode(made.PEER))
        ours.advance(Step(outbound, Event.DELIVERY_RECEIPTED, Stage.ACKNOWLEDGE, receipt=record))
        found, tally = journeys(ours, theirs, {"case": 1000.0})
    assert [one.marks for one in found] == [(1000.5, 1002.0, 1002.0, 1004.0, 1005.0, 1006.0)]
    assert found[0].delivered_as == "case~1"
    assert tally.complaints(1) == []


def test_a_receipt_counts_when_others_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path, unit=made.UNIT, clock=made.ToldClock(1000.0), new_epoch=lambda: 1) as ledger:
        one, other = ledger.found([made.export(number, name=f"case-{number}") for number in (1, 2)])
        with Receipts(path) as receipts:
            assert receipts.have_moved()
            assert not receipts.have_moved()
            one = ledger.advance(made.seal(one, 1, 1))
            other = ledger.advance(made.seal(other, 2, 2))
            assert (receipts.have_moved(), receipts.count(), receipts.of(["case-1", "case-2"])) == (True, 0, [])
            record = made.receipt(2, ReceiptCode.DELIVERED, issuer=UnitCode(made.PEER))
            ledger.advance(Step(other, Event.DELIVERY_RECEIPTED, Stage.ACKNOWLEDGE, receipt=record))
            assert (receipts.have_moved(), receipts.count()) == (True, 1)
            assert receipts.of(["case-1", "case-2"]) == ["case-2"]


def test_more_or_less_than_once_is_a_complaint() -> None:
    assert Tally(3, 3, 3, 3).complaints(3) == []
    assert Tally(3, 3, 4, 3).complaints(3) == ["4 deliveries instead of 3"]
    assert len(Tally(2, 2, 2, 2).complaints(3)) == 4


def test_memory_is_what_the_kernel_says() -> None:
    family = Family(os.getpid())
    family.look()
    assert family.peaks()[0].name == "daemon"
    assert 0 < family.resident() <= sum(peak.bytes for peak in family.peaks())
    assert family.peaks()[0].bytes < RSS_LIMIT * 10


def test_quick_does_less() -> None:
    quick, full = arguments(["--quick"]), arguments([])
    assert quick.size < full.size == 1024
    assert quick.count < full.count == 2000
    assert options_of(arguments(["--quick", "--count", "7"])).batch == 7


def test_only_a_whole_run_writes_the_page() -> None:
    assert arguments([]).write
    assert not arguments(["--quick"]).write
    assert not arguments(["--only", "small"]).write
    assert arguments(["--quick", "--write"]).write
    assert set(arguments([]).only) == set(CHOICES)


def test_what_does_not_fit_on_the_disk_is_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=40 * MIB))
    asked: list[int] = []

    def measure(size: int) -> Section:
        asked.append(size)
        return Section("B9", "A test", "something large", ())

    for wanted, told in ((2, "something large"), (8, "something large; 8 MiB did not fit on the disk")):
        assert choices._fitted(tmp_path, wanted, 5, measure).work == told
    assert asked == [2 * MIB, 6 * MIB]
    with pytest.raises(BenchmarkError, match="no room"):
        choices._fitted(tmp_path, 2, 50, measure)


def test_page_and_json_say_the_same(tmp_path: Path) -> None:
    figures = (Figure("speed", 1.5, "MiB/s"), Figure("ratio", 1.25, "x", "", 1.0, 1.5, Goal(1.0)))
    uses = (Use("gpg", "zstd", 1.5, 3 << 20),)
    absent = ("age: not installed (age)",)
    section = Section("B9", "A test", "what was done", figures, ("it was slow",), uses, (("gpg", 2.0),), absent)
    parts = (Part({"processor": "none", "measured": "yesterday", "load before": "1.0"}, section),)
    results.write(tmp_path, parts)
    report.write(tmp_path, parts)
    page = (tmp_path / report.PAGE).read_text("utf-8")
    assert "| speed | 1.5 | MiB/s |  |  |  |" in page
    assert page.count("| ratio | 1.25 | x | 1 to 1.5 | at most 1: not kept |") == 2
    assert "- Left out: age: not installed (age)" in page
    assert "Measured yesterday; load of the machine 1.0 before" in page
    assert "| gpg | zstd | 1.5 | 3 |" in page
    assert "](b9.svg)" in page
    assert (tmp_path / "b9.svg").stat().st_size
    assert "- BROKEN: B9: it was slow" in page
    (whole,) = json.loads((tmp_path / results.MACHINE).read_bytes())["parts"]
    assert whole["section"]["figures"][0]["value"] == 1.5
    assert [one["kept"] for one in whole["section"]["figures"]] == [None, False]
    assert results.read(tmp_path) == parts


def test_a_run_of_some_parts_leaves_the_others_with_their_own_date(tmp_path: Path) -> None:
    def part(key: str, when: str) -> Part:
        return Part({"measured": when}, Section(key, f"{key} of {when}", "something", ()))

    assert results.read(tmp_path) == ()
    results.write(tmp_path, [part("W1", "before"), part("W10", "before"), part("B5", "before")])
    parts = results.replaced(results.read(tmp_path), [part("B5", "now"), part("W9", "now")])
    assert parts == (part("W1", "before"), part("W9", "now"), part("W10", "before"), part("B5", "now"))
    page = report.markdown(parts)
    assert "| W1, W10 | |" in page
    assert "| W9, B5 | |" in page


def test_no_two_benchmarks_have_one_place_on_the_page() -> None:
    keys = re.findall(r'Section\(\s*"([WB]\d+)"', "".join(path.read_text("utf-8") for path in HERE.glob("*.py")))
    assert len(keys) == len(set(keys)) > 5
