"""The embedded SFTP server as a process of its own on loopback, for tests and benchmarks."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from gateway.domain.ids import UnitCode
from gateway.transport.accounts import save_accounts
from gateway.transport.news import News
from gateway.transport.server import ServerConfig, serve
from tests.support.sshkeys import KeyPair, key_pair


@dataclass(frozen=True)
class Reload:
    """The order to take a new argument."""

    argument: object


class PipePost:
    """The server's side of a pipe to the test."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ready(self, facts: News) -> None:
        self._pipe.send({"event": "ready", **facts})

    def tell(self, news: News) -> None:
        self._pipe.send(dict(news))

    def fileno(self) -> int:
        return self._pipe.fileno()

    def order(self) -> object | None:
        try:
            return self._pipe.recv()  # type: ignore[no-any-return]  # what a pipe carries has no type
        except (EOFError, OSError):
            return None


def serve_over_pipe(config: ServerConfig, pipe: Connection) -> None:
    """Run the server; the entry point of its process."""
    serve(config, PipePost(pipe))


@dataclass
class EmbeddedServer:
    """A running server; `news` grows as it tells what happens."""

    config: ServerConfig
    host_key: KeyPair
    process: BaseProcess
    pipe: Connection
    port: int = 0
    news: list[News] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def mailbox(self, unit: UnitCode) -> Path:
        """Return the folder of the unit's mailbox."""
        return self.config.mailboxes / unit

    def allow(self, accounts: Mapping[UnitCode, Sequence[bytes]]) -> None:
        """Change the accounts and have them read on SIGHUP."""
        save_accounts(self.config.accounts, accounts)
        self.hang_up()

    def hang_up(self) -> None:
        """Send SIGHUP and wait for the answer."""
        self._reloaded(lambda: os.kill(self.process.pid or 0, signal.SIGHUP))

    def reload(self, config: ServerConfig) -> None:
        """Order a reload and wait for the answer."""
        self._reloaded(lambda: self.pipe.send(Reload(config)))

    def wait_for(self, event: str, seconds: float = 60.0, **facts: str | int) -> News:
        """Return the first news of `event` with these `facts`."""
        wanted = {"event": event, **facts}
        with self._changed:
            found = self._changed.wait_for(
                lambda: [news for news in self.news if wanted.items() <= news.items()], seconds
            )
            assert found, self.news
            return found[0]

    def cut_pipe(self) -> None:
        """Be a parent that is gone."""
        with socket.socket(fileno=os.dup(self.pipe.fileno())) as pipe:
            pipe.shutdown(socket.SHUT_RDWR)

    def _reloaded(self, ask: Callable[[], None]) -> None:
        with self._changed:
            seen = self._reloads()
            ask()
            assert self._changed.wait_for(lambda: self._reloads() > seen, 60.0), self.news

    def _reloads(self) -> int:
        return sum(int(news.get("times", 1)) for news in self.news if str(news["event"]).startswith("reload"))

    def _read(self) -> None:
        while True:
            try:
                news = self.pipe.recv()
            except (EOFError, OSError):
                return
            with self._changed:
                self.news.append(news)
                self._changed.notify_all()


@contextmanager
def embedded_server(
    folder: Path, accounts: Mapping[UnitCode, Sequence[bytes]], **settings: Any
) -> Iterator[EmbeddedServer]:
    """Run a server with its files below `folder` until the context ends; `settings` are fields of ServerConfig."""
    host_key = key_pair()
    path = folder / "accounts.json"
    save_accounts(path, accounts)
    config = ServerConfig("127.0.0.1", 0, host_key.private, folder / "mailboxes", path, **settings)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_over_pipe, args=(config, theirs), daemon=True)
    process.start()
    theirs.close()
    server = EmbeddedServer(config, host_key, process, ours)
    reader = threading.Thread(target=server._read, daemon=True)
    reader.start()
    try:
        server.port = int(server.wait_for("ready")["port"])
        yield server
    finally:
        process.terminate()
        process.join(60)
        if process.is_alive():
            process.kill()
            process.join()
        reader.join(5)
        ours.close()
        process.close()
