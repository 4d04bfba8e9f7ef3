"""One SFTP session over a channel: requests under way, answers by number, and the calls that the transport needs."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gateway.domain.errors import GatewayError
from gateway.transport import sftp_wire as wire
from gateway.transport.channel import Channel
from gateway.transport.errors import fault
from gateway.transport.sftp_wire import Attributes, Cursor, Kind, Named, Outcome, WireError

SAFE_BLOCK = 32 << 10
"""Bytes per read or write towards a server that does not say what it takes (draft 02, section 3)."""
BLOCK = 255 << 10
"""Bytes per read or write towards a server that takes it; OpenSSH's own ceiling."""
LARGE_BLOCK = 4 * BLOCK
"""Bytes per write where line and server are quick: a quarter of the requests and answers."""
UNDER_WAY = 8 << 20
"""Bytes of unanswered reads or writes: fills 100 ms of a 600 Mbit/s line and bounds memory."""
REQUESTS = 64
"""Unanswered requests, what OpenSSH's client allows itself."""
_SENT_AT_ONCE = 64 << 10
"""Bytes of one write from which it leaves at once; a smaller one travels together with what is asked after it."""
_RECEIVED = 3 << 20
"""Bytes taken from the channel in one go: few calls while much arrives, and below what the allocator maps anew."""
_LISTING_MAX = 1_000_000
"""Entries of one listing; a peer must not make us hold more."""
_NAME_MAX = 255
"""Bytes of a name, the most that file systems take; a longer one is counted and not held."""


class RefusedError(Exception):
    """The server answered a request with a status; the transport says what that means for the mailbox."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Space:
    """What is left for us at the peer: bytes and files."""

    free_bytes: int
    free_files: int


class SftpSession:
    """Speaks SFTP 3 over `channel`. Not for several threads.

    Calls raise RefusedError for a status, GatewayError of the link for everything else; after the latter the session
    is of no more use.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._next = 0
        self._unsent: list[bytes] = []
        self._chunk = memoryview(b"")
        """What the channel gave last, as far as it is not read yet."""
        self._waiting: set[int] = set()
        self._forgotten: set[int] = set()
        """What is waited for by nobody: its answer is thrown away when it comes."""
        self._answers: dict[int, tuple[int, Cursor]] = {}
        self._extensions: dict[bytes, bytes] = {}
        self._is_garbled = False
        self.read_block = SAFE_BLOCK
        self.write_block = SAFE_BLOCK
        self.write_most = SAFE_BLOCK
        """Bytes of a write that the server takes, up to LARGE_BLOCK."""
        self._start()

    def is_usable(self) -> bool:
        """Whether the session can be used for another operation: nothing went wrong and nobody waits for anything."""
        is_waited_for = self._waiting > self._forgotten
        return not (self._is_garbled or is_waited_for or self._answers or self._unsent) and self._channel.is_open()

    def offers(self, extension: bytes) -> bool:
        """Whether the server announced `extension`."""
        return extension in self._extensions

    def close(self) -> None:
        """Close the channel; never raises."""
        self._channel.close()

    def ask(self, kind: Kind, *fields: bytes) -> int:
        """Put a request on its way and return its number; sent at the latest when an answer is waited for."""
        number = self._next
        self._next = (number + 1) & 0xFFFFFFFF
        self._waiting.add(number)
        self._unsent.append(wire.request(kind, number, *fields))
        if kind is Kind.WRITE and len(fields[-1]) >= _SENT_AT_ONCE:
            self.send_unsent()
        return number

    def extend(self, extension: bytes, *fields: bytes) -> int:
        """Put an extended request on its way and return its number."""
        return self.ask(Kind.EXTENDED, wire.string(extension), *fields)

    def answer(self, number: int, expected: Kind) -> Cursor:
        """Wait for the answer to `number` and return its fields; RefusedError if it is a status instead."""
        self.send_unsent()
        while number not in self._answers:
            self._receive()
        kind, cursor = self._answers.pop(number)
        with self._strict():
            if kind == Kind.OUTCOME:
                code = cursor.u32()
                if code != Outcome.OK or expected is not Kind.OUTCOME:
                    raise RefusedError(code)
            elif kind != expected:
                raise WireError("an answer of the wrong kind")
        return cursor

    def settle(self, number: int) -> int:
        """Wait for a status and return its code instead of raising it."""
        try:
            self.answer(number, Kind.OUTCOME)
        except RefusedError as refused:
            return refused.code
        return Outcome.OK

    def forget(self, *numbers: int) -> None:
        """Send what was asked, and never mind what comes of `numbers`: their answers cost no round trip."""
        self._forgotten.update(number for number in numbers if number in self._waiting)
        for number in numbers:
            self._answers.pop(number, None)
        self.send_unsent()

    def take_back(self, handle: bytes | None, path: bytes) -> None:
        """Close `handle`, if there is one, and remove `path`, as far as that can be done."""
        with suppress(GatewayError, RefusedError):
            self.drain()
            if handle is not None:
                self.settle(self.ask(Kind.CLOSE, handle))
            self.settle(self.ask(Kind.REMOVE, wire.string(path)))

    def drain(self) -> None:
        """Wait for everything that is still outstanding and forget it, so that the session can be used again."""
        self.send_unsent()
        while self._waiting:
            self._receive()
            self._answers.clear()
        self._answers.clear()

    # -- calls ------------------------------------------------------------------------------------------------------

    def ask_stat(self, path: bytes) -> int:
        """Ask for the attributes of `path`."""
        return self.ask(Kind.STAT, wire.string(path))

    def attributes(self, number: int) -> Attributes:
        """Return the attributes asked for."""
        cursor = self.answer(number, Kind.ATTRS)
        with self._strict():
            return cursor.attributes()

    def attributes_if_there(self, number: int) -> Attributes | None:
        """Return the attributes asked for; None if the path is not there."""
        try:
            return self.attributes(number)
        except RefusedError as refused:
            if refused.code == Outcome.NO_SUCH_FILE:
                return None
            raise

    def ask_open(self, path: bytes, flags: int) -> int:
        """Ask for a handle on `path`."""
        attributes = wire.NO_ATTRIBUTES if flags == wire.OPEN_READ else wire.GROUP_MAY_READ
        return self.ask(Kind.OPEN, wire.string(path), wire.u32(flags), attributes)

    def handle(self, number: int) -> bytes:
        """Return the handle asked for, as the field that further requests carry."""
        cursor = self.answer(number, Kind.HANDLE)
        with self._strict():
            return wire.string(cursor.string())

    def ask_read(self, handle: bytes, offset: int, length: int) -> int:
        """Ask for `length` bytes at `offset`."""
        return self.ask(Kind.READ, handle, wire.u64(offset), wire.u32(length))

    def data(self, number: int) -> memoryview:
        """Return the bytes asked for, as they lie in what arrived; empty at the end of the file."""
        try:
            cursor = self.answer(number, Kind.DATA)
        except RefusedError as refused:
            if refused.code == Outcome.EOF:
                return memoryview(b"")
            raise
        with self._strict():
            return cursor.block()

    def ask_write(self, handle: bytes, offset: int, block: bytes) -> int:
        """Send `block` to be written at `offset`."""
        return self.ask(Kind.WRITE, handle, wire.u64(offset), wire.u32(len(block)), block)

    def ask_rename(self, old: bytes, new: bytes) -> int:
        """Ask for a rename: POSIX where offered (atomic everywhere), else version 3's own."""
        if self.offers(b"posix-rename@openssh.com"):
            return self.extend(b"posix-rename@openssh.com", wire.string(old), wire.string(new))
        return self.ask(Kind.RENAME, wire.string(old), wire.string(new))

    def names(self, folder: bytes) -> list[Named]:
        """Return the entries of `folder` with the attributes the listing brings; no request per entry."""
        handle = self.handle(self.ask(Kind.OPENDIR, wire.string(folder)))
        found: list[Named] = []
        count = 0
        asked: deque[int] = deque()
        try:
            while True:
                if not asked:
                    # Most folders end with the second answer.
                    asked.extend(self.ask(Kind.READDIR, handle) for _ in range(2))
                cursor = self.answer(asked.popleft(), Kind.NAME)
                with self._strict():
                    named = cursor.names()
                if not named:
                    break  # a server that tells of nothing for ever would keep us for ever
                count += len(named)
                if count > _LISTING_MAX:
                    raise fault("mailbox-failed", f"the listing has more than {_LISTING_MAX} entries")
                found.extend(one for one in named if len(one.name) <= _NAME_MAX)
        except RefusedError as refused:
            if refused.code != Outcome.EOF:
                raise
        finally:
            self.forget(*asked, self.ask(Kind.CLOSE, handle))
        return found

    def space(self, folder: bytes) -> Space | None:
        """Return what is left at `folder`; None where the server does not say."""
        if not self.offers(b"statvfs@openssh.com"):
            return None
        try:
            cursor = self.answer(self.extend(b"statvfs@openssh.com", wire.string(folder)), Kind.EXTENDED_REPLY)
        except RefusedError:
            return None
        with self._strict():
            _, fragment, _, _, free, files, _, free_files = (cursor.u64() for _ in range(8))
        # Filesystems without a fixed number of files say 0 of 0.
        return Space(fragment * free, free_files if files else 1)

    # -- wire -------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._channel.send(wire.init())
        with self._strict():
            kind, cursor = self._packet()
            if kind != Kind.VERSION or cursor.u32() != wire.VERSION:
                raise WireError("the server does not speak version 3")
            self._extensions = cursor.extensions()
        if self.offers(b"limits@openssh.com"):
            cursor = self.answer(self.extend(b"limits@openssh.com"), Kind.EXTENDED_REPLY)
            with self._strict():
                packet, read, write = cursor.u64(), cursor.u64(), cursor.u64()
            ceiling = packet - 1024 if packet else BLOCK
            self.read_block = max(min(read or SAFE_BLOCK, BLOCK, ceiling), 1024)
            self.write_block = max(min(write or SAFE_BLOCK, BLOCK, ceiling), 1024)
            most = min(write, packet - 1024, LARGE_BLOCK) if packet else 0
            self.write_most = max(most, self.write_block)

    @contextmanager
    def _strict(self) -> Iterator[None]:
        try:
            yield
        except WireError as error:
            self._is_garbled = True
            raise fault("mailbox-failed", f"not SFTP version 3: {error}") from error

    def send_unsent(self) -> None:
        """Send what was asked so far."""
        if self._unsent:
            data = b"".join(self._unsent)
            self._unsent.clear()
            self._channel.send(data)

    def _receive(self) -> None:
        with self._strict():
            kind, cursor = self._packet()
            number = cursor.u32()
            if number not in self._waiting:
                raise WireError("an answer to no question")
        self._waiting.remove(number)
        if number in self._forgotten:
            self._forgotten.remove(number)
        else:
            self._answers[number] = kind, cursor

    def _packet(self) -> tuple[int, Cursor]:
        length = int.from_bytes(self._exactly(4), "big")
        if not 1 <= length <= wire.ANSWER_MAX:
            raise WireError("an answer of an impossible length")
        body = self._exactly(length)
        return body[0], Cursor(body, 1)

    def _exactly(self, length: int) -> memoryview:
        """Return the next `length` bytes, copied only if they came in several pieces."""
        if length > len(self._chunk):
            whole = bytearray(self._chunk)
            while (missing := length - len(whole)) > 0:
                chunk = memoryview(self._channel.receive(_RECEIVED))
                whole += chunk[:missing]
                self._chunk = chunk[missing:]
            return memoryview(whole)
        taken, self._chunk = self._chunk[:length], self._chunk[length:]
        return taken
