"""The embedded SFTP server: a process of its own that gives each guest its mailbox over SSH."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh
import uvloop

from gateway.domain.clock import Clock, SystemClock
from gateway.domain.errors import ConfigError, GatewayError, Scope, TransientError
from gateway.domain.ids import UnitCode
from gateway.transport.accounts import load_accounts
from gateway.transport.agreement import RESUME_FROM
from gateway.transport.allocator import keep_freed_memory
from gateway.transport.floors import NO_FLOORS, Floors
from gateway.transport.guard import Guard, GuardLimits
from gateway.transport.guest import GuestConnection
from gateway.transport.hosted import create_mailbox, keep_mailboxes
from gateway.transport.jail import GuestSession
from gateway.transport.news import NewsDesk, Post
from gateway.transport.quota import Mailbox

KEX = ("mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org")
CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
SIGNATURES = ("ssh-ed25519",)
"""Everything else the library knows is left out (docs/adr/0004-transport.md)."""
PACKET = 256 << 10
"""Bytes of one packet we accept."""
_SMALLEST_WINDOW = 256 << 10
_STALE = 86_400.0
_SWEEP = 1.0
_STALE_SWEEP = 3_600.0
_DRAIN_STEP = 0.05
_HEARD_WITHIN = 1.0
_THREADS = 16
"""Threads for fsync and for counting folders; enough to keep several disks busy, few enough for two cores."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything the server process needs; may be pickled.

    host, port:      address to listen on; port 0 takes a free one, told by `ready`.
    host_key:        private key, unencrypted OpenSSH PEM, Ed25519.
    mailboxes:       folder of the mailboxes, `<mailboxes>/<unit>/{in,out}`; created where missing.
    accounts:        the accounts file (gateway.transport.accounts).
    quota_bytes, quota_files: what one guest may have lying in its `in`.
    floors:          what deposits leave free of our disk.
    limits:          connections and failed logins.
    login_grace:     seconds from connecting to being logged in.
    idle:            seconds without a request after which a connection is closed.
    keepalive:       seconds of silence after which a guest is asked for a sign of life; as many more, and it is gone.
    drain:           seconds that transfers under way get when the server is to end.
    window:          bytes that one guest may have under way to us.
    memory:          bytes that the windows of all guests may take together; late comers get smaller ones.
    """

    host: str
    port: int
    host_key: bytes = field(repr=False)
    mailboxes: Path
    accounts: Path
    quota_bytes: int = 64 << 30
    quota_files: int = 20_000
    floors: Floors = NO_FLOORS
    limits: GuardLimits = field(default_factory=GuardLimits)
    login_grace: float = 20.0
    idle: float = 300.0
    keepalive: float = 60.0
    drain: float = 3.0
    window: int = 16 << 20
    memory: int = 256 << 20


def serve(config: ServerConfig, post: Post) -> None:
    """Serve until `post` orders the end (or its line breaks), SIGTERM or SIGINT. Needs the main thread of its process.

    An order with an `argument` is a reload: the accounts file is read again, and the limits of the new ServerConfig
    hold from then on; address and host key stay. SIGHUP reads the accounts again. What cannot be used is told and
    changes nothing.

    ready: `port`. News, by `event`: `reloaded` (accounts), `reload-kept` (code), `logged-in`, `left`, `deposited`,
    `growing` (guest), `login-failed` (address, code when it is now banned), `turned-away` (code, address, guest if
    proven), `swept` (files), `stopped`. `times` counts repetitions.

    Raises ConfigError (`accounts-unreadable`, `accounts-malformed`, `host-key-unusable`) and TransientError
    (`port-taken`) before it listens.
    """
    keep_freed_memory()
    # Measured: 1.7 times the bytes per second of processor time of asyncio's own loop (docs/adr/0004-transport.md).
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, post))


async def _serve(config: ServerConfig, post: Post) -> None:
    await _Server(config, post, SystemClock()).run()


class _Server:
    """The Reception of all guests, and what they share."""

    def __init__(self, config: ServerConfig, post: Post, clock: Clock) -> None:
        self._config = config
        self._post = post
        self._clock = clock
        self._news = NewsDesk(post)
        self._accounts = load_accounts(config.accounts)
        self._guard = Guard(config.limits)
        self._connections: dict[object, GuestConnection] = {}
        self._windows: dict[GuestConnection, int] = {}
        self._window = config.window
        self._mailboxes: dict[UnitCode, Mailbox] = {}
        self._stop = asyncio.Event()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, "disk"))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._reload(self._config))
        self._create_mailboxes()
        self._acceptor = await self._listen()
        loop.add_reader(self._post.fileno(), self._obey)
        self._news.ready({"port": self._acceptor.get_port()})
        sweeping = asyncio.create_task(self._sweep())
        try:
            await self._stop.wait()
        finally:
            sweeping.cancel()
            loop.remove_reader(self._post.fileno())
            self._acceptor.close()
            await self._drain()
            await self._news.close(_HEARD_WITHIN)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        config = self._config
        try:
            return await asyncssh.listen(
                config.host,
                config.port,
                server_factory=lambda: GuestConnection(self, self._clock),
                server_host_keys=[_host_key(config.host_key)],
                sftp_factory=self._session,
                sftp_version=3,
                allow_scp=False,
                allow_pty=False,
                agent_forwarding=False,
                x11_forwarding=False,
                public_key_auth=True,
                password_auth=False,
                kbdint_auth=False,
                host_based_auth=False,
                gss_kex=False,
                gss_auth=False,
                kex_algs=KEX,
                encryption_algs=CIPHERS,
                mac_algs=MACS,
                signature_algs=SIGNATURES,
                compression_algs=None,
                server_version="CaseFerry",
                encoding=None,
                line_editor=False,
                window=config.window,
                max_pktsize=PACKET,
                login_timeout=config.login_grace,
                keepalive_interval=config.keepalive,
                # Asked twice as often, hundreds of guests that do nothing cost twice as much, and nobody learns sooner
                # that one is gone.
                keepalive_count_max=1,
                config=[],
                backlog=256,
                reuse_address=True,
            )
        except OSError as error:
            detail = f"{config.host}:{config.port}: {error.strerror}"
            raise TransientError("port-taken", detail, scope=Scope.NODE) from error

    # -- Reception ----------------------------------------------------------------------------------------------------

    def arrive(self, connection: asyncssh.SSHServerConnection, guest: GuestConnection) -> str | None:
        self._connections[connection] = guest
        refusal = self._guard.arrive(guest, guest.address, self._clock.monotonic())
        if refusal is not None:
            self._news.tell("turned-away", code=refusal, address=guest.address)
        return refusal

    def accepts(self, unit: str, blob: bytes) -> bool:
        return blob in self._accounts.get(UnitCode(unit), frozenset())

    def log_in(self, guest: GuestConnection) -> str | None:
        refusal = self._guard.log_in(guest, UnitCode(guest.unit), guest.address)
        if refusal is None:
            self._news.tell("logged-in", guest=guest.unit, address=guest.address)
            self._windows[guest] = self._window
            self._share_memory()
        else:
            self._news.tell("turned-away", code=refusal, guest=guest.unit, address=guest.address)
        return refusal

    def fail(self, guest: GuestConnection) -> None:
        is_banned = self._guard.fail(guest.address, self._clock.monotonic())
        self._news.tell("login-failed", code="address-banned" if is_banned else "", address=guest.address)

    def deposited(self, guest: GuestConnection) -> None:
        self._news.tell("deposited", guest=guest.unit)

    def growing(self, guest: GuestConnection) -> None:
        self._news.tell("growing", guest=guest.unit)

    def leave(self, connection: asyncssh.SSHServerConnection, guest: GuestConnection) -> None:
        self._connections.pop(connection, None)
        self._guard.leave(guest)
        if self._windows.pop(guest, None) is not None:
            self._news.tell("left", guest=guest.unit, address=guest.address)
            self._share_memory()

    def _session(self, chan: "asyncssh.SSHServerChannel[bytes]") -> GuestSession:
        guest = self._connections[chan.get_connection()]
        return guest.open_session(chan, self._mailboxes[UnitCode(guest.unit)])

    def _share_memory(self) -> None:
        """Give those who connect from now on an eighth of what is left, so that the sum stays within the memory."""
        left = self._config.memory - sum(self._windows.values())
        window = min(self._config.window, max(left // 8, _SMALLEST_WINDOW))
        if self._acceptor is not None and not 0.75 <= window / self._window <= 1.25:
            self._window = window
            self._acceptor.update(window=window)

    # -- life ---------------------------------------------------------------------------------------------------------

    def _obey(self) -> None:
        # The line is read here and not in a thread: orders are short, and come whole.
        order = self._post.order()
        if order is None:
            self._stop.set()
        else:
            wanted = getattr(order, "argument", None)
            self._reload(wanted if isinstance(wanted, ServerConfig) else self._config)

    def _reload(self, wanted: ServerConfig) -> None:
        kept = self._config, self._accounts
        try:
            self._accounts = load_accounts(wanted.accounts)
            self._config = replace(wanted, host=kept[0].host, port=kept[0].port, host_key=kept[0].host_key)
            self._create_mailboxes()
        except GatewayError as error:
            self._config, self._accounts = kept
            self._news.tell("reload-kept", code=error.code)
            return
        self._guard.limits = self._config.limits
        for mailbox in self._mailboxes.values():
            mailbox.allow(self._config.quota_bytes, self._config.quota_files, self._config.floors)
        for guest in list(self._windows):
            if not self.accepts(guest.unit, guest.blob):
                guest.turn_away("account-withdrawn")
        self._news.tell("reloaded", accounts=len(self._accounts))

    def _create_mailboxes(self) -> None:
        swept = 0
        for unit in self._accounts:
            if unit not in self._mailboxes:
                root = create_mailbox(self._config.mailboxes, unit)
                config = self._config
                mailbox = Mailbox(root, config.quota_bytes, config.quota_files, self._clock, config.floors)
                with suppress(OSError):
                    swept += mailbox.remove_abandoned(RESUME_FROM)
                self._mailboxes[unit] = mailbox
        keep_mailboxes(self._config.mailboxes)
        if swept:
            self._news.tell("swept", files=swept)

    async def _sweep(self) -> None:
        stale_at = 0.0
        while True:
            now = self._clock.monotonic()
            for guest in list(self._windows):
                if now - guest.active_at > self._config.idle:
                    guest.turn_away("idle")
            if now >= stale_at:
                stale_at = now + _STALE_SWEEP
                await self._remove_stale()
            await asyncio.sleep(_SWEEP)

    async def _remove_stale(self) -> None:
        count = 0
        for mailbox in list(self._mailboxes.values()):
            # A folder that cannot be swept now concerns only its guest, who is told when it deposits.
            with suppress(OSError):
                count += await asyncio.to_thread(mailbox.remove_stale, self._clock.now() - _STALE)
        if count:
            self._news.tell("swept", files=count)

    async def _drain(self) -> None:
        deadline = self._clock.monotonic() + self._config.drain
        while self._connections:
            is_over = self._clock.monotonic() >= deadline
            for guest in list(self._connections.values()):
                if is_over or not guest.is_busy():
                    guest.turn_away("stopping")
            await asyncio.sleep(_DRAIN_STEP)


def _host_key(private: bytes) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(private)
    except (asyncssh.KeyImportError, ValueError) as error:
        # Not chained: the parser's complaint may quote the key.
        detail = f"the SSH host key cannot be read: {type(error).__name__}"
    raise ConfigError("host-key-unusable", detail, scope=Scope.NODE)
