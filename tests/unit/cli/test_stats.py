"""`stats` and `source`: figures that agree with the ledger, files that do no harm, and nothing about anybody."""

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from gateway.cli.spreadsheet import to_csv
from gateway.compose.statistics import Delays, Line, Statistics, public
from gateway.domain.clock import SystemClock
from gateway.domain.errors import PermanentError
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, Stage, Step
from gateway.domain.sources import SOURCE_UPGRADE, Look, Seen
from gateway.domain.statistics import Axis
from gateway.ledger.statistics import Outcome
from tests.support import filling
from tests.support.desk import PEER, Desk
from tests.support.shapes import SHAPES, paths

NOW = SystemClock().now()


@pytest.fixture(scope="module")
def filled(desks: tuple[Desk, Desk]) -> Desk:
    """A node with one exchange of each fate, two delivered, and one source that is paused."""
    desk = desks[0]
    with desk.ledger() as ledger:
        first = filling.delivered(ledger, 1)
        filling.delivered(ledger, 2)
        filling.sealed(ledger, 3)
        filling.held(ledger, 4)
        filling.repeated(ledger, first, 5)
        source = ledger.sources.ensure("police", "police", "案件系统")
        look = Look(version="2.1", verdict="reject", codes={"reject:FIELD-MISSING": 3}, asked=10, filled=7)
        look = replace(look, source=source.id, at=NOW, marks=("rejected", "lacks arrest-request/charges"))
        step = Step(filling.found(ledger, 6), Event.EXPORT_REFUSED, Stage.PACK, Facts(verdict="reject", look=look))
        ledger.advance(step)
        ledger.sources.pause(source.id, (Seen("lacks", "arrest-request/charges", "0/30", "10/10"),), "")
        error = PermanentError(SOURCE_UPGRADE, "source 1")
        late = Facts(look=replace(look, at=NOW + 1, version="2.2"))
        kept = filling.found(ledger, 7, name="later.zip")
        ledger.fail(kept, Stage.PACK, error, started_at=NOW, retry_at=None, facts=late)
    return desk


def test_the_figures_are_those_of_the_ledger(filled: Desk) -> None:
    found = filled.ask("stats", "--by", "outcome")
    assert {one["key"]: one["total"] for one in found["groups"]} == {
        "delivered": 2,
        "held": 2,
        "under-way": 1,
        "duplicate": 1,
        "refused": 1,
    }
    assert found["total"]["total"] == 7
    (unit, *_) = [one for one in filled.ask("stats", "--by", "unit")["groups"] if one["key"] == PEER]
    assert unit["outcomes"]["delivered"] == 2
    assert unit["delivery"]["p50"] is not None


@pytest.mark.parametrize("axis", Axis)
def test_every_axis_adds_up_and_shows_in_both_languages(filled: Desk, axis: Axis) -> None:
    found = filled.ask("stats", "--by", axis)
    expected = 2 if axis is Axis.SOURCE else 7
    assert sum(one["total"] for one in found["groups"]) == expected
    for language in ("en_US.UTF-8", "zh_CN.UTF-8"):
        said = filled.run("stats", "--by", axis, env={"LC_ALL": language, "LANGUAGE": ""})
        assert (said.code, said.err) == (0, "")


def test_flows_have_their_names(filled: Desk) -> None:
    names = {one["key"]: one["name"] for one in filled.ask("stats")["groups"]}
    assert names["arrest-request"]


def test_a_spreadsheet_shows_chinese_and_calculates_nothing(filled: Desk, tmp_path: Path) -> None:
    file = tmp_path / "统计.csv"
    assert filled.run("stats", "--by", "source", "--csv", file).code == 0
    raw = file.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[1][0] == "police: 案件系统"
    assert {len(row) for row in rows} == {16}
    assert rows[-1][1] == "2"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_a_formula_is_shown_and_not_calculated(text: str) -> None:
    (_head, (cell, number)) = csv.reader(io.StringIO(to_csv(["a", "b"], [[text, -5]]).decode("utf-8-sig"), newline=""))
    assert (cell, number) == ("'" + text, "-5")


def test_a_chart_is_one_picture_without_anything_that_runs(filled: Desk, tmp_path: Path) -> None:
    for axis in ("flow", "month"):
        file = tmp_path / f"{axis}.svg"
        assert filled.run("stats", "--by", axis, "--chart", file).code == 0
        tree = etree.fromstring(file.read_bytes())
        tags = {etree.QName(one).localname for one in tree.iter() if isinstance(one.tag, str)}
        assert {"svg", "rect", "text"} <= tags
        assert not tags & {"script", "image", "foreignObject"}
        texts = "".join(tree.itertext())
        assert "Delivered" in texts or "已送达" in texts
        first = file.read_bytes()
        filled.run("stats", "--by", axis, "--chart", file)
        assert file.read_bytes() == first
    # What draws has left nothing behind that makes Python 3.11 complain of later imports.
    assert all(hasattr(one, "find_spec") for one in sys.meta_path)


def test_other_pictures_and_places_are_refused(filled: Desk, tmp_path: Path) -> None:
    for name, code in (("chart.png", "chart-format"), ("nowhere/chart.svg", "statistics-unwritable")):
        said = filled.run("stats", "--chart", tmp_path / name, "--json")
        assert (said.code, said.json["error"]["code"]) == (1, code)


def test_the_public_sees_no_small_number_and_cannot_work_one_out() -> None:
    line = Line("a", "", 23, {Outcome.DELIVERED: 20, Outcome.REFUSED: 3}, 100, 2, Delays(1, 2, 3), None)
    few = Line("b", "", 4, {Outcome.DELIVERED: 4}, 100, 0, Delays(1, 2, 3), None)
    plain = Line("c", "", 40, {Outcome.DELIVERED: 40}, 100, 7, Delays(1, 2, 3), Delays(1, 2))
    found = public(Statistics(Axis.FLOW, (line, few, plain), plain), 5)
    assert found.total is None
    first, second, third = found.lines
    assert (first.total, first.outcomes[Outcome.REFUSED], first.retries) == (None, None, None)
    assert (second.total, second.outcomes[Outcome.DELIVERED], second.size, second.delivery) == (None, None, None, None)
    assert (third.total, third.retries, third.delivery) == (40, 7, Delays(1, 2))


def test_public_figures_leave_out_what_is_few(filled: Desk) -> None:
    said = filled.run("stats", "--public", "--csv", "-").out
    assert "<5" in said
    assert filled.ask("stats", "--public")["total"] is None


def test_quality_is_told_by_source_with_the_most_frequent_findings(filled: Desk) -> None:
    (found,) = filled.ask("stats", "--quality")["sources"]
    assert (found["exports"], found["asked"], found["filled"], found["score"]) == (2, 20, 14, 35.0)
    assert found["findings"] == [{"code": "FIELD-MISSING", "verdict": "reject", "count": 6}]
    assert "FIELD-MISSING 6" in filled.run("stats", "--quality", "--csv", "-").out


def test_silence_is_told(filled: Desk) -> None:
    assert filled.ask("stats", "--silent") == {"silent": [], "sources": 1}
    assert filled.run("stats", "--silent").code == 0


def test_nothing_of_it_names_a_case_or_a_person(filled: Desk) -> None:
    for options in (["--by", "source"], ["--quality"], ["--by", "day", "--json"], ["--csv", "-"]):
        said = filled.run("stats", *options).out
        assert filling.CASE not in said
        assert "导出" not in said


def test_a_paused_source_is_shown_with_what_is_kept_and_what_went_before(filled: Desk) -> None:
    (listed,) = filled.ask("source", "list")["sources"]
    assert (listed["system"], listed["held"], listed["last_version"]) == ("案件系统", 1, "2.2")
    shown = filled.ask("source", "show", listed["id"])
    assert shown["seen"] == [{"kind": "lacks", "subject": "arrest-request/charges", "before": "0/30", "now": "10/10"}]
    assert [one["export_name"] for one in shown["held_transfers"]] == ["later.zip"]
    assert [one["state"] for one in shown["suspects"]] == ["refused"]
    text = filled.run("source", "show", listed["id"]).out
    assert "caseferry source resume 1 --why" in text
    (notice,) = [one for one in filled.ask("status")["attention"] if one["need"] == "source-paused"]
    assert (notice["count"], notice["command"]) == (1, "caseferry source show 1")


def test_a_decision_needs_a_reason_and_a_paused_source(filled: Desk) -> None:
    assert filled.run("source", "resume", 1, "--why", "  ", "--json").json["error"]["code"] == "reason-missing"
    assert filled.run("source", "show", 9, "--json").json["error"]["code"] == "no-such-source"
    said = filled.run("source", "replay", 1, "--why", "the packer was mended")
    assert said.code == 0
    assert "carried out as soon as it does" in said.out
    again = filled.run("source", "resume", 1, "--why", "no", "--json")
    assert again.json["error"]["code"] == "decision-pending"
    (deed, *_) = json.loads(filled.run("decisions", "--json").out)["decisions"]
    assert (deed["action"], deed["subject"], deed["done_at"]) == ("source-replay", "police: 案件系统", None)
    assert "source police: 案件系统" in filled.run("decisions").out


def test_the_keys_of_figures_and_sources_are_written_down(filled: Desk) -> None:
    told = [filled.ask("stats"), filled.ask("stats", "--quality"), filled.ask("stats", "--silent")]
    silent = {*paths(told[2])}
    assert {"silent", "sources"} <= silent
    assert {path for answer in told for path in paths(answer)} == set(SHAPES["stats"])
    assert set(paths(filled.ask("source", "list"))) == set(SHAPES["source list"])
    shown = set(paths(filled.ask("source", "show", 1)))
    assert {path for path in shown if not path.startswith("held_transfers[]")} == set(SHAPES["source show"])
