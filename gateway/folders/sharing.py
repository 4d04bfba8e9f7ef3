"""Access rights of what the case software's users must be able to read and take away."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from gateway.folders import disk


def adopt_access(path: Path, model: os.stat_result) -> None:
    """Give `path` and all below it the group and permissions of the folder `model`, so that its users can read it.

    Files get the folder's read and write bits, folders all of its bits; the owner always keeps read and write. Where
    we may not change them (a share that keeps its own rules, a group we are not in) they stay as they are.
    """
    with disk.mapped(path.parent):
        _adopt(path, model)
        if disk.is_folder(path):
            for folder, folders, files in os.walk(path, onerror=disk.reraise):
                for name in (*folders, *files):
                    _adopt(Path(folder, name), model)


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


def _adopt(path: Path, model: os.stat_result) -> None:
    now = path.lstat()
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
                path.chmod(wanted)
            except PermissionError:
                # A sandbox that forbids setgid must not cost the other bits; the folder's own setgid is inherited.
                path.chmod(wanted & 0o777)
