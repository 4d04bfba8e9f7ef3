"""Checks of who the persons of a case are: names that lost characters, identity numbers, how many there are."""

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from gateway.standard.checking import Case
from gateway.standard.dates import age_on, read_when
from gateway.standard.findings import Verdict, masked
from gateway.standard.identity import RESIDENT_CARD, IdentityNumber, read_number
from gateway.standard.package import Person
from gateway.standard.registry import Check

ADULT = 18
MIDDLE_DOT = "\u00b7"
_LOST = re.compile("[?？*□\ufffd]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_DOTS = re.compile("[\u2022\u2027\u30fb\uff65\uff0e.]")


def normal_name(name: str) -> str:
    """Return `name` as two names are compared: every kind of middle dot is U+00B7 (catalogue D20), no blanks."""
    return "".join(_DOTS.sub(MIDDLE_DOT, name).split())


def check_names(case: Case) -> None:
    """D18 to D20. What a minor or a judgment hides (张某某) is no lost character."""
    for n, person in enumerate(case.package.persons):
        place = f"persons[{n}].name"
        facts: dict[str, str | int] = {"person": person.name}
        if _LOST.search(person.name):
            case.add("ENC-REPLACEMENT", place, facts, value=person.name)
        private = _PRIVATE.findall(person.name)
        if private:
            codes = " ".join(f"U+{ord(c):04X}" for c in private)
            case.add("ENC-PUA", place, {**facts, "codes": codes}, value=codes)
        if _DOTS.search(person.name):
            case.add(
                "NAME-MIDDLE-DOT",
                place,
                facts,
                verdict=Verdict.FIX,
                value=person.name,
                expected=normal_name(person.name),
            )


def check_missing(case: Case) -> None:
    """D30: whoever has no number has a reason (刑诉法 160.2: unknown identity; a foreigner; no household yet)."""
    for n, person in enumerate(case.package.persons):
        if not person.id_no and not person.id_missing_reason:
            case.add("ID-MISSING", f"persons[{n}].id_no", {"person": person.name})


def check_duplicates(case: Case) -> None:
    """D31. Namesakes are nothing unusual; one number for two persons is."""
    holders: dict[str, list[int]] = {}
    for n, person in enumerate(case.package.persons):
        if person.id_no:
            holders.setdefault(person.id_no, []).append(n)
    for number, whose in holders.items():
        if len(whose) > 1:
            names = "、".join(case.package.persons[n].name for n in whose)
            case.add("ID-DUPLICATE", f"persons[{whose[0]}].id_no", {"persons": names}, value=masked(number))


def check_number(case: Case) -> None:
    """D25 and D29, and the shape of a resident's number."""
    for n, person, read in _numbers(case):
        place, shown = f"persons[{n}].id_no", masked(person.id_no)
        facts: dict[str, str | int] = {"person": person.name}
        if read is None or read.birth is None:
            case.add("FIELD-FORMAT", place, {**facts, "length": len(person.id_no)}, value=shown)
        elif not read.check_digit:
            case.add("ID-15-DIGIT", place, facts, verdict=Verdict.WARN, value=shown)
        elif not read.is_sound:
            digits: dict[str, str | int] = {**facts, "last": person.id_no[-1], "right": read.check_digit}
            case.add("ID-CHECKSUM", place, digits, value=shown, expected=f"*{read.check_digit}")


def check_region(case: Case) -> None:
    """The first two digits are those of a province; the rest may be a county that was dissolved long ago."""
    known = case.standard.table("province").codes
    for n, person, read in _numbers(case):
        if read is not None and known and person.id_no[:2] not in known:
            shown = masked(person.id_no)
            case.add("ID-REGION", f"persons[{n}].id_no", {"person": person.name}, value=shown)


def check_birth(case: Case) -> None:
    """D26: refused where it decides whether somebody was a minor, for nobody may confirm that by hand."""
    for n, person, read in _numbers(case):
        born = read_when(person.birth_date)
        if read is None or read.birth is None or born is None or born.first != born.last or born.first == read.birth:
            continue
        decisive = any(is_minor_at_offence(case, day) for day in (born.first, read.birth))
        case.add(
            "ID-BIRTH-MISMATCH",
            f"persons[{n}].birth_date",
            {"person": person.name, "stated": born.iso, "numbered": read.birth.isoformat()},
            verdict=Verdict.REJECT if decisive else None,
            value=born.iso,
            expected=read.birth.isoformat(),
        )


def check_sex(case: Case) -> None:
    """D27."""
    for n, person, read in _numbers(case):
        if read is not None and read.birth is not None and person.sex in {"1", "2"} and person.sex != read.sex:
            place, facts = f"persons[{n}].sex", {"person": person.name}
            case.add("ID-SEX-MISMATCH", place, facts, value=person.sex, expected=read.sex)


def check_count(case: Case) -> None:
    """D49: the number stated is the number of persons."""
    stated, present = case.package.person_count, len(case.package.persons)
    if stated and stated != str(present):
        case.add("PERSON-COUNT", "person_count", {"present": present}, value=stated, expected=str(present))


def is_minor_at_offence(case: Case, born: date) -> bool:
    """Whether somebody `born` then was below 18 on the first day on which the act may have begun."""
    when = read_when(case.package.offence_start) or read_when(case.package.offence_end)
    return when is not None and age_on(born, when.first) < ADULT


def _numbers(case: Case) -> list[tuple[int, Person, IdentityNumber | None]]:
    """Return the persons with a resident's number, and what it says."""
    return [
        (n, person, read_number(person.id_no))
        for n, person in enumerate(case.package.persons)
        if person.id_no and person.id_type == RESIDENT_CARD
    ]


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "name-charset": check_names,
        "id-missing-reason": check_missing,
        "id-duplicate-person": check_duplicates,
        "id-checksum": check_number,
        "id-region-plausible": check_region,
        "id-birth-match": check_birth,
        "id-sex-match": check_sex,
        "person-count": check_count,
    }
)
