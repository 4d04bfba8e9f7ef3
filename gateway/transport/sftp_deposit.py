"""Puts one file into a folder of an SFTP server: hidden name, what is missing of it, size check, rename."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import WireName
from gateway.transport import disk
from gateway.transport.agreement import RESUME_FROM, SYNC_STEP, UNPROVEN, agreed
from gateway.transport.api import Progress
from gateway.transport.errors import fault, local_disk
from gateway.transport.sftp_fetch import pieces
from gateway.transport.sftp_session import RefusedError, SftpSession
from gateway.transport.sftp_wire import OPEN_EXCLUSIVE, OPEN_PART, OPEN_READ, Kind, Outcome, size_attribute, string
from gateway.transport.sftp_writing import Writing

_ASK_SPACE_FROM = 1 << 20
"""Bytes from which the room at the peer is asked for before anything is sent; less is sent sooner than asked."""
_FSYNC = b"fsync@openssh.com"
_WORTHLESS = frozenset({"size-mismatch", "name-taken", "local-io", "mailbox-full"})
"""After these the part is taken away: it cannot be continued, or nobody may want its room for as long as it lies."""
_EXISTS = frozenset({Outcome.FAILURE, 11})
"""What servers answer to an exclusive opening of what is there; 11 is version 6's word for it."""


class SftpDeposit:
    """One file of `size` bytes on its way to `name` in `folder` (absolute, ending in a slash)."""

    def __init__(self, session: SftpSession, folder: bytes, name: WireName, size: int, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._folder = folder
        self._final = folder + name.encode()
        self._temp = folder + disk.temp_name(name).encode()
        self._size = size
        self._handle: bytes | None = None
        self._start = 0

    def run(self, reader: int, progress: Progress) -> None:
        """Send what the descriptor `reader` yields; the contract of Transport.deposit. Three round trips if small."""
        self._carry(lambda: self._begin(reader), reader, progress)

    def go_on(self, reader: int, start: int, progress: Progress) -> None:
        """Send the rest of a part that this session has just written up to byte `start`, and made durable."""
        self._carry(lambda: self._own(start), reader, progress)

    def _carry(self, begin: Callable[[], bytes | None], reader: int, progress: Progress) -> None:
        try:
            handle = begin()
            if handle is not None:
                self._check(handle, self._write(handle, reader, progress))
                self._publish()
        except RefusedError as refused:
            error = self._meaning(refused)
            self._withdraw()
            raise error from refused
        except GatewayError as error:
            if error.code in _WORTHLESS:
                self._withdraw()
            raise

    def rehearse(self) -> None:
        """Do everything but the rename with an empty file; raises what keeps a deposit from working."""
        try:
            self._handle = self._open()
        except RefusedError as refused:
            raise self._meaning(refused) from refused
        self._withdraw()
        self._require_space()

    def _begin(self, reader: int) -> bytes | None:
        """Return a handle on the temporary file, of which `_start` bytes stand; None if the name is there already with
        our size."""
        session = self._session
        there = session.ask_stat(self._final)
        opened = session.ask_open(self._temp, OPEN_EXCLUSIVE)
        refused: RefusedError | None = None
        # Taken first: whatever becomes of the rest, what was opened is closed and removed.
        try:
            self._handle = session.handle(opened)
        except RefusedError as error:
            refused = error
        held = session.attributes_if_there(there)
        if held is not None:
            self._require_same(held.size)
            self._withdraw()
            return None
        if refused is not None:
            if refused.code not in _EXISTS:
                raise refused
            self._handle = self._continue(reader) or self._open()
        if self._size >= _ASK_SPACE_FROM:
            self._require_space()
        return self._handle

    def _own(self, start: int) -> bytes:
        """Return a handle on the part, which must be `start` bytes long."""
        session = self._session
        handle = self._handle = session.handle(session.ask_open(self._temp, OPEN_PART))
        held = session.attributes(session.ask(Kind.FSTAT, handle)).size
        if held != start:
            raise fault("size-mismatch", f"{held} of {start} bytes stand", sent=start)
        self._start = start
        return handle

    def _open(self) -> bytes:
        """Open the temporary file anew, in place of what a broken attempt may have left."""
        removed = self._session.ask(Kind.REMOVE, string(self._temp))
        opened = self._session.ask_open(self._temp, OPEN_EXCLUSIVE)
        self._session.settle(removed)
        return self._session.handle(opened)

    def _continue(self, reader: int) -> bytes | None:
        """Open what a broken attempt left, cut to what agrees with `reader`; None if nothing of it can be used."""
        session = self._session
        if self._size < RESUME_FROM:
            return None
        try:
            handle = self._handle = session.handle(session.ask_open(self._temp, OPEN_PART))
        except RefusedError:
            return None
        try:
            boundary = self._agreed(reader)
            if boundary:
                cut = session.ask(Kind.FSETSTAT, handle, size_attribute(boundary))
                # What agreed may be in the server's memory only; from here on it is not compared again.
                synced = session.extend(_FSYNC, handle) if session.offers(_FSYNC) else None
                session.answer(cut, Kind.OUTCOME)
                if synced is not None:
                    session.answer(synced, Kind.OUTCOME)
                self._start = boundary
                return handle
        except RefusedError:
            # A server that does not let us read or cut the part: it is sent anew.
            session.drain()
        self._handle = None
        session.settle(session.ask(Kind.CLOSE, handle))
        return None

    def _agreed(self, reader: int) -> int:
        """Return how much of the part is the same as ours. Where the server cannot sync, nothing of it is taken on
        trust.

        Read by a handle of its own: rclone takes a read on a handle that may write for a write of zeros.
        """
        session = self._session
        handle = session.handle(session.ask_open(self._temp, OPEN_READ))
        try:
            held = session.attributes(session.ask(Kind.FSTAT, handle)).size or 0
            unproven = UNPROVEN if session.offers(_FSYNC) else held
            theirs = partial(pieces, session, handle)
            return agreed(held, self._size, partial(_read_at, reader), theirs, unproven=unproven)
        finally:
            with suppress(GatewayError):
                session.drain()
                session.settle(session.ask(Kind.CLOSE, handle))

    def _write(self, handle: bytes, reader: int, progress: Progress) -> Writing:
        """Send what is missing; return the writing, of which not all is answered yet."""
        sent = self._start
        if sent:
            progress(sent)
        writing = Writing(self._session, handle, self._clock, progress)
        syncs = _Syncs(self._session, handle, sent)
        while sent < self._size:
            sent = writing.send(reader, sent, self._size)
            syncs.sent(sent)
        syncs.settle()
        return writing

    def _check(self, handle: bytes, writing: Writing) -> None:
        """Make the bytes durable where the server can, compare sizes, close, and look once more at the name.

        All of it is asked for behind the last writes and answered after them: a server does what concerns one file in
        the order in which it was asked (draft 02, section 6).
        """
        session = self._session
        synced = session.extend(_FSYNC, handle) if session.offers(_FSYNC) else None
        held = session.ask(Kind.FSTAT, handle)
        closed = session.ask(Kind.CLOSE, handle)
        self._handle = None
        there = session.ask_stat(self._final)
        writing.settle()
        if synced is not None:
            session.answer(synced, Kind.OUTCOME)
        size = session.attributes(held).size
        session.answer(closed, Kind.OUTCOME)
        taken = session.attributes_if_there(there)
        if size != self._size:
            raise fault("size-mismatch", f"{size} of {self._size} bytes arrived", sent=self._size)
        if taken is not None:
            self._require_same(taken.size)

    def _publish(self) -> None:
        session = self._session
        try:
            session.answer(session.ask_rename(self._temp, self._final), Kind.OUTCOME)
        except GatewayError as error:
            raise fault("deposit-unknown", "the line broke at the rename: it may or may not have arrived") from error
        except RefusedError:
            held = session.attributes_if_there(session.ask_stat(self._final))
            if held is None:
                raise
            self._require_same(held.size)
            self._withdraw()

    def _withdraw(self) -> None:
        """Leave nothing of ours behind but a published file; what cannot be cleaned up is taken over next time."""
        handle, self._handle = self._handle, None
        self._session.take_back(handle, self._temp)

    def _require_same(self, held: int | None) -> None:
        if held != self._size:
            raise fault("name-taken", f"the name is there with another size than {self._size}", sent=self._size)

    def _require_space(self) -> None:
        if self._is_full():
            raise fault("mailbox-full", f"no room for {self._size} bytes", sent=self._size)

    def _is_full(self) -> bool:
        space = self._session.space(self._folder)
        if space is None:
            return False
        return space.free_bytes < self._size - self._start or (space.free_files < 1 and not self._start)

    def _meaning(self, refused: RefusedError) -> GatewayError:
        self._session.drain()
        # Version 3 has no status for a full disk: every server says "failure", and only asking tells.
        if refused.code == Outcome.FAILURE and self._is_full():
            return fault("mailbox-full", f"no room for {self._size} bytes", sent=self._size)
        return meaning(refused, "depositing")


class _Syncs:
    """Has the server make durable what it got while more is under way: at most UNPROVEN bytes are ever ahead of it."""

    def __init__(self, session: SftpSession, handle: bytes, start: int) -> None:
        self._session = session
        self._handle = handle
        self._offered = session.offers(_FSYNC)
        self._at = start
        self._asked: int | None = None

    def sent(self, end: int) -> None:
        """Note that everything up to `end` was sent."""
        if self._offered and end - self._at >= SYNC_STEP:
            self.settle()
            self._asked, self._at = self._session.extend(_FSYNC, self._handle), end

    def settle(self) -> None:
        """Wait for the answer that is outstanding."""
        if self._asked is not None:
            asked, self._asked = self._asked, None
            self._session.answer(asked, Kind.OUTCOME)


def _read_at(reader: int, offset: int, length: int) -> bytes:
    with local_disk():
        return os.pread(reader, length, offset)


def meaning(refused: RefusedError, doing: str) -> GatewayError:
    """Return what a refusal says about the mailbox."""
    if refused.code == Outcome.NO_SUCH_FILE:
        return fault("mailbox-missing", f"{doing}: the folder is not there")
    if refused.code == Outcome.PERMISSION_DENIED:
        return fault("mailbox-denied", f"{doing}: no permission")
    return fault("mailbox-failed", f"{doing}: the server answered with status {refused.code}", answer=refused.code)
