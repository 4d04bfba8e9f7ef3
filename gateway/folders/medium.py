"""A mounted removable medium: one folder per trip on it, files cut into parts, and nothing else ever touched."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.folders import disk

INDEX = "index"
"""Name of a trip's index; it is written last, so that a trip without it is not whole."""
PART = 1 << 30
"""Bytes of one file on a medium: FAT32, which most media bear, ends at 4 GiB."""
BLOCK = 1 << 20
SLACK = 1 << 20
"""Bytes of a medium that its own tables may take."""

Progress = Callable[[int], None]
"""Called with the bytes that were moved since the last call."""

_TRIP = re.compile(r"[0-9a-f]{32}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP})


def silent(_moved: int) -> None:
    """The Progress that nobody watches."""


def part_sizes(size: int, part: int) -> list[int]:
    """Return the sizes of the parts of a file of `size` bytes; an empty file has one empty part."""
    whole, rest = divmod(size, part)
    return [part] * whole + ([rest] if rest or not whole else [])


@dataclass(frozen=True, slots=True)
class Cut:
    """One file on a medium: `size` bytes in parts of `part` bytes each, numbered from `first` in the folder `trip`."""

    trip: str
    first: int
    size: int
    part: int


class Medium:
    """The folder `root` in which a medium is mounted. `part`: bytes of one file on it.

    Errors, of scope link: `medium-missing`, `medium-denied` (permanent), `medium-full`, `medium-failed` (transient); of
    our own disk as `disk.failure` says.
    """

    def __init__(self, root: Path, part: int = PART) -> None:
        self._root = root
        self._part = part

    def free(self) -> int:
        """Return the bytes that the medium still takes."""
        with self._mapped():
            found = os.statvfs(self._root)
            return max(0, found.f_bavail * found.f_frsize - SLACK)

    def is_beside(self, folder: Path) -> bool:
        """Whether the medium lies on the disk of `folder`: then most likely nothing is mounted."""
        with self._mapped():
            return self._root.stat().st_dev == folder.stat().st_dev

    def trips(self) -> list[str]:
        """Return the ids of the trips that are whole on the medium."""
        with self._mapped():
            names = sorted(path.name for path in self._root.iterdir())
            return [name for name in names if _TRIP.fullmatch(name) and self._is_whole(name)]

    # Writing

    def put(self, trip: str, first: int, source: Path, progress: Progress = silent) -> tuple[str, int]:
        """Write the file `source` in parts numbered from `first`; return its SHA-256 and the number after its last.

        May be repeated: parts that are there with the very bytes are left as they are.
        """
        folder = self._root / trip
        with self._mapped():
            folder.mkdir(exist_ok=True)
            above = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _sync(above)
            finally:
                os.close(above)
        running = hashlib.sha256()
        number = first
        with disk.mapped(source.parent), source.open("rb", buffering=0) as reader:
            size = os.fstat(reader.fileno()).st_size
            for length in part_sizes(size, self._part):
                start = reader.tell()
                if not self._is_same(folder / _part(number), reader.fileno(), start, length):
                    self._write(folder, _part(number), reader.fileno(), start, length)
                _hash(reader.fileno(), start, length, running, progress)
                reader.seek(start + length)
                number += 1
        return running.hexdigest(), number

    def seal(self, trip: str, index: bytes) -> None:
        """Write the index, by which the trip becomes whole; everything else is durable by now."""
        folder = self._root / trip
        with self._mapped(), _placing(folder, INDEX) as writer:
            _write_all(writer, index)

    def is_written(self, trip: str) -> bool:
        """Whether the trip is whole on the medium."""
        with self._mapped():
            return self._is_whole(trip)

    # Reading

    def index(self, trip: str, most: int) -> bytes:
        """Return the first `most` + 1 bytes of a trip's index."""
        with self._mapped(), self._opened(self._root / trip / INDEX) as reader:
            return _all(reader, most + 1)

    def lacking(self, trip: str, sizes: Sequence[int], part: int) -> int:
        """Return how many of the files of these sizes are not there whole, by the sizes of their parts alone."""
        number, missing = 1, 0
        for size in sizes:
            lengths = part_sizes(size, part)
            with self._mapped():
                missing += any(
                    _size(self._root / trip / _part(number + n)) != length for n, length in enumerate(lengths)
                )
            number += len(lengths)
        return missing

    def strangers(self, trip: str, sizes: Sequence[int], part: int) -> int:
        """Return how many names lie in a trip's folder that do not belong there; nothing reads them."""
        count = sum(len(part_sizes(size, part)) for size in sizes)
        known = {INDEX, *(_part(number) for number in range(1, count + 1))}
        with self._mapped():
            return len({path.name for path in (self._root / trip).iterdir()} - known)

    def take(self, cut: Cut, into: Path, progress: Progress = silent) -> str:
        """Copy a file to `into` and return the SHA-256 of what was there; durable. What is missing shortens it."""
        running = hashlib.sha256()
        with disk.mapped(into.parent), into.open("wb", buffering=0) as writer:
            for number, length in enumerate(part_sizes(cut.size, cut.part), cut.first):
                with self._mapped(), self._opened(self._root / cut.trip / _part(number)) as reader:
                    left = length
                    while left and (block := os.read(reader, min(BLOCK, left))):
                        with _ours(into.parent):
                            _write_all(writer.fileno(), block)
                        running.update(block)
                        left -= len(block)
                        progress(len(block))
            os.fsync(writer.fileno())
        return running.hexdigest()

    # Small parts

    def _write(self, folder: Path, name: str, source: int, start: int, length: int) -> None:
        with self._mapped(), _placing(folder, name) as writer:
            for block in _blocks(source, start, length):
                _write_all(writer, block)

    def _is_same(self, path: Path, source: int, start: int, length: int) -> bool:
        with self._mapped():
            if _size(path) != length:
                return False
            with self._opened(path) as reader:
                return all(os.pread(reader, len(b), at) == b for at, b in _placed(_blocks(source, start, length)))

    def _is_whole(self, trip: str) -> bool:
        folder = self._root / trip
        return _is_folder(folder) and _size(folder / INDEX) is not None

    @contextmanager
    def _opened(self, path: Path) -> Iterator[int]:
        # A medium is a stranger's: what is no plain file there is not opened, and a pipe does not make us wait.
        with _folder(path.parent) as trip:
            reader = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=trip)
        try:
            if not stat.S_ISREG(os.fstat(reader).st_mode):
                raise FileNotFoundError(errno.ENOENT, "not a regular file")
            yield reader
        finally:
            os.close(reader)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _failure(error, self._root) from error


@contextmanager
def _placing(folder: Path, name: str) -> Iterator[int]:
    """Yield what to write to; it gets its name, durably, once all of it was written. Raises OSError.

    Whoever had the medium in hand between two attempts cannot make us write elsewhere.
    """
    with _folder(folder) as trip:
        temp = f"{name}.part"
        with suppress(FileNotFoundError):
            os.unlink(temp, dir_fd=trip)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        writer = os.open(temp, flags, 0o644, dir_fd=trip)
        try:
            yield writer
            os.fsync(writer)
        finally:
            os.close(writer)
        os.replace(temp, name, src_dir_fd=trip, dst_dir_fd=trip)
        _sync(trip)


@contextmanager
def _folder(folder: Path) -> Iterator[int]:
    """Open a trip's folder, which is no link. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _sync(folder: int) -> None:
    """Make the names in an open folder of a medium durable. OSError, but from a file system that cannot do it."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise


def _failure(error: OSError, root: Path) -> GatewayError:
    name = errno.errorcode.get(error.errno or 0, "unknown")
    facts: dict[str, str | int] = {"medium": disk.printable(str(root)), "errno": name}
    if error.errno in _FULL:
        return TransientError("medium-full", f"no space is left on the medium ({name})", scope=Scope.LINK, facts=facts)
    if error.errno in _MISSING:
        return PermanentError("medium-missing", f"not there on the medium ({name})", scope=Scope.LINK, facts=facts)
    if error.errno in _DENIED:
        return PermanentError("medium-denied", f"no permission on the medium ({name})", scope=Scope.LINK, facts=facts)
    return TransientError("medium-failed", f"the medium failed ({name})", scope=Scope.LINK, facts=facts)


@contextmanager
def _ours(folder: Path) -> Iterator[None]:
    # Within the medium's own mapping: a full disk of ours must not be told as a full medium.
    try:
        yield
    except OSError as error:
        raise disk.failure(error, folder) from error


def _part(number: int) -> str:
    return f"{number:06d}"


def _size(path: Path) -> int | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _blocks(source: int, start: int, length: int) -> Iterator[bytes]:
    done = 0
    while done < length:
        block = os.pread(source, min(BLOCK, length - done), start + done)
        if not block:
            raise OSError(errno.EIO, "the source ended early")
        yield block
        done += len(block)


def _placed(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    at = 0
    for block in blocks:
        yield at, block
        at += len(block)


def _hash(source: int, start: int, length: int, running: "hashlib._Hash", progress: Progress) -> None:
    for block in _blocks(source, start, length):
        running.update(block)
        progress(len(block))


def _all(reader: int, most: int) -> bytes:
    parts = []
    while most > 0 and (part := os.read(reader, min(BLOCK, most))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]
