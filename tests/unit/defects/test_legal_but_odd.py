"""What looks wrong and is not (the catalogue's last list): it goes, at most with a mark."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.standard.checking import Context, Unit
from gateway.standard.identity import check_digit
from gateway.standard.package import Person
from tests.support.checked import CITY_COURT, COUNTY_COURT, COUNTY_POLICE, case_of, documents, strike
from tests.support.defects import honest
from tests.support.desk import run
from tests.support.exports import JPEG, PoliceExport
from tests.support.prisons import PrisonExport
from tests.support.procuratorate import ProcuratorateExport

NUMBER = "990102199202290172"
OLD_COUNTY = "11022619920229017"
"""The first six digits are those of 平谷县, a district since 2001."""


def changed(*pairs: tuple[str, str]) -> Callable[[], PoliceExport]:
    return lambda: honest().changed(*pairs)


def namesake() -> PoliceExport:
    """Two suspects of one name, father and son."""
    old = "文书/拘留证_李样例.pdf"
    export = honest().changed(("<XM>李样例</XM>", "<XM>张测试</XM>"), (old, "文书/2_拘留证_张测试.pdf"))
    return export.without_file(old).with_file("文书/2_拘留证_张测试.pdf", honest().files[old])


def renamed(name: str) -> PoliceExport:
    old, new = "文书/拘留证_张测试.pdf", f"文书/拘留证_{name}.pdf"
    export = honest().changed(("<XM>张测试</XM>", f"<XM>{name}</XM>"), (old, new))
    return export.without_file(old).with_file(new, honest().files[old])


ODD: dict[str, tuple[Callable[[], PoliceExport], set[str]]] = {
    "identity unknown": (changed((f"<SFHM>{NUMBER}</SFHM><WZJYY></WZJYY>", "<SFHM></SFHM><WZJYY>1</WZJYY>")), set()),
    "a foreigner": (changed(("<ZJZL>111</ZJZL><SFHM>" + NUMBER, "<ZJZL>414</ZJZL><SFHM>E12345678")), set()),
    "a traveller from Hong Kong": (
        changed(("<ZJZL>111</ZJZL><SFHM>" + NUMBER, "<ZJZL>516</ZJZL><SFHM>H1234567800")),
        set(),
    ),
    "a county that is no more": (changed((NUMBER, OLD_COUNTY + check_digit(OLD_COUNTY + "0"))), set()),
    "namesakes": (namesake, set()),
    "several offences": (
        changed(("</SAZM>", "</SAZM><SAZM><ZMDM></ZMDM><ZMMC>寻衅滋事罪</ZMMC><FTTK>293</FTTK></SAZM>")),
        set(),
    ),
    "several measures": (
        changed(("</QZCS>", "</QZCS><QZCS><LX>04</LX><LXMC>取保候审</LXMC><KSRQ>2026-03-10</KSRQ></QZCS>")),
        set(),
    ),
    "a part of a choice": (
        changed(("<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC>", "<ZMDM></ZMDM><ZMMC>贩卖毒品罪</ZMMC>")),
        {"AV-HINT"},
    ),
    "a name from before an amendment": (
        changed(("<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC>", "<ZMDM></ZMDM><ZMMC>窝藏、转移、收购、销售赃物罪</ZMMC>")),
        set(),
    ),
    "a name that no table has any more": (
        changed(("<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC>", "<ZMDM>050200</ZMDM><ZMMC>惯窃罪</ZMMC>")),
        {"CHG-MISMATCH"},
    ),
    "only the year of the act": (
        changed(
            (
                "<FASJC>2026-02-27 23:10:00</FASJC><FASJZ>2026-02-28 00:40:00</FASJZ>",
                "<FASJC>2025</FASJC><FASJZ>2026</FASJZ>",
            )
        ),
        set(),
    ),
    "caught in the act": (
        changed(
            ("<KSRQ>2026-03-03</KSRQ>", "<KSRQ>2026-03-03 01:00:00</KSRQ>"),
            ("<LASJ>2026-03-02 10:20:00</LASJ>", "<LASJ>2026-03-04 09:00:00</LASJ>"),
        ),
        {"DATE-ORDER"},
    ),
    "a minor whose name is kept": (lambda: renamed("周某某"), set()),
    "charged by a number": (lambda: renamed("无名氏1号"), set()),
    "blank pages": (lambda: honest().with_file("卷宗/证据材料卷/002_现场照片.jpg", JPEG + bytes(3_000_000)), set()),
    "at midnight": (
        lambda: replace(honest(), stem=honest().stem.replace("20260310153012", "20260310233012")),
        set(),
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_it_goes(name: str, tmp_path: Path) -> None:
    made, marks = ODD[name]
    export, *_rest = made().drop(tmp_path)
    answer = run("inspect", export, "--packer", "police", "--json", "--config", tmp_path / "nowhere")
    assert answer.json["outcome"] == "sendable", answer.json["findings"]
    assert {one["code"] for one in answer.json["findings"]} == marks


@pytest.mark.parametrize("title", ["指定管辖决定书", "提级管辖决定书", "关于改变管辖的批复"])
def test_an_assigned_case_goes_to_another_level(title: str) -> None:
    case = case_of("first-instance-prosecution", documents=documents(title))
    assert strike("org-peer-level", case, context=Context(COUNTY_POLICE, CITY_COURT)) == []


@pytest.mark.parametrize("name", ["测试铁路公安处", "测试海警局", "测试海关缉私分局", "测试森林公安局"])
def test_a_special_authority_has_counterparts_elsewhere(name: str) -> None:
    special = Unit("police", "city", "990100", name)
    case = case_of("arrest-request", offence_region="990302")
    found = strike("org-peer-level", case, context=Context(special, COUNTY_COURT))
    assert found == [("ORG-PEER", "warn")]
    assert strike("org-region-match", case, context=Context(special, COUNTY_COURT)) == [("ORG-REGION", "warn")]


def test_an_indictment_with_an_alias_tells_of_no_protected_witness() -> None:
    case = case_of("first-instance-prosecution", Person(name="张某（化名）"), documents=documents("起诉书（化名）"))
    assert strike("protected-witness", case) == []


def test_a_batch_of_hundreds_at_night_is_no_attack(tmp_path: Path) -> None:
    worked = PrisonExport()
    heading, first = worked.rows[0], worked.rows[1]
    many = []
    for n in range(300):
        number = f"9901021975{n // 28 % 12 + 1:02}{n % 28 + 1:02}{n % 499 * 2 + 1:03}"
        cells = dict(zip(heading, first, strict=True)) | {
            "序号": str(n + 1),
            "罪犯编号": f"{9901000017 + n}",
            "姓名": "赵虚构",
            "出生日期": f"1975-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}",
            "证件号码": number + check_digit(number + "0"),
            "材料目录": f"{9901000017 + n}",
        }
        many.append(tuple(cells[one] for one in heading))
    files = {f"{9901000017 + n}/提请减刑建议书.pdf": worked.files["9901000017/提请减刑建议书.pdf"] for n in range(300)}
    table, *_rest = replace(worked, rows=(heading, *many), files=files).drop(tmp_path)
    answer = run("inspect", table, "--packer", "prison", "--json", "--config", tmp_path / "nowhere")
    assert answer.json["outcome"] == "sendable", answer.json["findings"][:3]
    assert answer.json["persons"] == 300


def test_a_decision_that_comes_again_or_before_its_request_is_read_like_any_other(tmp_path: Path) -> None:
    export, *_rest = ProcuratorateExport().drop(tmp_path)
    answer = run("inspect", export, "--packer", "procuratorate", "--json", "--config", tmp_path / "nowhere")
    assert (answer.json["outcome"], answer.json["findings"]) == ("sendable", [])
