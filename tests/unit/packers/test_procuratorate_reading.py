"""What the procuratorate packer puts into the case package: every field of the layout, with its place."""

import json
from pathlib import Path

import pytest

from gateway.packing import Candidate, Entry, Reading, Settled, checked
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CaseNumber, CasePackage, Charge, Decision, Handler, Value
from packers.procuratorate import ProcuratoratePacker
from tests.support.exports import pdf
from tests.support.procuratorate import FOLDER, SAMPLE, ProcuratorateExport, ofd
from tests.support.standard import STANDARD

PACKER = ProcuratoratePacker()
DEFECTS = Path(__file__).resolve().parents[2] / "data" / "procuratorate" / "defects"


def read(folder: Path) -> Reading:
    with PACKER.read([folder], STANDARD) as reading:
        return reading


def dropped(export: ProcuratorateExport, into: Path) -> Reading:
    return read(*export.drop(into))


def codes(reading: Reading) -> list[tuple[str, str]]:
    return [(one.code, one.verdict.value) for one in reading.findings]


@pytest.fixture(scope="module")
def case() -> CasePackage:
    reading = read(SAMPLE)
    assert reading.findings == ()
    return reading.package


def test_case_values(case: CasePackage) -> None:
    assert (case.flow, case.business, case.business_name) == ("arrest-decision", "SCDB/JDFK", "审查逮捕")
    assert (case.sender_code, case.sender_name) == ("990102", "测试市甲区人民检察院")
    assert (case.receiver_code, case.receiver_name) == ("990102000000", "测试市公安局甲区分局")
    assert (case.handling_unit, case.category, case.secrecy) == ("990102", "0201", "内部")
    assert (case.case_name, case.exported_at) == ("张测试、李样例涉嫌盗窃案", "2026-03-16T16:42:05")
    assert case.handler == Handler("冯检察", "")
    assert case.values == (
        Value("proc-acceptance-date", "2026-03-10"),
        Value("proc-completion-date", "2026-03-16"),
        Value("juvenile-flag", "0"),
    )


def test_numbers_of_all_schemes(case: CasePackage) -> None:
    assert case.case_no == "99010220260001700"
    assert case.case_numbers == (
        CaseNumber("police-case-no", "A9901020000002026030012"),
        CaseNumber("proc-unified-no", "99010220260001700"),
        CaseNumber("proc-dept-no", "测甲检捕诉受〔2026〕99010200017号"),
    )


def test_a_platform_number_that_is_not_null_counts(tmp_path: Path) -> None:
    package = dropped(ProcuratorateExport().changed(('"pttyah": null', '"pttyah": "P1"')), tmp_path).package
    assert package.number("platform-case-no") == "P1"


def test_decisions_per_person(case: CasePackage) -> None:
    first, second = case.persons
    assert (first.person_no, first.name, first.sex, first.birth_date) == ("X0001", "张测试", "1", "1992-02-29")
    assert (first.id_type, first.id_no) == ("111", "990102199202290172")
    assert first.charges == (Charge("", "盗窃罪", "264"),)
    assert first.decisions == (Decision("approved", "批准逮捕", "2026-03-16", "docs/批准逮捕决定书_张测试.ofd"),)
    assert [one.kind for one in second.decisions] == ["refused"]
    assert second.values == (Value("arrest-refusal-kind", "WSHWXX"),)


def test_documents_know_whose_they_are(case: CasePackage) -> None:
    assert [(d.title, d.number, d.path, d.signed, d.kind, d.person_no) for d in case.documents] == [
        ("批准逮捕决定书", "测甲检批捕〔2026〕11号", "docs/批准逮捕决定书_张测试.ofd", "1", "arrest-approval", "X0001"),
        (
            "不批准逮捕决定书",
            "测甲检不批捕〔2026〕4号",
            "docs/不批准逮捕决定书_李样例.ofd",
            "1",
            "arrest-refusal",
            "X0002",
        ),
        (
            "不批准逮捕理由说明书",
            "测甲检不捕说理〔2026〕4号",
            "docs/不批准逮捕理由说明书_李样例.pdf",
            "1",
            "arrest-refusal-reasons",
            "",
        ),
    ]
    assert [d.person for d in case.documents] == ["张测试", "李样例", "李样例"]


def test_every_value_has_a_place(case: CasePackage) -> None:
    places = {one.value: (one.tag, one.line, one.label) for one in case.origins}
    assert places["case_no"] == ("ajjbxx.TYSAH", 18, "统一受案号")
    assert places["case_numbers[0].number"] == ("xtxx.gl_ajbh", 14, "关联公安案件编号")
    assert places["business"] == ("xtxx.ywlb", 3, "业务类别")
    assert places["persons[1].decisions[0].kind"] == ("xyr[1].JDJG", 65, "决定结果")
    assert places["persons[1].values[0].value"] == ("xyr[1].BPBLX", 67, "不批捕类型")
    assert places["values[1].value"] == ("ajjbxx.WCRQ", 30, "完成日期")
    assert places["persons[0].charges[0].name"] == ("xyr[0].SAZM[0].mc", 43, "罪名名称")
    assert {one.file for one in case.origins} == {"case.json"}


def test_what_has_no_name_is_kept_with_its_path(case: CasePackage) -> None:
    kept = {one.name: one.value for one in case.unknown}
    assert kept["ajjbxx.CBBM_MC"] == "第一检察部"
    assert kept["xtxx.jdmc"] == "决定反馈"
    assert kept["xyr[1].BPBLXMC"] == "无社会危险性不捕"


def test_unknown_structures_are_kept_leaf_by_leaf(tmp_path: Path) -> None:
    export = ProcuratorateExport().changed(('"ws": [', '"new": {"a": [1, {"b": true}], "c": []}, "ws": [7,'))
    kept = {one.name: one.value for one in dropped(export, tmp_path).package.unknown}
    assert (kept["new.a[0]"], kept["new.a[1].b"], kept["new.c"], kept["ws[0]"]) == ("1", "true", "", "7")


def test_capitals_do_not_matter(case: CasePackage, tmp_path: Path) -> None:
    def swapped(value: object) -> object:
        if isinstance(value, dict):
            return {name.swapcase(): swapped(one) for name, one in value.items()}
        return [swapped(one) for one in value] if isinstance(value, list) else value

    text = json.dumps(swapped(json.loads(ProcuratorateExport().text)), ensure_ascii=False)
    found = dropped(ProcuratorateExport(text), tmp_path).package
    assert found.case_numbers == case.case_numbers
    assert [one.decisions for one in found.persons] == [one.decisions for one in case.persons]
    assert [one.path for one in found.documents] == [one.path for one in case.documents]


@pytest.mark.parametrize(("value", "verdict"), [("2026-03-10", "fix"), ("2026-03-11", "reject")])
def test_a_field_in_both_capitals_counts_as_twice(value: str, verdict: str, tmp_path: Path) -> None:
    export = ProcuratorateExport().changed(('"SLRQ": "2026-03-10"', f'"SLRQ": "2026-03-10", "slrq": "{value}"'))
    reading = dropped(export, tmp_path)
    assert codes(reading) == [("JSON-DUP-KEY", verdict)]
    assert reading.findings[0].place.field == "ajjbxx.slrq"


def test_the_node_tells_a_request_from_its_answer(tmp_path: Path) -> None:
    flows = []
    for n, node in enumerate(("AJYS", "JDFK", "ZZZ")):
        export = ProcuratorateExport(name=f"e{n}").changed(('"jd": "JDFK"', f'"jd": "{node}"'))
        flows.append(dropped(export, tmp_path).package.flow)
    assert flows == ["arrest-request", "arrest-decision", "arrest-decision"]


def test_records_are_told_from_documents() -> None:
    reading = read(SAMPLE)
    assert {m.path for m in reading.members if m.is_record} == {"case.json", "manifest.json"}
    assert {m.path for m in reading.members} == {"case.json", "manifest.json", *reading.contents}
    assert {content.kind for content in reading.contents.values()} == {"zip", "pdf"}
    assert (reading.is_understood, reading.is_whole, reading.role) == (True, True, "procuratorate")


def entry(name: str, *children: str, is_folder: bool = True) -> Entry:
    return Entry(name, is_folder, 1, 1, 1, frozenset(children))


def test_candidates_are_folders_and_wait_for_their_mark() -> None:
    entries = [
        entry("b", "case.json"),
        entry("a", "case.json", "_READY"),
        entry("x.json", is_folder=False),
        entry(".h", "_READY"),
        entry("c.tmp", "_READY"),
    ]
    assert PACKER.candidates(entries) == [
        Candidate("a", ("a",), Settled.COMPLETE),
        Candidate("b", ("b",), Settled.INCOMPLETE),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("50_json_bom", [("ENC-BOM", "fix")]),
        ("51_json_trailing_comma", [("JSON-SYNTAX", "reject")]),
        ("53_orphan_reply", []),
        ("54_decision_before_request", []),
        ("55_no_ready", [("FS-INCOMPLETE", "wait")]),
        ("57_no_refusal_reasons", []),
    ],
)
def test_rows_of_the_defects_catalogue(row: str, expected: list[tuple[str, str]]) -> None:
    assert codes(read(DEFECTS / row)) == expected


def test_values_that_other_rows_are_judged_by() -> None:
    orphan = read(DEFECTS / "53_orphan_reply").package
    assert orphan.number("police-case-no") == "A9901020000002026039999"
    early = {one.field: one.value for one in read(DEFECTS / "54_decision_before_request").package.values}
    assert early["proc-completion-date"] < early["proc-acceptance-date"]
    kinds = [one.kind for one in read(DEFECTS / "57_no_refusal_reasons").package.documents]
    assert kinds == ["arrest-approval", "arrest-refusal"]


def test_syntax_errors_have_line_and_column() -> None:
    (found,) = read(DEFECTS / "51_json_trailing_comma").findings
    assert (found.place.file, found.place.line, found.place.column) == ("case.json", 1, 207)


def test_a_pdf_under_the_name_of_an_ofd_is_seen(tmp_path: Path) -> None:
    reading = dropped(ProcuratorateExport().with_file("docs/批准逮捕决定书_张测试.ofd", pdf("approval")), tmp_path)
    assert reading.contents["docs/批准逮捕决定书_张测试.ofd"].trouble == "other-type"


def _swap_digests(rows: list[dict[str, object]]) -> None:
    rows[1]["sha256"], rows[2]["sha256"] = rows[2]["sha256"], rows[1]["sha256"]


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        (ProcuratorateExport(listed=_swap_digests), [("FS-MARKER-MISMATCH", "hold")] * 2),
        (ProcuratorateExport(listed=lambda rows: rows[1].update(size=1)), [("FS-MARKER-MISMATCH", "hold")]),
        (ProcuratorateExport(listed=lambda rows: rows[0].pop("sha256")), [("FS-MARKER-MISMATCH", "hold")]),
        (ProcuratorateExport(listed=lambda rows: rows.pop(2)), [("DOC-UNLISTED", "hold")]),
        (ProcuratorateExport(listed=lambda rows: rows.pop(0)), [("DOC-UNLISTED", "hold")]),
        (
            ProcuratorateExport(listed=lambda rows: rows.append({"path": "docs/x.ofd", "size": 1, "sha256": "0" * 64})),
            [("DOC-LISTED-ABSENT", "reject")],
        ),
        (ProcuratorateExport(listed=lambda rows: rows[1].update(path="")), [("JSON-SCHEMA", "reject")]),
        (ProcuratorateExport(has_list=False), []),
        # What neither list names is told by the checks of the case package, once.
        (ProcuratorateExport(listed=lambda rows: rows.pop()).with_file("docs/more.ofd", ofd("more")), []),
    ],
)
def test_the_list_is_compared_with_the_files(
    export: ProcuratorateExport, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    assert codes(dropped(export, tmp_path)) == expected


def test_a_file_that_was_changed_after_the_list_is_named(tmp_path: Path) -> None:
    (root,) = ProcuratorateExport().drop(tmp_path)
    with (root / "docs" / "批准逮捕决定书_张测试.ofd").open("ab") as stream:
        stream.write(b"x")
    (found,) = read(root).findings
    assert (found.code, found.facts["file"]) == ("FS-MARKER-MISMATCH", "docs/批准逮捕决定书_张测试.ofd")


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"[]", "JSON-SCHEMA"), (b'{"xtxx": {}}', "JSON-SCHEMA"), (b'{"xtxx": [], "ajjbxx": {}}', "JSON-SCHEMA")],
)
def test_json_that_is_no_case_is_refused(raw: bytes, code: str, tmp_path: Path) -> None:
    assert codes(dropped(ProcuratorateExport(raw=raw), tmp_path)) == [(code, "reject")]


def test_a_folder_without_its_case_is_refused(tmp_path: Path) -> None:
    (root,) = ProcuratorateExport(has_list=False).drop(tmp_path)
    (root / "case.json").unlink()
    assert codes(read(root)) == [("JSON-ABSENT", "reject")]


def test_links_are_refused_and_nothing_is_handed_out(tmp_path: Path) -> None:
    (root,) = ProcuratorateExport().drop(tmp_path)
    (root / "docs" / "link.pdf").symlink_to("/etc/passwd")
    reading = read(root)
    assert worst(reading.findings) is Verdict.REJECT
    assert reading.members == ()


def test_the_folder_is_named_as_its_source(case: CasePackage) -> None:
    assert (case.source.format, case.source.name, case.source.encoding) == ("procuratorate", FOLDER, "utf-8")


def test_what_the_format_cannot_say_of_a_person_is_not_asked_for(tmp_path: Path) -> None:
    export = ProcuratorateExport().changed(('"ywlb": "SCDB"', '"ywlb": "TBCC"'), ('"jd": "JDFK"', '"jd": "AJTH"'))
    with PACKER.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
    assert reading.package.flow == "supplementary-investigation"
    assert [one for one in reading.findings if one.code == "FIELD-MISSING"] == []


def test_values_that_only_some_flows_have(tmp_path: Path) -> None:
    export = ProcuratorateExport().changed(
        ('"SLRQ": "2026-03-10"', '"SLRQ": "2026-03-10", "BCCS": 1, "CLJG": "TBC"'),
        ('"mj": "内部"', '"mj": "内部", "bb": "2.0.7"'),
    )
    package = dropped(export, tmp_path).package
    assert {Value("supplementary-round", "1"), Value("stage-result", "TBC")} <= set(package.values)
    assert package.source.version == "2.0.7"


def test_what_is_decided_about_prosecution_comes_after_its_acceptance(tmp_path: Path) -> None:
    export = ProcuratorateExport().changed(('"ywlb": "SCDB"', '"ywlb": "QS"'), ('"JDJG": "PZDB"', '"JDJG": "QS"'))
    with PACKER.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
    assert reading.package.flow == "prosecution-decision"
    assert "DATE-ORDER" not in [one.code for one in reading.findings]
