"""The field dictionary's names for what stands in a case package: every value of a field, and where it stands."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.standard.package import CasePackage, Person

NUMBERS: Final = (
    "platform-case-no",
    "police-case-no",
    "proc-unified-no",
    "proc-dept-no",
    "court-case-no",
    "prison-business-no",
    "property-case-no",
)
"""The schemes of case numbers; each is a field of the dictionary."""

OF_CASE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "case-name": "case_name",
        "offence-start": "offence_start",
        "offence-end": "offence_end",
        "offence-region": "offence_region",
        "offence-place": "offence_place",
        "case-brief": "brief",
        "filing-date": "filing_date",
        "secrecy-level": "secrecy",
        "arrest-request-date": "request_date",
        "batch-no": "batch_no",
        "related-package": "related_package",
        "share-catalogue-id": "grant",
    }
)
"""Field -> attribute of the case package."""

OF_PERSON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person-no": "person_no",
        "person-name": "name",
        "person-alias": "alias",
        "sex": "sex",
        "birth-date": "birth_date",
        "nationality": "nationality",
        "ethnicity": "ethnicity",
        "id-type": "id_type",
        "id-no": "id_no",
        "id-missing-reason": "id_missing_reason",
        "education": "education",
        "occupation": "occupation",
        "household-address": "household_address",
        "residence-address": "residence_address",
        "special-identity": "special_identity",
        "plea-flag": "plea",
        "juvenile-flag": "juvenile",
    }
)
"""Field -> attribute of a person."""

OF_LISTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "coercive-measure": ("measures", "kind"),
        "coercive-start": ("measures", "start"),
        "coercive-end": ("measures", "end"),
        "detention-extension-basis": ("measures", "extension_basis"),
        "detention-place": ("measures", "place"),
        "inmate-no": ("measures", "inmate_no"),
        "charges": ("charges", "name"),
        "arrest-decision": ("decisions", "kind"),
        "arrest-decision-date": ("decisions", "day"),
        "sentences": ("sentences", "term"),
        "sentence-start": ("sentences", "start"),
        "sentence-end": ("sentences", "end"),
        "detention-credit-days": ("sentences", "credit_days"),
        "change-kind": ("changes", "kind"),
        "proposal": ("changes", "proposal"),
        "prior-changes": ("changes", "prior_changes"),
    }
)
"""Field -> list of a person, and attribute of its rows."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value. `place`: its name in the case package (`persons[0].id_no`), as `Origin.value` names it.

    person: position of the person whose it is; None for a value of the case.
    """

    place: str
    value: str
    person: int | None = None


def values(package: CasePackage, field: str, person: int | None = None) -> tuple[FieldValue, ...]:
    """Return every value that `package` has, or should have, for `field`, the empty ones among them.

    A field of persons gives one value for each person (or row of the person's list) and none where there are no
    persons; a list without rows gives one empty value at the list's own place. A field that the package has no place
    for is looked up in `values`, and gives nothing where it does not stand there.

    person: the position of one; only the case's values and that person's are returned. Who asks for one person after
    the other asks so: a batch has thousands.
    """
    return tuple(_found(package, field, _all(package) if person is None else (person,)))


def texts_of_case(package: CasePackage) -> dict[str, list[str]]:
    """Return by field what `package` says of no single person, in its order and without the empty values: all fields
    at once, for who wants to know of each of the dictionary."""
    found = {field: [str(getattr(package, attribute))] for field, attribute in OF_CASE.items()}
    found |= {one: [package.number(one)] for one in {each.scheme for each in package.case_numbers} if one in NUMBERS}
    for field, of_case in _SPECIAL.items():
        found[field] = [one.value for one in of_case(package)]
    for one in package.values:
        found.setdefault(one.field, []).append(one.value)
    return {field: texts for field, its in found.items() if (texts := [text for text in its if text])}


def texts(package: CasePackage, field: str) -> list[str]:
    """Return what `package` says for `field` of no single person, in its order and without the empty values."""
    if not package.values and not is_placed(field):
        return []
    return [one.value for one in _found(package, field, ()) if one.person is None and one.value]


def first(package: CasePackage, field: str, person: int | None = None) -> str:
    """Return the first value of `field` that is not empty, of the person at `person` or of the case; empty if none."""
    found = _found(package, field, () if person is None else (person,))
    return next((one.value for one in found if one.value and one.person in (None, person)), "")


def is_placed(field: str) -> bool:
    """Whether the case package has a place of its own for `field`."""
    return field in OF_CASE or field in OF_PERSON or field in OF_LISTS or field in NUMBERS or field in _SPECIAL


def _all(package: CasePackage) -> Sequence[int]:
    return range(len(package.persons))


def _found(package: CasePackage, field: str, whose: Sequence[int]) -> Iterator[FieldValue]:
    if field in OF_CASE:
        yield FieldValue(OF_CASE[field], str(getattr(package, OF_CASE[field])))
    elif field in NUMBERS:
        yield from _number(package, field)
    elif field in _SPECIAL:
        yield from _SPECIAL[field](package)
    elif field in OF_PERSON:
        for n in whose:
            yield FieldValue(f"persons[{n}].{OF_PERSON[field]}", str(getattr(package.persons[n], OF_PERSON[field])), n)
    elif field in OF_LISTS:
        for n in whose:
            yield from _of_list(n, package.persons[n], *OF_LISTS[field])
    for at, one in enumerate(package.values):
        if one.field == field:
            yield FieldValue(f"values[{at}].value", one.value)
    for n in whose:
        for at, one in enumerate(package.persons[n].values):
            if one.field == field:
                yield FieldValue(f"persons[{n}].values[{at}].value", one.value, n)


def _number(package: CasePackage, field: str) -> Iterator[FieldValue]:
    number = package.number(field)
    judged = any(sentence.court_case_no for person in package.persons for sentence in person.sentences)
    if number or field != "court-case-no" or not judged:
        yield FieldValue("case_no", number)
        return
    # The persons of a batch were judged in cases of their own.
    for n, person in enumerate(package.persons):
        yield from _of_list(n, person, "sentences", "court_case_no")


def _of_list(n: int, person: Person, rows: str, attribute: str) -> Iterator[FieldValue]:
    found = getattr(person, rows)
    if not found:
        yield FieldValue(f"persons[{n}].{rows}", "", n)
    for at, row in enumerate(found):
        yield FieldValue(f"persons[{n}].{rows}[{at}].{attribute}", str(getattr(row, attribute)), n)


def _handler(package: CasePackage) -> Iterator[FieldValue]:
    yield FieldValue("handler.name", package.handler.name)


def _property(package: CasePackage) -> Iterator[FieldValue]:
    if not package.property:
        yield FieldValue("property", "")
    for at, item in enumerate(package.property):
        yield FieldValue(f"property[{at}].name", item.name)


_SPECIAL: Final[Mapping[str, Callable[[CasePackage], Iterator[FieldValue]]]] = MappingProxyType(
    {"handler": _handler, "property-items": _property}
)
