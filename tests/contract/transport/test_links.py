"""What every SFTP link promises when the line, the keys or the server are not as they should be."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import paramiko
import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import wire_name
from gateway.transport.channel import Channel, Deadlines
from gateway.transport.errors import CODES, fault
from gateway.transport.paramiko_channel import SshPeer
from gateway.transport.sftp import Engine, SftpTransport
from tests.contract.transport.conftest import Server
from tests.support.leaks import nothing_is_left_behind
from tests.support.ports import held_port
from tests.support.sshd import sshd
from tests.support.sshkeys import KeyPair, key_pair
from tests.support.wires import relay, silent_server

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
SHORT = Deadlines(connect=0.3, idle=0.3, keepalive=5.0)
PATIENT = Deadlines(connect=60.0, idle=0.3, keepalive=5.0)
CALM = Deadlines(connect=60.0, idle=60.0, keepalive=5.0)
"""Where no deadline is to pass, however busy the machine is."""
LARGE = 24 << 20


def refused(code: str) -> AbstractContextManager[pytest.ExceptionInfo[GatewayError]]:
    def is_it(error: GatewayError) -> bool:
        return error.code == code and (type(error), error.scope) == CODES[code]

    return pytest.raises(GatewayError, check=is_it)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(os.urandom(1 << 20) * (LARGE >> 20))
    return path


def transport_to(engine: Engine, peer: SshPeer, deadlines: Deadlines = SHORT) -> SftpTransport:
    return SftpTransport.over(engine, peer, deadlines, SystemClock())


def somebody(port: int) -> SshPeer:
    return SshPeer("127.0.0.1", port, "330102000000", key_pair().private, (key_pair().public,))


# -- connecting -------------------------------------------------------------------------------------------------------


def test_nobody_listens(engine: Engine) -> None:
    with held_port() as port, refused("link-unreachable"):
        transport_to(engine, somebody(port), CALM).listing()


def test_a_host_without_address(engine: Engine) -> None:
    peer = SshPeer("host.invalid", 22, "330102000000", key_pair().private, (key_pair().public,))
    with refused("link-unreachable"):
        transport_to(engine, peer, CALM).listing()


def test_a_server_that_never_says_a_word(engine: Engine) -> None:
    with silent_server() as port, refused("link-timeout"):
        transport_to(engine, somebody(port)).probe()


@contextmanager
def a_server_that_says(*words: bytes, then_close: bool) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as line:
                for word in words:
                    line.sendall(word)
                if not then_close:
                    while line.recv(65536):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"SSH-2.0-x\r\n" + b"\x00\x00\x00\x0c\x0a\x14" + b"\x00" * 20,
        b"SSH-2.0-x\r\n" + b"\xff" * 4096,
        b"SSH-2.0-\xff\xfe\r\n" + b"\x00" * 64,
    ],
)
def test_a_server_that_talks_nonsense_and_hangs_up(engine: Engine, words: bytes) -> None:
    with a_server_that_says(words, then_close=True) as port, refused("link-unreachable"):
        transport_to(engine, somebody(port), CALM).listing()


def test_a_server_of_the_last_century(engine: Engine) -> None:
    with a_server_that_says(b"SSH-1.5-ancient\r\n", then_close=True) as port, refused("link-algorithms"):
        transport_to(engine, somebody(port), CALM).listing()


def test_a_server_that_stops_amid_the_key_exchange(engine: Engine) -> None:
    with a_server_that_says(b"SSH-2.0-x\r\n", then_close=False) as port, refused("link-timeout"):
        transport_to(engine, somebody(port)).listing()


def test_a_host_key_that_is_not_pinned(server: Server) -> None:
    with refused("host-key-mismatch"):
        server.transport(server.peer(host_key=key_pair())).listing()


def test_a_host_key_that_is_one_of_the_pinned(server: Server) -> None:
    peer = server.peer()
    both = SshPeer(peer.host, peer.port, peer.username, peer.identity, (key_pair().public, *peer.host_keys))
    server.transport(both).probe()


def test_no_host_key_is_pinned(server: Server) -> None:
    peer = server.peer()
    with refused("host-key-mismatch"):
        server.transport(SshPeer(peer.host, peer.port, peer.username, peer.identity, ())).listing()


def test_a_key_that_the_server_does_not_know(server: Server) -> None:
    with refused("link-auth-refused"):
        server.transport(server.peer(identity=key_pair())).listing()


def test_a_key_of_our_own_that_cannot_be_read(server: Server) -> None:
    broken = KeyPair(server.identity.private[:200], server.identity.public)
    with refused("link-auth-refused") as caught:
        server.transport(server.peer(identity=broken)).listing()
    shown = repr(caught.value) + str(caught.value) + repr(caught.value.__cause__)
    assert server.identity.private[60:90].decode() not in shown


@contextmanager
def an_old_server(**options: tuple[str, ...]) -> Iterator[int]:
    """Run a server that offers only what `options` say; enough of it to agree on algorithms."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            transport = paramiko.Transport(line)
            for name, values in options.items():
                setattr(transport.get_security_options(), name, values)
            transport.add_server_key(paramiko.RSAKey.generate(2048))
            ended = threading.Event()
            transport.start_server(event=ended, server=paramiko.ServerInterface())
            ended.wait(60)
            transport.close()
            transport.join(60)
            line.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kex", ("diffie-hellman-group14-sha256",)),
        ("ciphers", ("aes128-cbc",)),
        ("key_types", ("rsa-sha2-512",)),
    ],
)
def test_a_server_without_modern_algorithms(engine: Engine, field: str, values: tuple[str, ...]) -> None:
    with an_old_server(**{field: values}) as port, refused("link-algorithms"):
        transport_to(engine, somebody(port), CALM).listing()


@pytest.mark.needs_sshd
@pytest.mark.parametrize("line", ["KexAlgorithms ecdh-sha2-nistp256", "Ciphers aes128-ctr", "Ciphers aes192-ctr"])
def test_openssh_without_modern_algorithms(engine: Engine, tmp_path: Path, identity: KeyPair, line: str) -> None:
    with sshd(tmp_path, [identity.public], line) as running:
        peer = SshPeer("127.0.0.1", running.port, running.username, identity.private, (running.host_key.public,))
        with refused("link-algorithms"):
            transport_to(engine, peer, CALM).listing()


@pytest.mark.needs_sshd
def test_openssh_without_sftp(engine: Engine, tmp_path: Path, identity: KeyPair) -> None:
    with sshd(tmp_path, [identity.public], subsystem="/bin/false") as running:
        peer = SshPeer("127.0.0.1", running.port, running.username, identity.private, (running.host_key.public,))
        with refused("link-unreachable"):
            transport_to(engine, peer, CALM).listing()


@pytest.mark.needs_sshd
def test_openssh_that_lets_us_only_read(engine: Engine, tmp_path: Path, identity: KeyPair, source: Path) -> None:
    with sshd(tmp_path, [identity.public], "ForceCommand internal-sftp -R") as running:
        peer = SshPeer("127.0.0.1", running.port, running.username, identity.private, (running.host_key.public,))
        transport = SftpTransport.over(engine, peer, CALM, SystemClock(), deposit=str(tmp_path), collect=str(tmp_path))
        with refused("mailbox-denied"):
            transport.deposit(source, NAME)
        with refused("mailbox-denied"):
            transport.probe()
        with refused("mailbox-denied"):
            transport.remove([wire_name("host_key")])
        assert {entry.name for entry in transport.listing()} >= {"host_key", "sshd.log"}
        transport.close()


# -- the line under way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [10, 700, 3_000, 20_000, 1 << 20, 9 << 20])
def test_a_line_thatis_cut_while_sending(server: Server, source: Path, limit: int) -> None:
    with relay(server.port, limit) as line:
        transport = server.transport(server.peer(port=line.port))
        with refused("link-unreachable"):
            transport.deposit(source, NAME)
        assert not (server.theirs / NAME).exists()
        line.limit = None
        transport.deposit(source, NAME)
        assert [path.name for path in server.theirs.iterdir()] == [NAME]
        assert (server.theirs / NAME).read_bytes() == source.read_bytes()
        transport.close()


@pytest.mark.parametrize("limit", [10, 700, 1 << 20])
def test_a_line_that_stands_still_while_sending(server: Server, source: Path, limit: int) -> None:
    with relay(server.port, limit, "stall") as line:
        transport = server.transport(server.peer(port=line.port), Deadlines(connect=0.6, idle=0.6))
        with refused("link-timeout"):
            transport.deposit(source, NAME)
        assert not (server.theirs / NAME).exists()


def test_a_line_thatis_cut_while_fetching(server: Server, source: Path, tmp_path: Path) -> None:
    os.link(source, server.waiting / NAME)
    with relay(server.port) as line:
        transport = server.transport(server.peer(port=line.port))
        with refused("link-unreachable"):
            transport.fetch(NAME, tmp_path / "into", LARGE, lambda _done: line.cut())
        transport.fetch(NAME, tmp_path / "into", LARGE)
        assert (tmp_path / "into").read_bytes() == source.read_bytes()
        transport.close()


def test_a_line_that_stands_still_while_fetching(server: Server, source: Path, tmp_path: Path) -> None:
    os.link(source, server.waiting / NAME)
    with relay(server.port, action="stall") as line:
        transport = server.transport(server.peer(port=line.port), PATIENT)

        def stall(_done: int) -> None:
            line.limit = 0

        with refused("link-timeout"):
            transport.fetch(NAME, tmp_path / "into", LARGE, stall)


# -- the rename -------------------------------------------------------------------------------------------------------


class CutAtRename:
    """A channel that loses the line at the rename, before or after the server has heard of it."""

    def __init__(self, inner: Channel, is_heard: bool) -> None:
        self._inner = inner
        self._is_heard = is_heard
        self.is_cut = False

    def send(self, data: bytes | memoryview) -> None:
        if b"posix-rename@openssh.com" in bytes(data):
            self.is_cut = True
            if not self._is_heard:
                self.close()
                raise fault("link-unreachable", "cut before the rename")
        self._inner.send(data)

    def receive(self, limit: int) -> bytes:
        data = self._inner.receive(limit)
        if self.is_cut:
            self.close()
            raise fault("link-unreachable", "cut before the answer")
        return data

    def is_open(self) -> bool:
        return not self.is_cut and self._inner.is_open()

    def close(self) -> None:
        self._inner.close()


class Told:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def test_a_session_that_died_while_idle_is_opened_anew(server: Server) -> None:
    opened: list[CutAtRename] = []

    def connect() -> Channel:
        opened.append(CutAtRename(server.channel(), is_heard=True))
        return opened[-1]

    transport = server.transport_over(connect)
    assert transport.listing() == transport.listing() == []
    assert len(opened) == 1
    opened[0].is_cut = True
    assert transport.listing() == []
    assert len(opened) == 2


def test_the_session_of_one_large_transfer_does_not_outlive_its_time(server: Server, source: Path) -> None:
    """Two at once take two sessions; the one that nobody needs any more is not kept behind the other for ever."""
    clock = Told()
    made: list[Channel] = []

    def connect() -> Channel:
        made.append(server.channel())
        return made[-1]

    transport = SftpTransport(connect, clock, deposit=server.deposit, collect=server.collect, reuse=60.0)
    beside: list[int] = []
    transport.deposit(source, NAME, lambda _done: beside.append(len(transport.listing())))
    assert beside
    assert [channel.is_open() for channel in made] == [True, True]
    for _look in range(3):
        clock.time += 40
        transport.listing()
    assert sorted(channel.is_open() for channel in made) == [False, True]
    transport.close()
    assert [channel.is_open() for channel in made] == [False, False]


@pytest.mark.parametrize("is_heard", [False, True])
def test_a_line_thatis_cut_at_the_rename(server: Server, source: Path, is_heard: bool) -> None:
    cutting = server.transport_over(lambda: CutAtRename(server.channel(), is_heard))
    with refused("deposit-unknown"):
        cutting.deposit(source, NAME)
    assert (server.theirs / NAME).exists() == is_heard
    server.transport().deposit(source, NAME)
    assert [path.name for path in server.theirs.iterdir()] == [NAME]
    assert (server.theirs / NAME).read_bytes() == source.read_bytes()


def test_a_deposit_that_the_peer_took_at_once_is_no_failure(server: Server, source: Path) -> None:
    """The peer may have the file before we hear that it is there (paramiko #149)."""
    taken = threading.Event()

    class TakenAtOnce(CutAtRename):
        def receive(self, limit: int) -> bytes:
            data = self._inner.receive(limit)
            if self.is_cut and not taken.is_set():
                (server.theirs / NAME).unlink()
                taken.set()
            return data

    server.transport_over(lambda: TakenAtOnce(server.channel(), True)).deposit(source, NAME)
    assert taken.is_set()
    assert list(server.theirs.iterdir()) == []


def test_another_file_that_takes_the_name_meanwhile(server: Server, source: Path) -> None:
    class Rival(CutAtRename):
        def send(self, data: bytes | memoryview) -> None:
            if b"fsync@openssh.com" in bytes(data):
                (server.theirs / NAME).write_bytes(b"rival")
            self._inner.send(data)

    with refused("name-taken"):
        server.transport_over(lambda: Rival(server.channel(), True)).deposit(source, NAME)
    assert {path.name: path.read_bytes() for path in server.theirs.iterdir()} == {NAME: b"rival"}


def test_a_peer_that_holds_fewer_bytes_than_were_sent(server: Server, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(5000))

    class Shrinker(CutAtRename):
        written = b""

        def send(self, data: bytes | memoryview) -> None:
            if (found := bytes(data).find(b"fsync@openssh.com")) >= 0:
                # The write travels with what is asked after it; its answer shows that it is done.
                fsync = found - len("lengKnumbsize")
                self._inner.send(data[:fsync])
                self.written = self._inner.receive(1 << 20)
                os.truncate(server.theirs / f".{NAME}.part", 5)
                data = data[fsync:]
            self._inner.send(data)

        def receive(self, limit: int) -> bytes:
            written, self.written = self.written, b""
            return written or self._inner.receive(limit)

    with refused("size-mismatch"):
        server.transport_over(lambda: Shrinker(server.channel(), True)).deposit(small, NAME)
    assert list(server.theirs.iterdir()) == []


# -- leaks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [5, pytest.param(200, marks=pytest.mark.soak)])
def test_connecting_and_closing_leaves_nothing_behind(server: Server, rounds: int) -> None:
    transport = server.transport()
    with nothing_is_left_behind():
        for _ in range(rounds):
            transport.listing()
            transport.close()


@pytest.mark.parametrize("rounds", [3, pytest.param(200, marks=pytest.mark.soak)])
def test_failing_to_connect_leaves_nothing_behind(server: Server, rounds: int) -> None:
    with nothing_is_left_behind():
        for _ in range(rounds):
            with pytest.raises(GatewayError):
                server.transport(server.peer(host_key=key_pair())).listing()
            with silent_server() as port, pytest.raises(GatewayError):
                transport_to(server.engine, somebody(port), Deadlines(connect=0.05, idle=0.05)).listing()
