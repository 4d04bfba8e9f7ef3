"""Turns the tree of a court export's data.xml into a case package, each value with its line, nothing lost."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no type information

from gateway.standard.catalogue import Standard
from gateway.standard.check_documents import person_named
from gateway.standard.dates import read_when
from gateway.standard.findings import Finding, Verdict
from gateway.standard.numerals import read_digits
from gateway.standard.package import (
    UNCLASSIFIED,
    CaseNumber,
    CasePackage,
    Change,
    Charge,
    Document,
    DossierEntry,
    Handler,
    Measure,
    Person,
    Sentence,
    Source,
    Value,
    Volume,
)
from packers import court_fields as tags
from packers.xmlvalues import Leaf, XmlValues, own_text

MAX_ELEMENTS = 400_000
"""Thirty elements for each of 10,000 prisoners of one batch, with as much to spare."""
_AT = f"{tags.ROOT}/AJ"
_CASE_NO = Leaf("case_no", "案号")
_ID_NO = Leaf("id_no", "证件号码", is_number=True)


@dataclass(slots=True)
class CourtReader:
    """Reads one tree, once. `path_of` turns a path as the XML writes it into the one under which the member travels."""

    path_of: Callable[[str], str]
    standard: Standard
    file: str = tags.DATA
    taken: XmlValues = field(init=False)
    case_id: str = ""
    """The court's own key of the case, which the export's name repeats."""
    _numbers: list[CaseNumber] = field(default_factory=list)
    _values: list[Value] = field(default_factory=list)
    _persons: list[Person] = field(default_factory=list)
    _documents: list[Document] = field(default_factory=list)
    _volumes: list[Volume] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.taken = XmlValues(self.file, tags.FORM, self.standard)

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the tree's form."""
        return self.taken.findings

    def read(self, root: etree._Element, source: Source) -> CasePackage:
        """Return the case package; with a finding, an empty one where the tree is none of a court export."""
        why = "root" if root.tag != tags.ROOT else "elements" if sum(1 for _ in root.iter()) > MAX_ELEMENTS else ""
        if why:
            self.taken.complain("XML-SCHEMA", Verdict.REJECT, root, why=why)
            return CasePackage(source)
        head = {
            name: self.taken.attribute(root, attribute, name, label, "")
            for attribute, (name, label) in {
                "YW": ("business", "业务"),
                "YWMC": ("business_name", "业务名称"),
                "FYDM": ("sender_code", "法院代码"),
                "FYMC": ("sender_name", "法院名称"),
                "SCSJ": ("exported_at", "生成时间"),
                "JSDW": ("receiver_code", "接收单位"),
            }.items()
        }
        self.taken.keep_rest(root, ("VER", "YW", "YWMC", "FYDM", "FYMC", "SCSJ", "JSDW"), "")
        case: dict[str, str] | None = None
        for element in root:
            if element.tag != "AJ":
                self.taken.keep(element, tags.ROOT)
            elif case is None:
                case = self._case(element)
            else:
                self.taken.complain("FIELD-REPEATED", Verdict.HOLD, element, field="案件(AJ)")
                self.taken.keep(element, tags.ROOT)
        return self._package(source, head, case or {})

    def _package(self, source: Source, head: dict[str, str], case: dict[str, str]) -> CasePackage:
        business = head["business"]
        flow = self.standard.flow_of(tags.FORM, business) or (business if business in self.standard.names() else "")
        return CasePackage(
            source,
            flow=flow or UNCLASSIFIED,
            business=business,
            business_name=head["business_name"],
            sender_code=head["sender_code"],
            sender_name=head["sender_name"],
            handling_unit=head["sender_code"],
            receiver_code=head["receiver_code"],
            case_no=case.get("case_no") or next((one.number for one in self._numbers), ""),
            case_name=case.get("case_name", ""),
            case_numbers=tuple(self._numbers),
            batch_no=case.get("batch_no", ""),
            category=case.get("category", ""),
            filing_date=case.get("filing_date", ""),
            offence_start=case.get("offence_start", ""),
            offence_end=case.get("offence_end", ""),
            offence_region=case.get("offence_region", ""),
            offence_place=case.get("offence_place", ""),
            request_date=case.get("request_date", ""),
            exported_at=_local(head["exported_at"]),
            secrecy=case.get("secrecy", ""),
            person_count=case.get("person_count", ""),
            handler=Handler(case.get("handler.name", ""), case.get("handler.phone", "")),
            brief=case.get("brief", ""),
            values=tuple(self._values),
            persons=tuple(self._persons),
            documents=tuple(self._documents),
            volumes=tuple(self._volumes),
            origins=tuple(self.taken.origins),
            unknown=tuple(self.taken.unknown),
        )

    def _case(self, element: etree._Element) -> dict[str, str]:
        own = ("AH", "GLAH", "BGR", "WSS", "DZJZ", *tags.CASE_VALUES)
        case = self.taken.leaves(element, tags.CASE, "", tags.ROOT, own)
        case["category"] = self.taken.attribute(element, "AJLX", "category", "案件类型", tags.ROOT)
        case["secrecy"] = self.taken.attribute(element, "MJ", "secrecy", "密级", tags.ROOT)
        self.case_id = element.get("AJBS", "").strip()
        self.taken.keep_rest(element, ("AJLX", "MJ"), tags.ROOT)
        for child in element:
            match child.tag:
                case "AH" if not len(child) and "case_no" not in case:
                    case["case_no"] = self.taken.leaf(child, _CASE_NO, "", _AT)
                    self._numbers.append(CaseNumber("court-case-no", case["case_no"]))
                case "AH":
                    self.taken.complain("FIELD-REPEATED", Verdict.HOLD, child, field="案号(AH)")
                    self.taken.keep(child, _AT)
                case "GLAH":
                    self._related(child)
                case "BGR":
                    self._persons.append(self._person(child, len(self._persons)))
                case "WSS":
                    self._list(child, "WS", self._document)
                case "DZJZ":
                    self._list(child, "JZ", self._volume)
                case tag if tag in tags.CASE_VALUES:
                    self._value(child, tags.CASE_VALUES[tag], self._values, "", _AT)
        return case

    def _related(self, element: etree._Element) -> None:
        scheme = tags.NUMBERS.get(element.get("LX", ""))
        text = (element.text or "").strip()
        if scheme is None or len(element) or not text:
            self.taken.keep(element, _AT)
            return
        self.taken.note(f"case_numbers[{len(self._numbers)}].number", "关联案号", f"{_AT}/GLAH", element)
        self.taken.keep_attributes(element, ("LX",), _AT)
        self._numbers.append(CaseNumber(scheme, text))

    def _value(self, element: etree._Element, leaf: Leaf, into: list[Value], prefix: str, above: str) -> None:
        if len(element) or any(one.field == leaf.name for one in into):
            if not len(element):
                self.taken.complain("FIELD-REPEATED", Verdict.HOLD, element, field=f"{leaf.label}({element.tag})")
            self.taken.keep(element, above)
            return
        before = len(self.taken.origins)
        text = self.taken.leaf(element, leaf, "", above)
        del self.taken.origins[before:]
        stood = own_text(element)
        place = f"{prefix}values[{len(into)}].value"
        self.taken.note(place, leaf.label, f"{above}/{element.tag}", element, stood if stood != text else "")
        into.append(Value(leaf.name, text))

    def _person(self, element: etree._Element, n: int) -> Person:
        prefix, path = f"persons[{n}].", f"{_AT}/BGR"
        own = ("ZJ", "PX", "ZXXX", "XFBG", "QZCS", *tags.CUSTODY, *tags.PERSON_VALUES)
        known: dict[str, Any] = {**self.taken.leaves(element, tags.PERSON, prefix, _AT, own)}
        known["ordinal"] = self.taken.attribute(element, "XH", f"{prefix}ordinal", "序号", _AT)
        self.taken.keep_rest(element, ("XH",), _AT)
        custody: dict[str, str] = {}
        measures: list[Measure] = []
        sentence: dict[str, str] = {}
        charges: list[Charge] = []
        changes: list[Change] = []
        values: list[Value] = []
        for child in element:
            match child.tag:
                case "ZJ" if "id_no" not in known:
                    known["id_type"] = self.taken.attribute(child, "LX", f"{prefix}id_type", "证件种类", path)
                    known["id_no"] = self.taken.leaf(child, _ID_NO, prefix, path, ("LX",))
                    if self.taken.origins[-1].text:
                        number = f"{_ID_NO.label}(ZJ)"
                        self.taken.complain(
                            "ID-LOWERCASE-X", Verdict.FIX, child, field=number, person=known.get("name", "")
                        )
                case "PX":
                    self._judged(child, sentence, charges, prefix, path)
                case "ZXXX":
                    at = f"{prefix}sentences[0]."
                    self._merge(sentence, self.taken.leaves(child, tags.EXECUTION, at, path), child)
                    self.taken.keep_rest(child, (), path)
                case "XFBG":
                    at = f"{prefix}changes[{len(changes)}]."
                    changes.append(Change(**self.taken.leaves(child, tags.CHANGE, at, path)))
                    self.taken.keep_rest(child, (), path)
                case "QZCS":
                    at = f"{prefix}measures[{len(measures)}]."
                    measures.append(Measure(**self.taken.leaves(child, tags.MEASURE, at, path)))
                    self.taken.keep_rest(child, (), path)
                case tag if tag in tags.CUSTODY and tags.CUSTODY[tag].name not in custody:
                    leaf = tags.CUSTODY[tag]
                    last = max(len(element.findall("QZCS")) - 1, 0)
                    custody[leaf.name] = self.taken.leaf(child, leaf, f"{prefix}measures[{last}].", path)
                case tag if tag in tags.PERSON_VALUES:
                    self._value(child, tags.PERSON_VALUES[tag], values, prefix, path)
                case tag if tag in own:
                    self.taken.complain("FIELD-REPEATED", Verdict.HOLD, child, field=str(tag))
                    self.taken.keep(child, path)
        if custody:
            # Where the person is now belongs to the last measure that was taken.
            measures = [*measures[:-1], replace(measures[-1] if measures else Measure(), **custody)]
        return Person(
            **known,
            charges=tuple(charges),
            measures=tuple(measures),
            sentences=(Sentence(**sentence),) if sentence else (),
            changes=tuple(changes),
            values=tuple(values),
        )

    def _judged(
        self, element: etree._Element, sentence: dict[str, str], charges: list[Charge], prefix: str, above: str
    ) -> None:
        path = f"{above}/PX"
        found = self.taken.leaves(element, tags.SENTENCE, f"{prefix}sentences[0].", above, ("ZM", "FJX"))
        self.taken.keep_rest(element, (), above)
        penalties: list[str] = []
        for child in element:
            if child.tag == "ZM":
                charges.append(self._charge(child, f"{prefix}charges[{len(charges)}]", path))
            elif child.tag == "FJX":
                self._list(child, "FJ", lambda one: penalties.append(self._penalty(one, prefix)), path)
        if penalties:
            found["additional"] = tags.BETWEEN.join(penalties)
        self._merge(sentence, found, element)

    def _merge(self, sentence: dict[str, str], found: dict[str, str], element: etree._Element) -> None:
        """Add to the one sentence; a second judgment of one person in one case is for a person to look at."""
        if sentence.keys() & found.keys():
            self.taken.complain("FIELD-REPEATED", Verdict.HOLD, element, field=f"判项({element.tag})")
        sentence |= {name: value for name, value in found.items() if name not in sentence}

    def _charge(self, element: etree._Element, value: str, above: str) -> Charge:
        article = element.get("FT", "").strip()
        match = tags.ARTICLE.fullmatch(article)
        self.taken.note(value, "罪名", f"{above}/ZM", element, article if match else "")
        self.taken.keep_attributes(element, ("DM", "FT"), above)
        number = match[1].replace("条", "") if match else article
        return Charge(element.get("DM", "").strip(), (element.text or "").strip(), number)

    def _penalty(self, element: etree._Element, prefix: str) -> str:
        self.taken.note(f"{prefix}sentences[0].additional", "附加刑", f"{_AT}/BGR/PX/FJX/FJ", element)
        self.taken.keep_attributes(element, ("JE",), f"{_AT}/BGR/PX/FJX")
        sum_of_money = element.get("JE", "").strip()
        return (element.text or "").strip() + (f"{sum_of_money}元" if sum_of_money else "")

    def _list(
        self, element: etree._Element, tag: str, take: Callable[[etree._Element], object], above: str = _AT
    ) -> None:
        self.taken.keep_rest(element, (), above)
        for child in element:
            if child.tag == tag:
                take(child)
            else:
                self.taken.keep(child, f"{above}/{element.tag}")

    def _document(self, element: etree._Element) -> None:
        title, written = element.get("MC", "").strip(), element.get("WJ", "").strip()
        sort, pages = element.get("LX", "").strip(), element.get("YS", "").strip()
        kind = self.standard.document_titled(title)
        by_sort = self.standard.table("document-type").read(tags.FORM, sort)
        code = kind.code if kind is not None else by_sort if by_sort in self.standard.documents else ""
        known = ["XH", "MC", "WJ", "QZ", "WH", "RYBH"]
        known += ["LX"] if not sort or self.standard.table("document-type").write(tags.FORM, code) == sort else []
        known += ["YS"] if read_digits(pages) else []
        self.taken.keep_rest(element, known, f"{_AT}/WSS")
        for child in element:
            self.taken.keep(child, f"{_AT}/WSS/WS")
        self._documents.append(
            Document(
                title=title,
                path=self.path_of(written),
                number=element.get("WH", "").strip(),
                pages=read_digits(pages) or 0,
                signed=element.get("QZ", "").strip(),
                person=person_named(title, written.replace("\\", "/")),
                person_no=element.get("RYBH", "").strip(),
                kind=code,
                ordinal=element.get("XH", "").strip(),
                line=element.sourceline or 0,
            )
        )

    def _volume(self, element: etree._Element) -> None:
        path = f"{_AT}/DZJZ"
        self.taken.keep_rest(element, ("LX", "MC", "XH"), path)
        self.taken.note(f"volumes[{len(self._volumes)}]", "电子卷宗", f"{path}/JZ", element)
        entries = []
        for child in element:
            if child.tag != "WJ":
                self.taken.keep(child, f"{path}/JZ")
                continue
            self.taken.keep_rest(child, ("MC", "LJ", "YS", "XH"), f"{path}/JZ")
            for one in child:
                self.taken.keep(one, f"{path}/JZ/WJ")
            entries.append(
                DossierEntry(
                    title=child.get("MC", "").strip(),
                    path=self.path_of(child.get("LJ", "").strip()),
                    pages=read_digits(child.get("YS", "").strip()) or 0,
                    ordinal=child.get("XH", "").strip(),
                    line=child.sourceline or 0,
                )
            )
        kind = self.standard.table("volume-kind").read(tags.FORM, element.get("LX", "").strip())
        self._volumes.append(
            Volume(
                kind,
                element.get("MC", "").strip(),
                tuple(entries),
                element.get("XH", "").strip(),
                element.sourceline or 0,
            )
        )


def _local(text: str) -> str:
    """Return a moment as local time; China has one zone, so what is left out says nothing (GB/T 7408.1)."""
    when = read_when(text.removesuffix("+08:00"))
    return when.iso if when is not None else text
