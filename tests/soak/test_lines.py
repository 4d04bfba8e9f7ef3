"""The lines of a soak: what they do to a connection is what a peer sees, and they recover."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.support.ports import held_port
from tests.support.wires import Relay, relay

PATIENCE = 10.0


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(ConnectionError):
            while data := self.request.recv(4096):
                self.request.sendall(data)


@pytest.fixture
def line() -> Iterator[Relay]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with relay(server.server_address[1]) as running:
                yield running
        finally:
            server.shutdown()
            thread.join()


def call(line: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), PATIENCE)


def said(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return client.recv(len(words))


def breaks(client: socket.socket) -> bool:
    """Whether the line breaks, at the first words or a few later."""
    try:
        return any(not said(client, b"more") for _turn in range(1000))
    except ConnectionError:
        return True


def test_a_reset_is_told_as_one_and_the_next_call_is_answered(line: Relay) -> None:
    with call(line) as client:
        assert said(client, b"one") == b"one"
        line.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with call(line) as client:
        assert said(client, b"two") == b"two"


def test_a_stalled_line_loses_nothing(line: Relay) -> None:
    with call(line) as client:
        assert said(client, b"one") == b"one"
        line.stall()
        client.sendall(b"two")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(3)
        line.flow()
        client.settimeout(PATIENCE)
        assert client.recv(3) == b"two"


def test_a_dead_line_answers_nobody_until_it_flows(line: Relay) -> None:
    line.is_dead = True
    try:
        with call(line) as client:
            assert breaks(client)
    except ConnectionResetError:
        pass  # so soon that not even the call was answered
    line.flow()
    with call(line) as client:
        assert said(client, b"two") == b"two"


def test_a_slow_line_passes_every_byte(line: Relay) -> None:
    line.rate = 100_000
    content = bytes(range(256)) * 100
    with call(line) as client:
        client.sendall(content)
        got = b""
        while len(got) < len(content):
            got += client.recv(len(content))
    assert got == content


def test_a_server_that_is_away_does_not_end_the_line() -> None:
    with held_port() as port, relay(port) as line:
        for _call in range(2):
            with call(line) as client, suppress(ConnectionError):
                assert client.recv(1) == b""
