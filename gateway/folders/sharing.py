"""What we keep where others write: folders that no link leads away from, and rights by which users can read it."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.domain.errors import PermanentError, Scope
from gateway.folders import disk, rounds

_NO_FOLDER = frozenset({errno.ELOOP, errno.ENOTDIR})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def access_of(model: os.stat_result) -> str:
    """Return what `adopt_access` gives after the folder `model`, as text to be compared."""
    return f"{model.st_gid}:{stat.S_IMODE(model.st_mode):o}"


def adopt_access(path: Path, model: os.stat_result) -> None:
    """Give `path` and all below it the group and permissions of the folder `model`, so that its users can read it.

    Files get the folder's read and write bits, folders all of its bits; the owner always keeps read and write. Where
    we may not change them (a share that keeps its own rules, a group we are not in) they stay as they are.
    """
    with disk.mapped(path.parent):
        todo = [(os.fspath(path), os.lstat(path))]
        for place, found in todo:
            _adopt(place, found, model)
            if stat.S_ISDIR(found.st_mode):
                with os.scandir(place) as entries:
                    todo += [(entry.path, entry.stat(follow_symlinks=False)) for entry in entries]


def adopt_open(descriptor: int, now: os.stat_result, model: os.stat_result) -> None:
    """Do for the open file `descriptor`, which we made and which looks like `now`, what `adopt_access` does for a path.
    Raises OSError."""
    _adopt(descriptor, now, model)


@contextmanager
def opened_own(folder: Path, model: Path | None = None, *, lasts: bool = False) -> Iterator[int]:
    """Give a descriptor of `folder`, which we keep inside a folder that others write into. What is done through it is
    done there, whatever they put at its path meanwhile.

    model: the folder after whose access rights it is made where it is not there. Its name is durable then.
    lasts: it is durable if it is there, since this process has forced it out; who made it may have been killed before.
    Raises `folder-replaced` (permanent, route) where a link or a file has its name; or as `disk.failure` says.
    """
    with disk.mapped_at(folder):
        above = os.open(folder.parent, _FOLDER)
        try:
            descriptor = _opened(folder, above)
            if descriptor is None:
                descriptor = _made(folder, above, model)
            elif model is not None and not lasts:
                _make_last(descriptor, above)
        finally:
            os.close(above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def anchored(folder: Path) -> Iterator[Path]:
    """Give a path to the folder of ours that `opened_own` opens, through its descriptor: for what takes paths."""
    with opened_own(folder) as descriptor:
        yield disk.OPENED / str(descriptor)


def _opened(folder: Path, above: int) -> int | None:
    try:
        return os.open(folder.name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in _NO_FOLDER:
            raise
        facts = {"folder": disk.printable(str(folder))}
        detail = "a link or a file has the name of a folder of ours"
        raise PermanentError("folder-replaced", detail, scope=Scope.ROUTE, facts=facts) from error


def _made(folder: Path, above: int, model: Path | None) -> int:
    missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    if model is None:
        raise missing
    rights = model.stat()
    with suppress(FileExistsError):
        os.mkdir(folder.name, dir_fd=above)
    descriptor = _opened(folder, above)
    if descriptor is None:
        raise missing
    try:
        _adopt(descriptor, os.fstat(descriptor), rights)
    except OSError:
        os.close(descriptor)
        raise
    _make_last(descriptor, above)
    return descriptor


def _make_last(descriptor: int, above: int) -> None:
    """Force out the name of an open folder in the open one `above`; where that fails it is closed."""
    try:
        rounds.sync_opened(above)
    except OSError:
        os.close(descriptor)
        raise


def _adopt(path: str | int, now: os.stat_result, model: os.stat_result) -> None:
    if stat.S_ISLNK(now.st_mode):
        return
    bits = stat.S_IMODE(model.st_mode)
    wanted = bits | 0o700 if stat.S_ISDIR(now.st_mode) else bits & 0o666 | 0o600
    if now.st_gid != model.st_gid:
        with suppress(PermissionError):
            os.chown(path, -1, model.st_gid)
    if stat.S_IMODE(now.st_mode) != wanted:
        with suppress(PermissionError):
            try:
                os.chmod(path, wanted)
            except PermissionError:
                # A sandbox that forbids setgid must not cost the other bits; the folder's own setgid is inherited.
                os.chmod(path, wanted & 0o777)
