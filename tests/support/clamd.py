"""A real clamd on a socket of its own, which knows one harmless signature; and scanners that misbehave."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.domain.errors import TransientError
from gateway.scanning.clamd import Clamd, ScannerAt
from tests.support.sftpservers import program

HARMLESS = b"CASEFERRY-HARMLESS-TEST-SIGNATURE"
"""What our own signature finds; it does nothing."""
SIGNATURE = "CaseFerry.Test.Signature.UNOFFICIAL"
"""Under which clamd reports it: what is in no signed database is unofficial."""
LIMIT = 1 << 20
"""Bytes of a stream that this clamd takes."""
NOT_INSTALLED = "clamd is not installed (Debian: clamav-daemon)"
_START_SECONDS = 60.0


@contextmanager
def clamd(root: Path) -> Iterator[Path]:
    """Run a clamd below `root`; yield its socket."""
    found = program("clamd")
    assert found is not None
    database, place = root / "db", root / "clamd.sock"
    database.mkdir()
    (database / "test.ndb").write_text(f"CaseFerry.Test.Signature:0:*:{HARMLESS.hex()}\n", "ascii")
    settings = root / "clamd.conf"
    settings.write_text(
        f"LocalSocket {place}\nDatabaseDirectory {database}\nForeground yes\nStreamMaxLength {LIMIT}\nMaxThreads 4\n"
        f"SelfCheck 0\n",
        "ascii",
    )
    with (root / "clamd.out").open("wb") as out:
        process = subprocess.Popen([found, "-c", str(settings)], stdout=out, stderr=out)
    try:
        until = time.monotonic() + _START_SECONDS
        while not _answers(place):
            assert process.poll() is None, (root / "clamd.out").read_text("utf-8", "replace")
            assert time.monotonic() < until, "clamd did not start"
            time.sleep(0.02)
        yield place
    finally:
        process.terminate()
        process.wait(10)


def at(place: Path, *, timeout: float = 30.0, largest: int = LIMIT) -> ScannerAt:
    """Return where the scanner at this socket is."""
    return ScannerAt(place, "127.0.0.1", 0, timeout, largest)


def _answers(place: Path) -> bool:
    try:
        Clamd(at(place)).ping()
    except TransientError:
        return False
    return True


@contextmanager
def odd_scanner(root: Path, behave: Callable[[socket.socket], None]) -> Iterator[Path]:
    """Run a server on a socket below `root` that does with each connection what `behave` does; yield the socket."""
    place = root / "odd.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(place))
        listening.listen()
        lines: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                lines.append(line)
                behave(line)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield place
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for line in lines:
                line.close()
