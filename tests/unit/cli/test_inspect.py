"""`inspect`: what would happen to an export, without a node, with a packer, or by a node's own route."""

import re
import shutil
from pathlib import Path

import pytest

from gateway.bundle.streams import silent
from gateway.bundle.suites import DEFAULT_SUITE
from gateway.stages.contents import read_content
from gateway.standard.business import business_key
from packers.police import PolicePacker
from tests.support import filling
from tests.support.desk import PEER, Answer, Desk, run
from tests.support.standard import STANDARD

SAMPLES = Path(__file__).parents[3] / "samples"
HONEST = SAMPLES / "police" / "TQPZDB_990102000000_990102_A9901020000002026030012_20260310153012.zip"
DEFECTS = SAMPLES / "defects"


def inspected(export: Path, *options: str) -> Answer:
    """Inspect where there is no configuration."""
    return run("inspect", export, *options, "--config", export.parent / "nowhere")


def test_an_honest_export_is_sendable_without_a_node() -> None:
    answer = inspected(HONEST, "--json")
    found = answer.json
    assert answer.code == 0
    assert (found["outcome"], found["packer"], found["flow"]) == ("sendable", "police", "arrest-request")
    assert found["case_no"] == "A9901020000002026030012"
    assert (found["persons"], found["documents"], found["findings"]) == (2, 4, [])
    assert {
        "name": "case_no",
        "label": "案件编号",
        "value": found["case_no"],
        "file": "案件信息.xml",
        "line": 5,
    } in found["fields"]


@pytest.mark.parametrize(
    ("sample", "code", "outcome", "finding"),
    [
        ("25_id_checksum.zip", 2, "refused", "ID-CHECKSUM"),
        ("09_traversal.zip", 2, "refused", "ZIP-PATH-TRAVERSAL"),
        ("12_rar_renamed.zip", 2, "refused", "ZIP-NOT-ZIP"),
        ("36_detention_over.zip", 0, "sendable", "DETENTION-LIMIT"),
        ("04_leftovers.zip", 0, "sendable", "FS-LEFTOVER"),
    ],
)
def test_each_defect_has_its_code_and_its_exit_code(sample: str, code: int, outcome: str, finding: str) -> None:
    answer = inspected(DEFECTS / sample, "--json")
    assert answer.code == code
    assert answer.json["outcome"] == outcome
    assert finding in [one["code"] for one in answer.json["findings"]]
    plain = inspected(DEFECTS / sample)
    assert plain.code == code
    assert finding in plain.out


def test_a_finding_says_where_what_it_should_be_and_who_mends_it() -> None:
    (finding,) = inspected(DEFECTS / "25_id_checksum.zip", "--json").json["findings"]
    assert (finding["file"], finding["line"], finding["mender"]) == ("案件信息.xml", 17, "handler")
    out = inspected(DEFECTS / "25_id_checksum.zip").out
    assert "案件信息.xml, line 17" in out
    assert "case handler" in out


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("sample", sorted(DEFECTS.glob("*.zip")), ids=lambda path: path.stem)
def test_no_identity_number_is_shown_whole(sample: Path, options: list[str]) -> None:
    out = inspected(sample, *options).out
    assert re.findall(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])", out) == []


def test_without_its_mark_an_export_would_wait(tmp_path: Path) -> None:
    shutil.copy(HONEST, tmp_path)
    answer = inspected(tmp_path / HONEST.name, "--json")
    assert answer.code == 1
    assert (answer.json["outcome"], answer.json["findings"][-1]["code"]) == ("waits", "FS-NO-MARKER")


def test_the_mark_beside_the_export_is_found_and_compared(tmp_path: Path) -> None:
    shutil.copy(HONEST, tmp_path)
    (tmp_path / f"{HONEST.name}.ok").write_text("99999", "utf-8")
    codes = [one["code"] for one in inspected(tmp_path / HONEST.name, "--json").json["findings"]]
    assert codes
    assert "FS-NO-MARKER" not in codes


@pytest.mark.parametrize("name", ["换押证_王虚构.pdf", "补充证据材料_王虚构诈骗案"])
def test_what_no_agency_format_takes_goes_as_a_file_or_a_folder(name: str) -> None:
    answer = inspected(SAMPLES / "folder" / name, "--json")
    assert answer.code == 0
    assert answer.json["packer"] == "folder"


def test_the_packer_can_be_named() -> None:
    assert inspected(HONEST, "--packer", "folder", "--json").json["packer"] == "folder"
    assert inspected(HONEST, "--packer", "customs", "--json").json["error"]["code"] == "packer-unknown"


def test_what_is_not_there_is_said() -> None:
    answer = inspected(SAMPLES / "nothing.zip", "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "file-not-there"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "export.zip").symlink_to(HONEST)
    assert inspected(tmp_path / "export.zip", "--json").json["error"]["code"] == "entry-unsafe"


def test_an_export_in_an_outbound_folder_is_asked_of_its_route(desks: tuple[Desk, Desk]) -> None:
    desk = desks[0]
    folder = desk.place.out / "police"
    for path in HONEST.parent.glob(f"{HONEST.name}*"):
        shutil.copy(path, folder)
    found = desk.ask("inspect", folder / HONEST.name)
    assert (found["route"], found["recipient"], found["link"]) == ("police", "990102", "procuratorate")
    assert (folder / HONEST.name).read_bytes() == HONEST.read_bytes()


def test_what_was_sent_before_is_compared_and_named(desks: tuple[Desk, Desk]) -> None:
    desk = desks[0]
    parts = sorted(HONEST.parent.glob(f"{HONEST.name}*"))
    with PolicePacker().read(parts, STANDARD) as reading:
        key = business_key(reading.package, PEER, "police", STANDARD)
        content = read_content(reading.members, DEFAULT_SUITE, silent)
    with desk.ledger() as ledger:
        filling.sealed(ledger, 1, key=key, content=content)
    same = desk.run("inspect", HONEST, "--route", "police", "--json")
    assert (same.code, same.json["outcome"], same.json["verdict"]) == (0, "duplicate", "pass")
    (finding,) = same.json["findings"]
    assert finding["code"] == "DUP-SAME"
    assert filling.bundle(1) in finding["what"]
    assert "not be sent again" in desk.run("inspect", HONEST, "--route", "police").out

    with desk.ledger() as ledger:
        filling.sealed(ledger, 2, key=key, content=filling.header(2))
    other = desk.run("inspect", HONEST, "--route", "police", "--json")
    assert (other.code, other.json["outcome"]) == (1, "held")
    (finding,) = other.json["findings"]
    assert (finding["code"], finding["verdict"]) == ("DUP-DIFFERENT", "hold")
    assert filling.bundle(2) in finding["what"]


def test_a_route_that_knows_no_such_receiver_refuses(desk: Desk) -> None:
    routes = desk.place.config / "routes.d" / "police.yaml"
    routes.write_text(routes.read_text("utf-8").replace('"990102": "990102"', '"990199": "990102"'), "utf-8")
    answer = desk.run("inspect", HONEST, "--route", "police", "--json")
    assert answer.code == 2
    assert [one["code"] for one in answer.json["findings"]] == ["ORG-UNKNOWN"]


def test_a_route_that_is_not_there_is_said_with_those_that_are(desks: tuple[Desk, Desk]) -> None:
    answer = desks[0].run("inspect", HONEST, "--route", "nobody", "--json")
    assert answer.json["error"]["code"] == "route-unknown"
    assert "police, files" in answer.json["error"]["why"]


def test_a_route_needs_a_configuration() -> None:
    assert inspected(HONEST, "--route", "police", "--json").json["error"]["code"] == "settings-refused"
