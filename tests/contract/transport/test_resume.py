"""Large bundles go on where the line broke: counted in bytes, and never on trust in a size."""

import os
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.domain.ids import wire_name
from gateway.transport.agreement import FETCH_STEP, RESUME_FROM
from gateway.transport.paced import PacedTransport
from gateway.transport.sftp import SftpTransport
from gateway.transport.sftp_session import UNDER_WAY
from tests.contract.transport.conftest import Server
from tests.contract.transport.test_links import refused
from tests.support.wires import Relay

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
TEMP = f".{NAME}.part"
MIB = 1 << 20
SIZES = [
    pytest.param(128 * MIB),
    pytest.param(200 * MIB, marks=pytest.mark.soak),
    pytest.param(2 << 30, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
]
RESENT = 0.12
"""Of the size; what a cut at nine tenths may cost at most."""
SMALL = 3 * MIB
"""What logging in, and looking at samples, may cost at most."""
FRAMES = 500
"""Of so many bytes that come over the line, less than one belongs to no file: SSH packs 32 KiB into a frame."""
LOST = UNDER_WAY + SMALL
"""What a cut may cost an upload at most, whatever its size."""


def fill(path: Path, size: int) -> Path:
    """Write `size` bytes, no two blocks of them alike."""
    block = bytearray(os.urandom(MIB))
    with path.open("wb", buffering=0) as file:
        for number in range(size // MIB):
            block[:8] = number.to_bytes(8, "big")
            file.write(block)
    return path


def same(left: Path, right: Path) -> bool:
    with left.open("rb") as one, right.open("rb") as other:
        while block := one.read(4 * MIB):
            if other.read(len(block)) != block:
                return False
        return not other.read(1)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What nobody writes to."""
    return fill(tmp_path_factory.mktemp("filled") / "source", 48 * MIB)


@pytest.fixture(scope="module")
def content(source: Path) -> bytes:
    return source.read_bytes()


def put_part(server: Server, data: bytes) -> Path:
    path = server.theirs / TEMP
    path.write_bytes(data)
    return path


def deposited(server: Server, transport: SftpTransport, source: Path, line: Relay) -> int:
    """Deposit, expect exactly the source's bytes under the name and nothing else; return the bytes that were sent."""
    before = line.passed
    transport.deposit(source, NAME)
    assert [path.name for path in server.theirs.iterdir()] == [NAME]
    assert same(source, server.theirs / NAME)
    return line.passed - before


@pytest.mark.parametrize("size", SIZES)
def test_an_upload_cut_at_nine_tenths_sends_a_tenth_again(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, size: int
) -> None:
    source = fill(tmp_path / "source", size)
    line.limit = size * 9 // 10
    with refused("link-unreachable"):
        transport.deposit(source, NAME)
    line.limit = None
    seen: list[int] = []
    before = line.passed
    transport.deposit(source, NAME, seen.append)
    # What was under way when the line broke is lost, whatever the size: at 128 MiB that shows, at 2 GiB it does not.
    assert line.passed - before < size // 10 + LOST
    assert size // 10 + LOST < RESENT * size or size < 2 << 30
    assert same(source, server.theirs / NAME)
    assert [path.name for path in server.theirs.iterdir()] == [NAME]
    assert seen[0] > size * 9 // 10 - LOST
    assert seen[-1] == size


@pytest.mark.parametrize("size", SIZES)
def test_a_download_cut_at_nine_tenths_brings_a_tenth_again(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, size: int
) -> None:
    fill(server.waiting / NAME, size)
    into = tmp_path / "into"
    line.limit_down = size * 9 // 10
    with refused("link-unreachable"):
        transport.fetch(NAME, into, size)
    line.limit_down = None
    before, seen = line.came, list[int]()
    transport.fetch(NAME, into, size, seen.append)
    # What was asked for and not yet written is lost, and what is compared comes once more; both are bounded, whatever
    # the size. The line is cut by bytes of its own, of which frames take their part.
    bounded = size // 10 + size // FRAMES + UNDER_WAY + FETCH_STEP + SMALL
    assert line.came - before < bounded
    assert bounded < RESENT * size or size < 2 << 30
    assert same(into, server.waiting / NAME)
    assert seen[0] > size * 9 // 10 - size // FRAMES - UNDER_WAY - SMALL
    assert seen[-1] == size


def test_an_upload_is_cut_again_and_again(server: Server, transport: SftpTransport, line: Relay, source: Path) -> None:
    for _ in range(3):
        line.limit = line.passed + 14 * MIB
        with refused("link-unreachable"):
            transport.deposit(source, NAME)
    line.limit = None
    # Each cut may cost what was under way when it came, and no more.
    assert deposited(server, transport, source, line) < 48 * MIB - 3 * (14 * MIB - LOST)


def test_a_part_that_agrees_is_continued(server: Server, transport: SftpTransport, line: Relay, source: Path) -> None:
    data = source.read_bytes()
    put_part(server, data[: 40 * MIB + 12345])
    assert deposited(server, transport, source, line) < 8 * MIB + SMALL


def test_a_part_that_is_whole_is_only_renamed(
    server: Server, transport: SftpTransport, line: Relay, source: Path
) -> None:
    put_part(server, source.read_bytes())
    assert deposited(server, transport, source, line) < MIB


def test_a_part_with_a_hole_near_its_end_is_continued_before_the_hole(
    server: Server, transport: SftpTransport, line: Relay, source: Path
) -> None:
    data = bytearray(source.read_bytes())
    data[30 * MIB : 31 * MIB] = bytes(MIB)
    put_part(server, data[: 40 * MIB])
    assert 18 * MIB <= deposited(server, transport, source, line) < 20 * MIB


def test_one_flipped_bit_near_the_end_is_found(
    server: Server, transport: SftpTransport, line: Relay, source: Path
) -> None:
    data = bytearray(source.read_bytes())
    data[20 * MIB + 777] ^= 1
    put_part(server, data[: 40 * MIB])
    assert 28 * MIB <= deposited(server, transport, source, line) < 30 * MIB


def test_another_files_part_is_begun_anew(
    server: Server, transport: SftpTransport, line: Relay, source: Path, tmp_path: Path
) -> None:
    put_part(server, fill(tmp_path / "other", 40 * MIB).read_bytes())
    assert deposited(server, transport, source, line) >= 48 * MIB


def test_a_part_whose_end_alone_is_ours_is_begun_anew(
    server: Server, transport: SftpTransport, line: Relay, source: Path, tmp_path: Path
) -> None:
    other = fill(tmp_path / "other", 8 * MIB).read_bytes()
    put_part(server, other + source.read_bytes()[8 * MIB : 44 * MIB])
    assert deposited(server, transport, source, line) >= 48 * MIB


def test_a_part_longer_than_the_file_is_begun_anew(
    server: Server, transport: SftpTransport, line: Relay, source: Path
) -> None:
    put_part(server, source.read_bytes() + b"more")
    assert deposited(server, transport, source, line) >= 48 * MIB


@pytest.mark.parametrize("size", [0, 1, RESUME_FROM - 1])
def test_a_small_part_is_begun_anew(
    server: Server, transport: SftpTransport, line: Relay, source: Path, size: int
) -> None:
    put_part(server, source.read_bytes()[:size])
    assert deposited(server, transport, source, line) >= 48 * MIB


def test_being_told_to_stop_keeps_what_was_sent(
    server: Server, transport: SftpTransport, line: Relay, source: Path
) -> None:
    class StopError(GatewayError):
        """As a node raises it that is being stopped."""

    def stop(done: int) -> None:
        if done > 36 * MIB:
            raise StopError("stopping", "the node is being stopped")

    with pytest.raises(StopError):
        transport.deposit(source, NAME, stop)
    assert deposited(server, transport, source, line) < 14 * MIB


def test_what_stops_when_the_hours_end_goes_on_in_the_next(
    server: Server, transport: SftpTransport, line: Relay, source: Path
) -> None:
    opens_in = [0.0]
    paced = PacedTransport(transport, lambda: opens_in[0], None)

    def closing(done: int) -> None:
        opens_in[0] = 3600.0 if done > 36 * MIB else 0.0

    with pytest.raises(GatewayError, match="opens in 3600 s"):
        paced.deposit(source, NAME, closing)
    assert deposited(server, transport, source, line) < 14 * MIB


def fetched(server: Server, transport: SftpTransport, into: Path, line: Relay) -> tuple[int, int]:
    """Fetch and expect the very bytes; return what came over the line and where writing began."""
    before, seen = line.came, list[int]()
    transport.fetch(NAME, into, (server.waiting / NAME).stat().st_size, seen.append)
    assert same(into, server.waiting / NAME)
    return line.came - before, seen[0]


@pytest.fixture
def waiting(server: Server, content: bytes) -> bytes:
    (server.waiting / NAME).write_bytes(content)
    return content


def test_a_local_part_that_agrees_is_continued(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, waiting: bytes
) -> None:
    into = tmp_path / "into"
    into.write_bytes(waiting[: 40 * MIB + 999])
    came, began = fetched(server, transport, into, line)
    assert began == 40 * MIB + 999
    assert came < 8 * MIB + FETCH_STEP + SMALL


@pytest.mark.parametrize("length", [48 * MIB, 48 * MIB - 1])
def test_a_local_part_that_is_whole_or_nearly_so(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, waiting: bytes, length: int
) -> None:
    into = tmp_path / "into"
    into.write_bytes(waiting[:length])
    assert fetched(server, transport, into, line)[1] == length


def test_a_local_part_with_a_hole_is_continued_before_the_hole(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, waiting: bytes
) -> None:
    into = tmp_path / "into"
    into.write_bytes(waiting[: 34 * MIB])
    os.truncate(into, 34 * MIB + FETCH_STEP - 1)
    assert 33 * MIB < fetched(server, transport, into, line)[1] <= 34 * MIB


def test_a_local_part_with_a_hole_that_no_fetch_can_have_left_is_begun_anew(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, waiting: bytes
) -> None:
    into = tmp_path / "into"
    into.write_bytes(waiting[: 20 * MIB])
    os.truncate(into, 40 * MIB)
    assert fetched(server, transport, into, line)[1] < MIB


def test_a_fetch_is_never_further_ahead_of_its_disk_than_is_compared(
    server: Server, transport: SftpTransport, tmp_path: Path, waiting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, ahead = [0], list[int]()
    sync = os.fdatasync

    def noted(descriptor: int) -> None:
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", noted)
    transport.fetch(NAME, tmp_path / "into", len(waiting), lambda done: ahead.append(done - synced[-1]))
    assert len(synced) > len(waiting) // FETCH_STEP - 1
    assert max(ahead) <= FETCH_STEP


def test_a_local_part_of_other_bytes_is_begun_anew(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, waiting: bytes
) -> None:
    into = fill(tmp_path / "into", 40 * MIB)
    came, began = fetched(server, transport, into, line)
    assert came >= 48 * MIB
    assert began < MIB


def test_a_local_part_longer_than_the_file_is_begun_anew(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, waiting: bytes
) -> None:
    into = tmp_path / "into"
    into.write_bytes(waiting + b"more")
    assert fetched(server, transport, into, line)[1] < MIB


def test_bytes_with_a_second_name_are_not_written_to(
    server: Server, transport: SftpTransport, line: Relay, tmp_path: Path, waiting: bytes
) -> None:
    kept, into = tmp_path / "kept", tmp_path / "into"
    kept.write_bytes(waiting[: 20 * MIB])
    into.hardlink_to(kept)
    assert fetched(server, transport, into, line)[1] < MIB
    assert kept.stat().st_size == 20 * MIB
