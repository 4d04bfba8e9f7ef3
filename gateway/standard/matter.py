"""From a case package to what its node remembers of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from gateway.domain.matter import Matter, PersonMatter
from gateway.standard import canonical, facts
from gateway.standard.answering import Said, said_of
from gateway.standard.catalogue import Reply, Standard
from gateway.standard.fields import OF_LISTS, OF_PERSON, texts_of_case, values
from gateway.standard.masks import without_numbers
from gateway.standard.package import CasePackage
from gateway.standard.pseudonyms import PseudonymKey, starred
from gateway.standard.scrubbing import is_telling, pattern_of

PII_KEPT: Final = 1
"""Fields above this (docs/flows/README.md) never reach the ledger."""
FACT_MAX: Final = 64
"""Characters; what is longer is prose."""
MATTER_MAX: Final = 8 << 20
_VALUES_MAX: Final = 1 << 20
_NEVER: Final = frozenset(
    {"person-no", "charges", "inmate-no", "handler", "lawyer-name", "case-brief", "property-items"}
)
"""Kept elsewhere, or names somebody."""
_NAMING: Final = ("person-name", "handler", "lawyer-name")
"""Fields whose values may stand in others: into one that is for a code some sources write a sentence."""

Discreet = Callable[[str], str]


def matter_of(package: CasePackage, standard: Standard, key: PseudonymKey) -> Matter:
    """Return what is remembered of `package`; pure. Nothing in it names a person."""
    flow, reply = standard.flow(package.flow), standard.reply(package.flow)
    wanted = flow.required if flow is not None else reply.fields if reply is not None else ()
    found = {field: values(package, field) for field in wanted}
    kept = [name for name, kind in standard.fields.items() if kind.pii <= PII_KEPT and name not in _NEVER]
    answer = flow.reply if flow is not None else None
    discreet = _discreet(package)
    whole = _said(package, reply, standard, None, discreet)
    return Matter(
        flow=package.flow,
        request=reply.request if reply is not None else "",
        numbers=tuple((one.scheme, one.number) for one in package.case_numbers),
        related=package.related_package,
        persons=tuple(
            _person(package, n, kept, reply=reply, standard=standard, key=key, discreet=discreet)
            for n in range(len(package.persons))
        ),
        facts=_facts(package, kept, None, discreet),
        charges=tuple(map(discreet, _charges(package, standard))),
        documents=tuple(dict.fromkeys(one.kind for one in package.documents if one.kind)),
        system=package.source.system or package.source.format,
        version=package.source.version,
        asked=sum(len(one) for one in found.values()),
        filled=sum(1 for one in found.values() for each in one if each.value),
        chapters=_chapters(package, standard),
        fields=tuple((f, str(len(one)), str(sum(1 for e in one if e.value))) for f, one in found.items()),
        awaits=answer.code if answer is not None else "",
        per=answer.per if answer is not None else "",
        answer=whole.kind if whole is not None else "",
        result=whole.result if whole is not None else "",
        name=whole.name if whole is not None else "",
        day=whole.day if whole is not None else "",
        lane=reply.lane.name.lower() if reply is not None else "",
    )


def to_bytes(matter: Matter) -> bytes:
    """Return the canonical form of `matter`."""
    return canonical.dump(matter)


def from_bytes(raw: bytes) -> Matter:
    """Undo `to_bytes`; SecurityError `case-package-malformed` for anything else."""
    return canonical.load(Matter, raw, MATTER_MAX, _VALUES_MAX)


def _person(
    package: CasePackage,
    position: int,
    kept: list[str],
    *,
    reply: Reply | None,
    standard: Standard,
    key: PseudonymKey,
    discreet: Discreet,
) -> PersonMatter:
    person = package.persons[position]
    said = _said(package, reply, standard, position, discreet)
    return PersonMatter(
        position,
        key.of_number(person),
        key.of_name(person),
        starred(person.name),
        _facts(package, kept, position, discreet),
        said.kind if said is not None else "",
        said.result if said is not None else "",
        said.name if said is not None else "",
        said.day if said is not None else "",
    )


def _said(
    package: CasePackage, reply: Reply | None, standard: Standard, position: int | None, discreet: Discreet
) -> Said | None:
    if reply is None:
        return None
    said = said_of(package, reply, standard, position)
    return replace(said, result=discreet(said.result), name=discreet(said.name), day=discreet(said.day))


def _discreet(package: CasePackage) -> Discreet:
    """Return what hides in a text whom the case names, and identity and telephone numbers."""
    named = {one.value for field in _NAMING for one in values(package, field)}
    hidden = {name: starred(name) for name in named if is_telling(name)}
    pattern = pattern_of(hidden)

    def discreet(text: str) -> str:
        found = pattern.sub(lambda one: hidden[one[0]], text) if pattern is not None else text
        return found if found.isascii() else without_numbers(found)  # a bare number is that of a case

    return discreet


def _facts(
    package: CasePackage, kept: list[str], person: int | None, discreet: Discreet
) -> tuple[tuple[str, str], ...]:
    """Return the last value of each field that is kept: of lists that grow, such as measures, the present one."""
    found: dict[str, str] = {}
    if person is None:
        its = texts_of_case(package)
        said = {field: its[field] for field in kept if field in its and not _is_of_person(field)}
    else:
        mine = filter(_is_of_person, kept)
        said = {field: [one.value for one in values(package, field, person) if one.person == person] for field in mine}
    for field, those in said.items():
        if short := [text for text in those if text and len(text) <= FACT_MAX]:
            found[field] = discreet(short[-1])
    if person is not None:
        found |= {name: derive(package, package.persons[person]) for name, derive in facts.OF_PERSON.items()}
    else:
        found |= {name: derive(package) for name, derive in facts.OF_CASE.items()}
    return tuple(sorted((name, value) for name, value in found.items() if value))


def _is_of_person(field: str) -> bool:
    return field in OF_PERSON or field in OF_LISTS


def _chapters(package: CasePackage, standard: Standard) -> tuple[str, ...]:
    """Return the chapters of all charges: by the table's article, else by the one that the case itself names."""
    found: set[str] = set()
    for charge in (one for person in package.persons for one in person.charges):
        rule = standard.charges.by_name(charge.name) if charge.name else None
        chapter = standard.charges.chapter_of(rule.article if rule is not None else charge.article)
        if chapter is not None:
            found.add(chapter.id)
    return tuple(sorted(found))


def _charges(package: CasePackage, standard: Standard) -> tuple[str, ...]:
    names = dict.fromkeys(charge.name for person in package.persons for charge in person.charges if charge.name)
    rules = [(name, standard.charges.by_name(name)) for name in names]
    return tuple(rule.id if rule is not None else name[:FACT_MAX] for name, rule in rules)
