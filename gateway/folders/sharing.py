"""Access rights of what the case software's users must be able to read and take away."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from gateway.folders import disk


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


def shared_folder(folder: Path, model: Path) -> None:
    """Make `folder` with the access rights of the folder `model`, so that its users see into it; repeatable."""
    if disk.exists(folder):
        return
    with disk.mapped(model):
        rights = model.stat()
    with disk.mapped(folder.parent):
        folder.mkdir(exist_ok=True)
    adopt_access(folder, rights)
    disk.fsync_folder(folder.parent)


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
