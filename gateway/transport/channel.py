"""The seam between the SFTP layer and what carries its bytes: a library's channel, or the pipes of an `ssh` process."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a peer may keep us waiting, in seconds.

    connect:   for the whole of connecting: TCP, key exchange, authentication, opening the SFTP session.
    idle:      without a single byte moving while we wait for the peer; the connection is then torn down.
    keepalive: between signs of life while nothing else is sent.
    reuse:     a session unused for longer is opened anew instead of trusted.
    """

    connect: float = 20.0
    idle: float = 60.0
    keepalive: float = 15.0
    reuse: float = 60.0


class Channel(Protocol):
    """A duplex byte stream to an SFTP server; every failure leaves it as a GatewayError of the transport contract."""

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`; `link-timeout` if it does not move, `link-unreachable` if the line is gone."""
        ...

    def receive(self, limit: int) -> bytes:
        """Return 1 to `limit` bytes as soon as any are there; `link-unreachable` at the end of the stream."""
        ...

    def is_open(self) -> bool:
        """Whether nothing is known to be wrong with the line."""
        ...

    def close(self) -> None:
        """Give back the line and its threads; never raises, may be repeated."""
        ...
