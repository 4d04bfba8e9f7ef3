"""Lines that misbehave: servers that never answer, and a relay that cuts or stalls after so many bytes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[int]:
    """Give the port of a socket that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@dataclass
class Relay:
    """Passes bytes between clients and a server until it is told to cut or to stall."""

    port: int
    target: int
    limit: int | None = None
    """Bytes from client to server, over all connections, after which `action` happens; None = never."""
    action: str = "cut"
    """`cut`: reset both sides; `stall`: pass nothing more, in either direction."""
    limit_down: int | None = None
    """The same from server to client."""
    passed: int = 0
    came: int = 0
    """Bytes that went from client to server, and from server to client."""
    _lines: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, listener: socket.socket) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            self._lines += [client, server]
            for source, sink, is_up in ((client, server, True), (server, client, False)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=self._pump, args=(source, sink, is_up), daemon=True)
                self._threads.append(thread)
                thread.start()

    def cut(self) -> None:
        """Break every connection now."""
        _break(*self._lines)

    def wait_until_cut(self) -> None:
        """Wait for the threads of connections that were cut."""
        for thread in self._threads:
            thread.join(5)

    def close(self) -> None:
        """Break every connection and wait for the threads."""
        self.cut()
        self.wait_until_cut()
        for line in self._lines:
            line.close()

    def _is_over(self) -> bool:
        is_over_up = self.limit is not None and self.passed >= self.limit
        return is_over_up or (self.limit_down is not None and self.came >= self.limit_down)

    def _pump(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        while True:
            try:
                data = source.recv(65536)
                if not data:
                    break
                if self._is_over():
                    if self.action == "stall":
                        continue
                    break
                with self._lock:
                    limit, so_far = (self.limit, self.passed) if is_up else (self.limit_down, self.came)
                    if limit is not None:
                        data = data[: max(limit - so_far, 0)]
                    if is_up:
                        self.passed += len(data)
                    else:
                        self.came += len(data)
                sink.sendall(data)
                if self._is_over() and self.action == "cut":
                    break
            except OSError:
                break
        _break(source, sink)


def _break(*lines: socket.socket) -> None:
    for line in lines:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(target: int, limit: int | None = None, action: str = "cut") -> Iterator[Relay]:
    """Run a relay to the local port `target`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Relay(listener.getsockname()[1], target, limit, action)
        thread = threading.Thread(target=running.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield running
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            running.close()
