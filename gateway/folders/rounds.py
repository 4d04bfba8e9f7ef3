"""Rounds of syncing: forcing many files and folders to the disk, by one order where that is as good, else each."""

import ctypes
import errno
import os
import re
import resource
import stat
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self

FEWEST = 16
"""Files and folders that are worth one order for the whole file system: for fewer, their own fsyncs are as quick."""
_STRANGERS = 1 << 20
"""Bytes of others, for each member of the round, that may wait to be written when the whole file system is forced out:
about what a disk writes in the time of the fsync that is saved."""
_STRANGERS_MOST = 256 << 20
"""The most of them, however large the round: it shall not wait for a dossier of somebody else's."""
_OURS = 1 << 20
"""Bytes of one file that count as its own among what waits; of a larger one most was written long ago."""
_TELLS_ERRORS = (5, 8)
"""The Linux from which syncfs(2) tells of what could not be written."""
_EXT, _XFS, _BTRFS = 0xEF53, 0x58465342, 0x9123683E
"""File systems on disks of this machine, whose syncfs was read to make all of it last: ext4 where it has a journal."""
_ANSWER_MAX = 32
"""Bytes of what the system says of a journal: a number, or `<none>`."""
_MEMORY, _NODES = Path("/proc/meminfo"), Path("/sys/devices/system/node")
_WAITS, _WAITS_SAID = re.compile(rb"(?:Dirty|Writeback): +(\d+) kB"), 2
_UNKNOWN_CALL = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.ENOTSUP})
_CANNOT_SYNC_FOLDER = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})

_MANY = 64
"""Fsyncs that are worth threads of their own to wait for them."""
_WAITING = 8
"""Threads that wait; more give the disk hardly less to do."""
_OPEN_TOGETHER_MOST = 4096
"""Files of one round that are open at the same time, unless a process may open less than four times as many."""
_FULL_ROUNDS = 2
"""Rounds of so many that one process has open at the same time; what is more waits for the disk all the same."""
_WAIT_BEFORE, _WRITE, _WAIT_AFTER = 1, 2, 4
"""Of sync_file_range(2): wait for what is being written, begin to write, and wait for that."""


def sync(opened: Sequence[int]) -> list[OSError | None]:
    """Force what these descriptors lead to, bytes and names, to the disk; return in their order what became of each.

    Each is told what its own fsync would have told, and all of them what befell the whole round. What was written
    through another descriptor before counts as well. See adr/0053 for why one order may stand for all.
    """
    try:
        return _synced(opened, len(opened))
    except OSError as error:
        return [error] * len(opened)


def sync_all(files: Sequence[str], folders: Sequence[str]) -> Mapping[str, OSError | None]:
    """Do what `sync` does for regular `files`, which are no links, then for `folders`; return what became of each.

    Each is opened before anything is waited for, so that a write-back that fails meanwhile is told to us. Folders of
    network file systems that cannot do it are taken as durable.
    """
    outcomes: dict[str, OSError | None] = {}
    # A pipe that has taken the place of a file is opened at once, and cannot be synced.
    members = [(path, os.O_NOFOLLOW | os.O_NONBLOCK) for path in files] + [(path, os.O_DIRECTORY) for path in folders]
    together = _open_together()
    places = _places(together)
    try:
        for at in range(0, len(members), together):
            group = members[at : at + together]
            with places.taken(len(group)):
                _sync_group(group, len(members), outcomes)
    except OSError as error:
        # Also for those that no order was given for yet: what befell them it has told, and a later one need not.
        return {path: outcomes.get(path) or error for path, _ in members}
    return outcomes


def push(folder: str) -> None:
    """Have what waits on the file system of `folder` written ahead of a round, where that may be one order. Whatever is
    to last is synced in a round all the same. OSError if something could not be written, whosever it was: a later order
    need not tell it again."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        waiting = waiting_bytes()
        if _is_sound(descriptor) and waiting is not None and waiting <= _STRANGERS_MOST:
            sync_file_system(descriptor)
    except OSError as error:
        if error.errno not in _UNKNOWN_CALL:
            raise
    finally:
        os.close(descriptor)


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


def keeps_order(descriptor: int) -> bool:
    """Whether whatever lasts on the file system of `descriptor` proves that all that was done to it before lasts."""
    # Not Btrfs, whose log takes up what is synced and leaves out the rest.
    return _is_sound(descriptor) and file_system(descriptor) != _BTRFS


class Stretch:
    """All that is written on one file system while this lasts. It begins before the first byte is written: what cannot
    be written afterwards is told to us whoever was told before, so that no file of it need be asked for itself."""

    def __init__(self, folder: str) -> None:
        """folder: one that is there, on that file system. OSError."""
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)

    def force(self, file: str, folders: Collection[str], members: int, size: int) -> bool:
        """Force all of it to the disk by one order; False where that is not as good as fsyncs: then do those.

        file:    a regular one, written in this stretch.     folders: in which all was made.
        members: files at least, and `size`: their bytes, about.
        OSError: an order failed, for all that was written; no fsync need say more.
        """
        lead = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if (
                members < FEWEST
                or not _is_sound(self._descriptor)
                or not _is_quiet(members, min(size, _OURS * members))
            ):
                return False
            if {Path(one).stat().st_dev for one in (file, *folders)} != {os.fstat(self._descriptor).st_dev}:
                return False
            sync_file_system(self._descriptor)
            os.fsync(lead)  # as in `_synced`
        except OSError as error:
            if error.errno not in _UNKNOWN_CALL:
                raise
            return False
        finally:
            os.close(lead)
        return True


@cache
def system_call(name: str) -> Callable[..., int] | None:
    """Return what Python does not offer; None where the system does not either."""
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


def sync_file_system(descriptor: int) -> None:
    """Force all that waits on the file system of `descriptor` to the disk. OSError: also for what others wrote, from
    the moment when the descriptor was opened, and from earlier as long as nobody was told."""
    call = system_call("syncfs")
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(descriptor) != 0:
        raise _failed()


def file_system(descriptor: int) -> int:
    """Return the kind of file system that `descriptor` is on, as statfs(2) numbers them; 0 if that is unknown."""
    call = system_call("fstatfs")
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


def _synced(opened: Sequence[int], members: int) -> list[OSError | None]:
    """Do `sync` for a part of a round of so many `members`. OSError: an order failed, for everybody in the round; whose
    it was, no later fsync need say."""
    lead = _lead(opened, members)
    if lead is not None:
        try:
            sync_file_system(lead)
        except OSError as error:
            if error.errno not in _UNKNOWN_CALL:
                raise
        else:
            # One fsync has the disk empty its cache, which syncfs may do too early, and asks the journal.
            return [_fsynced(one) if one == lead else _written(one) for one in opened]
    for one in opened if len(opened) > 1 else ():
        _sync_range(one, _WRITE)  # each finds its places on the disk at once; only fsync says what arrived
    if len(opened) < _MANY:
        return [_fsynced(one) for one in opened]
    # Each fsync has the disk empty its own cache; those that wait at the same time share one such order.
    found: list[OSError | None] = [None] * len(opened)
    with ThreadPoolExecutor(_WAITING) as pool:
        shares = pool.map(lambda first: [_fsynced(one) for one in opened[first::_WAITING]], range(_WAITING))
        for first, share in enumerate(shares):
            found[first::_WAITING] = share
    return found


def _lead(opened: Sequence[int], members: int) -> int | None:
    """Return through which of `opened` one order does for all of them what their fsyncs would, a regular file if there
    is one; None where it does not, or where others' bytes would make it slower."""
    if len(opened) < FEWEST or not _is_sound(opened[0]):
        return None
    try:
        looks = {one: os.fstat(one) for one in opened}
    except OSError:
        return None
    if not _is_quiet(members, sum(min(look.st_size, _OURS) for look in looks.values())):
        return None
    # A file of another file system may be mounted anywhere in a tree.
    if len({look.st_dev for look in looks.values()}) > 1:
        return None
    return next((one for one, look in looks.items() if stat.S_ISREG(look.st_mode)), opened[0])


def _is_quiet(members: int, ours: int) -> bool:
    """Whether so little waits for the disk beside `ours`, a round's own bytes, that it would not make it slower."""
    waiting = waiting_bytes()
    return waiting is not None and waiting - ours <= min(_STRANGERS * members, _STRANGERS_MOST)


def _open_together() -> int:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _OPEN_TOGETHER_MOST if most == resource.RLIM_INFINITY else max(1, min(most // 4, _OPEN_TOGETHER_MOST))


class _Places:
    """How many files all rounds of this process may have open at the same time. Any thread."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._changed = threading.Condition()
        self._turn = threading.Lock()

    @contextmanager
    def taken(self, number: int) -> Iterator[None]:
        """Hold `number` places, at most as many as there are; whoever waits for them first gets them first."""
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._free >= number)
            self._free -= number
        try:
            yield
        finally:
            with self._changed:
                self._free += number
                self._changed.notify_all()


@cache
def _places(together: int) -> _Places:
    return _Places(_FULL_ROUNDS * together)


def _is_sound(descriptor: int) -> bool:
    if not _tells_errors():
        return False
    kind = file_system(descriptor)
    return kind in (_XFS, _BTRFS) or (kind == _EXT and has_journal(descriptor))


@cache
def _tells_errors() -> bool:
    parts = os.uname().release.split(".")
    try:
        return system_call("sync_file_range") is not None and (int(parts[0]), int(parts[1])) >= _TELLS_ERRORS
    except (IndexError, ValueError):
        return False


def _sync_group(group: Sequence[tuple[str, int]], members: int, outcomes: dict[str, OSError | None]) -> None:
    """Sync a part of a round of so many `members`, and add to `outcomes` what became of each; OSError as `_synced`."""
    opened: list[tuple[str, int]] = []
    try:
        for path, flags in group:
            try:
                # Linux flushes through a read-only descriptor too, so files without write permission can be forced out.
                opened.append((path, os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)))
            except OSError as error:
                outcomes[path] = error
        folders = {path for path, flags in group if flags == os.O_DIRECTORY}
        for (path, _), found in zip(opened, _synced([one for _, one in opened], members), strict=True):
            is_unable = found is not None and path in folders and found.errno in _CANNOT_SYNC_FOLDER
            outcomes[path] = None if is_unable else found
    finally:
        for _, descriptor in opened:
            os.close(descriptor)


def _fsynced(descriptor: int) -> OSError | None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        return error
    return None


def _written(descriptor: int) -> OSError | None:
    """Return what the file behind `descriptor` could not write, told to nobody through this descriptor before."""
    if (error := _sync_range(descriptor, _WAIT_BEFORE)) is not None and error.errno in _UNKNOWN_CALL:
        return _fsynced(descriptor)
    return error


def _write_out(descriptor: int, flags: int) -> None:
    if (error := _sync_range(descriptor, flags)) is None and system_call("sync_file_range"):
        return
    if error is not None and error.errno not in _UNKNOWN_CALL:
        raise error
    os.fdatasync(descriptor)


def _sync_range(descriptor: int, flags: int) -> OSError | None:
    call = system_call("sync_file_range")
    if call is None or call(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), flags) == 0:
        return None
    return _failed()


def _failed() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
