"""A zip that came from somewhere, made safe: what may be read of it, under which paths, and what is wrong with it."""

import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import Renamed
from packers import names
from packers.zipformat import METHOD_DEFLATED, METHOD_STORED, DamageError, MemberStream, Record, read_directory

_REPARSE_POINT = 0x400
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may be. Sizes in bytes."""

    members: int = 100_000
    """The largest dossier met had 31,000 files."""
    inflated: int = 256 << 30
    """A video of 200 GB and its dossier."""
    ratio: int = 100
    """Inflated to packed; blank pages of a black-and-white scan reach 50 and are honest."""
    ratio_floor: int = 4 << 20
    """Members below this may have any ratio: they can fill nothing."""
    total_ratio_floor: int = 64 << 20
    """The same for the whole container, against many members just below the floor."""


@dataclass(frozen=True, slots=True)
class ContainerEntry:
    """One file of a container. `name` is the text of its name there; `raw` its bytes if not `path` in UTF-8."""

    path: str
    name: str
    raw: bytes | None
    record: Record

    @property
    def size(self) -> int:
        return self.record.size


class Watch(Protocol):
    """Looks at a member's bytes as they pass."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        ...


@dataclass(slots=True)
class Container:
    """An opened zip. If `is_readable` is false, nothing in it may be read and `entries` is empty."""

    fd: int
    entries: Sequence[ContainerEntry] = ()
    findings: list[Finding] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    renamed: list[Renamed] = field(default_factory=list)
    name_encoding: str = names.ASCII
    is_readable: bool = True

    def open(self, entry: ContainerEntry) -> BinaryIO:
        """Return a stream of the entry's bytes; DamageError while reading if it turns out damaged."""
        return io.BufferedReader(MemberStream(self.fd, entry.record), _CHUNK)

    def sweep(self, watch_of: Callable[[ContainerEntry], Watch | None]) -> None:
        """Inflate every entry once, checking counts and CRCs, and show the bytes to the watch of each.

        Damage becomes a finding per entry and takes the entry out of `entries`; more bytes than declared end it all.
        """
        sound = []
        for entry in self.entries:
            try:
                self._inflate(entry, watch_of(entry))
                sound.append(entry)
            except DamageError as e:
                alarm = e.code == "ZIP-BOMB"
                self.findings.append(
                    Finding(
                        e.code,
                        Verdict.REJECT,
                        Place(entry.name),
                        mender="security" if alarm else "operator",
                        alarm=alarm,
                        facts={"file": entry.name, "why": e.what},
                    )
                )
                if alarm:
                    self.is_readable, self.entries = False, ()
                    return
        self.entries = sound

    def _inflate(self, entry: ContainerEntry, watch: Watch | None) -> None:
        with self.open(entry) as stream:
            while chunk := stream.read(_CHUNK):
                if watch is not None:
                    watch.feed(chunk)


@contextmanager
def open_container(path: Path, limits: Limits) -> Iterator[Container]:
    """Open the zip at `path` for as long as the context lasts; OSError if the disk fails, never for its content."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield _examined(fd, path.name, limits)
    finally:
        os.close(fd)


def _examined(fd: int, file: str, limits: Limits) -> Container:
    container = Container(fd)
    size = os.fstat(fd).st_size
    try:
        records = read_directory(fd, size, limits.members)
    except DamageError as e:
        container.is_readable = False
        container.findings.append(
            Finding(e.code, Verdict.REJECT, Place(file), mender="operator", facts={"file": file, "why": e.what})
        )
        return container
    _name_entries(container, records, file)
    _check_sizes(container, records, size, limits, file)
    _check_collisions(container)
    if any(f.alarm or f.code in {"ZIP-NAME-UNDECODABLE", "ZIP-DUP-ENTRY"} for f in container.findings):
        container.is_readable, container.entries = False, ()
    return container


def _name_entries(container: Container, records: Sequence[Record], file: str) -> None:
    entries: list[ContainerEntry] = []
    encodings: set[str] = set()
    backslashed = 0
    for record in records:
        decoded = names.decode_name(record.name, flagged_utf8=bool(record.flags & 0x800))
        if decoded is None or len(record.name) > names.MAX_NAME_BYTES:
            container.findings.append(_undecodable(record.name))
            continue
        name, encoding = decoded
        encodings.add(encoding)
        backslashed += "\\" in name
        slashed = name.replace("\\", "/")
        finding = _forbidden(record, slashed)
        if finding is not None:
            container.findings.append(finding)
            continue
        if slashed.endswith("/"):
            if record.size:
                container.findings.append(_reject("ZIP-MALFORMED", name, why="folder-with-content"))
            continue
        entry = _entry(container, record, name, names.clean_path(slashed))
        if entry is not None:
            entries.append(entry)
    container.entries = entries
    container.name_encoding = next((e for e in (names.GB18030, names.UTF8) if e in encodings), names.ASCII)
    if backslashed:
        container.findings.append(
            Finding("ZIP-BACKSLASH", Verdict.FIX, Place(file), mender="vendor", facts={"count": backslashed})
        )
    if container.dropped:
        container.findings.append(
            Finding(
                "FS-LEFTOVER",
                Verdict.FIX,
                Place(file),
                facts={"count": len(container.dropped), "names": ", ".join(sorted(container.dropped)[:10])},
            )
        )


def _entry(container: Container, record: Record, name: str, path: str) -> ContainerEntry | None:
    if names.is_leftover(path):
        container.dropped.append(name)
        return None
    if record.is_encrypted:
        container.findings.append(_reject("ZIP-ENCRYPTED", name))
        return None
    if record.method not in {METHOD_STORED, METHOD_DEFLATED}:
        container.findings.append(_reject("ZIP-METHOD", name, method=record.method))
        return None
    fitting = names.fitting_path(path)
    if fitting != path:
        container.renamed.append(Renamed(fitting, name))
        container.findings.append(
            Finding("NAME-TOO-LONG", Verdict.FIX, Place(name), facts={"file": name, "short": fitting})
        )
    raw = None if record.name == fitting.encode() else record.name
    return ContainerEntry(fitting, name, raw, record)


def _forbidden(record: Record, slashed: str) -> Finding | None:
    kind = stat.S_IFMT(record.attributes >> 16)
    code, why = "", ""
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or record.attributes & _REPARSE_POINT:
        code, why = "ZIP-SYMLINK", "link" if kind == stat.S_IFLNK else "device"
    elif reason := names.unsafe_reason(slashed):
        code, why = "ZIP-PATH-TRAVERSAL", reason
    if not code:
        return None
    shown = "".join(c if c.isprintable() else "\ufffd" for c in slashed)
    return Finding(code, Verdict.REJECT, Place(shown), mender="security", alarm=True, facts={"file": shown, "why": why})


def _undecodable(name: bytes) -> Finding:
    shown = name[:80].decode("ascii", "backslashreplace")
    return Finding("ZIP-NAME-UNDECODABLE", Verdict.REJECT, Place(shown), mender="vendor", facts={"file": shown})


def _reject(code: str, name: str, **facts: str | int) -> Finding:
    return Finding(code, Verdict.REJECT, Place(name), facts={"file": name, **facts})


def _check_sizes(container: Container, records: Sequence[Record], size: int, limits: Limits, file: str) -> None:
    def bomb(name: str, why: str, inflated: int) -> None:
        facts: dict[str, str | int] = {"file": name, "why": why, "size": inflated}
        container.findings.append(
            Finding("ZIP-BOMB", Verdict.REJECT, Place(name), mender="security", alarm=True, facts=facts)
        )

    total = sum(r.size for r in records)
    if total > limits.inflated:
        bomb(file, "absolute", total)
    if total > limits.total_ratio_floor and total > limits.ratio * size:
        bomb(file, "ratio", total)
    for entry in container.entries:
        if entry.size > limits.ratio_floor and entry.size > limits.ratio * max(entry.record.packed, 1):
            bomb(entry.name, "ratio", entry.size)
    ordered = sorted(records, key=lambda r: r.offset)
    if any(a.end > b.offset for a, b in pairwise(ordered)):
        bomb(file, "overlap", total)


def _check_collisions(container: Container) -> None:
    for at in names.clashes([entry.path for entry in container.entries]):
        name = container.entries[at].name
        container.findings.append(
            Finding("ZIP-DUP-ENTRY", Verdict.REJECT, Place(name), mender="vendor", facts={"file": name})
        )
