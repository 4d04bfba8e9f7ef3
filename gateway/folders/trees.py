"""Forcing whole trees to the disk, many files in one round."""

import ctypes
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gateway.domain.errors import GatewayError
from gateway.folders import disk

_WRITE_BEHIND = 2
"""SYNC_FILE_RANGE_WRITE: begin to write, wait for nothing."""
_MANY = 64
"""Files that are worth threads of their own to wait for them."""
_WAITING = 8
"""Threads that wait; more give the disk hardly less to do."""
_OPEN_TOGETHER = 256
"""Files that are open at the same time; a process may open 1,024."""


def fsync_tree(root: Path) -> None:
    """Force everything below `root` to the disk, files before folders, children before their folder; `root` may be a
    file."""
    for error in fsync_trees([root]):
        if error is not None:
            raise error


def fsync_trees(roots: Sequence[Path]) -> list[GatewayError | None]:
    """Do for each of `roots` what `fsync_tree` does, and return in their order what it would have raised.

    All are on their way before the first is waited for. Else each fsync finds places on the disk for its own file
    alone, and the file system commits once for each.
    """
    trees = [_Tree(root) for root in roots]
    for tree in trees:
        tree.attempt(tree.look)
    outcomes = _sync_files([path for tree in trees for path in tree.files])
    for tree in trees:
        tree.attempt(partial(tree.finish, outcomes))
    return [tree.error for tree in trees]


@dataclass(slots=True)
class _Tree:
    """What is below a root, or the root itself: regular files, and folders before those in them."""

    root: Path
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    error: GatewayError | None = None

    def attempt(self, work: Callable[[], None]) -> None:
        if self.error is None:
            try:
                with disk.mapped(self.root):
                    work()
            except GatewayError as error:
                self.error = error

    def look(self) -> None:
        root = os.fspath(self.root)
        mode = os.lstat(root).st_mode
        if stat.S_ISREG(mode):
            self.files.append(root)
        elif stat.S_ISDIR(mode):
            self.folders.append(root)
        for folder in self.folders:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        self.folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        self.files.append(entry.path)

    def finish(self, outcomes: Mapping[str, OSError | None]) -> None:
        for path in self.files:
            if (error := outcomes[path]) is not None:
                raise error
        for folder in reversed(self.folders):
            disk.sync_folder(folder)


def _sync_files(paths: Sequence[str]) -> Mapping[str, OSError | None]:
    outcomes: dict[str, OSError | None] = {}
    for at in range(0, len(paths), _OPEN_TOGETHER):
        _sync_group(paths[at : at + _OPEN_TOGETHER], outcomes)
    return outcomes


def _sync_group(paths: Sequence[str], outcomes: dict[str, OSError | None]) -> None:
    """Sync `paths` and add to `outcomes` what became of each. Each is opened once, so that a write-back that fails
    meanwhile is told to us."""
    begin = disk.system_call("sync_file_range") if len(paths) > 1 else None
    opened: list[tuple[str, int]] = []
    try:
        for path in paths:
            try:
                descriptor = disk.readable(path)
            except OSError as error:
                outcomes[path] = error
                continue
            opened.append((path, descriptor))
            if begin is not None:
                begin(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _WRITE_BEHIND)  # only fsync says what arrived
        if len(opened) < _MANY:
            outcomes.update(_waited_for(opened))
            return
        # Each fsync has the disk empty its own cache; those that wait at the same time share one such order.
        with ThreadPoolExecutor(_WAITING) as pool:
            for found in pool.map(_waited_for, [opened[first::_WAITING] for first in range(_WAITING)]):
                outcomes.update(found)
    finally:
        for _path, descriptor in opened:
            os.close(descriptor)


def _waited_for(opened: Sequence[tuple[str, int]]) -> dict[str, OSError | None]:
    found: dict[str, OSError | None] = {}
    for path, descriptor in opened:
        try:
            os.fsync(descriptor)
        except OSError as error:
            found[path] = error
        else:
            found[path] = None
    return found
