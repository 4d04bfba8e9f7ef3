"""Lines that misbehave: servers that never answer, and a relay that cuts, resets, stalls and slows connections."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PACE = 0.1
"""Seconds between two pieces of what is slowed down."""


@contextmanager
def silent_server() -> Iterator[int]:
    """Give the port of a socket that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@dataclass(eq=False)
class _Line:
    """One connection through a relay: the sockets to both ends, closed once nothing passes in either direction."""

    client: socket.socket
    server: socket.socket
    pumping: int = 2
    is_reset: bool = False

    @property
    def ends(self) -> tuple[socket.socket, socket.socket]:
        return self.client, self.server


@dataclass
class Relay:
    """Passes bytes between clients and a server until it is told to cut, to reset, to stall or to slow down."""

    port: int
    target: int
    limit: int | None = None
    """Bytes from client to server, over all connections, after which `action` happens; None = never."""
    action: str = "cut"
    """`cut`: break both sides; `stall`: pass nothing more, in either direction."""
    limit_down: int | None = None
    """The same from server to client."""
    passed: int = 0
    came: int = 0
    """Bytes that went from client to server, and from server to client."""
    rate: float | None = None
    """Bytes a second, on each connection and in each direction; None = as fast as they come."""
    is_dead: bool = False
    """Whether every new connection is broken at once."""
    _flows: threading.Event = field(default_factory=threading.Event)
    _lines: set[_Line] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._flows.set()

    def serve(self, listener: socket.socket) -> None:
        """Accept until the listener is closed. A server that is away looks to clients like one that hangs up."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            line = _Line(client, server)
            with self._lock:
                self._lines.add(line)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            for source, sink, is_up in ((client, server, True), (server, client, False)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                thread = threading.Thread(target=self._pump, args=(line, source, sink, is_up), daemon=True)
                self._threads.append(thread)
                thread.start()
            if self.is_dead:
                self.reset()

    def cut(self) -> None:
        """Break every connection now."""
        for line in self._standing():
            _break(*line.ends)

    def reset(self) -> None:
        """Break every connection now, so that both ends are told of a reset and not of an orderly end."""
        for line in self._standing():
            line.is_reset = True
            for end in line.ends:
                with suppress(OSError):
                    # Closing with this says RST; shutting down the reading half wakes the thread that will close.
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD)

    def stall(self) -> None:
        """Pass nothing from now on, and keep every connection, until `flow`."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass everything again, as fast as it comes."""
        self.is_dead, self.rate = False, None
        self._flows.set()

    def wait_until_cut(self) -> None:
        """Wait for the threads of connections that were cut."""
        for thread in self._threads:
            thread.join(5)

    def close(self) -> None:
        """Break every connection and wait for the threads."""
        self.flow()
        self.cut()
        self.wait_until_cut()

    def _standing(self) -> list[_Line]:
        with self._lock:
            return list(self._lines)

    def _is_over(self) -> bool:
        is_over_up = self.limit is not None and self.passed >= self.limit
        return is_over_up or (self.limit_down is not None and self.came >= self.limit_down)

    def _pump(self, line: _Line, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
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
                self._send(line, sink, data)
                if self._is_over() and self.action == "cut":
                    break
            except OSError:
                break
        if not line.is_reset:
            _break(source, sink)
        with self._lock:
            line.pumping -= 1
            is_last = not line.pumping
            if is_last:
                self._lines.discard(line)
        if is_last:
            for end in line.ends:
                end.close()

    def _send(self, line: _Line, sink: socket.socket, data: bytes) -> None:
        while data:
            self._flows.wait()
            rate = self.rate
            if line.is_reset:
                raise ConnectionResetError
            piece = data if rate is None else data[: max(1, int(rate * PACE))]
            sink.sendall(piece)
            data = data[len(piece) :]
            if rate is not None:
                time.sleep(len(piece) / rate)


def _break(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


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
