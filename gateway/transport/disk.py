"""The write discipline of a mailbox folder: hidden temporary names, no overwriting, durable names."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway import linux
from gateway.domain.ids import WireName, wire_name
from gateway.transport.agreement import RESUME_FROM

_NOT_A_FILE = frozenset({errno.ELOOP, errno.ENXIO, errno.EISDIR})  # a link, a socket or a device without one
_TEMP = re.compile(r"\.([A-Za-z0-9][A-Za-z0-9._-]{0,99})\.part")
HEAD_START = ".ahead"
"""The one hidden name of what is sent while it is still being sealed: its front is missing, so nothing ever continues
it, and it becomes a part only once it has none of that left. One name, so that leftovers cannot pile up."""


def temp_name(name: WireName) -> str:
    """Return the hidden name under which `name` grows.

    The same name each time: a repeated deposit takes over what a broken one left, so leftovers cannot pile up.
    """
    return f".{name}.part"


def temp_owner(temp: str) -> WireName | None:
    """Return the wire name that `temp` grows into; None if it is no temporary name."""
    match = _TEMP.fullmatch(temp)
    return WireName(match[1]) if match else None


def is_hidden(name: str) -> bool:
    """Whether something grows under `name` that is not yet what it will be."""
    return name == HEAD_START or temp_owner(name) is not None


def may_become(temp: str, name: str) -> bool:
    """Whether what grows under `temp` may be renamed to `name`: a part to what it is of, the head start to a part."""
    return temp_owner(name) is not None if temp == HEAD_START else temp_owner(temp) == name


def as_wire_name(name: str) -> WireName | None:
    """Return `name` as a wire name; None if it is none."""
    try:
        return wire_name(name)
    except ValueError:
        return None


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """Give a descriptor of `folder`, so that everything below is reached through it and not through a path."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_regular(name: str, folder: int) -> int:
    """Open the regular file `name` in `folder` for reading; FileNotFoundError for a link and whatever else is there."""
    return _opened(name, folder, os.O_RDONLY)


def open_part(name: str, folder: int) -> int:
    """Open the regular file `name` in `folder` for reading and writing, as it is.

    FileNotFoundError for whatever else is there, and for a file with a second name: that one is somebody else's.
    """
    descriptor = _opened(name, folder, os.O_RDWR)
    if os.fstat(descriptor).st_nlink != 1:
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "has another name")
    return descriptor


def create_exclusive(name: str, folder: int, mode: int) -> int:
    """Create `name` in `folder` for writing; FileExistsError if anything of that name is there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, mode, dir_fd=folder)


def size_of(name: str, folder: int) -> int | None:
    """Return the size in bytes of `name` in `folder`, links not followed; None if it is not there."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
    except FileNotFoundError:
        return None


def publish(temp: str, name: str, folder: int) -> None:
    """Rename `temp` to `name` in `folder` and make it durable; FileExistsError if `name` is there already.

    Only one depositor writes into a mailbox, so nobody can take the name in between where a rename is not exclusive.
    """
    linux.rename_new(temp, name, folder)
    os.fsync(folder)


def is_settled(descriptor: int, size: int) -> bool:
    """Whether bytes of a part of `size` bytes are settled only until it gets its name: where the disk keeps order they
    last together with that (adr/0056), and nobody continues so short a part."""
    return size < RESUME_FROM and linux.keeps_order(descriptor)


def publish_part(temp: str, name: str, folder: int, *, is_synced: bool) -> None:
    """Do what `publish` does for a part of a guest, its bytes included unless they are synced as `is_settled` says."""
    part = open_regular(temp, folder)
    try:
        if is_settled(part, os.fstat(part).st_size):
            if not is_synced:
                linux.finish_writing(part)
            linux.rename_new(temp, name, folder)
            linux.conclude(part)
        else:
            if not is_synced:
                os.fsync(part)
            publish(temp, name, folder)
    finally:
        os.close(part)


def conclude(name: str, folder: int) -> None:
    """Make durable whatever was published in `folder`, of which `name` is one: by whom, and how far, is not known."""
    with suppress(FileNotFoundError):  # collected meanwhile
        part = open_regular(name, folder)
        try:
            linux.conclude(part)
        finally:
            os.close(part)
    os.fsync(folder)


def discard(name: str, folder: int) -> None:
    """Remove `name` from `folder` if it is there and may be removed."""
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def free_bytes(folder: int) -> int:
    """Return the bytes that the filesystem of `folder` still takes from us."""
    found = os.fstatvfs(folder)
    return found.f_bavail * found.f_frsize


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    with opened_folder(folder) as descriptor:
        os.fsync(descriptor)


def _opened(name: str, folder: int, flags: int) -> int:
    # O_NONBLOCK: opening a FIFO that somebody put there must not wait for a writer.
    try:
        descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            raise FileNotFoundError(errno.ENOENT, "not a regular file") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return descriptor


def write_all(descriptor: int, block: bytes | memoryview) -> None:
    """Write the whole `block` at the file's position."""
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]
