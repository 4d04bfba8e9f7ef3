"""A street of two houses for each test, made once and copied, on disks of which nothing is known."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.compose.links import Transports
from gateway.domain.ids import UnitCode
from gateway.settings.links import LinkSettings
from gateway.transport.api import Transport
from gateway.transport.hosted import HostedTransport, Mailboxes
from gateway.transport.paramiko_channel import SshPeer
from tests.support.embedded import EmbeddedServer, embedded_server
from tests.support.houses import Faults, Street, build, opened, street
from tests.support.sshkeys import KeyPair, key_pair
from tests.support.wholly import one_by_one


@pytest.fixture(scope="module", autouse=True)
def _one_by_one() -> Iterator[None]:
    with one_by_one():
        yield


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("street")
    build(root)
    return root


@pytest.fixture
def closed(_built: Path, tmp_path: Path) -> Street:
    """Two nodes that have not been started."""
    shutil.copytree(_built, tmp_path / "street")
    return street(tmp_path / "street")


@pytest.fixture
def made(closed: Street) -> Iterator[Street]:
    """Two nodes that have been started."""
    with opened(closed):
        yield closed


@dataclass(frozen=True, slots=True)
class Berth:
    """A mailbox at an embedded server, as both of its sides see it, and how its guest logs in."""

    mailbox: Path
    hosted: HostedTransport
    peer: SshPeer


@pytest.fixture(scope="module")
def _identity() -> KeyPair:
    return key_pair()


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with embedded_server(tmp_path_factory.mktemp("server"), {}) as running:
        yield running


@pytest.fixture
def berth(_server: EmbeddedServer, _identity: KeyPair) -> Berth:
    """One of a new guest."""
    guest = UnitCode(f"4401{len(list(_server.config.mailboxes.glob('*'))):08d}")
    hosted = HostedTransport(Mailboxes(_server.config.mailboxes), guest)
    _server.allow({guest: [_identity.public]})
    peer = SshPeer("127.0.0.1", _server.port, guest, _identity.private, (_server.host_key.public,))
    return Berth(_server.mailbox(guest), hosted, peer)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What goes wrong on the police's line from now on; to be asked for before the houses are."""
    faults = Faults()
    true = Transports.to

    def to(self: Transports, link: LinkSettings) -> Transport:
        transport = true(self, link)
        return faults.wrap(transport) if link.name == "procuratorate" else transport

    monkeypatch.setattr(Transports, "to", to)
    return faults
