"""The exports that real-looking case software dropped are read as what they are."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.packing import checked
from gateway.standard.findings import Verdict, worst
from packers.police import PolicePacker
from tests.support.exports import CASE_XML, STEM, PoliceExport
from tests.support.samples import FRAUD_STEM, TRANSFER_STEM, fraud_case, prosecution_transfer
from tests.support.standard import STANDARD

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "police"
DEFECTS = json.loads((DATA / "defects" / "index.json").read_text("utf-8"))
SHOWN = json.loads((ROOT / "samples" / "defects" / "index.json").read_text("utf-8"))
_MILD = {"DOC-NAMES-PERSON", "DATE-ORDER"}
"""Marks that some rows bring along: their documents still name the person of the worked example, and so on."""


def parts(path: Path) -> tuple[Path, ...]:
    mark = path.with_name(path.name + ".ok")
    return (path, mark) if mark.exists() else (path,)


@pytest.fixture(scope="module")
def packer() -> PolicePacker:
    return PolicePacker()


@pytest.mark.parametrize(
    ("stem", "flow", "case_no"),
    [
        (STEM, "arrest-request", "A9901020000002026030012"),
        (FRAUD_STEM, "arrest-request", "A9901020000002026030027"),
        (TRANSFER_STEM, "prosecution-transfer", "A9901020000002026030012"),
    ],
)
def test_honest_sample_passes(stem: str, flow: str, case_no: str, packer: PolicePacker) -> None:
    with packer.read(parts(ROOT / "samples" / "police" / f"{stem}.zip"), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert reading.findings == ()
        package = reading.package
    assert (package.flow, package.case_no) == (flow, case_no)
    assert (package.sender_code, package.receiver_code) == ("990102000000", "990102")


@pytest.mark.parametrize("made", [fraud_case, prosecution_transfer])
def test_made_samples_are_what_the_builder_makes(made: Callable[[], PoliceExport]) -> None:
    export = made()
    with zipfile.ZipFile(ROOT / "samples" / "police" / f"{export.stem}.zip") as kept:
        found = {i.orig_filename.encode("cp437"): kept.read(i) for i in kept.infolist()}
    assert found == {item.name: item.data for item in export.items()}


@pytest.mark.parametrize("row", [r for r in DEFECTS if r["no"] != 37], ids=lambda r: r["path"])
def test_defective_sample_gets_its_row(row: dict[str, str], packer: PolicePacker) -> None:
    verdict, _, alarm = row["verdict"].partition("+")
    allowed = {"fix", "reject"} if verdict == "fix-or-reject" else {verdict}
    with packer.read(parts(DATA / "defects" / row["path"]), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        own = [f for f in reading.findings if f.code == row["code"]]
        rest = {f.code for f in reading.findings}
        gravest = worst(f for f in reading.findings if f.code not in _MILD - {row["code"]})
    assert own
    assert {f.verdict.value for f in own} <= allowed
    assert all(f.alarm for f in own) == (alarm == "alarm")
    assert gravest.value in allowed, rest


def test_unknown_receiver_is_left_to_the_route(packer: PolicePacker) -> None:
    (row,) = (r for r in DEFECTS if r["no"] == 37)
    with packer.read(parts(DATA / "defects" / row["path"]), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert reading.findings == ()
        assert reading.package.receiver_code == "998877"


@pytest.mark.parametrize("row", SHOWN, ids=lambda r: r["path"])
def test_shown_defect_says_the_same(row: dict[str, str], packer: PolicePacker) -> None:
    with packer.read(parts(ROOT / "samples" / "defects" / row["path"]), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert row["verdict"].removesuffix("+alarm") in {
            f.verdict.value for f in reading.findings if f.code == row["code"]
        }


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("utf8_flag.zip", "utf-8"), ("utf8_noflag.zip", "utf-8"), ("gb18030_noflag.zip", "gb18030")],
)
def test_every_way_of_writing_names_is_read(name: str, encoding: str, packer: PolicePacker) -> None:
    with packer.read((DATA / "name-variants" / name,), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        members = {m.path: m.raw for m in reading.members}
        assert reading.package.source.name_encoding == encoding
        assert worst(f for f in reading.findings if f.code == "FS-NO-MARKER") is Verdict.WAIT
    wanted = (CASE_XML, "文书/提请批准逮捕书.pdf", "文书/㐂字测试.pdf")
    assert members == {path: None if encoding == "utf-8" else path.encode("gb18030") for path in wanted}
