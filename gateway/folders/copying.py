"""Copying to another filesystem with proof: the copy reads back the same, and the source stood still meanwhile."""

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.domain.errors import TransientError
from gateway.folders import disk, trees

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Of a file: where others write, a pipe may have taken its place, and for who writes into it nobody waits."""
_CHUNK = 1 << 20
"""Bytes per read: large enough for network shares, small beside the memory of a county server."""


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file, a link or a folder tree to the new name `target`, fsynced, times kept, digests compared.

    A file that changes while it is copied raises `export-changed` (transient, transfer); a copy that does not read back
    the same raises `local-io`. On any error `target` may be there in part: the caller removes it. Links stay links, and
    none is followed that takes the place of a folder below `source` meanwhile.
    """
    with disk.mapped(target.parent):
        above = os.open(source.parent, _FOLDER)
        try:
            digests = dict(_copied(source.name, above, target))
        finally:
            os.close(above)
        trees.fsync_tree(target)
        for copy, digest in digests.items():
            with copy.open("rb", buffering=0) as file:
                if _digest(file) != digest:
                    raise TransientError("local-io", "a copy did not read back as it was written", facts=_where(copy))


def _copied(name: str, above: int, target: Path) -> Iterator[tuple[Path, bytes]]:
    """Copy `name` in the open folder `above`, and yield each new file with the digest of what was read for it. Not
    fsynced."""
    before = os.stat(name, dir_fd=above, follow_symlinks=False)
    if stat.S_ISDIR(before.st_mode):
        target.mkdir(mode=0o700)
        folder = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
        try:
            for one in sorted(os.listdir(folder)):
                yield from _copied(one, folder, target / one)
            if os.fstat(folder).st_mtime_ns != before.st_mtime_ns:
                raise _changed(target)
        finally:
            os.close(folder)
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif stat.S_ISLNK(before.st_mode):
        target.symlink_to(os.readlink(name, dir_fd=above))
    elif stat.S_ISREG(before.st_mode):
        yield target, _copy_file(name, above, target, before)
    else:
        raise TransientError("local-io", "neither file, folder nor link", facts=_where(target))


def _copy_file(name: str, above: int, target: Path, before: os.stat_result) -> bytes:
    with os.fdopen(os.open(name, _FILE, dir_fd=above), "rb", buffering=0) as incoming:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(writer, "wb", buffering=0) as outgoing:
            digest = _digest(incoming, outgoing)
            after = os.fstat(incoming.fileno())
            os.utime(writer, ns=(before.st_atime_ns, before.st_mtime_ns))
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise _changed(target)
    return digest


def _digest(incoming: io.FileIO, outgoing: io.FileIO | None = None) -> bytes:
    """Read all of `incoming` and return its digest; write it to `outgoing`."""
    running, buffer = hashlib.sha256(), memoryview(bytearray(_CHUNK))
    while count := incoming.readinto(buffer):
        piece = buffer[:count]
        running.update(piece)
        while outgoing is not None and piece:
            piece = piece[outgoing.write(piece) :]
    return running.digest()


def _changed(path: Path) -> TransientError:
    return TransientError("export-changed", "the export changed while it was being taken", facts=_where(path))


def _where(path: Path) -> dict[str, str | int]:
    return {"folder": disk.printable(str(path.parent))}
