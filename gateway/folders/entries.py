"""What a folder's entry looks like from outside: the packing.Entry that scans compare and claims check."""

import errno
import os
import stat
from itertools import islice
from pathlib import Path

from gateway.domain.errors import PermanentError
from gateway.packing import Entry

WALK_MAX = 100_000
"""Files and folders below one entry; the largest electronic dossier known has some 40,000 pages as files."""
DEPTH_MAX = 32
"""Folder levels below one entry; agency formats use at most four."""


def look(path: Path | str) -> Entry:
    """Return `path` as an Entry; links and devices are never followed or opened.

    Raises OSError as the system does, and PermanentError: `entry-unsafe` for a link or a special file at the top,
    `export-too-many-files` for a folder beyond WALK_MAX or DEPTH_MAX, or deeper than any path reaches.
    """
    place = os.fspath(path)
    name, top = place.rpartition("/")[2], os.lstat(place)
    if stat.S_ISREG(top.st_mode):
        return Entry(name, is_folder=False, size=top.st_size, mtime_ns=top.st_mtime_ns, inode=top.st_ino)
    if not stat.S_ISDIR(top.st_mode):
        raise PermanentError("entry-unsafe", "a link or special file lies in the outbound folder")
    size, newest, seen = 0, top.st_mtime_ns, 0
    children: frozenset[str] = frozenset()
    waiting = [(place, 1)]
    while waiting:
        folder, depth = waiting.pop()
        found = _listed(folder, WALK_MAX - seen)
        if depth == 1:
            children = frozenset([entry.name for entry, _ in found])
        seen += len(found)
        if depth > DEPTH_MAX:
            raise _too_many()
        for entry, status in found:
            newest = max(newest, status.st_mtime_ns)
            if stat.S_ISDIR(status.st_mode):
                waiting.append((entry.path, depth + 1))
            else:
                size += status.st_size
    return Entry(name, is_folder=True, size=size, mtime_ns=newest, inode=top.st_ino, children=children)


def _listed(folder: str, most: int) -> list[tuple[os.DirEntry[str], os.stat_result]]:
    """Return what lies in `folder`; `export-too-many-files` if that is more than `most`."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry, entry.stat(follow_symlinks=False)) for entry in islice(entries, most + 1)]
    except OSError as error:
        # Folders can be made one inside the other beyond the longest path that a system call takes.
        if error.errno == errno.ENAMETOOLONG:
            raise _too_many() from error
        raise
    if len(found) > most:
        raise _too_many()
    return found


def _too_many() -> PermanentError:
    return PermanentError(
        "export-too-many-files",
        "the folder holds more files or levels than any dossier",
        facts={"limit": WALK_MAX},
    )
