"""The folder transport: a mailbox that is a local, mounted, ferried or removable folder."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock

from gateway.domain.ids import WireName
from gateway.transport import disk
from gateway.transport.api import Entry, Progress, silent
from gateway.transport.errors import fault, local_disk, mailbox_disk

BLOCK = 1 << 20
"""Bytes copied at a time: large enough that calls cost nothing, small enough to hold many transfers in memory."""


class FolderTransport:
    """Moves files between our disk and the two folders of a mailbox.

    deposit:  the folder whose reader is the peer; None where nothing can leave (the far end of a diode).
    collect:  the folder in which the peer leaves things for us; None where nothing can come back.
    sentinel: name of a file that must lie in both folders; without it an unmounted share looks like an empty mailbox.
    mode:     permission bits of deposited files, before the umask.

    Holds no connection; may be used by several threads.
    """

    def __init__(
        self, deposit: Path | None, collect: Path | None, *, sentinel: str | None = None, mode: int = 0o640
    ) -> None:
        self._deposit = deposit
        self._collect = collect
        self._sentinel = sentinel
        self._mode = mode
        self._is_swept = False
        self._sweeping = Lock()

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        with ExitStack() as stack:
            with local_disk():
                reader = stack.enter_context(source.open("rb", buffering=0))
                size = os.fstat(reader.fileno()).st_size
            folder = stack.enter_context(self._folder(self._deposit))
            self._sweep(folder)
            temp = disk.temp_name(name)
            with mailbox_disk():
                if self._is_there(name, size, folder):
                    disk.discard(temp, folder)
                    # The rename of an earlier attempt may not be durable yet.
                    os.fsync(folder)
                    return
                disk.discard(temp, folder)
                if (free := self._room(disk.free_bytes(folder))) < size:
                    raise fault("mailbox-full", f"{free} bytes are free, {size} are needed", free=free, sent=size)
                writer = disk.create_exclusive(temp, folder, self._mode)
            try:
                try:
                    _copy(reader.fileno(), writer, size, progress)
                    with mailbox_disk():
                        os.fsync(writer)
                        held = os.fstat(writer).st_size
                finally:
                    with mailbox_disk():
                        os.close(writer)
                if held != size:
                    raise fault("size-mismatch", f"{held} of {size} bytes arrived", held=held, sent=size)
                self._publish(temp, name, size, folder)
            except BaseException:
                disk.discard(temp, folder)
                raise

    def _room(self, free: int) -> int:
        """Return how large a deposit may be while `free` bytes of the folder's disk are free."""
        return free

    def listing(self) -> list[Entry]:
        if self._collect is None:
            return []
        with self._folder(self._collect) as folder, mailbox_disk(), os.scandir(folder) as found:
            return [entry for item in found if (entry := _entry(item)) is not None]

    def head(self, name: WireName, length: int) -> bytes:
        with self._opened(name) as reader, mailbox_disk():
            return _read_up_to(reader, length)

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        with self._opened(name) as reader:
            with mailbox_disk():
                held = os.fstat(reader).st_size
            if held != size:
                raise fault("size-mismatch", f"{held} bytes are there, {size} were listed", held=held, sent=size)
            with local_disk(), into.open("wb", buffering=0) as writer:
                done = 0
                while done < size:
                    with mailbox_disk():
                        block = os.read(reader, min(BLOCK, size - done))
                    if not block:
                        raise fault("size-mismatch", f"ended after {done} of {size} bytes", held=done, sent=size)
                    disk.write_all(writer.fileno(), block)
                    done += len(block)
                    progress(done)
                os.fsync(writer.fileno())

    def remove(self, names: Sequence[WireName]) -> None:
        with self._folder(self._collect) as folder, mailbox_disk():
            for name in names:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)

    def probe(self) -> None:
        if self._deposit is not None:
            with self._folder(self._deposit) as folder, mailbox_disk():
                temp = disk.temp_name(WireName("probe"))
                disk.discard(temp, folder)
                os.close(disk.create_exclusive(temp, folder, self._mode))
                os.unlink(temp, dir_fd=folder)
                if not disk.free_bytes(folder):
                    raise fault("mailbox-full", "no space is left in the folder we deposit into")
        if self._collect is not None:
            self.listing()
            if not os.access(self._collect, os.W_OK):
                raise fault("mailbox-denied", "the folder we collect from does not let us remove")

    def close(self) -> None:
        """Nothing is held open between calls."""

    @contextmanager
    def _folder(self, folder: Path | None) -> Iterator[int]:
        if folder is None:
            raise fault("mailbox-missing", "this link goes one way only, the other one")
        with ExitStack() as stack:
            with mailbox_disk():
                descriptor = stack.enter_context(disk.opened_folder(folder))
                if self._sentinel is not None and disk.size_of(self._sentinel, descriptor) is None:
                    raise fault("mailbox-missing", "the sentinel file is not there; is the share mounted?")
            yield descriptor

    @contextmanager
    def _opened(self, name: WireName) -> Iterator[int]:
        with self._folder(self._collect) as folder:
            with mailbox_disk():
                try:
                    reader = disk.open_regular(name, folder)
                except FileNotFoundError as error:
                    raise fault("no-such-name", "nothing of that name is waiting") from error
            try:
                yield reader
            finally:
                os.close(reader)

    def _sweep(self, folder: int) -> None:
        """Remove, once, what an earlier run left half-written and may never write again; it is ours, nobody else
        deposits here."""
        with self._sweeping:
            if self._is_swept:
                return
            with mailbox_disk():
                for name in os.listdir(folder):
                    if disk.temp_owner(name) is not None:
                        disk.discard(name, folder)
            self._is_swept = True

    def _is_there(self, name: WireName, size: int, folder: int) -> bool:
        held = disk.size_of(name, folder)
        if held is None:
            return False
        if held != size:
            raise fault("name-taken", f"the name is there with {held} bytes, not {size}", held=held, sent=size)
        return True

    def _publish(self, temp: str, name: WireName, size: int, folder: int) -> None:
        with mailbox_disk():
            try:
                disk.publish(temp, name, folder)
            except FileExistsError:
                self._is_there(name, size, folder)
                disk.discard(temp, folder)
                os.fsync(folder)


def _copy(reader: int, writer: int, size: int, progress: Progress) -> None:
    done = 0
    while done < size:
        with local_disk():
            block = os.read(reader, min(BLOCK, size - done))
        if not block:
            raise fault("local-io", f"the source ended after {done} of {size} bytes", reason="shrunk")
        with mailbox_disk():
            disk.write_all(writer, block)
        done += len(block)
        progress(done)


def _read_up_to(reader: int, length: int) -> bytes:
    parts = []
    while length > 0 and (part := os.read(reader, min(BLOCK, length))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _entry(item: os.DirEntry[str]) -> Entry | None:
    # One entry that cannot be examined must not hide its neighbours.
    name = disk.as_wire_name(item.name)
    if name is None:
        return None
    try:
        found = item.stat(follow_symlinks=False)
    except OSError:
        return None
    return Entry(name, found.st_size) if stat.S_ISREG(found.st_mode) else None
