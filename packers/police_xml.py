"""Turns the tree of a police export's 案件信息.xml into a case package, each value with its line, nothing lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no type information

from gateway.standard.catalogue import Standard
from gateway.standard.check_documents import person_named
from gateway.standard.dates import read_when
from gateway.standard.fields import NUMBERS
from gateway.standard.findings import Finding, Verdict
from gateway.standard.identity import normal_number
from gateway.standard.numerals import read_digits
from gateway.standard.package import (
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
    Value,
    Volume,
)
from packers import police_fields as tags
from packers.xmlvalues import XmlValues

ROOT = "ZFAJ"
FORM = "police"
"""The name of this format in the standard's tables."""
_SECTIONS = frozenset({"XYRS", "WSLB", "JZML", "SACW", "QTXXS"})
MAX_ELEMENTS = 400_000
"""Four elements for each of 100,000 dossier entries."""

Known = Mapping[str, tuple[str, str]]
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
_SPARSE: Mapping[str, Mapping[str, str]] = MappingProxyType({"values": {"field": "", "value": ""}})
"""What a row must have, where its export leaves it out."""


@dataclass(slots=True)
class PoliceReader:
    """Reads one tree, once. `path_of` turns a path as the XML writes it into the one under which the member travels."""

    file: str
    path_of: Callable[[str], str]
    standard: Standard
    taken: XmlValues = field(init=False)

    def __post_init__(self) -> None:
        self.taken = XmlValues(self.file, FORM, self.standard)

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the tree's form."""
        return self.taken.findings

    def read(self, root: etree._Element, source: Source) -> CasePackage:
        """Return the case package; with a finding, an empty one where the tree is none of a police export."""
        why = "root" if root.tag != ROOT else "elements" if sum(1 for _ in root.iter()) > MAX_ELEMENTS else ""
        if why:
            self.taken.complain("XML-SCHEMA", Verdict.REJECT, root, why=why)
            return CasePackage(source)
        case: dict[str, str] = {}
        persons: list[Person] = []
        documents: list[Document] = []
        volumes: list[Volume] = []
        items: list[PropertyItem] = []
        extra: list[Value] = []
        for section in root:
            if section.tag == "JBXX" and not case:
                case = self._values(section, tags.CASE, "", ROOT)
                continue
            if section.tag == "JBXX":
                self.taken.complain("FIELD-REPEATED", Verdict.HOLD, section, field="案件基本信息(JBXX)")
            if section.tag not in _SECTIONS:
                self.taken.keep(section, ROOT)
                continue
            for element in section:
                match (section.tag, element.tag):
                    case ("XYRS", "XYR"):
                        persons.append(self._person(element, len(persons)))
                    case ("WSLB", "WS"):
                        documents.append(self._document(element))
                    case ("JZML", "JUAN"):
                        volumes.append(self._volume(element, len(volumes)))
                    case ("SACW", "CW"):
                        items.append(self._property(element, len(items)))
                    case ("QTXXS", "QTXX"):
                        extra.append(self._row(element, "values", f"values[{len(extra)}].", f"{ROOT}/QTXXS"))
                    case _:
                        self.taken.keep(element, f"{ROOT}/{section.tag}")
            self.taken.keep_rest(section, (), ROOT)
        self.taken.keep_rest(root, ("BB", "XTMC"), "")
        return replace(
            self._package(source, case),
            persons=tuple(persons),
            documents=tuple(documents),
            volumes=tuple(volumes),
            property=tuple(items),
            values=tuple(extra),
            origins=tuple(self.taken.origins),
            unknown=tuple(self.taken.unknown),
        )

    def _package(self, source: Source, case: dict[str, str]) -> CasePackage:
        def value(name: str) -> str:
            return case.get(name, "")

        numbers = case | {"police-case-no": value("case_no")}
        schemes = [scheme for scheme in NUMBERS if numbers.get(scheme)]
        # Numbers stand in a list: only now is it known where.
        places = {one: f"case_numbers[{n}].number" for n, one in enumerate(schemes) if one != "police-case-no"}
        places |= {"from_code": "sender_code", "from_name": "sender_name"}
        places |= {"to_code": "receiver_code", "to_name": "receiver_name"}
        self.taken.origins = [replace(one, value=places.get(one.value, one.value)) for one in self.taken.origins]
        business = value("business")
        own = self.standard.flow_of(FORM, business) or (business if business in self.standard.names() else "")
        return CasePackage(
            source,
            flow=own or UNCLASSIFIED,
            business=business,
            business_name=value("business_name"),
            sender_code=value("from_code") or value("handling_unit"),
            sender_name=value("from_name") or value("sender_name"),
            handling_unit=value("handling_unit"),
            receiver_code=value("to_code") or value("receiver_code"),
            receiver_name=value("to_name") or value("receiver_name"),
            case_no=value("case_no") or numbers.get("proc-unified-no", ""),
            case_name=value("case_name"),
            case_numbers=tuple(CaseNumber(scheme, numbers[scheme]) for scheme in schemes),
            related_package=value("related_package"),
            batch_no=value("batch_no"),
            category=value("category"),
            filing_date=value("filing_date"),
            offence_start=value("offence_start"),
            offence_end=value("offence_end"),
            offence_region=value("offence_region"),
            offence_place=value("offence_place"),
            request_date=value("request_date"),
            secrecy=value("secrecy"),
            person_count=value("person_count"),
            handler=Handler(value("handler.name"), value("handler.phone")),
            brief=value("brief"),
            grant=value("grant"),
            exported_at=value("exported_at"),
        )

    def _values(
        self, element: etree._Element, known: Known, prefix: str, above: str, skip: tuple[str, ...] = ()
    ) -> dict[str, str]:
        """Return the known leaf values of an element by name, with their origins; keep what is unknown."""
        path = f"{above}/{element.tag}"
        values: dict[str, str] = {}
        for child in element:
            if child.tag in skip:
                continue
            if child.tag not in known or len(child):
                self.taken.keep(child, path)
                continue
            name, label = known[child.tag]
            if name in values:
                self.taken.complain("FIELD-REPEATED", Verdict.HOLD, child, field=f"{label}({child.tag})")
                self.taken.keep(child, path)
                continue
            text = (child.text or "").strip()
            values[name] = _normal(name, text)
            altered = text if values[name] != text else ""
            self.taken.origins.append(
                Origin(prefix + name, label, f"{path}/{child.tag}", self.file, child.sourceline or 0, altered)
            )
            self.taken.keep_attributes(child, (), path)
        self.taken.keep_rest(element, (), above)
        return values

    def _person(self, element: etree._Element, n: int) -> Person:
        prefix, path = f"persons[{n}].", f"{ROOT}/XYRS/XYR"
        before = len(self.taken.origins)
        values: dict[str, Any] = {**self._values(element, tags.PERSON, prefix, f"{ROOT}/XYRS", tuple(tags.ROWS))}
        # Only those of this person: looking through all for each would take minutes for a file full of persons.
        if any(origin.value == f"{prefix}id_no" and origin.text for origin in self.taken.origins[before:]):
            shown = {"field": "身份号码(SFHM)", "person": values.get("name", "")}
            self.taken.complain("ID-LOWERCASE-X", Verdict.FIX, element, **shown)
        rows: dict[str, list[Any]] = {attribute: [] for attribute, _, _ in tags.ROWS.values()}
        for child in element:
            if child.tag not in tags.ROWS:
                continue
            attribute, _, label = tags.ROWS[child.tag]
            at = f"{prefix}{attribute}[{len(rows[attribute])}]"
            self.taken.origins.append(Origin(at, label, f"{path}/{child.tag}", self.file, child.sourceline or 0))
            rows[attribute].append(self._row(child, attribute, f"{at}.", path))
        return Person(**values | {attribute: tuple(found) for attribute, found in rows.items()})

    def _row(self, element: etree._Element, attribute: str, prefix: str, above: str) -> Any:
        known = tags.ROWS[element.tag][1]
        values = {**_SPARSE.get(attribute, {}), **self._values(element, known, prefix, above)}
        for table in tags.TABLES.get(attribute, ()):
            values["kind"] = self.standard.table(table).read(FORM, values.get("kind", ""))
        if values.get("document"):
            values["document"] = self.path_of(values["document"])
        return _ROWS[attribute](**values)

    def _property(self, element: etree._Element, n: int) -> PropertyItem:
        values = self._values(element, tags.PROPERTY, f"property[{n}].", f"{ROOT}/SACW")
        return PropertyItem(**values, line=element.sourceline or 0)

    def _document(self, element: etree._Element) -> Document:
        values = self._leaves(element, tags.DOCUMENT, f"{ROOT}/WSLB")
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
            line=element.sourceline or 0,
        )

    def _volume(self, element: etree._Element, n: int) -> Volume:
        path = f"{ROOT}/JZML/JUAN"
        values = self._attribute_values(element, tags.VOLUME, f"{ROOT}/JZML")
        line = element.sourceline or 0
        self.taken.origins.append(Origin(f"volumes[{n}]", "电子卷宗", path, self.file, line))
        entries = []
        for catalogue in element:
            if catalogue.tag != "ML":
                self.taken.keep(catalogue, path)
                continue
            shared = self._attribute_values(catalogue, tags.CATALOGUE, path)
            for file in catalogue:
                if file.tag != "WJ":
                    self.taken.keep(file, f"{path}/ML")
                    continue
                own = self._attribute_values(file, tags.ENTRY, f"{path}/ML")
                entries.append(
                    DossierEntry(
                        title=shared.get("title", ""),
                        path=self.path_of(own.get("path", "")),
                        pages=read_digits(own.get("pages", "")) or 0,
                        ordinal=shared.get("ordinal", ""),
                        line=file.sourceline or 0,
                    )
                )
        kind = self.standard.table("volume-kind").read(FORM, values.get("kind", ""))
        return Volume(kind, values.get("title", ""), tuple(entries), values.get("ordinal", ""), line)

    def _leaves(self, element: etree._Element, known: Known, above: str) -> dict[str, str]:
        """Like `_values` for records that carry their own line: no origin for each value."""
        before = len(self.taken.origins)
        values = self._values(element, known, "", above)
        del self.taken.origins[before:]
        return values

    def _attribute_values(self, element: etree._Element, known: Known, above: str) -> dict[str, str]:
        self.taken.keep_rest(element, tuple(known), above)
        return {known[name][0]: value.strip() for name, value in element.attrib.items() if name in known}


def _normal(name: str, text: str) -> str:
    if name == "id_no":
        return normal_number(text)
    if name in tags.DATES and text:
        when = read_when(text)
        return when.iso if when else text
    return text
