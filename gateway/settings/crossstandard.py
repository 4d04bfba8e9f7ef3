"""What no single value of the exchange standard shows: names that do not exist, numbers and codes claimed twice."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Final

from gateway.settings.complaints import Complaint, misspelling
from gateway.settings.crosscheck import Placed
from gateway.settings.crosscodes import check_codes, codes_of, rows
from gateway.settings.marks import Trail
from gateway.settings.standard import (
    DeadlineSection,
    DocumentsSection,
    FlowFile,
)
from gateway.settings.standard_kinds import Dated, law_of
from gateway.standard.calendars import read_duration
from gateway.standard.conditions import parse
from gateway.standard.package import CasePackage

PROFILES: Final = ("full", "reduced", "masked")
"""Where no file of profiles is there."""
SIDES: Final = ("sender", "receiver")
ANYBODY: Final = "any"
_KEY_PARTS: Final = tuple(
    sorted({"persons", "document_number", *(one.name for one in fields(CasePackage) if one.type in (str, "str"))})
)
_MONTH, _DAY = 30 * 1440, 1440
"""Minutes; near enough to tell which of two terms is the longer."""


@dataclass(slots=True)
class Standing:
    """All files of a standard that could be read. `codes`: by their name, such as `documents`, additions last."""

    flows: list[Placed[FlowFile]] = field(default_factory=list)
    codes: dict[str, list[Placed[Dated]]] = field(default_factory=dict)
    is_whole: bool = True
    """False where a flow could not be read: others must not be blamed for naming it."""

    unread: set[str] = field(default_factory=set)
    """Names of code files of which one could not be read."""

    def slugs(self, name: str) -> Collection[str] | None:
        """Return the slugs in the files of codes `name`; None if one of them could not be read."""
        found = self.codes.get(name, [])
        return None if name in self.unread or not found else list(rows(found, name))


def check_standard(standing: Standing) -> Iterator[Complaint]:
    """Yield every complaint that takes more than one value to see."""
    for flow in standing.flows:
        yield from _Names(standing, flow).check()
        yield from _terms(flow)
    yield from _claims(standing.flows)
    yield from _editions(standing.flows)
    roles = standing.slugs("roles")
    yield from check_codes(
        standing.codes,
        issuers=None if roles is None else [*roles, ANYBODY],
        laws=standing.slugs("laws"),
        fields=standing.slugs("fields"),
    )


class _Names:
    """Whether everything that one flow names exists."""

    def __init__(self, standing: Standing, flow: Placed[FlowFile]) -> None:
        self._flow = flow
        self._roles = standing.slugs("roles")
        self._documents = standing.slugs("documents")
        self._fields = standing.slugs("fields")
        self._checks = standing.slugs("checks")
        self._laws = standing.slugs("laws")
        self._profiles = standing.slugs("profiles") or PROFILES
        self._tables: dict[str, list[str]] = {}
        for table, code in codes_of(standing.codes.get("tables", [])):
            self._tables.setdefault(table, []).append(code)
        self._unread = standing.unread
        slugs = [one.value.code for one in standing.flows]
        slugs += [one.value.reply.code for one in standing.flows if one.value.reply is not None]
        self._started = [*slugs, *self._documents] if standing.is_whole and self._documents is not None else None

    def check(self) -> Iterator[Complaint]:
        value = self._flow.value
        for name in ("senders", "receivers", "cc"):
            yield from self._all("role-unknown", getattr(value, name), self._roles, name)
        yield from self._one("profile-unknown", value.profile, self._profiles, "profile")
        yield from self._all("part-unknown", value.key, _KEY_PARTS, "key")
        yield from self._all("field-unknown", value.fields.required, self._fields, "fields", "required")
        yield from self._all("field-unknown", value.fields.optional, self._fields, "fields", "optional")
        yield from self._twice(
            [("fields", "required"), ("fields", "optional")], value.fields.required, value.fields.optional
        )
        yield from self._papers(value.docs, "docs")
        yield from self._all("check-unknown", [name for name, _severity in value.checks], self._checks, "checks")
        yield from self._twice([("checks",)], [name for name, _severity in value.checks])
        for n, term in enumerate(value.deadlines):
            yield from self._term(term, "deadlines", n)
        if (reply := value.reply) is None:
            return
        for name in ("cc", "notify"):
            yield from self._all("role-unknown", getattr(reply, name), self._roles, "reply", name)
        yield from self._all("field-unknown", reply.fields, self._fields, "reply", "fields")
        yield from self._all("document-unknown", reply.returns, self._documents, "reply", "returns")
        yield from self._papers(reply.docs, "reply", "docs")

    def _papers(self, docs: DocumentsSection, *trail: str) -> Iterator[Complaint]:
        for name in ("required", "optional"):
            yield from self._all("document-unknown", getattr(docs, name), self._documents, *trail, name)
        yield from self._twice([(*trail, "required"), (*trail, "optional")], docs.required, docs.optional)
        for n, some in enumerate(docs.one_of):
            yield from self._all("document-unknown", some, self._documents, *trail, "one_of", n)
        for n, one in enumerate(docs.required_if):
            yield from self._all("document-unknown", one.docs, self._documents, *trail, "required_if", n, "docs")
            yield from self._asked(one.when, *trail, "required_if", n, "when")

    def _term(self, term: DeadlineSection, *trail: str | int) -> Iterator[Complaint]:
        owners = None if self._roles is None else [*SIDES, *self._roles]
        yield from self._one("owner-unknown", term.owner, owners, *trail, "owner")
        yield from self._asked(term.when, *trail, "when")
        for n, quoted in enumerate(term.basis):
            yield from self._one("law-unknown", law_of(quoted), self._laws, *trail, "basis", n)
        kind, _, name = term.clock.partition(":")
        if kind in ("field", "before"):
            yield from self._one("field-unknown", name.partition(".")[0], self._fields, *trail, "clock")
        elif kind == "receipt" and name:
            yield from self._one("started-unknown", name, self._started, *trail, "clock")
        for n, longer in enumerate(term.extension):
            yield from self._asked(longer.when, *trail, "extension", n, "when")

    def _asked(self, condition: str, *trail: str | int) -> Iterator[Complaint]:
        """Yield what is wrong with codes that a condition compares with, where the standard has a table for them."""
        for term in parse(condition):
            table = self._tables.get(term.name) if "tables" not in self._unread else None
            for one in term.values:
                if table is not None and one not in table:
                    code, facts = misspelling("code-unknown", one, table)
                    document = self._flow.document
                    yield document.at_value(self._flow.at(*trail), code, **{"table": term.name, **facts})

    def _all(
        self, code: str, names: Iterable[str], known: Collection[str] | None, *trail: str | int
    ) -> Iterator[Complaint]:
        for n, name in enumerate(names):
            yield from self._one(code, name, known, *trail, n)

    def _one(self, code: str, name: str, known: Collection[str] | None, *trail: str | int) -> Iterator[Complaint]:
        if known is not None and name not in known:
            said, facts = misspelling(code, name, known)
            yield self._flow.document.at_value(self._flow.at(*trail), said, **facts)

    def _twice(self, trails: list[tuple[str, ...]], *lists: Iterable[str]) -> Iterator[Complaint]:
        seen: dict[str, Trail] = {}
        for trail, names in zip(trails, lists, strict=True):
            for n, name in enumerate(names):
                at: Trail = (*trail, n)
                if name in seen:
                    other = self._flow.place(*seen[name])
                    yield self._flow.document.at_value(self._flow.at(*at), "listed-twice", text=name, other=other)
                seen.setdefault(name, at)


def _minutes(term: str) -> int:
    found = read_duration(term)
    return found.sign * (found.months * _MONTH + found.days * _DAY + found.minutes)


def _terms(flow: Placed[FlowFile]) -> Iterator[Complaint]:
    seen: dict[str, int] = {}
    for n, term in enumerate(flow.value.deadlines):
        trail = ("deadlines", n)
        if term.id in seen:
            other = flow.place("deadlines", seen[term.id], "id")
            yield flow.document.at_value(flow.at(*trail, "id"), "name-twice", name=term.id, other=other)
        seen.setdefault(term.id, n)
        # What is due at once has its warnings afterwards.
        latest = (("limit", term.limit),) if _minutes(term.limit) else ()
        for name, bound in (*latest, ("red", term.red)):
            if _minutes(term.amber) > _minutes(bound):
                yield flow.document.at_value(
                    flow.at(*trail, "amber"), "term-late", text=term.amber, other=name, value=bound
                )
                break
        for m, longer in enumerate(term.extension):
            if _minutes(longer.limit) < _minutes(term.limit):
                at = flow.at(*trail, "extension", m, "limit")
                yield flow.document.at_value(at, "order-wrong", text=longer.limit, other="limit", value=term.limit)


def _claims(flows: list[Placed[FlowFile]]) -> Iterator[Complaint]:
    """Yield where two flows claim one class, one slug, or one code of an export format."""
    classes: dict[int, Placed[FlowFile]] = {}
    slugs: dict[str, tuple[str, str]] = {}
    business: dict[tuple[str, str], tuple[str, str]] = {}
    for flow in flows:
        value, document = flow.value, flow.document
        first = classes.setdefault(value.class_, flow)
        if first.value.code != value.code:
            other = first.place("class")
            yield document.at_value(
                ("class",), "class-taken", text=str(value.class_), flow=first.value.code, other=other
            )
        kinds: list[tuple[str, Mapping[str, tuple[str, ...]], Trail]] = [(value.code, value.business, ())]
        if value.reply is not None:
            kinds.append((value.reply.code, value.reply.business, ("reply",)))
        for slug, codes, trail in kinds:
            # A slug belongs to one flow: as the flow itself, or as the answer to it.
            owner, other = slugs.setdefault(slug, (f"{value.code}{trail}", document.place((*trail, "code"))))
            if owner != f"{value.code}{trail}":
                yield document.at_value((*trail, "code"), "flow-twice", text=slug, other=other)
            for form, listed in codes.items():
                for n, code in enumerate(listed):
                    at = (*trail, "business", form, n)
                    meant, other = business.setdefault((form, code), (slug, document.place(at)))
                    if meant != slug:
                        yield document.at_value(at, "business-twice", text=code, form=form, flow=meant, other=other)


def _editions(flows: list[Placed[FlowFile]]) -> Iterator[Complaint]:
    by_code: dict[str, list[Placed[FlowFile]]] = {}
    for flow in flows:
        by_code.setdefault(flow.value.code, []).append(flow)
        until = flow.value.effective_until
        if until is not None and until <= flow.value.effective_from:
            yield flow.document.at_value(("effective_until",), "edition-empty", text=until.isoformat())
    for code, editions in by_code.items():
        ordered = sorted(editions, key=lambda one: one.value.effective_from)
        for earlier, later in pairwise(ordered):
            begins, ends = later.value.effective_from, earlier.value.effective_until
            if begins == earlier.value.effective_from:
                other = earlier.place("effective_from")
                yield later.document.at_value(("effective_from",), "edition-twice", other=other)
            elif ends is not None and ends > begins:
                yield earlier.document.at_value(
                    ("effective_until",),
                    "editions-overlap",
                    value=begins.isoformat(),
                    other=later.place("effective_from"),
                )
            if later.value.class_ != earlier.value.class_:
                yield later.document.at_value(
                    ("class",),
                    "class-changed",
                    flow=code,
                    value=str(earlier.value.class_),
                    other=earlier.place("class"),
                )
