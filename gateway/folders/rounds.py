"""Rounds of syncing: forcing many files and folders to the disk, by one order where that is as good, else each."""

import errno
import os
import resource
import stat
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self

from gateway import linux

FEWEST = 16
"""Files and folders that are worth one order for the whole file system: for fewer, their own fsyncs are as quick."""
_STRANGERS = 1 << 20
"""Bytes of others, for each member of the round, that may wait to be written when the whole file system is forced out:
about what a disk writes in the time of the fsync that is saved."""
_STRANGERS_MOST = 256 << 20
"""The most of them, however large the round: it shall not wait for a dossier of somebody else's."""
_OURS = 1 << 20
"""Bytes of one file that count as its own among what waits; of a larger one most was written long ago."""
_CANNOT_SYNC_FOLDER = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})

_MANY = 64
"""Fsyncs that are worth threads of their own to wait for them."""
_WAITING = 8
"""Threads that wait; more give the disk hardly less to do."""
_OPEN_TOGETHER_MOST = 4096
"""Files of one round that are open at the same time, unless a process may open less than four times as many."""
_FULL_ROUNDS = 2
"""Rounds of so many that one process has open at the same time; what is more waits for the disk all the same."""


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


def sync_opened(folder: int) -> None:
    """Force the names in one open folder to the disk, where it can do that. OSError."""
    error = linux.fsynced(folder)
    if error is not None and error.errno not in _CANNOT_SYNC_FOLDER:
        raise error


def push(folder: str) -> None:
    """Have what waits on the file system of `folder` written ahead of a round, where that may be one order. Whatever is
    to last is synced in a round all the same. OSError if something could not be written, whosever it was: a later order
    need not tell it again."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        waiting = linux.waiting_bytes()
        if linux.is_sound(descriptor) and waiting is not None and waiting <= _STRANGERS_MOST:
            linux.sync_file_system(descriptor)
    except OSError as error:
        if error.errno not in linux.NO_SUCH_CALL:
            raise
    finally:
        os.close(descriptor)


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

    @property
    def is_sound(self) -> bool:
        """Whether one order does on this file system what fsyncs of all files would."""
        return linux.is_sound(self._descriptor)

    def force(self, file: str, folders: Collection[str], members: int, size: int) -> bool:
        """Force all of it to the disk by one order; False where that is not as good as fsyncs: then do those.

        file:    a regular one, written in this stretch.     folders: in which all was made.
        members: files at least, and `size`: their bytes, about.
        OSError: an order failed, for all that was written; no fsync need say more.
        """
        lead = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if members < FEWEST or not self.is_sound or not _is_quiet(members, min(size, _OURS * members)):
                return False
            if {Path(one).stat().st_dev for one in (file, *folders)} != {os.fstat(self._descriptor).st_dev}:
                return False
            linux.sync_file_system(self._descriptor)
            os.fsync(lead)  # as in `_synced`
        except OSError as error:
            if error.errno not in linux.NO_SUCH_CALL:
                raise
            return False
        finally:
            os.close(lead)
        return True


def _synced(opened: Sequence[int], members: int) -> list[OSError | None]:
    """Do `sync` for a part of a round of so many `members`. OSError: an order failed, for everybody in the round; whose
    it was, no later fsync need say."""
    lead = _lead(opened, members)
    if lead is not None:
        try:
            linux.sync_file_system(lead)
        except OSError as error:
            if error.errno not in linux.NO_SUCH_CALL:
                raise
        else:
            # One fsync has the disk empty its cache, which syncfs may do too early, and asks the journal.
            return [linux.fsynced(one) if one == lead else linux.written(one) for one in opened]
    for one in opened if len(opened) > 1 else ():
        linux.start_writing(one)  # each finds its places on the disk at once; only fsync says what arrived
    if len(opened) < _MANY:
        return [linux.fsynced(one) for one in opened]
    # Each fsync has the disk empty its own cache; those that wait at the same time share one such order.
    found: list[OSError | None] = [None] * len(opened)
    with ThreadPoolExecutor(_WAITING) as pool:
        shares = pool.map(lambda first: [linux.fsynced(one) for one in opened[first::_WAITING]], range(_WAITING))
        for first, share in enumerate(shares):
            found[first::_WAITING] = share
    return found


def _lead(opened: Sequence[int], members: int) -> int | None:
    """Return through which of `opened` one order does for all of them what their fsyncs would, a regular file if there
    is one; None where it does not, or where others' bytes would make it slower."""
    if len(opened) < FEWEST or not linux.is_sound(opened[0]):
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
    waiting = linux.waiting_bytes()
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
