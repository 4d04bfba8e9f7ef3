"""Cases as other agencies' packers read them, for trying a writer on what its own format knows nothing of."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.packing import Packet
from gateway.standard.catalogue import Standard
from gateway.standard.package import (
    CaseNumber,
    CasePackage,
    Change,
    Charge,
    Decision,
    Document,
    DossierEntry,
    Handler,
    Measure,
    Person,
    PropertyItem,
    Sentence,
    Source,
    UnknownValue,
    Value,
    Volume,
)

_FORMAT: Final = "elsewhere"
_NAME: Final = "N1_ab"
_PDF: Final = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\nstartxref\n0\n%%EOF\n"

# Every person, number and case is made up.
_PERSONS: Final = (
    Person(
        ordinal="1",
        person_no="R001",
        name="测试㐂𠮷",
        sex="1",
        birth_date="1992-02-29",
        id_type="111",
        id_no="990102199202290172",
        charges=(Charge("x-1", "盗窃罪", "264"), Charge("x-2", "诈骗罪", "266")),
        measures=(Measure("detained", "拘留", "2026-03-03", "2026-03-10", "7", "990102111", "990102111202603030001"),),
        decisions=(Decision("approved", "批准逮捕", "2026-03-17", "文书/决定书.pdf"),),
        sentences=(Sentence("fixed-term", "七年六个月", start="2026-05-19", end="2033-11-18", credit_days="77"),),
        changes=(Change("commutation", "七个月", "2033-04-18", "0"),),
        values=(Value("stage-result", "granted"), Value("lawyer-name", "某律师")),
    ),
    Person(name="阿依古丽·样例", id_missing_reason="身份不明", changes=(Change(materials="../up"),)),
    Person(ordinal="1", person_no="R001", name="重号样例"),
)


def _rich() -> CasePackage:
    return CasePackage(
        Source(_FORMAT, "whole.case", 7, system="别处", version="9.9"),
        flow="commutation-parole-request",
        business="BCTQ",
        sender_code="990100",
        sender_name="别处",
        receiver_code="990200",
        case_no="（2026）测0102刑更1号",
        case_name="“引号”与,逗号、\n换行<尖括号>&",
        case_numbers=(
            CaseNumber("court-case-no", "（2026）测0102刑更1号"),
            CaseNumber("police-case-no", "A9901020000002026030012"),
            CaseNumber("platform-case-no", "P1"),
        ),
        batch_no="二〇二六年第二批",
        exported_at="2026-05-20T17:02:11",
        secrecy="内部",
        handler=Handler("郑承办", "00000000000"),
        values=(Value("judgment-date", "2026-05-08"), Value("hearing-place", "第一法庭")),
        persons=_PERSONS,
        documents=(
            Document(
                "提请减刑建议书",
                "文书/建议书.pdf",
                "〔2026〕1号",
                3,
                "1",
                person_no="R001",
                kind="commutation-proposal",
            ),
            Document("历次减刑/假释裁定书", "文书/历次减刑/假释裁定书.pdf", person="阿依古丽·样例"),
            Document("决定书", "文书/决定书.pdf"),
            Document("同名", "甲/同名.pdf"),
            Document("同名", "乙/同名.pdf"),
            Document("不在", "文书/不在.pdf"),
        ),
        volumes=(Volume("evidence", "证据材料卷", (DossierEntry("笔录", "卷宗/001_笔录.pdf", 2, "1"),), "1"),),
        property=(PropertyItem("1", "手机", "1", "部", "3200"),),
        unknown=(UnknownValue("a/b", "谁也不认识", "record.bin", 3),),
    )


def _bare() -> CasePackage:
    return CasePackage(Source(_FORMAT, "bare"))


_FILES: Final = MappingProxyType(
    {
        "record.bin": b"\x00the sender's own record",
        "case-package.json": b"not ours",
        "原始数据/old.bin": b"an import that is sent on",
        "文书/建议书.pdf": _PDF,
        "文书/历次减刑/假释裁定书.pdf": _PDF + b"%2\n",
        "文书/决定书.pdf": _PDF + b"%3\n",
        "甲/同名.pdf": _PDF + b"%4\n",
        "乙/同名.pdf": _PDF + b"%5\n",
        "卷宗/001_笔录.pdf": _PDF + b"%6\n",
        "未列/㐂𠮷.txt": b"in no list",
    }
)
FOREIGN: Final = MappingProxyType(
    {"rich": (_rich, tuple(_FILES)), "bare": (_bare, ("record.bin",)), "empty": (_bare, ())}
)
"""Name -> how the case package is made, and which files lie beside it."""


def foreign_packet(name: str, root: Path, standard: Standard) -> Packet:
    """Return the packet of one of FOREIGN, its files laid out in the empty folder `root`."""
    make: Callable[[], CasePackage]
    make, files = FOREIGN[name]
    for path in files:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_FILES[path])
    return Packet(make(), root, {}, _NAME, standard)
