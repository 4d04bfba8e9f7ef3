"""The local write discipline in one place: what is written, renamed or removed here survives a power cut."""

import errno
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from enum import Enum
from pathlib import Path
from types import TracebackType

from gateway import linux
from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.folders import order, rounds

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_OPEN_TOGETHER = 64
"""Files of one group that are open at the same time while they wait to be synced; a process may open 1,024."""
_PIECE = 64 << 10
"""Bytes of a small file read at once; most are smaller."""
_Content = tuple[str, bytes | memoryview]

OPENED = Path("/proc/self/fd")
"""Where each open folder of this process has a path that leads to it and nowhere else."""

TEMP_PREFIX = ".caseferry-"
"""First part of every temporary name made inside a folder that others see; scans skip names with a dot first."""


class Moved(Enum):
    """What became of a rename that must not overwrite."""

    DONE = "done"
    TAKEN = "taken"  # something has the new name; nothing was changed
    ELSEWHERE = "elsewhere"  # the new name is on another filesystem (EXDEV); nothing was changed


def failure(error: OSError, folder: Path) -> GatewayError:
    """Return the GatewayError for `error`, met while working in `folder`.

    disk-full (transient, node), folder-missing and folder-denied (permanent, route), local-io (transient, transfer).
    Facts: `folder`, `errno` (symbolic). Entry names stay out: they may hold a person's name.
    """
    name = errno.errorcode.get(error.errno or 0, "unknown")
    facts: dict[str, str | int] = {"folder": printable(_named(folder)), "errno": name}
    if error.errno in _FULL:
        return TransientError("disk-full", f"no space left ({name})", scope=Scope.NODE, facts=facts)
    if error.errno in _MISSING:
        return PermanentError("folder-missing", f"folder or file not there ({name})", scope=Scope.ROUTE, facts=facts)
    if error.errno in _DENIED:
        return PermanentError("folder-denied", f"no permission ({name})", scope=Scope.ROUTE, facts=facts)
    return TransientError("local-io", f"reading or writing our own disk failed ({name})", facts=facts)


def _named(folder: Path) -> str:
    """Return the path of `folder` also where it is reached through a descriptor (`sharing.anchored`)."""
    parts = folder.parts
    if folder.is_relative_to(OPENED) and folder != OPENED:
        with suppress(OSError):
            return str(Path(os.readlink(Path(*parts[:5])), *parts[5:]))
    return str(folder)


def _failure(error: OSError | None, folder: Path | str) -> GatewayError | None:
    if error is None:
        return None
    found = failure(error, Path(folder))
    found.__cause__ = error
    return found


class _Mapped:
    """See `mapped`. A class, because this surrounds every single call and a generator would cost more than the call."""

    __slots__ = ("_is_entry", "_path")

    def __init__(self, path: Path | str, *, is_entry: bool) -> None:
        self._path = path
        self._is_entry = is_entry

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if isinstance(error, OSError):
            path = Path(self._path)
            raise failure(error, path.parent if self._is_entry else path) from error


def mapped(folder: Path | str) -> AbstractContextManager[None]:
    """Turn an OSError of the body into its GatewayError (see `failure`); GatewayErrors pass unchanged."""
    return _Mapped(folder, is_entry=False)


def mapped_at(path: Path | str) -> AbstractContextManager[None]:
    """Like `mapped` for the folder that `path` lies in."""
    return _Mapped(path, is_entry=True)


def printable(name: str) -> str:
    """Return `name` fit to be shown: UTF-8 as it is, else read as GB18030, else with the odd bytes as `\\xNN`."""
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("utf-8", "backslashreplace")


def owner_only(folder: Path) -> None:
    """Make `folder` (and missing parents) ours alone, mode 0700; durable and repeatable. Raises as `failure` says."""
    missing: list[Path] = []
    for one in (folder, *folder.parents):
        if exists(one):
            break
        missing.append(one)
    with mapped(folder):
        if missing:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for made in reversed(missing):
            # A folder that a power cut takes back takes everything in it along, however well that was synced.
            fsync_folder(made.parent)
        _close_to_others(folder)


def make_private(folder: Path | str) -> bool:
    """Make `folder` in its parent, which exists, ours alone, mode 0700; return whether it was not there before.

    Repeatable; not fsynced. Raises as `failure` says.
    """
    with mapped(folder):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            _close_to_others(Path(folder))
            return False
        return True


def _close_to_others(folder: Path) -> None:
    found = os.stat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def failures(errors: Sequence[OSError | None], paths: Sequence[Path | str]) -> list[GatewayError | None]:
    """Return in their order what `failure` makes of the errors that were met at `paths`, None where there was none."""
    return [_failure(error, Path(path).parent) for error, path in zip(errors, paths, strict=True)]


def fsync_files(paths: Sequence[Path]) -> list[GatewayError | None]:
    """Force the bytes of the regular files `paths`, no links, to the disk in one round; return in their order what
    `failure` makes of each."""
    names = [os.fspath(path) for path in paths]
    outcomes = rounds.sync_all(names, [])
    return failures([outcomes[name] for name in names], paths)


def fsync_folder(folder: Path) -> None:
    """Force the names in `folder` to the disk; network filesystems that cannot do it are taken as durable."""
    raise_first(fsync_folders([folder]))


def fsync_folders(folders: Sequence[Path | str]) -> list[GatewayError | None]:
    """Do for each of `folders` what `fsync_folder` does, in one round; return in their order what it would have
    raised."""
    names = [os.fspath(folder) for folder in folders]
    outcomes = rounds.sync_all([], names)
    return [_failure(outcomes[name], name) for name in names]


def raise_first(errors: Iterable[GatewayError | None]) -> None:
    """Raise the first error among `errors`, if there is one."""
    for error in errors:
        if error is not None:
            raise error


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Make `path` hold exactly `data`, whole or not at all, replacing what was there; durable on return.

    The temporary is a dot-name in the same folder. May be repeated. Raises as `failure` says.
    """
    write_many([(path, data)], mode)


def write_many(
    items: Sequence[tuple[Path | str, bytes | memoryview]],
    mode: int = 0o600,
    *,
    within: int | None = None,
    adopt: Callable[[int], None] = lambda _file: None,
) -> None:
    """Like `write_durably` for several files, synced together: all are written before the first is forced to the disk,
    and each folder is synced once. A crash leaves a prefix of `items` written.

    within: the open folder that all of them lie in; no path is followed then.
    adopt:  gives each new, open file its access rights.
    Of a few, on a disk that keeps order, bytes and names are synced as one.
    """
    places = [os.fspath(path).rpartition("/") for path, _ in items]
    temporaries = [f"{folder}/{_temporary(name)}" for folder, _, name in places]

    def reached(path: Path | str) -> str:
        return os.fspath(path) if within is None else os.fspath(path).rpartition("/")[2]

    done = 0
    settled: int | None = None
    try:
        contents = [(temporary, data) for temporary, (_, data) in zip(temporaries, items, strict=True)]
        for at in range(0, len(contents), _OPEN_TOGETHER):
            some, is_all = contents[at : at + _OPEN_TOGETHER], len(contents) < rounds.FEWEST
            settled = _fill(some, lambda path: _created(reached(path), mode, within), adopt, is_all=is_all)
        for temporary, (path, _) in zip(temporaries, items, strict=True):
            with mapped_at(path):
                os.replace(reached(temporary), reached(path), src_dir_fd=within, dst_dir_fd=within)
            done += 1
        if settled is not None:
            with mapped_at(items[-1][0]):
                linux.conclude(settled)
            return
    finally:
        if settled is not None:
            os.close(settled)
        for temporary in temporaries[done:]:
            with suppress(OSError):
                os.unlink(reached(temporary), dir_fd=within)
    if within is None:
        raise_first(fsync_folders(list(dict.fromkeys(folder for folder, _, _ in places))))
    elif items:
        with mapped_at(items[-1][0]):
            rounds.sync_opened(within)


def rename_durably(source: Path, target: Path) -> None:
    """Rename within one filesystem, replacing a file at `target`; both folders are on the disk on return."""
    with mapped_at(target):
        source.replace(target)
    fsync_renamed([(source, target)])


def fsync_renamed(moves: Iterable[tuple[Path, Path]]) -> None:
    """Force the folders at both ends of `moves` to the disk, each once, targets first."""
    ends = [(os.fspath(target), os.fspath(source)) for source, target in moves]
    folders = [path.rpartition("/")[0] for side in zip(*ends, strict=True) for path in side]
    for folder in dict.fromkeys(folders):
        raise_first(fsync_folders([folder]))


def rename_new(source: Path | str, target: Path | str) -> Moved:
    """Rename `source` to `target` unless that name is taken; atomic where the kernel knows RENAME_NOREPLACE.

    Elsewhere (some network filesystems) the name is looked up first, which leaves a moment for a race with a stranger.
    Not fsynced. Raises as `failure` says, with the folder of `target`.
    """
    with mapped_at(target):
        try:
            linux.rename_new(source, target)
        except OSError as error:
            if error.errno in {errno.EEXIST, errno.ENOTEMPTY}:
                return Moved.TAKEN
            if error.errno == errno.EXDEV:
                return Moved.ELSEWHERE
            raise
        return Moved.DONE


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a folder with all below it; what is gone already is no error. Safe to repeat."""
    with mapped_at(path):
        try:
            if is_folder(path):
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            if os.path.lexists(path):
                raise


def remove_private(folder: Path | str) -> None:
    """Remove a small folder into which nobody but us can write, with all below it; what is gone already is no error.

    Safe to repeat, and quicker than `remove_tree`, which no stranger leads astray by changing the tree meanwhile.
    """
    with mapped(Path(folder).parent), suppress(FileNotFoundError):
        try:
            os.rmdir(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
        folders = [os.fspath(folder)]
        for one in folders:
            with os.scandir(one) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        os.unlink(entry.path)
        for one in reversed(folders):
            os.rmdir(one)


def exists(path: Path) -> bool:
    """Whether there is anything of that name, a dangling link included. Raises as `failure` says."""
    return lies_at(os.fspath(path))


def lies_at(path: str) -> bool:
    """Like `exists`, for who asks it of thousands."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise failure(error, Path(path).parent) from error
    return True


def device(folder: Path) -> int:
    """Return the number of the filesystem that `folder` is on. Raises as `failure` says."""
    with mapped(folder):
        return folder.stat().st_dev


def _temporary(name: str) -> str:
    # From the final name, so that writers of other names in the same folder never meet and a rest is overwritten.
    return f"{TEMP_PREFIX}{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.tmp"


def _created(name: str, mode: int, within: int | None) -> int:
    """Make a new file that none had before: what a crash left, or a stranger laid there, a pipe that nobody reads or
    another name of some file, is not opened but goes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, mode, dir_fd=within)
    except FileExistsError:
        os.unlink(name, dir_fd=within)
        return os.open(name, flags, mode, dir_fd=within)


def _fill(
    items: Sequence[_Content], create: Callable[[str], int], adopt: Callable[[int], None], *, is_all: bool
) -> int | None:
    """Write new files, then force them to the disk: the first that waits takes along what the others would wait for.

    They stay open meanwhile, so that a write-back that failed is told to us. Where the disk keeps order and there are
    no more of them (`is_all`) they are settled only, and the last is returned, open.
    """
    opened: list[tuple[str, int]] = []
    try:
        for path, data in items:
            with mapped_at(path):
                descriptor = create(path)
                opened.append((path, descriptor))
                adopt(descriptor)
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
        files = [descriptor for _, descriptor in opened]
        is_ordered = is_all and order.is_kept(files)
        errors = order.settle(files) if is_ordered else rounds.sync(files)
        raise_first(failures(errors, [path for path, _ in opened]))
        return opened.pop()[1] if is_ordered else None
    finally:
        for _path, descriptor in opened:
            os.close(descriptor)


def read_small(path: str | Path, most: int = sys.maxsize) -> bytes:
    """Return the first `most` bytes of the small file `path`, no link; for who reads thousands of them. OSError."""
    descriptor = readable(path)
    try:
        parts: list[bytes] = []
        while most and (part := os.read(descriptor, min(most, _PIECE))):
            parts.append(part)
            most -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def readable(path: str | Path) -> int:
    """Return a descriptor that reads the file `path`, no link. OSError."""
    # Where others write, a pipe may have taken the place of a file: for who writes into it nobody waits.
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def is_folder(path: Path) -> bool:
    """Whether `path` itself is a folder; a link is not. Raises OSError."""
    return stat.S_ISDIR(path.lstat().st_mode)
