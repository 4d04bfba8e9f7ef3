"""What a court or a prison is given: its own export byte for byte, any other agency's case in its own format."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.packing import Packer, Packet, Party, Reading
from gateway.standard.package import (
    CaseNumber,
    CasePackage,
    Change,
    Charge,
    Document,
    DossierEntry,
    Measure,
    Person,
    Sentence,
    Source,
    Value,
    Volume,
)
from packers.court import CourtPacker
from packers.filelist import read_list
from packers.overmark import read_over
from packers.prison import PrisonPacker
from packers.procuratorate import ProcuratoratePacker
from tests.support.courts import CourtExport
from tests.support.packets import packet
from tests.support.prisons import PrisonExport
from tests.support.standard import STANDARD

COURT, PRISON = CourtPacker(), PrisonPacker()
NAME = "N1_ab"


def read(packer: Packer, *parts: Path) -> Reading:
    with packer.read(parts, STANDARD) as reading:
        return reading


def carried(packer: Packer, parts: Sequence[Path], root: Path) -> Packet:
    """Read an export and lay its members out as an opened bundle does."""
    root.mkdir()
    with packer.read(parts, STANDARD) as reading:
        for member in reading.members:
            place = root / member.path
            place.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as stream:
                place.write_bytes(stream.read())
        return Packet(reading.package, root, {}, NAME, STANDARD)


def written(packer: Packer, packet: Packet, into: Path) -> list[Path]:
    into.mkdir()
    return [into / name for name in packer.write(packet, into)]


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.read_bytes().decode("gb18030"), newline="")))


def bare(person: Person) -> Person:
    """What both formats say of a person: the charge's code is each system's own."""
    charges = tuple(Charge(name=one.name, article=one.article) for one in person.charges)
    return replace(person, charges=charges)


def test_a_court_gets_a_courts_export_byte_for_byte(tmp_path: Path) -> None:
    (root,) = CourtExport().with_file("别的/附件.bin", b"unlisted").drop(tmp_path)
    before = files(root)
    (folder,) = written(COURT, carried(COURT, [root], tmp_path / "opened"), tmp_path / "in")
    assert folder.name == NAME
    assert files(folder) == before


def test_a_prison_gets_a_prisons_batch_byte_for_byte(tmp_path: Path) -> None:
    parts = PrisonExport(mark=None).with_cell(1, "检察意见", '同意,"提请"').drop(tmp_path)
    before = [parts[0].read_bytes(), files(parts[1]), parts[2].read_bytes()]
    table, folder, mark = written(PRISON, carried(PRISON, parts, tmp_path / "opened"), tmp_path / "in")
    assert [one.name for one in (table, folder, mark)] == [f"{NAME}.csv", NAME, f"{NAME}.over"]
    assert [table.read_bytes(), files(folder), mark.read_bytes()] == before


def test_a_batch_arrives_at_the_court_as_a_case_with_one_defendant_a_prisoner(tmp_path: Path) -> None:
    packet = carried(PRISON, PrisonExport().drop(tmp_path), tmp_path / "opened")
    originals = {path: data for path, data in files(packet.root).items() if path.startswith("批次清单")}
    (folder,) = written(COURT, packet, tmp_path / "in")
    again = read(COURT, folder)
    assert again.findings == ()
    assert again.is_understood
    assert again.package.flow == "commutation-parole-request"
    assert again.package.batch_no == "二〇二六年第二批"
    assert (again.package.case_no, again.package.sender_code) == ("99010099012026B02", "9901009901")
    assert again.package.case_numbers == packet.package.case_numbers
    assert list(map(bare, again.package.persons)) == list(map(bare, packet.package.persons))
    wanted = [(d.title, d.kind, d.person_no, f"WS/{d.path}") for d in packet.package.documents]
    assert [(d.title, d.kind, d.person_no, d.path) for d in again.package.documents] == wanted
    found = files(folder)
    assert {path: found[f"原始数据/{path}"] for path in originals} == originals
    assert CasePackage.from_json(found["原始数据/case-package.json"]) == packet.package


def test_the_courts_list_of_files_is_right(tmp_path: Path) -> None:
    packet = carried(PRISON, PrisonExport().drop(tmp_path), tmp_path / "opened")
    (folder,) = written(COURT, packet, tmp_path / "in")
    listed = read_list((folder / "filelist.md5").read_bytes())
    found = {path: hashlib.md5(data).hexdigest() for path, data in files(folder).items() if path != "filelist.md5"}
    assert listed.is_sound
    assert listed.digests == found


def test_a_sentence_arrives_at_the_prison_as_a_batch_of_one(tmp_path: Path) -> None:
    packet = carried(COURT, CourtExport().drop(tmp_path), tmp_path / "opened")
    table, folder, mark = written(PRISON, packet, tmp_path / "in")
    (row,) = rows_of(table)
    assert (row["姓名"], row["罪名"], row["原判刑期"], row["刑期止日"]) == ("张测试", "盗窃罪", "一年", "2027-03-02")
    assert (row["原判法院"], row["原判案号"]) == ("测试市甲区人民法院", "（2026）测0102刑初12号")
    assert (row["折抵日数"], row["先行羁押日"], row["附加刑"]) == ("77", "2026-03-03", "罚金2000元")
    again = read(PRISON, table, folder, mark)
    assert again.findings == ()
    package, before = again.package, packet.package
    assert (package.flow, package.case_no, package.sender_code) == ("sentence-delivery", before.case_no, "9912")
    assert package.case_numbers == before.case_numbers
    assert {v.field: v.value for v in package.values}["effective-date"] == "2026-05-19"
    (person,), (sent,) = package.persons, before.persons
    judged = replace(sent.sentences[0], court="测试市甲区人民法院", court_case_no="（2026）测0102刑初12号")
    assert bare(person) == replace(bare(sent), sentences=(judged,), changes=person.changes)
    assert {d.kind for d in package.documents} == {d.kind for d in before.documents}
    assert "原始数据/data.xml" in files(folder)


def ruling() -> CasePackage:
    def prisoner(number: str, name: str, result: str, end: str) -> Person:
        return Person(
            ordinal=number[-1],
            person_no=number,
            name=name,
            id_type="111",
            id_no="",
            sentences=(Sentence("fixed-term", "十二年", start="2018-09-01", end=end),),
            changes=(Change("commutation", "七个月", materials=number),),
            values=(Value("stage-result", result),),
        )

    return CasePackage(
        Source("court", "JXJSCD_9910_9901009901_991020260000031"),
        flow="commutation-ruling",
        business="JXJSCD",
        sender_code="9910",
        receiver_code="9901009901",
        case_no="（2026）测01刑更31号",
        case_numbers=(CaseNumber("court-case-no", "（2026）测01刑更31号"),),
        batch_no="二〇二六年第二批",
        persons=(
            prisoner("9901000017", "赵虚构", "granted", "2030-01-31"),
            prisoner("9901000042", "钱演示", "returned", "2028-06-14"),
        ),
        documents=(
            Document("减刑裁定书", "WS/减刑裁定书_赵虚构.pdf", person_no="9901000017", kind="commutation-ruling"),
            Document("退回通知", "WS/退回通知.pdf", person="钱演示"),
            Document("公示材料", "WS/公示材料.pdf"),
        ),
    )


def laid_out(package: CasePackage, root: Path, *extra: str) -> Packet:
    root.mkdir()
    paths = [d.path for d in package.documents] + [e.path for v in package.volumes for e in v.entries]
    for path in (*paths, *extra):
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.encode())
    return Packet(package, root, {}, NAME, STANDARD)


def test_one_prisoner_is_returned_and_the_rest_go_on(tmp_path: Path) -> None:
    table, folder, mark = written(PRISON, laid_out(ruling(), tmp_path / "opened"), tmp_path / "in")
    assert [(r["罪犯编号"], r["处理结果"], r["刑期止日"]) for r in rows_of(table)] == [
        ("9901000017", "准予", "2030-01-31"),
        ("9901000042", "退回", "2028-06-14"),
    ]
    assert set(files(folder)) == {
        "9901000017/减刑裁定书.pdf",
        "9901000042/退回通知.pdf",
        "共用文书/公示材料.pdf",
        "原始数据/case-package.json",
    }
    again = read(PRISON, table, folder, mark)
    assert again.findings == ()
    assert again.package.flow == "commutation-ruling"
    assert [p.values for p in again.package.persons] == [p.values for p in ruling().persons]


def test_a_list_that_names_a_file_twice_is_not_sound() -> None:
    one, other = "0" * 32, "1" * 32
    listed = read_list(f"{one}  a\n{other}  ./a\n".encode())
    assert (listed.digests, listed.is_sound) == ({"a": one}, False)


def test_the_mark_counts_what_was_written(tmp_path: Path) -> None:
    table, folder, mark = written(PRISON, laid_out(ruling(), tmp_path / "opened"), tmp_path / "in")
    over = read_over(mark.read_bytes())
    assert (over.rows, over.files) == (2, len(files(folder)))
    assert over.md5 == hashlib.md5(table.read_bytes()).hexdigest()
    assert mark.read_bytes().count(b"\r\n") == 3


def test_a_ruling_stands_in_the_courts_format_too(tmp_path: Path) -> None:
    (folder,) = written(COURT, laid_out(ruling(), tmp_path / "opened"), tmp_path / "in")
    again = read(COURT, folder).package
    assert [bare(p) for p in again.persons] == [bare(p) for p in ruling().persons]
    assert again.flow == "commutation-ruling"


def test_the_table_is_gbk_and_lines_end_as_the_prison_ends_them(tmp_path: Path) -> None:
    table, *_ = written(PRISON, laid_out(ruling(), tmp_path / "opened"), tmp_path / "in")
    raw = table.read_bytes()
    assert raw.decode("gbk").count("\r\n") == 3
    assert raw.count(b"\n") == 3


@pytest.mark.parametrize("name", ["赵㐂", "阿𠮷·买买提", "张�"])
def test_what_gbk_cannot_hold_is_written_in_gb18030_and_never_lost(name: str, tmp_path: Path) -> None:
    package = replace(ruling(), persons=(replace(ruling().persons[0], name=name),))
    table, folder, mark = written(PRISON, laid_out(package, tmp_path / "opened"), tmp_path / "in")
    again = read(PRISON, table, folder, mark)
    assert b"?" not in table.read_bytes()
    assert again.package.persons[0].name == name
    assert [f.code for f in again.findings] == ["ENC-GB2312-RARE"]


def test_text_that_looks_like_the_format_stays_text(tmp_path: Path) -> None:
    odd = '甲,"乙"\r\n<AJ>&amp;</AJ>'
    package = replace(ruling(), case_name=odd)
    table, folder, mark = written(PRISON, laid_out(package, tmp_path / "one"), tmp_path / "in")
    assert read(PRISON, table, folder, mark).package.case_name == odd
    (court,) = written(COURT, laid_out(package, tmp_path / "two"), tmp_path / "in2")
    assert read(COURT, court).package.case_name == odd


def test_characters_that_xml_cannot_hold_do_not_stop_an_import(tmp_path: Path) -> None:
    package = replace(ruling(), case_name="甲\x01乙")
    (folder,) = written(COURT, laid_out(package, tmp_path / "one"), tmp_path / "in")
    assert read(COURT, folder).package.case_name == "甲\ufffd乙"
    assert CasePackage.from_json((folder / "原始数据" / "case-package.json").read_bytes()).case_name == "甲\x01乙"


def test_documents_of_one_title_do_not_meet(tmp_path: Path) -> None:
    twice = tuple(Document("裁定书", f"{n}/裁定书.pdf", person_no="9901000017") for n in "abc")
    table, folder, mark = written(
        PRISON, laid_out(replace(ruling(), documents=twice), tmp_path / "opened"), tmp_path / "in"
    )
    found = {path for path in files(folder) if path.startswith("9901000017/")}
    assert found == {"9901000017/裁定书.pdf", "9901000017/0002_裁定书.pdf", "9901000017/0003_裁定书.pdf"}
    assert {d.title for d in read(PRISON, table, folder, mark).package.documents} == {"裁定书"}


def test_documents_that_are_called_like_the_way_out_of_a_clash_do_not_stop_an_import(tmp_path: Path) -> None:
    long = f"{'x' * 250}.pdf"
    documents = (
        Document("甲", "一/x.pdf"),
        Document("0003_x", "二/y.pdf"),
        Document("甲", "二/x.pdf"),
        Document("乙", f"一/{long}"),
        Document("乙", f"二/{long}"),
    )
    case = CasePackage(Source("elsewhere", "x"), persons=(Person(person_no="R001"),), documents=documents)
    files = {one.path: one.path.encode() for one in documents}
    _table, folder, _mark = written(PRISON, packet(case, files, tmp_path / "root", NAME), tmp_path / "into")
    there = {path.read_bytes() for path in (folder / "R001").iterdir()}
    assert there == set(files.values())


def test_no_two_persons_share_a_folder_whatever_their_numbers_are(tmp_path: Path) -> None:
    persons = (
        *(Person(name=f"测{one}", person_no=one) for one in ("0004", "0004_4", "_0000000004")),
        Person(name="测"),
    )
    case = CasePackage(Source("elsewhere", "x"), persons=persons)
    table, *_rest = written(PRISON, packet(case, {}, tmp_path / "root", NAME), tmp_path / "into")
    rows = list(csv.DictReader(io.StringIO(table.read_bytes().decode("gbk"))))
    assert len({row["材料目录"] for row in rows}) == 4


@pytest.mark.parametrize("number", ["../up", "原始数据", "con", "", "a" * 300, "共用文书"])
def test_a_number_that_is_no_folder_gets_one_of_its_own(number: str, tmp_path: Path) -> None:
    persons = tuple(Person(person_no=number, name=name, changes=(Change(materials=number),)) for name in "甲乙")
    package = replace(ruling(), persons=persons, documents=(Document("裁定书", "a.pdf", person="乙"),))
    table, folder, _ = written(PRISON, laid_out(package, tmp_path / "opened"), tmp_path / "in")
    assert [row["材料目录"] for row in rows_of(table)] == ["0001", "0002"]
    assert set(files(folder)) == {"0002/裁定书.pdf", "原始数据/case-package.json"}


def prosecution() -> CasePackage:
    """What a procuratorate brings before a court, in a format that neither of the two packers knows."""
    return CasePackage(
        Source("procuratorate", "99010220260001700"),
        flow="first-instance-prosecution",
        sender_code="990102",
        receiver_code="9912",
        case_no="99010220260001700",
        case_name="张测试盗窃案",
        case_numbers=(
            CaseNumber("proc-unified-no", "99010220260001700"),
            CaseNumber("police-case-no", "A9901020000002026030012"),
        ),
        filing_date="2026-03-02T10:20:00",
        offence_start="2026-02-27",
        brief="案情",
        persons=(
            Person(
                ordinal="1",
                person_no="R1",
                name="张测试",
                ethnicity="01",
                residence_address="某地",
                plea="1",
                juvenile="0",
                charges=(Charge("x", "盗窃罪", "264"),),
                measures=(
                    Measure("detained", "拘留", "2026-03-03", "2026-03-10", "7", "990102111", "N1"),
                    Measure("arrested", "逮捕", "2026-03-17", place="990102111", inmate_no="N1"),
                ),
            ),
            Person(ordinal="2", name="李样例", measures=(Measure("bail", "取保候审", "2026-03-17"),)),
        ),
        documents=(Document("起诉书", "docs/起诉书.pdf", "〔2026〕3号", 4, "1", kind="indictment"),),
        volumes=(Volume("evidence", "证据材料卷", (DossierEntry("笔录", "juan/001.pdf", 3, "1"),), "1"),),
    )


def test_a_prosecution_arrives_at_the_court_with_its_dossier(tmp_path: Path) -> None:
    packet = laid_out(prosecution(), tmp_path / "opened", "case.json")
    (folder,) = written(COURT, packet, tmp_path / "in")
    again = read(COURT, folder)
    before, package = prosecution(), again.package
    assert again.findings == ()
    assert list(map(bare, package.persons)) == list(map(bare, before.persons))
    for name in (
        "flow",
        "case_no",
        "case_name",
        "case_numbers",
        "filing_date",
        "offence_start",
        "brief",
        "sender_code",
    ):
        assert getattr(package, name) == getattr(before, name), name
    (volume,) = package.volumes
    assert (volume.kind, volume.title) == ("evidence", "证据材料卷")
    assert [(e.title, e.path, e.pages) for e in volume.entries] == [("笔录", "JZ/juan/001.pdf", 3)]
    (document,) = package.documents
    assert (document.number, document.pages, document.signed, document.kind) == ("〔2026〕3号", 4, "1", "indictment")
    assert files(folder)["原始数据/case.json"] == b"case.json"


def test_both_sides_are_called_as_the_receiver_knows_them(tmp_path: Path) -> None:
    packet = replace(
        laid_out(prosecution(), tmp_path / "opened"),
        sender=Party("proc", "甲区检察院", "procuratorate", {"court": "JC01"}),
        receiver=Party("court", "甲区法院", "court", {"court": "9912"}),
    )
    (folder,) = written(COURT, packet, tmp_path / "in")
    package = read(COURT, folder).package
    assert (package.sender_code, package.sender_name, package.receiver_code) == ("JC01", "甲区检察院", "9912")


def test_what_a_profile_kept_back_is_written_anew_from_the_case_package(tmp_path: Path) -> None:
    """A masked export leaves its records at home: the import holds what the case package says, and no more."""
    packet = carried(COURT, CourtExport().drop(tmp_path), tmp_path / "opened")
    for record in ("data.xml", "filelist.md5"):
        (packet.root / record).unlink()
    (person,) = packet.package.persons
    package = replace(packet.package, profile="masked", case_name="", persons=(replace(person, name="张**", id_no=""),))
    (folder,) = written(COURT, replace(packet, package=package), tmp_path / "in")
    assert "张测试" not in (folder / "data.xml").read_text("utf-8")
    again = read(COURT, folder).package
    assert again.persons[0].name == "张**"
    assert [d.path for d in again.documents] == [d.path for d in package.documents]


def test_a_correction_is_named_before_the_mark(tmp_path: Path) -> None:
    packet = replace(laid_out(ruling(), tmp_path / "opened"), corrects="N0_cd")
    table, folder, correction, mark = written(PRISON, packet, tmp_path / "in")
    assert (table.suffix, correction.suffix, mark.suffix) == (".csv", ".corrects", ".over")
    assert correction.read_bytes() == b"CORRECTS=N0_cd.csv\r\n"
    assert folder.is_dir()


@pytest.mark.parametrize("packer", [CourtPacker(), ProcuratoratePacker()], ids=["court", "procuratorate"])
def test_no_sender_can_name_another_units_delivery_as_corrected(packer: Packer, tmp_path: Path) -> None:
    own = {"court": "data.xml", "procuratorate": "case.json"}
    form = "court" if isinstance(packer, CourtPacker) else "procuratorate"
    files = {own[form]: b"{}", "_Corrects": b"A1_of_somebody_else\n"}
    for corrects in ("", "A1_before"):
        root = tmp_path / (corrects or "plain")
        root.mkdir()
        found = packet(CasePackage(Source(form, "x")), files, root / "opened", corrects=corrects)
        (root / "imports").mkdir()
        (name,) = packer.write(found, root / "imports")
        marks = {p.name: p.read_text() for p in (root / "imports" / name).iterdir() if "corrects" in p.name.casefold()}
        assert marks == ({"_CORRECTS": "A1_before\n"} if corrects else {})
