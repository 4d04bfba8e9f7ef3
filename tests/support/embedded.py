"""The embedded SFTP server as a process of its own on loopback, for tests and benchmarks."""

import multiprocessing
import signal
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
from gateway.transport.server import ServerConfig, ServerReport, serve
from tests.support.sshkeys import KeyPair, key_pair


@dataclass
class EmbeddedServer:
    """A running server; `reports` grows as it tells what happens."""

    config: ServerConfig
    host_key: KeyPair
    process: BaseProcess
    port: int = 0
    reports: list[ServerReport] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def allow(self, accounts: Mapping[UnitCode, Sequence[bytes]]) -> None:
        """Change the accounts and have them read."""
        save_accounts(self.config.accounts, accounts)
        self.hang_up()

    def hang_up(self) -> None:
        """Send SIGHUP and wait for the answer."""
        pid = self.process.pid
        assert pid is not None
        seen = self._count_reloads()
        _kill(pid, signal.SIGHUP)
        self.wait_for(lambda _: self._count_reloads() > seen)

    def wait_for(self, is_it: Callable[[ServerReport], bool], seconds: float = 20.0) -> ServerReport:
        """Return the first report that `is_it`."""
        with self._changed:
            found = self._changed.wait_for(lambda: [r for r in self.reports if is_it(r)], seconds)
        assert found, self.reports
        return found[0]

    def _count_reloads(self) -> int:
        return sum(report.what in {"reloaded", "reload-kept"} for report in self.reports)

    def _read(self, pipe: Connection) -> None:
        while True:
            try:
                report = pipe.recv()
            except (EOFError, OSError):
                return
            with self._changed:
                self.reports.append(report)
                self._changed.notify_all()


def _kill(pid: int, number: signal.Signals) -> None:
    import os

    os.kill(pid, number)


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
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(config, theirs.send), daemon=True)
    process.start()
    theirs.close()
    server = EmbeddedServer(config, host_key, process)
    reader = threading.Thread(target=server._read, args=(ours,), daemon=True)
    reader.start()
    try:
        server.port = server.wait_for(lambda report: report.what == "listening").number
        yield server
    finally:
        process.terminate()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()
        reader.join(5)
        ours.close()
        process.close()
