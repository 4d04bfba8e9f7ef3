"""Every defect of the catalogue that a police export can have gives its code, verdict and alarm, and no other."""

from pathlib import Path

import pytest

from gateway.packing import checked
from gateway.standard.findings import Verdict, worst
from packers.police import PolicePacker
from tests.support.defects import DEFECTS, Defect, honest
from tests.support.standard import STANDARD

_FOLLOWERS = {
    # What a defect brings with it by its nature, beyond its own code.
    "D4-FS-LEFTOVER": set(),
    "D9-ZIP-PATH-TRAVERSAL-drive": {"ZIP-BACKSLASH"},
    "D9-ZIP-PATH-TRAVERSAL-share": {"ZIP-BACKSLASH"},
    "D16-ENC-DECL-MISMATCH-senseless": {"XML-MALFORMED"},
    "D17-ENC-GB2312-RARE": {"DOC-NAMES-PERSON"},
    "D18-ENC-REPLACEMENT": {"DOC-NAMES-PERSON"},
    "D19-ENC-PUA": {"DOC-NAMES-PERSON"},
    "D20-NAME-MIDDLE-DOT": {"DOC-NAMES-PERSON"},
    "D26-ID-BIRTH-MISMATCH-decides-age": {"AGE-UNDER-16"},
    "D33-AGE-12-14": {"DOC-MISSING", "AV-HINT"},
    "D35-DATE-FUTURE": {"DATE-ORDER"},
}


@pytest.fixture(scope="module")
def packer() -> PolicePacker:
    return PolicePacker()


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_defect_gives_its_finding(defect: Defect, packer: PolicePacker, tmp_path: Path) -> None:
    with packer.read(defect.make().drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        own = [f for f in reading.findings if f.code == defect.code]
        others = {f.code for f in reading.findings} - {defect.code}
        assert own, reading.findings
        assert {(f.verdict.value, f.alarm) for f in own} == {(defect.verdict, defect.alarm)}
        assert others == _FOLLOWERS.get(str(defect), set())
        if not others:
            assert worst(reading.findings) is Verdict(defect.verdict)


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_findings_show_no_whole_identity_number(defect: Defect, packer: PolicePacker, tmp_path: Path) -> None:
    export = defect.make()
    numbers = [part.split("</SFHM>")[0] for part in export.xml.split("<SFHM>")[1:]]
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        said = repr(reading.findings)
        assert not [n for n in numbers if n and n in said]


def test_honest_export_has_no_finding(packer: PolicePacker, tmp_path: Path) -> None:
    with packer.read(honest().drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert reading.findings == ()
        assert len(reading.members) == 8


@pytest.mark.parametrize("defect", [d for d in DEFECTS if d.alarm and d.code != "XML-DTD"], ids=str)
def test_alarming_export_hands_out_no_member(defect: Defect, packer: PolicePacker, tmp_path: Path) -> None:
    with packer.read(defect.make().drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert reading.members == ()


def test_all_defects_of_one_export_are_reported_at_once(packer: PolicePacker, tmp_path: Path) -> None:
    export = (
        honest()
        .changed(
            ("<AJBH>A9901020000002026030012</AJBH>", "<AJBH></AJBH>"),
            ("990102199202290172", "990102199202290171"),
            ("<RS>2</RS>", "<RS>3</RS>"),
            ("<TQRQ>2026-03-10</TQRQ>", "<TQRQ>2026-03-01</TQRQ>"),
        )
        .without_file("文书/拘留证_李样例.pdf")
        .with_file("文书/多余.pdf", b"")
    )
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert {f.code for f in reading.findings} == {
            "FIELD-MISSING",
            "ID-CHECKSUM",
            "PERSON-COUNT",
            "DATE-ORDER",
            "DOC-LISTED-ABSENT",
            "DOC-UNLISTED",
            "DOC-CORRUPT",
        }


def test_finding_names_line_field_and_mender(packer: PolicePacker, tmp_path: Path) -> None:
    export = honest().changed(("990102199202290172", "990102199202290171"))
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        (finding,) = reading.findings
    assert (finding.place.file, finding.place.line, finding.place.field) == ("案件信息.xml", 17, "身份号码(SFHM)")
    assert (finding.value, finding.expected, finding.mender) == ("990*************71", "*2", "handler")


def test_malformed_xml_is_placed_at_the_ampersand(packer: PolicePacker, tmp_path: Path) -> None:
    export = honest().changed(("样板广场盗窃", "样板&广场盗窃"))
    line = export.xml.splitlines()[9]
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        (finding,) = reading.findings
    assert (finding.place.line, finding.place.column) == (11, line.index("&") + 1)
