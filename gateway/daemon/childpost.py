"""The child's side of a long-lived child process: says that it is ready, tells news, hears orders."""

import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gateway.daemon.frames import Kind, Line, from_parent, packed
from gateway.daemon.trace import traced
from gateway.domain.errors import GatewayError

News = Mapping[str, str | int]
"""Code-like facts, as in the operations log."""


@dataclass(frozen=True, slots=True)
class Reload:
    """The order to go on with a new argument; connections that are open may live on."""

    argument: Any


class Post:
    """What a long-lived child is given to speak with its parent. Sending is thread-safe, `order` is for one thread."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._lock = threading.Lock()

    def ready(self, facts: News) -> None:
        """Say that it serves now; `facts` reach the parent's `wait_ready`, e.g. the port that was bound."""
        self._send(Kind.READY, facts)

    def tell(self, news: News) -> None:
        """Tell the parent something, e.g. that a guest has deposited; a few times a second at most."""
        self._send(Kind.TOLD, news)

    def fileno(self) -> int:
        """A descriptor that is readable when an order waits (for `loop.add_reader`)."""
        return self._line.fileno()

    def order(self) -> Reload | None:
        """Wait for the next order; None = end in order now (or the parent has hung up)."""
        frame = self._line.receive()
        if frame is not None and frame[0] is Kind.RELOAD:
            return Reload(from_parent(frame[1]))
        return None

    def _send(self, kind: Kind, facts: News) -> None:
        with self._lock:
            self._line.send(kind, packed(dict(facts)))


def serve(end: socket.socket) -> None:
    """Call the function that the first frame names with its argument and a Post. Entry point of the process."""
    # Orders come over the line; SIGTERM keeps its default meaning unless the function takes it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    line = Line(end)
    frame = line.receive()
    if frame is None:
        return
    module, name, argument = from_parent(frame[1])
    try:
        getattr(import_module(module), name)(argument, Post(line))
    except GatewayError as error:
        line.send(Kind.FAILED, packed(error))
    except Exception as error:  # noqa: BLE001 - the parent logs it and starts anew
        line.send(Kind.BUG, "\n".join(traced(error)).encode("utf-8", "replace"))
