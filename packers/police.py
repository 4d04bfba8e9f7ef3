"""The packer of the police case system: one zip per case with GBK names and GBK XML, and its completion mark."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from gateway.domain.errors import disk_fault
from gateway.packing import ORIGINALS, Candidate, Entry, Member, Packet, Reading, Settled
from gateway.standard.catalogue import Standard
from gateway.standard.content import ContentWatch, suffix_of
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import MAX_CASE_PACKAGE_BYTES, CasePackage, Source, is_readable
from packers import names
from packers.container import Container, ContainerEntry, Limits
from packers.marker import MAX_MARK_BYTES, Digests, Mark, digest_file, mark_bytes, read_mark
from packers.parts import Parts, binned, open_parts, part_name, read_part_name
from packers.police_write import CASE_XML, MAX_PART_BYTES, ImportItem, import_items
from packers.police_xml import FORM, PoliceReader
from packers.xmltext import MAX_XML_BYTES, XmlText, parse_xml
from packers.zipwriter import ZipWriter

ROLE = "police"
_MARK_SUFFIX = ".ok"
_CORRECTS_SUFFIX = ".corrects"
"""Beside the zip of a correction: GBK text that names the zip that it takes the place of. The zip stays as it came."""
_NAME = re.compile(
    r"(?P<business>[A-Z]{2,12})_(?P<sender>[0-9]{12})_(?P<receiver>[0-9]{6})_(?P<case>[A-Z0-9]{23})_"
    r"(?P<at>[0-9]{14})(?:_P(?P<part>[0-9]+)of(?P<parts>[0-9]+))?\.zip",
    re.IGNORECASE,
)
_WORTH_MEASURING = 1 << 20
"""Below this size of XML no case package can reach its limit."""


@dataclass(frozen=True, slots=True)
class PolicePacker:
    """Reads and writes exports of the police case system (layout 2.1). Stateless; `limits` bound what is accepted."""

    limits: Limits = field(default_factory=Limits)
    part_bytes: int = MAX_PART_BYTES
    """How long a zip of an import may become: the system has no ZIP64."""

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """One candidate per zip, or per zip and its parts; complete with an `.ok` beside each. Everything else is no
        police export."""
        marks = {e.name.casefold(): e.name for e in entries if not e.is_folder}
        exports: dict[tuple[str, int], dict[int, str]] = {}
        for entry in sorted(entries, key=lambda e: e.name):
            name = entry.name
            if entry.is_folder or not name.casefold().endswith(".zip") or name.startswith("."):
                continue
            part = read_part_name(name)
            key = (name, 0) if part is None else (part.stem, part.parts)
            exports.setdefault(key, {})[part.part if part is not None else 1] = name
        return [_candidate(stem, total, zips, marks) for (stem, total), zips in exports.items()]

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        """Open the zip or zips among `parts` with their completion marks; what is missing the reading says (D1)."""
        try:
            with _opened(parts, self.limits, standard) as reading:
                yield reading
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an export") from e

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write `<name>.zip` (or `<name>_P1of2.zip` and so on), for a correction `<name>.zip.corrects`, and, to be
        published last, an `.ok` for each zip. The same packet gives the same bytes."""
        try:
            bins = binned(import_items(packet), lambda item: item.most_bytes, self.part_bytes)
            zips = [
                f"{packet.name}.zip" if len(bins) == 1 else part_name(packet.name, n, len(bins))
                for n in range(1, len(bins) + 1)
            ]
            for name, items in zip(zips, bins, strict=True):
                _write_zip(into / name, items)
            corrections = []
            if packet.corrects:
                corrections.append(f"{zips[0]}{_CORRECTS_SUFFIX}")
                text = f"CORRECTS={packet.corrects}.zip\r\n"
                (into / corrections[0]).write_bytes(text.encode("gbk"))
            marks = [f"{name}{_MARK_SUFFIX}" for name in zips]
            for name, mark in zip(zips, marks, strict=True):
                (into / mark).write_bytes(mark_bytes(digest_file(into / name)))
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an import") from e
        return (*zips, *corrections, *marks)


def _candidate(stem: str, total: int, zips: Mapping[int, str], marks: Mapping[str, str]) -> Candidate:
    ordered = [zips[part] for part in sorted(zips)]
    there = [marks[mark] for name in ordered if (mark := name.casefold() + _MARK_SUFFIX) in marks]
    is_complete = len(there) == len(ordered) == max(total, 1)
    name = part_name(stem, 1, total) if total else ordered[0]
    return Candidate(name, (*ordered, *there), Settled.COMPLETE if is_complete else Settled.INCOMPLETE)


def _write_zip(path: Path, items: Sequence[ImportItem]) -> None:
    with path.open("xb") as out:
        writer = ZipWriter(out)
        for item in items:
            writer.add(item.name, item.open, size=item.size, utf8=item.utf8)
        writer.close()


@contextmanager
def _opened(parts: Sequence[Path], limits: Limits, standard: Standard) -> Iterator[Reading]:
    marks = {path.name.casefold(): path for path in parts if path.name.casefold().endswith(_MARK_SUFFIX)}
    zips = [path for path in parts if path.name.casefold() not in marks] or list(parts)
    findings: list[Finding] = []
    digests = [digest_file(file) for file in zips]
    for file, found in zip(zips, digests, strict=True):
        findings.extend(_check_mark(file, marks.get(file.name.casefold() + _MARK_SUFFIX), found))
    named = read_part_name(zips[0].name)
    is_whole = named is None or named.parts == len(zips)
    if not is_whole:
        place = Place(zips[0].name)
        incomplete: dict[str, str | int] = {"file": zips[0].name}
        findings.append(Finding("FS-INCOMPLETE", Verdict.WAIT, place, mender="vendor", facts=incomplete))
    digest = digests[0].sha256 if len(zips) == 1 else ""
    source = Source(FORM, zips[0].name, sum(found.size for found in digests), digest)
    empty = [file.name for file, found in zip(zips, digests, strict=True) if found.size == 0]
    for name in empty:
        findings.append(Finding("FS-ZERO-BYTE", Verdict.REJECT, Place(name), facts={"file": name}))
    if empty:
        yield Reading(CasePackage(source), (), tuple(findings))
        return
    with open_parts(zips, limits) as container:
        reading = _Examination(zips[0].name, container, source, standard, findings).reading()
        yield reading if is_whole else replace(reading, is_whole=False)


def _check_mark(file: Path, mark_file: Path | None, digests: Digests) -> list[Finding]:
    if mark_file is None:
        facts: dict[str, str | int] = {"file": file.name}
        return [Finding("FS-NO-MARKER", Verdict.WAIT, Place(file.name), facts=facts)]
    with mark_file.open("rb") as stream:
        mark = read_mark(stream.read(MAX_MARK_BYTES))
    return [] if mark.fits(digests) else [_mismatch(file.name, mark, digests)]


def _mismatch(file: str, mark: Mark, digests: Digests) -> Finding:
    facts: dict[str, str | int] = {"file": file, "stated": mark.size, "actual": digests.size}
    return Finding(
        "FS-MARKER-MISMATCH", Verdict.HOLD, Place(file + _MARK_SUFFIX), mark.md5, digests.md5.upper(), facts=facts
    )


@dataclass(slots=True)
class _Examination:
    """The way of one opened zip to its reading."""

    file: str
    container: Container | Parts
    source: Source
    standard: Standard
    findings: list[Finding]

    def reading(self) -> Reading:
        watches: dict[str, ContentWatch] = {}

        def watch_of(entry: ContainerEntry) -> ContentWatch:
            return watches.setdefault(entry.path, ContentWatch(suffix_of(entry.path)))

        self.container.sweep(watch_of)
        self.findings.extend(self.container.findings)
        if not self.container.is_readable:
            return Reading(CasePackage(self.source), (), tuple(self.findings))
        package = replace(self._package(), renamed=tuple(self.container.renamed), dropped=tuple(self.container.dropped))
        members = tuple(map(self._member, self.container.entries))
        return Reading(
            package,
            members,
            tuple(self.findings),
            names={e.path: e.name for e in self.container.entries if e.name != e.path},
            contents={m.path: watches[m.path].result() for m in members if not m.is_record},
            is_understood=bool(package.business),
            is_whole=not any(f.verdict is Verdict.REJECT for f in self.container.findings),
            role=ROLE,
        )

    def _member(self, entry: ContainerEntry) -> Member:
        is_record = entry.path == CASE_XML or entry.path.startswith(f"{ORIGINALS}/")
        return Member(entry.path, entry.raw, entry.size, partial(self.container.open, entry), is_record)

    def _package(self) -> CasePackage:
        named = _NAME.fullmatch(self.file)
        self.source = replace(self.source, name_encoding=self.container.name_encoding)
        entry = next((e for e in self.container.entries if e.path == CASE_XML), None)
        empty = CasePackage(self.source)
        if entry is None:
            if not any(f.verdict is Verdict.REJECT for f in self.container.findings):
                self._reject("XML-ABSENT", CASE_XML)
            return empty
        if entry.size > MAX_XML_BYTES:
            self._reject("XML-LIMIT", CASE_XML, limit=MAX_XML_BYTES)
            return empty
        with self.container.open(entry) as stream:
            raw = stream.read()
        parsed = parse_xml(raw, CASE_XML)
        self.findings.extend(parsed.findings)
        if parsed.root is None:
            return empty
        reader = PoliceReader(CASE_XML, self._path_of(), self.standard)
        package = reader.read(
            parsed.root, self._source(parsed.root.get("XTMC", ""), parsed.root.get("BB", ""), parsed.source)
        )
        self.findings.extend(reader.findings)
        package = self._with_name(package, named)
        if len(raw) > _WORTH_MEASURING and not is_readable(package.to_json()):
            self._reject("XML-LIMIT", CASE_XML, limit=MAX_CASE_PACKAGE_BYTES)
            return empty
        return package

    def _source(self, system: str, version: str, text: XmlText) -> Source:
        return replace(
            self.source, system=system, version=version, declared_encoding=text.declared, encoding=text.encoding
        )

    def _path_of(self) -> names.MemberPaths:
        return names.MemberPaths.of((e.name, e.path) for e in self.container.entries)

    def _with_name(self, package: CasePackage, named: re.Match[str] | None) -> CasePackage:
        """Take from the export's file name what only it says, and compare the rest."""
        if named is None:
            newest = max((e.record.modified for e in self.container.entries), default="")
            return replace(package, exported_at=package.exported_at or newest)
        for group, value in (("case", package.case_no), ("receiver", package.receiver_code)):
            if value and value != named[group].upper():
                facts: dict[str, str | int] = {"file": self.file, "named": named[group], "stated": value}
                self.findings.append(
                    Finding("FS-NAME-MISMATCH", Verdict.HOLD, Place(self.file), named[group], value, facts=facts)
                )
        at = named["at"]
        return replace(
            package,
            sender_code=named["sender"],
            exported_at=package.exported_at or f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:12]}:{at[12:]}",
        )

    def _reject(self, code: str, file: str, **facts: str | int) -> None:
        self.findings.append(Finding(code, Verdict.REJECT, Place(file), mender="vendor", facts={"file": file, **facts}))
