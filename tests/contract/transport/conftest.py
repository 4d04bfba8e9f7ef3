"""The five places that every transport promise is checked at."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.bundle.names import parse
from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode, WireName, unit_code
from gateway.transport.api import Transport
from gateway.transport.channel import Channel, Deadlines
from gateway.transport.disk import opened_folder
from gateway.transport.gap import GapTransport
from gateway.transport.hosted import HostedTransport, Mailboxes
from gateway.transport.openssh_channel import OpensshChannel
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.parts import Shape, Whole, part_names
from gateway.transport.partsets import Look
from gateway.transport.sftp import Engine, SftpTransport
from tests.support.embedded import EmbeddedServer, embedded_server
from tests.support.sshd import Sshd, sshd
from tests.support.sshkeys import KeyPair, key_pair
from tests.support.wires import Relay, relay

DEADLINES = Deadlines(connect=60.0, idle=60.0, keepalive=5.0)
NOBODY = 65534


@dataclass
class Site:
    """One mailbox, with a view of both folders that needs no transport.

    theirs:  where deposits end up.
    waiting: where the peer leaves things for us.
    """

    kind: str
    transport: Transport
    theirs: Path
    waiting: Path

    def leave(self, name: str | bytes, data: bytes) -> None:
        """Be the peer and leave a file for us."""
        (self.waiting / os.fsdecode(name)).write_bytes(data)

    def hand_over(self, name: str) -> None:
        """Be the peer and leave for us what we have deposited."""
        (self.theirs / name).rename(self.waiting / name)

    def arrived(self) -> dict[str, bytes]:
        """Everything in the peer's folder, hidden names included."""
        return {path.name: path.read_bytes() for path in self.theirs.iterdir()}

    def carriers(self, name: str, folder: Path) -> list[Path]:
        """The files in which `name` lies in one of the two folders."""
        return [folder / name] if (folder / name).exists() else []

    def temp_of(self, name: str) -> Path:
        """What a broken attempt to deposit `name` may have left."""
        return self.theirs / f".{name}.part"


SHAPE = Shape(max_file=1 << 20, ending=".dat", longest=80)


@dataclass
class GapSite(Site):
    """A mailbox behind a gap device: what lies in its folders are parts, which only another gap transport can read."""

    notes: Path

    def leave(self, name: str | bytes, data: bytes) -> None:
        if isinstance(name, bytes) or parse(name) is None:
            super().leave(name, data)
            return
        source = self.notes / "left"
        source.write_bytes(data)
        self._other().deposit(source, WireName(name))

    def hand_over(self, name: str) -> None:
        for path in self.carriers(name, self.theirs):
            path.rename(self.waiting / path.name)

    def arrived(self) -> dict[str, bytes]:
        found = {path.name: path.read_bytes() for path in self.theirs.iterdir() if path.name.startswith(".")}
        into = self.notes / "seen"
        for entry in self._other().listing():
            self._other().fetch(entry.name, into, entry.size)
            found[entry.name] = into.read_bytes()
        return found

    def carriers(self, name: str, folder: Path) -> list[Path]:
        with opened_folder(folder) as descriptor:
            sets = Look().into(descriptor, without={}).sets
        return [folder / file for whole, parts in sets.items() if whole.name == name for file in parts.files()]

    def temp_of(self, name: str) -> Path:
        whole = Whole(WireName(name), 5000, SHAPE.stride(5000))
        return self.theirs / f".{part_names(SHAPE, whole, 0)[0]}.part"

    def _other(self) -> GapTransport:
        """The transport at the other end."""
        return GapTransport(self.waiting, self.theirs, notes=self.notes / "other", clock=SystemClock(), shape=SHAPE)


@dataclass
class Server:
    """An SFTP server of either make, with the mailbox of one test."""

    kind: str
    port: int
    username: str
    host_key: KeyPair
    identity: KeyPair
    deposit: str
    collect: str
    theirs: Path
    waiting: Path
    transports: list[SftpTransport] = field(default_factory=list)
    deadlines: Deadlines = DEADLINES
    engine: Engine = ParamikoChannel

    def peer(
        self, *, port: int | None = None, identity: KeyPair | None = None, host_key: KeyPair | None = None
    ) -> SshPeer:
        """Return how to log in here, with what a test wants to be different."""
        return SshPeer(
            "127.0.0.1",
            port or self.port,
            self.username,
            (identity or self.identity).private,
            ((host_key or self.host_key).public,),
        )

    def channel(self) -> Channel:
        """Return a new channel to this server."""
        return self.engine(self.peer(), DEADLINES, SystemClock())

    def transport(self, peer: SshPeer | None = None, deadlines: Deadlines | None = None) -> SftpTransport:
        """Return a transport to this server that is closed after the test."""
        made = SftpTransport.over(
            self.engine,
            peer or self.peer(),
            deadlines or self.deadlines,
            SystemClock(),
            deposit=self.deposit,
            collect=self.collect,
        )
        self.transports.append(made)
        return made

    def transport_over(self, connect: Callable[[], Channel]) -> SftpTransport:
        """Return a transport over channels of the test's own."""
        made = SftpTransport(connect, SystemClock(), deposit=self.deposit, collect=self.collect)
        self.transports.append(made)
        return made


@dataclass
class Guests:
    """Hands out a fresh account of the embedded server to every test."""

    server: EmbeddedServer
    identity: KeyPair
    units: list[UnitCode] = field(default_factory=list)

    def add(self) -> UnitCode:
        """Return the unit of a new account."""
        self.units.append(unit_code(f"3301{len(self.units):08d}"))
        self.server.allow({unit: [self.identity.public] for unit in self.units})
        return self.units[-1]


@pytest.fixture(scope="session")
def identity() -> KeyPair:
    return key_pair()


@pytest.fixture(scope="session")
def guests(tmp_path_factory: pytest.TempPathFactory, identity: KeyPair) -> Iterator[Guests]:
    with embedded_server(tmp_path_factory.mktemp("embedded"), {}) as server:
        yield Guests(server, identity)


@pytest.fixture(scope="session")
def openssh(tmp_path_factory: pytest.TempPathFactory, identity: KeyPair) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("openssh"), [identity.public]) as server:
        yield server


BY_SSH = "-by-ssh"
"""Ends the name of a server that is called with the host's `ssh` program."""
MAKES = [
    pytest.param("embedded"),
    pytest.param("openssh", marks=pytest.mark.needs_sshd),
    pytest.param("embedded-by-ssh", marks=pytest.mark.needs_ssh),
    pytest.param("openssh-by-ssh", marks=[pytest.mark.needs_sshd, pytest.mark.needs_ssh, pytest.mark.soak]),
]
ENGINES = [pytest.param(ParamikoChannel), pytest.param(OpensshChannel, marks=pytest.mark.needs_ssh)]
SITES = [pytest.param("folder"), pytest.param("gap"), pytest.param("hosted"), *MAKES]


def _server(kind: str, request: pytest.FixtureRequest, tmp_path: Path, identity: KeyPair) -> Server:
    if kind.endswith(BY_SSH):
        return replace(_server(kind.removesuffix(BY_SSH), request, tmp_path, identity), engine=OpensshChannel)
    if kind == "embedded":
        guests: Guests = request.getfixturevalue("guests")
        unit = guests.add()
        mailbox = guests.server.mailbox(unit)
        return Server(
            kind,
            guests.server.port,
            unit,
            guests.server.host_key,
            identity,
            "/in",
            "/out",
            mailbox / "in",
            mailbox / "out",
        )
    running: Sshd = request.getfixturevalue("openssh")
    theirs, waiting = tmp_path / "mailbox-in", tmp_path / "mailbox-out"
    theirs.mkdir()
    waiting.mkdir()
    return Server(
        kind, running.port, running.username, running.host_key, identity, str(theirs), str(waiting), theirs, waiting
    )


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """What logs in, where no server of ours is needed to see what comes of it."""
    chosen: Engine = request.param
    return chosen


@pytest.fixture(params=MAKES)
def server(request: pytest.FixtureRequest, tmp_path: Path, identity: KeyPair) -> Iterator[Server]:
    made = _server(request.param, request, tmp_path, identity)
    yield made
    for transport in made.transports:
        transport.close()


@pytest.fixture
def line(server: Server) -> Iterator[Relay]:
    """A line to the server that can be cut."""
    with relay(server.port) as running:
        yield running


@pytest.fixture
def transport(server: Server, line: Relay) -> SftpTransport:
    """What goes by that line."""
    return server.transport(server.peer(port=line.port))


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, tmp_path: Path, identity: KeyPair) -> Iterator[Site]:
    kind = request.param
    if kind in ("folder", "gap"):
        theirs, waiting, notes = tmp_path / "mailbox-in", tmp_path / "mailbox-out", tmp_path / "notes"
        for folder in (theirs, waiting, notes):
            folder.mkdir()
        if kind == "folder":
            yield Site(kind, GapTransport(theirs, waiting, notes=notes, clock=SystemClock()), theirs, waiting)
        else:
            transport = GapTransport(theirs, waiting, notes=notes, clock=SystemClock(), shape=SHAPE)
            yield GapSite(kind, transport, theirs, waiting, notes)
    elif kind == "hosted":
        guest = unit_code("330102000000")
        hosted = HostedTransport(Mailboxes(tmp_path / "mailboxes"), guest)
        yield Site(kind, hosted, tmp_path / "mailboxes" / guest / "out", tmp_path / "mailboxes" / guest / "in")
    else:
        made = _server(kind, request, tmp_path, identity)
        yield Site(kind, made.transport(), made.theirs, made.waiting)
        for sftp in made.transports:
            sftp.close()


@contextmanager
def without_privileges() -> Iterator[None]:
    """Let permissions count even where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
