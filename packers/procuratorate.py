"""The packer of the procuratorate's system 2.0: one folder per case with case.json, documents, list and `_READY`."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.domain.errors import disk_fault
from gateway.packing import ORIGINALS, Candidate, Entry, Member, Packet, Reading, Settled
from gateway.standard.catalogue import Standard
from gateway.standard.content import Content, ContentWatch, suffix_of
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import MAX_CASE_PACKAGE_BYTES, CasePackage, Source, is_readable
from packers import names
from packers.foldertree import MAX_MEMBERS, FolderTree, is_unfinished, walk
from packers.foreign import mark_correction
from packers.jsontext import MAX_JSON_BYTES, JsonObject, parse_json
from packers.procuratorate_json import FORM, ProcuratorateReader
from packers.procuratorate_manifest import MANIFEST, Seen, compare, read_manifest
from packers.procuratorate_write import write_folder

CASE_JSON = "case.json"
READY = "_READY"
CORRECTS = "_CORRECTS"
"""Only in a correction: the name of the delivery that it takes the place of, UTF-8, one line."""
SYSTEM = "检察业务应用系统2.0"
ROLE = "procuratorate"
_CHUNK = 1 << 20
_WORTH_MEASURING = 1 << 20
"""Below this size of JSON no case package can reach its limit."""


@dataclass(frozen=True, slots=True)
class ProcuratoratePacker:
    """Reads and writes folders of the procuratorate's system 2.0. Stateless."""

    max_members: int = MAX_MEMBERS

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """One candidate per folder; complete once its `_READY` is there. Files are no exports of this system."""
        return [
            Candidate(e.name, (e.name,), Settled.COMPLETE if READY in e.children else Settled.INCOMPLETE)
            for e in sorted(entries, key=lambda e: e.name)
            if e.is_folder
            and not e.name.startswith(".")
            and not names.is_leftover(e.name)
            and not is_unfinished(e.name)
        ]

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        """Open the folder `parts[0]`; without its `_READY` the reading says so (D55)."""
        try:
            yield _Examination(parts[0], standard, walk(parts[0], self.max_members)).reading()
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an export") from e

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write the folder `<name>`, its list and then `_READY` last; one rename of it publishes everything. The same
        packet gives the same bytes. What came from this system goes back as it was."""
        try:
            folder = into / packet.name
            folder.mkdir()
            write_folder(packet, folder)
            mark_correction(folder, CORRECTS, packet.corrects)
            (folder / READY).touch()
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an import") from e
        return (packet.name,)


@dataclass(slots=True)
class _Examination:
    """The way of one folder to its reading."""

    root: Path
    standard: Standard
    tree: FolderTree
    contents: dict[str, Content] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    path_of: names.MemberPaths = field(init=False)
    """From a path in the JSON to that of the member which it means."""
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        pairs = zip(self.tree.shown, self.tree.members, strict=True)
        self.path_of = names.MemberPaths.of((shown, member.path) for shown, member in pairs)

    def reading(self) -> Reading:
        self.findings.extend(self.tree.findings)
        by_path = {member.path: member for member in self.tree.members}
        ready = by_path.get(READY)
        if ready is None:
            place = Place(self.root.name)
            facts: dict[str, str | int] = {"file": self.root.name}
            self.findings.append(Finding("FS-INCOMPLETE", Verdict.WAIT, place, mender="vendor", facts=facts))
        # A mark says nothing but that the rest is there: it is written anew with every import.
        members = [self._marked(one) for one in self.tree.members if one is not ready or one.size]
        is_sound = not any(one.verdict is Verdict.REJECT for one in self.tree.findings)
        source = Source(FORM, self.root.name, sum(m.size for m in members), system=SYSTEM)
        if not is_sound:
            return Reading(CasePackage(source), (), tuple(self.findings), role=ROLE)
        for member in members:
            self._look(member)
        package = self._package(source, by_path.get(CASE_JSON))
        package = replace(package, renamed=tuple(self.tree.renamed), dropped=tuple(self.tree.dropped))
        self._check_list(by_path.get(MANIFEST), package)
        shown = {m.path: name for m, name in zip(self.tree.members, self.tree.shown, strict=True) if name != m.path}
        return Reading(
            package,
            tuple(members),
            tuple(self.findings),
            names=shown,
            contents=self.contents,
            is_understood=bool(package.business),
            is_whole=ready is not None,
            role=ROLE,
            # Exports say it of the case as a whole; of each person only our imports do.
            unsaid=frozenset() if any(one.juvenile for one in package.persons) else frozenset({"juvenile-flag"}),
        )

    def _marked(self, member: Member) -> Member:
        """The format's own files, and what another system wrote into an import of this format, are no documents."""
        is_record = member.path in {CASE_JSON, MANIFEST, READY, CORRECTS} or member.path.startswith(f"{ORIGINALS}/")
        return replace(member, is_record=is_record)

    def _look(self, member: Member) -> None:
        """Read a member once: its digest for the list, its content for the checks. Constant memory."""
        watch = ContentWatch(suffix_of(member.path))
        digest, size = hashlib.sha256(), 0
        with member.open() as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                watch.feed(chunk)
                size += len(chunk)
        self.seen[member.path] = Seen(size, digest.hexdigest())
        if not member.is_record:
            self.contents[member.path] = watch.result()

    def _package(self, source: Source, member: Member | None) -> CasePackage:
        empty = CasePackage(source)
        if member is None:
            self._reject("JSON-ABSENT", CASE_JSON)
            return empty
        root = self._parsed(member)
        if root is None:
            return empty
        reader = ProcuratorateReader(CASE_JSON, self.path_of, self.standard)
        package = reader.read(root, replace(source, declared_encoding="utf-8", encoding="utf-8"))
        self.findings.extend(reader.findings)
        if member.size > _WORTH_MEASURING and not is_readable(package.to_json()):
            self._reject("JSON-LIMIT", CASE_JSON, limit=MAX_CASE_PACKAGE_BYTES)
            return empty
        return package

    def _parsed(self, member: Member) -> JsonObject | None:
        with member.open() as stream:
            parsed = parse_json(stream.read(min(member.size, MAX_JSON_BYTES) + 1), member.path)
        self.findings.extend(parsed.findings)
        return parsed.root

    def _check_list(self, member: Member | None, package: CasePackage) -> None:
        """Compare manifest.json with the files. Without one, case.json is the only list there is."""
        root = self._parsed(member) if member is not None else None
        if root is None:
            return
        listed = read_manifest(root)
        if listed is None:
            self._reject("JSON-SCHEMA", MANIFEST, why="files")
            return
        listed = tuple(replace(one, path=self.path_of(one.path)) for one in listed)
        free = {MANIFEST, READY, CORRECTS}
        present = {path: seen for path, seen in self.seen.items() if path not in free}
        stated = {d.path for d in package.documents} | {e.path for v in package.volumes for e in v.entries}
        for finding in compare(listed, present, free):
            # What case.json lists too, or does not list either, is told once: by the checks that know its title.
            is_twice = finding.code == "DOC-LISTED-ABSENT" and finding.value in stated
            is_twice |= finding.code == "DOC-UNLISTED" and finding.place.file in self.contents.keys() - stated
            if not is_twice:
                self.findings.append(finding)

    def _reject(self, code: str, file: str, **facts: str | int) -> None:
        self.findings.append(Finding(code, Verdict.REJECT, Place(file), mender="vendor", facts={"file": file, **facts}))
