"""Forcing whole trees to the disk, many files in one round."""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gateway import linux
from gateway.domain.errors import GatewayError
from gateway.folders import disk, order, rounds


def fsync_tree(root: Path) -> None:
    """Force everything below `root` to the disk; `root` may be a file. In between any part of it may be there."""
    disk.raise_first(fsync_trees([root]))


def fsync_trees(roots: Sequence[Path | str]) -> list[GatewayError | None]:
    """Do for each of `roots` what `fsync_tree` does, and return in their order what it would have raised.

    All go in one round: else each fsync finds places on the disk for its own file alone, and the file system commits
    once for each.
    """
    return _forced(roots, None)


def settle_trees(roots: Sequence[Path | str], folder: Path | str) -> list[GatewayError | None]:
    """Like `fsync_trees`, for whoever is about to do something in `folder` that will be synced: of a few files on its
    disk, if that keeps order, the bytes are settled only, and last with what is done then."""
    return _forced(roots, os.fspath(folder))


Lasting = dict[tuple[int, int], int]
"""Files that last as they are: device and inode, and when the inode was changed last, in nanoseconds since 1970."""


def lasting_in(folder: Path | str, since: os.stat_result) -> Lasting:
    """Return the regular files below `folder`, which were all forced to the disk before `since`, a folder of the same
    disk, was made. What is changed from now on shows, as only those are returned that were changed last at an earlier
    tick of the clock than that. Raises as `disk.failure` says."""
    tree = _Tree(folder)
    tree.attempt(tree.look)
    if tree.error is not None:
        raise tree.error
    with disk.mapped(folder):
        found = [os.lstat(path) for path in tree.files]
    return {_identity(one): one.st_ctime_ns for one in found if one.st_ctime_ns < since.st_ctime_ns}


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def fsync_own_trees(
    roots: Sequence[Path | str], folders: Sequence[Path | str], lead: str, lasting: Lasting | None = None
) -> list[GatewayError | None]:
    """Like `fsync_trees`, of trees that we have made ourselves and of the `folders` that hold them. `lead`: a file in
    one of them; of a few files on a disk that keeps order it alone is synced, for all. Of files that are `lasting`, and
    unchanged since, nothing is asked."""
    with ExitStack() as held:
        try:
            with disk.mapped_at(lead):
                opened = disk.readable(lead)
                held.callback(os.close, opened)
                if order.is_kept_between(lead, *folders):
                    errors = settle_trees(roots, folders[0])
                    linux.conclude(opened)
                    return errors
        except GatewayError as error:
            return [error] * len(roots)
    errors = _forced(roots, None, lasting)
    for folder in folders:
        disk.fsync_folder(Path(folder))
    return errors


def _forced(
    roots: Sequence[Path | str], folder: str | None, lasting: Lasting | None = None
) -> list[GatewayError | None]:
    trees = [_Tree(root, lasting) for root in roots]
    for tree in trees:
        tree.attempt(tree.look)
    files = [path for tree in trees for path in tree.files]
    outcomes = None if folder is None else order.settle_all(files, folder)
    if outcomes is None:
        outcomes = rounds.sync_all(files, [path for tree in trees for path in reversed(tree.folders)])
    for tree in trees:
        tree.attempt(partial(tree.finish, outcomes))
    return [tree.error for tree in trees]


@dataclass(slots=True)
class _Tree:
    """What is below a root, or the root itself: regular files but those that are lasting, and folders before those in
    them."""

    root: Path | str
    lasting: Lasting | None = None
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
                    elif entry.is_file(follow_symlinks=False) and not self._lasts(entry):
                        self.files.append(entry.path)

    def _lasts(self, entry: os.DirEntry[str]) -> bool:
        if not self.lasting:
            return False
        found = entry.stat(follow_symlinks=False)
        return self.lasting.get(_identity(found)) == found.st_ctime_ns

    def finish(self, outcomes: Mapping[str, OSError | None]) -> None:
        for path in (*self.files, *reversed(self.folders)):
            if (error := outcomes.get(path)) is not None:
                raise error
