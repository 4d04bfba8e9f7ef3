"""Ports for servers that must be told theirs: nobody else is given one while it is held."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """Give a TCP port of loopback on which nobody listens, and on which one that reuses addresses, as servers do, may.

    A port that was free a moment ago may be anybody's; this one is bound as long as the context lasts.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
