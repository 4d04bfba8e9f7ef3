"""What Linux offers and Python does not: exclusive renames, writing out by halves, and what a file system promises."""

import ctypes
import errno
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

NO_SUCH_CALL = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.ENOTSUP})
"""What is answered where the system, its rules or the file system do not know a call."""

_NO_SUCH_FLAG = NO_SUCH_CALL - {errno.EPERM}
"""The same of a rename, which may be denied."""
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_WAIT_BEFORE, _WRITE, _WAIT_AFTER = 1, 2, 4
"""Of sync_file_range(2): wait for what is being written, begin to write, and wait for that."""
_TELLS_ERRORS = (5, 8)
"""The Linux from which syncfs(2) tells of what could not be written."""
_EXT, _XFS, _BTRFS = 0xEF53, 0x58465342, 0x9123683E
"""File systems on disks of this machine, whose syncfs was read to make all of it last: ext4 where it has a journal."""
_ANSWER_MAX = 32
"""Bytes of what the system says of a journal: a number, or `<none>`."""
_MEMORY, _NODES = Path("/proc/meminfo"), Path("/sys/devices/system/node")
_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_WAITS, _WAITS_SAID = re.compile(rb"(?:Dirty|Writeback): +(\d+) kB"), 2


# -- names ------------------------------------------------------------------------------------------------------------


def rename_new(source: str | Path, target: str | Path, folder: int | None = None) -> None:
    """Rename `source` to `target`, in the open `folder` if one is given; FileExistsError if that name is there.

    renameat2(2) with RENAME_NOREPLACE where the file system has it; elsewhere a look, then a rename: for where nobody
    else takes the name in between.
    """
    try:
        _rename_exclusively(source, target, folder)
    except OSError as error:
        if error.errno not in _NO_SUCH_FLAG:
            raise
        with suppress(FileNotFoundError):
            os.stat(target, dir_fd=folder, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        os.rename(source, target, src_dir_fd=folder, dst_dir_fd=folder)


def _rename_exclusively(source: str | Path, target: str | Path, folder: int | None) -> None:
    call = _call("renameat2")
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    at = _AT_FDCWD if folder is None else folder
    if call(at, os.fsencode(source), at, os.fsencode(target), ctypes.c_uint(_RENAME_NOREPLACE)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(source), None, str(target))


# -- bytes ------------------------------------------------------------------------------------------------------------


def set_aside(descriptor: int, size: int) -> None:
    """Have the file system find the place of `size` bytes now: then two writes into it need not wait for each other.

    A hint: who cannot do it says so in writing. The C library's own way would write zeros instead.
    """
    call = _call("fallocate")
    if call is not None:
        call(descriptor, ctypes.c_int(0), ctypes.c_int64(0), ctypes.c_int64(size))


def start_writing(descriptor: int) -> None:
    """Have the disk begin to write what waits of this file, without waiting for it. Proves nothing, and takes no error
    away from the sync that follows."""
    _sync_range(descriptor, _WRITE)


def settle_writing(descriptor: int) -> None:
    """Wait for what is being written of this file, and have the disk begin with the rest. Proves nothing, and costs
    neither a commit nor an emptying of the disk's cache, for which everybody would wait. OSError if something could not
    be written: no sync that follows need tell it again."""
    _write_out(descriptor, _WAIT_BEFORE | _WRITE)


def finish_writing(descriptor: int) -> None:
    """Do what `settle_writing` does, and wait for all that was written of this file until now."""
    _write_out(descriptor, _WAIT_BEFORE | _WRITE | _WAIT_AFTER)


def written(descriptor: int) -> OSError | None:
    """Return what the file behind `descriptor` could not write, told to nobody through this descriptor before; where
    only an fsync tells it, by one."""
    error = _sync_range(descriptor, _WAIT_BEFORE)
    return fsynced(descriptor) if error is not None and error.errno in NO_SUCH_CALL else error


def fsynced(descriptor: int) -> OSError | None:
    """Force one file or folder to the disk; return what kept it from being."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        return error
    return None


def sync_file_system(descriptor: int) -> None:
    """Force all that waits on the file system of `descriptor` to the disk. OSError: also for what others wrote, from
    the moment when the descriptor was opened, and from earlier as long as nobody was told."""
    call = _call("syncfs")
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(descriptor) != 0:
        raise _failed()


def conclude(file: int) -> None:
    """Force `file`, one of ours, to its disk; where that keeps order, all lasts then that was done to it before, and
    all that was settled there. OSError. See adr/0056."""
    # Touched, it is a part of the newest transaction, whose commit takes along whatever came earlier.
    os.utime(file)
    os.fsync(file)


# -- what is promised ------------------------------------------------------------------------------------------------


def is_sound(descriptor: int) -> bool:
    """Whether the file system of `descriptor` lasts by one order, and tells whoever asks of each error (adr/0053)."""
    if not _tells_errors():
        return False
    kind = file_system(descriptor)
    return kind in (_XFS, _BTRFS) or (kind == _EXT and has_journal(descriptor))


def keeps_order(descriptor: int) -> bool:
    """Whether whatever lasts on the file system of `descriptor` proves that all that was done to it before lasts."""
    # Not Btrfs, whose log takes up what is synced and leaves out the rest.
    return is_sound(descriptor) and file_system(descriptor) != _BTRFS


def file_system(descriptor: int) -> int:
    """Return the kind of file system that `descriptor` is on, as statfs(2) numbers them; 0 if that is unknown."""
    call = _call("fstatfs")
    answer = (ctypes.c_long * 32)()  # more than the structure, which begins with the kind
    return answer[0] if call is not None and call(descriptor, answer) == 0 else 0


def has_journal(descriptor: int) -> bool:
    """Whether the ext4 that `descriptor` is on has a journal, which ends all writing where a table of inodes cannot be
    written: without one this is told to one process, whosever the inodes are. False where the system does not say."""
    try:
        device = os.fstat(descriptor).st_dev
        disk = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").readlink().name
        with Path(f"/sys/fs/ext4/{disk}/journal_task").open("rb") as stream:
            return stream.read(_ANSWER_MAX).strip() not in (b"", b"<none>")
    except OSError:
        return False


def waiting_bytes() -> int | None:
    """Return how many bytes of all file systems wait to be written or are being written; None if that is unknown."""
    # Our service sees nothing of /proc but processes; there each node of memory is asked.
    places = [_MEMORY] if _MEMORY.exists() else list(_NODES.glob("node*/meminfo"))
    try:
        found = [_WAITS.findall(place.read_bytes()) for place in places]
    except OSError:
        return None
    if not found or any(len(sizes) != _WAITS_SAID for sizes in found):
        return None
    return sum(int(size) for sizes in found for size in sizes) << 10


def first_given_port() -> int:
    """Return the first of the ports that are given to who asks for any, or calls somebody; 0 if that is unknown."""
    try:
        return int(_PORTS.read_bytes().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


@cache
def _call(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


@cache
def _tells_errors() -> bool:
    parts = os.uname().release.split(".")
    try:
        return _call("sync_file_range") is not None and (int(parts[0]), int(parts[1])) >= _TELLS_ERRORS
    except (IndexError, ValueError):
        return False


def _write_out(descriptor: int, flags: int) -> None:
    error = _sync_range(descriptor, flags)
    if error is None:
        return
    if error.errno not in NO_SUCH_CALL:
        raise error
    os.fdatasync(descriptor)


def _sync_range(descriptor: int, flags: int) -> OSError | None:
    call = _call("sync_file_range")
    if call is None:
        return OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_uint(flags)) == 0:
        return None
    return _failed()


def _failed() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
