"""The prison's batch: what stands in it, where it stood, and what is wrong with its form (catalogue D62 to D68)."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.packing import Entry, Reading, Settled
from gateway.standard.fields import values
from gateway.standard.findings import Verdict
from gateway.standard.package import CaseNumber, Change, Charge, Sentence, Value
from packers.prison import PrisonPacker
from packers.prison_fields import COLUMNS
from tests.support.prisons import HEADING, ROWS, STEM, WORKED, PrisonExport
from tests.support.standard import STANDARD

PACKER = PrisonPacker()
DEFECTS = WORKED.parent / "defects"


def read(*parts: Path) -> Reading:
    with PACKER.read(parts, STANDARD) as reading:
        return reading


def codes(reading: Reading) -> list[tuple[str, str]]:
    return [(f.code, f.verdict.value) for f in reading.findings]


def of(export: PrisonExport, folder: Path) -> Reading:
    return read(*export.drop(folder))


def test_the_worked_example_becomes_a_case_package() -> None:
    reading = read(WORKED, WORKED.with_suffix(""), WORKED.with_suffix(".over"))
    package = reading.package
    assert codes(reading) == []
    assert (package.flow, package.business, package.batch_no) == (
        "commutation-parole-request",
        "JXJS",
        "二〇二六年第二批",
    )
    assert (package.sender_code, package.receiver_code) == ("9901009901", "9910")
    assert package.case_numbers == (CaseNumber("prison-business-no", "99010099012026B02"),)
    assert package.case_no == "99010099012026B02"
    assert [p.person_no for p in package.persons] == ["9901000017", "9901000042", "9901000066"]
    first, _, third = package.persons
    assert (first.name, first.sex, first.birth_date) == ("赵虚构", "1", "1975-05-01")
    assert (first.id_type, first.id_no) == ("111", "990104197505010514")
    assert first.charges == (Charge(name="故意伤害罪"),)
    assert first.sentences == (
        Sentence(
            "fixed-term",
            "十二年",
            start="2018-09-01",
            end="2030-08-31",
            court="测试市中级人民法院",
            court_case_no="（2019）测01刑初8号",
        ),
    )
    assert first.changes == (
        Change("commutation", "七个月", "2030-01-31", "0", "已全部履行", "同意提请", "9901000017"),
    )
    assert first.values == (Value("admission-date", "2019-11-20"),)
    assert (third.changes[0].kind, third.changes[0].proposal) == ("parole", "假释")


def test_every_prisoner_has_his_own_documents() -> None:
    package = read(WORKED, WORKED.with_suffix(""), WORKED.with_suffix(".over")).package
    found = {(d.person_no, d.kind) for d in package.documents}
    assert len(package.documents) == 13
    assert {kind for number, kind in found if number == "9901000066"} == {
        "parole-proposal",
        "assessment-opinion",
        "commutation-review-form",
        "prisoner-evaluation",
        "property-penalty-proof",
    }


def test_the_numbers_of_the_judgments_are_those_of_the_persons() -> None:
    package = read(WORKED, WORKED.with_suffix(""), WORKED.with_suffix(".over")).package
    found = values(package, "court-case-no")
    assert [(one.person, one.value) for one in found][1] == (1, "（2021）测0102刑初77号")
    assert found[1].place in {o.value for o in package.origins}


def test_every_value_knows_its_row(tmp_path: Path) -> None:
    export = PrisonExport().with_cell(1, "检察意见", "同意\n提请")
    origins = {o.value: o for o in of(export, tmp_path).package.origins}
    assert (origins["persons[0].name"].line, origins["persons[1].name"].line) == (2, 4)
    assert origins["persons[1].sex"].text == "女"
    assert origins["persons[1].sentences[0].end"].label == "刑期止日"


def test_an_unknown_column_is_kept(tmp_path: Path) -> None:
    package = of(PrisonExport().with_column("监区", "一监区", "", "三监区"), tmp_path).package
    assert [(u.name, u.value, u.line) for u in package.unknown] == [("监区", "一监区", 2), ("监区", "三监区", 4)]


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    turned = replace(PrisonExport(), rows=tuple(row[::-1] for row in ROWS))
    assert of(turned, tmp_path).package.persons[2].name == "孙模拟"


def test_a_batch_is_complete_with_its_mark() -> None:
    def entry(name: str, *, is_folder: bool = False) -> Entry:
        return Entry(name, is_folder, 1, 1, 1)

    table, folder, mark = entry(f"{STEM}.csv"), entry(STEM, is_folder=True), entry(f"{STEM}.over")
    lone = entry("A.csv")
    found = PACKER.candidates([mark, folder, lone, table, entry("B.over"), entry("C", is_folder=True)])
    assert [(one.parts, one.settled) for one in found] == [
        (("A.csv",), Settled.INCOMPLETE),
        ((f"{STEM}.csv", STEM, f"{STEM}.over"), Settled.COMPLETE),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("62_sci", ("CSV-EXCEL-SCI", "reject")),
        ("64_extra_comma", ("CSV-COLUMNS", "reject")),
        ("65_rowcount", ("CSV-ROWCOUNT", "reject")),
        ("67_utf8_csv", ("ENC-DECL-MISMATCH", "fix")),
        ("68_dup_no", ("CSV-DUP-PRISONER", "hold")),
    ],
)
def test_a_row_of_the_catalogue_is_one_finding(name: str, expected: tuple[str, str]) -> None:
    reading = read(DEFECTS / f"{name}.csv", DEFECTS / f"{name}.over")
    assert codes(reading) == [expected]


def test_findings_say_row_line_and_field() -> None:
    (ruined,) = read(DEFECTS / "62_sci.csv", DEFECTS / "62_sci.over").findings
    assert (ruined.place.line, ruined.place.field, ruined.facts["row"], ruined.value) == (
        2,
        "证件号码",
        1,
        "9.90104E+17",
    )
    (wide,) = read(DEFECTS / "64_extra_comma.csv", DEFECTS / "64_extra_comma.over").findings
    assert (wide.facts["columns"], wide.facts["wanted"]) == (23, 22)
    (double,) = read(DEFECTS / "68_dup_no.csv", DEFECTS / "68_dup_no.over").findings
    assert (double.value, double.facts["persons"], double.place.line) == ("9901000017", "赵虚构、钱演示", 3)


def test_the_mark_of_utf8_is_no_part_of_the_first_column() -> None:
    package = read(DEFECTS / "67_utf8_csv.csv", DEFECTS / "67_utf8_csv.over").package
    assert package.persons[0].ordinal == "1"
    assert package.unknown == ()


@pytest.mark.parametrize(
    ("written", "day", "verdict"),
    [
        ("1975-05-01", "1975-05-01", None),
        ("1975/5/1", "1975-05-01", "fix"),
        ("1975/05/01", "1975-05-01", "fix"),
        ("1975.5.1", "1975-05-01", "fix"),
        ("19750501", "1975-05-01", "fix"),
        ("27515", "1975-05-01", "fix"),
        ("1975年5月1日", "1975-05-01", "fix"),
        ("一九七五年五月一日", "1975-05-01", "fix"),  # the identity number says the same
        ("一九七五年五月二日", "1975-05-02", "hold"),
        ("1975", "1975", None),
        ("1975/2/30", "1975/2/30", "reject"),
        ("5/1/75", "5/1/75", "reject"),
        ("不详", "不详", "reject"),
        ("99999999", "99999999", "reject"),
    ],
)
def test_a_day_is_understood_or_asked_about_and_never_guessed(
    written: str, day: str, verdict: str | None, tmp_path: Path
) -> None:
    reading = of(PrisonExport().with_cell(1, "出生日期", written), tmp_path)
    assert codes(reading) == ([("CSV-DATE", verdict)] if verdict else [])
    assert reading.package.persons[0].birth_date == day


def test_a_day_in_chinese_numerals_that_nothing_confirms_is_held(tmp_path: Path) -> None:
    reading = of(PrisonExport().with_cell(2, "刑期止日", "二〇二八年六月十四日"), tmp_path)
    (finding,) = reading.findings
    assert (finding.code, finding.verdict, finding.facts["row"]) == ("CSV-DATE", Verdict.HOLD, 2)
    assert reading.package.persons[1].sentences[0].end == "2028-06-14"


def test_many_days_of_one_column_are_one_finding(tmp_path: Path) -> None:
    export = PrisonExport()
    for row, day in ((1, "27515"), (2, "1980/12/31"), (3, "一九六九年十月一日")):
        export = export.with_cell(row, "出生日期", day)
    (finding,) = of(export, tmp_path).findings
    assert (finding.verdict, finding.facts["count"]) == (Verdict.FIX, 3)
    assert finding.facts["days"] == "1975-05-01、1980-12-31、1969-10-01"


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        (PrisonExport(has_mark=False), [("FS-NO-MARKER", "wait")]),
        (PrisonExport(mark=f"ROWS=3\r\nFILES=13\r\nMD5={'0' * 32}\r\n"), [("FS-MARKER-MISMATCH", "hold")]),
        (PrisonExport().with_file("9901000017/~$x.docx", b"1"), [("FS-LEFTOVER", "fix")]),
        (
            replace(PrisonExport(), mark="ROWS=3\r\nFILES=12\r\nMD5="),
            [("FS-MARKER-MISMATCH", "hold"), ("CSV-FILECOUNT", "reject")],
        ),
        (PrisonExport().without_folder("9901000042"), [("CSV-MATERIALS-ABSENT", "reject")]),
        (PrisonExport().with_file("9901000099/x.pdf", b"%PDF"), [("CSV-MATERIALS-EXTRA", "hold")]),
        (PrisonExport(raw=b"", has_folder=False), [("FS-ZERO-BYTE", "reject")]),
        (PrisonExport(codec="utf-8"), [("ENC-DECL-MISMATCH", "fix")]),
        (replace(PrisonExport(), codec="gb18030").with_cell(1, "姓名", "赵㐂𠮷"), [("ENC-GB2312-RARE", "fix")]),
        (PrisonExport().with_cell(1, "证件号码", "99010419750501051x"), [("ID-LOWERCASE-X", "fix")]),
        (PrisonExport().with_cell(2, "批次号", "二〇二六年第三批"), [("FIELD-REPEATED", "hold")]),
        (PrisonExport(raw=b'"a'), [("CSV-MALFORMED", "reject")]),
        (PrisonExport(raw=b"\r\n \r\n"), [("CSV-MALFORMED", "reject")]),
        (PrisonExport(raw=b"\xff\xfe\xff"), [("ENC-DECL-MISMATCH", "reject")]),
        (PrisonExport().with_cell(1, "姓名", "赵\x01"), [("CSV-MALFORMED", "reject")]),
        (PrisonExport(rows=(("甲", "乙"), ("1", "2"))), [("CSV-HEADING", "reject")]),
    ],
)
def test_what_is_wrong_with_a_batch(export: PrisonExport, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    assert codes(of(export, tmp_path)) == expected


def test_a_batch_without_folders_refers_to_materials_sent_before(tmp_path: Path) -> None:
    reading = of(PrisonExport(has_folder=False), tmp_path)
    assert codes(reading) == []
    assert not reading.is_whole
    assert {m.path for m in reading.members} == {"批次清单.csv", "批次清单.over"}


def test_a_title_with_a_slash_is_one_title(tmp_path: Path) -> None:
    export = PrisonExport().with_file("9901000017/历次减刑/假释裁定书.pdf", b"%PDF")
    documents = {d.path: d for d in of(export, tmp_path).package.documents}
    assert documents["9901000017/历次减刑/假释裁定书.pdf"].title == "历次减刑/假释裁定书"
    assert documents["9901000017/历次减刑/假释裁定书.pdf"].kind == "prior-commutation-rulings"


def test_a_link_in_the_place_of_the_table_is_not_followed(tmp_path: Path) -> None:
    table, folder, mark = PrisonExport().drop(tmp_path)
    table.unlink()
    table.symlink_to(mark)
    (finding,) = read(table, folder, mark).findings
    assert (finding.code, finding.alarm) == ("FS-SPECIAL-FILE", True)


def test_the_heading_of_the_layout_is_known_whole() -> None:
    assert tuple(COLUMNS) == HEADING
