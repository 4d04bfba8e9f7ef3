"""Writes an import as the court's case system reads it: data.xml, WS/ with the documents, and the list of files."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no type information

from gateway.packing import Packet
from gateway.standard.catalogue import Standard
from gateway.standard.package import CasePackage, Change, Person, Sentence, Value
from packers import court_fields as tags
from packers.filelist import list_bytes
from packers.foreign import Places, code_of, lay_out, leave_case_package, members_of, move_into
from packers.marker import digest_file
from packers.xmlmaking import document_bytes, drop_if_empty, element, leaves
from packers.xmlvalues import Leaf

_ARTICLE: Final = re.compile(r"([0-9]+)(之[一二三四五六七八九十]+)?")
_PLACES: Final = Places(tags.DOCUMENTS, tags.DOSSIER)
_LX: Final = {scheme: sort for sort, scheme in tags.NUMBERS.items()}


def write_import(packet: Packet, folder: Path) -> None:
    """Write the import into the empty `folder`, moving the members of `packet`; OSError if the disk fails.

    A court's own export goes back as it came. Any other case is written in this format; what it has no place for lies
    below ORIGINALS, with the case package.
    """
    present = members_of(packet.root)
    if packet.package.source.format == tags.FORM and tags.DATA in present:
        for path in present:
            move_into(packet, path, folder / path)
        return
    layout = lay_out(packet, present, _PLACES)
    leave_case_package(packet, folder)
    for path, target in layout.targets.items():
        move_into(packet, path, folder / target)
    there = frozenset(layout.targets.values())
    (folder / tags.DATA).write_bytes(document_bytes(_CourtXml(packet, layout.package, there).root()))
    written = [tags.DATA, *(path for path in members_of(folder) if path != tags.DATA)]
    digests = {path: digest_file(folder / path).md5 for path in written}
    (folder / tags.FILE_LIST).write_bytes(list_bytes(digests))


class _CourtXml:
    """One case package as the tree of a data.xml. package: with the paths of the import; there: those that exist."""

    def __init__(self, packet: Packet, package: CasePackage, there: Collection[str]) -> None:
        self._packet = packet
        self._package = package
        self._standard: Standard = packet.standard
        self._there = there

    def root(self) -> etree._Element:
        packet, package = self._packet, self._package
        kind = self._standard.flow(package.flow) or self._standard.reply(package.flow)
        at = package.exported_at
        root = element(
            None,
            tags.ROOT,
            VER=tags.VERSION,
            YW=self._standard.business_of(tags.FORM, package.flow) or package.flow,
            YWMC=kind.zh if kind is not None else package.business_name,
            FYDM=code_of(packet.sender, tags.FORM, package.sender_code),
            FYMC=packet.sender.name or package.sender_name,
            JSDW=code_of(packet.receiver, tags.FORM, package.receiver_code),
            SCSJ=f"{at}+08:00" if "T" in at else at,
        )
        case = element(root, "AJ", AJLX=package.category, MJ=package.secrecy)
        self._numbers(case)
        for tag, leaf in tags.CASE.items():
            home: object = package.handler if leaf.name.startswith("handler.") else package
            leaves(case, {tag: str(getattr(home, leaf.name.removeprefix("handler.")))})
        self._values(case, package.values, tags.CASE_VALUES)
        for n, person in enumerate(package.persons):
            self._person(case, person, n)
        self._documents(case)
        self._dossier(case)
        return root

    def _numbers(self, case: etree._Element) -> None:
        leaves(case, {"AH": self._package.number("court-case-no")})
        for one in self._package.case_numbers:
            if one.scheme in _LX:
                element(case, "GLAH", one.number, LX=_LX[one.scheme])

    def _values(self, above: etree._Element, values: Iterable[Value], known: Mapping[str, Leaf]) -> None:
        by_field = {leaf.name: (tag, leaf) for tag, leaf in known.items()}
        for one in values:
            if one.field in by_field and one.value:
                self._leaf(above, *by_field[one.field], one.value)

    def _leaf(self, above: etree._Element, tag: str, leaf: Leaf, value: str) -> None:
        if not leaf.code:
            element(above, tag, value)
            return
        table = self._standard.table(leaf.table)
        element(above, tag, table.name_of(value), **{leaf.code: table.write(tags.FORM, value)})

    def _record(self, above: etree._Element, record: object, known: Mapping[str, Leaf]) -> None:
        for tag, leaf in known.items():
            value = str(getattr(record, leaf.name))
            if value:
                self._leaf(above, tag, leaf, value)

    def _person(self, case: etree._Element, person: Person, n: int) -> None:
        made = element(case, "BGR", XH=person.ordinal or str(n + 1))
        self._record(made, person, tags.PERSON)
        if person.id_no or person.id_type:
            element(made, "ZJ", person.id_no, LX=person.id_type)
        for measure in person.measures:
            taken = element(made, "QZCS")
            is_last = measure is person.measures[-1]
            self._record(taken, measure, {t: f for t, f in tags.MEASURE.items() if not (is_last and t in {"CS", "BH"})})
            drop_if_empty(taken)
        if person.measures:
            self._record(made, person.measures[-1], tags.CUSTODY)
        # Of sentences that follow each other the last one counts; all of them stand in the case package.
        sentence = person.sentences[-1] if person.sentences else Sentence()
        self._judged(made, person, sentence)
        executed = element(made, "ZXXX")
        self._record(executed, sentence, tags.EXECUTION)
        drop_if_empty(executed)
        for change in person.changes:
            self._change(made, change)
        self._values(made, person.values, tags.PERSON_VALUES)

    def _judged(self, above: etree._Element, person: Person, sentence: Sentence) -> None:
        made = element(above, "PX")
        for charge in person.charges:
            rule = self._standard.charges.by_name(charge.name)
            match = _ARTICLE.fullmatch(charge.article)
            article = f"刑法第{match[1]}条{match[2] or ''}" if match else charge.article
            element(made, "ZM", charge.name, DM=rule.id if rule is not None else charge.code, FT=article)
        known = {tag: leaf for tag, leaf in tags.SENTENCE.items() if leaf.name in {"kind", "term"}}
        self._record(made, sentence, known)
        if sentence.additional:
            listed = element(made, "FJX")
            for one in sentence.additional.split(tags.BETWEEN):
                match = tags.FINE.fullmatch(one)
                element(listed, "FJ", match["name"] if match else one, JE=match["sum"] if match else "")
        if sentence.kind or sentence.term:
            element(made, "HX", sentence.probation or "0")
        self._record(made, sentence, {tag: leaf for tag, leaf in tags.SENTENCE.items() if tag in {"YPFY", "YPAH"}})
        drop_if_empty(made)

    def _change(self, above: etree._Element, change: Change) -> None:
        made = element(above, "XFBG")
        self._record(made, change, tags.CHANGE)
        drop_if_empty(made)

    def _documents(self, case: etree._Element) -> None:
        listed = element(case, "WSS")
        for n, one in enumerate(self._package.documents, 1):
            sort = self._standard.table("document-type").write(tags.FORM, one.kind)
            element(
                listed,
                "WS",
                XH=str(n),
                LX=sort,
                MC=one.title,
                WH=one.number,
                WJ=one.path if one.path in self._there else "",
                YS=str(one.pages) if one.pages else "",
                QZ=one.signed,
                RYBH=one.person_no,
            )
        drop_if_empty(listed)

    def _dossier(self, case: etree._Element) -> None:
        listed = element(case, "DZJZ")
        for volume in self._package.volumes:
            sort = self._standard.table("volume-kind").write(tags.FORM, volume.kind)
            made = element(listed, "JZ", XH=volume.ordinal, LX=sort, MC=volume.title)
            for entry in volume.entries:
                pages = str(entry.pages) if entry.pages else ""
                place = entry.path if entry.path in self._there else ""
                element(made, "WJ", XH=entry.ordinal, MC=entry.title, LJ=place, YS=pages)
        drop_if_empty(listed)
