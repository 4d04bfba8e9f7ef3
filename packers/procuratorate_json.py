"""Turns the tree of a case.json into a case package, each value with its line and path, nothing lost."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from gateway.standard.catalogue import Standard
from gateway.standard.check_documents import person_named
from gateway.standard.dates import read_when
from gateway.standard.fields import NUMBERS
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.identity import normal_number
from gateway.standard.numerals import read_digits
from gateway.standard.package import (
    MAX_CASE_PACKAGE_BYTES,
    UNCLASSIFIED,
    CaseNumber,
    CasePackage,
    Change,
    Charge,
    Decision,
    Document,
    DossierEntry,
    Handler,
    Measure,
    Origin,
    Person,
    PropertyItem,
    Sentence,
    Source,
    UnknownValue,
    Value,
    Volume,
)
from packers import procuratorate_fields as tags
from packers.bounds import MAX_KEPT, MAX_REPORTED
from packers.jsontext import JsonList, JsonObject, JsonText, JsonValue, plain

FORM = "procuratorate"
"""The name of this format in the standard's tables."""
NODE_MARK = "/"
"""Between class and node in the standard's codes of this format: `SCDB/JDFK`."""
_OF_NO_VALUE = frozenset({"node", "version"})
"""What is read with the class, or of the export; no value of the case."""
_FLAGS: Mapping[str, str] = MappingProxyType({"Y": "1", "N": "0", "true": "1", "false": "0"})
_ROWS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "charges": Charge,
        "measures": Measure,
        "decisions": Decision,
        "sentences": Sentence,
        "changes": Change,
        "values": Value,
    }
)

Members = Mapping[str, tuple[str, JsonValue]]
"""Of one object: name in capitals -> name as written, and value."""
_NOTHING: tuple[str, JsonValue | None] = ("", None)


@dataclass(slots=True)
class ProcuratorateReader:
    """Reads one tree, once. `path_of` turns a path as the JSON writes it into that under which the member travels."""

    file: str
    path_of: Callable[[str], str]
    standard: Standard
    findings: list[Finding] = field(default_factory=list)
    _origins: list[Origin] = field(default_factory=list)
    _unknown: list[UnknownValue] = field(default_factory=list)
    _kept: int = 0
    _reported: Counter[tuple[str, Verdict]] = field(default_factory=Counter)

    def read(self, root: JsonObject, source: Source) -> CasePackage:
        """Return the case package; with a finding, an empty one where the tree is no case of this system."""
        sections = self._members(root, "")
        exchange, case = sections.get("XTXX", _NOTHING)[1], sections.get("AJJBXX", _NOTHING)[1]
        if not isinstance(exchange, JsonObject) or not isinstance(case, JsonObject):
            missing = "ajjbxx" if isinstance(exchange, JsonObject) else "xtxx"
            self._complain("JSON-SCHEMA", Verdict.REJECT, root, field=missing, why=missing)
            return CasePackage(source)
        values = self._values(self._members(exchange, "xtxx"), tags.EXCHANGE, "", "xtxx")
        values |= self._values(self._members(case, "ajjbxx"), tags.CASE, "", "ajjbxx")
        package = self._of_case(source, values)
        for name, (written, value) in sections.items():
            match name:
                case "XTXX" | "AJJBXX":
                    continue
                case "XYR":
                    persons = tuple(self._person(one, n, at) for n, one, at in self._objects(value, written))
                    package = replace(package, persons=persons)
                case "WS":
                    documents = tuple(self._document(one, at) for _, one, at in self._objects(value, written))
                    package = replace(package, documents=documents)
                case "JZ":
                    volumes = tuple(self._volume(one, n, at) for n, one, at in self._objects(value, written))
                    package = replace(package, volumes=volumes)
                case "CW":
                    items = tuple(self._property(one, n, at) for n, one, at in self._objects(value, written))
                    package = replace(package, property=items)
                case "QTXX":
                    more = self._rows(value, tags.ROWS["QTXX"], "", written, len(package.values))
                    package = replace(package, values=(*package.values, *more))
                case _:
                    self._keep(value, written)
        return replace(
            package,
            documents=_with_persons(package.documents, package.persons),
            origins=tuple(self._origins),
            unknown=tuple(self._unknown),
        )

    def _of_case(self, source: Source, values: Mapping[str, str]) -> CasePackage:
        def value(name: str) -> str:
            return values.get(name, "")

        schemes = [scheme for scheme in NUMBERS if value(scheme)]
        own = next((one for one in ("proc-unified-no", "proc-dept-no", *NUMBERS) if value(one)), "")
        kept = [name for name in tags.VALUES if value(name)]
        # Numbers and values stand in lists: only now is it known where.
        places = {scheme: f"case_numbers[{n}].number" for n, scheme in enumerate(schemes)} | {own: "case_no"}
        places |= {name: f"values[{n}].value" for n, name in enumerate(kept)}
        places |= {"class": "business"} | ({} if value("category") else {"category_of_charge": "category"})
        self._origins = [
            replace(o, value=places.get(o.value, o.value)) for o in self._origins if o.value not in _OF_NO_VALUE
        ]
        business = NODE_MARK.join(filter(None, (value("class"), value("node"))))
        return CasePackage(
            replace(source, version=value("version")),
            flow=self._flow(value("class"), business),
            business=business,
            business_name=value("business_name"),
            sender_code=value("sender_code"),
            sender_name=value("sender_name"),
            handling_unit=value("handling_unit"),
            receiver_code=value("receiver_code"),
            receiver_name=value("receiver_name"),
            case_no=value(own),
            case_name=value("case_name"),
            case_numbers=tuple(CaseNumber(scheme, value(scheme)) for scheme in schemes),
            related_package=value("related_package"),
            batch_no=value("batch_no"),
            category=value("category") or value("category_of_charge"),
            filing_date=value("filing_date"),
            offence_start=value("offence_start"),
            offence_end=value("offence_end"),
            offence_region=value("offence_region"),
            offence_place=value("offence_place"),
            request_date=value("request_date"),
            exported_at=value("exported_at"),
            secrecy=value("secrecy"),
            person_count=value("person_count"),
            handler=Handler(value("handler.name"), value("handler.phone")),
            brief=value("brief"),
            grant=value("grant"),
            values=tuple(Value(name, value(name)) for name in kept),
        )

    def _flow(self, kind: str, business: str) -> str:
        """The node tells a request from the answer to it; where it is none that we know, the class alone says what an
        export is."""
        found = self.standard.flow_of(FORM, business) or self.standard.flow_of(FORM, kind)
        return found or (kind if kind in self.standard.names() else UNCLASSIFIED)

    def _person(self, value: JsonObject, n: int, path: str) -> Person:
        prefix = f"persons[{n}]."
        members = self._members(value, path)
        before = len(self._origins)
        skip = frozenset({*tags.ROWS, *tags.DECISION, tags.REFUSAL[0]})
        values: dict[str, Any] = {**self._values(members, tags.PERSON, prefix, path, skip)}
        if any(origin.value == f"{prefix}id_no" and origin.text for origin in self._origins[before:]):
            shown = {"field": "证件号码(ZJHM)", "person": values.get("name", "")}
            self._complain("ID-LOWERCASE-X", Verdict.FIX, value, **shown)
        rows: dict[str, Any] = {}
        own = {name: members[name] for name in tags.DECISION if name in members}
        if any(isinstance(one, JsonText) and one.text.strip() for _, one in own.values()):
            rows["decisions"] = (self._row(own, "decisions", tags.DECISION, f"{prefix}decisions[0].", path),)
        name, slug, label = tags.REFUSAL
        if name in members:
            own = {name: members[name]}
            kind = self._values(own, {name: ("value", label)}, f"{prefix}values[0].", path).get("value", "")
            rows["values"] = (Value(slug, kind),) if kind else ()
        for name, kind_of_rows in tags.ROWS.items():
            if name in members:
                attribute, _, label = kind_of_rows
                written, inner = members[name]
                at = f"{path}.{written}"
                self._origins.append(Origin(prefix + attribute, label, at, self.file, inner.line))
                there = rows.get(attribute, ())
                rows[attribute] = (*there, *self._rows(inner, kind_of_rows, prefix, at, len(there)))
        return Person(**values | rows)

    def _rows(
        self, value: JsonValue, kind: tuple[str, tags.Known, str], prefix: str, path: str, first: int = 0
    ) -> tuple[Any, ...]:
        attribute, known, label = kind
        found = []
        for n, one, at in self._objects(value, path):
            place = f"{prefix}{attribute}[{first + n}]"
            self._origins.append(Origin(place, label, at, self.file, one.line))
            found.append(self._row(self._members(one, at), attribute, known, f"{place}.", at))
        return tuple(found)

    def _row(self, members: Members, attribute: str, known: tags.Known, prefix: str, path: str) -> Any:
        values = self._values(members, known, prefix, path)
        if attribute == "decisions":
            values["document"] = self.path_of(values["document"]) if values.get("document") else ""
        for table in tags.TABLES.get(attribute, ()):
            values["kind"] = self.standard.table(table).read(FORM, values.get("kind", ""))
        if attribute == "values" and "field" not in values:
            values["field"] = ""
        return _ROWS[attribute](**({"value": ""} | values if attribute == "values" else values))

    def _document(self, value: JsonObject, path: str) -> Document:
        values = self._values(self._members(value, path), tags.DOCUMENT, "", path, is_placed=False)
        title, written = values.get("title", ""), values.get("path", "")
        kind = self.standard.document_titled(title)
        return Document(
            title=title,
            path=self.path_of(written),
            number=values.get("number", ""),
            pages=read_digits(values.get("pages", "")) or 0,
            signed=values.get("signed", ""),
            person=person_named(title, written.replace("\\", "/")),
            person_no=values.get("person_no", ""),
            kind=kind.code if kind is not None else "",
            ordinal=values.get("ordinal", ""),
            line=value.line,
        )

    def _volume(self, value: JsonObject, n: int, path: str) -> Volume:
        members = self._members(value, path)
        values = self._values(members, tags.VOLUME, "", path, frozenset({"WJ"}), is_placed=False)
        self._origins.append(Origin(f"volumes[{n}]", "电子卷宗", path, self.file, value.line))
        entries = []
        if "WJ" in members:
            for _, one, at in self._objects(members["WJ"][1], f"{path}.{members['WJ'][0]}"):
                entry = self._values(self._members(one, at), tags.ENTRY, "", at, is_placed=False)
                entries.append(
                    DossierEntry(
                        title=entry.get("title", ""),
                        path=self.path_of(entry.get("path", "")),
                        pages=read_digits(entry.get("pages", "")) or 0,
                        ordinal=entry.get("ordinal", ""),
                        line=one.line,
                    )
                )
        kind = self.standard.table("volume-kind").read(FORM, values.get("kind", ""))
        return Volume(kind, values.get("title", ""), tuple(entries), values.get("ordinal", ""), value.line)

    def _property(self, value: JsonObject, n: int, path: str) -> PropertyItem:
        values = self._values(self._members(value, path), tags.PROPERTY, f"property[{n}].", path)
        return PropertyItem(**values, line=value.line)

    def _objects(self, value: JsonValue, path: str) -> Iterator[tuple[int, JsonObject, str]]:
        """Yield the objects of a list with their positions among them and paths; keep what is none."""
        if not isinstance(value, JsonList):
            self._keep(value, path)
            return
        n = 0
        for at, one in enumerate(value.items):
            if isinstance(one, JsonObject):
                yield n, one, f"{path}[{at}]"
                n += 1
            else:
                self._keep(one, f"{path}[{at}]")

    def _members(self, value: JsonObject, path: str) -> Members:
        """Return an object's members; two that differ only in capitals count as one name that stands twice (D52)."""
        found: dict[str, tuple[str, JsonValue]] = {}
        for name, inner in value.members.items():
            folded = name.upper()
            if folded not in found:
                found[folded] = (name, inner)
                continue
            at = f"{path}.{name}" if path else name
            verdict = Verdict.FIX if plain(found[folded][1]) == plain(inner) else Verdict.REJECT
            self._complain("JSON-DUP-KEY", verdict, inner, field=at)
            self._keep(inner, at)
        return found

    def _values(
        self,
        members: Members,
        known: tags.Known,
        prefix: str,
        path: str,
        skip: frozenset[str] = frozenset(),
        *,
        is_placed: bool = True,
    ) -> dict[str, str]:
        """Return the known values of an object by name, with their origins; keep what is unknown."""
        values: dict[str, str] = {}
        for name, (written, inner) in members.items():
            at = f"{path}.{written}"
            if name in skip:
                continue
            if name not in known or not isinstance(inner, JsonText):
                self._keep(inner, at)
                continue
            attribute, label = known[name]
            values[attribute] = _normal(attribute, inner.text.strip())
            if is_placed and not inner.is_null:
                altered = inner.text if values[attribute] != inner.text else ""
                self._origins.append(Origin(prefix + attribute, label, at, self.file, inner.line, altered))
        return values

    def _keep(self, value: JsonValue, path: str) -> None:
        """Keep everything of a value that has no name in the case package."""
        if not self._has_room(path, value):
            return
        if isinstance(value, JsonText):
            self._unknown.append(UnknownValue(path, value.text, self.file, value.line))
        elif not (value.items if isinstance(value, JsonList) else value.members):
            self._unknown.append(UnknownValue(path, "", self.file, value.line))
        elif isinstance(value, JsonList):
            for n, one in enumerate(value.items):
                self._keep(one, f"{path}[{n}]")
        else:
            for name, one in value.members.items():
                self._keep(one, f"{path}.{name}")

    def _has_room(self, path: str, value: JsonValue) -> bool:
        """Count what is about to be kept; with a finding, False once that is more than any case can hold."""
        was_full = self._kept > MAX_KEPT
        self._kept += len(path) + (len(value.text) if isinstance(value, JsonText) else 0)
        if self._kept > MAX_KEPT and not was_full:
            self._complain("JSON-LIMIT", Verdict.REJECT, value, limit=MAX_CASE_PACKAGE_BYTES)
        return self._kept <= MAX_KEPT

    def _complain(self, code: str, verdict: Verdict, value: JsonValue, **facts: str | int) -> None:
        """Record a finding; who has more of one kind than MAX_REPORTED has one cause."""
        self._reported[code, verdict] += 1
        if self._reported[code, verdict] <= MAX_REPORTED:
            place = Place(self.file, value.line, 0, str(facts.get("field", "")))
            shown = {"file": self.file, "line": value.line, **facts}
            self.findings.append(Finding(code, verdict, place, mender="vendor", facts=shown))


def _with_persons(documents: tuple[Document, ...], persons: tuple[Person, ...]) -> tuple[Document, ...]:
    """Return the documents with the person that each decides about, where a decision names it."""
    owners = {d.document: p.person_no for p in persons for d in p.decisions if d.document}
    return tuple(one if one.person_no else replace(one, person_no=owners.get(one.path, "")) for one in documents)


def _normal(name: str, text: str) -> str:
    if name == "id_no":
        return normal_number(text)
    if name in tags.FLAGS:
        return _FLAGS.get(text, text)
    if name in tags.DATES and text:
        when = read_when(text)
        return when.iso if when else text
    return text
