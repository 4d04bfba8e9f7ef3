"""Reads remote files in order with many reads under way, in bounded memory, and brings one onto our disk."""

import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from gateway import linux
from gateway.transport import disk
from gateway.transport.agreement import FETCH_STEP, RESUME_FROM, agreed
from gateway.transport.api import Progress
from gateway.transport.errors import fault, local_disk
from gateway.transport.sftp_session import REQUESTS, UNDER_WAY, SftpSession
from gateway.transport.sftp_wire import Kind

_END = memoryview(b"")
_WRITEBACK_STEP = FETCH_STEP // 4
"""Bytes after which our disk is set to work on what it will soon be waited for."""


def pieces(session: SftpSession, handle: bytes, ranges: Sequence[range]) -> Iterator[tuple[int, memoryview]]:
    """Yield (offset, bytes) of the `ranges` of the file behind `handle`, in order; ends where the file ends.

    At most UNDER_WAY bytes are asked for ahead. Raises what SftpSession.data raises.
    """
    depth = max(2, min(REQUESTS, UNDER_WAY // session.read_block))
    wanted = _requests(ranges, session.read_block)
    asked: deque[tuple[int, int, int]] = deque()
    while True:
        while len(asked) < depth and (request := next(wanted, None)) is not None:
            asked.append((session.ask_read(handle, *request), *request))
        if not asked:
            return
        number, offset, length = asked.popleft()
        while length:
            block = session.data(number)[:length]
            if not block:
                return
            yield offset, block
            offset += len(block)
            length -= len(block)
            if length:
                # The server may answer with less than was asked for (draft 02, section 6.4).
                number = session.ask_read(handle, offset, length)


def blocks(session: SftpSession, handle: bytes, size: int, start: int = 0) -> Iterator[memoryview]:
    """Yield the bytes from `start` to `size` of the file behind `handle`, in order; fewer if it ends before."""
    return (block for _, block in pieces(session, handle, [range(start, size)]))


class SftpFetch:
    """One remote file of `size` bytes, open as `handle`, on its way to the file `into`."""

    def __init__(self, session: SftpSession, handle: bytes, into: Path, size: int) -> None:
        self._session = session
        self._handle = handle
        self._into = into
        self._size = size

    def run(self, progress: Progress) -> None:
        """Write the file, or what is missing of it; the contract of Transport.fetch."""
        asked = self._session.ask(Kind.FSTAT, self._handle)
        part = _part_of(self._into, self._size)
        if part is None:
            # The first reads are under way together with the question.
            arriving = blocks(self._session, self._handle, self._size)
            first = next(arriving, _END)
            self._require_size(asked)
            with local_disk():
                part = os.open(self._into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._fill(part, 0, first, arriving, progress)
            return
        try:
            self._require_size(asked)
            start = self._agreed(part)
            with local_disk():
                os.ftruncate(part, start)
                os.fsync(part)
                os.lseek(part, start, os.SEEK_SET)
            arriving = blocks(self._session, self._handle, self._size, start)
            first = next(arriving, _END)
        except BaseException:
            os.close(part)
            raise
        self._fill(part, start, first, arriving, progress)

    def _fill(
        self, part: int, done: int, block: memoryview, arriving: Iterator[memoryview], progress: Progress
    ) -> None:
        """Write `block` and what is `arriving` behind the first `done` bytes of `part`; closes it."""
        with local_disk(), os.fdopen(part, "wb", buffering=0):
            unsynced = unhinted = 0
            if done:
                progress(done)
            while block:
                if unsynced + len(block) > FETCH_STEP:
                    os.fdatasync(part)
                    unsynced = unhinted = 0
                disk.write_all(part, block)
                done += len(block)
                unsynced += len(block)
                unhinted += len(block)
                if unhinted >= _WRITEBACK_STEP:
                    linux.start_writing(part)
                    unhinted = 0
                progress(done)
                block = next(arriving, _END)
            if done != self._size:
                raise fault("size-mismatch", f"ended after {done} of {self._size} bytes", held=done, sent=self._size)
            os.fsync(part)

    def _agreed(self, part: int) -> int:
        with local_disk():
            held = os.fstat(part).st_size
        # What is left of the comparison when it ends early must not be taken for the bytes that follow.
        ours, theirs = partial(_read_own, part), partial(pieces, self._session, self._handle)
        boundary = agreed(held, self._size, ours, theirs, unproven=FETCH_STEP)
        self._session.drain()
        return boundary

    def _require_size(self, asked: int) -> None:
        held = self._session.attributes(asked).size
        if held is not None and held != self._size:
            raise fault(
                "size-mismatch", f"{held} bytes are there, {self._size} were listed", held=held, sent=self._size
            )


def _part_of(into: Path, size: int) -> int | None:
    """Return what an earlier fetch left at `into`, open; None if there is nothing worth continuing."""
    try:
        found = into.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        # Another name of the same bytes is not ours to write to; what replaces it is a new file.
        with local_disk():
            into.unlink()
        return None
    if not RESUME_FROM <= found.st_size <= size:
        return None
    with local_disk():
        return os.open(into, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)


def _read_own(part: int, offset: int, length: int) -> bytes:
    with local_disk():
        return os.pread(part, length, offset)


def _requests(ranges: Sequence[range], length: int) -> Iterator[tuple[int, int]]:
    for one in ranges:
        for offset in range(one.start, one.stop, length):
            yield offset, min(length, one.stop - offset)
