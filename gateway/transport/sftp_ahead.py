"""Sends a file while it is being written: its growing part under a name of its own, its front once it is whole."""

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import WireName
from gateway.transport import disk
from gateway.transport.api import Growing, Progress
from gateway.transport.errors import fault, local_disk
from gateway.transport.sftp_deposit import SftpDeposit, meaning
from gateway.transport.sftp_session import UNDER_WAY, RefusedError, SftpSession
from gateway.transport.sftp_wire import OPEN_EXCLUSIVE, Kind, string
from gateway.transport.sftp_writing import Writing

_FSYNC = b"fsync@openssh.com"
_OURS = frozenset({"mailbox-full", "local-io", "disk-full"})
"""After these the line is sound, and what was sent is taken away at once; with the line it goes by itself."""


class SftpAhead:
    """One file that grows here, on its way into `folder` (absolute, ending in a slash) at the peer.

    Until the front has arrived and all is durable the bytes lie under a name that nobody continues or collects, since
    they have a hole. Then they are an ordinary part, of which everything up to a byte stands, and the ordinary deposit
    goes on with it: whatever breaks from there on is continued as any other.
    """

    def __init__(self, session: SftpSession, folder: bytes, source: Growing, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._folder = folder
        self._temp = folder + disk.HEAD_START.encode()
        self._source = source
        self._handle: bytes | None = None

    def run(self, progress: Progress) -> bool:
        """Send it; the contract of AheadTransport.deposit_ahead."""
        source = self._source
        try:
            self._handle = self._open()
            self._send_herald(self._handle)
            sent = self._follow(self._handle, progress)
            name = source.named()
            if name is None:
                self._withdraw()
                return False
            self._join(self._handle, name)
        except RefusedError as refused:
            self._withdraw()
            raise meaning(refused, "sending ahead") from refused
        except GatewayError as error:
            # A session that nothing is asked of is lent again: then the line does not end, and nothing goes with it.
            if error.code in _OURS or self._session.is_usable():
                self._withdraw()
            raise
        deposit = SftpDeposit(self._session, self._folder, name, source.size, self._clock)
        deposit.go_on(source.reader, sent, progress)
        return True

    def _open(self) -> bytes:
        session = self._session
        removed = session.ask(Kind.REMOVE, string(self._temp))
        opened = session.ask_open(self._temp, OPEN_EXCLUSIVE)
        session.settle(removed)
        handle = session.handle(opened)
        space = session.space(self._folder)
        if space is not None and space.free_bytes < self._source.size:
            self._handle = handle
            raise fault("mailbox-full", f"no room for {self._source.size} bytes", sent=self._source.size)
        return handle

    def _send_herald(self, handle: bytes) -> None:
        with local_disk():
            herald = self._source.herald()
        writing = Writing(self._session, handle, self._clock, _unheard)
        for at in range(0, len(herald), self._session.write_block):
            writing.write(at, herald[at : at + self._session.write_block])
        writing.settle()

    def _follow(self, handle: bytes, progress: Progress) -> int:
        """Send what grows until it is named or over; return up to which byte it was sent, all of it answered."""
        source = self._source
        sent = source.start
        writing = Writing(self._session, handle, self._clock, progress)
        while source.named() is None:
            stands = source.stands(sent)
            if stands is None:
                break
            if stands <= sent:
                writing.settle()
                progress(sent)
            # In turns of what may be under way, to hear in between that it is whole or over.
            turn = min(stands, sent + UNDER_WAY)
            while sent < turn:
                sent = writing.send(source.reader, sent, turn)
        writing.settle()
        return sent

    def _join(self, handle: bytes, name: WireName) -> None:
        """Write the front, make all of it durable, and make it the part of `name`: from here on it has no hole."""
        session = self._session
        self._send_front(handle)
        if session.offers(_FSYNC):
            session.answer(session.extend(_FSYNC, handle), Kind.OUTCOME)
        self._handle = None
        session.answer(session.ask(Kind.CLOSE, handle), Kind.OUTCOME)
        part = self._folder + disk.temp_name(name).encode()
        session.answer(session.ask_rename(self._temp, part), Kind.OUTCOME)

    def _send_front(self, handle: bytes) -> None:
        writing, at = Writing(self._session, handle, self._clock, _unheard), 0
        while at < self._source.start:
            at = writing.send(self._source.reader, at, self._source.start)
        writing.settle()

    def _withdraw(self) -> None:
        """Leave nothing behind; what cannot be cleaned up is taken away by whoever sends ahead next."""
        handle, self._handle = self._handle, None
        self._session.take_back(handle, self._temp)


def _unheard(_done: int) -> None:
    """The front is small."""
