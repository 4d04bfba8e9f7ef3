"""A line to a real SFTP server that breaks, or a server that falls silent, at one call of ours on the channel."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import UnitCode, wire_name
from gateway.transport.channel import Deadlines
from gateway.transport.errors import CODES
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.sftp import SftpTransport
from tests.support.embedded import EmbeddedServer, embedded_server
from tests.support.leaks import nothing_is_left_behind
from tests.support.nodes import eventually
from tests.support.sshkeys import KeyPair, key_pair

GUEST = UnitCode("990102000000")
OURS, THEIRS = wire_name("1" * 32 + ".cfb"), wire_name("2" * 32 + ".cfb")
CONTENT = bytes(range(251)) * 3000
"""Some 750 KB: several packets, and one piece."""
CALM = Deadlines(connect=60.0, idle=60.0)
"""Where no deadline is to pass, however busy the machine is."""
SOON = Deadlines(connect=60.0, idle=0.3)
"""Of a channel whose peer is to fall silent, until it has."""
TRIES = 3
"""Times that a deposit, a listing, a fetch or a removal is tried; one fault spoils one of them."""


class LineFault(Enum):
    """What may happen to the line, and how the table of docs/reliability.md calls it."""

    RESET = "connection reset"
    HANG = "the peer falls silent"


@dataclass
class _Line:
    """Counts the calls of all channels, and does something just before number `at`."""

    at: int
    happen: Callable[[ParamikoChannel], None]
    is_silenced: bool
    met: int = 0

    @property
    def deadlines(self) -> Deadlines:
        """Those of a channel that is made now."""
        return SOON if self.is_silenced and self.met <= self.at else CALM

    def meet(self, channel: ParamikoChannel) -> None:
        self.met += 1
        if self.met == self.at + 1:
            self.happen(channel)


class _Channel(ParamikoChannel):
    """The library's own channel, whose calls are met."""

    line: _Line

    def send(self, data: bytes | memoryview) -> None:
        self.line.meet(self)
        super().send(data)

    def receive(self, limit: int) -> bytes:
        self.line.meet(self)
        return super().receive(limit)


@dataclass
class Site:
    """A server, and a mailbox in which something waits for us."""

    server: EmbeddedServer
    identity: KeyPair
    folder: Path
    tried: int = field(default=0)

    def suffer(self, fault: LineFault | None, at: int = -1) -> int:
        """Deposit, list, fetch and remove with `fault` at call number `at`; return how many calls there were.

        AssertionError unless everything is where it belongs, once and whole, and nothing else is there.
        """
        self.tried += 1
        mailbox = self.server.mailbox(GUEST)
        source, into = self.folder / "source", self.folder / f"into-{self.tried}"
        source.write_bytes(CONTENT)
        (mailbox / "out" / THEIRS).write_bytes(CONTENT[::-1])
        happen = {None: _nothing, LineFault.RESET: _reset, LineFault.HANG: self._silence}[fault]
        line = _Line(at, happen, fault is LineFault.HANG)

        def connect() -> ParamikoChannel:
            peer = SshPeer("127.0.0.1", self.server.port, GUEST, self.identity.private, (self.server.host_key.public,))
            channel = _Channel(peer, line.deadlines, SystemClock())
            channel.line = line
            return channel

        with nothing_is_left_behind():
            transport = SftpTransport(connect, SystemClock())
            self._again(lambda: transport.deposit(source, OURS))
            self._again(transport.listing)
            self._again(lambda: transport.fetch(THEIRS, into, len(CONTENT)))
            self._again(lambda: transport.remove([THEIRS]))
            transport.close()
        assert into.read_bytes() == CONTENT[::-1]
        assert list((mailbox / "out").iterdir()) == []
        # The server clears up after a guest that is gone, in its own time.
        eventually(lambda: [path.name for path in (mailbox / "in").iterdir()] == [OURS] or None, "nothing but ours")
        assert (mailbox / "in" / OURS).read_bytes() == CONTENT
        (mailbox / "in" / OURS).unlink()
        into.unlink()
        return line.met

    def _again(self, action: Callable[[], object]) -> None:
        for left in reversed(range(TRIES)):
            try:
                action()
                return
            except GatewayError as error:
                if left == 0 or (type(error), error.scope) != CODES[error.code]:
                    raise
            finally:
                os.kill(self.server.process.pid or 0, signal.SIGCONT)

    def _silence(self, _channel: ParamikoChannel) -> None:
        os.kill(self.server.process.pid or 0, signal.SIGSTOP)


@contextmanager
def a_site(folder: Path) -> Iterator[Site]:
    """Run a server with its files below `folder`."""
    identity = key_pair()
    with embedded_server(folder, {GUEST: [identity.public]}) as server:
        yield Site(server, identity, folder)


def _reset(channel: ParamikoChannel) -> None:
    channel._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    channel._socket.shutdown(socket.SHUT_RDWR)


def _nothing(_channel: ParamikoChannel) -> None:
    """The line is as it should be."""
