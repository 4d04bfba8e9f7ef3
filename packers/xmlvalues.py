"""Takes values out of an XML tree: each with its place, what is normalised with its text, what has no name kept."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no type information

from gateway.standard.catalogue import Standard
from gateway.standard.dates import read_when
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.identity import normal_number
from gateway.standard.package import MAX_CASE_PACKAGE_BYTES, Origin, UnknownValue
from packers.bounds import MAX_KEPT, MAX_REPORTED


@dataclass(frozen=True, slots=True)
class Leaf:
    """One element that holds one value.

    name:  of the value, an attribute of what it is read into.
    label: its Chinese name.
    code:  the attribute that holds the value's code, where the element's text is only its name.
    table: of the standard, by which the code is read.
    is_date: whether it is written as ISO 8601 in the case package; is_number: of a person's identity document.
    """

    name: str
    label: str
    code: str = ""
    table: str = ""
    is_date: bool = False
    is_number: bool = False
    nothing: str = ""
    """How the format says that there is no such value."""


@dataclass(slots=True)
class XmlValues:
    """What was taken out of one tree. `form` is the format's name in the standard's tables."""

    file: str
    form: str
    standard: Standard
    findings: list[Finding] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    unknown: list[UnknownValue] = field(default_factory=list)
    _reported: Counter[str] = field(default_factory=Counter)
    _kept: int = 0

    def leaves(
        self, element: etree._Element, known: Mapping[str, Leaf], prefix: str, above: str, others: Iterable[str] = ()
    ) -> dict[str, str]:
        """Return the values of the `known` elements directly below `element`, by name; the first of each counts.

        others: tags that the caller reads itself. What is neither is kept as unknown.
        """
        path = f"{above}/{element.tag}"
        skipped = frozenset(others)
        values: dict[str, str] = {}
        for child in element:
            if child.tag in skipped:
                continue
            leaf = known.get(child.tag)
            if leaf is None or len(child):
                self.keep(child, path)
            elif leaf.name in values:
                self.complain("FIELD-REPEATED", Verdict.HOLD, child, field=f"{leaf.label}({child.tag})")
                self.keep(child, path)
            else:
                values[leaf.name] = self.leaf(child, leaf, prefix, path)
        return values

    def leaf(self, element: etree._Element, leaf: Leaf, prefix: str, above: str, taken: Iterable[str] = ()) -> str:
        """Return the value of one element and note where it stood. taken: attributes that the caller reads itself."""
        text = (element.text or "").strip()
        value = self.normal(leaf, element.get(leaf.code, "").strip() or text if leaf.code else text)
        self.note(prefix + leaf.name, leaf.label, f"{above}/{element.tag}", element, text if text != value else "")
        self.keep_attributes(element, (leaf.code, *taken), above)
        return value

    def attribute(self, element: etree._Element, name: str, value: str, label: str, above: str) -> str:
        """Return the attribute `name` as the value `value`, and note where it stood; empty if it is not there."""
        text: str = element.get(name, "").strip()
        if text:
            self.note(value, label, f"{_path(element, above)}/@{name}", element)
        return text

    def normal(self, leaf: Leaf, text: str) -> str:
        """Return `text` as the case package writes it."""
        if text == leaf.nothing:
            return ""
        if leaf.table:
            return self.standard.table(leaf.table).read(self.form, text)
        if leaf.is_number:
            return normal_number(text)
        when = read_when(text) if leaf.is_date and text else None
        return when.iso if when is not None else text

    def note(self, value: str, label: str, tag: str, element: etree._Element, text: str = "") -> None:
        """Record where `value` stood."""
        self.origins.append(Origin(value, label, tag, self.file, element.sourceline or 0, text))

    def keep(self, element: etree._Element, above: str) -> None:
        """Keep everything of an element that has no name in the case package."""
        path = f"{above}/{element.tag}"
        if not self._has_room(len(path), element):
            return
        if not (len(element) or element.attrib or own_text(element)):
            self._keep_value(path, "", element)
        self.keep_rest(element, (), above)
        for child in element:
            self.keep(child, path)

    def keep_rest(self, element: etree._Element, known: Iterable[str], above: str) -> None:
        """Keep what an element has besides its children: text of its own, and attributes that are not `known`."""
        if text := own_text(element):
            self._keep_value(_path(element, above), text, element)
        self.keep_attributes(element, known, above)

    def keep_attributes(self, element: etree._Element, known: Iterable[str], above: str) -> None:
        """Keep the attributes of an element that are not `known`."""
        named, path = frozenset(known), _path(element, above)
        for name, value in element.attrib.items():
            if name not in named:
                self._keep_value(f"{path}/@{name}", value, element)

    def _keep_value(self, path: str, value: str, element: etree._Element) -> None:
        if self._has_room(len(path) + len(value), element):
            self.unknown.append(UnknownValue(path, value, self.file, element.sourceline or 0))

    def _has_room(self, characters: int, element: etree._Element) -> bool:
        """Count what is about to be kept; with a finding, False once that is more than any case can hold."""
        was_full = self._kept > MAX_KEPT
        self._kept += characters
        if self._kept > MAX_KEPT and not was_full:
            self.complain("XML-LIMIT", Verdict.REJECT, element, limit=MAX_CASE_PACKAGE_BYTES)
        return self._kept <= MAX_KEPT

    def complain(self, code: str, verdict: Verdict, element: etree._Element, **facts: str | int) -> None:
        """Record a finding at `element`; who has more of one kind than MAX_REPORTED has one cause."""
        self._reported[code] += 1
        if self._reported[code] > MAX_REPORTED:
            return
        place = Place(self.file, element.sourceline or 0, 0, str(facts.get("field", "")))
        shown = {"file": self.file, **facts}
        self.findings.append(Finding(code, verdict, place, mender="vendor", facts=shown))


def own_text(element: etree._Element) -> str:
    """Return the text directly in an element, around its children."""
    return "".join((element.text or "", *(child.tail or "" for child in element))).strip()


def _path(element: etree._Element, above: str) -> str:
    return f"{above}/{element.tag}" if above else str(element.tag)
