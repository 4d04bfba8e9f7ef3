"""Writes a case package as the procuratorate's system 2.0 reads it: case.json, docs/ and the list of all files."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.packing import Packet
from gateway.standard.catalogue import Standard
from gateway.standard.package import CasePackage, Document, Person, Value, Volume
from packers import procuratorate_fields as tags
from packers.foreign import Places, code_of, kind_in, lay_out, leave_case_package, members_of, move_into
from packers.procuratorate_json import FORM, NODE_MARK
from packers.procuratorate_manifest import MANIFEST, Listed, manifest_bytes

CASE_JSON = "case.json"
SCHEME = "procuratorate"
"""The scheme of this system's unit codes in the roster."""
_PLACES = Places("docs", "docs/卷宗")
_CHUNK = 1 << 20


def write_folder(packet: Packet, folder: Path) -> None:
    """Write everything but the marks into the empty `folder`, moving the files below `packet.root`.

    OSError if the disk fails.
    """
    if packet.package.source.format == FORM and (packet.root / CASE_JSON).is_file():
        for child in sorted(packet.root.iterdir()):
            child.rename(folder / child.name)
        return
    layout = lay_out(packet, members_of(packet.root), _PLACES)
    for path, target in layout.targets.items():
        move_into(packet, path, folder / target)
    leave_case_package(packet, folder)
    (folder / CASE_JSON).write_bytes(case_json(packet, layout.package))
    rest = [path for path in members_of(folder) if path != CASE_JSON]
    listed = [_listed(folder, path) for path in (CASE_JSON, *rest)]
    (folder / MANIFEST).write_bytes(manifest_bytes(listed))


def case_json(packet: Packet, package: CasePackage) -> bytes:
    """Return the case.json of `package`, whose paths are those of the import; the same value gives the same bytes."""
    standard = packet.standard
    data: dict[str, Any] = {
        "xtxx": _exchange(packet, package),
        "ajjbxx": _case(package),
        "xyr": [_person(person, standard) for person in package.persons],
        "ws": [_document(one) for one in package.documents],
    }
    if package.volumes:
        data["jz"] = [_volume(one, standard) for one in package.volumes]
    if package.property:
        data["cw"] = [_named(one, tags.PROPERTY) for one in package.property]
    if extra := _extra(package.values, tags.VALUES):
        data["qtxx"] = extra
    return json.dumps(data, ensure_ascii=False, indent=2).encode()


def _exchange(packet: Packet, package: CasePackage) -> dict[str, Any]:
    standard = packet.standard
    kind = standard.flow(package.flow) or standard.reply(package.flow)
    # A flow that this system has no code for goes under its own name, which is better than none.
    code = standard.business_of(FORM, package.flow) or (package.flow if kind is not None else "")
    business, _, node = code.partition(NODE_MARK)
    numbers = {one.scheme: one.number for one in package.case_numbers}
    found = {
        "class": business,
        "business_name": package.business_name or (kind.zh if kind is not None else ""),
        "node": node,
        "sender_code": code_of(packet.sender, SCHEME, package.sender_code),
        "sender_name": package.sender_name or packet.sender.name,
        "receiver_code": code_of(packet.receiver, SCHEME, package.receiver_code),
        "receiver_name": package.receiver_name or packet.receiver.name,
        "exported_at": package.exported_at,
        "secrecy": standard.table("secrecy-level").name_of(package.secrecy),
        "related_package": package.related_package,
        "batch_no": package.batch_no,
        "grant": package.grant,
    }
    rows = _written(found | numbers, tags.EXCHANGE, lower=True)
    rows.setdefault("pttyah", None)
    return rows


def _case(package: CasePackage) -> dict[str, Any]:
    values = {one.field: one.value for one in package.values if one.field in tags.VALUES}
    if "juvenile-flag" in values:
        values["juvenile-flag"] = {"1": "Y", "0": "N"}.get(values["juvenile-flag"], values["juvenile-flag"])
    numbers = {one.scheme: one.number for one in package.case_numbers}
    own = package.source.format == FORM
    found = {
        "category" if own else "category_of_charge": package.category,
        "handler.name": package.handler.name,
        "handler.phone": package.handler.phone,
    }
    plain = {name: getattr(package, name) for name, _ in tags.CASE.values() if hasattr(package, name)}
    return _written(plain | {"category": ""} | found | values | numbers, tags.CASE)


def _person(person: Person, standard: Standard) -> dict[str, Any]:
    rows = _named(person, tags.PERSON)
    first, *others = person.decisions or (None,)
    name, slug, _ = tags.REFUSAL
    refusal = next((one for one in person.values if one.field == slug), None)
    lists: dict[str, list[dict[str, Any]]] = {}
    for tag, (attribute, known, _) in tags.ROWS.items():
        if attribute == "values":
            lists[tag] = _extra(tuple(one for one in person.values if one is not refusal), ())
        elif attribute == "decisions":
            lists[tag] = [_row(one, attribute, known, standard) for one in others]
        else:
            lists[tag] = [_row(one, attribute, known, standard) for one in getattr(person, attribute)]
    rows |= {tag: found for tag, found in lists.items() if found}
    if first is not None:
        rows |= _row(first, "decisions", tags.DECISION, standard)
    if refusal is not None:
        rows[name] = refusal.value
    return rows


def _row(row: Any, attribute: str, known: tags.Known, standard: Standard) -> dict[str, Any]:
    values = {name: getattr(row, name) for name, _ in known.values()}
    for table in tags.TABLES.get(attribute, ()):
        if "name" in values:
            values["name"] = values["name"] or standard.table(table).name_of(row.kind)
        values["kind"] = kind_in(standard, table, FORM, row.kind)
    return _written(values, known, lower=attribute == "charges")


def _document(document: Document) -> dict[str, Any]:
    rows = _named(document, tags.DOCUMENT, lower=True)
    if document.signed in {"0", "1"}:
        rows["qz"] = document.signed == "1"
    return rows


def _volume(volume: Volume, standard: Standard) -> dict[str, Any]:
    rows = _named(volume, tags.VOLUME, lower=True)
    kind = kind_in(standard, "volume-kind", FORM, volume.kind)
    return rows | {"jlx": kind, "wj": [_named(one, tags.ENTRY, lower=True) for one in volume.entries]}


def _extra(values: Iterable[Value], placed: Iterable[str]) -> list[dict[str, Any]]:
    return [_named(one, tags.VALUE) for one in values if one.field not in placed]


def _named(row: Any, known: tags.Known, *, lower: bool = False) -> dict[str, Any]:
    return _written({name: getattr(row, name) for name, _ in known.values()}, known, lower=lower)


def _written(values: Mapping[str, Any], known: tags.Known, *, lower: bool = False) -> dict[str, Any]:
    """Return the values that are there under their names, in the order of the table, dates as this system writes
    them."""
    found = {}
    for tag, (name, _) in known.items():
        value = values.get(name)
        if value:
            text = value.replace("T", " ") if name in tags.DATES and isinstance(value, str) else value
            found[tag.lower() if lower else tag] = text
    return found


def _listed(folder: Path, path: str) -> Listed:
    digest, size = hashlib.sha256(), 0
    with (folder / path).open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Listed(path, size, digest.hexdigest())
