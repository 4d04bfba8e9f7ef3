"""What the catalogue's conditions ask of a case package: values of fields, and what follows from them."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from gateway.standard.conditions import holds
from gateway.standard.dates import age_on, read_when
from gateway.standard.fields import texts, values
from gateway.standard.package import CasePackage, Person


def of(package: CasePackage, name: str, person: int | None = None) -> str:
    """Return the present value of `name` (a field's slug, or a fact below) of one person, or else of the case; empty
    where nobody says. Of a list that grows, such as measures, the last row is the present one."""
    if person is not None:
        if (derive := OF_PERSON.get(name)) is not None:
            return derive(package, package.persons[person])
        found = [one.value for one in values(package, name, person) if one.value and one.person == person]
        if found:
            return found[-1]
    if (of_case := OF_CASE.get(name)) is not None:
        return of_case(package)
    found = texts(package, name)
    return found[-1] if found else ""


def any_holds(package: CasePackage, condition: str) -> bool:
    """Whether `condition` holds for the case or for one of its persons; what nobody states does not."""
    whose: list[int | None] = [*range(len(package.persons))] or [None]
    return any(holds(condition, partial(of, package, person=n)) is True for n in whose)


def _age(package: CasePackage, person: Person) -> str:
    """The age on the first day on which the act may have begun, and by the latest birthday: kindest to the suspect."""
    day = read_when(package.offence_start) or read_when(package.offence_end)
    born = read_when(person.birth_date)
    return str(max(0, age_on(born.last, day.first))) if day is not None and born is not None else ""


def _had(kind: str) -> Callable[[CasePackage, Person], str]:
    return lambda _package, person: "1" if any(one.kind == kind for one in person.measures) else ""


OF_PERSON: Final[Mapping[str, Callable[[CasePackage, Person], str]]] = MappingProxyType(
    {
        "juvenile": lambda _package, person: person.juvenile,
        "age-at-offence": _age,
        "liuzhi": _had("liuzhi"),
        "was-detained": _had("detained"),
    }
)
"""Facts of a person that are no fields."""

OF_CASE: Final[Mapping[str, Callable[[CasePackage], str]]] = MappingProxyType(
    {"seized-property": lambda package: "1" if package.property else ""}
)
"""Facts of the case that are no fields. `peer-level` and `sender` are known to who asks (gateway/standard/checking.py);
`step`, `kind`, `target` and the like are values under that name, which a packer reads from its format."""
