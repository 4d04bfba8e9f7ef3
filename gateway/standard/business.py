"""What makes two exports versions of one thing: the business key, and what follows from comparing two of them."""

import hashlib
import json
from typing import Final

from gateway.domain.answers import Kind
from gateway.standard.answering import said_of
from gateway.standard.casenumbers import normal_number
from gateway.standard.catalogue import Flow, Reply, Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import CasePackage

SAME: Final = "DUP-SAME"
DIFFERENT: Final = "DUP-DIFFERENT"

_OF_CASE: Final = "case:"
_OF_NAME: Final = "name:"


def business_key(package: CasePackage, recipient: str, route: str, standard: Standard) -> str:
    """Return the business key of an export for the unit `recipient`; pure, at most 69 characters, no case content.

    Where the standard names the values that identify a flow (`key` of a flow) and the export states the case
    number, they make the key, whatever the file is called. Otherwise only name and route say what an export is.

    A reply is about the numbers, the bundle and the persons that it names: the same persons with other content is a
    correction, others another business; and a notice on the way is no version of the decision.
    """
    reply = standard.reply(package.flow)
    if reply is not None and (package.case_numbers or package.related_package):
        return _OF_CASE + _digest([package.flow, recipient, *_answered(package, reply, standard)])
    rule = standard.flow(package.flow)
    parts = [_value(package, name, rule, standard) for name in rule.key] if rule is not None else []
    # A flow that goes several times in one case tells its exports apart by their letters: without one the name must.
    if rule is None or not package.case_no or [] in parts:
        return _OF_NAME + _digest([package.flow, recipient, route, package.source.name])
    return _OF_CASE + _digest([package.flow, recipient, *parts])


def is_of_case(key: str) -> bool:
    """Whether another content under the same `key` is another version of the same business, hence a correction."""
    return key.startswith(_OF_CASE)


def same_content(name: str, sent: str, bundle: str) -> Finding:
    """Return what is said of an export that was sent before as it is; `sent` is a time as people read it."""
    return Finding(SAME, Verdict.PASS, Place(name), facts={"sent": sent, "bundle": bundle})


def other_content(name: str, sent: str, receipted: str, bundle: str) -> Finding:
    """Return what is said of another version of what was sent before. `receipted`: `-` while there is no receipt."""
    facts: dict[str, str | int] = {"sent": sent, "receipted": receipted, "bundle": bundle}
    return Finding(DIFFERENT, Verdict.HOLD, Place(name), facts=facts)


def _answered(package: CasePackage, reply: Reply, standard: Standard) -> list[str | list[str]]:
    numbers = sorted(f"{one.scheme} {normal_number(one.number)}" for one in package.case_numbers)
    said = [said_of(package, reply, standard, n) for n in range(len(package.persons))]
    who = [person.id_no or person.person_no or person.name for person in package.persons]
    persons = sorted(f"{name} {one.kind}" for name, one in zip(who, said, strict=True))
    whole = said_of(package, reply, standard, None).kind
    is_interim = Kind.INTERIM in {one.kind for one in said} or (not said and whole is Kind.INTERIM)
    # Several notices may go before one decision; they are told apart by what they are.
    papers = sorted(f"{one.kind} {one.number}" for one in package.documents if one.kind) if is_interim else []
    return [package.related_package, numbers, persons or [whole], papers]


def _value(package: CasePackage, name: str, rule: Flow, standard: Standard) -> str | list[str]:
    """Return one part of a key: a field's value, the persons' numbers, or the number of the flow's leading document."""
    if name == "persons":
        return sorted(person.person_no for person in package.persons)
    if name == "document_number":
        leading = {title for kind in rule.documents.required[:1] for title in standard.documents[kind].titles}
        return sorted({d.number for d in package.documents if d.title in leading and d.number})
    return str(getattr(package, name))


def _digest(values: list[str | list[str]]) -> str:
    return hashlib.sha256(json.dumps(values, ensure_ascii=True).encode()).hexdigest()
