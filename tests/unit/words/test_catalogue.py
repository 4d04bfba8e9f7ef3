"""What people read: every code explained in both languages, no gap ever an exception."""

import shutil
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import ReceiptCode, Stage
from gateway.standard.findings import Finding, Place, Verdict
from gateway.words import terms
from gateway.words.catalogue import Explained, Words
from gateway.words.errors import ERRORS
from gateway.words.findings import FINDINGS
from gateway.words.language import CHINESE, ENGLISH, LANGUAGES, choose_language
from gateway.words.templates import fields, fill, mark

HAN = range(0x4E00, 0x9FFF)


def is_chinese(text: str) -> bool:
    return any(ord(char) in HAN for char in text)


def test_an_error_is_explained_in_both_languages() -> None:
    error = TransientError("link-unreachable", "connection refused", scope=Scope.LINK)
    english, chinese = Words(ENGLISH).error(error), Words(CHINESE).error(error)
    assert english.what == "The peer's server cannot be reached."
    assert chinese.what == "无法连接对方服务器。"
    assert str(english) == f"{english.what} {english.why} {english.do}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(ERRORS))
def test_each_error_has_three_parts(code: str, language: str) -> None:
    explained = Words(language).error_code(code)
    for part in (explained.what, explained.why, explained.do):
        assert part.strip()
        assert part.endswith((".", "。"))
        assert "{" not in part
    assert is_chinese(explained.what) == (language == CHINESE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_each_finding_has_three_parts(code: str, language: str) -> None:
    explained = Words(language).finding(Finding(code, Verdict.HOLD))
    for part in (explained.what, explained.why, explained.do):
        assert part.endswith((".", "。"))
        assert "{" not in part
    assert is_chinese(explained.why) == (language == CHINESE)


def test_facts_fill_the_sentence() -> None:
    facts = {"recorded": "110000000000", "unit": "120000000000"}
    explained = Words(ENGLISH).error(PermanentError("ledger-foreign", facts=facts))
    assert "records unit 110000000000, the configuration says 120000000000" in explained.why


def test_a_findings_place_and_value_are_facts() -> None:
    finding = Finding("DATE-UNREADABLE", Verdict.REJECT, Place("案件信息.xml", 7, 3, "提请日期(TQRQ)"), value="三月")
    assert Words(CHINESE).finding(finding).what == "提请日期(TQRQ) 不是日期: 三月。"


def test_a_findings_own_facts_win_over_its_place() -> None:
    finding = Finding("FS-ZERO-BYTE", Verdict.REJECT, Place("a.zip"), facts={"file": "b.zip"})
    assert Words(ENGLISH).finding(finding).what.startswith("b.zip ")


def test_a_finding_without_a_place_speaks_of_the_export() -> None:
    assert Words(ENGLISH).finding(Finding("ZIP-TRUNCATED", Verdict.REJECT)).what.startswith("the export ")
    assert Words(CHINESE).finding(Finding("ZIP-TRUNCATED", Verdict.REJECT)).what.startswith("导出包")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_code_is_named_and_never_fatal(language: str) -> None:
    words = Words(language)
    assert "brand-new" in words.error(GatewayError("brand-new")).what
    assert "brand-new" in words.error_code("brand-new").what
    assert "BRAND-NEW" in words.finding(Finding("BRAND-NEW", Verdict.WARN)).what
    assert words.event("brand-new") == "brand-new"
    assert words.mender("brand-new") == "brand-new"


def test_a_defect_code_in_a_receipt_is_explained_as_well() -> None:
    assert Words(ENGLISH).error_code("ZIP-CRC").why.startswith("Its bytes do not match")


def test_a_missing_fact_leaves_a_mark_and_no_exception() -> None:
    assert Words(ENGLISH).error_code("peer-unknown").what == "There is no confirmed card of unit ?."


def test_a_facts_own_text_is_never_interpreted() -> None:
    facts = {"name": "{secret} {0.__class__} %s", "secret": "s3cr3t"}
    assert fill("<{name}>", facts) == "<{secret} {0.__class__} %s>"
    assert fill("{name.upper} {0} {} {{x}}", {"name": "n", "x": "1"}) == "{name.upper} {0} {} {1}"
    assert fields("{a} {b_2} {} {C} {a}") == {"a", "b_2"}


def test_a_text_without_translation_shows_in_english() -> None:
    assert Words(CHINESE).text("no such text {n}", n=3) == "no such text 3"
    assert Words(CHINESE).text("") == ""
    assert mark("as it is") == "as it is"


@pytest.mark.parametrize("language", ["fr", "", "../en", "zh_CN/..", "zh_TW"])
def test_a_language_without_catalogue_is_english(language: str) -> None:
    words = Words(language)
    assert words.language == ENGLISH
    assert words.verdict(Verdict.HOLD) == "held for a person"


def test_place_names_what_there_is() -> None:
    full = Place("案件信息.xml", 7, 50, "案件编号(AJBH)")
    assert Words(ENGLISH).place(full) == "案件信息.xml, line 7, column 50, 案件编号(AJBH)"
    assert Words(CHINESE).place(full) == "案件信息.xml, 第 7 行, 第 50 列, 案件编号(AJBH)"
    assert Words(ENGLISH).place(Place(file="a.zip")) == "a.zip"
    assert Words(ENGLISH).place(Place()) == ""


def test_every_value_of_the_vocabulary_has_a_name() -> None:
    for table, values in (
        (terms.DIRECTIONS, Direction),
        (terms.STATES, State),
        (terms.EVENTS, Event),
        (terms.STAGES, Stage),
        (terms.RECEIPTS, ReceiptCode),
        (terms.VERDICTS, Verdict),
        (terms.SCOPES, Scope),
    ):
        assert set(table) == {str(value) for value in values}


def test_vocabulary_is_spoken_in_chinese() -> None:
    words = Words(CHINESE)
    assert words.direction(Direction.OUTBOUND) == "发送"
    assert words.state(State.SENT) == "已发送, 等待回执"
    assert words.event(Event.DELIVERED) == "已放入接收目录"
    assert words.stage(Stage.SEND) == "发送"
    assert words.receipt(ReceiptCode.DAMAGED) == "拒收: 内容损坏"
    assert words.verdict(Verdict.FIX) == "已规范"
    assert words.mender("vendor") == "办案系统供应商"
    assert words.scope(Scope.LINK) == "整条链路"


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        ("zh", {"LANG": "en_US.UTF-8"}, CHINESE),
        ("zh_CN", {}, CHINESE),
        ("en", {"LANG": "zh_CN.UTF-8"}, ENGLISH),
        ("auto", {"LANG": "zh_CN.GB18030"}, CHINESE),
        (None, {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, ENGLISH),
        (None, {"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, CHINESE),
        ("", {"LC_MESSAGES": "zh_SG", "LANG": "en_GB"}, CHINESE),
        (None, {"CASEFERRY_LANGUAGE": "zh", "LC_ALL": "en_US"}, CHINESE),
        (None, {"LANG": "Chinese (Simplified)_China.936"}, CHINESE),
        (None, {"LANG": "de_DE.UTF-8"}, ENGLISH),
        (None, {}, ENGLISH),
    ],
)
def test_language_follows_the_setting_then_the_locale(
    setting: str | None, environ: dict[str, str], expected: str
) -> None:
    assert choose_language(setting, environ) == expected


def test_explanations_are_values() -> None:
    assert Explained("a", "", "c") == Explained("a", "", "c")
    assert str(Explained("a", "", "c")) == "a c"


def test_catalogue_travels_with_the_package(tmp_path: Path) -> None:
    """A copy of the room elsewhere still finds its catalogue: nothing depends on the working folder."""
    source = Path(terms.__file__).parent
    copy = tmp_path / "words"
    shutil.copytree(source, copy)
    assert (copy / "locale" / CHINESE / "LC_MESSAGES" / "caseferry.mo").stat().st_size > 0
