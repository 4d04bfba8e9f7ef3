"""The checks that flows name: each slug answers, with the severity that the flow gives it, and says when not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.standard.checking import Context, Unit
from gateway.standard.checks import ALWAYS, CHECKS, OF_REPLIES, check_case_package, unanswered
from gateway.standard.package import (
    CaseNumber,
    CasePackage,
    Change,
    Charge,
    Document,
    Measure,
    Person,
    PropertyItem,
    Sentence,
    Source,
    Value,
)
from gateway.standard.registry import ELSEWHERE
from gateway.words.findings import FINDINGS
from tests.support.checked import (
    CITY_COURT,
    COUNTY_COURT,
    COUNTY_POLICE,
    PRISON,
    case_of,
    documents,
    files,
    strike,
)
from tests.support.standard import STANDARD

ADULT = Person(name="张测试", birth_date="1992-02-29")
THEFT = Charge("050200", "盗窃罪", "264")
KILLING = Charge("040100", "故意杀人罪", "232")
SPYING = Charge("", "间谍罪", "110")
TO_COUNTY = Context(COUNTY_POLICE, COUNTY_COURT)


def custody(end: str, kind: str = "arrested") -> Person:
    return replace(ADULT, measures=(Measure(kind, start="2026-03-03", end=end),))


def served(**more: str) -> Person:
    one: dict[str, Any] = {"kind": "有期徒刑", "term": "一年", "start": "2026-05-19", "end": "2027-03-02"}
    return replace(ADULT, sentences=(Sentence(**{**one, "credit_days": "77", **more}),))


def with_values(package: CasePackage, **values: str) -> CasePackage:
    return replace(package, values=tuple(Value(name.replace("_", "-"), value) for name, value in values.items()))


def test_every_check_of_the_standard_is_answered() -> None:
    assert unanswered(STANDARD) == ()
    assert not set(CHECKS) & set(ELSEWHERE)
    assert set(CHECKS) | set(ELSEWHERE) >= ALWAYS | OF_REPLIES


STRIKES: Mapping[str, tuple[str, CasePackage, tuple[str, ...], Context, tuple[str, str]]] = {
    "region of no province": (
        "id-region-plausible",
        case_of("x", replace(ADULT, id_type="111", id_no="090102199202290172")),
        (),
        Context(),
        ("ID-REGION", "warn"),
    ),
    "age between two": (
        "age-uncertain",
        case_of("x", Person(birth_date="2010-06-01", charges=(THEFT,)), offence_start="2026"),
        (),
        Context(),
        ("AGE-UNCERTAIN", "warn"),
    ),
    "approval": (
        "approval-required-doc",
        case_of("case-filing-report", Person(birth_date="2013-06-01", charges=(KILLING,)), offence_start="2026-02-01"),
        (),
        Context(),
        ("DOC-MISSING", "hold"),
    ),
    "another article": (
        "charge-article-match",
        case_of("x", replace(ADULT, charges=(Charge("", "盗窃罪", "第266条"),))),
        (),
        Context(),
        ("CHG-ARTICLE", "warn"),
    ),
    "a county's court and a killing": (
        "charge-court-level",
        case_of("x", replace(ADULT, charges=(KILLING,))),
        (),
        TO_COUNTY,
        ("CHG-COURT-LEVEL", "warn"),
    ),
    "a county's court and a spy": (
        "charge-court-level",
        case_of("x", replace(ADULT, charges=(SPYING,))),
        (),
        TO_COUNTY,
        ("CHG-COURT-LEVEL", "hold"),
    ),
    "no recording": (
        "av-required-hint",
        case_of("x", replace(ADULT, charges=(KILLING,))),
        (),
        Context(),
        ("AV-HINT", "warn"),
    ),
    "another level": (
        "org-peer-level",
        case_of("arrest-request", ADULT),
        (),
        Context(COUNTY_POLICE, CITY_COURT),
        ("ORG-PEER", "hold"),
    ),
    "another region": (
        "org-region-match",
        case_of("x", ADULT, offence_region="990203"),
        (),
        TO_COUNTY,
        ("ORG-REGION", "warn"),
    ),
    "another place of correction": (
        "correction-place-match",
        with_values(case_of("x", ADULT), correction_place="990103"),
        (),
        Context(COUNTY_COURT, Unit("justice-bureau", "county", "990102")),
        ("CORRECTION-PLACE", "hold"),
    ),
    "custody ended": (
        "custody-not-expired",
        case_of("custody-handover", custody("2026-05-10")),
        (),
        Context(today=date(2026, 5, 11)),
        ("CUSTODY-EXPIRED", "warn"),
    ),
    "one interrogator": (
        "interrogators-two",
        with_values(case_of("x", ADULT), interrogators="郑承办"),
        (),
        Context(),
        ("INTERROGATORS", "reject"),
    ),
    "a booking over midnight": (
        "booking-slot",
        with_values(case_of("x", ADULT), booking_slot="2026-03-12T23:00/2026-03-13T01:00"),
        (),
        Context(),
        ("BOOKING-SLOT", "reject"),
    ),
    "a booking that is over": (
        "booking-slot",
        replace(
            with_values(case_of("x", ADULT), booking_slot="2026-03-12T09:00/2026-03-12T10:00"),
            exported_at="2026-03-12T09:30:00",
        ),
        (),
        Context(),
        ("BOOKING-SLOT", "reject"),
    ),
    "no term for the reply": ("reply-deadline-present", case_of("x"), (), Context(), ("REPLY-DEADLINE", "warn")),
    "property without a list": (
        "property-list-required",
        case_of("supervision-case-transfer", ADULT, property=(PropertyItem(name="电动车"),)),
        (),
        Context(),
        ("PROPERTY-LIST", "hold"),
    ),
    "a sum that is none": (
        "property-list-sum",
        with_values(
            case_of("x", property=(PropertyItem(quantity="2"), PropertyItem(quantity="1"))), property_count="4"
        ),
        (),
        Context(),
        ("PROPERTY-SUM", "warn"),
    ),
    "a folder of a batch": (
        "batch-rows",
        case_of("x", replace(ADULT, changes=(Change(materials="9901000017"),))),
        ("9901000018/提请减刑建议书.pdf",),
        Context(),
        ("BATCH-MATERIALS", "reject"),
    ),
    "three months in a prison": (
        "remaining-term-route",
        case_of("prison-admission", served(), exported_at="2026-12-05T10:00:00"),
        (),
        Context(COUNTY_COURT, PRISON),
        ("REMAINING-TERM", "hold"),
    ),
    "effective tomorrow": (
        "effective-before-execution",
        replace(with_values(case_of("x"), effective_date="2026-05-21"), exported_at="2026-05-20T10:00:00"),
        (),
        Context(),
        ("EXEC-BEFORE-EFFECTIVE", "hold"),
    ),
    "unsealed": (
        "doc-signed",
        case_of("x", documents=(Document("提请批准逮捕书", "a.pdf", signed="0"),)),
        (),
        Context(),
        ("DOC-UNSIGNED", "hold"),
    ),
    "without a number": (
        "doc-number",
        case_of("x", documents=(Document("提请批准逮捕书", "a.pdf"), Document("拘留证", "b.pdf", "测公〔2026〕1号"))),
        (),
        Context(),
        ("DOC-NUMBER", "warn"),
    ),
    "technical investigation": (
        "tech-investigation",
        case_of("x", documents=documents("技术侦查措施决定书")),
        (),
        Context(),
        ("TECH-INVESTIGATION", "hold"),
    ),
    "a code and another name": (
        "charge-known",
        case_of("x", replace(ADULT, charges=(Charge("050200", "诈骗罪", ""),))),
        (),
        Context(),
        ("CHG-MISMATCH", "reject"),
    ),
}


@pytest.mark.parametrize("name", STRIKES)
def test_a_check_strikes(name: str) -> None:
    slug, package, paths, context, expected = STRIKES[name]
    assert strike(slug, package, files(*paths), context) == [expected]
    assert expected[0] in FINDINGS


@pytest.mark.parametrize("round_", ["1", "2", "3"])
def test_a_third_supplementary_investigation_is_held(round_: str) -> None:
    package = with_values(case_of("supplementary-investigation", ADULT), supplementary_round=round_)
    wanted = [("FLOW-SUPP-3RD", "hold")] if round_ == "3" else []
    assert strike("supplementary-max-two", package) == wanted


@pytest.mark.parametrize(("asked", "late"), [("2026-05-03", False), ("2026-05-04", True), ("2026-05-12", True)])
def test_an_extension_is_asked_for_in_time(asked: str, late: bool) -> None:
    package = case_of("custody-extension", custody("2026-05-10"), request_date=asked)
    assert strike("extension-seven-days", package) == ([("FLOW-EXT-LATE", "warn")] if late else [])


def test_a_sealed_record_is_refused_without_a_word_about_whose() -> None:
    package = case_of("information-share", Person(name="周少年", id_no="990102201103010198", sealed="1"))
    found = check_case_package(package, (), STANDARD, sender_role="court")
    sealed = [one for one in found if one.code == "JUV-SEALED"]
    assert [one.verdict for one in sealed] == ["reject"]
    assert "周少年" not in repr(sealed)
    assert "9901022011" not in repr(sealed)


def test_a_flow_may_make_a_check_milder() -> None:
    unsealed = case_of("x", documents=(Document("提请批准逮捕书", "a.pdf", signed="0"),))
    assert strike("doc-signed", unsealed, severity="warn") == [("DOC-UNSIGNED", "warn")]
    lists = case_of("x", documents=documents("拘留证"))
    assert strike("doc-listed-present", lists, files("文书/多余.pdf"), severity="warn") == [
        ("DOC-LISTED-ABSENT", "warn"),
        ("DOC-UNLISTED", "warn"),
    ]


def test_a_flow_cannot_make_a_question_of_law_a_refusal() -> None:
    young = case_of("x", Person(birth_date="2011-03-01", charges=(THEFT,)), offence_start="2026-02-27")
    assert strike("age-responsibility", young, severity="reject") == [("AGE-UNDER-16", "hold")]
    legal = [one.code for one in STANDARD.checks.values() if one.is_legal]
    assert {"age-responsibility", "detention-limit", "supplementary-max-two"} <= set(legal)
    assert all(STANDARD.checks[code].severity in {"hold", "warn"} for code in legal)


def test_a_reply_undergoes_what_holds_of_replies_and_no_more() -> None:
    young = Person(name="周少年", birth_date="2011-03-01", charges=(THEFT,))
    reply = case_of("arrest-decision", young, offence_start="2026-02-27", secrecy="机密")
    codes = {one.code for one in check_case_package(reply, (), STANDARD, sender_role="procuratorate")}
    assert {"SEC-LEVEL", "ID-MISSING", "DOC-MISSING"} <= codes
    assert not codes & {"AGE-UNDER-16", "CHG-INVESTIGATOR", "DETENTION-LIMIT"}


def test_no_flow_is_a_way_for_marked_material() -> None:
    package = case_of("package-withdrawal", secrecy="top-secret")
    assert "secrecy-level" not in STANDARD.flow("package-withdrawal").checks  # type: ignore[union-attr]  # it is one
    found = check_case_package(package, (), STANDARD, sender_role="police")
    assert [one.code for one in found if one.alarm] == ["SEC-LEVEL"]


@pytest.mark.parametrize("title", ["侵犯商业秘密罪起诉意见书", "非法获取国家秘密案卷", "机密罪"])
def test_a_title_about_secrets_is_not_marked(title: str) -> None:
    assert strike("secrecy-level", case_of("x", documents=documents(title), secrecy="工作秘密")) == []


@pytest.mark.parametrize("title", ["机密级材料", "关于某案的报告（秘密）", "秘密★1年"])
def test_a_marked_title_is(title: str) -> None:
    assert strike("secrecy-level", case_of("x", documents=documents(title))) == [("SEC-LEVEL", "reject")]


@pytest.mark.parametrize(
    ("person", "struck"),
    [
        (served(), False),
        (served(end="2027-05-18"), True),
        (served(credit_days="", custody_start="2026-03-03"), False),
        (served(term="有期徒刑七年六个月", start="2020-01-31", end="2027-07-30", credit_days="0"), False),
        (served(term="无期徒刑", end=""), False),
        (replace(served(end="2026-12-02"), changes=(Change(prior_changes="1"),)), False),
        (
            served(term="管制六个月", start="2026-06-01", end="2026-11-20", credit_days="", custody_start="2026-05-27"),
            False,
        ),
    ],
)
def test_the_end_of_a_sentence_is_reckoned(person: Person, struck: bool) -> None:
    assert strike("term-arithmetic", case_of("x", person)) == ([("TERM-ARITHMETIC", "warn")] if struck else [])


@pytest.mark.parametrize(
    ("number", "struck"),
    [("（2026）测0102刑初12号", False), ("(2026)测0102刑初12号", True), ("2026测刑12", True)],
)
def test_court_numbers(number: str, struck: bool) -> None:
    package = CasePackage(Source("court", "x"), case_numbers=(CaseNumber("court-case-no", number),))
    codes = [one.code for one in check_case_package(package, (), STANDARD, sender_role="court")]
    assert ("CASENO-FORMAT" in codes) is struck
