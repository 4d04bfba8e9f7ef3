"""The virus scanner clamd over its socket: one connection a question, constant memory, a deadline for every silence.

The protocol: clamd(8), commands PING, VERSION and INSTREAM in their `z` form (a NUL ends command and answer).
"""

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from gateway.domain.errors import TransientError

CHUNK: Final = 256 << 10
"""Bytes of one piece on the wire; clamd takes any size up to its StreamMaxLength, the least of which is 64 KiB."""
ANSWER_MAX: Final = 4096
"""Bytes; an answer is one line."""
SIGNATURE_MAX: Final = 100
"""Characters of a signature's name that are kept."""

_FOUND: Final = " FOUND"
_TOO_LARGE: Final = "size limit exceeded"


@dataclass(frozen=True, slots=True)
class ScannerAt:
    """Where a clamd listens: `path` of its unix socket, or address and port. timeout in seconds, largest in bytes."""

    path: Path | None
    address: str
    port: int
    timeout: float
    largest: int

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the scanner said of one stream. signature: the name of what it found, empty for nothing."""

    signature: str = ""
    is_too_large: bool = False


class Clamd:
    """Asks one clamd; safe for several threads and processes at once. Every question may be repeated."""

    def __init__(self, at: ScannerAt) -> None:
        self._at = at

    def ping(self) -> None:
        """Raise TransientError `scanner-down` unless the scanner answers."""
        answer = self._ask(b"zPING\0")
        if answer != "PONG":
            raise _down("it answers a ping with something else")

    def version(self) -> str:
        """Return what the scanner says of itself: program, number and day of its signatures."""
        return self._ask(b"zVERSION\0")[:SIGNATURE_MAX]

    def scan(self, stream: IO[bytes], progress: Callable[[int], None]) -> Scanned:
        """Return what the scanner says of the bytes of `stream`, which is read once.

        progress: told 0 for every piece read. Raises TransientError `scanner-down` where it does not answer in time,
        breaks off, or says what is no answer; OSError of `stream`.
        """
        with self._connected() as line:
            sent = self._send(line, stream, progress)
            if sent is None:
                return Scanned(is_too_large=True)
            return _read(self._answer(line))

    def _send(self, line: socket.socket, stream: IO[bytes], progress: Callable[[int], None]) -> int | None:
        """Send the stream; None once it has more bytes than the scanner takes. A scanner that has seen enough closes
        its side early: what it said is read then."""
        sent = 0
        if not _put(line, b"zINSTREAM\0"):
            return sent
        while piece := stream.read(CHUNK):
            progress(0)
            sent += len(piece)
            if sent > self._at.largest:
                return None
            if not _put(line, struct.pack("!L", len(piece)) + piece):
                return sent
        _put(line, struct.pack("!L", 0))
        return sent

    def _ask(self, command: bytes) -> str:
        with self._connected() as line:
            _put(line, command)
            return self._answer(line)

    def _answer(self, line: socket.socket) -> str:
        found = b""
        try:
            while b"\0" not in found and len(found) < ANSWER_MAX and (piece := line.recv(ANSWER_MAX)):
                found += piece
        except OSError as error:
            raise _down(error.strerror or type(error).__name__) from error
        text, end, _rest = found.partition(b"\0")
        if not end:
            raise _down("it broke off before it had answered")
        return text.decode("utf-8", "replace").strip()

    def _connected(self) -> socket.socket:
        at = self._at
        family = socket.AF_UNIX if at.path is not None else socket.AF_INET6 if ":" in at.address else socket.AF_INET
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(at.timeout)
            line.connect(str(at.path) if at.path is not None else (at.address, at.port))
        except OSError as error:
            line.close()
            raise _down(error.strerror or type(error).__name__) from error
        return line


def _put(line: socket.socket, data: bytes) -> bool:
    """Send `data`; False where the scanner has closed its side: what it said before is still to be read."""
    try:
        line.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    except OSError as error:
        raise _down(error.strerror or type(error).__name__) from error
    return True


def _read(answer: str) -> Scanned:
    if answer == "stream: OK":
        return Scanned()
    if answer.startswith("stream: ") and answer.endswith(_FOUND):
        name = answer.removeprefix("stream: ").removesuffix(_FOUND)
        return Scanned("".join(char if char.isprintable() else "?" for char in name)[:SIGNATURE_MAX] or "?")
    if _TOO_LARGE in answer:
        return Scanned(is_too_large=True)
    raise _down("what it says is no answer")


def _down(why: str) -> TransientError:
    return TransientError("scanner-down", f"the virus scanner: {why}")
