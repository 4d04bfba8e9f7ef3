"""The SFTP transport: the guest's side of a mailbox on a peer's SFTP server."""

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import WireName
from gateway.transport import disk
from gateway.transport.api import Entry, Growing, Progress, silent
from gateway.transport.channel import Channel, Deadlines
from gateway.transport.errors import fault, local_disk
from gateway.transport.paramiko_channel import SshPeer
from gateway.transport.sftp_ahead import SftpAhead
from gateway.transport.sftp_deposit import SftpDeposit, meaning
from gateway.transport.sftp_fetch import SftpFetch
from gateway.transport.sftp_session import REQUESTS, RefusedError, SftpSession
from gateway.transport.sftp_wire import OPEN_READ, Kind, Outcome, string

Engine = Callable[[SshPeer, Deadlines, Clock], Channel]
"""Logs in to a peer and opens its SFTP subsystem: ParamikoChannel or OpensshChannel."""


class SftpTransport:
    """Moves files between our disk and a mailbox at a peer's SFTP server.

    connect: opens a channel to the server's SFTP subsystem; raises the contract's link errors.
    deposit, collect: absolute paths of the two folders at the server.
    reuse:   seconds; a session unused for longer is opened anew instead of trusted.

    Sessions are kept and used again. May be used by several threads: each call has a session of its own.
    """

    def __init__(
        self,
        connect: Callable[[], Channel],
        clock: Clock,
        *,
        deposit: str = "/in",
        collect: str = "/out",
        reuse: float = 60.0,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._deposit = deposit.encode().rstrip(b"/") + b"/"
        self._collect = collect.encode().rstrip(b"/") + b"/"
        self._reuse = reuse
        self._lock = Lock()
        self._idle: list[tuple[float, SftpSession]] = []

    @classmethod
    def over(
        cls,
        engine: Engine,
        peer: SshPeer,
        deadlines: Deadlines,
        clock: Clock,
        *,
        deposit: str = "/in",
        collect: str = "/out",
    ) -> "SftpTransport":
        """Return the transport that logs in to `peer` by means of `engine`."""
        connect = partial(engine, peer, deadlines, clock)
        return cls(connect, clock, deposit=deposit, collect=collect, reuse=deadlines.reuse)

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        with local_disk():
            reader = source.open("rb", buffering=0)
        with reader:
            with local_disk():
                size = os.fstat(reader.fileno()).st_size
            with self._session() as session:
                SftpDeposit(session, self._deposit, name, size, self._clock).run(reader.fileno(), progress)

    def deposit_ahead(self, source: Growing, progress: Progress = silent) -> bool:
        with self._session() as session:
            return SftpAhead(session, self._deposit, source, self._clock).run(progress)

    def listing(self) -> list[Entry]:
        with self._session() as session, _read_side(session):
            found = session.names(self._collect)
        entries = []
        for item in found:
            name = disk.as_wire_name(item.name.decode("latin-1"))
            size, mode = item.attributes.size, item.attributes.mode
            # A server that keeps silent about the mode lists files; one that keeps silent about the size is of no use.
            if name is not None and size is not None and (mode is None or stat.S_ISREG(mode)):
                entries.append(Entry(name, size))
        return entries

    def head(self, name: WireName, length: int) -> bytes:
        with self._session() as session, _read_side(session), self._opened(session, name) as handle:
            parts: list[memoryview] = []
            done = 0
            while done < length:
                part = session.data(session.ask_read(handle, done, min(length - done, session.read_block)))
                if not part:
                    break
                parts.append(part)
                done += len(part)
            return b"".join(parts)

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        with self._session() as session, _read_side(session), self._opened(session, name) as handle:
            SftpFetch(session, handle, into, size).run(progress)

    def remove(self, names: Sequence[WireName]) -> None:
        with self._session() as session, _read_side(session):
            asked: deque[int] = deque()
            for name in names:
                if len(asked) == REQUESTS:
                    _removed(session, asked.popleft())
                asked.append(session.ask(Kind.REMOVE, string(self._collect + name.encode())))
            while asked:
                _removed(session, asked.popleft())

    def probe(self) -> None:
        with self._session() as session:
            SftpDeposit(session, self._deposit, WireName("probe"), 1, self._clock).rehearse()
        self.listing()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, session in idle:
            session.close()

    @contextmanager
    def _session(self) -> Iterator[SftpSession]:
        session = self._borrow() or self._open()
        try:
            yield session
        finally:
            if session.is_usable():
                with self._lock:
                    self._idle.append((self._clock.monotonic(), session))
            else:
                session.close()

    def _borrow(self) -> SftpSession | None:
        """Return the session used last, if it may be trusted; whatever may not is closed, so that the session of one
        large transfer does not stay behind those that are used again and again."""
        with self._lock:
            since = self._clock.monotonic() - self._reuse
            fresh = [(used, one) for used, one in self._idle if used > since and one.is_usable()]
            stale = [one for used, one in self._idle if (used, one) not in fresh]
            found = fresh.pop()[1] if fresh else None
            self._idle = fresh
        for session in stale:
            session.close()
        return found

    def _open(self) -> SftpSession:
        channel = self._connect()
        try:
            return SftpSession(channel)
        except RefusedError as refused:
            channel.close()
            raise fault("mailbox-failed", "the server offers its limits but refuses to tell them") from refused
        except BaseException:
            channel.close()
            raise

    @contextmanager
    def _opened(self, session: SftpSession, name: WireName) -> Iterator[bytes]:
        try:
            handle = session.handle(session.ask_open(self._collect + name.encode(), OPEN_READ))
        except RefusedError as refused:
            if refused.code == Outcome.NO_SUCH_FILE:
                raise fault("no-such-name", "nothing of that name is waiting") from refused
            raise
        try:
            yield handle
        finally:
            with suppress(GatewayError):
                session.forget(session.ask(Kind.CLOSE, handle))


@contextmanager
def _read_side(session: SftpSession) -> Iterator[None]:
    try:
        yield
    except RefusedError as refused:
        session.drain()
        raise meaning(refused, "collecting") from refused


def _removed(session: SftpSession, number: int) -> None:
    code = session.settle(number)
    if code not in {Outcome.OK, Outcome.NO_SUCH_FILE}:
        raise RefusedError(code)
