"""Exports of case software: the case package, the police zip, its XML and its completion mark."""

import struct
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.bundle.paths import check_paths
from gateway.packing import Reading, checked
from gateway.standard.checks import check_case_package
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CasePackage, Source, UnknownValue
from packers import police_fields as tags
from packers import zipformat as z
from packers.container import Limits, open_container
from packers.marker import MAX_MARK_BYTES, Digests, mark_bytes, read_mark
from packers.police import PolicePacker
from packers.police_xml import PoliceReader
from packers.xmltext import parse_xml
from tests.fuzz.places import place, put
from tests.fuzz.shapes import canonical_form
from tests.fuzz.target import Draw, Target, attempt, piece
from tests.support.exports import FILES, STEM, PoliceExport, ZipItem, zip_bytes
from tests.support.standard import STANDARD

PACKER = PolicePacker()
LIMITS = Limits(members=200, inflated=32 << 20, total_ratio_floor=8 << 20, ratio_floor=1 << 20)
STOPS = frozenset({Verdict.HOLD, Verdict.REJECT, Verdict.WAIT})


def run_case_package(data: bytes) -> None:
    """The text as it is, and in the form that it should have."""
    for text in (data, canonical_form(data)):
        package = attempt(lambda text=text: CasePackage.from_json(text))
        if package is not None:
            assert package.to_json() == text


def case_package_seeds() -> Mapping[str, bytes]:
    parsed = parse_xml(PoliceExport().xml_bytes(), "x.xml")
    whole = PoliceReader("x.xml", str, STANDARD).read(parsed.root, Source("police", "x.zip", 9))
    few = replace(CasePackage(Source("folder", "x")), unknown=(UnknownValue("a/@b", "ü😀", "f", 3),))
    return {"few": few.to_json(), "whole": replace(whole, origins=whole.origins[:2]).to_json()}


def run_mark(data: bytes) -> None:
    mark = read_mark(data)
    assert -1 <= mark.size < 10**18
    if mark.md5 and mark.size >= 0 and len(data) <= MAX_MARK_BYTES:
        assert read_mark(mark_bytes(Digests(mark.size, mark.md5, ""))) == mark


def mark_seeds() -> Mapping[str, bytes]:
    honest = mark_bytes(Digests(4711, "0" * 32, ""))
    return {"honest": honest, "spaced": b" size = 12\n\nMD5 =" + b"a" * 32, "wide": "ＳＩＺＥ=１２\r\n".encode("gbk")}


def run_xml(data: bytes) -> None:
    """Any case XML: read, checked and written as a case package that its reader takes."""
    parsed = parse_xml(data, "案件信息.xml")
    assert (parsed.root is None) == (worst(parsed.findings) is Verdict.REJECT)
    if parsed.root is None:
        return
    reader = PoliceReader("案件信息.xml", str, STANDARD)
    package = reader.read(parsed.root, Source("police", "x.zip", len(data)))
    check_case_package(package, (), STANDARD, sender_role="police")
    assert CasePackage.from_json(package.to_json()) == package


def xml_seeds() -> Mapping[str, bytes]:
    export = PoliceExport()
    small = '<ZFAJ BB="2.1" XTMC="x"><JBXX><YWLX>HY</YWLX><LASJ>2026-3-1</LASJ></JBXX><XYRS><XYR/></XYRS></ZFAJ>'
    return {
        "whole": export.xml_bytes(),
        "utf-8": replace(export, xml=small, codec="utf-8", declared="UTF-8").xml_bytes(),
        "utf-16": ("\ufeff" + small).encode("utf-16-le"),
        "rare": replace(export, xml=small.replace(">HY", ">㐀龦"), codec="gb18030", declared="GB2312").xml_bytes(),
        "doctype": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "ampersand": b"<ZFAJ>\n<a>b & c</a></ZFAJ>",
    }


def run_zip(data: bytes) -> None:
    """Any container: whatever is offered as an entry has a safe path of its own and exactly its promised bytes."""
    path = put("zip", "x.zip", data)
    with open_container(path, LIMITS) as container:
        container.sweep(lambda _entry: None)
        assert container.is_readable or not container.entries
        for entry in container.entries:
            with container.open(entry) as stream:
                assert len(attempt(stream.read, z.DamageError) or b"") == entry.size
        if container.is_readable and worst(container.findings) is not Verdict.REJECT:
            check_paths(f"content/{entry.path}" for entry in container.entries)


def zip_seeds() -> Mapping[str, bytes]:
    few = [ZipItem("目录/a.txt".encode("gbk"), b"aaaa" * 9), ZipItem(b"b\\c.txt", b"b", method=0), ZipItem(b"d/", b"")]
    link = ZipItem(b"l", b"../x", attributes=0o120777 << 16)
    return {
        "few": zip_bytes(few),
        "utf-8": zip_bytes([ZipItem("笔录.pdf".encode(), b"%PDF", 0x800)], b"comment"),
        "link": zip_bytes([*few, link]),
        "bomb": zip_bytes([ZipItem(b"z", b"", size=3 << 20, packed_data=b"\0" * 30)]),
        "empty": zip_bytes([]),
        "wide": wide_zip(),
    }


def wide_zip() -> bytes:
    """A zip64 of one member, whose sizes and offset stand in the wide places only."""
    name, body = b"a", b"wide"
    crc = zlib.crc32(body)
    local = z.LOCAL.pack(b"PK\3\4", 45, 0, 0, 0, 33, crc, len(body), len(body), len(name), 0) + name + body
    extra = struct.pack("<2H3Q", 1, 24, len(body), len(body), 0)
    high = 0xFFFFFFFF
    central = z.CENTRAL.pack(b"PK\1\2", 45, 45, 0, 0, 0, 33, crc, high, high, 1, len(extra), 0, 0, 0, 0, high)
    directory = central + name + extra
    end64 = z.END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(directory), len(local))
    locator = z.LOCATOR64.pack(b"PK\6\7", 0, len(local) + len(directory), 1)
    end = z.END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(directory), high, 0)
    return local + directory + end64 + locator + end


def run_police(data: bytes) -> None:
    """A whole export built from decisions: the honest XML bent, members beside it, lying headers."""
    draw = Draw(data)
    how = draw.number()
    export = PoliceExport(files=dict(list(FILES.items())[: draw.number() % 4]))
    xml = export.xml_bytes()
    for _ in range(how & 3):
        at = draw.number(2) % len(xml)
        xml = xml[:at] + draw.piece() + xml[at + draw.number() :]
    items = [ZipItem("案件信息.xml".encode("gbk"), xml), *export.items()[1:]]
    items += [_item(draw) for _ in draw.while_any(4)]
    with tempfile.TemporaryDirectory(dir=place("police")) as folder:
        stem = STEM if not how & 4 else f"TQPZDB_{how:012}_990102_A{how:022}_20260310153012"
        export = replace(export, raw=zip_bytes(items), stem=stem, has_mark=not how & 8)
        examine(export.drop(Path(folder)))


def examine(parts: tuple[Path, ...]) -> Reading:
    with PACKER.read(parts, STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        if worst(reading.findings) not in STOPS:
            check_paths(f"content/{member.path}" for member in reading.members)
        for member in reading.members:
            with member.open() as stream:
                assert len(stream.read()) == member.size
        assert CasePackage.from_json(reading.package.to_json()) == reading.package
        return reading


def _item(draw: Draw) -> ZipItem:
    shape = draw.number()
    name, data = draw.piece(), draw.piece()
    lies = {
        "flags": (0, 0x800, 1, 0x2041)[shape & 3],
        "method": (8, 0, 8, 12)[shape >> 2 & 3],
        "attributes": (0o600 << 16, 0, 0o120777 << 16, 0x400)[shape >> 4 & 3],
    }
    if shape & 0x40:
        lies["size"] = draw.number(3)
    packed = draw.piece() if shape & 0x80 else None
    return ZipItem(name, data, packed_data=packed, **lies)


def police_seeds() -> Mapping[str, bytes]:
    def item(shape: int, name: bytes, data: bytes, more: bytes = b"") -> bytes:
        return bytes([shape]) + piece(name) + piece(data) + more

    gbk = "卷宗/新.pdf".encode("gbk")
    return {
        "honest": b"\0\3",
        "bent": b"\2\1" + b"\1\x20" + piece(b"&") + b"\3" + b"\2\0" + piece(b"<X a='1'>") + b"\0",
        "beside": b"\0\1" + item(0, gbk, b"%PDF-1.4 %%EOF") + item(0x20, b"link", b"../x"),
        "unmarked": b"\x0c\2"
        + item(0x44, b"a\\b.ofd", b"PK", b"\0\1\0")
        + item(1, "笔录.mp4".encode(), b"\0\0\0\1moov"),
        "bomb": b"\0\0" + item(0xC0, b"b", b"", b"\x20\0\0" + piece(b"\0\0\0")),
    }


_TAGS = (tags.CASE, tags.PERSON, tags.CHARGE, tags.MEASURE, tags.DOCUMENT)
XML_WORDS = (
    *(f"<{tag}>1</{tag}>".encode() for table in _TAGS for tag in table),
    *(b"<XYR>", b"</XYR>", b"<SAZM/>", b"<QZCS/>", b"<WS/>", b"<JUAN JLX='1'/>", b"<ML/>", b"<WJ LJ='a' YS='1'/>"),
    *(b"2026-02-30", b"2026-03-01 10:20:00", b"99010219920229017x", b"<![CDATA[", b"]]>", b"&#0;", b"&amp;", b"<!--"),
)

TARGETS = (
    Target("case-package", run_case_package, case_package_seeds, longest=8192, json_at=0),
    Target("mark", run_mark, mark_seeds),
    # One element makes a row of the case package: some 400 bytes for the four of `<a/>`.
    Target("xml", run_xml, xml_seeds, longest=8192, growth=512, words=XML_WORDS),
    Target("zip", run_zip, zip_seeds, memory=48 << 20, words=(b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7")),
    Target("police", run_police, police_seeds, longest=2048, memory=64 << 20),
)
