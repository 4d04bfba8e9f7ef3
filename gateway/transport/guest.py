"""One connection to the embedded server, from the first byte over the login to its SFTP sessions."""

from typing import Protocol

import asyncssh
from asyncssh.constants import MSG_IGNORE
from asyncssh.packet import SSHPacketLogger

from gateway.domain.clock import Clock
from gateway.transport.jail import GuestSession
from gateway.transport.quota import Mailbox

_SESSIONS_MAX = 4
"""SFTP sessions over one connection; each has a window of its own."""
_BUSY_FOR = 0.25
"""Seconds after its last request during which a guest counts as amid a transfer."""


class Reception(Protocol):
    """Who decides about guests."""

    def arrive(self, connection: asyncssh.SSHServerConnection, guest: "GuestConnection") -> str | None:
        """Count a new connection; return why it must go instead."""
        ...

    def accepts(self, unit: str, blob: bytes) -> bool:
        """Whether the key `blob` is one of the unit's."""
        ...

    def log_in(self, guest: "GuestConnection") -> str | None:
        """Count a connection as the guest's; return why it must go instead."""
        ...

    def fail(self, guest: "GuestConnection") -> None:
        """Count a failed login."""
        ...

    def deposited(self, guest: "GuestConnection") -> None:
        """A file of the guest stands in its mailbox, durable and under its name."""
        ...

    def growing(self, guest: "GuestConnection") -> None:
        """What the guest sends while it is sealed has begun to stand in its mailbox."""
        ...

    def leave(self, connection: asyncssh.SSHServerConnection, guest: "GuestConnection") -> None:
        """Forget a connection."""
        ...


class GuestConnection(asyncssh.SSHServer):
    """What the library asks about one connection. `unit` and `blob` are proven once `log_in` was called."""

    def __init__(self, reception: Reception, clock: Clock) -> None:
        self._reception = reception
        self._clock = clock
        self._connection: asyncssh.SSHServerConnection | None = None
        self._sessions: list[GuestSession] = []
        self._has_tried = False
        self._has_failed = False
        self._is_logged_in = False
        self.address = ""
        self.unit = ""
        self.blob = b""
        self.active_at = self._clock.monotonic()

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        _send_no_chaff(conn)
        self.address = str(conn.get_extra_info("peername", ("",))[0])
        if self._reception.arrive(conn, self) is not None:
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        # Somebody who knows a public key but not its private half fails without being asked about again.
        if self._has_tried and not self._has_failed and not self._is_logged_in:
            self._reception.fail(self)
        if self._connection is not None:
            self._reception.leave(self._connection, self)

    def public_key_auth_supported(self) -> bool:
        return True

    def begin_auth(self, username: str) -> bool:
        self.unit = username
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._has_tried = True
        self.blob = key.public_data
        if self._reception.accepts(username, self.blob):
            return True
        self._has_failed = True
        self._reception.fail(self)
        return False

    def auth_completed(self) -> None:
        self._is_logged_in = True
        if self._reception.log_in(self) is not None:
            self.turn_away("too many connections")

    def open_session(self, chan: "asyncssh.SSHServerChannel[bytes]", mailbox: Mailbox) -> GuestSession:
        """Return a new SFTP session over this connection."""
        session = GuestSession(
            chan,
            mailbox,
            active=self._is_active,
            deposited=self._deposited,
            growing=self._growing,
            ended=self._sessions.remove,
        )
        self._sessions.append(session)
        if len(self._sessions) > _SESSIONS_MAX:
            self.turn_away("too many sessions")
        return session

    def is_busy(self) -> bool:
        """Whether the guest is amid a transfer: a file is open, or one was closed and may be about to be renamed."""
        is_recent = self._clock.monotonic() - self.active_at < _BUSY_FOR
        return self._is_logged_in and (is_recent or any(session.has_open_files for session in self._sessions))

    def turn_away(self, why: str) -> None:
        """Close the connection, telling the guest why in English."""
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def _deposited(self) -> None:
        self._reception.deposited(self)

    def _growing(self) -> None:
        self._reception.growing(self)

    def _is_active(self) -> None:
        self.active_at = self._clock.monotonic()


def _send_no_chaff(connection: asyncssh.SSHServerConnection) -> None:
    """Keep the library from sending an empty message before every other one.

    It means to change the chaining vector of CBC ciphers, of which we offer none (RFC 4251, section 9.3.1), and costs
    both ends a packet, two system calls and a waking for each answer. There is no setting for it.
    """
    send = connection.send_packet

    def send_packet(kind: int, *fields: bytes, handler: SSHPacketLogger | None = None) -> None:
        if kind != MSG_IGNORE:
            send(kind, *fields, handler=handler)

    connection.send_packet = send_packet  # type: ignore[assignment, method-assign]  # of this one connection
