"""What of a case package leaves its unit under a masking profile: every value by its field, every text without names.

A profile other than `full` lets only what it names travel: fields by the dictionary's masks, documents by their kind,
under names of our own. Records of the sender's system, values that no packer knows, and the texts as they stood in the
export stay at home. What was hidden in one place is then looked for, and hidden, in every other.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final, TypeVar

from gateway.standard.catalogue import Documents, Standard
from gateway.standard.fields import OF_CASE, OF_PERSON
from gateway.standard.masks import STAR, WRITTEN, is_hashed, phone_3_4
from gateway.standard.package import (
    CasePackage,
    Change,
    Charge,
    Decision,
    Document,
    Handler,
    Measure,
    Person,
    PropertyItem,
    Sentence,
    Value,
    Volume,
    Withheld,
)
from gateway.standard.profiles import Profile, flow_behind
from gateway.standard.pseudonyms import PseudonymKey
from gateway.standard.scrubbing import Scrub, is_telling

T = TypeVar("T")

DOSSIER: Final = "e-dossier"
"""Kind of every file of a volume."""

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_ORDINAL = re.compile(r"[\d\W_]*")
_HOSTILE = re.compile(r'[/\\:*?"<>|()\s]+')
_SAID_TWICE = "surname-star", "id-3-2", "phone-3-4", "hash", "to-county"
"""Rules whose values are looked for in all other texts."""

_ROWS: Final[Mapping[type, Mapping[str, str]]] = MappingProxyType(
    {
        Charge: {"code": "charges", "name": "charges", "article": "charges"},
        Measure: {
            "kind": "coercive-measure",
            "name": "coercive-measure",
            "start": "coercive-start",
            "end": "coercive-end",
            "extension_basis": "detention-extension-basis",
            "place": "detention-place",
            "inmate_no": "inmate-no",
        },
        Decision: {"kind": "arrest-decision", "name": "arrest-decision", "day": "arrest-decision-date"},
        Sentence: {
            "kind": "sentences",
            "term": "sentences",
            "additional": "sentences",
            "start": "sentence-start",
            "end": "sentence-end",
            "custody_start": "sentences",
            "credit_days": "detention-credit-days",
            "executor": "sentences",
            "court": "sentences",
            "court_case_no": "sentences",
        },
        Change: {
            "kind": "change-kind",
            "proposal": "proposal",
            "proposed_end": "proposal",
            "prior_changes": "prior-changes",
            "property_penalty": "proposal",
            "procuratorial_opinion": "proposal",
        },
        PropertyItem: {
            "name": "property-items",
            "quantity": "property-items",
            "unit": "property-items",
            "value": "property-items",
            "place": "residence-address",
            "owner": "person-name",
            "proposal": "property-items",
        },
    }
)
"""Row of a list -> its attributes, and the field of the dictionary by which each is written."""

_PERSON: Final[Mapping[str, str]] = MappingProxyType(
    {attribute: name for name, attribute in OF_PERSON.items()} | {"household_region": "household-address"}
)
_CASE: Final[Mapping[str, str]] = MappingProxyType(
    {attribute: name for name, attribute in OF_CASE.items() if name != "case-name"}
)


@dataclass(frozen=True, slots=True)
class Masked:
    """What travels. `paths`: path of a member as it was read -> path under which it leaves; the others stay."""

    package: CasePackage
    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what an export leaves. asked: fields that the flow and the grant list; documents: those of the flow."""

    profile: Profile
    asked: frozenset[str]
    documents: Documents
    is_stricter: bool = False
    """Whether route or grant want more than the flow: then no document of it goes beyond the profile's ceiling."""


def terms_of(standard: Standard, code: str, profile: Profile, granted: Iterable[str] = ()) -> Terms:
    """Return the terms for the flow or reply `code`; granted: fields that a grant lists besides."""
    flow, reply, behind = standard.flow(code), standard.reply(code), flow_behind(standard, code)
    is_stricter = behind is None or standard.profiles[behind.profile].level < profile.level
    if reply is not None:
        return Terms(profile, frozenset((*reply.fields, *granted)), reply.documents, is_stricter)
    if flow is not None:
        return Terms(profile, frozenset((*flow.required, *flow.optional, *granted)), flow.documents, is_stricter)
    return Terms(profile, frozenset(granted), Documents(), is_stricter)


def mask(package: CasePackage, paths: Sequence[str], standard: Standard, terms: Terms, key: PseudonymKey) -> Masked:
    """Return what leaves of `package` and of the members at `paths` (records of the sender's system are not among
    them); pure, and of what was masked already it changes nothing.

    key: makes the pseudonyms.
    """
    if terms.profile.is_full:
        return Masked(replace(package, profile=""), {path: path for path in paths})
    return _Masking(standard, terms, key, Kinds(package, standard)).whole(package, paths)


class Kinds:
    """Of which kind the members of one case package are; asked for thousands of paths."""

    def __init__(self, package: CasePackage, standard: Standard) -> None:
        self._standard = standard
        self._listed = {one.path: one for one in reversed(package.documents)}
        self._entries = {entry.path for volume in package.volumes for entry in volume.entries}

    def of(self, path: str) -> str:
        """Return the slug of the kind of document that the member at `path` is; empty if nobody can tell."""
        listed = self._listed.get(path)
        if listed is not None:
            return listed.kind or self._titled(listed.title)
        if path in self._entries:
            return DOSSIER
        stem = PurePosixPath(path).name
        return self._titled(stem[_ordinal_end(stem) :])

    def _titled(self, title: str) -> str:
        found = self._standard.document_titled(title)
        return found.code if found is not None else ""


def secrets_of(package: CasePackage, terms: Terms, standard: Standard) -> frozenset[str]:
    """Return what must not stand anywhere in what leaves: the names, identity and telephone numbers of `package` that
    the terms hide. Found by a way of its own, so that a fault of the masking shows."""
    if terms.profile.is_full:
        return frozenset()

    def hides(name: str) -> bool:
        kind = standard.fields[name]
        return terms.profile.rule(kind) != "" or (terms.profile.asked_only and kind.pii > 0 and name not in terms.asked)

    found: set[str] = set()
    for person in package.persons:
        found |= {person.name} if hides("person-name") else set()
        found |= {person.id_no} if hides("id-no") else set()
        found |= {measure.inmate_no for measure in person.measures if hides("inmate-no")}
    if hides("handler"):
        found |= {package.handler.name, package.handler.phone}
    return frozenset(one for one in found if is_telling(one) and not is_hashed(one) and STAR not in one)


def _ordinal_end(stem: str) -> int:
    match = _ORDINAL.match(stem)
    return match.end() if match is not None else 0


class _Masking:
    """One case package on its way out; remembers what was hidden."""

    def __init__(self, standard: Standard, terms: Terms, key: PseudonymKey, kinds: Kinds) -> None:
        self._standard = standard
        self._terms = terms
        self._key = key
        self._kinds = kinds
        self._hidden: dict[str, str] = {}

    def whole(self, package: CasePackage, paths: Sequence[str]) -> Masked:
        leaving, withheld = self._documents(paths)
        persons = tuple(self._person(one) for one in package.persons)
        handler = self._handler(package.handler)
        changed: dict[str, Any] = {at: self._value(name, str(getattr(package, at))) for at, name in _CASE.items()}
        documents = tuple(self._document(one, leaving) for one in package.documents if one.path in leaving)
        bare = replace(
            package,
            **changed,
            source=replace(package.source, name=package.source.name if package.persons else ""),
            case_name=self._case_name(package),
            handler=handler,
            profile=self._terms.profile.code,
            withheld=withheld or package.withheld,
            values=self._values(package.values),
            persons=persons,
            documents=documents,
            volumes=tuple(self._volumes(package.volumes, leaving)),
            property=self._rows(package.property),
            origins=tuple(replace(one, text="") for one in package.origins),
            unknown=(),
            renamed=(),
            dropped=(),
            marks=tuple(replace(one, value="", expected="") for one in package.marks),
        )
        scrub = Scrub(self._hidden)
        return Masked(scrub.of(bare), leaving)

    # -- fields -------------------------------------------------------------------------------------------------------

    def _value(self, name: str, value: str) -> str:
        """Return how the value of a field leaves."""
        kind = self._standard.fields.get(name)
        if not value or kind is None:
            return ""
        profile = self._terms.profile
        rule = profile.rule(kind)
        if profile.asked_only and kind.pii > 0 and name not in self._terms.asked:
            self._hide(name, kind.mask, value)
            return ""
        written = self._written(name, rule, value)
        self._hide(name, rule, value)
        return written

    def _written(self, name: str, rule: str, value: str) -> str:
        if rule == "hash":
            return value if is_hashed(value) else f"~{self._key.of(name, value)}"
        write = WRITTEN.get(rule)
        return write(value) if write is not None else value

    def _hide(self, name: str, rule: str, value: str) -> None:
        if rule in _SAID_TWICE and is_telling(value):
            shown = self._written(name, rule, value)
            if shown != value:
                self._hidden.setdefault(value, shown or STAR * len(value))

    def _rows(self, rows: tuple[T, ...]) -> tuple[T, ...]:
        """Return rows of a list by their fields; those of which nothing is left are gone."""
        return tuple(row for one in rows if (row := self._row(one)) is not None)

    def _row(self, one: T) -> T | None:
        named = _ROWS[type(one)]
        changed = {attribute: self._value(name, getattr(one, attribute)) for attribute, name in named.items()}
        row: Any = one
        return replace(row, **changed) if any(changed.values()) else None

    def _person(self, person: Person) -> Person:
        changed = {attribute: self._value(name, getattr(person, attribute)) for attribute, name in _PERSON.items()}
        return replace(
            person,
            **changed,
            charges=self._rows(person.charges),
            measures=self._rows(person.measures),
            decisions=tuple(replace(one, document="") for one in self._rows(person.decisions)),
            sentences=self._rows(person.sentences),
            changes=tuple(replace(one, materials="") for one in self._rows(person.changes)),
            values=self._values(person.values),
        )

    def _values(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        written = (replace(one, value=self._value(one.field, one.value)) for one in values)
        return tuple(one for one in written if one.value)

    def _handler(self, handler: Handler) -> Handler:
        kind = self._standard.fields["handler"]
        if self._terms.profile.asked_only and "handler" not in self._terms.asked:
            name, phone = "", ""
        elif not self._terms.profile.rule(kind):
            return handler
        else:
            name, phone = self._written("handler", "surname-star", handler.name), phone_3_4(handler.phone)
        self._hide("handler", "surname-star", handler.name)
        self._hide("handler", "phone-3-4", handler.phone)
        return Handler(name, phone)

    def _case_name(self, package: CasePackage) -> str:
        """Return the case's name; it is nobody's business whose names may stand in it where no persons are known."""
        kind = self._standard.fields["case-name"]
        is_asked = not self._terms.profile.asked_only or kind.code in self._terms.asked
        has_names = self._terms.profile.rule(kind) == ""
        return package.case_name if is_asked and (has_names or package.persons) else ""

    # -- documents ----------------------------------------------------------------------------------------------------

    def _documents(self, paths: Sequence[str]) -> tuple[dict[str, str], tuple[Withheld, ...]]:
        """Return the members that leave, by the paths under which they do, and what is said of the others."""
        leaving: dict[str, str] = {}
        staying: Counter[str] = Counter()
        numbered: Counter[str] = Counter()
        for path in paths:
            kind = self._kinds.of(path)
            if self._leaves(kind):
                numbered[kind] += 1
                leaving[path] = self._path(kind, numbered[kind], path)
            else:
                staying[kind] += 1
        return leaving, tuple(Withheld(kind, count) for kind, count in sorted(staying.items()))

    def _leaves(self, kind: str) -> bool:
        found = self._standard.documents.get(kind)
        asked = self._terms.documents
        if found is None:
            return False
        must = kind in asked.required or any(kind in one for one in asked.one_of)
        may = must or kind in asked.optional or any(kind in one.documents for one in asked.required_if)
        is_open = found.pii <= self._terms.profile.documents_to
        return (may and is_open) or (must and not self._terms.is_stricter)

    def _path(self, kind: str, number: int, path: str) -> str:
        """Return a path of our own: one of the export may name a person, or the folder of one."""
        suffix = _SUFFIX.fullmatch(PurePosixPath(path).suffix)
        title = _HOSTILE.sub("-", self._standard.documents[kind].zh).strip("-")
        return f"{title}_{number}{suffix[0].lower() if suffix is not None else ''}"

    def _document(self, document: Document, leaving: Mapping[str, str]) -> Document:
        kind = self._standard.documents[self._kinds.of(document.path)]
        return replace(
            document,
            title=kind.zh,
            kind=kind.code,
            path=leaving[document.path],
            person=self._value("person-name", document.person),
            person_no=self._value("person-no", document.person_no),
        )

    def _volumes(self, volumes: Sequence[Volume], leaving: Mapping[str, str]) -> Iterator[Volume]:
        for volume in volumes:
            entries = tuple(
                replace(one, title=self._standard.documents[DOSSIER].zh, path=leaving[one.path])
                for one in volume.entries
                if one.path in leaving
            )
            if entries:
                yield replace(volume, entries=entries)
