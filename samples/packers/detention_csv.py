"""A packer of one's own, whole: a detention centre drops one CSV with its certificates, and takes the same back.

    HYZ_<unit>_<number>.csv    UTF-8, comma, heading; one row a person
    HYZ_<unit>_<number>/       the certificates, PDF
    HYZ_<unit>_<number>.done   empty, written last

docs/packers.md goes through it line by line.
"""

import csv
import io
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gateway.domain.errors import disk_fault
from gateway.packing import ORIGINALS, Candidate, Entry, Member, Packet, Reading, Settled
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import CasePackage, Document, Measure, Origin, Person, Source, UnknownValue

FORM = "detention-csv"
"""The name of the format: of its packer, in `Source.format`, and in the standard's tables."""
TABLE = "list.csv"
"""Under which name the table travels, whatever the export is called."""
COLUMNS = {"人员编号": "person_no", "姓名": "name", "性别": "sex", "证件号码": "id_no", "在押人员编号": "inmate_no"}
FLOW = "custody-handover"
MAX_TABLE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DetentionPacker:
    """Stateless: everything a call needs comes with the call."""

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """Pure, and never guessing: without `.done` an export is not complete, however long it has been quiet."""
        present = {entry.name: entry for entry in entries}
        found = []
        for name in sorted(present):
            if not re.fullmatch(r"HYZ_[0-9]+_[0-9]+\.csv", name) or present[name].is_folder:
                continue
            stem = name.removesuffix(".csv")
            parts = tuple(one for one in (name, stem, f"{stem}.done") if one in present)
            is_marked = f"{stem}.done" in present
            found.append(Candidate(name, parts, Settled.COMPLETE if is_marked else Settled.INCOMPLETE))
        return found

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        """Whatever is in the export is told as findings; only our own disk can fail."""
        try:
            yield _reading(parts, standard)
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an export") from e

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """The table, the folder, and the mark last. The same packet gives the same bytes."""
        table, folder, mark = into / f"{packet.name}.csv", into / packet.name, into / f"{packet.name}.done"
        try:
            folder.mkdir()
            if packet.package.source.format == FORM and (packet.root / TABLE).is_file():
                shutil.move(packet.root / TABLE, table)
                _move_all(packet.root, folder)
            else:
                # Another agency's case: what this format cannot say lies beside it, with the whole case package.
                table.write_bytes(_table_of(packet.package, packet.standard))
                _move_all(packet.root, folder / ORIGINALS / "files")
                (folder / ORIGINALS / "case-package.json").write_bytes(packet.case_file())
            corrects = into / f"{packet.name}.corrects"
            if packet.corrects:
                corrects.write_text(f"{packet.corrects}\n", "utf-8")
            mark.touch(exist_ok=False)
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an import") from e
        return (table.name, folder.name, *([corrects.name] if packet.corrects else []), mark.name)


def _reading(parts: Sequence[Path], standard: Standard) -> Reading:
    table = parts[0]
    findings: list[Finding] = []
    source = Source(FORM, table.name, table.stat().st_size)
    members = [Member(TABLE, None, table.stat().st_size, partial(_open, table), is_record=True)]
    folder = next((part for part in parts[1:] if part.suffix != ".done"), None)
    for path in sorted(folder.rglob("*")) if folder is not None else ():
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            facts: dict[str, str | int] = {"file": path.name, "why": "link"}
            place = Place(path.name)
            findings.append(
                Finding("FS-SPECIAL-FILE", Verdict.REJECT, place, mender="security", alarm=True, facts=facts)
            )
        elif path.is_file():
            name = path.relative_to(folder).as_posix() if folder is not None else path.name
            is_ours = name.startswith(f"{ORIGINALS}/")
            members.append(Member(name, None, path.stat().st_size, partial(_open, path), is_record=is_ours))
    package = _package(table, source, standard, findings)
    documents = tuple(
        Document(title := member.path.rpartition("/")[2].removesuffix(".pdf"), member.path, kind=_kind(standard, title))
        for member in members
        if not member.is_record
    )
    return Reading(
        replace(package, documents=documents),
        tuple(members),
        tuple(findings),
        names={TABLE: table.name},
        is_understood=package.flow == FLOW,
        role="detention-centre",
        unsaid=frozenset(standard.fields) - {"person-no", "person-name", "sex", "id-no", "inmate-no"},
    )


def _package(table: Path, source: Source, standard: Standard, findings: list[Finding]) -> CasePackage:
    empty = CasePackage(source)
    text = None
    if source.size <= MAX_TABLE_BYTES:
        try:
            text = table.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            text = None
    try:
        rows = list(csv.reader(io.StringIO(text or "", newline=""), strict=True))
    except csv.Error:
        rows = []
    if not rows or "姓名" not in rows[0] or any(len(row) != len(rows[0]) for row in rows):
        facts: dict[str, str | int] = {"file": table.name, "names": "姓名"}
        findings.append(Finding("CSV-HEADING", Verdict.REJECT, Place(table.name, 1), mender="vendor", facts=facts))
        return empty
    origins: list[Origin] = []
    unknown: list[UnknownValue] = []
    persons = []
    for n, row in enumerate(rows[1:]):
        values: dict[str, str] = {}
        for heading, cell in zip(rows[0], row, strict=True):
            name = COLUMNS.get(heading)
            if name is None:
                # What nobody knows still travels, with its place.
                unknown.append(UnknownValue(heading, cell, table.name, n + 2))
                continue
            values[name] = standard.table("sex").read(FORM, cell) if name == "sex" else cell
            altered = cell if values[name] != cell else ""
            place = "measures[0].inmate_no" if name == "inmate_no" else name
            origins.append(Origin(f"persons[{n}].{place}", heading, heading, table.name, n + 2, altered))
        inmate = values.pop("inmate_no", "")
        persons.append(Person(**values, measures=(Measure(inmate_no=inmate),) if inmate else ()))
    return replace(empty, flow=FLOW, persons=tuple(persons), origins=tuple(origins), unknown=tuple(unknown))


def _kind(standard: Standard, title: str) -> str:
    kind = standard.document_titled(title)
    return kind.code if kind is not None else ""


def _table_of(package: CasePackage, standard: Standard) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for person in package.persons:
        inmate = next((one.inmate_no for one in person.measures if one.inmate_no), "")
        writer.writerow(
            [person.person_no, person.name, standard.table("sex").name_of(person.sex), person.id_no, inmate]
        )
    return out.getvalue().encode("utf-8")


def _move_all(root: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for child in sorted(root.iterdir()):
        shutil.move(child, into / child.name)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
