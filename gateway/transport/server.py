"""The embedded SFTP server: a process of its own that gives each guest its mailbox over SSH."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from gateway.domain.errors import ConfigError, GatewayError, Scope, TransientError
from gateway.domain.ids import UnitCode
from gateway.transport.accounts import load_accounts
from gateway.transport.guard import Guard, GuardLimits
from gateway.transport.guest import GuestConnection
from gateway.transport.hosted import create_mailbox
from gateway.transport.jail import GuestSession
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
_THREADS = 16
"""Threads for fsync and for counting folders; enough to keep several disks busy, few enough for two cores."""
_REPORTS_MAX = 1_000
"""Reports that may wait for whoever reads them; more are dropped and counted."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything the server process needs; may be pickled.

    host, port:      address to listen on; port 0 takes a free one, told by the report `listening`.
    host_key:        private key, unencrypted OpenSSH PEM, Ed25519.
    mailboxes:       folder of the mailboxes, `<mailboxes>/<unit>/{in,out}`; created where missing.
    accounts:        the accounts file (gateway.transport.accounts); read again on SIGHUP.
    quota_bytes, quota_files: what one guest may have lying in its `in`.
    limits:          connections and failed logins.
    login_grace:     seconds from connecting to being logged in.
    idle:            seconds without a request after which a connection is closed.
    keepalive:       seconds between signs of life asked of a silent guest; three unanswered close the connection.
    drain:           seconds that transfers under way get after SIGTERM.
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
    limits: GuardLimits = field(default_factory=GuardLimits)
    login_grace: float = 20.0
    idle: float = 300.0
    keepalive: float = 30.0
    drain: float = 3.0
    window: int = 16 << 20
    memory: int = 256 << 20


@dataclass(frozen=True, slots=True)
class ServerReport:
    """Something that happened, for the operations log.

    what:    `listening`, `reloaded`, `reload-kept`, `logged-in`, `left`, `login-failed`, `turned-away`, `swept`,
             `stopped`.
    code:    why, where there is a why: an error's code or a reason of the Guard.
    guest:   unit code, once it is proven.
    address: of the other side.
    number:  port, accounts, removed files or dropped reports, according to `what`.
    detail:  English, for the log.
    """

    what: str
    code: str = ""
    guest: str = ""
    address: str = ""
    number: int = 0
    detail: str = ""


def serve(config: ServerConfig, report: Callable[[ServerReport], object]) -> None:
    """Serve until SIGTERM or SIGINT, or until the parent process is gone; read the accounts again on SIGHUP.

    report: called from a thread of its own, one report after the other; must not block for ever. In a spawned process
            the `send` of a multiprocessing connection will do.

    Needs the main thread of its process. Raises ConfigError (`accounts-*`, `host-key-unusable`) and TransientError
    (`port-taken`) before it listens.
    """
    asyncio.run(_Server(config, report).run())


class _Server:
    """The Reception of all guests, and what they share."""

    def __init__(self, config: ServerConfig, report: Callable[[ServerReport], object]) -> None:
        self._config = config
        self._report_to = report
        self._accounts = load_accounts(config.accounts)
        self._guard = Guard(config.limits)
        self._connections: dict[object, GuestConnection] = {}
        self._windows: dict[GuestConnection, int] = {}
        self._window = config.window
        self._mailboxes: dict[UnitCode, Mailbox] = {}
        self._reporter = ThreadPoolExecutor(1, "reports")
        self._reports_waiting = 0
        self._reports_dropped = 0
        self._stop = asyncio.Event()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, "disk"))
        parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        self._create_mailboxes()
        self._acceptor = await self._listen()
        self._report(ServerReport("listening", number=self._acceptor.get_port()))
        sweeping = asyncio.create_task(self._sweep(parent))
        try:
            await self._stop.wait()
        finally:
            sweeping.cancel()
            self._acceptor.close()
            await self._drain()
            self._report(ServerReport("stopped", number=self._reports_dropped))
            self._reporter.shutdown(wait=True)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        config = self._config
        try:
            return await asyncssh.listen(
                config.host,
                config.port,
                server_factory=lambda: GuestConnection(self),
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
        refusal = self._guard.arrive(guest, guest.address, time.monotonic())
        if refusal is not None:
            self._report(ServerReport("turned-away", code=refusal, address=guest.address))
        return refusal

    def accepts(self, unit: str, blob: bytes) -> bool:
        return blob in self._accounts.get(UnitCode(unit), frozenset())

    def log_in(self, guest: GuestConnection) -> str | None:
        refusal = self._guard.log_in(guest, UnitCode(guest.unit), guest.address)
        what = "logged-in" if refusal is None else "turned-away"
        self._report(ServerReport(what, code=refusal or "", guest=guest.unit, address=guest.address))
        if refusal is None:
            self._windows[guest] = self._window
            self._share_memory()
        return refusal

    def fail(self, guest: GuestConnection) -> None:
        is_banned = self._guard.fail(guest.address, time.monotonic())
        self._report(ServerReport("login-failed", code="address-banned" if is_banned else "", address=guest.address))

    def leave(self, connection: asyncssh.SSHServerConnection, guest: GuestConnection) -> None:
        self._connections.pop(connection, None)
        self._guard.leave(guest)
        if self._windows.pop(guest, None) is not None:
            self._report(ServerReport("left", guest=guest.unit, address=guest.address))
            self._share_memory()

    def _session(self, chan: "asyncssh.SSHServerChannel[bytes]") -> GuestSession:
        guest = self._connections[chan.get_connection()]
        return guest.open_session(chan, self._mailboxes[UnitCode(guest.unit)])

    # -- life ---------------------------------------------------------------------------------------------------------

    def _report(self, report: ServerReport) -> None:
        if self._reports_waiting >= _REPORTS_MAX:
            self._reports_dropped += 1
            return
        self._reports_waiting += 1
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._reporter, self._report_to, report).add_done_callback(self._reported)

    def _reported(self, handed_over: "asyncio.Future[object]") -> None:
        self._reports_waiting -= 1
        # A reader that is gone is the parent process; the sweep notices that.
        handed_over.exception()

    def _share_memory(self) -> None:
        """Give those who connect from now on an eighth of what is left, so that the sum stays within the memory."""
        left = self._config.memory - sum(self._windows.values())
        window = min(self._config.window, max(left // 8, _SMALLEST_WINDOW))
        if self._acceptor is not None and not 0.75 <= window / self._window <= 1.25:
            self._window = window
            self._acceptor.update(window=window)

    def _create_mailboxes(self) -> None:
        for unit in self._accounts:
            if unit not in self._mailboxes:
                root = create_mailbox(self._config.mailboxes, unit)
                self._mailboxes[unit] = Mailbox(root, self._config.quota_bytes, self._config.quota_files)

    def _reload(self) -> None:
        before = self._accounts
        try:
            self._accounts = load_accounts(self._config.accounts)
            self._create_mailboxes()
        except GatewayError as error:
            self._accounts = before
            self._report(ServerReport("reload-kept", code=error.code, detail=error.detail))
            return
        for guest in list(self._windows):
            if not self.accepts(guest.unit, guest.blob):
                guest.turn_away("account-withdrawn")
        self._report(ServerReport("reloaded", number=len(self._accounts)))

    async def _sweep(self, parent: int) -> None:
        stale_at = 0.0
        while os.getppid() == parent:
            now = time.monotonic()
            for guest in list(self._windows):
                if now - guest.active_at > self._config.idle:
                    guest.turn_away("idle")
            if now >= stale_at:
                stale_at = now + _STALE_SWEEP
                await self._remove_stale()
            await asyncio.sleep(_SWEEP)
        self._stop.set()

    async def _remove_stale(self) -> None:
        count = 0
        for mailbox in list(self._mailboxes.values()):
            # A folder that cannot be swept now concerns only its guest, who is told when it deposits.
            with suppress(OSError):
                count += await asyncio.to_thread(mailbox.remove_stale, time.time() - _STALE)
        if count:
            self._report(ServerReport("swept", number=count))

    async def _drain(self) -> None:
        deadline = time.monotonic() + self._config.drain
        while self._connections:
            is_over = time.monotonic() >= deadline
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
