"""Every defect of the catalogue that a police export can have, made in code: one export each, otherwise honest."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.support.exports import FILES, JPEG, PoliceExport, ZipItem, pdf

Make = Callable[[], PoliceExport]


@dataclass(frozen=True)
class Defect:
    """One export with the one finding it must give."""

    no: int
    code: str
    verdict: str
    make: Make
    alarm: bool = False
    name: str = ""

    def __str__(self) -> str:
        return f"D{self.no}-{self.code}{'-' + self.name if self.name else ''}"


def honest() -> PoliceExport:
    return PoliceExport()


def one_person(name: str, born: str, number: str, charge: tuple[str, str, str], juvenile: str) -> PoliceExport:
    """The case with one suspect only, of another age and charge (code, name, article)."""
    export = honest()
    start, end = export.xml.index("    <XYR>\n      <RYBH>R9901020500002026030002"), export.xml.index("  </XYRS>")
    single = replace(export, xml=export.xml[:start] + export.xml[end:])
    code, charge_name, article = charge
    return (
        single.changed(
            ("<RS>2</RS>", "<RS>1</RS>"),
            ("<XM>张测试</XM><XB>1</XB><CSRQ>19920229</CSRQ>", f"<XM>{name}</XM><XB>1</XB><CSRQ>{born}</CSRQ>"),
            ("990102199202290172", number),
            ("<SFWCN>0</SFWCN>", f"<SFWCN>{juvenile}</SFWCN>"),
            (
                "<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC><FTTK>264</FTTK>",
                f"<ZMDM>{code}</ZMDM><ZMMC>{charge_name}</ZMMC><FTTK>{article}</FTTK>",
            ),
            ("拘留证_张测试.pdf", f"拘留证_{name}.pdf"),
            (
                "    <WS><WSXH>4</WSXH><WSMC>拘留证</WSMC><WSZH>测甲公(刑)拘字〔2026〕22号</WSZH>"
                "<WJLJ>文书/拘留证_李样例.pdf</WJLJ><YS>1</YS><SFQZ>1</SFQZ></WS>\n",
                "",
            ),
        )
        .without_file("文书/拘留证_张测试.pdf")
        .without_file("文书/拘留证_李样例.pdf")
        .with_file(f"文书/拘留证_{name}.pdf", pdf("detention warrant"))
    )


def _first(*pairs: tuple[str, str]) -> Make:
    """The honest export with texts of its XML replaced where they stand first."""

    def make() -> PoliceExport:
        xml = honest().xml
        for old, new in pairs:
            assert old in xml, old
            xml = xml.replace(old, new, 1)
        return replace(honest(), xml=xml)

    return make


def _item(*items: ZipItem) -> Make:
    return lambda: honest().with_items(*items)


def _file(path: str, data: bytes) -> Make:
    return lambda: honest().with_file(path, data)


def _raw(data: bytes) -> Make:
    return lambda: replace(honest(), raw=data)


def _truncated() -> PoliceExport:
    data = honest().zip()
    return replace(honest(), raw=data[: len(data) * 2 // 3])


def _bad_crc() -> PoliceExport:
    path = "文书/立案决定书.pdf"
    return honest().without_file(path).with_items(ZipItem(path.encode("gbk"), FILES[path], crc=1))


def _bad_deflate() -> PoliceExport:
    path = "文书/立案决定书.pdf"
    item = ZipItem(path.encode("gbk"), FILES[path], packed_data=b"\xff" * 50)
    return honest().without_file(path).with_items(item)


def _slash_title() -> PoliceExport:
    row = (
        "<WS><WSXH>5</WSXH><WSMC>历次减刑/假释裁定书</WSMC><WSZH></WSZH>"
        "<WJLJ>文书/历次减刑/假释裁定书.pdf</WJLJ><YS>1</YS><SFQZ>1</SFQZ></WS>"
    )
    export = honest().changed(("  </WSLB>", row + "\n  </WSLB>"))
    return export.with_file("文书/历次减刑/假释裁定书.pdf", pdf("rulings"))


LONG_NAME = "卷宗/证据材料卷/003_" + "很长的材料名称" * 14 + ".pdf"


def _long_name() -> PoliceExport:
    row = f'<ML XH="3" MC="长名材料"><WJ LJ="{LONG_NAME}" YS="1"/></ML>\n    </JUAN>\n  </JZML>'
    return honest().changed(("</JUAN>\n  </JZML>", row)).with_file(LONG_NAME, pdf("long name"))


def _backslashes() -> PoliceExport:
    export = honest()
    return replace(export, files={path.replace("/", "\\"): data for path, data in export.files.items()})


def _doc_only() -> PoliceExport:
    path = "文书/提请批准逮捕书"
    export = (
        honest().without_file(f"{path}.pdf").with_file(f"{path}.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    )
    return export.changed((f"{path}.pdf", f"{path}.doc"))


def _doc_missing() -> PoliceExport:
    row = (
        "    <WS><WSXH>1</WSXH><WSMC>提请批准逮捕书</WSMC><WSZH>测甲公(刑)提捕字〔2026〕15号</WSZH>"
        "<WJLJ>文书/提请批准逮捕书.pdf</WJLJ><YS>1</YS><SFQZ>1</SFQZ></WS>\n"
    )
    return honest().without_file("文书/提请批准逮捕书.pdf").changed((row, ""))


def _listed_video(data: bytes, name: str) -> Make:
    path = f"卷宗/证据材料卷/{name}"
    row = f'<ML XH="3" MC="讯问录像"><WJ LJ="{path}"/></ML>\n    </JUAN>\n  </JZML>'
    return lambda: honest().changed(("</JUAN>\n  </JZML>", row)).with_file(path, data)


def _encrypted_pdf() -> bytes:
    return pdf("secret").replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt 6 0 R")


def _mp4(*boxes: bytes) -> bytes:
    return b"".join(struct.pack(">L4s", 8 + 16, kind) + bytes(16) for kind in boxes)


def playable_video() -> bytes:
    return _mp4(b"ftyp", b"mdat", b"moov")


_LETTER = "文书/提请批准逮捕书.pdf"
_NUMBER = "990102199202290172"

DEFECTS: tuple[Defect, ...] = (
    Defect(1, "FS-NO-MARKER", "wait", lambda: replace(honest(), has_mark=False)),
    Defect(2, "FS-MARKER-MISMATCH", "hold", lambda: replace(honest(), mark=f"MD5={'0' * 32}\r\nSIZE=1\r\n")),
    Defect(2, "FS-MARKER-MISMATCH", "hold", lambda: replace(honest(), mark=""), name="empty-mark"),
    Defect(3, "FS-ZERO-BYTE", "reject", _raw(b"")),
    Defect(4, "FS-LEFTOVER", "fix", _item(ZipItem(b"Thumbs.db", b"x"), ZipItem(b"__MACOSX/._a", b"x"))),
    Defect(4, "FS-LEFTOVER", "fix", _item(ZipItem("文书/~$提请.doc".encode("gbk"), bytes(54))), name="office"),
    Defect(5, "ZIP-TRUNCATED", "reject", _truncated),
    Defect(6, "ZIP-CRC", "reject", _bad_crc),
    Defect(6, "ZIP-CRC", "reject", _bad_deflate, name="inflate"),
    Defect(7, "ZIP-ENCRYPTED", "reject", lambda: replace(honest(), flags=1)),
    Defect(8, "ZIP-NAME-UNDECODABLE", "reject", _item(ZipItem(b"\xff\xfe\x80.pdf", b"x"))),
    Defect(8, "ZIP-NAME-UNDECODABLE", "reject", _item(ZipItem(b"\xb0\xb8.pdf", b"x", flags=0x800)), name="false-flag"),
    *(
        Defect(9, "ZIP-PATH-TRAVERSAL", "reject", _item(ZipItem(name, b"x")), alarm=True, name=kind)
        for kind, name in (
            ("parent", b"../../evil.sh"),
            ("inner-parent", b"a/../../b"),
            ("absolute", b"/etc/cron.d/x"),
            ("drive", b"C:\\Windows\\x.dll"),
            ("share", b"\\\\server\\x"),
            ("reserved", b"docs/NUL.pdf"),
            ("trailing-dot", b"docs/a.pdf."),
            ("stream", b"docs/a.pdf:evil"),
            ("control", b"docs/a\x00.pdf"),
            ("direction", "docs/a\u202efdp.exe".encode()),
            ("folder", b"../"),
        )
    ),
    Defect(10, "ZIP-BACKSLASH", "fix", _backslashes),
    Defect(11, "ZIP-BOMB", "reject", _item(ZipItem(b"bomb.pdf", bytes(8_000_000))), alarm=True),
    Defect(11, "ZIP-BOMB", "reject", _item(ZipItem(b"a.bin", bytes(5000), size=10)), alarm=True, name="lying-size"),
    Defect(12, "ZIP-NOT-ZIP", "reject", _raw(b"Rar!\x1a\x07\x01\x00" + bytes(64))),
    Defect(12, "ZIP-NOT-ZIP", "reject", _raw(b"7z\xbc\xaf\x27\x1c" + bytes(64)), name="7z"),
    Defect(13, "ZIP-DUP-ENTRY", "reject", _item(ZipItem(_LETTER.encode("gbk"), b"other"))),
    Defect(13, "ZIP-DUP-ENTRY", "reject", _item(ZipItem(b"A.PDF", b"x"), ZipItem(b"a.pdf", b"y")), name="case"),
    Defect(13, "ZIP-DUP-ENTRY", "reject", _item(ZipItem(b"a", b"x"), ZipItem(b"a/b", b"y")), name="file-and-folder"),
    Defect(14, "NAME-SLASH-IN-TITLE", "hold", _slash_title),
    Defect(15, "NAME-TOO-LONG", "fix", _long_name),
    Defect(16, "ENC-DECL-MISMATCH", "fix", lambda: replace(honest(), declared="UTF-8")),
    Defect(16, "ENC-DECL-MISMATCH", "fix", lambda: replace(honest(), codec="utf-8"), name="is-utf8"),
    Defect(
        16,
        "ENC-DECL-MISMATCH",
        "reject",
        lambda: replace(honest().changed(("<RS>2</RS>", "<RS>2</RS><RS>")), declared="UTF-8"),
        name="senseless",
    ),
    Defect(
        17,
        "ENC-GB2312-RARE",
        "fix",
        lambda: replace(_first(("<XM>张测试</XM>", "<XM>张㐂喆</XM>"))(), declared="GB2312", codec="gb18030"),
    ),
    Defect(18, "ENC-REPLACEMENT", "hold", _first(("<XM>张测试</XM>", "<XM>张?试</XM>"))),
    Defect(
        19,
        "ENC-PUA",
        "hold",
        lambda: replace(_first(("<XM>张测试</XM>", "<XM>张\ue5f1</XM>"))(), declared="GB18030", codec="gb18030"),
    ),
    Defect(
        20,
        "NAME-MIDDLE-DOT",
        "fix",
        lambda: replace(_first(("<XM>张测试</XM>", "<XM>阿样\u2022测试</XM>"))(), declared="GB18030", codec="gb18030"),
    ),
    Defect(21, "XML-MALFORMED", "reject", _first(("样板广场盗窃", "样板&广场盗窃"))),
    Defect(22, "XML-CONTROL-CHAR", "reject", _first(("【测试数据】", "\x0b"))),
    Defect(
        23,
        "XML-DTD",
        "reject",
        _first(("<ZFAJ", '<!DOCTYPE ZFAJ [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<ZFAJ')),
        alarm=True,
    ),
    Defect(24, "FIELD-MISSING", "reject", _first(("<AJBH>A9901020000002026030012</AJBH>", "<AJBH></AJBH>"))),
    Defect(24, "FIELD-MISSING", "reject", _first(("<XB>1</XB>", "")), name="of-a-person"),
    Defect(25, "ID-CHECKSUM", "reject", _first((_NUMBER, "990102199202290171"))),
    Defect(25, "FIELD-FORMAT", "reject", _first((_NUMBER, "99010219920229017")), name="17-digits"),
    Defect(26, "ID-BIRTH-MISMATCH", "hold", _first(("<CSRQ>19920229</CSRQ>", "<CSRQ>19920228</CSRQ>"))),
    Defect(
        26,
        "ID-BIRTH-MISMATCH",
        "reject",
        _first(("<CSRQ>19920229</CSRQ>", "<CSRQ>20120229</CSRQ>")),
        name="decides-age",
    ),
    Defect(27, "ID-SEX-MISMATCH", "hold", _first(("<XB>1</XB>", "<XB>2</XB>"))),
    Defect(
        28,
        "ID-LOWERCASE-X",
        "fix",
        _first((f"<SFHM>{_NUMBER}</SFHM>", "<SFHM>９９０１０２１９９２０２２９０１７２</SFHM>")),
    ),
    Defect(29, "ID-15-DIGIT", "warn", _first((_NUMBER, "990102920229017"))),
    Defect(30, "ID-MISSING", "reject", _first((_NUMBER, ""))),
    Defect(
        31,
        "ID-DUPLICATE",
        "hold",
        _first(("<ZJZL>111</ZJZL><SFHM>990103198808080286", "<ZJZL>414</ZJZL><SFHM>" + _NUMBER)),
    ),
    Defect(
        32,
        "AGE-UNDER-16",
        "hold",
        lambda: one_person("周少年", "20110301", "990102201103010198", ("050200", "盗窃罪", "264"), "0"),
    ),
    Defect(
        33,
        "AGE-12-14",
        "hold",
        lambda: one_person("吴幼例", "20130601", "990102201306010390", ("040100", "故意杀人罪", "232"), "1"),
    ),
    Defect(34, "DATE-ORDER", "hold", _first(("<TQRQ>2026-03-10</TQRQ>", "<TQRQ>2026-03-01</TQRQ>"))),
    Defect(35, "DATE-FUTURE", "hold", _first(("<LASJ>2026-03-02", "<LASJ>2062-03-02"))),
    Defect(36, "DETENTION-LIMIT", "warn", _first(("<KSRQ>2026-03-03</KSRQ>", "<KSRQ>2026-03-02</KSRQ>"))),
    Defect(38, "CHG-MISMATCH", "reject", _first(("<ZMDM>050200</ZMDM>", "<ZMDM>050300</ZMDM>"))),
    Defect(
        39, "CHG-INVESTIGATOR", "hold", _first(("<ZMDM>050200</ZMDM><ZMMC>盗窃罪", "<ZMDM>090100</ZMDM><ZMMC>受贿罪"))
    ),
    Defect(40, "DOC-MISSING", "reject", _doc_missing),
    Defect(41, "DOC-LISTED-ABSENT", "reject", lambda: honest().without_file("文书/拘留证_李样例.pdf")),
    Defect(42, "DOC-UNLISTED", "hold", _file("文书/案件讨论记录.pdf", pdf("notes"))),
    Defect(43, "DOC-CORRUPT", "reject", _file(_LETTER, FILES[_LETTER][:80])),
    Defect(43, "DOC-CORRUPT", "reject", _file(_LETTER, b""), name="empty"),
    Defect(44, "DOC-TYPE", "reject", _file(_LETTER, JPEG)),
    Defect(45, "DOC-EDITABLE-ONLY", "reject", _doc_only),
    Defect(46, "DOC-PASSWORD", "reject", _file(_LETTER, _encrypted_pdf())),
    Defect(47, "SEC-LEVEL", "reject", _first(("<MJ>内部</MJ>", "<MJ>机密</MJ>")), alarm=True),
    Defect(47, "SEC-LEVEL", "reject", _file("机密级材料/a.pdf", pdf("x")), alarm=True, name="folder"),
    Defect(48, "SEC-VOLUME", "reject", _first(('JMC="证据材料卷" JLX="ZJCLJ"', 'JMC="侦查卷" JLX="ZCJ"'))),
    Defect(48, "SEC-VOLUME", "reject", _file("卷宗/侦查工作卷/001.pdf", pdf("x")), name="folder"),
    Defect(49, "PERSON-COUNT", "hold", _first(("<RS>2</RS>", "<RS>3</RS>"))),
    Defect(69, "ZIP-SYMLINK", "reject", _item(ZipItem(b"link", b"/etc/passwd", attributes=0o120777 << 16)), alarm=True),
    Defect(
        69, "ZIP-SYMLINK", "reject", _item(ZipItem(b"dev", b"", attributes=0o020666 << 16)), alarm=True, name="device"
    ),
    Defect(75, "AV-NO-MOOV", "reject", _listed_video(_mp4(b"ftyp", b"mdat"), "讯问.mp4")),
    Defect(76, "AV-PROPRIETARY", "warn", _listed_video(b"DHAV" + bytes(60), "讯问.dav")),
)
