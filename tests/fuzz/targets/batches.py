"""Exports of courts and prisons: XML, list of files, table, mark, and whole exports of both."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.bundle.paths import check_paths
from gateway.packing import Packer, checked
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CasePackage, Source
from packers.court import CourtPacker
from packers.court_fields import CASE, CASE_VALUES, PERSON, SENTENCE
from packers.court_xml import CourtReader
from packers.csvtext import check_columns, parse_csv
from packers.filelist import list_bytes, read_list
from packers.overmark import over_bytes, read_over
from packers.prison import PrisonPacker
from packers.prison_fields import KNOWN, REQUIRED
from packers.prison_table import TableReader
from packers.xmltext import parse_xml
from tests.fuzz.places import place
from tests.fuzz.target import Draw, Target, piece
from tests.support.courts import FILES, CourtExport
from tests.support.prisons import ROWS, PrisonExport
from tests.support.standard import STANDARD

STOPS = frozenset({Verdict.HOLD, Verdict.REJECT, Verdict.WAIT})


def run_court_xml(data: bytes) -> None:
    """Any data.xml: read, and written as a case package that its reader takes."""
    parsed = parse_xml(data, "data.xml")
    if parsed.root is None:
        return
    package = CourtReader(str, STANDARD).read(parsed.root, Source("court", "x", len(data)))
    assert CasePackage.from_json(package.to_json()) == package


def court_xml_seeds() -> Mapping[str, bytes]:
    small = '<FYSJJH YW="SLTZ"><AJ><AH>（2026）1号</AH><BGR><XM>甲</XM><PX><XQ>一年</XQ></PX></BGR></AJ></FYSJJH>'
    return {
        "whole": CourtExport().xml_bytes(),
        "small": small.encode(),
        "gbk": small.encode("gbk"),
        "twice": small.replace("<PX>", "<PX/><ZXXX/><QZCS/><GYCS>1</GYCS><XFBG/><PX>").encode(),
        "dossier": b'<FYSJJH YW="x"><AJ><DZJZ><JZ LX="1"><WJ LJ="a"/></JZ></DZJZ><WSS><WS WJ="b"/></WSS></AJ></FYSJJH>',
    }


def run_filelist(data: bytes) -> None:
    listed = read_list(data)
    if listed.is_sound and all(path == path.strip() and "\ufffd" not in path for path in listed.digests):
        assert read_list(list_bytes(listed.digests)) == listed


def filelist_seeds() -> Mapping[str, bytes]:
    honest = {"data.xml": "0" * 32, "WS/刑事判决书.pdf": "f" * 32}
    text = list_bytes(honest)
    return {"honest": text, "gbk": text.decode().encode("gbk"), "odd": text.replace(b"  ", b" *") + b"\r\nx\n"}


def run_table(data: bytes) -> None:
    """Any table: read row by row, and written as a case package that its reader takes."""
    parsed = parse_csv(data, "x.csv", REQUIRED)
    assert (parsed.table is None) == (worst(parsed.findings) is Verdict.REJECT)
    if parsed.table is None:
        return
    check_columns(parsed.table, "x.csv")
    package = TableReader("x.csv", STANDARD).read(parsed.table, Source("prison", "x.csv", len(data)))
    assert CasePackage.from_json(package.to_json()) == package


def table_seeds() -> Mapping[str, bytes]:
    whole = PrisonExport(rows=ROWS[:2])
    odd = whole.with_cell(1, "出生日期", "27515").with_cell(1, "刑期止日", "二〇三〇年八月三十一日")
    return {
        "whole": PrisonExport().table(),
        "utf-8": b"\xef\xbb\xbf" + replace(whole, codec="utf-8").table(),
        "odd": odd.with_cell(1, "证件号码", "9.90104E+17").with_column("处理结果", "退回").table(),
        "quoted": '罪犯编号,姓名\r\n"1\r\n","甲,""乙"""\r\n'.encode("gbk"),
    }


def run_over(data: bytes) -> None:
    mark = read_over(data)
    assert read_over(over_bytes(mark)) == mark


def over_seeds() -> Mapping[str, bytes]:
    return {"honest": PrisonExport().mark_text().encode(), "spaced": b" rows = 1\n\nMD5 =x\nFILES=-1"}


def run_batch(data: bytes) -> None:
    """A whole export built from decisions: honest data bent, files beside it, a list or mark that may lie."""
    draw = Draw(data)
    how = draw.number()
    with tempfile.TemporaryDirectory(dir=place("batch")) as folder:
        if how & 1:
            export = CourtExport(files=dict(list(FILES.items())[: draw.number() % 3]), has_list=not how & 2)
            parts = replace(export, raw=_bent(draw, export.xml_bytes(), how)).drop(Path(folder))
            packer: Packer = CourtPacker()
        else:
            batch = PrisonExport(files={"9901000017/a.pdf": draw.piece()}, has_folder=not how & 2)
            parts = replace(batch, raw=_bent(draw, batch.table(), how), mark=_mark(draw, how)).drop(Path(folder))
            packer = PrisonPacker()
        with packer.read(parts, STANDARD) as unchecked:
            reading = checked(unchecked, STANDARD)
            if worst(reading.findings) not in STOPS:
                check_paths(f"content/{member.path}" for member in reading.members)
            for member in reading.members:
                with member.open() as stream:
                    assert len(stream.read()) == member.size
            assert CasePackage.from_json(reading.package.to_json()) == reading.package


def _bent(draw: Draw, data: bytes, how: int) -> bytes:
    for _ in range(how >> 2 & 3):
        at = draw.number(2) % len(data)
        data = data[:at] + draw.piece() + data[at + draw.number() :]
    return data


def _mark(draw: Draw, how: int) -> str | None:
    return draw.piece().decode("gb18030", "replace") if how & 0x10 else None


def batch_seeds() -> Mapping[str, bytes]:
    lie = b"ROWS=3\r\nFILES=1\r\nMD5=" + hashlib.md5(b"").hexdigest().encode()
    return {
        "court": b"\x05\x02" + b"\1\x20" + piece(b"&") + b"\3",
        "court-unlisted": b"\x0b\1" + b"\2\0" + piece(b"<X a='1'>") + b"\0" + b"\1\0" + piece(b"</AJ>") + b"\2",
        "prison": b"\x04" + piece(b"%PDF-1.4 %%EOF") + b"\1\0" + piece(b'"') + b"\1",
        "prison-marked": b"\x12" + piece(b"") + piece(lie),
    }


CASE_WORDS = tuple(f"<{tag}>1</{tag}>".encode() for table in (CASE, CASE_VALUES, PERSON, SENTENCE) for tag in table)
XML_WORDS = (*CASE_WORDS, b"<BGR>", b"<PX>", b"<ZXXX/>", b"<XFBG/>", b"<QZCS/>", b"<WS WJ='a'/>", b"<JZ/>", b"<AJ>")
TABLE_WORDS = (*(name.encode("gbk") for name in KNOWN), b'""', b"\r\n", b",", b"27515", b"1E+17", "二〇".encode("gbk"))

TARGETS = (
    # One element makes a row of the case package: some 400 bytes for the four of `<a/>`.
    Target("court-xml", run_court_xml, court_xml_seeds, longest=8192, growth=512, words=XML_WORDS),
    Target("filelist", run_filelist, filelist_seeds, growth=256),
    Target("table", run_table, table_seeds, longest=8192, growth=512, words=TABLE_WORDS),
    Target("over", run_over, over_seeds),
    Target("batch", run_batch, batch_seeds, longest=2048, memory=16 << 20, growth=512),
)
