"""An SFTP channel over the pipes of the host's `ssh` program: same identity, host keys, algorithms and deadlines."""

import fcntl
import os
import re
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.transport.accounts import public_line
from gateway.transport.channel import Deadlines
from gateway.transport.errors import fault
from gateway.transport.paramiko_channel import CIPHERS, KEX, KEY_TYPES, MACS, SshPeer
from gateway.transport.watchdog import Watchdog

_PROGRAM = "ssh"
_ALIAS = "peer"
"""What the pinned keys are filed under, whatever the peer's address looks like."""
_PIPE = 1 << 20
"""Bytes that a pipe holds, where the kernel lets us: fewer changes between the two processes."""
_PIECE = 64 << 10
"""Bytes handed over in one call, so that each one shows that the line moves."""
_ENDS_WITHIN = 5.0
"""Seconds for the program to end once its line has; it is killed after that."""
_COMPLAINT_MAX = 16 << 10
"""Bytes read of what the program complains about."""
_UNANSWERED = 3
"""Signs of life that the peer may leave unanswered."""

_FAILURES = (
    (re.compile(rb"Host key verification failed\."), "host-key-mismatch"),
    (re.compile(rb"[^ ]+: Permission denied \("), "link-auth-refused"),
    (re.compile(rb"Unable to negotiate with |Protocol major versions differ"), "link-algorithms"),
    (re.compile(rb"ssh: connect to host .{1,300} port \d+: Connection timed out"), "link-timeout"),
    (re.compile(rb"Connection timed out during banner exchange"), "link-timeout"),
)
"""How a line of the program begins, and what it means; anything else is a line that broke."""
_PEERS_WORDS = (b"Received disconnect", b"Disconnected from")
"""Lines from here on may be the peer's own, and prove nothing."""


class OpensshChannel:
    """The Channel over one `ssh` process of its own; used by one thread at a time.

    The program gets no configuration, no agent, no terminal and no file of ours: the identity and the pinned keys are
    memory without a name, which it opens through this process. It ends when its pipes do, hence also when we are
    killed.
    """

    def __init__(self, peer: SshPeer, deadlines: Deadlines, clock: Clock) -> None:
        """Start connecting; the contract's link errors are raised by the first `send` or `receive` that meets them."""
        self._deadlines = deadlines
        self._where = f"{peer.host}:{peer.port}"
        self._is_connected = False
        with ExitStack() as until_started:
            identity = until_started.enter_context(_nameless("identity", peer.identity))
            pinned = "".join(f"{_ALIAS} {public_line(key)}\n" for key in peer.host_keys).encode()
            known = until_started.enter_context(_nameless("known-hosts", pinned))
            self._process = _started(_command(peer, deadlines, identity, known))
            # The program reads both while it logs in, and may do so until then.
            self._files = until_started.pop_all()
        three = self._process.stdin, self._process.stdout, self._process.stderr
        self._pipes = [pipe for pipe in three if pipe is not None]
        self._to, self._from, self._complaints = (pipe.fileno() for pipe in self._pipes)
        self._said = b""
        self._speaking = select.poll()
        for pipe in (self._from, self._complaints):
            self._speaking.register(pipe, select.POLLIN)
        for pipe in (self._to, self._from):
            with suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        shortest = min(deadlines.connect, deadlines.idle)
        self._watchdog = Watchdog(self._process.kill, shortest, clock, f"watchdog-{self._where}")
        # Connecting lasts until the server's first byte; what is sent before that waits in the pipe.
        self._watchdog.expect(deadlines.connect)

    def send(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        with self._mapped():
            while view:
                if self._is_connected:
                    self._watchdog.expect(self._deadlines.idle)
                view = view[os.write(self._to, view[:_PIECE]) :]
            if self._is_connected:
                self._watchdog.rest()

    def receive(self, limit: int) -> bytes:
        with self._mapped():
            if self._is_connected:
                self._watchdog.expect(self._deadlines.idle)
            self._until_answered()
            data = os.read(self._from, min(limit, _PIPE))
            if not data:
                raise EOFError
            self._watchdog.rest()
            if not self._is_connected:
                self._is_connected = True
                self._files.close()
        return data

    def is_open(self) -> bool:
        if self._process.poll() is not None:
            return False
        ended = select.poll()
        ended.register(self._from, 0)
        return not ended.poll(0)

    def close(self) -> None:
        self._watchdog.end()
        self._files.close()
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            pipe.close()

    def _until_answered(self) -> None:
        """Wait for the server's bytes; a server that complains all the while must not fill a pipe that nobody reads."""
        while True:
            ready = {pipe for pipe, _event in self._speaking.poll()}
            if self._complaints in ready and not self._hear():
                self._speaking.unregister(self._complaints)
            if self._from in ready:
                return

    def _hear(self) -> bool:
        """Read what the program complains about, and keep its beginning; False once there is no more."""
        said = os.read(self._complaints, _COMPLAINT_MAX)
        self._said += said[: _COMPLAINT_MAX - len(self._said)]
        return bool(said)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            raise self._as_fault(error) from error

    def _as_fault(self, error: Exception) -> GatewayError:
        is_late = self._watchdog.is_late
        try:
            self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if is_late:
            return fault("link-timeout", "the peer let a deadline pass without a byte")
        while len(self._said) < _COMPLAINT_MAX and self._hear():
            pass
        # Its words decide only while nobody has proven who the peer is; after that a line that ends has broken.
        code = "link-unreachable" if self._is_connected else verdict(self._said)
        if code == "host-key-mismatch":
            return fault(code, f"{self._where} shows a host key that is not pinned")
        return fault(code, f"ssh: {type(error).__name__}, status {self._process.returncode}")


def is_installed() -> bool:
    """Whether this machine has the program, and a /proc by which it can open memory of ours."""
    return shutil.which(_PROGRAM) is not None and Path("/proc/self/fd").is_dir()


def verdict(complaint: bytes) -> str:
    """Return the contract's code for what the program said before it gave up; its text goes nowhere else."""
    for line in complaint.splitlines():
        if line.startswith(_PEERS_WORDS):
            break
        for pattern, code in _FAILURES:
            if pattern.match(line):
                return code
    return "link-unreachable"


def _command(peer: SshPeer, deadlines: Deadlines, identity: str, known: str) -> list[str]:
    """Return the command line: everything that decides is said here, and nothing is looked up elsewhere."""
    options = {
        "AddKeysToAgent": "no",
        "BatchMode": "yes",
        "CheckHostIP": "no",
        "Ciphers": ",".join(CIPHERS),
        "ClearAllForwardings": "yes",
        "Compression": "no",
        "ConnectionAttempts": "1",
        "ConnectTimeout": str(max(int(deadlines.connect), 1)),
        "ControlMaster": "no",
        "ControlPath": "none",
        "EscapeChar": "none",
        "ForwardAgent": "no",
        "GlobalKnownHostsFile": "none",
        "HostKeyAlgorithms": ",".join(KEY_TYPES),
        "HostKeyAlias": _ALIAS,
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": identity,
        "KexAlgorithms": ",".join(_known_kex()),
        "LogLevel": "INFO",
        "MACs": ",".join(MACS),
        "PermitLocalCommand": "no",
        "PreferredAuthentications": "publickey",
        "ProxyCommand": "none",
        "PubkeyAcceptedAlgorithms": ",".join(KEY_TYPES),
        "RequestTTY": "no",
        "ServerAliveCountMax": str(_UNANSWERED),
        "ServerAliveInterval": str(max(int(deadlines.keepalive), 1)),
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "UserKnownHostsFile": known,
        "VerifyHostKeyDNS": "no",
    }
    said = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return [_PROGRAM, "-F", "none", *said, "-p", str(peer.port), "-l", peer.username, "-s", "--", peer.host, "sftp"]


def _known_kex() -> tuple[str, ...]:
    """Return those of KEX that the program knows: it refuses to start with a name that is newer than itself."""
    try:
        asked = [_PROGRAM, "-Q", "kex"]
        known = subprocess.run(asked, capture_output=True, timeout=_ENDS_WITHIN, check=True)  # noqa: S603 - no word from outside
    except (OSError, subprocess.SubprocessError) as error:
        raise fault("link-unreachable", f"ssh cannot be asked what it knows: {type(error).__name__}") from error
    offered = frozenset(known.stdout.decode("ascii", "replace").split())
    return tuple(name for name in KEX if name in offered)


def _started(command: list[str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603 - options of our own; host and account are checked by the settings
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            # An interrupt from the terminal is for us: we end what is under way in order.
            process_group=0,
        )
    except OSError as error:
        raise fault("link-unreachable", f"ssh cannot be started: {type(error).__name__}") from error


@contextmanager
def _nameless(name: str, content: bytes) -> Iterator[str]:
    """Give a path to `content` that leads only into this process's memory, and as long as the context lasts."""
    with os.fdopen(os.memfd_create(name, os.MFD_CLOEXEC), "wb") as file:
        # The program reads no identity that others might.
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        yield f"/proc/{os.getpid()}/fd/{file.fileno()}"
