"""A running embedded server and raw sessions on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode, unit_code
from gateway.transport.channel import Deadlines
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.sftp_session import SftpSession
from tests.support.embedded import EmbeddedServer, embedded_server
from tests.support.sshkeys import KeyPair, key_pair

GUEST, NEIGHBOUR = unit_code("330102000000"), unit_code("330103000000")
DEADLINES = Deadlines(connect=60.0, idle=60.0)


@pytest.fixture(scope="session")
def guest_key() -> KeyPair:
    return key_pair()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, guest_key: KeyPair) -> Iterator[EmbeddedServer]:
    accounts = {GUEST: [guest_key.public], NEIGHBOUR: [key_pair().public]}
    with embedded_server(tmp_path_factory.mktemp("server"), accounts) as running:
        yield running


def channel_to(server: EmbeddedServer, key: KeyPair, unit: UnitCode = GUEST) -> ParamikoChannel:
    """Log in at `server` and return the channel."""
    peer = SshPeer("127.0.0.1", server.port, unit, key.private, (server.host_key.public,))
    return ParamikoChannel(peer, DEADLINES, SystemClock())


@pytest.fixture
def mailbox(server: EmbeddedServer) -> Path:
    """The guest's mailbox, emptied."""
    root = server.mailbox(GUEST)
    for path in [*(root / "in").iterdir(), *(root / "out").iterdir()]:
        path.unlink(missing_ok=True)
    return root


@pytest.fixture
def session(server: EmbeddedServer, guest_key: KeyPair, mailbox: Path) -> Iterator[SftpSession]:
    """A raw session of the guest, whose mailbox is empty."""
    opened = SftpSession(channel_to(server, guest_key))
    yield opened
    opened.close()


@pytest.fixture
def log_in(server: EmbeddedServer, guest_key: KeyPair, mailbox: Path) -> Iterator[Callable[[], SftpSession]]:
    """Opens further sessions of the guest, each over a connection of its own."""
    opened: list[SftpSession] = []

    def connect() -> SftpSession:
        opened.append(SftpSession(channel_to(server, guest_key)))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()
