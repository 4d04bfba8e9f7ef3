"""The generic packer: any folder or single file, its files as they are, nothing understood but a label."""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from gateway.domain.errors import disk_fault
from gateway.packing import Candidate, Entry, Member, Packet, Reading, Settled
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import UNCLASSIFIED, CasePackage, Renamed, Source, marks_of
from packers import names
from packers.label import LABEL, LABEL_MAX, Label, read_label

FORMAT = "folder"
CONTENT = "content"
CASE_FILE = "case-package.json"
READY = "_READY"
"""Written last inside the import; the folder appears whole by one rename, so it only says so to old habits."""
CORRECTS = "_CORRECTS"
"""Only in a correction: the name of the delivery that it takes the place of, UTF-8, one line."""
MAX_MEMBERS = 100_000

_PATH_MAX = 4095
"""Bytes of the longest path that Linux takes; what lies deeper can be made, but not be named in one call."""
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload")


@dataclass(frozen=True, slots=True)
class FolderPacker:
    """Reads any folder or file; writes `<name>/content/...` with the case package beside it. Stateless.

    A folder that holds `_CASE.json` says by it which flow it is, for whom, and under which case number.
    """

    max_members: int = MAX_MEMBERS

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """Every entry is an export of its own, except hidden, unfinished and leftover names. A label is a mark."""
        return [
            Candidate(e.name, (e.name,), Settled.COMPLETE if LABEL in e.children else Settled.STABLE)
            for e in sorted(entries, key=lambda e: e.name)
            if not e.name.startswith(".") and not names.is_leftover(e.name) and not _is_unfinished(e.name)
        ]

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        """Open the folder or file `parts[0]`. Links, devices and sockets are refused, leftovers dropped."""
        try:
            yield _Walk(parts[0], self.max_members).reading()
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an export") from e

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write the folder `<name>`, moving the files below `packet.root`; one rename of it publishes everything."""
        folder = into / packet.name
        try:
            folder.mkdir()
            (folder / CONTENT).mkdir()
            for child in sorted(packet.root.iterdir()):
                shutil.move(child, folder / CONTENT / child.name)
            (folder / CASE_FILE).write_bytes(packet.package.to_json())
            if packet.corrects:
                (folder / CORRECTS).write_text(f"{packet.corrects}\n", "utf-8")
            (folder / READY).touch()
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an import") from e
        return (packet.name,)


def _is_unfinished(name: str) -> bool:
    return name.casefold().endswith(_UNFINISHED)


class _Walk:
    """One walk through an export, collecting members and findings."""

    def __init__(self, root: Path, max_members: int) -> None:
        self._root = root
        self._max_members = max_members
        self._members: list[Member] = []
        self._findings: list[Finding] = []
        self._dropped: list[str] = []
        self._renamed: list[Renamed] = []
        self._shown: list[str] = []
        self._prefers_gb = False
        self._label = Label()

    def reading(self) -> Reading:
        mode = self._root.lstat().st_mode
        if stat.S_ISDIR(mode):
            found = list(islice(_files(os.fsencode(self._root), b""), self._max_members + 1))
            if len(found) > self._max_members:
                self._reject("FS-LIMIT", self._root.name, limit=self._max_members)
                found = []
            # A folder on Linux has UTF-8 names, unless one of them shows that it was filled by an old system.
            self._prefers_gb = any(names.is_certainly_gb(raw) for raw, _ in found)
            for raw, path in found:
                self._take(raw, path)
        else:
            self._take(os.fsencode(self._root.name), os.fsencode(self._root))
        for at, other in names.clashes([member.path for member in self._members]).items():
            self._reject("FS-DUP-NAME", self._shown[at], other=self._shown[other])
        if self._dropped:
            facts: dict[str, str | int] = {
                "count": len(self._dropped),
                "names": ", ".join(sorted(self._dropped)[:10]),
            }
            self._findings.append(Finding("FS-LEFTOVER", Verdict.FIX, Place(self._root.name), facts=facts))
        if not self._members and not self._findings:
            self._reject("FS-EMPTY", self._root.name)
        return Reading(self._package(), tuple(self._members), tuple(self._findings))

    def _take(self, raw: bytes, path: bytes) -> None:
        decoded = names.decode_name(raw, prefers_gb=self._prefers_gb)
        shown = decoded[0] if decoded else raw.decode("ascii", "backslashreplace")
        if names.is_leftover(shown):
            self._dropped.append(shown)
            return
        if len(path) > _PATH_MAX:
            self._reject("FS-NAME-UNUSABLE", shown, why="long")
            return
        info = os.lstat(path)
        if stat.S_ISDIR(info.st_mode):
            self._reject("FS-NAME-UNUSABLE", shown, why="deep")
            return
        if not stat.S_ISREG(info.st_mode):
            self._reject("FS-SPECIAL-FILE", shown, alarm=True, why=_kind(info.st_mode))
            return
        reason = "" if decoded is None else names.unsafe_reason(shown)
        if decoded is None or reason or len(raw) > names.MAX_NAME_BYTES:
            self._reject("FS-NAME-UNUSABLE", shown, why=reason or ("long" if decoded else "undecodable"))
            return
        clean = names.clean_path(shown)
        fitting = names.fitting_path(clean)
        if fitting != clean:
            self._renamed.append(Renamed(fitting, shown))
            short: dict[str, str | int] = {"file": shown, "short": fitting}
            self._findings.append(Finding("NAME-TOO-LONG", Verdict.FIX, Place(shown), facts=short))
        if fitting == LABEL:
            self._read_label(path)
        self._shown.append(shown)
        kept = None if raw == fitting.encode() else raw
        self._members.append(Member(fitting, kept, info.st_size, partial(_open_regular, path), fitting == LABEL))

    def _read_label(self, path: bytes) -> None:
        with _open_regular(path) as stream:
            label = read_label(stream.read(LABEL_MAX + 1))
        if label is None:
            self._reject("FS-LABEL-UNREADABLE", LABEL)
        else:
            self._label = label

    def _reject(self, code: str, name: str, *, alarm: bool = False, **facts: str | int) -> None:
        mender = "security" if alarm else "handler"
        self._findings.append(
            Finding(code, Verdict.REJECT, Place(name), mender=mender, alarm=alarm, facts={"file": name, **facts})
        )

    def _package(self) -> CasePackage:
        return CasePackage(
            Source(FORMAT, self._root.name, sum(m.size for m in self._members)),
            flow=self._label.flow or UNCLASSIFIED,
            sender_code=self._label.sender,
            receiver_code=self._label.receiver,
            case_no=self._label.case_no,
            case_name=self._label.case_name or self._root.name,
            grant=self._label.grant,
            renamed=tuple(self._renamed),
            dropped=tuple(self._dropped),
            marks=marks_of(tuple(self._findings)),
        )


def _files(folder: bytes, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name below the root and path of everything that is no folder, in the order of name bytes.

    A folder below MAX_DEPTH others, or with a path beyond _PATH_MAX, is yielded itself, unopened.
    """
    with os.scandir(folder) as scan:
        children = sorted(scan, key=lambda c: c.name)
    for child in children:
        name = prefix + child.name
        is_within_reach = name.count(b"/") < names.MAX_DEPTH and len(child.path) <= _PATH_MAX
        if is_within_reach and child.is_dir(follow_symlinks=False):
            yield from _files(child.path, name + b"/")
        else:
            yield name, child.path


def _kind(mode: int) -> str:
    return "link" if stat.S_ISLNK(mode) else "socket" if stat.S_ISSOCK(mode) else "device"


def _open_regular(path: bytes) -> BinaryIO:
    # The path was a regular file when it was listed; a link put in its place since must not be followed.
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
