"""Writing the members of one opened bundle: each file made once, large ones past the page cache by another thread."""

import errno
import fcntl
import io
import mmap
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from gateway import linux
from gateway.folders import rounds

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LARGE = 8 << 20
"""Bytes from which a member is written past the page cache: below, its wait for the disk is no gain."""
_BLOCK = 4096
"""Offsets, lengths and addresses that every common disk takes without the page cache."""
_BUFFER = 4 << 20
"""Bytes of one of the buffers; a multiple of _BLOCK, and large enough that a disk has something to do."""
_BUFFERS = 3
"""One is filled while two are on their way: a disk that is given one at a time waits for us in between."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o666
PUSHED_BYTES = 32 << 20
"""After so many bytes of members in the page cache the disk is asked to write what it got, so that the round of syncing
at the end waits for little."""
_HANDS = 5
"""Threads that work beside the one that writes: one decrypts, one hashes, two write what is large, one waits for the
disk. They live as long as one bundle is opened."""


class MemberFiles:
    """The members of one bundle, one after another, below the private and empty folder `root`. Close it at the end.

    Nothing is synced here, unless `singly`: whoever publishes does that, for all of it in one go.
    read_again: the files are read at once by somebody here, who would have to wait for the disk.
    singly: each file is forced to the disk all the same, beside the writing of those that follow; when this is closed
        they and their folders last. For disks where no one order does that in the end (adr/0053).
    """

    def __init__(self, root: Path, *, read_again: bool = False, singly: bool = False) -> None:
        self._root = os.fspath(root)
        self._singly = singly
        self._written: list[str] = []
        """What is to be forced out next."""
        self._large = sys.maxsize if read_again else LARGE
        self._folders = {""}
        self._threads: ThreadPoolExecutor | None = None
        self._buffers: list[mmap.mmap] = []
        self._waiting = 0
        self._pushing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown()
        if error is None:
            self._settle()
            if self._singly:
                _force(self._written, [f"{self._root}/{folder}" for folder in self._folders])

    def create(self, path: str, size: int) -> BinaryIO:
        """Return the new file at the safe relative `path`, for `size` bytes; OSError if the disk fails."""
        self._make_folder(path.rpartition("/")[0])
        place = f"{self._root}/{path}"
        if size < self._large or self._singly:
            self._push(size)
        if self._singly:
            self._written.append(place)
        if size < self._large:
            return cast("BinaryIO", open(place, "xb", buffering=0))
        if not self._buffers:
            self._buffers = [mmap.mmap(-1, _BUFFER) for _ in range(_BUFFERS)]
        return cast("BinaryIO", _LargeFile(_past_the_cache(place, size), self._buffers, self._hands))

    def beside(self, call: Callable[[], None]) -> Callable[[], None]:
        """Begin `call` in another thread; see bundle.streams.Beside."""
        return self._hands.submit(call).result

    @property
    def _hands(self) -> ThreadPoolExecutor:
        # Made for whoever needs them: a small bundle never does.
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_HANDS, "opening")
        return self._threads

    def _push(self, size: int) -> None:
        """Note that so many bytes more will wait for the disk, and have it begin when they are many: with what was
        created before, each file of which is closed by now."""
        if self._waiting >= PUSHED_BYTES and (self._pushing is None or self._pushing.done()):
            self._settle()
            self._waiting = 0
            if self._singly:
                written, self._written = self._written, []
                self._pushing = self._hands.submit(_force, written)
            else:
                self._pushing = self._hands.submit(rounds.push, self._root)
        self._waiting += size

    def _settle(self) -> None:
        """Tell of what the disk failed with: whoever syncs everything later need not hear of it again."""
        pushing, self._pushing = self._pushing, None
        if pushing is not None:
            pushing.result()

    def _make_folder(self, folder: str) -> None:
        if folder not in self._folders:
            self._make_folder(folder.rpartition("/")[0])
            os.mkdir(f"{self._root}/{folder}", 0o700)
            self._folders.add(folder)


class _LargeFile(io.RawIOBase):
    """A new file of which one buffer is filled while others are on their way to the disk."""

    def __init__(self, descriptor: int, buffers: list[mmap.mmap], hands: ThreadPoolExecutor) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._views = [memoryview(buffer) for buffer in buffers]
        self._hands = hands
        self._writing: list[Future[None] | None] = [None] * len(buffers)
        self._turn = 0
        self._filled = 0
        self._size = 0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: "ReadableBuffer", /) -> int:
        """Take over the bytes of `data`; what the disk says to them shows in a later call, at the latest in `close`."""
        view = memoryview(data).cast("B")
        piece = view[: _BUFFER - self._filled]
        self._views[self._turn][self._filled : self._filled + len(piece)] = piece
        self._filled += len(piece)
        self._size += len(piece)
        if self._filled == _BUFFER:
            self._flush(_BUFFER)
        return len(piece)

    def close(self) -> None:
        """Write what is left, wait for all of it, and close the file. OSError if anything could not be written."""
        if self.closed:
            return
        try:
            # The disk is given whole blocks, and a place for what was told; the file is then cut to its size.
            rest = -(-self._filled // _BLOCK) * _BLOCK
            if rest:
                self._flush(rest)
            for turn in range(len(self._writing)):
                self._wait(turn)
            os.ftruncate(self._descriptor, self._size)
        finally:
            for future in self._writing:
                if future is not None:
                    future.exception()  # no thread may write into a number that another file was given
            super().close()
            os.close(self._descriptor)

    def _flush(self, count: int) -> None:
        at = self._size - self._filled
        self._writing[self._turn] = self._hands.submit(_put, self._descriptor, self._views[self._turn][:count], at)
        self._turn = (self._turn + 1) % len(self._views)
        self._filled = 0
        self._wait(self._turn)

    def _wait(self, turn: int) -> None:
        future, self._writing[turn] = self._writing[turn], None
        if future is not None:
            future.result()


def _force(files: Sequence[str], folders: Sequence[str] = ()) -> None:
    for error in rounds.sync_all(files, folders).values():
        if error is not None:
            raise error


def _past_the_cache(place: str, size: int) -> int:
    try:
        descriptor = os.open(place, _NEW | os.O_EXCL | os.O_DIRECT, _MODE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # Linux makes the file before it asks the file system whether it can do without its cache.
        return os.open(place, _NEW, _MODE)
    linux.set_aside(descriptor, size)
    return descriptor


def _put(descriptor: int, view: memoryview, at: int) -> None:
    """Write all of `view` at the offset `at`; through the page cache where the file system takes it no other way."""
    done = 0
    while done < len(view):
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL)  # before: another thread may change it meanwhile
        try:
            done += os.pwrite(descriptor, view[done:], at + done)
        except OSError as error:
            if error.errno != errno.EINVAL or not mode & os.O_DIRECT:
                raise
            fcntl.fcntl(descriptor, fcntl.F_SETFL, mode & ~os.O_DIRECT)
