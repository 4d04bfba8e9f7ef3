"""Peers that stop answering, at every point: nobody is kept past a deadline, and nothing is left behind."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import wire_name
from gateway.transport.channel import Deadlines
from gateway.transport.errors import CODES
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.sftp import SftpTransport
from tests.support.hanging import STEPS, HangingServer, full_backlog, hanging_server
from tests.support.leaks import nothing_is_left_behind
from tests.support.sshkeys import key_pair

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
SIZE = 1 << 20
IDENTITY = key_pair()
EARLY = ("connect", "silent", "greeting")
"""Points before the key exchange."""
SOON = Deadlines(connect=0.2, idle=0.2)
LOGGING_IN = 0.5
"""Seconds in which a key exchange is over, mostly; each try that came too late for its point has the next one wait
twice as long."""
LOGGED_IN = 0.3
LONGEST = 30.0
EXPECTED = dict.fromkeys((*EARLY, *STEPS), "link-timeout") | {"rename": "deposit-unknown"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HangingServer]:
    root = tmp_path_factory.mktemp("files")
    for folder in ("in", "out"):
        (root / folder).mkdir()
    (root / "out" / NAME).write_bytes(bytes(SIZE))
    with hanging_server(root) as running:
        yield running


@pytest.fixture(scope="module")
def backlog() -> Iterator[int]:
    with full_backlog() as port:
        yield port


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(bytes(SIZE))
    return path


def go_to(point: str, transport: SftpTransport, source: Path, number: int) -> None:
    """Do what passes by `point`."""
    if point in {"list", "silent"}:
        transport.listing()
    elif point == "read":
        transport.fetch(NAME, source.with_name(f"into-{number}"), SIZE)
    else:
        transport.deposit(source, wire_name(f"{point}-{number}.cfb"))


def patience(server: HangingServer, point: str, number: int) -> Deadlines:
    """Return the deadlines of try `number`: short, so that a round is soon over, but long enough to come to `point`."""
    if point in EARLY:
        return SOON
    growth = 1.0 if point in server.reached() else 2.0 ** min(number, 10)
    if point in STEPS[:3]:
        seconds = min(LOGGING_IN * growth, LONGEST)
        return Deadlines(connect=seconds, idle=seconds)
    return Deadlines(connect=LONGEST, idle=min(LOGGED_IN * growth, LONGEST))


def left_hanging(server: HangingServer, backlog: int, point: str, source: Path, number: int) -> str:
    """Go to `point` and return the code of what ends the waiting."""
    port = {"connect": backlog, "silent": server.silent, "greeting": server.greeting}.get(point, server.ssh)
    peer = SshPeer("127.0.0.1", port, point, IDENTITY.private, (server.host_key.public,))
    transport = SftpTransport.over(ParamikoChannel, peer, patience(server, point, number), SystemClock())
    with pytest.raises(GatewayError) as caught:
        go_to(point, transport, source, number)
    transport.close()
    assert (type(caught.value), caught.value.scope) == CODES[caught.value.code]
    return caught.value.code


@pytest.mark.parametrize(
    "rounds", [8, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(3000)])], ids=["8", "1000"]
)
def test_nobody_is_kept_and_nothing_is_left(server: HangingServer, backlog: int, source: Path, rounds: int) -> None:
    """Every point is gone to `rounds` times, all points at once."""

    def again_and_again(point: str) -> set[str]:
        return {left_hanging(server, backlog, point, source, number) for number in range(rounds)}

    points = [*EARLY, *STEPS]
    with nothing_is_left_behind(), ThreadPoolExecutor(len(points)) as pool:
        ended = dict(zip(points, pool.map(again_and_again, points), strict=True))
    for point, code in EXPECTED.items():
        assert code in ended[point]
        # On a busy machine the deadline may pass before the point is reached, and then nothing is unknown.
        assert ended[point] <= {code, EXPECTED[EARLY[0]]}, (point, ended[point])
    assert server.reached() >= set(STEPS)
