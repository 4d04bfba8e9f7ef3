"""Police exports made in code: an honest case, its variations, and zips with whatever bytes a test wants in them."""

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

CASE_XML = "案件信息.xml"
STEM = "TQPZDB_990102000000_990102_A9901020000002026030012_20260310153012"

JPEG = (
    bytes.fromhex("ffd8ffe000104a46494600010101004800480000ffdb004300")
    + bytes(range(1, 65))
    + bytes.fromhex("ffc9000b080001000101011100ffcc00060010100505ffda0008010100003f00d2cf20ffd9")
)


def pdf(title: str) -> bytes:
    """Return a whole small PDF that shows `title` (ASCII)."""
    content = f"BT /F1 14 Tf 60 780 Td (TEST DATA - {title}) Tj ET".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    out += b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


FILES: Mapping[str, bytes] = {
    "文书/提请批准逮捕书.pdf": pdf("arrest request letter"),
    "文书/立案决定书.pdf": pdf("case filing decision"),
    "文书/拘留证_张测试.pdf": pdf("detention warrant 1"),
    "文书/拘留证_李样例.pdf": pdf("detention warrant 2"),
    "卷宗/诉讼文书卷/001_受案登记表.pdf": pdf("registration form"),
    "卷宗/证据材料卷/001_讯问笔录（张测试）.pdf": pdf("interrogation record"),
    "卷宗/证据材料卷/002_现场照片.jpg": JPEG,
}

XML = (Path(__file__).parents[1] / "data" / "police" / "case.xml").read_text("utf-8")
"""The case of the worked example, without its XML declaration."""


@dataclass(frozen=True)
class ZipItem:
    """One member as it is to stand in the zip; what is None is what an honest writer would put there."""

    name: bytes
    data: bytes = b""
    flags: int = 0
    method: int = 8
    attributes: int = 0o600 << 16
    crc: int | None = None
    size: int | None = None
    """What both headers claim the size to be."""
    packed_data: bytes | None = None
    local_name: bytes | None = None


def zip_bytes(items: Sequence[ZipItem], comment: bytes = b"") -> bytes:
    """Return a zip of `items`, written without the zip library so that it may lie."""
    out, central = bytearray(), bytearray()
    for item in items:
        packed = item.packed_data
        if packed is None:
            deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
            packed = deflater.compress(item.data) + deflater.flush() if item.method == 8 else item.data
        crc = zlib.crc32(item.data) if item.crc is None else item.crc
        size = len(item.data) if item.size is None else item.size
        local = item.name if item.local_name is None else item.local_name
        offset = len(out)
        moment = (15 << 11 | 30 << 5 | 6, (2026 - 1980) << 9 | 3 << 5 | 10)
        out += struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, item.flags, item.method, *moment, crc, len(packed), size, len(local), 0
        )
        out += local + packed
        central += struct.pack(
            "<4s6H3L5H2L",
            b"PK\1\2",
            20,
            20,
            item.flags,
            item.method,
            *moment,
            crc,
            len(packed),
            size,
            len(item.name),
            0,
            0,
            0,
            0,
            item.attributes,
            offset,
        )
        central += item.name
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(items), len(items), len(central), len(out), len(comment))
    return bytes(out + central + end + comment)


@dataclass(frozen=True)
class PoliceExport:
    """One police export, to be varied with the methods below and dropped with `drop`."""

    stem: str = STEM
    xml: str = XML
    declared: str = "GBK"
    codec: str = "gbk"
    files: Mapping[str, bytes] = field(default_factory=lambda: dict(FILES))
    extra: tuple[ZipItem, ...] = ()
    mark: str | None = None
    """Text of the completion mark; None: an honest one."""
    has_mark: bool = True
    raw: bytes | None = None
    """Bytes of the zip instead of those made from the rest."""
    name_codec: str = "gbk"
    flags: int = 0

    def changed(self, *pairs: tuple[str, str]) -> "PoliceExport":
        """Return the export with texts of its XML replaced; each must be there."""
        xml = self.xml
        for old, new in pairs:
            assert old in xml, old
            xml = xml.replace(old, new)
        return replace(self, xml=xml)

    def with_file(self, path: str, data: bytes) -> "PoliceExport":
        return replace(self, files={**self.files, path: data})

    def without_file(self, path: str) -> "PoliceExport":
        return replace(self, files={p: d for p, d in self.files.items() if p != path})

    def with_items(self, *items: ZipItem) -> "PoliceExport":
        return replace(self, extra=self.extra + items)

    def xml_bytes(self) -> bytes:
        head = f'<?xml version="1.0" encoding="{self.declared}"?>\n' if self.declared else ""
        return (head + self.xml).encode(self.codec)

    def items(self) -> list[ZipItem]:
        members = {CASE_XML: self.xml_bytes(), **self.files}
        return [
            *(ZipItem(path.encode(self.name_codec), data, self.flags) for path, data in members.items()),
            *self.extra,
        ]

    def zip(self) -> bytes:
        return zip_bytes(self.items()) if self.raw is None else self.raw

    def drop(self, folder: Path) -> tuple[Path, ...]:
        """Write the export into `folder` as the police system does; return its parts, the mark last."""
        data = self.zip()
        path = folder / f"{self.stem}.zip"
        path.write_bytes(data)
        if not self.has_mark:
            return (path,)
        text = self.mark
        if text is None:
            text = f"MD5={hashlib.md5(data).hexdigest().upper()}\r\nSIZE={len(data)}\r\n"
        mark = folder / f"{self.stem}.zip.ok"
        mark.write_bytes(text.encode("gbk"))
        return (path, mark)
