"""Writes an import as the prison's system reads it: a table in GBK, a folder for each prisoner, the mark of its end."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Final

from gateway.packing import ORIGINALS, Packet
from gateway.standard.content import suffix_of
from gateway.standard.package import CasePackage, Change, Document, Person, Sentence
from packers import names
from packers import prison_fields as tags
from packers.foreign import Layout, Places, code_of, lay_out, leave_case_package, members_of, move_into
from packers.marker import digest_file
from packers.overmark import OverMark, over_bytes

_PLACES: Final = Places(tags.SHARED, f"{ORIGINALS}/卷宗")
"""A batch has no place for volumes: they lie beside it."""
_FOLDER: Final = re.compile(r"[0-9A-Za-z_-]{1,40}")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no table may hold (packers/csvtext.py); a JSON text may."""
_LONGEST_TITLE: Final = 60
"""Characters of a title that becomes a file's name; 180 bytes, as names.SHORT_STEM_BYTES."""


def write_import(packet: Packet, into: Path) -> tuple[str, ...]:
    """Write the import into `into`, moving the members of `packet`; return its entries, the mark last. OSError if the
    disk fails.

    A prison's own batch goes back as it came. Any other case is written in this format; what it has no place for lies
    below ORIGINALS in the folder, with the case package.
    """
    present = members_of(packet.root)
    folder, table, mark = into / packet.name, into / f"{packet.name}.csv", into / f"{packet.name}.over"
    if packet.package.source.format == tags.FORM and tags.LIST in present:
        _return(packet, present, folder, table, mark)
    else:
        folder.mkdir()
        batch = _Batch(packet, present)
        leave_case_package(packet, folder)
        for path, target in batch.targets.items():
            move_into(packet, path, folder / target)
        with table.open("xb") as out:
            out.write(batch.table())
    if not mark.exists():
        files = sum(1 for p in folder.rglob("*") if p.is_file()) if folder.exists() else 0
        rows = len(packet.package.persons)
        with mark.open("xb") as out:
            out.write(over_bytes(OverMark(rows, files, digest_file(table).md5)))
    entries = [table.name, *([folder.name] if folder.exists() else [])]
    if packet.corrects:
        correction = into / f"{packet.name}.corrects"
        correction.write_bytes(f"CORRECTS={packet.corrects}.csv\r\n".encode("gbk"))
        entries.append(correction.name)
    return (*entries, mark.name)


def _return(packet: Packet, present: Sequence[str], folder: Path, table: Path, mark: Path) -> None:
    for path in present:
        target = {tags.LIST: table, tags.MARK: mark}.get(path, folder / path)
        if target.exists():
            raise FileExistsError(target.name)
        move_into(packet, path, target)


class _Batch:
    """One case package as the table and the folders of a batch. targets: member -> its place in the batch's folder."""

    def __init__(self, packet: Packet, present: Sequence[str]) -> None:
        self._packet = packet
        self._package: CasePackage = packet.package
        self._folders = _folders(self._package.persons)
        layout = lay_out(packet, present, _PLACES)
        self.targets = {**layout.targets, **self._placed(layout)}

    def _placed(self, layout: Layout) -> dict[str, str]:
        """Return where the documents go: each into the folder of the person whose it is."""
        member_at = {target: path for path, target in layout.targets.items()}
        found: dict[str, str] = {}
        taken: set[str] = set()
        for n, document in enumerate(layout.package.documents, 1):
            member = member_at.get(document.path)
            if member is None or member in found:
                continue
            folder = self._folder_of(document)
            name = document.path.rpartition("/")[2]
            tries = (f"{m:04d}_{name}" for m in count(n))
            target = next(
                place
                for one in chain([_file_name(document, name)], tries)
                if names.folded(place := names.fitting_path(f"{folder}/{one}")) not in taken
            )
            taken.add(names.folded(target))
            found[member] = target
        return found

    def _folder_of(self, document: Document) -> str:
        persons = self._package.persons
        if len(persons) == 1:
            return self._folders[0]
        for n, person in enumerate(persons):
            if document.person_no and document.person_no == person.person_no:
                return self._folders[n]
        named = [n for n, person in enumerate(persons) if document.person and document.person == person.name]
        return self._folders[named[0]] if len(named) == 1 else tags.SHARED

    def table(self) -> bytes:
        """Return the table: GBK, or GB18030 where a name needs it; both are read alike."""
        case = self._case()
        rows = [{**self._person(n, person), **case} for n, person in enumerate(self._package.persons)]
        more = [name for name in tags.MORE if any(row.get(name) for row in rows)]
        heading = [*tags.COLUMNS, *more]
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(heading)
        writer.writerows([_CONTROL.sub("\ufffd", row.get(name, "")) for name in heading] for row in rows)
        text = out.getvalue()
        try:
            return text.encode("gbk")
        except UnicodeEncodeError:
            return text.encode("gb18030")

    def _case(self) -> dict[str, str]:
        packet, package, standard = self._packet, self._package, self._packet.standard
        kind = standard.flow(package.flow) or standard.reply(package.flow)
        values = {one.field: one.value for one in package.values}
        by_name = {
            "batch_no": package.batch_no,
            "business": (standard.business_of(tags.FORM, package.flow) or package.flow) if kind is not None else "",
            "business_name": kind.zh if kind is not None else package.business_name,
            "sender_code": code_of(packet.sender, tags.FORM, package.sender_code),
            "sender_name": packet.sender.name or package.sender_name,
            "receiver_code": code_of(packet.receiver, tags.FORM, package.receiver_code),
            "case_name": package.case_name,
            "handler": package.handler.name,
            "secrecy": package.secrecy,
            **{scheme: package.number(scheme) for scheme in tags.NUMBERS},
            **{name: values.get(name, "") for name in tags.CASE_VALUES},
        }
        return {heading: by_name[one.name] for heading, one in tags.KNOWN.items() if one.home == tags.CASE}

    def _person(self, n: int, person: Person) -> dict[str, str]:
        # Of sentences that follow each other the last one counts; all of them stand in the case package.
        sentence = person.sentences[-1] if person.sentences else Sentence()
        change = person.changes[-1] if person.changes else Change()
        values = {one.field: one.value for one in person.values}
        row: dict[str, str] = {}
        for heading, column in tags.KNOWN.items():
            match column.home:
                case tags.PERSON:
                    text = getattr(person, column.name)
                case tags.SENTENCE:
                    text = getattr(sentence, column.name)
                case tags.CHANGE:
                    text = getattr(change, column.name)
                case tags.VALUE:
                    text = values.get(column.name, "")
                case tags.MEASURE:
                    text = getattr(person.measures[-1], column.name) if person.measures else ""
                case tags.CHARGE:
                    named = [charge for charge in person.charges if charge.name]
                    found = [getattr(charge, column.name) for charge in named]
                    text = tags.BETWEEN.join(found) if any(found) else ""
                case _:
                    continue
            row[heading] = self._packet.standard.table(column.table).name_of(text) if column.table else text
        row["序号"] = person.ordinal or str(n + 1)
        row["材料目录"] = self._folders[n]
        if not person.changes and self._packet.standard.flow(self._package.flow) is not None:
            # The judgment itself is what is sent, so this court and its number are those of the original judgment.
            row["原判法院"] = row["原判法院"] or self._package.sender_name
            row["原判案号"] = row["原判案号"] or self._package.number("court-case-no")
        return row


def _folders(persons: Sequence[Person]) -> Mapping[int, str]:
    """Return the folder of each person: the one that the case names, else the person's number; unique and safe."""
    found: dict[int, str] = {}
    taken: set[str] = {names.folded(tags.SHARED)}
    for n, person in enumerate(persons):
        stated = [*(change.materials for change in person.changes), person.person_no]
        stated += [measure.inmate_no for measure in person.measures]
        for name in (*stated, f"{n + 1:04d}", f"{n + 1:04d}_{len(persons)}"):
            if _FOLDER.fullmatch(name) and names.folded(name) not in taken and not names.unsafe_reason(name):
                found[n] = name
                break
        else:
            found[n] = next(name for k in count(n + 1) if (name := f"_{k:010d}") not in taken)
        taken.add(names.folded(found[n]))
    return found


def _file_name(document: Document, name: str) -> str:
    """Return the name under which a document lies in its folder: its title, as prisons name theirs."""
    title, suffix = document.title, suffix_of(name)
    if (
        not title
        or "/" in title
        or len(title) > _LONGEST_TITLE
        or names.unsafe_reason(title)
        or names.is_leftover(title)
    ):
        return name
    return f"{title}.{suffix}" if suffix else title
