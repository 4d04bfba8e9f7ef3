"""Checks of the persons of a case: names that lost characters, identity numbers, age of responsibility, offences."""

import re
from datetime import date

from gateway.standard.checking import Case
from gateway.standard.dates import age_on, read_when
from gateway.standard.findings import Verdict, masked
from gateway.standard.identity import RESIDENT_CARD, IdentityNumber, read_number
from gateway.standard.package import Person

ADULT = 18
MAX_AGE = 120
_LOST = re.compile("[?？*□\ufffd]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_DOTS = re.compile("[\u2022\u2027\u30fb\uff65\uff0e.]")
MIDDLE_DOT = "\u00b7"


def normal_name(name: str) -> str:
    """Return `name` as two names are compared: every kind of middle dot is U+00B7 (catalogue D20), no blanks."""
    return "".join(_DOTS.sub(MIDDLE_DOT, name).split())


def check_names(case: Case) -> None:
    """D18 to D20."""
    for n, person in enumerate(case.package.persons):
        place = f"persons[{n}].name"
        facts: dict[str, str | int] = {"person": person.name}
        if _LOST.search(person.name):
            case.add("ENC-REPLACEMENT", Verdict.HOLD, place, facts, value=person.name)
        private = _PRIVATE.findall(person.name)
        if private:
            codes = " ".join(f"U+{ord(c):04X}" for c in private)
            case.add("ENC-PUA", Verdict.HOLD, place, {**facts, "codes": codes}, value=codes)
        if _DOTS.search(person.name):
            case.add("NAME-MIDDLE-DOT", Verdict.FIX, place, facts, value=person.name, expected=normal_name(person.name))


def check_identity(case: Case) -> None:
    """D25 to D31."""
    holders: dict[str, list[str]] = {}
    for n, person in enumerate(case.package.persons):
        place = f"persons[{n}].id_no"
        facts: dict[str, str | int] = {"person": person.name}
        if not person.id_no:
            if not person.id_missing_reason:
                case.add("ID-MISSING", Verdict.REJECT, place, facts)
            continue
        holders.setdefault(person.id_no, []).append(person.name)
        if person.id_type == RESIDENT_CARD:
            _check_number(case, n, person)
    for number, names in holders.items():
        if len(names) > 1:
            place = next(f"persons[{n}].id_no" for n, p in enumerate(case.package.persons) if p.id_no == number)
            case.add("ID-DUPLICATE", Verdict.HOLD, place, {"persons": "、".join(names)}, value=masked(number))


def _check_number(case: Case, n: int, person: Person) -> None:
    place = f"persons[{n}].id_no"
    read = read_number(person.id_no)
    facts: dict[str, str | int] = {"person": person.name}
    shown = masked(person.id_no)
    if read is None or read.birth is None:
        case.add(
            "FIELD-FORMAT", Verdict.REJECT, place, {"person": person.name, "length": len(person.id_no)}, value=shown
        )
        return
    if not read.check_digit:
        case.add("ID-15-DIGIT", Verdict.WARN, place, facts, value=shown)
    elif not read.is_sound:
        digits: dict[str, str | int] = {**facts, "last": person.id_no[-1], "right": read.check_digit}
        case.add("ID-CHECKSUM", Verdict.REJECT, place, digits, value=shown, expected=f"*{read.check_digit}")
    _check_against_fields(case, n, person, read, read.birth)


def _check_against_fields(case: Case, n: int, person: Person, read: IdentityNumber, birth: date) -> None:
    born = read_when(person.birth_date)
    if born is not None and born.first == born.last and born.first != birth:
        decisive = any(_is_minor_at_offence(case, day) for day in (born.first, birth))
        case.add(
            "ID-BIRTH-MISMATCH",
            Verdict.REJECT if decisive else Verdict.HOLD,
            f"persons[{n}].birth_date",
            {"person": person.name, "stated": born.iso, "numbered": birth.isoformat()},
            value=born.iso,
            expected=birth.isoformat(),
        )
    if person.sex in {"1", "2"} and person.sex != read.sex:
        facts: dict[str, str | int] = {"person": person.name}
        case.add("ID-SEX-MISMATCH", Verdict.HOLD, f"persons[{n}].sex", facts, value=person.sex, expected=read.sex)


def _is_minor_at_offence(case: Case, born: date) -> bool:
    day = _offence_day(case)
    return day is not None and age_on(born, day) < ADULT


def _offence_day(case: Case) -> date | None:
    """Return the day that is kindest to the suspect: the first on which the act may have begun."""
    when = read_when(case.package.offence_start) or read_when(case.package.offence_end)
    return when.first if when else None


def check_ages(case: Case) -> None:
    """D32, D33 and the juvenile flag. Law is not decided here: a person confirms and says why."""
    day = _offence_day(case)
    for n, person in enumerate(case.package.persons):
        born = read_when(person.birth_date)
        if day is None or born is None:
            continue
        age = age_on(born.last, day)
        if not 0 <= age <= MAX_AGE:
            odd: dict[str, str | int] = {"person": person.name, "age": age}
            case.add("AGE-IMPLAUSIBLE", Verdict.HOLD, f"persons[{n}].birth_date", odd)
            continue
        is_held = _check_responsibility(case, n, person, age)
        if age < ADULT and person.juvenile == "0" and not is_held:
            facts: dict[str, str | int] = {"person": person.name, "age": age}
            case.add("AGE-JUVENILE-FLAG", Verdict.HOLD, f"persons[{n}].juvenile", facts, value="0", expected="1")


def _check_responsibility(case: Case, n: int, person: Person, age: int) -> bool:
    for charge in person.charges:
        rule = case.standard.charges.by_name(charge.name)
        needed = rule.age if rule else 16
        if age >= needed:
            continue
        approvable = rule is not None and 0 < rule.with_approval <= age
        facts: dict[str, str | int] = {
            "person": person.name,
            "age": age,
            "charge": charge.name,
            "needed": needed,
            "flag": person.juvenile or "-",
        }
        code = "AGE-12-14" if approvable else "AGE-UNDER-16"
        case.add(code, Verdict.HOLD, f"persons[{n}].birth_date", facts, value=str(age), expected=f">= {needed}")
        return True
    return False


def check_charges(case: Case) -> None:
    """D38 and D39."""
    for n, person in enumerate(case.package.persons):
        for m, charge in enumerate(person.charges):
            place = f"persons[{n}].charges[{m}]"
            facts: dict[str, str | int] = {"person": person.name, "code": charge.code, "charge": charge.name}
            by_code = case.standard.charges.by_code(case.package.source.format, charge.code)
            by_name = case.standard.charges.by_name(charge.name)
            if by_code is not None and by_code != by_name:
                case.add(
                    "CHG-MISMATCH",
                    Verdict.REJECT,
                    place,
                    facts,
                    value=f"{charge.code} {charge.name}",
                    expected=by_code.name,
                )
            if by_name is not None and by_name.by not in {"mixed", case.sender_role}:
                case.add("CHG-INVESTIGATOR", Verdict.HOLD, place, {**facts, "by": by_name.by}, value=charge.name)
