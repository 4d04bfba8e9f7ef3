"""The court's export: what stands in it, where it stood, and what is wrong with its form."""

import hashlib
from pathlib import Path

import pytest

from gateway.packing import Entry, Reading, Settled
from gateway.standard.findings import Verdict
from gateway.standard.package import CaseNumber, CasePackage, Charge, Measure, Sentence, Value
from packers.bounds import MAX_REPORTED
from packers.court import CourtPacker
from tests.support.courts import FILES, NAME, WORKED, CourtExport
from tests.support.standard import STANDARD

PACKER = CourtPacker()
DEFECTS = WORKED.parent / "defects"


def read(*parts: Path) -> Reading:
    with PACKER.read(parts, STANDARD) as reading:
        return reading


def codes(reading: Reading) -> list[tuple[str, str]]:
    return [(f.code, f.verdict.value) for f in reading.findings]


def package_of(export: CourtExport, folder: Path) -> CasePackage:
    reading = read(*export.drop(folder))
    assert codes(reading) == []
    return reading.package


def test_the_worked_example_becomes_a_case_package() -> None:
    reading = read(WORKED)
    package = reading.package
    assert codes(reading) == []
    assert (package.flow, package.business, package.source.version) == ("sentence-delivery", "JFZX", "1.0")
    assert (package.sender_code, package.receiver_code, package.secrecy) == ("9912", "990102111", "内部")
    assert package.exported_at == "2026-05-20T17:02:11"
    assert package.case_numbers == (
        CaseNumber("court-case-no", "（2026）测0102刑初12号"),
        CaseNumber("police-case-no", "A9901020000002026030012"),
        CaseNumber("proc-unified-no", "99010220260001700"),
    )
    assert package.values == (
        Value("court-acceptance-date", "2026-04-29"),
        Value("procedure-type", "fast-track"),
        Value("judgment-date", "2026-05-08"),
        Value("effective-date", "2026-05-19"),
    )
    (person,) = package.persons
    assert (person.name, person.sex, person.birth_date) == ("张测试", "1", "1992-02-29")
    assert (person.id_type, person.id_no) == ("111", "990102199202290172")
    assert person.charges == (Charge("cl-264", "盗窃罪", "264"),)
    assert person.measures == (Measure(place="990102111", inmate_no="990102111202603030001"),)
    assert person.sentences == (
        Sentence(
            "fixed-term",
            "一年",
            additional="罚金2000元",
            start="2026-05-19",
            end="2027-03-02",
            custody_start="2026-03-03",
            credit_days="77",
            executor="990102111",
        ),
    )
    assert [(d.kind, d.path, d.signed) for d in package.documents] == [
        ("judgment", "WS/刑事判决书.pdf", "1"),
        ("execution-notice", "WS/执行通知书.pdf", "1"),
        ("case-closing-form", "WS/结案登记表.pdf", "1"),
        ("indictment-copy", "WS/起诉书副本.pdf", "0"),
    ]


def test_what_has_no_name_is_kept() -> None:
    unknown = {(u.name, u.value, u.line) for u in read(WORKED).package.unknown}
    assert unknown == {
        ("FYSJJH/AJ/@AJBS", "991220260000012", 3),
        ("FYSJJH/AJ/SJY", "褚书记", 7),
        ("FYSJJH/AJ/BGR/ZXXX/ZXJG/@LX", "KSS", 11),
    }


def test_every_value_knows_its_line_and_the_text_that_stood_there() -> None:
    origins = {o.value: o for o in read(WORKED).package.origins}
    end = origins["persons[0].sentences[0].end"]
    assert (end.label, end.tag, end.file, end.line) == ("刑期止日", "FYSJJH/AJ/BGR/ZXXX/XQZR", "data.xml", 11)
    assert origins["values[1].value"].text == "速裁程序"
    assert origins["persons[0].charges[0]"].text == "刑法第264条"
    assert origins["persons[0].sentences[0].probation"].text == "0"


def test_the_records_are_no_documents() -> None:
    assert {m.path for m in read(WORKED).members if m.is_record} == {"data.xml", "filelist.md5"}


@pytest.mark.parametrize(
    ("business", "flow"),
    [
        ("JFZX", "sentence-delivery"),
        ("SLTZ", "first-instance-acceptance"),
        ("KTTZ", "hearing-notice"),
        ("CPSD", "first-instance-judgment"),
        ("SSYS", "second-instance-appeal"),
        ("JXJSCD", "commutation-ruling"),
    ],
)
def test_each_business_is_a_flow_or_a_reply(business: str, flow: str, tmp_path: Path) -> None:
    export = CourtExport(name=NAME.replace("JFZX", business)).changed(('YW="JFZX"', f'YW="{business}"'))
    assert package_of(export, tmp_path).flow == flow


def test_a_name_that_is_still_being_written_is_ignored() -> None:
    entries = [
        Entry("A.tmp", True, 1, 1, 1, frozenset({"data.xml.tmp"})),
        Entry("B", True, 1, 1, 2, frozenset({"data.xml", "filelist.md5"})),
        Entry("C", True, 1, 1, 3, frozenset({"data.xml"})),
        Entry("D", True, 1, 1, 4, frozenset({"data.xml", "WS.tmp"})),
        Entry("E.xml", False, 1, 1, 5),
    ]
    found = {one.name: one.settled for one in PACKER.candidates(entries)}
    assert found == {"B": Settled.COMPLETE, "C": Settled.STABLE, "D": Settled.INCOMPLETE}


def test_files_still_being_written_do_not_travel(tmp_path: Path) -> None:
    reading = read(*CourtExport(has_list=False).with_file("WS/半.pdf.tmp", b"half").drop(tmp_path))
    assert codes(reading) == [("FS-LEFTOVER", "fix")]
    assert "WS/半.pdf.tmp" not in {m.path for m in reading.members}
    assert reading.package.dropped == ("WS/半.pdf.tmp",)


def test_a_file_that_was_changed_after_the_list_is_held(tmp_path: Path) -> None:
    (root,) = CourtExport().drop(tmp_path)
    (root / "WS" / "执行通知书.pdf").write_bytes(b"%PDF-1.4 changed")
    (finding,) = read(root).findings
    assert (finding.code, finding.verdict) == ("FS-MARKER-MISMATCH", Verdict.HOLD)
    assert finding.place.file == "WS/执行通知书.pdf"
    assert finding.expected == hashlib.md5(b"%PDF-1.4 changed").hexdigest()


def test_a_file_that_came_after_the_list_is_held(tmp_path: Path) -> None:
    (root,) = CourtExport().drop(tmp_path)
    (root / "WS" / "晚来.pdf").write_bytes(b"%PDF")
    assert codes(read(root)) == [("FS-MARKER-MISMATCH", "hold")]


def test_a_file_that_only_the_list_has_is_refused(tmp_path: Path) -> None:
    (root,) = CourtExport().with_file("WS/附件.bin", b"1").drop(tmp_path)
    (root / "WS" / "附件.bin").unlink()
    assert codes(read(root)) == [("DOC-LISTED-ABSENT", "reject")]


def test_a_list_that_cannot_be_read_is_held(tmp_path: Path) -> None:
    reading = read(*CourtExport(file_list="no digest\n").drop(tmp_path))
    assert set(codes(reading)) == {("FS-MARKER-MISMATCH", "hold")}


@pytest.mark.parametrize("name", ["58_term_wrong", "60_missing_closing_form", "61_caseno_halfwidth"])
def test_a_folder_without_a_list_counts_as_renamed(name: str) -> None:
    assert codes(read(DEFECTS / name)) == []


def test_a_number_in_half_width_brackets_stays_as_it_is() -> None:
    assert read(DEFECTS / "61_caseno_halfwidth").package.number("court-case-no") == "(2026)测0102刑初12号"


def test_a_missing_effective_date_is_empty_and_no_fault_of_the_form(tmp_path: Path) -> None:
    package = package_of(CourtExport().changed(("<SXRQ>2026-05-19</SXRQ>", "")), tmp_path)
    assert "effective-date" not in {v.field for v in package.values}


def test_probation_is_part_of_the_sentence(tmp_path: Path) -> None:
    package = package_of(CourtExport().changed(("<HX>0</HX>", "<HX>二年</HX>")), tmp_path)
    assert package.persons[0].sentences[0].probation == "二年"


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        (CourtExport(raw=b""), ("XML-MALFORMED", "reject")),
        (CourtExport(raw=b"<a>"), ("XML-MALFORMED", "reject")),
        (CourtExport(raw=b"<a/>"), ("XML-SCHEMA", "reject")),
        (CourtExport(raw=b"<!DOCTYPE a><FYSJJH/>"), ("XML-DTD", "reject")),
        (CourtExport(codec="gb18030"), ("ENC-DECL-MISMATCH", "fix")),
        (CourtExport().changed(("<AJMC>", "<AH>又一</AH><AJMC>")), ("FIELD-REPEATED", "hold")),
        (CourtExport().changed(("</AJ>\n", "</AJ><AJ/>\n")), ("FIELD-REPEATED", "hold")),
        (CourtExport().changed(("<LARQ>", "<LARQ>2026-01-01</LARQ><LARQ>")), ("FIELD-REPEATED", "hold")),
        (CourtExport().changed(("<ZXXX>", "<ZXXX><XQQR>2026-01-01</XQQR></ZXXX><ZXXX>")), ("FIELD-REPEATED", "hold")),
        (CourtExport().changed(("990102199202290172", "99010219920229017x")), ("ID-LOWERCASE-X", "fix")),
        (CourtExport(name=NAME.replace("JFZX", "CPSD")), ("FS-NAME-MISMATCH", "hold")),
        (CourtExport(name=NAME[:-1] + "3"), ("FS-NAME-MISMATCH", "hold")),
    ],
)
def test_one_fault_of_the_form_is_one_finding(export: CourtExport, expected: tuple[str, str], tmp_path: Path) -> None:
    assert codes(read(*export.drop(tmp_path))) == [expected]


def test_a_folder_without_its_data_is_refused(tmp_path: Path) -> None:
    (root,) = CourtExport(has_list=False).drop(tmp_path)
    (root / "data.xml").unlink()
    assert codes(read(root)) == [("XML-ABSENT", "reject")]


def test_a_mass_of_repeated_elements_is_told_once_and_not_a_thousand_times(tmp_path: Path) -> None:
    export = CourtExport().changed(("<SJY>", "<CBR>x</CBR>" * 1000 + "<SJY>"))
    found = codes(read(*export.drop(tmp_path)))
    assert 1 <= len(found) <= 20


def test_what_a_list_says_otherwise_is_told_some_times_and_not_for_each_of_its_lines(tmp_path: Path) -> None:
    lines = [f"{'0' * 32}  nowhere/{n}.pdf\n" for n in range(100)] + [f"{'0' * 32}  {name}\n" for name in FILES]
    found = codes(read(*CourtExport(file_list="".join(lines)).drop(tmp_path)))
    assert found.count(("DOC-LISTED-ABSENT", "reject")) == MAX_REPORTED
    assert ("FS-MARKER-MISMATCH", "hold") in found
