"""An SFTP channel over paramiko: pinned host keys, one identity, modern algorithms, deadlines, mapped exceptions."""

import io
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType

import paramiko
from paramiko.ssh_exception import (
    IncompatiblePeer,
    MessageOrderError,
    PartialAuthentication,
    UnableToAuthenticate,
)

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.transport.channel import Deadlines
from gateway.transport.errors import fault
from gateway.transport.watchdog import Watchdog

KEX = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org")
CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
KEY_TYPES = ("ssh-ed25519",)
"""Offered in this order; everything else that paramiko knows is left out (docs/adr/0004-transport.md)."""

WINDOW = 16 << 20
"""Bytes the peer may have under way to us: 100 ms of a 1 Gbit/s line, and the bound of what a session buffers."""
PACKET = 256 << 10
"""Bytes of one packet we accept: fewer, larger packets are what makes a Python client fast."""

_READER_ENDS_WITHIN = 5.0
"""Seconds for the library's reader thread to notice that its socket is closed; it looks ten times a second."""

MAPPED: Mapping[type[paramiko.SSHException], str] = MappingProxyType(
    {
        paramiko.SSHException: "link-unreachable",
        paramiko.AuthenticationException: "link-auth-refused",
        paramiko.PasswordRequiredException: "link-auth-refused",
        paramiko.BadAuthenticationType: "link-auth-refused",
        PartialAuthentication: "link-auth-refused",
        UnableToAuthenticate: "link-auth-refused",
        paramiko.auth_strategy.AuthFailure: "link-auth-refused",
        paramiko.ChannelException: "link-unreachable",
        paramiko.BadHostKeyException: "host-key-mismatch",
        IncompatiblePeer: "link-algorithms",
        paramiko.ProxyCommandFailure: "link-unreachable",
        paramiko.CouldNotCanonicalize: "link-unreachable",
        paramiko.ConfigParseError: "link-unreachable",
        MessageOrderError: "link-unreachable",
    }
)
"""Every SSHException of the library by exact class; a test fails when the library grows another."""


@dataclass(frozen=True, slots=True)
class SshPeer:
    """Where and as whom to log in.

    host, port: TCP address.
    username:   the account there: our unit code.
    identity:   our private key, unencrypted OpenSSH PEM, Ed25519.
    host_keys:  the only acceptable host keys, each an RFC 4253 public key blob.
    """

    host: str
    port: int
    username: str
    identity: bytes = field(repr=False)
    host_keys: tuple[bytes, ...]


class ParamikoChannel:
    """The Channel over one paramiko connection of its own; used by one thread at a time."""

    def __init__(self, peer: SshPeer, deadlines: Deadlines, clock: Clock) -> None:
        """Connect, prove both identities, open the SFTP subsystem; raises the contract's link errors."""
        self._deadlines = deadlines
        key = _identity(peer.identity)
        self._socket = _connected(peer, deadlines.connect)
        self._transport = paramiko.Transport(self._socket, WINDOW, PACKET)
        self._quieten()
        shortest = min(deadlines.connect, deadlines.idle)
        self._watchdog = Watchdog(self._abort, shortest, clock, f"watchdog-{peer.host}:{peer.port}")
        try:
            self._watchdog.expect(deadlines.connect)
            with self._mapped():
                self._log_in(peer, key)
                self._channel = self._transport.open_session(timeout=2 * deadlines.connect)
                self._channel.invoke_subsystem("sftp")
            self._watchdog.rest()
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes | memoryview) -> None:
        with self._mapped():
            whole = bytes(data)
            limit = max(self._channel.out_max_packet_size - 64, 1)
            start = 0
            while start < len(whole):
                self._watchdog.expect(self._deadlines.idle)
                sent = self._channel.send(whole[start : start + limit])
                if sent == 0:
                    raise EOFError
                start += sent
            self._watchdog.rest()

    def receive(self, limit: int) -> bytes:
        with self._mapped():
            self._watchdog.expect(self._deadlines.idle)
            data = self._channel.recv(limit)
            self._watchdog.rest()
            if not data:
                raise EOFError
        return data

    def is_open(self) -> bool:
        return self._transport.is_active() and not self._channel.closed and not self._channel.eof_received

    def close(self) -> None:
        self._watchdog.end()
        self._abort()
        # What the reader thread or the socket still has to complain about concerns nobody any more.
        with suppress(Exception):
            self._transport.close()
            self._transport.join(_READER_ENDS_WITHIN)
        self._socket.close()

    def _log_in(self, peer: SshPeer, key: paramiko.PKey) -> None:
        options = self._transport.get_security_options()
        options.kex = tuple(name for name in KEX if name in options.kex)
        options.ciphers = CIPHERS
        options.digests = MACS
        options.key_types = KEY_TYPES
        options.compression = ("none",)
        # The watchdog ends the whole of connecting; the library's own timers, one per step, only stand behind it.
        behind = 2 * self._deadlines.connect
        self._transport.banner_timeout = behind
        self._transport.handshake_timeout = behind
        self._transport.auth_timeout = behind
        self._transport.start_client(timeout=behind)
        if self._transport.get_remote_server_key().asbytes() not in peer.host_keys:
            raise fault("host-key-mismatch", f"{peer.host}:{peer.port} shows a host key that is not pinned")
        if self._transport.auth_publickey(peer.username, key):
            raise paramiko.AuthenticationException("more than one key is asked for")
        self._transport.set_keepalive(self._deadlines.keepalive)

    def _quieten(self) -> None:
        # The library would write tracebacks of a broken line to stderr; what matters reaches the caller as an error.
        quiet = logging.Logger("ssh", logging.CRITICAL + 1)
        self._transport.logger = quiet
        self._transport.packetizer.set_log(quiet)

    def _abort(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        # Ends a blocked write, and the handshake timer, which otherwise outlives the connection as a thread.
        self._transport.packetizer.close()
        self._transport.packetizer.complete_handshake()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except GatewayError:
            raise
        except Exception as error:
            # Every kind: paramiko raises here whatever its reader thread met while it parsed bytes from afar.
            raise self._as_fault(error) from error

    def _as_fault(self, error: Exception) -> GatewayError:
        if self._watchdog.is_late:
            return fault("link-timeout", "the peer let a deadline pass without a byte")
        code = code_of(error)
        if code == "link-auth-refused" and not self._transport.is_active():
            # The library reports a line that broke during authentication as a refusal.
            code = "link-unreachable"
        return fault(code, f"ssh: {type(error).__name__}")


def code_of(error: Exception) -> str:
    """Return the contract's code for an exception of paramiko, of a socket, or of parsing what came from afar."""
    if isinstance(error, TimeoutError):
        return "link-timeout"
    return next((MAPPED[kind] for kind in type(error).__mro__ if kind in MAPPED), "link-unreachable")


def _identity(private: bytes) -> paramiko.PKey:
    try:
        return paramiko.Ed25519Key.from_private_key(io.StringIO(private.decode("ascii")))
    except Exception as error:  # noqa: BLE001 - the library's parser trips over a damaged key in many ways
        # Not chained: the complaint may quote the key.
        detail = f"our own SSH key cannot be used: {type(error).__name__}"
    raise fault("link-auth-refused", detail)


def _connected(peer: SshPeer, seconds: float) -> socket.socket:
    try:
        line = socket.create_connection((peer.host, peer.port), timeout=seconds)
    except TimeoutError as error:
        raise fault("link-timeout", f"{peer.host}:{peer.port} did not answer within {seconds:g} s") from error
    except OSError as error:
        raise fault("link-unreachable", f"{peer.host}:{peer.port}: {error.strerror or type(error).__name__}") from error
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line
