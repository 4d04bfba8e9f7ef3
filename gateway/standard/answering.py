"""What a reply says about each person, by its documents and its decisions."""

from dataclasses import dataclass
from typing import Final

from gateway.domain.answers import Kind
from gateway.standard.catalogue import Reply, Standard
from gateway.standard.fields import first
from gateway.standard.package import CasePackage, Document, Person

WITHDRAWAL: Final = "package-withdrawal"
"""The flow by which a sender takes back what it sent; it marks, and deletes nothing."""
RESULT_MAX: Final = 64
"""Characters; a result that is longer is prose, and prose may name somebody."""
_RESULTS: Final = ("arrest-decision", "stage-result", "exec-result", "nonprosecution-type")
"""Fields that say what became of a request, where no decision does."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered. result: a code or the sender's word; name: in Chinese; day: ISO 8601. Empty: not said."""

    kind: Kind
    result: str = ""
    name: str = ""
    day: str = ""


def said_of(package: CasePackage, reply: Reply, standard: Standard, position: int | None) -> Said:
    """Return what `package`, which is a `reply`, says of the person at `position`, or (None) of the case; pure."""
    person = None if position is None else package.persons[position]
    papers = _papers(package, person)
    kinds = {one.kind for one in papers if one.kind}
    wanted = reply.documents
    final = {kind for group in wanted.one_of for kind in group} or set(wanted.required)
    final -= set(reply.returns)
    decisions = person.decisions if person is not None else ()
    if kinds & set(reply.returns) and not kinds & final:
        kind = Kind.RETURNED
    elif decisions or kinds & final or not kinds:
        kind = Kind.FINAL
    else:
        kind = Kind.INTERIM
    if decisions:
        last = decisions[-1]
        return Said(kind, last.kind[:RESULT_MAX], _name(standard, last.kind, last.name), last.day)
    for field in _RESULTS:
        value = first(package, field, position)
        if value and len(value) <= RESULT_MAX:
            return Said(kind, value, _name(standard, value, value), first(package, f"{field}-date", position))
    telling = sorted(kinds & set(reply.returns if kind is Kind.RETURNED else final)) or sorted(kinds)
    if not telling:
        return Said(kind)
    return Said(kind, telling[0], standard.documents[telling[0]].zh if telling[0] in standard.documents else "")


def _papers(package: CasePackage, person: Person | None) -> list[Document]:
    """Return the documents that speak of `person`: those under that name or number, else those under nobody's."""
    own = [one for one in package.documents if person is not None and _is_of(one, person)]
    return own or [one for one in package.documents if not (one.person or one.person_no)]


def _is_of(document: Document, person: Person) -> bool:
    numbered = bool(document.person_no) and document.person_no == person.person_no
    return numbered or (bool(document.person) and document.person == person.name)


def _name(standard: Standard, code: str, text: str) -> str:
    for table in standard.tables.values():
        if code in table.codes:
            return table.codes[code].zh
    return text[:RESULT_MAX]
