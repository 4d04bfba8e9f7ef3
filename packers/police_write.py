"""Writes a case package as the police case system reads it: 案件信息.xml in GBK, 文书/ and 卷宗/, in one zip."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no type information

from gateway.packing import ORIGINALS, Packet
from gateway.standard.catalogue import Standard
from gateway.standard.package import CasePackage, Person, Volume
from packers import names
from packers import police_fields as tags
from packers.foreign import CASE_PACKAGE, Places, code_of, kind_in, lay_out, members_of
from packers.police_xml import FORM, ROOT, Known
from packers.xmlmaking import drop_if_empty, element, leaves

CASE_XML = "案件信息.xml"
SCHEME = "ga380"
"""The scheme of this system's unit codes in the roster: GA 380, twelve digits."""
VERSION = "2.1"
MAX_PART_BYTES = (4 << 30) - (64 << 20)
"""What fits into a zip without ZIP64, with room for its directory."""
_PLACES = Places("文书", "卷宗")
_PROSECUTION = "procuratorate"
"""What the roles of all procuratorates begin with, and the name of their format."""


@dataclass(frozen=True, slots=True)
class ImportItem:
    """One member of an import: the bytes of its name, whether they are marked as UTF-8, and its bytes."""

    name: bytes
    open: Callable[[], BinaryIO]
    size: int
    utf8: bool = False

    @property
    def most_bytes(self) -> int:
        """More than it can take in a zip: Deflate may grow a source a little, and its name stands there twice."""
        return self.size + (self.size >> 10) + 2 * len(self.name) + 1024


def import_items(packet: Packet) -> list[ImportItem]:
    """Return the members of the import, the XML first. What came from this system goes back byte for byte.

    OSError if the disk fails.
    """
    present = members_of(packet.root)
    if packet.package.source.format == FORM and CASE_XML in present:
        return [_file(packet.root / path, *_own_name(packet, path)) for path in present]
    layout = lay_out(packet, present, _PLACES)
    made = {CASE_XML: case_xml(packet, layout.package), f"{ORIGINALS}/{CASE_PACKAGE}": packet.case_file()}
    items = {path: ImportItem(path.encode("gb18030"), partial(io.BytesIO, raw), len(raw)) for path, raw in made.items()}
    for path, target in layout.targets.items():
        items[target] = _file(packet.root / path, target.encode("gb18030"), utf8=False)
    return [items.pop(CASE_XML), *(items[path] for path in sorted(items))]


def _file(path: Path, name: bytes, utf8: bool) -> ImportItem:
    return ImportItem(name, partial(_open, path), path.stat().st_size, utf8)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _own_name(packet: Packet, path: str) -> tuple[bytes, bool]:
    """Return the bytes of the name that the export gave a member, and whether it marked them as UTF-8."""
    source = packet.package.source
    is_utf8 = source.name_encoding == names.UTF8
    raw = packet.raw_names.get(path)
    if raw is not None and names.is_name_of(raw, path):
        # A name that had to be shortened has raw bytes too, in whatever encoding the source used.
        return raw, is_utf8 and not raw.isascii()
    if path.isascii():
        return path.encode(), False
    return (path.encode(), True) if is_utf8 else (path.encode("gb18030"), False)


def case_xml(packet: Packet, package: CasePackage) -> bytes:
    """Return the 案件信息.xml of `package`, whose paths are those of the import; the same value gives the same bytes.

    GBK; where that has no sign for a character, GB18030, which this system reads too, and so declared.
    """
    standard = packet.standard
    root = element(None, ROOT, BB=VERSION, XTMC=package.source.system)
    case = _below(root, "JBXX", _case(packet, package), tags.CASE)
    drop_if_empty(case)
    _list(root, "XYRS", package.persons, lambda above, one: _person(above, one, standard))
    _list(root, "WSLB", package.documents, lambda above, one: _below(above, "WS", _plain(one), tags.DOCUMENT))
    _list(root, "JZML", package.volumes, lambda above, one: _volume(above, one, standard))
    _list(root, "SACW", package.property, lambda above, one: _below(above, "CW", _plain(one), tags.PROPERTY))
    _list(root, "QTXXS", package.values, lambda above, one: _below(above, "QTXX", _plain(one), tags.VALUE))
    etree.indent(root, "  ")
    text = str(etree.tostring(root, encoding="unicode"))
    try:
        return f'<?xml version="1.0" encoding="GBK"?>\n{text}\n'.encode("gbk")
    except UnicodeEncodeError:
        return f'<?xml version="1.0" encoding="GB18030"?>\n{text}\n'.encode("gb18030")


def _case(packet: Packet, package: CasePackage) -> Mapping[str, Any]:
    standard = packet.standard
    kind = standard.flow(package.flow) or standard.reply(package.flow)
    # A flow that this system has no code for goes under its own name, which is better than none.
    code = standard.business_of(FORM, package.flow) or (package.flow if kind is not None else "")
    sender = code_of(packet.sender, SCHEME, package.sender_code)
    receiver = code_of(packet.receiver, SCHEME, package.receiver_code)
    sender_name = package.sender_name or packet.sender.name
    receiver_name = package.receiver_name or packet.receiver.name
    role = packet.sender.role or package.source.format
    ours, theirs = (receiver, receiver_name), (sender, sender_name)
    if not role.startswith(_PROSECUTION):
        ours, theirs = theirs, ours
    numbers = {one.scheme: one.number for one in package.case_numbers}
    found = {name: getattr(package, name) for name, _ in tags.CASE.values() if hasattr(package, name)}
    return (
        found
        | numbers
        | {
            "business": code,
            "business_name": kind.zh if kind is not None else package.business_name,
            "case_no": numbers.get("police-case-no", ""),
            # GA 240.1 in this system; another agency's categories are codes of its own.
            "category": package.category if package.source.format == FORM else "",
            # In this system's fields the two sides of a case are police and procuratorate, whoever is the sender.
            "handling_unit": ours[0],
            "sender_name": ours[1],
            "receiver_code": theirs[0],
            "receiver_name": theirs[1],
            "from_code": sender,
            "from_name": sender_name,
            "to_code": receiver,
            "to_name": receiver_name,
            "secrecy": standard.table("secrecy-level").name_of(package.secrecy),
            "handler.name": package.handler.name,
            "handler.phone": package.handler.phone,
        }
    )


def _person(above: etree._Element, person: Person, standard: Standard) -> None:
    made = _below(above, "XYR", _plain(person), tags.PERSON)
    for tag, (attribute, known, _) in tags.ROWS.items():
        for row in getattr(person, attribute):
            values = _plain(row)
            for table in tags.TABLES.get(attribute, ()):
                values["kind"] = kind_in(standard, table, FORM, row.kind)
                if "name" in values:
                    values["name"] = values["name"] or standard.table(table).name_of(row.kind)
            _below(made, tag, values, known)


def _volume(above: etree._Element, volume: Volume, standard: Standard) -> None:
    kind = kind_in(standard, "volume-kind", FORM, volume.kind)
    made = element(above, "JUAN", XH=volume.ordinal, JMC=volume.title, JLX=kind)
    for entry in volume.entries:
        shared = element(made, "ML", XH=entry.ordinal, MC=entry.title)
        element(shared, "WJ", LJ=entry.path, YS=str(entry.pages) if entry.pages else "")


def _list(root: etree._Element, tag: str, rows: Iterable[Any], add: Callable[[etree._Element, Any], object]) -> None:
    section = element(root, tag)
    for row in rows:
        add(section, row)
    drop_if_empty(section)


def _plain(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _below(above: etree._Element, tag: str, values: Mapping[str, Any], known: Known) -> etree._Element:
    """Add an element with one child for each of `values` that is there, in the order of the tags."""
    made = element(above, tag)
    leaves(made, {child: _written(name, str(values.get(name) or "")) for child, (name, _) in known.items()})
    return made


def _written(name: str, text: str) -> str:
    if name == "birth_date":
        return text.replace("-", "")
    return text.replace("T", " ") if name in tags.DATES else text
