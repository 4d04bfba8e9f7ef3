"""The scanner is asked over its socket in constant memory, and whatever it does instead of answering is named."""

import io
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.bundle.streams import silent
from gateway.domain.errors import TransientError
from gateway.scanning.clamd import Clamd, Scanned, ScannerAt
from tests.support.clamd import HARMLESS, LIMIT, NOT_INSTALLED, SIGNATURE, at, clamd, odd_scanner
from tests.support.sftpservers import program


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if program("clamd") is None:
        pytest.skip(NOT_INSTALLED)
    with clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", content)
    return out.getvalue()


def test_a_real_clamd_answers_and_finds(place: Path) -> None:
    scanner = Clamd(at(place))
    scanner.ping()
    assert scanner.version().startswith("ClamAV ")
    assert scanner.scan(io.BytesIO(b"a case"), silent) == Scanned()
    assert scanner.scan(io.BytesIO(b""), silent) == Scanned()
    assert scanner.scan(io.BytesIO(b"x" * 300_000 + HARMLESS), silent) == Scanned(SIGNATURE)
    assert scanner.scan(io.BytesIO(zipped(HARMLESS)), silent) == Scanned(SIGNATURE)


def test_what_is_larger_than_we_hand_over_is_said(place: Path) -> None:
    assert Clamd(at(place)).scan(io.BytesIO(bytes(LIMIT + 1)), silent) == Scanned(is_too_large=True)


def test_what_is_larger_than_the_scanner_itself_takes_is_said(place: Path) -> None:
    generous = Clamd(at(place, largest=64 << 20))
    assert generous.scan(io.BytesIO(bytes(8 << 20)), silent) == Scanned(is_too_large=True)


def test_many_are_scanned_at_once(place: Path) -> None:
    scanner = Clamd(at(place))
    streams = [HARMLESS if n % 3 == 0 else b"clean" for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda content: scanner.scan(io.BytesIO(content), silent).signature, streams))
    assert said == [SIGNATURE if n % 3 == 0 else "" for n in range(24)]


def test_progress_is_told_of_every_piece(place: Path) -> None:
    told: list[int] = []
    Clamd(at(place)).scan(io.BytesIO(bytes(LIMIT)), told.append)
    assert told == [0] * 4


def answers(text: bytes) -> Callable[[socket.socket], None]:
    def behave(line: socket.socket) -> None:
        received = b""
        while not received.endswith(bytes(4)):
            received += line.recv(1 << 16)
        line.sendall(text)
        line.close()

    return behave


def breaks_off(line: socket.socket) -> None:
    line.recv(100)
    line.close()


@pytest.mark.parametrize(
    "behave",
    [
        breaks_off,
        answers(b""),
        answers(b"stream: OK"),
        answers(b"stream: maybe\0"),
        answers(b"\xff\xfe\0"),
        answers(b"x" * 10_000),
    ],
    ids=["dies", "says-nothing", "half-an-answer", "nonsense", "bytes", "endless"],
)
def test_a_scanner_that_does_not_answer_is_down(tmp_path: Path, behave: Callable[[socket.socket], None]) -> None:
    with odd_scanner(tmp_path, behave) as place, pytest.raises(TransientError, match="scanner-down"):
        Clamd(at(place)).scan(io.BytesIO(bytes(1000)), silent)


def test_a_scanner_that_hangs_is_down_after_its_time(tmp_path: Path) -> None:
    over = threading.Event()

    def hang(_line: socket.socket) -> None:
        over.wait(30)

    with odd_scanner(tmp_path, hang) as place:
        try:
            with pytest.raises(TransientError, match="TimeoutError"):
                Clamd(at(place, timeout=0.05)).scan(io.BytesIO(bytes(4 << 20)), silent)
        finally:
            over.set()


def test_one_that_refuses_early_is_read_to_its_word(tmp_path: Path) -> None:
    def refuse(line: socket.socket) -> None:
        line.recv(10)
        line.sendall(b"INSTREAM size limit exceeded. ERROR\0")
        line.close()

    with odd_scanner(tmp_path, refuse) as place:
        said = Clamd(at(place, largest=64 << 20)).scan(io.BytesIO(bytes(32 << 20)), silent)
    assert said == Scanned(is_too_large=True)


def test_a_name_of_a_signature_is_kept_short_and_printable(tmp_path: Path) -> None:
    with odd_scanner(tmp_path, answers(b"stream: a\nb" + b"c" * 200 + b" FOUND\0")) as place:
        said = Clamd(at(place)).scan(io.BytesIO(b"x"), silent)
    assert said.signature == "a?b" + "c" * 97


def test_nobody_there_is_down(tmp_path: Path) -> None:
    for where in (at(tmp_path / "none"), ScannerAt(None, "127.0.0.1", 1, 1.0, LIMIT)):
        with pytest.raises(TransientError, match="scanner-down"):
            Clamd(where).ping()


def test_trouble_of_our_own_disk_is_not_the_scanners(place: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, _size: int = -1) -> bytes:
            raise OSError(5, "input/output error")

    with pytest.raises(OSError, match="input/output"):
        Clamd(at(place)).scan(Broken(), silent)  # type: ignore[arg-type]  # it reads and nothing more is asked of it
