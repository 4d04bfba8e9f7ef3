"""Checks of the age at the act: responsibility, doubt about it, juvenile mark, sealed records; a person decides."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.standard.check_documents import is_there, require
from gateway.standard.check_persons import ADULT
from gateway.standard.checking import Case
from gateway.standard.dates import age_on, read_when
from gateway.standard.package import Person
from gateway.standard.registry import Check

MAX_AGE = 120
APPROVAL = "prosecution-approval"
"""最高人民检察院核准追诉决定书 (刑法 17.3)."""
_AT_REQUEST = "arrest-request"
"""Before the prosecution the approval may still be on its way."""


def check_responsibility(case: Case) -> None:
    """D32 and D33: below the age of responsibility of a charge (刑法 17, 法释〔2006〕1号 2)."""
    for n, person in enumerate(case.package.persons):
        ages = _ages(case, person)
        if ages is not None and (struck := _below(case, person, ages)) is not None:
            _report(case, n, person, ages[0], struck)


def check_uncertain(case: Case) -> None:
    """Whether somebody was responsible, or grown up, depends on which day it was (法释〔2006〕1号 4)."""
    for n, person in enumerate(case.package.persons):
        ages = _ages(case, person)
        if ages is None:
            continue
        youngest, oldest = ages
        limits = sorted({*(_needed(case, charge.name) for charge in person.charges), ADULT})
        if any(youngest < limit <= oldest for limit in limits):
            facts: dict[str, str | int] = {"person": person.name, "youngest": youngest, "oldest": oldest}
            case.add("AGE-UNCERTAIN", f"persons[{n}].birth_date", facts, value=f"{youngest}-{oldest}")


def check_flag(case: Case) -> None:
    """Who was below 18 at the act is marked as a juvenile (刑诉法 278)."""
    for n, person in enumerate(case.package.persons):
        ages = _ages(case, person)
        if ages is None or ages[0] >= ADULT or person.juvenile != "0":
            continue
        if "age-responsibility" in case.checks and _below(case, person, ages) is not None:
            continue
        facts: dict[str, str | int] = {"person": person.name, "age": ages[0]}
        case.add("AGE-JUVENILE-FLAG", f"persons[{n}].juvenile", facts, value="0", expected="1")


def check_approval(case: Case) -> None:
    """刑法 17.3: at the prosecution the approval is there; at the request for arrest AGE-12-14 says so in advance."""
    asked = {code for one in case.documents.required_if for code in one.documents}
    if case.package.flow == _AT_REQUEST or APPROVAL in asked:
        return  # where the flow itself asks for the document, that check tells
    for person in case.package.persons:
        ages = _ages(case, person)
        if ages is not None and 12 <= ages[0] < 14 and not is_there(case, APPROVAL):
            require(case, APPROVAL, None)
            return


def check_sealed(case: Case) -> None:
    """D82 (刑诉法 286): towards others a sealed record is answered like none, so nothing here says whose it is."""
    if any(person.sealed == "1" for person in case.package.persons):
        case.add("JUV-SEALED", "persons")


def plausible_age(case: Case, person: Person) -> int | None:
    """Return the age at the act where it cannot be right: not yet born, or older than anybody."""
    day = read_when(case.package.offence_start) or read_when(case.package.offence_end)
    born = read_when(person.birth_date)
    if day is None or born is None:
        return None
    age = age_on(born.last, day.first)
    return None if 0 <= age <= MAX_AGE else age


def _ages(case: Case, person: Person) -> tuple[int, int] | None:
    """Return the youngest and the oldest age at which the act may have been done; None if nobody can say.

    The youngest is by the latest birthday and the first day of the act: kindest to the suspect.
    """
    start = read_when(case.package.offence_start) or read_when(case.package.offence_end)
    end = read_when(case.package.offence_end) or start
    born = read_when(person.birth_date)
    if start is None or end is None or born is None or plausible_age(case, person) is not None:
        return None
    return age_on(born.last, start.first), max(age_on(born.first, end.last), age_on(born.last, start.first))


def _needed(case: Case, charge: str) -> int:
    rule = case.standard.charges.by_name(charge)
    return rule.age if rule else 16


def _below(case: Case, person: Person, ages: tuple[int, int]) -> str | None:
    """Return the first charge for which the person was too young; a doubt is told by the check for doubts, if asked."""
    counted = ages[1] if "age-uncertain" in case.checks else ages[0]
    return next((one.name for one in person.charges if counted < _needed(case, one.name)), None)


def _report(case: Case, n: int, person: Person, age: int, charge: str) -> None:
    rule, needed = case.standard.charges.by_name(charge), _needed(case, charge)
    facts: dict[str, str | int] = {
        "person": person.name,
        "age": age,
        "charge": charge,
        "needed": needed,
        "flag": person.juvenile or "-",
    }
    code = "AGE-12-14" if rule is not None and 0 < rule.with_approval <= age else "AGE-UNDER-16"
    case.add(code, f"persons[{n}].birth_date", facts, value=str(age), expected=f">= {needed}")


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "age-responsibility": check_responsibility,
        "age-uncertain": check_uncertain,
        "juvenile-flag-consistent": check_flag,
        "approval-required-doc": check_approval,
        "juvenile-sealed": check_sealed,
    }
)
