"""What the police packer puts into the case package: every field of the layout, with its place."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.packing import Candidate, Entry, Settled, checked
from gateway.standard.findings import Verdict
from gateway.standard.package import CaseNumber, CasePackage, Charge, Handler, Measure, UnknownValue
from packers.police import PolicePacker
from tests.support.exports import CASE_XML, STEM, PoliceExport, ZipItem, zip_bytes
from tests.support.standard import STANDARD


def entry(name: str, *, is_folder: bool = False) -> Entry:
    return Entry(name, is_folder, 1, 1, 1)


@pytest.fixture(scope="module")
def packer() -> PolicePacker:
    return PolicePacker()


def read(packer: PolicePacker, export: PoliceExport, folder: Path) -> CasePackage:
    with packer.read(export.drop(folder), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        return reading.package


@pytest.fixture
def case(packer: PolicePacker, tmp_path: Path) -> CasePackage:
    return read(packer, PoliceExport(), tmp_path)


def test_case_values(case: CasePackage) -> None:
    assert (case.business, case.business_name, case.category) == ("TQPZDB", "提请批准逮捕", "050200")
    assert case.case_numbers == (CaseNumber("police-case-no", "A9901020000002026030012"),)
    assert case.case_name == "张测试、李样例盗窃案"
    assert (case.filing_date, case.request_date) == ("2026-03-02T10:20:00", "2026-03-10")
    assert (case.offence_start, case.offence_end) == ("2026-02-27T23:10:00", "2026-02-28T00:40:00")
    assert (case.offence_region, case.offence_place) == ("990102", "测试省测试市甲区样板广场")
    assert (case.handling_unit, case.sender_name) == ("990102050000", "测试市公安局甲区分局刑侦大队")
    assert (case.receiver_code, case.receiver_name) == ("990102", "测试市甲区人民检察院")
    assert (case.secrecy, case.person_count) == ("内部", "2")
    assert case.handler == Handler("郑承办", "00000000000")
    assert case.brief.startswith("【测试数据】2026年2月27日夜")
    assert case.exported_at == "2026-03-10T15:30:12"


def test_person_values(case: CasePackage) -> None:
    first, second = case.persons
    assert (first.person_no, first.ordinal, first.name, first.sex) == ("R9901020500002026030001", "1", "张测试", "1")
    assert (first.birth_date, first.ethnicity, first.nationality) == ("1992-02-29", "01", "156")
    assert (first.id_type, first.id_no, first.id_missing_reason) == ("111", "990102199202290172", "")
    assert (first.household_region, first.household_address) == ("990102", "测试省测试市甲区虚构路1号")
    assert first.residence_address == "测试省测试市甲区示例巷1号"
    assert (first.education, first.occupation) == ("70", "无业")
    assert (first.special_identity, first.plea, first.juvenile) == ("0", "1", "0")
    assert first.charges == (Charge("050200", "盗窃罪", "264"),)
    assert first.measures == (
        Measure("detained", "拘留", "2026-03-03", "2026-03-10", "7", "990102111", "990102111202603030001"),
    )
    assert second.name == "李样例"


def test_documents_and_dossier(case: CasePackage) -> None:
    letter, _, first, second = case.documents
    assert (letter.title, letter.number, letter.path) == (
        "提请批准逮捕书",
        "测甲公(刑)提捕字〔2026〕15号",
        "文书/提请批准逮捕书.pdf",
    )
    assert (letter.pages, letter.signed, letter.ordinal, letter.person) == (1, "1", "1", "")
    assert (first.person, second.person) == ("张测试", "李样例")
    assert [(v.kind, v.title, len(v.entries)) for v in case.volumes] == [
        ("litigation", "诉讼文书卷", 1),
        ("evidence", "证据材料卷", 2),
    ]
    assert case.volumes[1].entries[1].path == "卷宗/证据材料卷/002_现场照片.jpg"


def test_source_is_told(case: CasePackage) -> None:
    source = case.source
    assert (source.format, source.name, source.system) == ("police", f"{STEM}.zip", "测试公安执法办案系统")
    assert (source.version, source.declared_encoding, source.encoding) == ("2.1", "gbk", "gb18030")
    assert source.size == len(PoliceExport().zip())
    assert len(source.sha256) == 64


def test_every_value_knows_its_place(case: CasePackage) -> None:
    origins = {o.value: o for o in case.origins}
    number = origins["persons[0].id_no"]
    assert (number.label, number.tag, number.file, number.line) == ("身份号码", "ZFAJ/XYRS/XYR/SFHM", CASE_XML, 17)
    assert origins["persons[0].birth_date"].text == "19920229"
    assert origins["case_no"].text == ""


def test_round_trip_through_json(case: CasePackage) -> None:
    assert CasePackage.from_json(case.to_json()) == case


def test_nothing_unknown_is_lost(packer: PolicePacker, tmp_path: Path) -> None:
    export = PoliceExport().changed(
        ("<TQRQ>", '<XINZD SM="新"><A>甲</A><B/></XINZD><TQRQ BZ="1">'),
        ("  </XYRS>", "  散落<QT>其他</QT>\n  </XYRS>"),
        ('JLX="SSWSJ"', 'JLX="SSWSJ" YS="9"'),
        ("</ZFAJ>", "<KZ>扩展</KZ></ZFAJ>"),
        ("<SAZM>", "<BM>别名</BM><SAZM>"),
    )
    package = read(packer, export, tmp_path)
    assert {(u.name, u.value) for u in package.unknown} == {
        ("ZFAJ/JBXX/XINZD/@SM", "新"),
        ("ZFAJ/JBXX/XINZD/A", "甲"),
        ("ZFAJ/JBXX/XINZD/B", ""),
        ("ZFAJ/JBXX/TQRQ/@BZ", "1"),
        ("ZFAJ/XYRS/QT", "其他"),
        ("ZFAJ/XYRS", "散落"),
        ("ZFAJ/JZML/JUAN/@YS", "9"),
        ("ZFAJ/KZ", "扩展"),
        ("ZFAJ/XYRS/XYR/BM", "别名"),
    }


def test_repeated_value_is_held_and_kept(packer: PolicePacker, tmp_path: Path) -> None:
    export = PoliceExport().changed(("<RS>2</RS>", "<RS>2</RS><RS>3</RS>"))
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert [(f.code, f.verdict) for f in reading.findings] == [("FIELD-REPEATED", Verdict.HOLD)]
        assert reading.package.person_count == "2"
        assert reading.package.unknown == (UnknownValue("ZFAJ/JBXX/RS", "3", CASE_XML, 10),)


def test_fix_and_warn_travel_as_marks(packer: PolicePacker, tmp_path: Path) -> None:
    export = PoliceExport().changed(("<KSRQ>2026-03-03</KSRQ>", "<KSRQ>2026-03-02</KSRQ>"))
    package = read(packer, export.with_items(ZipItem(b"Thumbs.db", b"x")), tmp_path)
    assert {m.code for m in package.marks} == {"DETENTION-LIMIT", "FS-LEFTOVER"}
    assert package.dropped == ("Thumbs.db",)


def test_file_name_and_content_must_agree(packer: PolicePacker, tmp_path: Path) -> None:
    export = replace(PoliceExport(), stem=STEM.replace("_990102_", "_990199_"))
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert [(f.code, f.verdict) for f in reading.findings] == [("FS-NAME-MISMATCH", Verdict.HOLD)]


def test_export_of_any_name_is_read(packer: PolicePacker, tmp_path: Path) -> None:
    package = read(packer, replace(PoliceExport(), stem="any"), tmp_path)
    assert (package.sender_code, package.exported_at) == ("990102050000", "2026-03-10T15:30:12")


def test_zip_without_case_xml(packer: PolicePacker, tmp_path: Path) -> None:
    items = [i for i in PoliceExport().items() if i.name != CASE_XML.encode("gbk")]
    with packer.read(replace(PoliceExport(), raw=zip_bytes(items)).drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert {f.code for f in reading.findings} == {"XML-ABSENT"}
        assert reading.package.flow == "unclassified"


def test_other_xml_is_no_police_export(packer: PolicePacker, tmp_path: Path) -> None:
    with packer.read(replace(PoliceExport(), xml="<OTHER/>\n").drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert {f.code for f in reading.findings} == {"XML-SCHEMA"}


@pytest.mark.parametrize(
    "text",
    ["2019", "2019-05", "2019年5月"],
    ids=["year", "month", "words"],
)
def test_time_of_the_act_may_be_vague(text: str, packer: PolicePacker, tmp_path: Path) -> None:
    export = PoliceExport().changed(("<FASJC>2026-02-27 23:10:00</FASJC>", f"<FASJC>{text}</FASJC>"))
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert [f.code for f in reading.findings] == (["FIELD-FORMAT"] if "年" in text else [])


def test_unknown_identity_with_a_reason_passes(packer: PolicePacker, tmp_path: Path) -> None:
    export = PoliceExport().changed(
        ("<SFHM>990102199202290172</SFHM><WZJYY></WZJYY>", "<SFHM></SFHM><WZJYY>身份不明</WZJYY>")
    )
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert reading.findings == ()


def test_part_of_a_compound_charge_passes(packer: PolicePacker, tmp_path: Path) -> None:
    export = PoliceExport().changed(
        ("<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC>", "<ZMDM>070100</ZMDM><ZMMC>贩卖毒品罪</ZMMC>")
    )
    with packer.read(export.drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert {found.code for found in reading.findings} == {"AV-HINT"}


def test_marked_material_leaves_no_copy(packer: PolicePacker, tmp_path: Path) -> None:
    with packer.read(PoliceExport().changed(("<MJ>内部</MJ>", "<MJ>绝密</MJ>")).drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert reading.members == ()
        assert (reading.package.case_no, reading.package.receiver_code) == ("A9901020000002026030012", "990102")
        kept = reading.package.to_json().decode()
    assert not [text for text in ("张测试", "样板广场", "郑承办", "拘留证") if text in kept]


def test_candidates_pair_zip_and_mark(packer: PolicePacker) -> None:
    found = packer.candidates(
        [
            entry("b.zip"),
            entry("a.zip"),
            entry("a.zip.ok"),
            entry("lone.zip.ok"),
            entry("C.ZIP"),
            entry("C.ZIP.OK"),
            entry("notes.txt"),
            entry(".hidden.zip"),
            entry("folder.zip", is_folder=True),
        ]
    )
    assert found == [
        Candidate("C.ZIP", ("C.ZIP", "C.ZIP.OK"), Settled.COMPLETE),
        Candidate("a.zip", ("a.zip", "a.zip.ok"), Settled.COMPLETE),
        Candidate("b.zip", ("b.zip",), Settled.INCOMPLETE),
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ((("<CSRQ>19880808</CSRQ>", "<CSRQ>20270808</CSRQ>"), ("103198808080286", "")), "AGE-IMPLAUSIBLE"),
        (
            (("<CSRQ>19880808</CSRQ>", "<CSRQ>20090808</CSRQ>"), ("990103198808080286", "990103200908080285")),
            "AGE-JUVENILE-FLAG",
        ),
        ((("<LASJ>2026-03-02 10:20:00</LASJ>", "<LASJ>昨天</LASJ>"),), "FIELD-FORMAT"),
        ((("<KSRQ>2026-03-03</KSRQ>", "<KSRQ>2026-02-25</KSRQ>"),), "DATE-ORDER"),
        ((("文书/提请批准逮捕书.pdf</WJLJ>", "文书/提请批准逮捕书.jpg</WJLJ>"),), "DOC-TYPE"),
        ((("<JZML>", "<JZML2>"), ("</JZML>", "</JZML2>")), "DOC-MISSING"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_checks_beyond_the_catalogue(
    changes: tuple[tuple[str, str], ...], code: str, packer: PolicePacker, tmp_path: Path
) -> None:
    with packer.read(PoliceExport().changed(*changes).drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert code in {f.code for f in reading.findings}


def test_too_large_an_xml_is_refused_unread(packer: PolicePacker, tmp_path: Path) -> None:
    items = [i for i in PoliceExport().items() if i.name != CASE_XML.encode("gbk")]
    big = ZipItem(CASE_XML.encode("gbk"), b"<ZFAJ/>" + random.Random(1).randbytes(1000) * 17_000, method=0)
    with packer.read(replace(PoliceExport(), raw=zip_bytes([big, *items])).drop(tmp_path), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        assert [(f.code, f.facts["limit"]) for f in reading.findings] == [("XML-LIMIT", 16 << 20)]
