"""Writes the made part of samples/: `python -m tests.support.samples FOLDER`; the same text and files every time."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.support.defects import one_person
from tests.support.exports import FILES, JPEG, PoliceExport, pdf

FRAUD_STEM = "TQPZDB_990102000000_990102_A9901020000002026030027_20260318094501"
TRANSFER_STEM = "YSQS_990102000000_990102_A9901020000002026030012_20260512101010"

FOLDER_NAME = "补充证据材料_王虚构诈骗案"
FOLDER_FILES: Mapping[str, bytes] = {
    "情况说明.txt": "【测试数据】本目录为补充移送的证据材料，人员与案情均为虚构。\n".encode(),
    "银行流水/2026年1月.pdf": pdf("bank statement 2026-01"),
    "银行流水/2026年2月.pdf": pdf("bank statement 2026-02"),
    "照片/现场照片（一）.jpg": JPEG,
    "鉴定意见/价格认定结论书·复印件.pdf": pdf("price appraisal"),
}
SINGLE_NAME = "换押证_王虚构.pdf"


def fraud_case() -> PoliceExport:
    """A second arrest request: one suspect, fraud."""
    export = one_person("王虚构", "19900615", "99010219900615013X", ("050300", "诈骗罪", "266"), "0")
    record = "卷宗/证据材料卷/001_讯问笔录"
    return (
        replace(export, stem=FRAUD_STEM)
        .changed(
            ("A9901020000002026030012", "A9901020000002026030027"),
            ("<AJMC>张测试、李样例盗窃案</AJMC>", "<AJMC>王虚构诈骗案</AJMC>"),
            ("<AJLB>050200</AJLB>", "<AJLB>050300</AJLB>"),
            (
                "2026年2月27日夜，二人在样板广场盗窃电动车一辆，价值人民币3200元",
                "2026年2月27日，以虚构的租房信息骗取人民币8000元",
            ),
            ("2026〕15号", "2026〕18号"),
            ("2026〕33号", "2026〕36号"),
            ("<TQRQ>2026-03-10</TQRQ>", "<TQRQ>2026-03-18</TQRQ>"),
            ("<KSRQ>2026-03-03</KSRQ><JZRQ>2026-03-10</JZRQ>", "<KSRQ>2026-03-12</KSRQ><JZRQ>2026-03-19</JZRQ>"),
            (f"{record}（张测试）.pdf", f"{record}（王虚构）.pdf"),
        )
        .without_file(f"{record}（张测试）.pdf")
        .with_file(f"{record}（王虚构）.pdf", pdf("interrogation record"))
    )


def prosecution_transfer() -> PoliceExport:
    """The theft of the worked example two months later: handed over for prosecution."""
    return (
        replace(PoliceExport(), stem=TRANSFER_STEM)
        .changed(
            ("<YWLX>TQPZDB</YWLX><YWMC>提请批准逮捕</YWMC>", "<YWLX>YSQS</YWLX><YWMC>移送审查起诉</YWMC>"),
            ("提请批准逮捕书", "起诉意见书"),
            ("提捕字", "诉字"),
            ("<TQRQ>2026-03-10</TQRQ>", "<TQRQ>2026-05-12</TQRQ>"),
        )
        .without_file("文书/提请批准逮捕书.pdf")
        .with_file("文书/起诉意见书.pdf", pdf("prosecution opinion"))
        .with_file("文书/立案决定书.pdf", FILES["文书/立案决定书.pdf"])
    )


def write_samples(root: Path) -> None:
    """Write the made samples below `root`, over what is there."""
    police, folder = root / "police", root / "folder"
    police.mkdir(parents=True, exist_ok=True)
    for export in (fraud_case(), prosecution_transfer()):
        export.drop(police)
    for name, data in FOLDER_FILES.items():
        path = folder / FOLDER_NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / SINGLE_NAME).write_bytes(pdf("custody handover certificate"))


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
