"""Copying to another filesystem with proof: the copy reads back the same, and the source stood still meanwhile."""

import hashlib
import os
import stat
from pathlib import Path

from gateway.domain.errors import TransientError
from gateway.folders import disk

_CHUNK = 1 << 20
"""Bytes per read: large enough for network shares, small beside the memory of a county server."""


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file, a link or a folder tree to the new name `target`, fsynced, times kept, digests compared.

    A file that changes while it is copied raises `export-changed` (transient, transfer); a copy that does not read back
    the same raises `local-io`. On any error `target` may be there in part: the caller removes it. Links stay links.
    """
    with disk.mapped(target.parent):
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    before = source.lstat()
    if stat.S_ISDIR(before.st_mode):
        target.mkdir(mode=0o700)
        with os.scandir(source) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            _copy(source / name, target / name)
        if source.lstat().st_mtime_ns != before.st_mtime_ns:
            raise _changed(source)
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
        disk.fsync_folder(target)
    elif stat.S_ISLNK(before.st_mode):
        target.symlink_to(source.readlink())
    elif stat.S_ISREG(before.st_mode):
        _copy_file(source, target, before)
    else:
        raise TransientError("local-io", "neither file, folder nor link", facts=_where(source))


def _copy_file(source: Path, target: Path, before: os.stat_result) -> None:
    read, written = hashlib.sha256(), hashlib.sha256()
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    writer = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(reader, "rb", buffering=0) as incoming, os.fdopen(writer, "r+b", buffering=0) as outgoing:
        while chunk := incoming.read(_CHUNK):
            read.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[outgoing.write(view) :]
        after = os.fstat(incoming.fileno())
        os.fsync(outgoing.fileno())
        outgoing.seek(0)
        while chunk := outgoing.read(_CHUNK):
            written.update(chunk)
        os.utime(outgoing.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise _changed(source)
    if read.digest() != written.digest():
        raise TransientError("local-io", "a copy did not read back as it was written", facts=_where(target))


def _changed(path: Path) -> TransientError:
    return TransientError("export-changed", "the export changed while it was being taken", facts=_where(path))


def _where(path: Path) -> dict[str, str | int]:
    return {"folder": disk.printable(str(path.parent))}
