"""What makes two exports versions of one thing: the business key, and what follows from comparing two of them."""

import hashlib
import json
from typing import Final

from gateway.standard.catalogue import Flow, Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import CasePackage

SAME: Final = "DUP-SAME"
DIFFERENT: Final = "DUP-DIFFERENT"

_OF_CASE: Final = "case:"
_OF_NAME: Final = "name:"


def business_key(package: CasePackage, recipient: str, route: str, standard: Standard) -> str:
    """Return the business key of an export for the unit `recipient`; pure, at most 69 characters, no case content.

    Where the standard names the values that identify a flow (`key` in flows.yaml) and the export states the case
    number, they make the key, whatever the file is called. Otherwise only name and route say what an export is.
    """
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
