"""The business key: what makes two exports versions of one thing, and what does not."""

from dataclasses import replace

import pytest

from gateway.standard.business import business_key, is_of_case
from gateway.standard.package import UNCLASSIFIED, CasePackage, Document, Person, Source
from tests.support.standard import STANDARD

CASE = CasePackage(
    Source("police", "a.zip"),
    flow="arrest-request",
    case_no="A1",
    persons=(Person(person_no="R1", name="张测试"), Person(person_no="R2", name="李样例")),
    documents=(Document("立案决定书", "文书/b.pdf", "33号"), Document("提请批准逮捕书", "文书/a.pdf", "15号")),
)
HANDOVER = replace(CASE, flow="custody-handover", documents=(Document("换押证", "c.pdf", "7号"),))
GENERIC = CasePackage(Source("folder", "a.txt"), case_name="a.txt")


def key(package: CasePackage, recipient: str = "990102", route: str = "police") -> str:
    return business_key(package, recipient, route, STANDARD)


@pytest.mark.parametrize(
    "same",
    [
        replace(CASE, source=Source("police", "b.zip", 7, "00", "system")),
        replace(CASE, brief="案情已改", case_name="另一名称", exported_at="2026-03-11T09:00:00"),
        replace(CASE, documents=(*CASE.documents, Document("拘留证", "d.pdf", "99号"))),
        replace(CASE, persons=CASE.persons[:1]),
    ],
    ids=["file", "values", "other-documents", "persons"],
)
def test_a_version_of_a_case_has_its_key(same: CasePackage) -> None:
    assert key(same) == key(CASE) == key(CASE, route="another")
    assert is_of_case(key(CASE))


@pytest.mark.parametrize(
    "other",
    [
        replace(CASE, case_no="A2"),
        replace(CASE, flow="prosecution-transfer"),
        replace(CASE, documents=(Document("提请批准逮捕书", "文书/a.pdf", "16号"),)),
    ],
    ids=["case", "flow", "letter"],
)
def test_another_business_has_another_key(other: CasePackage) -> None:
    assert key(other) != key(CASE)


def test_another_recipient_is_another_business() -> None:
    assert key(CASE, "990103") != key(CASE)


def test_a_handover_is_of_its_persons_in_any_order() -> None:
    assert key(replace(HANDOVER, persons=HANDOVER.persons[::-1])) == key(HANDOVER)
    assert key(replace(HANDOVER, persons=HANDOVER.persons[:1])) != key(HANDOVER)


@pytest.mark.parametrize(
    "other",
    [GENERIC, replace(CASE, case_no=""), replace(CASE, flow=UNCLASSIFIED), replace(CASE, flow="arrest-decision")],
    ids=["generic", "no-case", "unclassified", "a-flow-without-rules"],
)
def test_what_the_standard_does_not_identify_goes_by_name_and_route(other: CasePackage) -> None:
    assert not is_of_case(key(other))
    assert key(replace(other, brief="anything")) == key(other)
    assert key(replace(other, source=Source("folder", "b.txt"))) != key(other)
    assert key(other, route="another") != key(other)


def test_no_key_says_anything_of_the_case() -> None:
    for package in (CASE, HANDOVER, GENERIC):
        assert len(key(package)) == 69
        assert "A1" not in key(package)
