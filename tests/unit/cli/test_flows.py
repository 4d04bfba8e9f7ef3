"""`flows`: the standard as this node has it, told in the reader's language, and its files checked."""

from pathlib import Path

import pytest

from gateway.settings.standard_reading import check_files
from gateway.standard.loading import packaged_standard
from tests.support.desk import Desk, run
from tests.support.shapes import SHAPES, paths
from tests.support.smallstandard import FLOW, HEAD

ENGLISH = {"CASEFERRY_LANGUAGE": "en", "COLUMNS": "200"}


def test_all_flows_by_class(tmp_path: Path) -> None:
    answer = run("flows", "list", "--config", tmp_path, "--json").json
    assert set(paths(answer)) == set(SHAPES["flows list"])
    assert [one["code"] for one in answer["flows"]] == [one.code for one in packaged_standard().flows()]
    assert [one["class"] for one in answer["flows"]] == list(range(1, 47))


@pytest.mark.parametrize(
    ("option", "value", "among", "not_among"),
    [
        ("--role", "prison", "prison-admission", "arrest-request"),
        ("--role", "politics-law-committee", "case-filing-report", "custody-handover"),
        ("--group", "custody", "custody-handover", "arrest-request"),
    ],
)
def test_some_of_them(tmp_path: Path, option: str, value: str, among: str, not_among: str) -> None:
    answer = run("flows", "list", option, value, "--config", tmp_path, env=ENGLISH)
    assert answer.code == 0
    assert among in answer.out
    assert not_among not in answer.out


@pytest.mark.parametrize(("option", "value"), [("--role", "polise"), ("--group", "custdy")])
def test_a_misspelt_choice_is_told(tmp_path: Path, option: str, value: str) -> None:
    answer = run("flows", "list", option, value, "--config", tmp_path, env=ENGLISH)
    assert answer.code == 1
    assert {"--role": "police", "--group": "custody"}[option] in answer.err


def test_everything_of_a_flow_in_the_readers_language(desk: Desk) -> None:
    english = desk.run("flows", "show", "arrest-request", env=ENGLISH).out
    assert "Request for approval of arrest" in english
    assert "Detention warrant (detention-warrant): required if person.coercive-measure == detained" in english
    assert "7 days from the delivered receipt" in english
    assert "Criminal Procedure Law of the People's Republic of China 91.3" in english
    assert "Decision to approve or not to approve the arrest" in english
    chinese = desk.run("flows", "show", "arrest-request", env={"CASEFERRY_LANGUAGE": "zh_CN"}).out
    assert "提请批准逮捕" in chinese
    assert "中华人民共和国刑事诉讼法 91.3" in chinese
    assert "Request for approval of arrest" not in chinese


def test_everything_of_a_flow_for_machines(desk: Desk) -> None:
    found = [desk.ask("flows", "show", code) for code in ("arrest-request", "commutation-ruling", "custody-handover")]
    assert {path for one in found for path in paths(one)} == set(SHAPES["flows show"])
    assert found[1]["code"] == "commutation-parole-request", "a reply shows the flow that it answers"
    assert found[0]["deadlines"][0]["basis"] == ["cpl:91.3", "spp-rules:282"]
    assert {one["code"]: one["need"] for one in found[0]["answer"]["documents"]}["arrest-refusal"] == "one-of-2"


@pytest.mark.parametrize("code", [one.code for one in packaged_standard().flows()])
def test_every_flow_can_be_told(tmp_path: Path, code: str) -> None:
    answer = run("flows", "show", code, "--config", tmp_path, env=ENGLISH)
    assert (answer.code, answer.out.startswith(code)) == (0, True)


def test_a_flow_that_is_not_there(desk: Desk) -> None:
    answer = desk.run("flows", "show", "arest-request", env=ENGLISH)
    assert answer.code == 1
    assert "arrest-request" in answer.err


def test_an_edition_is_told_by_its_day(desk: Desk) -> None:
    folder = desk.place.config / "flows"
    folder.mkdir(exist_ok=True)
    text = Path("config/flows/custody-handover.yaml").read_text(encoding="utf-8")
    later = text.replace("2026-01-01", "2031-07-01").replace('"1.0"', '"2.0"').replace("lane: custody", "lane: high", 1)
    (folder / "custody-handover.2031.yaml").write_text(later, encoding="utf-8")
    lanes = [desk.ask("flows", "show", "custody-handover", "--day", d)["lane"] for d in ("2031-06-30", "2031-07-01")]
    assert lanes == ["custody", "high"]
    shown = desk.ask("flows", "show", "custody-handover", "--day", "2031-07-01")
    assert [one["version"] for one in shown["editions"]] == ["1.0", "2.0"]


def test_check_says_every_fault_with_its_place(desk: Desk, tmp_path: Path) -> None:
    assert desk.ask("flows", "check") == {"ok": True, "own": [], "complaints": []}
    folder = desk.place.config / "flows"
    folder.mkdir(exist_ok=True)
    (folder / "new-flow.yaml").write_text(FLOW.replace("arrest-request", "new-flow"), encoding="utf-8")
    said = desk.run("flows", "check", "--json")
    assert said.code == 1
    assert set(paths(said.json)) == set(SHAPES["flows check"])
    assert {one["code"] for one in said.json["complaints"]} >= {"class-taken", "business-twice", "flow-twice"}
    plain = desk.run("flows", "check", env=ENGLISH)
    assert f"{folder}/new-flow.yaml:8:8: class 1 is already that of flow" in plain.out
    assert run("flows", "check", tmp_path, env=ENGLISH).code == 0, "a folder without such files"


def test_the_node_does_not_start_with_a_faulty_standard_and_check_says_why(desk: Desk) -> None:
    folder = desk.place.config / "codes"
    folder.mkdir(exist_ok=True)
    (folder / "roles.local.yaml").write_text(HEAD + "roles:\n  bank: {zh: 银行}\n", encoding="utf-8")
    results = desk.ask("check")["results"]
    assert [(one["code"], one["subject"].split("/")[-1]) for one in results] == [
        ("key-missing", "roles.local.yaml:4:3")
    ]
    refused = desk.run("run", env=ENGLISH)
    assert refused.code == 1
    assert "roles.local.yaml:4:3" in refused.err


def test_the_checked_files_are_those_that_are_packaged() -> None:
    assert check_files(Path("config"), {}).complaints == ()
