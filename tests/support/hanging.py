"""A server in a process of its own that stops answering at a point that its port or the user name chooses."""

import asyncio
import multiprocessing
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import asyncssh

from tests.support.sshkeys import KeyPair, key_pair

_FORGET = 5.0
"""Seconds after which a line that is not read any more is dropped at this end."""
STEPS = ("auth", "channel", "subsystem", "open", "write", "sync", "rename", "list", "read")
"""Points behind the key exchange; each is a user name."""


@dataclass
class HangingServer:
    """Where the server is. `silent` never says a word, `greeting` only its name; `ssh` goes on to the user's point."""

    host_key: KeyPair
    silent: int = 0
    greeting: int = 0
    ssh: int = 0
    _pipe: Connection | None = field(default=None, repr=False)
    _reached: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def reached(self) -> set[str]:
        """Return the points at which somebody was left hanging so far. Any thread."""
        assert self._pipe is not None
        with self._lock:
            while self._pipe.poll():
                self._reached.add(self._pipe.recv())
            return set(self._reached)


class _Teller:
    """Says each point once: a pipe that nobody empties for a thousand rounds would block the server."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._told: set[str] = set()

    def send(self, point: str) -> None:
        if point not in self._told:
            self._told.add(point)
            self._pipe.send(point)


class _Host(asyncssh.SSHServer):
    def __init__(self, pipe: _Teller) -> None:
        self._pipe = pipe
        self._connection: Any = None
        self._user = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    async def begin_auth(self, username: str) -> bool:
        self._user = username
        if username == "auth":
            await _hang(self._pipe, username)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True

    def auth_completed(self) -> None:
        if self._user == "channel":
            _deafen(self._connection)
            self._pipe.send(self._user)


class _Files(asyncssh.SFTPServer):
    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]", pipe: _Teller, root: Path) -> None:
        super().__init__(chan, chroot=str(root).encode())
        self._pipe = pipe
        self._user = chan.get_extra_info("username")
        if self._user == "subsystem":
            _deafen(chan.get_connection())
            pipe.send(self._user)

    async def _at(self, point: str) -> None:
        if self._user == point:
            await _hang(self._pipe, point)

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        await self._at("open")
        return super().open(path, pflags, attrs)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if offset:
            await self._at("write")
        return super().write(file_obj, offset, data)

    async def fsync(self, file_obj: object) -> None:
        await self._at("sync")

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if offset:
            await self._at("read")
        return super().read(file_obj, offset, size)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._at("rename")
        super().posix_rename(oldpath, newpath)

    async def scandir(self, path: bytes) -> Any:
        await self._at("list")
        async for name in super().scandir(path):
            yield name


async def _hang(pipe: _Teller, point: str) -> NoReturn:
    pipe.send(point)
    await asyncio.sleep(_FORGET)
    raise asyncssh.SFTPFailure("too late")


def _deafen(connection: Any) -> None:
    # The library has no public way to stop listening to a peer.
    transport = connection._transport
    transport.pause_reading()
    asyncio.get_running_loop().call_later(_FORGET, transport.abort)


async def _keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes) -> None:
    writer.write(words)
    with suppress(OSError):
        while await reader.read(65536):
            pass
    writer.close()


async def _serve(pipe: Connection, private: bytes, root: Path) -> None:
    teller = _Teller(pipe)
    plain = [
        await asyncio.start_server(lambda r, w, words=words: _keep_silent(r, w, words), "127.0.0.1", 0)
        for words in (b"", b"SSH-2.0-greeting\r\n")
    ]
    ssh = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Host(teller),
        server_host_keys=[asyncssh.import_private_key(private)],
        sftp_factory=lambda chan: _Files(chan, teller, root),
        encoding=None,
        line_editor=False,
        backlog=256,
        config=[],
    )
    pipe.send([*(server.sockets[0].getsockname()[1] for server in plain), ssh.get_port()])
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(pipe.fileno(), ended.set)
    await ended.wait()
    loop.remove_reader(pipe.fileno())


def _run(pipe: Connection, private: bytes, root: Path) -> None:
    asyncio.run(_serve(pipe, private, root))


@contextmanager
def hanging_server(root: Path) -> Iterator[HangingServer]:
    """Run the server over the files below `root` until the context ends."""
    host_key = key_pair()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, host_key.private, root), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(60)
        silent, greeting, ssh = ours.recv()
        yield HangingServer(host_key, silent, greeting, ssh, ours)
    finally:
        process.kill()
        process.join()
        ours.close()
        process.close()


@contextmanager
def full_backlog() -> Iterator[int]:
    """Give a port whose queue of connections is full: whoever connects gets no answer at all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        try:
            while True:
                waiting.append(socket.socket())
                waiting[-1].settimeout(0.3)
                waiting[-1].connect(listener.getsockname())
        except TimeoutError:
            yield listener.getsockname()[1]
        finally:
            for line in waiting:
                line.close()
