"""The packer of the court case system: a folder with data.xml, documents and their list, complete once renamed."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from gateway.domain.errors import disk_fault
from gateway.packing import ORIGINALS, Candidate, Entry, Member, Packet, Reading, Settled
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import MAX_CASE_PACKAGE_BYTES, CasePackage, Source, is_readable
from packers import court_fields as tags
from packers import names
from packers.bounds import MAX_REPORTED
from packers.court_write import write_import
from packers.court_xml import CourtReader
from packers.filelist import MAX_LIST_BYTES, read_list
from packers.foldertree import MAX_MEMBERS, FolderTree, walk
from packers.foreign import mark_correction
from packers.looking import Look, look
from packers.xmltext import MAX_XML_BYTES, parse_xml

FORMAT: Final = tags.FORM
ROLE: Final = "court"
CORRECTS: Final = "_CORRECTS"
"""Only in a correction: the name of the delivery that it takes the place of, UTF-8, one line."""
UNFINISHED: Final = ".tmp"
"""What the court's system is still writing; nothing of that name counts (layout 1.0)."""

_NAME = re.compile(
    r"(?P<business>[A-Z]{2,12})_(?P<court>[0-9]{4,12})_(?P<receiver>[0-9A-Za-z]{4,20})_(?P<case>[0-9]{15})"
)
_WORTH_MEASURING = 1 << 20
"""Below this size of XML no case package can reach its limit."""


@dataclass(frozen=True, slots=True)
class CourtPacker:
    """Reads and writes exports of the court case system (layout 1.0). Stateless."""

    max_members: int = MAX_MEMBERS

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """One candidate per folder that is not called `.tmp`; its list of files is the mark, if it has one."""
        return [
            Candidate(e.name, (e.name,), _settled(e))
            for e in sorted(entries, key=lambda e: e.name)
            if e.is_folder and not e.name.startswith(".") and not e.name.casefold().endswith(UNFINISHED)
        ]

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        """Open the folder `parts[0]`."""
        try:
            yield _Examination(parts[0], walk(parts[0], self.max_members), standard).reading()
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an export") from e

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write the folder `<name>` with data.xml, WS/ and filelist.md5; it is published by one rename.

        What came from a court stays byte for byte as it was.
        """
        try:
            folder = into / packet.name
            folder.mkdir()
            write_import(packet, folder)
            mark_correction(folder, CORRECTS, packet.corrects)
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an import") from e
        return (packet.name,)


def _settled(entry: Entry) -> Settled:
    if any(name.casefold().endswith(UNFINISHED) for name in entry.children):
        return Settled.INCOMPLETE
    # Renamed whole counts; but who copies a folder by hand, without a list, renames nothing.
    return Settled.COMPLETE if tags.FILE_LIST in entry.children else Settled.STABLE


@dataclass(slots=True)
class _Examination:
    """The way of one folder to its reading."""

    folder: Path
    tree: FolderTree
    standard: Standard
    findings: list[Finding] = field(default_factory=list)
    _told: Counter[str] = field(default_factory=Counter)

    def reading(self) -> Reading:
        self._drop_unfinished()
        self.findings = [*self.tree.findings, *self.findings]
        is_whole = not any(f.verdict is Verdict.REJECT for f in self.findings)
        members = [replace(m, is_record=_is_record(m.path)) for m in self.tree.members]
        looks = {m.path: look(m) for m in members}
        package = self._package(members, is_whole=is_whole)
        self._compare_list(members, looks, {d.path for d in package.documents})
        return Reading(
            replace(package, renamed=tuple(self.tree.renamed), dropped=tuple(self.tree.dropped)),
            tuple(members),
            tuple(self.findings),
            names={m.path: shown for m, shown in zip(members, self.tree.shown, strict=True) if m.path != shown},
            contents={m.path: looks[m.path].content for m in members if not m.is_record},
            is_understood=bool(package.business),
            is_whole=is_whole,
            role=ROLE,
            unsaid=tags.UNSAID,
        )

    def _drop_unfinished(self) -> None:
        kept = [
            (member, shown)
            for member, shown in zip(self.tree.members, self.tree.shown, strict=True)
            if not member.path.casefold().endswith(UNFINISHED)
        ]
        left = len(self.tree.members) - len(kept)
        if left:
            gone = {m.path for m in self.tree.members} - {m.path for m, _ in kept}
            self.tree.dropped.extend(sorted(gone))
            self.tree.members, self.tree.shown = [m for m, _ in kept], [shown for _, shown in kept]
            facts: dict[str, str | int] = {"count": left, "names": ", ".join(sorted(gone)[:10])}
            self.findings.append(Finding("FS-LEFTOVER", Verdict.FIX, Place(self.folder.name), facts=facts))

    def _package(self, members: Sequence[Member], *, is_whole: bool) -> CasePackage:
        name = self.folder.name
        source = Source(FORMAT, name, sum(m.size for m in members))
        empty = CasePackage(source)
        data = next((m for m in members if m.path == tags.DATA), None)
        if data is None:
            if is_whole:
                self._reject("XML-ABSENT", tags.DATA)
            return empty
        if data.size > MAX_XML_BYTES:
            self._reject("XML-LIMIT", tags.DATA, limit=MAX_XML_BYTES)
            return empty
        with data.open() as stream:
            raw = stream.read()
        parsed = parse_xml(raw, tags.DATA)
        self.findings.extend(parsed.findings)
        if parsed.root is None:
            return empty
        path_of = names.MemberPaths.of((shown, m.path) for m, shown in zip(members, self.tree.shown, strict=True))
        reader = CourtReader(path_of, self.standard)
        package = reader.read(
            parsed.root,
            replace(
                source,
                version=parsed.root.get("VER", ""),
                declared_encoding=parsed.source.declared,
                encoding=parsed.source.encoding,
            ),
        )
        self.findings.extend(reader.findings)
        package = self._with_name(package, reader.case_id)
        if len(raw) > _WORTH_MEASURING and not is_readable(package.to_json()):
            self._reject("XML-LIMIT", tags.DATA, limit=MAX_CASE_PACKAGE_BYTES)
            return empty
        return package

    def _with_name(self, package: CasePackage, case_id: str) -> CasePackage:
        """Take from the folder's name what only it says, and compare the rest."""
        name = self.folder.name
        named = _NAME.fullmatch(name)
        if named is None:
            return package
        for group, value in (("business", package.business), ("court", package.sender_code), ("case", case_id)):
            if value and value != named[group]:
                facts: dict[str, str | int] = {"file": name, "named": named[group], "stated": value}
                self.findings.append(
                    Finding("FS-NAME-MISMATCH", Verdict.HOLD, Place(name), named[group], value, facts=facts)
                )
        return replace(package, receiver_code=named["receiver"])

    def _compare_list(self, members: Sequence[Member], looks: dict[str, Look], documents: set[str]) -> None:
        """Compare filelist.md5 with the files; a document that is missing is told by the list of documents."""
        member = next((m for m in members if m.path == tags.FILE_LIST), None)
        if member is None:
            return
        with member.open() as stream:
            listed = read_list(stream.read(min(member.size, MAX_LIST_BYTES) + 1))
        path_of = names.MemberPaths.of((shown, m.path) for m, shown in zip(members, self.tree.shown, strict=True))
        if not listed.is_sound:
            self._differs(tags.FILE_LIST, "", "")
        seen = {tags.FILE_LIST}
        for written, md5 in listed.digests.items():
            path = path_of(written)
            seen.add(path)
            if path not in looks:
                if path not in documents and not names.is_leftover(path):
                    facts: dict[str, str | int] = {"title": written, "file": tags.FILE_LIST}
                    place = Place(tags.FILE_LIST)
                    self._tell(Finding("DOC-LISTED-ABSENT", Verdict.REJECT, place, written, facts=facts))
            elif looks[path].md5 != md5:
                self._differs(written, md5, looks[path].md5)
        for member in members:
            if member.path not in seen and not _is_ours(member.path):
                self._differs(member.path, "", looks[member.path].md5)

    def _differs(self, file: str, stated: str, actual: str) -> None:
        facts: dict[str, str | int] = {"file": file, "stated": stated or "-", "actual": actual or "-"}
        self._tell(Finding("FS-MARKER-MISMATCH", Verdict.HOLD, Place(file), stated, actual, facts=facts))

    def _tell(self, finding: Finding) -> None:
        """Record what the list says otherwise; a list of 16 MiB may name 400,000 files that are not there."""
        self._told[finding.code] += 1
        if self._told[finding.code] <= MAX_REPORTED:
            self.findings.append(finding)

    def _reject(self, code: str, file: str, **facts: str | int) -> None:
        self.findings.append(Finding(code, Verdict.REJECT, Place(file), mender="vendor", facts={"file": file, **facts}))


def _is_record(path: str) -> bool:
    return path in {tags.DATA, tags.FILE_LIST} or _is_ours(path)


def _is_ours(path: str) -> bool:
    """Whether a gateway put the file into an import, and not the court."""
    return path == CORRECTS or path.startswith(f"{ORIGINALS}/")
