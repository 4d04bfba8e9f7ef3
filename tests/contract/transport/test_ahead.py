"""What is sent while it grows: the same bytes at the peer whatever the turns, and never a name over anything else."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.domain.ids import WireName, wire_name
from gateway.transport.disk import HEAD_START
from gateway.transport.paced import PacedTransport
from gateway.transport.sftp import SftpTransport
from gateway.transport.sftp_session import UNDER_WAY
from tests.contract.transport.conftest import Server
from tests.contract.transport.test_links import refused
from tests.support.wires import Relay

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
PART = f".{NAME}.part"
MIB = 1 << 20
FRONT = 70_000
"""Bytes before what grows: more than one sample of those that tell whether a part may be continued."""


@dataclass
class Sealing:
    """A file that grows by one of `steps` at each look, gets its front when it is whole, and is named after `rests`
    more looks. `over`: the look at which it is given up. The peer's folder is looked into at each. `ahead`: what is to
    stand there before the front."""

    path: Path
    content: bytes
    steps: list[int]
    rests: int = 0
    over: int | None = None
    look: Callable[[], None] = lambda: None
    start: int = FRONT
    ahead: bytes = b""
    looks: int = 0
    reader: int = field(init=False)
    _stands: int = FRONT
    _is_named: bool = False

    def __post_init__(self) -> None:
        self.size = len(self.content)
        self.path.write_bytes(b"")
        self.reader = os.open(self.path, os.O_RDWR)

    @property
    def is_whole(self) -> bool:
        return self._stands == self.size

    def stands(self, _sent: int) -> int | None:
        self.look()
        self.looks += 1
        if self.over is not None and self.looks > self.over:
            return None
        if not self.is_whole:
            step = self.steps[self.looks % len(self.steps)]
            end = min(self._stands + step, self.size)
            os.pwrite(self.reader, self.content[self._stands : end], self._stands)
            self._stands = end
        elif self.rests:
            self.rests -= 1
        else:
            os.pwrite(self.reader, self.content[: self.start], 0)
            self._is_named = True
        return self._stands

    def herald(self) -> bytes:
        return self.ahead

    def named(self) -> WireName | None:
        return NAME if self._is_named else None


def there(server: Server) -> list[str]:
    return sorted(path.name for path in server.theirs.iterdir())


def deposited(server: Server, transport: SftpTransport, sealing: Sealing) -> None:
    """Do what the send leg does once a head start has failed, and expect exactly the bundle and nothing else."""
    sealing.path.write_bytes(sealing.content)
    transport.deposit(sealing.path, NAME)
    assert (server.theirs / NAME).read_bytes() == sealing.content
    assert [name for name in there(server) if name != HEAD_START] == [NAME]


def unnamed(server: Server) -> Callable[[], None]:
    """Return a look into the peer's folder that finds neither the name nor anything that would be continued."""

    def look() -> None:
        assert set(there(server)) <= {HEAD_START}

    return look


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(FRONT + 1, 3 * MIB),
    steps=st.lists(st.integers(1, MIB), min_size=1, max_size=5).filter(lambda steps: sum(steps) > 20_000),
    rests=st.integers(0, 3),
)
def test_whatever_the_turns_the_bytes_are_those_of_the_bundle(
    server: Server, tmp_path: Path, size: int, steps: list[int], rests: int
) -> None:
    (server.theirs / NAME).unlink(missing_ok=True)
    sealing = Sealing(tmp_path / "sealing", os.urandom(size), steps, rests, look=unnamed(server))
    assert server.transport().deposit_ahead(sealing)
    assert (server.theirs / NAME).read_bytes() == sealing.content
    assert there(server) == [NAME]


def test_a_herald_stands_there_from_the_first_look_until_the_front_is_written_over_it(
    server: Server, transport: SftpTransport, tmp_path: Path
) -> None:
    herald, seen = os.urandom(FRONT - 500), []

    def look() -> None:
        seen.append((server.theirs / HEAD_START).read_bytes()[:FRONT])

    sealing = Sealing(tmp_path / "sealing", os.urandom(4 * MIB), [MIB], rests=2, look=look, ahead=herald)
    assert transport.deposit_ahead(sealing)
    assert seen[0] == herald
    assert {one.rstrip(b"\0") for one in seen} == {herald.rstrip(b"\0")}
    assert (server.theirs / NAME).read_bytes() == sealing.content
    assert there(server) == [NAME]


def test_a_line_cut_under_a_herald_leaves_nothing_to_be_continued(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path
) -> None:
    sealing = Sealing(tmp_path / "sealing", os.urandom(8 * MIB), [MIB], ahead=os.urandom(FRONT))
    line.limit = MIB
    with refused("link-unreachable"):
        transport.deposit_ahead(sealing)
    line.limit = None
    assert set(there(server)) <= {HEAD_START}
    deposited(server, transport, sealing)


def test_what_is_not_sealed_after_all_leaves_nothing(server: Server, transport: SftpTransport, tmp_path: Path) -> None:
    sealing = Sealing(tmp_path / "sealing", os.urandom(8 * MIB), [MIB], over=4, look=unnamed(server))
    assert not transport.deposit_ahead(sealing)
    assert there(server) == []


@pytest.mark.parametrize("cut", [MIB, 5 * MIB, 12 * MIB])
def test_a_line_cut_while_it_grows_leaves_nothing_to_be_continued(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, cut: int
) -> None:
    sealing = Sealing(tmp_path / "sealing", os.urandom(16 * MIB), [MIB], look=unnamed(server))
    line.limit = cut
    with refused("link-unreachable"):
        transport.deposit_ahead(sealing)
    line.limit = None
    assert set(there(server)) <= {HEAD_START}
    deposited(server, transport, sealing)


def test_a_line_cut_once_it_is_named_is_continued_as_any_other(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path
) -> None:
    content = os.urandom(40 * MIB)
    sealing = Sealing(tmp_path / "sealing", content, [4 * MIB], look=unnamed(server))
    sealing.path.write_bytes(content)
    sealing._stands = len(content)  # it is whole, and named when 8 MiB have been sent
    line.limit = 30 * MIB
    with refused("link-unreachable"):
        transport.deposit_ahead(sealing)
    line.limit = None
    # Until the server notices that the line is gone it holds what it has.
    assert set(there(server)) <= {PART}
    before = line.passed
    deposited(server, transport, sealing)
    assert line.passed - before < 40 * MIB - 30 * MIB + UNDER_WAY + 4 * MIB


def test_what_a_killed_sender_left_is_taken_away_by_the_next(
    server: Server, transport: SftpTransport, tmp_path: Path
) -> None:
    (server.theirs / HEAD_START).write_bytes(b"of another bundle" * MIB)
    sealing = Sealing(tmp_path / "sealing", os.urandom(2 * MIB), [MIB])
    assert transport.deposit_ahead(sealing)
    assert there(server) == [NAME]


def test_a_part_of_the_name_is_never_made_of_what_has_a_hole(
    server: Server, transport: SftpTransport, tmp_path: Path
) -> None:
    """Were the front lost although the part has its name, the deposit would begin anew."""
    content = os.urandom(4 * MIB)
    (server.theirs / PART).write_bytes(bytes(FRONT) + content[FRONT : 3 * MIB])
    sealing = Sealing(tmp_path / "sealing", content, [MIB])
    deposited(server, transport, sealing)


def test_a_stop_ends_it_at_the_next_piece(server: Server, transport: SftpTransport, tmp_path: Path) -> None:
    def stopping(done: int) -> None:
        if done > 3 * MIB:
            raise TransientError("stopping", "", scope=Scope.NODE)

    sealing = Sealing(tmp_path / "sealing", os.urandom(16 * MIB), [MIB])
    with pytest.raises(GatewayError, match="stopping"):
        transport.deposit_ahead(sealing, stopping)
    deposited(server, transport, sealing)


def test_hours_end_it_too(server: Server, transport: SftpTransport, tmp_path: Path) -> None:
    closed = iter([0.0] * 3)
    paced = PacedTransport(transport, lambda: next(closed, 60.0), None)
    sealing = Sealing(tmp_path / "sealing", os.urandom(4 * MIB), [MIB])
    with refused("link-window-closed"):
        paced.deposit_ahead(sealing)
    deposited(server, transport, sealing)
