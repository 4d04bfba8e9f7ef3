"""Checks of the offences: code and name, article, who investigates them, which court tries them."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from gateway.standard.charges import ChargeRule
from gateway.standard.check_documents import is_there
from gateway.standard.checking import Case
from gateway.standard.findings import Verdict
from gateway.standard.package import Charge
from gateway.standard.registry import Check

_ARTICLE = re.compile(r"\d{2,3}")
_GRAVEST_AGE = 14
"""刑法 17.2: the eight offences for which somebody of 14 answers; among those that may bring life or death, the ones
of which nobody would say that they usually do not."""
_INTERMEDIATE_COURT: Final = ((102, 113), (120, 120))
"""刑诉法 21: articles on national security and terrorism, tried by an intermediate court at least."""
_COUNTY = "county"


def check_known(case: Case) -> None:
    """D38: code and name belong together. A part of a choice and a name of former times are right names too."""
    for place, facts, charge in _charges(case):
        by_code = case.standard.charges.by_code(case.package.source.format, charge.code)
        by_name = case.standard.charges.by_name(charge.name)
        if by_code is None or by_code == by_name:
            continue
        # No table has every name of former times; two offences that are both known differ for certain.
        verdict = Verdict.WARN if by_name is None else None
        shown = f"{charge.code} {charge.name}"
        case.add("CHG-MISMATCH", place, facts, verdict=verdict, value=shown, expected=by_code.name)


def check_article(case: Case) -> None:
    """The article stated is one of those of the offence."""
    for place, facts, charge, rule in _known(case):
        stated = set(_ARTICLE.findall(charge.article))
        if stated and not stated & set(_ARTICLE.findall(rule.article)):
            case.add("CHG-ARTICLE", place, facts, value=charge.article, expected=rule.article)


def check_investigator(case: Case) -> None:
    """D39 (刑诉法 19): who sends it is who usually investigates it."""
    for place, facts, charge, rule in _known(case):
        if case.sender_role and rule.by not in {"mixed", case.sender_role}:
            case.add("CHG-INVESTIGATOR", place, {**facts, "by": rule.by}, value=charge.name)


def check_court_level(case: Case) -> None:
    """刑诉法 21: some cases do not begin at a county's court. What a court may impose is not known before the trial, so
    that an offence with life or death in its range is only marked."""
    receiver = case.context.receiver
    if receiver is None or receiver.role != "court" or receiver.level != _COUNTY:
        return
    for place, facts, charge in _charges(case):
        rule = case.standard.charges.by_name(charge.name)
        articles = [int(one) for one in _ARTICLE.findall(rule.article if rule is not None else charge.article)]
        if any(first <= one <= last for one in articles for first, last in _INTERMEDIATE_COURT):
            case.add("CHG-COURT-LEVEL", place, facts, value=charge.name, expected="city")
        elif rule is not None and _is_gravest(rule):
            case.add("CHG-COURT-LEVEL", place, facts, verdict=Verdict.WARN, value=charge.name, expected="city")


def check_recording(case: Case) -> None:
    """刑诉法 123: the questioning of who may get life or death is recorded."""
    if is_there(case, "interrogation-av"):
        return
    for place, facts, charge, rule in _known(case):
        if _is_gravest(rule):
            case.add("AV-HINT", place, facts, value=charge.name)
            return


def _is_gravest(rule: ChargeRule) -> bool:
    return rule.severe and rule.age == _GRAVEST_AGE


def _charges(case: Case) -> Iterator[tuple[str, dict[str, str | int], Charge]]:
    for n, person in enumerate(case.package.persons):
        for m, charge in enumerate(person.charges):
            facts: dict[str, str | int] = {"person": person.name, "code": charge.code, "charge": charge.name}
            yield f"persons[{n}].charges[{m}]", facts, charge


def _known(case: Case) -> Iterator[tuple[str, dict[str, str | int], Charge, ChargeRule]]:
    for place, facts, charge in _charges(case):
        rule = case.standard.charges.by_name(charge.name)
        if rule is not None:
            yield place, facts, charge, rule


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "charge-known": check_known,
        "charge-article-match": check_article,
        "charge-investigator": check_investigator,
        "charge-court-level": check_court_level,
        "av-required-hint": check_recording,
    }
)
