"""Comparisons are fair: everybody in turn, scaled per case; goals and charts say what was measured."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree as ET

import pytest

from benchmarks import data, races
from benchmarks.chart import LABELS, draw
from benchmarks.data import Made
from benchmarks.figures import BenchmarkError, Goal, Use, middle
from benchmarks.journeys import Journey
from benchmarks.processes import Family, together
from benchmarks.quiet import Quiet
from benchmarks.races import OURS, Contender, Lap, Work, interleaved
from benchmarks.steps import Steps
from packers.label import LABEL, read_label


def _cases(count: int) -> list[Made]:
    return [Made(Path(f"case-{number}"), 1, MappingProxyType({})) for number in range(count)]


def _contender(name: str, asked: list[str], seconds: Sequence[float], most: int | None = None) -> Contender:
    turns = iter(seconds)

    def lap(cases: Sequence[Made]) -> Lap:
        asked.append(f"{name} {len(cases)}")
        taken = next(turns)
        if not taken:
            raise BenchmarkError("it broke")
        journey = Journey("case", "case", 0.0, (taken,) * 6)
        return Lap(len(cases), taken, (Use(name, "worker", taken, 1 << 20),), (), (journey,))

    return Contender(name, lap, most)


def test_all_run_forth_and_back_and_who_fails_once_is_not_asked_again() -> None:
    asked: list[str] = []
    contenders = [
        _contender("bare", asked, [2.0, 4.0]),
        _contender(OURS, asked, [1.0, 1.0]),
        _contender("slow", asked, [5.0, 0.0], most=3),
        _contender("weak", asked, [0.0]),
    ]
    laps, failed = interleaved(contenders, _cases(10), 2)
    assert asked == ["bare 10", f"{OURS} 10", "slow 3", "weak 10", "slow 3", f"{OURS} 10", "bare 10"]
    assert set(laps) == {"bare", OURS}
    assert failed == ["weak: failed: it broke", "slow: failed: it broke"]


def test_if_we_fail_the_benchmark_fails() -> None:
    with pytest.raises(BenchmarkError, match="it broke"):
        interleaved([_contender(OURS, [], [0.0])], _cases(1), 1)


def test_ratios_are_taken_round_by_round_and_case_by_case() -> None:
    contenders = [
        _contender("bare", [], [2.0, 10.0, 4.0]),
        _contender(OURS, [], [1.0, 9.0, 3.0]),
        _contender("slow", [], [2.0, 5.0, 3.0], most=1),
    ]
    cases = _cases(2)
    laps, failed = interleaved(contenders, cases, 3)
    section = races.section_of(Work("W0", "Test", "tested", cases, 0.8, 400.0), laps, failed, "bare")
    found = {one.name: one for one in section.figures}
    assert (found[OURS].value, found[OURS].low, found[OURS].high) == (0.75, 0.5, 0.9)
    assert found[OURS].judged == "at most 0.8: kept"
    assert found["slow"].value == 1.5
    assert "measured on 1 cases" in found["slow"].note
    assert found[f"{OURS}, a case"].judged == "at most 400: not kept"
    assert section.bars == (("bare", 1.0), (OURS, 0.75), ("slow", 1.5))
    assert [(one.who, one.seconds) for one in section.uses] == [("bare", 4.0), (OURS, 3.0), ("slow", 3.0)]


def test_a_goal_may_be_a_floor() -> None:
    assert Goal(3.0, is_floor=True).told(2.9) == "at least 3: not kept"
    assert Goal(3.0, is_floor=True).is_kept(3.0)
    assert middle("one", [1.0], "s").spread == ""
    assert middle("two", [2.0, 1.0], "s").spread == "1 to 2"


def test_a_label_is_written_that_the_product_reads(tmp_path: Path) -> None:
    plain = data.small_cases(tmp_path, 2, 1000, "seed")[1]
    (tmp_path / "drop").mkdir()
    made = plain.copied(tmp_path / "drop", "again").labelled()
    assert made.digests == data.digests_of(made.path)
    assert data.digests_of(plain.path) == plain.digests
    assert set(made.digests) - set(plain.digests) == {LABEL}
    label = read_label((made.path / LABEL).read_bytes())
    assert label is not None
    assert label.case_no == made.path.name == "again"


def test_a_case_of_many_has_documents_of_both_kinds_that_differ(tmp_path: Path) -> None:
    made = data.case_of_many(tmp_path / "many", 101, 500, "seed")
    assert made.size == 101 * 500
    assert made.digests == data.digests_of(made.path)
    assert len(set(made.digests.values())) == 101
    assert {"d00/0001.xml", "d01/0100.pdf"} <= set(made.digests)


def test_the_commands_of_a_script_are_piped_and_counted(tmp_path: Path) -> None:
    steps = Steps("script")
    (tmp_path / "in").write_bytes(b"b\na\n")
    assert steps.run(["cat"], ["sort"], reading=tmp_path / "in") == b"a\nb\n"
    assert steps.run(["cat"], told=b"x" * 300_000, into=tmp_path / "out") == b""
    assert (tmp_path / "out").stat().st_size == 300_000
    assert {one.process for one in steps.uses()} == {"cat", "sort"}
    with pytest.raises(BenchmarkError, match=r"cat failed: .*gone"):
        steps.run(["cat", tmp_path / "gone"])
    with pytest.raises(BenchmarkError, match="false failed"):
        steps.run(["false"], ["cat"])


def test_uses_of_one_name_become_one() -> None:
    uses = [Use("a", "gpg", 1.0, 5), Use("a", "gpg", 2.0, 3), Use("b", "gpg", 1.0, 1)]
    assert together(uses) == [Use("a", "gpg", 3.0, 5), Use("b", "gpg", 1.0, 1)]


def test_quiet_reads_the_inputs_and_waits_in_bounds(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case/1").write_bytes(b"x")
    quiet = Quiet(tmp_path, 0.0, 0)
    quiet.settle([tmp_path / "case"])
    assert quiet.disturbed in {0, 1}
    assert not (tmp_path / "ballast").exists()


@pytest.mark.parametrize("most", [2.0, 100.0])
def test_a_chart_orders_bars_by_length_and_marks_ours(most: float) -> None:
    root = ET.fromstring(draw("T & T", [("worst", most), (OURS, 0.5), ("bare", 1.0)]))
    space = "{http://www.w3.org/2000/svg}"
    texts = [one.text for one in root.iter(f"{space}text")]
    assert texts[0] == "T & T"
    assert [one for one in texts if one in {OURS, "bare", "worst"}] == [OURS, "bare", "worst"]
    bars = list(root.iter(f"{space}rect"))[1:]
    widths = [float(one.attrib["width"]) for one in bars]
    assert widths == sorted(widths)
    assert [one.attrib["fill"] for one in bars].count("#2a7f62") == 1
    line = next(root.iter(f"{space}line"))
    assert float(line.attrib["x1"]) == pytest.approx(LABELS + widths[1], abs=0.1)


def test_a_run_counts_no_process_that_was_there_before() -> None:
    with subprocess.Popen(["sleep", "60"]) as before:
        with subprocess.Popen(["sleep", "61"]) as within:
            family = Family(os.getpid(), "", frozenset({before.pid}))
            family.look()
            seen = {one.pid for one in family.peaks()}
            within.kill()
        before.kill()
    assert within.pid in seen
    assert before.pid not in seen
