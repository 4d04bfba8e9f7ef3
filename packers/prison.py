"""The packer of the prison system's batches: a table, a folder with one folder a prisoner, and the mark of its end."""

import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from gateway.domain.errors import disk_fault
from gateway.packing import ORIGINALS, Candidate, Entry, Member, Packet, Reading, Settled
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import MAX_CASE_PACKAGE_BYTES, CaseNumber, CasePackage, Document, Source, is_readable
from packers import names
from packers import prison_fields as tags
from packers.csvtext import MAX_CSV_BYTES, check_columns, parse_csv
from packers.foldertree import MAX_MEMBERS, FolderTree, walk
from packers.looking import look
from packers.marker import Digests, digest_file
from packers.overmark import MAX_MARK_BYTES, read_over
from packers.prison_table import TableReader
from packers.prison_write import write_import

FORMAT: Final = tags.FORM
ROLE: Final = "prison"
TABLE_SUFFIX: Final = ".csv"
MARK_SUFFIX: Final = ".over"

_NAME = re.compile(
    r"(?P<business>[A-Z]{2,12})_(?P<prison>[0-9]{10})_(?P<receiver>[0-9A-Za-z]{4,20})_(?P<year>[0-9]{4})B(?P<batch>[0-9]{1,6})"
)
_NUMBERED = re.compile(r"^[0-9]{1,4}[_-]")
_WORTH_MEASURING = 1 << 20
"""Below this size of table no case package can reach its limit."""


@dataclass(frozen=True, slots=True)
class PrisonPacker:
    """Reads and writes batches of the prison system (layout 1.0). Stateless."""

    max_members: int = MAX_MEMBERS

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """One candidate per table, with the folder of its name; complete with its `.over`, which is written last."""
        files = {e.name.casefold(): e.name for e in entries if not e.is_folder}
        folders = {e.name for e in entries if e.is_folder}
        found = []
        for name in sorted(files.values()):
            stem, suffix = name[: -len(TABLE_SUFFIX)], name[-len(TABLE_SUFFIX) :]
            if suffix.casefold() != TABLE_SUFFIX or not stem or name.startswith(".") or names.is_leftover(name):
                continue
            mark = files.get(stem.casefold() + MARK_SUFFIX)
            parts = (name, *([stem] if stem in folders else []), *([mark] if mark is not None else []))
            found.append(Candidate(name, parts, Settled.INCOMPLETE if mark is None else Settled.COMPLETE))
        return found

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        """Open the table `parts[0]`, its folder if it has one, and its mark; without one the reading says so."""
        try:
            yield _Examination(parts, standard, self.max_members).reading()
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an export") from e

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write `<name>.csv`, `<name>/`, for a correction `<name>.corrects`, and, to be published last, `<name>.over`.

        What came from a prison stays byte for byte as it was.
        """
        try:
            return write_import(packet, into)
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an import") from e


@dataclass(slots=True)
class _Examination:
    """The way of one batch to its reading."""

    parts: Sequence[Path]
    standard: Standard
    max_members: int
    findings: list[Finding] = field(default_factory=list)
    _rows: int | None = None
    """Rows of the table; None where it could not be read."""

    def reading(self) -> Reading:
        file = self.parts[0]
        mark = next((one for one in self.parts[1:] if one.suffix.casefold() == MARK_SUFFIX), None)
        folder = next((one for one in self.parts[1:] if one != mark), None)
        special = [one for one in (file, mark) if one is not None and not stat.S_ISREG(one.lstat().st_mode)]
        if special:
            for one in special:
                facts: dict[str, str | int] = {"file": one.name, "why": "link" if one.is_symlink() else "device"}
                place = Place(one.name)
                self.findings.append(
                    Finding("FS-SPECIAL-FILE", Verdict.REJECT, place, mender="security", alarm=True, facts=facts)
                )
            return Reading(CasePackage(Source(FORMAT, file.name)), (), tuple(self.findings))
        digests = digest_file(file)
        tree = walk(folder, self.max_members) if folder is not None else FolderTree()
        self.findings.extend(tree.findings)
        source = Source(FORMAT, file.name, digests.size, digests.sha256, version=tags.VERSION)
        package = self._package(file, digests, source)
        self._check_mark(file.name, mark, digests, tree, has_folder=folder is not None)
        if digests.size == 0:
            return Reading(package, (), tuple(self.findings))
        materials = [replace(m, is_record=_is_ours(m.path)) for m in tree.members]
        package = self._with_documents(package, materials, has_folder=folder is not None)
        records = [_record(file, tags.LIST)] + ([_record(mark, tags.MARK)] if mark is not None else [])
        members = [*records, *materials]
        self._check_clashes(members)
        is_whole = folder is not None and not any(f.verdict is Verdict.REJECT for f in tree.findings)
        return Reading(
            replace(package, renamed=tuple(tree.renamed), dropped=tuple(tree.dropped)),
            tuple(members),
            tuple(self.findings),
            names=_names(file, mark, materials, tree.shown),
            contents={m.path: look(m).content for m in materials if not m.is_record},
            is_understood=bool(package.business),
            is_whole=is_whole,
            role=ROLE,
            unsaid=tags.UNSAID,
        )

    def _package(self, file: Path, digests: Digests, source: Source) -> CasePackage:
        empty = CasePackage(source)
        if digests.size == 0:
            self._reject("FS-ZERO-BYTE", file.name)
            return empty
        if digests.size > MAX_CSV_BYTES:
            self._reject("XML-LIMIT", file.name, limit=MAX_CSV_BYTES)
            return empty
        parsed = parse_csv(file.read_bytes(), file.name, tags.REQUIRED)
        self.findings.extend(parsed.findings)
        if parsed.table is None:
            return empty
        self.findings.extend(check_columns(parsed.table, file.name))
        reader = TableReader(file.name, self.standard)
        package = reader.read(parsed.table, replace(source, declared_encoding="gbk", encoding=parsed.encoding))
        self.findings.extend(reader.findings)
        self._rows = len(parsed.table.rows)
        package = self._with_name(package, file.name)
        if digests.size > _WORTH_MEASURING and not is_readable(package.to_json()):
            self._reject("XML-LIMIT", file.name, limit=MAX_CASE_PACKAGE_BYTES)
            return empty
        return package

    def _with_name(self, package: CasePackage, name: str) -> CasePackage:
        """Take from the file's name what the table does not say."""
        named = _NAME.fullmatch(name[: -len(TABLE_SUFFIX)])
        if named is None or package.business:
            return package
        number = f"{named['prison']}{named['year']}B{named['batch']}"
        numbers = package.case_numbers
        if not package.number("prison-business-no"):
            numbers = (*numbers, CaseNumber("prison-business-no", number))
        return replace(
            package,
            flow=self.standard.flow_of(FORMAT, named["business"]) or package.flow,
            business=named["business"],
            sender_code=package.sender_code or named["prison"],
            handling_unit=named["prison"],
            receiver_code=package.receiver_code or named["receiver"],
            case_no=package.case_no or number,
            case_numbers=numbers,
        )

    def _check_mark(
        self, name: str, mark: Path | None, digests: Digests, tree: FolderTree, *, has_folder: bool
    ) -> None:
        if mark is None:
            self.findings.append(Finding("FS-NO-MARKER", Verdict.WAIT, Place(name), facts={"file": name}))
            return
        with mark.open("rb") as stream:
            over = read_over(stream.read(MAX_MARK_BYTES))
        if over.md5 != digests.md5:
            facts: dict[str, str | int] = {"file": name, "stated": over.md5 or "-", "actual": digests.md5}
            self.findings.append(
                Finding("FS-MARKER-MISMATCH", Verdict.HOLD, Place(mark.name), over.md5, digests.md5, facts=facts)
            )
        self._compare("CSV-ROWCOUNT", name, over.rows, {self._rows} if self._rows is not None else {over.rows})
        files = len(tree.members) if has_folder else 0
        self._compare("CSV-FILECOUNT", name, over.files, {files, files + len(tree.dropped)})

    def _compare(self, code: str, file: str, stated: int, actual: set[int]) -> None:
        if stated not in actual:
            facts: dict[str, str | int] = {"file": file, "stated": stated, "actual": min(actual)}
            place = Place(file)
            self.findings.append(Finding(code, Verdict.REJECT, place, str(stated), str(min(actual)), facts=facts))

    def _with_documents(self, package: CasePackage, materials: Sequence[Member], *, has_folder: bool) -> CasePackage:
        """List every document of a prisoner's folder, and compare the folders with the rows."""
        owners: dict[str, str] = {}
        for person in package.persons:
            stated = next((one.materials for one in person.changes if one.materials), "") or person.person_no
            if stated:
                owners.setdefault(names.folded(stated), person.person_no)
        lines = {o.value: o.line for o in package.origins}
        line_of = {p.person_no: lines.get(f"persons[{n}].person_no", 0) for n, p in enumerate(package.persons)}
        documents = []
        found: set[str] = set()
        extra: dict[str, None] = {}
        for member in materials:
            folder, _, rest = member.path.partition("/")
            key = names.folded(folder)
            if not rest or member.is_record:
                continue
            if key in owners or folder == tags.SHARED:
                found.add(key)
                number = owners.get(key, "")
                documents.append(self._document(member.path, rest, number, line_of.get(number, 0)))
            else:
                extra[folder] = None
        if has_folder and package.persons:
            for n, person in enumerate(package.persons):
                stated = next((one.materials for one in person.changes if one.materials), "") or person.person_no
                if stated and names.folded(stated) not in found:
                    self._materials(
                        "CSV-MATERIALS-ABSENT", Verdict.REJECT, stated, lines.get(f"persons[{n}].person_no", 0)
                    )
            for folder in extra:
                self._materials("CSV-MATERIALS-EXTRA", Verdict.HOLD, folder, 0)
        return replace(package, documents=tuple(documents))

    def _document(self, path: str, rest: str, number: str, line: int) -> Document:
        stem = rest.rpartition(".")[0] or rest
        head, slash, last = stem.rpartition("/")
        title = head + slash + _NUMBERED.sub("", last)
        kind = self.standard.document_titled(title)
        return Document(title, path, person_no=number, kind=kind.code if kind is not None else "", line=line)

    def _materials(self, code: str, verdict: Verdict, folder: str, line: int) -> None:
        file = self.parts[0].name
        facts: dict[str, str | int] = {"file": file, "folder": folder}
        self.findings.append(Finding(code, verdict, Place(file, line, 0, "材料目录"), folder, facts=facts))

    def _check_clashes(self, members: Sequence[Member]) -> None:
        """A folder that is called like one of our two names for the records would take its place."""
        for at, other in names.clashes([m.path for m in members]).items():
            if {members[at].path, members[other].path} & {tags.LIST, tags.MARK}:
                self._reject("FS-DUP-NAME", members[at].path, other=members[other].path)

    def _reject(self, code: str, file: str, **facts: str | int) -> None:
        self.findings.append(Finding(code, Verdict.REJECT, Place(file), mender="vendor", facts={"file": file, **facts}))


def _is_ours(path: str) -> bool:
    """Whether a gateway put the file into an import, and not the prison."""
    return path.startswith(f"{ORIGINALS}/")


def _record(file: Path, path: str) -> Member:
    return Member(path, None, file.stat().st_size, partial(_open_file, file), is_record=True)


def _open_file(path: Path) -> BinaryIO:
    return path.open("rb")


def _names(file: Path, mark: Path | None, materials: Sequence[Member], shown: Sequence[str]) -> Mapping[str, str]:
    found = {m.path: name for m, name in zip(materials, shown, strict=True) if m.path != name}
    return {tags.LIST: file.name, **({tags.MARK: mark.name} if mark is not None else {}), **found}
