"""A folder that came from somewhere, made safe: its files under the paths by which they travel, and what is wrong."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from gateway.packing import Member
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import Renamed
from packers import names

MAX_MEMBERS = 100_000
_PATH_MAX = 4095
"""Bytes of the longest path that Linux takes; what lies deeper can be made, but not be named in one call."""
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload")


@dataclass(slots=True)
class FolderTree:
    """What a walk found. `shown`: of each member, in their order, its name as it stands in the folder."""

    members: list[Member] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    renamed: list[Renamed] = field(default_factory=list)


def is_unfinished(name: str) -> bool:
    """Whether whoever writes the entry `name` is still at it, by the habits of common programs."""
    return name.casefold().endswith(_UNFINISHED)


def walk(root: Path, max_members: int = MAX_MEMBERS) -> FolderTree:
    """Return what is in the folder or file `root`: links, devices and sockets refused, leftovers dropped.

    OSError if the disk fails, never for what is found.
    """
    return _Walk(root, max_members).tree()


class _Walk:
    """One walk through an export, collecting members and findings."""

    def __init__(self, root: Path, max_members: int) -> None:
        self._root = root
        self._max_members = max_members
        self._prefers_gb = False
        self._tree = FolderTree()

    def tree(self) -> FolderTree:
        tree = self._tree
        if stat.S_ISDIR(self._root.lstat().st_mode):
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
        for at, other in names.clashes([member.path for member in tree.members]).items():
            self._reject("FS-DUP-NAME", tree.shown[at], other=tree.shown[other])
        if tree.dropped:
            facts: dict[str, str | int] = {
                "count": len(tree.dropped),
                "names": ", ".join(sorted(tree.dropped)[:10]),
            }
            tree.findings.append(Finding("FS-LEFTOVER", Verdict.FIX, Place(self._root.name), facts=facts))
        if not tree.members and not tree.findings:
            self._reject("FS-EMPTY", self._root.name)
        return tree

    def _take(self, raw: bytes, path: bytes) -> None:
        tree = self._tree
        decoded = names.decode_name(raw, prefers_gb=self._prefers_gb)
        shown = decoded[0] if decoded else raw.decode("ascii", "backslashreplace")
        if names.is_leftover(shown):
            tree.dropped.append(shown)
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
            tree.renamed.append(Renamed(fitting, shown))
            short: dict[str, str | int] = {"file": shown, "short": fitting}
            tree.findings.append(Finding("NAME-TOO-LONG", Verdict.FIX, Place(shown), facts=short))
        tree.shown.append(shown)
        kept = None if raw == fitting.encode() else raw
        tree.members.append(Member(fitting, kept, info.st_size, partial(_open_regular, path, raw.count(b"/"))))

    def _reject(self, code: str, name: str, *, alarm: bool = False, **facts: str | int) -> None:
        mender = "security" if alarm else "handler"
        self._tree.findings.append(
            Finding(code, Verdict.REJECT, Place(name), mender=mender, alarm=alarm, facts={"file": name, **facts})
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


def _open_regular(path: bytes, depth: int) -> BinaryIO:
    """Open the file `path`, the last `depth` folders of which lie in the export. OSError.

    Whoever dropped it may still hold these open and change them: what was a file when it was listed may be a pipe by
    now, which must not be waited for, and what was a folder a link, which must not be followed.
    """
    above = None
    try:
        name = path
        if depth:
            # Above the first of them nobody but us can change anything.
            *folders, name = path.rsplit(b"/", depth)
            for folder in folders:
                inner = os.open(folder, _FOLDER, dir_fd=above)
                if above is not None:
                    os.close(above)
                above = inner
        return os.fdopen(os.open(name, _FILE, dir_fd=above), "rb")
    finally:
        if above is not None:
            os.close(above)
