"""Blocks are large where they are answered quickly, and what is under way is bounded, whatever the server takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from gateway.domain.errors import GatewayError
from gateway.transport.sftp_session import BLOCK, LARGE_BLOCK, REQUESTS, UNDER_WAY, SftpSession
from gateway.transport.sftp_wire import Kind
from gateway.transport.sftp_writing import QUICK_SECONDS, Writing
from tests.support.outbound import SettableClock

SIZE = 40 << 20


class Server:
    """What a Writing needs of a session; each answer takes `seconds`."""

    def __init__(self, clock: SettableClock, *, takes: int, block: int = BLOCK) -> None:
        self.clock = clock
        self.write_block, self.write_most = block, max(block, takes)
        self.seconds = 0.0
        self.written: list[tuple[int, int]] = []
        self.waiting: list[int] = []
        self.most: tuple[int, int] = (0, 0)

    def ask_write(self, _handle: bytes, offset: int, block: bytes) -> int:
        self.written.append((offset, len(block)))
        self.waiting.append(len(block))
        self.most = (max(self.most[0], len(self.waiting)), max(self.most[1], sum(self.waiting)))
        return len(self.written) - 1

    def answer(self, number: int, expected: Kind) -> None:
        assert expected is Kind.OUTCOME
        assert number == len(self.written) - len(self.waiting)
        self.waiting.pop(0)
        self.clock.seconds += self.seconds


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "file").open("w+b") as file:
        file.truncate(SIZE)
        yield file.fileno()


def sent(server: Server, reader: int, end: int = SIZE) -> list[int]:
    """Send all; return up to which byte it was told to be answered."""
    told: list[int] = []
    writing, at = Writing(cast("SftpSession", server), b"h", server.clock, told.append), 0
    while at < end:
        at = writing.send(reader, at, end)
    writing.settle()
    assert [offset for offset, _ in server.written] == [0, *told[:-1]]
    assert (told[-1], server.waiting) == (end, [])
    return told


def test_blocks_are_large_once_a_quick_answer_came(reader: int) -> None:
    server = Server(SettableClock(), takes=LARGE_BLOCK)
    sent(server, reader)
    lengths = [length for _, length in server.written]
    until = lengths.index(LARGE_BLOCK)
    assert set(lengths[:until]) == {BLOCK}
    assert set(lengths[until:-1]) == {LARGE_BLOCK}
    assert (until - 1) * BLOCK <= UNDER_WAY
    assert server.most[1] <= UNDER_WAY


def test_a_slow_line_never_gets_a_large_block(reader: int) -> None:
    server = Server(SettableClock(), takes=LARGE_BLOCK)
    server.seconds = QUICK_SECONDS
    sent(server, reader)
    assert {length for _, length in server.written[:-1]} == {BLOCK}


def test_a_line_that_becomes_slow_gets_small_blocks_again(reader: int) -> None:
    server = Server(SettableClock(), takes=LARGE_BLOCK)
    writing, at = Writing(cast("SftpSession", server), b"h", server.clock, lambda _end: None), 0
    while server.written[-1:] != [(at - LARGE_BLOCK, LARGE_BLOCK)]:
        at = writing.send(reader, at, SIZE)
    server.seconds = QUICK_SECONDS
    writing.settle()
    assert writing.send(reader, at, SIZE) == at + BLOCK
    writing.settle()


def test_no_server_gets_more_than_it_takes(reader: int) -> None:
    server = Server(SettableClock(), takes=BLOCK)
    sent(server, reader)
    assert max(length for _, length in server.written) == BLOCK
    careful = Server(SettableClock(), takes=0, block=1024)
    sent(careful, reader, 1 << 20)
    assert careful.most[0] == REQUESTS


def test_a_file_that_ends_early_is_told(reader: int) -> None:
    server = Server(SettableClock(), takes=LARGE_BLOCK)
    with pytest.raises(GatewayError, check=lambda error: error.code == "local-io"):
        sent(server, reader, SIZE + 1)
