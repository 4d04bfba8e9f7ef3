"""Entered once, used by all: a case of one agency arrives in the other's own format, and nothing of it is lost."""

import json
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.packing import ORIGINALS, Packer, Packet, Party, Reading
from gateway.standard.package import CasePackage, Decision, Document, DossierEntry, Person, Source, Volume
from packers.court import CourtPacker
from packers.police import PolicePacker
from packers.prison import PrisonPacker
from packers.procuratorate import ProcuratoratePacker
from tests.support.exports import CASE_XML, PoliceExport, pdf
from tests.support.packets import packet, packet_of, whole_case
from tests.support.procuratorate import SAMPLE, ProcuratorateExport
from tests.support.standard import STANDARD

POLICE, PROCURATORATE = PolicePacker(), ProcuratoratePacker()
FLOWS = ("arrest-request", "prosecution-transfer", "supplementary-investigation", "custody-handover")
FOREIGN = Source("court", "C1")


def written(packer: Packer, found: Packet, into: Path) -> list[Path]:
    into.mkdir()
    return [into / name for name in packer.write(found, into)]


def crossed(
    reader: Packer, parts: list[Path], writer: Packer, tmp_path: Path, **changes: object
) -> tuple[Reading, Reading]:
    """Read with one packer, write with the other, read that again; the bytes must be readable in between."""
    with reader.read(parts, STANDARD) as first:
        found = packet_of(first, tmp_path / "opened", **changes)
    with writer.read(written(writer, found, tmp_path / "imports"), STANDARD) as second:
        return first, second


def again(packer: Packer, found: Packet, tmp_path: Path) -> CasePackage:
    with packer.read(written(packer, found, tmp_path / "imports"), STANDARD) as reading:
        assert reading.findings == ()
        return reading.package


def content(reading: Reading, path: str) -> bytes:
    (member,) = (one for one in reading.members if one.path == path)
    with member.open() as stream:
        return stream.read()


def moved(persons: tuple[Person, ...], old: str, new: str) -> tuple[Person, ...]:
    """The persons with the paths of their decisions as they are in the import."""
    return tuple(
        replace(p, decisions=tuple(replace(d, document=d.document.replace(old, new)) for d in p.decisions))
        for p in persons
    )


def listed(package: CasePackage) -> list[tuple[str, ...]]:
    return [(d.title, d.number, d.kind, d.signed, d.person, d.person_no, str(d.pages)) for d in package.documents]


def test_an_arrest_request_arrives_as_a_folder_of_the_procuratorate(tmp_path: Path) -> None:
    sent, got = crossed(POLICE, list(PoliceExport().drop(tmp_path)), PROCURATORATE, tmp_path)
    assert got.findings == ()
    a, b = sent.package, got.package
    assert (b.flow, b.business) == ("arrest-request", "SCDB/AJYS")
    assert b.persons == a.persons
    assert b.case_numbers == a.case_numbers
    assert listed(b) == listed(a)
    assert [(v.kind, v.title, [e.title for e in v.entries]) for v in b.volumes] == [
        (v.kind, v.title, [e.title for e in v.entries]) for v in a.volumes
    ]
    for name in ("case_name", "filing_date", "offence_start", "offence_region", "request_date", "brief", "secrecy"):
        assert getattr(b, name) == getattr(a, name)
    assert b.unknown == ()
    root = tmp_path / "imports" / "A1_0f"
    assert (root / "docs" / "拘留证_李样例.pdf").read_bytes() == pdf("detention warrant 2")
    assert (root / "docs" / "卷宗" / "诉讼文书卷" / "001_受案登记表.pdf").is_file()
    assert (root / ORIGINALS / CASE_XML).read_bytes() == PoliceExport().xml_bytes()
    assert CasePackage.from_json((root / ORIGINALS / "case-package.json").read_bytes()) == a
    files = {row["path"] for row in json.loads((root / "manifest.json").read_text("utf-8"))["files"]}
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert files == there - {"manifest.json", "_READY"}


def test_the_decision_comes_back_as_a_zip_of_the_police(tmp_path: Path) -> None:
    sent, got = crossed(PROCURATORATE, [SAMPLE], POLICE, tmp_path)
    assert got.findings == ()
    a, b = sent.package, got.package
    assert (b.flow, b.business, b.case_no) == ("arrest-decision", "SCDBFK", "A9901020000002026030012")
    assert b.persons == moved(a.persons, "docs/", "文书/")
    assert [one.kind for p in b.persons for one in p.decisions] == ["approved", "refused"]
    assert b.case_numbers == a.case_numbers
    assert listed(b) == listed(a)
    assert b.values == a.values
    assert (b.sender_code, b.receiver_code, b.exported_at) == ("990102", "990102000000", "2026-03-16T16:42:05")
    assert (b.source.declared_encoding, b.source.name_encoding) == ("gbk", "gb18030")
    with zipfile.ZipFile(tmp_path / "imports" / "A1_0f.zip") as archive:
        assert not any(info.flag_bits & 0x800 for info in archive.infolist())
        raw = [info.orig_filename.encode("cp437").decode("gbk") for info in archive.infolist()]
        assert (
            archive.read(archive.infolist()[raw.index(f"{ORIGINALS}/case.json")]) == (SAMPLE / "case.json").read_bytes()
        )
    assert raw[0] == CASE_XML


@pytest.mark.parametrize("packer", [POLICE, PROCURATORATE, CourtPacker(), PrisonPacker()], ids=type)
def test_no_file_takes_the_place_of_another_whatever_they_are_called(packer: Packer, tmp_path: Path) -> None:
    documents = tuple(Document(f"文书{n}", path) for n, path in enumerate(("a/s.pdf", "b/s.pdf", "卷宗/x.pdf")))
    volume = Volume("evidence", "证据", tuple(DossierEntry(path, path) for path in ("x.pdf", "z/y.xml")))
    case = CasePackage(FOREIGN, documents=documents, volumes=(volume,))
    paths = [one.path for one in (*documents, *volume.entries)]
    files = {path: path.encode() for path in (*paths, "卷宗/z/y.xml", "w.xml")}
    imported = written(packer, packet(case, files, tmp_path / "opened"), tmp_path / "imports")
    with packer.read(imported, STANDARD) as reading:
        assert {content(reading, one.path) for one in reading.members} >= set(files.values())


@pytest.mark.parametrize("packer", [POLICE, PROCURATORATE], ids=["police", "procuratorate"])
def test_every_place_of_a_case_package_comes_through(packer: Packer, tmp_path: Path) -> None:
    case = whole_case(FOREIGN)
    documents = {f"文书/{n}.pdf": pdf(f"d{n}") for n in range(2)}
    case = replace(
        case,
        documents=tuple(replace(d, path=f"文书/{n}.pdf") for n, d in enumerate(case.documents)),
        volumes=tuple(
            replace(v, entries=tuple(replace(e, path=f"卷宗/{n}/{m}.pdf") for m, e in enumerate(v.entries)))
            for n, v in enumerate(case.volumes)
        ),
        persons=tuple(
            replace(p, decisions=tuple(replace(d, document="文书/0.pdf") for d in p.decisions)) for p in case.persons
        ),
    )
    documents |= {e.path: pdf("entry") for v in case.volumes for e in v.entries}
    got = again(packer, packet(case, documents, tmp_path / "opened"), tmp_path)
    at = "文书/" if packer is POLICE else "docs/"
    assert [_plain(p) for p in moved(got.persons, at, "文书/")] == [_plain(p) for p in case.persons]
    assert {(n.scheme, n.number) for n in got.case_numbers} == {(n.scheme, n.number) for n in case.case_numbers}
    assert [replace(one, line=0) for one in got.property] == list(case.property)
    assert {(v.field, v.value) for v in got.values} == {(v.field, v.value) for v in case.values}
    for name in [
        "case_name",
        "filing_date",
        "offence_start",
        "offence_end",
        "offence_region",
        "offence_place",
        "request_date",
        "exported_at",
        "secrecy",
        "person_count",
        "handler",
        "brief",
        "grant",
        "related_package",
        "batch_no",
        "sender_name",
        "receiver_name",
        "sender_code",
        "receiver_code",
    ]:
        assert getattr(got, name) == getattr(case, name), name
    assert [(d.title, d.number, d.pages, d.signed, d.person_no, d.ordinal) for d in got.documents] == [
        (d.title, d.number, d.pages, d.signed, d.person_no, d.ordinal) for d in case.documents
    ]
    assert [(v.kind, v.title, v.ordinal, [(e.title, e.pages, e.ordinal) for e in v.entries]) for v in got.volumes] == [
        (v.kind, v.title, v.ordinal, [(e.title, e.pages, e.ordinal) for e in v.entries]) for v in case.volumes
    ]


def _plain(person: Person) -> list[object]:
    """A person's values, so that a difference is shown."""
    return [getattr(person, name) for name in Person.__dataclass_fields__]


@pytest.mark.parametrize("form", ["police", "procuratorate"])
@pytest.mark.parametrize("flow", FLOWS)
def test_the_police_flows_and_their_answers_have_codes_that_lead_back(flow: str, form: str) -> None:
    found = STANDARD.flow(flow)
    assert found is not None
    assert found.reply is not None
    for slug in (flow, found.reply.code):
        code = STANDARD.business_of(form, slug)
        assert code
        assert STANDARD.flow_of(form, code) == slug


@pytest.mark.parametrize("packer", [POLICE, PROCURATORATE], ids=["police", "procuratorate"])
def test_a_flow_without_a_code_goes_under_its_own_name(packer: Packer, tmp_path: Path) -> None:
    case = CasePackage(FOREIGN, flow="prison-admission", case_no="1")
    assert again(packer, packet(case, {}, tmp_path / "opened"), tmp_path).flow == "prison-admission"


@pytest.mark.parametrize("name", ["𠮷野某", "\ue81e某", "某·某"])
def test_rare_characters_are_never_lost(name: str, tmp_path: Path) -> None:
    case = CasePackage(FOREIGN, flow="arrest-request", persons=(Person(name=name),))
    found = packet(case, {f"文书/{name}.pdf": pdf("x")}, tmp_path / "opened")
    got = again(
        POLICE, replace(found, package=replace(case, documents=(Document(name, f"文书/{name}.pdf"),))), tmp_path
    )
    assert got.persons[0].name == name
    assert got.documents[0].path == f"文书/{name}.pdf"
    fits = name == "某·某"
    assert got.source.declared_encoding == ("gbk" if fits else "gb18030")


def test_what_xml_cannot_hold_is_shown_as_such_and_kept_beside(tmp_path: Path) -> None:
    case = CasePackage(FOREIGN, flow="arrest-request", brief="a\x0bb")
    found = packet(case, {}, tmp_path / "opened")
    with POLICE.read(written(POLICE, found, tmp_path / "imports"), STANDARD) as reading:
        assert reading.package.brief == "a\ufffdb"
        assert CasePackage.from_json(content(reading, f"{ORIGINALS}/case-package.json")).brief == "a\x0bb"


@pytest.mark.parametrize("packer", [POLICE, PROCURATORATE], ids=["police", "procuratorate"])
def test_names_that_would_meet_keep_their_whole_paths(packer: Packer, tmp_path: Path) -> None:
    files = {"a/文.pdf": pdf("1"), "b/文.pdf": pdf("2"), "docs/a/文.pdf": pdf("3")}
    documents = tuple(Document("文", path) for path in files)
    case = CasePackage(FOREIGN, flow="arrest-request", documents=documents)
    found = packet(case, files, tmp_path / "opened")
    with packer.read(written(packer, found, tmp_path / "imports"), STANDARD) as reading:
        paths = [one.path for one in reading.package.documents]
        assert [content(reading, path) for path in paths] == list(files.values())


@pytest.mark.parametrize("packer", [POLICE, PROCURATORATE], ids=["police", "procuratorate"])
def test_what_no_list_names_is_a_document_or_a_record(packer: Packer, tmp_path: Path) -> None:
    files = {
        "x/说明.pdf": pdf("1"),
        "a.xml": b"<a/>",
        "case-package.json": b"{}",
        "~/case-package.json": b"2",
        "无": b"1",
    }
    case = CasePackage(FOREIGN, flow="arrest-request")
    found = packet(case, files, tmp_path / "opened")
    with packer.read(written(packer, found, tmp_path / "imports"), STANDARD) as reading:
        (document,) = reading.package.documents
        assert (document.title, content(reading, document.path)) == ("说明", pdf("1"))
        beside = {m.path: content(reading, m.path) for m in reading.members if m.path.startswith(ORIGINALS)}
        assert all(m.is_record for m in reading.members if m.path.startswith(ORIGINALS))
    assert CasePackage.from_json(beside.pop(f"{ORIGINALS}/case-package.json")) == case
    assert beside == {
        f"{ORIGINALS}/a.xml": b"<a/>",
        f"{ORIGINALS}/无": b"1",
        f"{ORIGINALS}/~/case-package.json": b"{}",
        f"{ORIGINALS}/~/~/case-package.json": b"2",
    }


@pytest.mark.parametrize("packer", [POLICE, PROCURATORATE], ids=["police", "procuratorate"])
def test_unit_codes_are_those_of_the_receivers_scheme(packer: Packer, tmp_path: Path) -> None:
    schemes = {"ga380": "G", "procuratorate": "P", "court": "C"}
    sender = Party("u1", "甲", "police", {scheme: f"{one}1" for scheme, one in schemes.items()})
    receiver = Party("u2", "乙", "procuratorate", {scheme: f"{one}2" for scheme, one in schemes.items()})
    case = CasePackage(FOREIGN, flow="arrest-request", sender_code="S", receiver_code="R", receiver_name="丙")
    got = again(packer, packet(case, {}, tmp_path / "opened", sender=sender, receiver=receiver), tmp_path)
    letter = "G" if packer is POLICE else "P"
    assert (got.sender_code, got.receiver_code) == (f"{letter}1", f"{letter}2")
    assert (got.sender_name, got.receiver_name) == ("甲", "丙")


def test_the_police_fields_name_police_and_procuratorate_whoever_sends(tmp_path: Path) -> None:
    crossed(PROCURATORATE, [SAMPLE], POLICE, tmp_path)
    with zipfile.ZipFile(tmp_path / "imports" / "A1_0f.zip", metadata_encoding="gbk") as archive:
        text = archive.read(CASE_XML).decode("gbk")
    assert "<ZBDW>990102000000</ZBDW>" in text
    assert "<SSJCY>990102</SSJCY>" in text


def test_a_folder_of_the_procuratorate_goes_back_byte_for_byte(tmp_path: Path) -> None:
    with PROCURATORATE.read([SAMPLE], STANDARD) as reading:
        (root,) = written(PROCURATORATE, packet_of(reading, tmp_path / "opened"), tmp_path / "imports")
    sent = {p.relative_to(SAMPLE).as_posix(): p.read_bytes() for p in SAMPLE.rglob("*") if p.is_file()}
    assert {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()} == sent


def test_what_left_its_records_at_home_is_written_from_the_case_package(tmp_path: Path) -> None:
    with PROCURATORATE.read([SAMPLE], STANDARD) as reading:
        masked = replace(reading.package, persons=tuple(replace(p, name="张*") for p in reading.package.persons))
        kept = tuple(one for one in reading.members if not one.is_record)
        found = packet_of(replace(reading, package=masked, members=kept), tmp_path / "opened")
    got = again(PROCURATORATE, found, tmp_path)
    assert [one.name for one in got.persons] == ["张*", "张*"]
    assert [one.decisions for one in got.persons] == [one.decisions for one in masked.persons]
    assert (got.category, got.values) == (masked.category, masked.values)


def test_a_dossier_outside_its_usual_folder_is_put_among_the_volumes(tmp_path: Path) -> None:
    volume = Volume("evidence", "证据", (DossierEntry("照片", "电子卷/证据/1.pdf"), DossierEntry("录音", "2.pdf")))
    case = CasePackage(FOREIGN, flow="arrest-request", volumes=(volume,))
    files = {"电子卷/证据/1.pdf": pdf("1"), "2.pdf": pdf("2")}
    got = again(POLICE, packet(case, files, tmp_path / "opened"), tmp_path)
    assert [e.path for v in got.volumes for e in v.entries] == ["卷宗/证据/1.pdf", "卷宗/2.pdf"]


def test_decisions_beyond_the_first_keep_their_order(tmp_path: Path) -> None:
    decisions = (Decision("approved", "批准逮捕", "2026-03-16"), Decision("x", "变更", "2026-04-01"))
    case = CasePackage(FOREIGN, flow="arrest-decision", persons=(Person(name="甲", decisions=decisions),))
    got = again(PROCURATORATE, packet(case, {}, tmp_path / "opened"), tmp_path)
    assert got.persons[0].decisions == decisions


def test_documents_are_streamed_whatever_their_size(tmp_path: Path) -> None:
    size = 48 << 20
    (root,) = ProcuratorateExport(has_list=False).drop(tmp_path)
    with (root / "docs" / "录像.mp4").open("wb") as stream:
        stream.truncate(size)
    (tmp_path / "imports").mkdir()
    tracemalloc.start()
    try:
        with PROCURATORATE.read([root], STANDARD) as reading:
            found = Packet(reading.package, root, {}, "A1_0f", STANDARD)
        (root / "case.json").unlink()
        POLICE.write(found, tmp_path / "imports")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size // 4


@pytest.mark.parametrize(
    "raw", [b"../../up.pdf", b"/up.pdf", b"C:\\up.pdf", b"..\\up.pdf", "案件信息.xml".encode("gbk"), b"\xff"]
)
def test_no_sender_gives_a_member_the_name_of_another_or_one_that_leads_out(raw: bytes, tmp_path: Path) -> None:
    with POLICE.read(list(PoliceExport().drop(tmp_path)), STANDARD) as reading:
        found = packet_of(reading, tmp_path / "opened")
    victim = next(path for path in found.raw_names if path != CASE_XML)
    found = replace(found, raw_names={**found.raw_names, victim: raw})
    imported = written(POLICE, found, tmp_path / "imports")
    with POLICE.read(imported, STANDARD) as again:
        assert {one.path: one.raw for one in again.members} == {
            one.path: victim.encode("gb18030") if one.path == victim else one.raw for one in reading.members
        }
