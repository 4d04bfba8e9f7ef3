"""Parts of a file at a gap device: which names they bear, and that nothing but the whole file ever comes out."""

import errno
import random
import re
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.domain.ids import WireName, wire_name
from gateway.transport.gap import LOOK_AGAIN_SECONDS, GapTransport
from gateway.transport.parts import HEADER, Header, Letters, Shape, Whole, parse_header, part_names
from tests.support.crashing import dies_at, fails_at
from tests.support.forging import flipped
from tests.support.ledger import ToldClock

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
CAP = 4096
SHAPE = Shape(max_file=CAP)
SIZE = 5 * (CAP - HEADER) + 17


class Gap:
    """Two ends of a boundary; the test is the device."""

    def __init__(self, root: Path, shape: Shape = SHAPE) -> None:
        self.root = root
        self.clock = ToldClock()
        self.out, self.into = root / "out", root / "in"
        for folder in (self.out, self.into):
            folder.mkdir(parents=True)
        self.source = root / "source"
        self.source.write_bytes(random.Random(1).randbytes(SIZE))
        self.shape = shape
        self.restart()

    def restart(self, shape: Shape | None = None) -> None:
        """Be two processes that know nothing but what is on the disk."""
        self.sender = GapTransport(
            self.out, None, notes=self.root / "n1", clock=self.clock, shape=shape or self.shape, leftover=3600
        )
        self.receiver = GapTransport(None, self.into, notes=self.root / "n2", clock=self.clock, leftover=3600)

    def carry(self) -> None:
        for path in self.out.iterdir():
            path.rename(self.into / path.name)

    def files(self) -> list[Path]:
        return sorted(self.into.iterdir())

    def fetched(self) -> bytes:
        self.receiver.fetch(NAME, self.root / "got", SIZE)
        return (self.root / "got").read_bytes()

    def listed(self) -> list[tuple[str, int]]:
        return [(entry.name, entry.size) for entry in self.receiver.listing()]


@pytest.fixture
def gap(tmp_path: Path) -> Gap:
    return Gap(tmp_path)


def crossed(gap: Gap) -> list[Path]:
    gap.sender.deposit(gap.source, NAME)
    gap.carry()
    return gap.files()


def test_a_file_crosses_in_parts_of_the_largest_size(gap: Gap) -> None:
    parts = crossed(gap)
    assert len(parts) == 6
    assert max(path.stat().st_size for path in parts) == CAP
    assert gap.listed() == [(NAME, SIZE)]
    assert gap.fetched() == gap.source.read_bytes()
    gap.receiver.remove([NAME])
    assert gap.files() == []


@pytest.mark.parametrize("lost", range(6))
def test_a_set_that_lacks_a_part_is_not_there(gap: Gap, lost: int) -> None:
    crossed(gap)[lost].unlink()
    assert gap.listed() == []
    with pytest.raises(GatewayError, match="nothing of that name"):
        gap.fetched()


def test_parts_may_bear_any_names_and_come_twice(gap: Gap) -> None:
    for number, path in enumerate(crossed(gap)):
        (gap.into / f"COPY{number}.XYZ").write_bytes(path.read_bytes())
        path.rename(gap.into / f"Ünïcode {number} (1).TMP")
    assert gap.listed() == [(NAME, SIZE)]
    assert gap.fetched() == gap.source.read_bytes()
    gap.receiver.remove([NAME])
    assert gap.files() == []


def test_every_byte_of_a_part_is_proven(gap: Gap) -> None:
    crossed(gap)
    part = gap.files()[2]
    sound = part.read_bytes()
    for at in (0, 8, 13, 20, 28, 40, 72, 74, 110, 255, HEADER, len(sound) // 2, len(sound) - 1):
        part.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        gap.restart()
        with pytest.raises(GatewayError):
            gap.fetched()
        (gap.root / "got").unlink(missing_ok=True)  # what agrees with a digest there would do
        part.write_bytes(sound)
    gap.restart()
    assert gap.fetched() == gap.source.read_bytes()


@pytest.mark.parametrize("length", [0, 5, HEADER - 1, HEADER, HEADER + 1, CAP - 1, CAP + 1])
def test_a_part_of_another_length_is_no_part(gap: Gap, length: int) -> None:
    crossed(gap)
    part = gap.files()[0]
    part.write_bytes(part.read_bytes().ljust(length, b"\0")[:length])
    assert NAME not in [name for name, _size in gap.listed()]


def test_a_damaged_part_is_taken_from_its_repetition(gap: Gap) -> None:
    crossed(gap)
    part = gap.files()[3]
    (gap.into / "AAAA.DAT").write_bytes(flipped(part.read_bytes(), -1))
    part.rename(gap.into / "ZZZZ.DAT")
    assert gap.fetched() == gap.source.read_bytes()


def test_a_damaged_part_is_read_again_later_then_removed_and_replaced(gap: Gap) -> None:
    crossed(gap)
    part = gap.files()[3]
    sound = part.read_bytes()
    with part.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    with pytest.raises(GatewayError, match="part 4 is damaged"):
        gap.fetched()
    assert gap.listed() == []
    gap.clock.time += LOOK_AGAIN_SECONDS
    assert gap.listed() == [(NAME, SIZE)]
    with pytest.raises(GatewayError, match="part 4 is damaged"):
        gap.fetched()
    assert len(gap.files()) == 5
    part.write_bytes(sound)
    assert gap.fetched() == gap.source.read_bytes()


def test_a_damaged_part_that_was_away_and_comes_again_has_its_time_again(gap: Gap) -> None:
    """It may be another one in the same place of the disk, as long as all of them are, and still be growing."""
    crossed(gap)
    part = gap.files()[3]
    with part.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    with pytest.raises(GatewayError, match="part 4 is damaged"):
        gap.fetched()
    part.rename(gap.root / "away")
    assert gap.listed() == []
    (gap.root / "away").rename(part)
    gap.clock.time += LOOK_AGAIN_SECONDS
    with pytest.raises(GatewayError, match="part 4 is damaged"):
        gap.fetched()
    assert len(gap.files()) == 6


def test_parts_of_two_files_never_mix(gap: Gap) -> None:
    """Two senders, or two shapes, make sets of their own of one name."""
    crossed(gap)
    gap.files()[0].unlink()
    gap.restart(Shape(max_file=2048))
    gap.sender.deposit(gap.source, NAME)
    last = max(gap.out.iterdir(), key=lambda path: path.name)
    last.rename(gap.into / last.name)
    assert gap.listed() == []
    gap.carry()
    assert gap.listed() == [(NAME, SIZE)]
    assert gap.fetched() == gap.source.read_bytes()
    gap.receiver.remove([NAME])
    assert gap.files() == []


def test_what_lies_there_whole_in_another_shape_is_not_sent_again(gap: Gap) -> None:
    gap.sender.deposit(gap.source, NAME)
    before = {path.name: path.stat() for path in gap.out.iterdir()}
    gap.restart(Shape(max_file=2048))
    gap.sender.deposit(gap.source, NAME)
    assert {path.name: path.stat() for path in gap.out.iterdir()} == before


def test_what_an_attempt_in_another_shape_left_is_removed(gap: Gap) -> None:
    gap.sender.deposit(gap.source, NAME)
    next(iter(gap.out.iterdir())).unlink()
    gap.restart(Shape(max_file=2048))
    gap.sender.deposit(gap.source, NAME)
    assert {path.stat().st_size for path in gap.out.iterdir()} <= {2048, *range(HEADER, 2048)}
    gap.carry()
    assert gap.fetched() == gap.source.read_bytes()


def test_a_set_that_is_never_whole_is_removed_after_a_time(gap: Gap) -> None:
    crossed(gap)[0].unlink()
    (gap.into / "foreign.dat").write_bytes(b"not ours" * 100)
    assert gap.listed() == [("foreign.dat", 800)]
    gap.clock.time += 3500
    gap.restart()  # it counts on over a restart
    gap.receiver.listing()
    assert len(gap.files()) == 6
    gap.clock.time += 200
    gap.receiver.listing()
    assert [path.name for path in gap.files()] == ["foreign.dat"]
    assert list((gap.root / "n2").iterdir()) == []


def test_a_set_that_still_grows_is_left(gap: Gap) -> None:
    parts = crossed(gap)
    aside = [path.rename(gap.root / path.name) for path in parts[2:]]
    for path in aside:
        gap.receiver.listing()
        gap.clock.time += 3000
        path.rename(gap.into / path.name)
    assert gap.listed() == [(NAME, SIZE)]


def test_a_full_folder_is_waited_for_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    gap = Gap(tmp_path, Shape(max_file=CAP, max_files=2))
    for turn in range(2):
        with pytest.raises(GatewayError, match="2 files wait"):
            gap.sender.deposit(gap.source, NAME)
        assert len(list(gap.out.iterdir())) == 2
        with pytest.raises(GatewayError, match="2 files wait"):
            gap.sender.deposit(gap.source, NAME)
        gap.carry()
        gap.restart()
        assert len(gap.files()) == 2 * turn + 2
    gap.sender.deposit(gap.source, NAME)
    assert len(list(gap.out.iterdir())) == 2
    gap.carry()
    assert gap.fetched() == gap.source.read_bytes()
    # A deposit that was finished is made whole again when it is asked for: the other side may have lost it.
    with pytest.raises(GatewayError, match="2 files wait"):
        gap.sender.deposit(gap.source, NAME)


@pytest.mark.parametrize("carries", [False, True], ids=["the device waits", "the device carries at once"])
def test_a_sender_that_dies_at_any_step_sends_the_whole(tmp_path: Path, carries: bool) -> None:
    at = 0
    died = True
    while died:
        gap = Gap(tmp_path / str(at))
        died = dies_at(at, partial(gap.sender.deposit, gap.source, NAME))
        if carries:
            gap.carry()
        gap.restart()
        gap.sender.deposit(gap.source, NAME)
        gap.carry()
        assert gap.listed() == [(NAME, SIZE)]
        assert gap.fetched() == gap.source.read_bytes()
        assert [path.name for path in (gap.root / "n1").iterdir() if not path.name.startswith(".")] == []
        at += 1
    assert at > 30


def test_a_receiver_that_dies_at_any_step_has_the_whole_or_nothing(tmp_path: Path) -> None:
    at = 0
    died = True
    while died:
        gap = Gap(tmp_path / str(at))
        crossed(gap)

        def collect(gap: Gap = gap) -> None:
            gap.fetched()
            gap.receiver.remove([NAME])

        died = dies_at(at, collect)
        gap.restart()
        if gap.listed():
            assert gap.fetched() == gap.source.read_bytes()
            gap.receiver.remove([NAME])
        else:
            # It died while it took the parts away, which it does only with the file in hand.
            assert (gap.root / "got").read_bytes() == gap.source.read_bytes()
        gap.clock.time += 4000
        gap.receiver.listing()
        gap.clock.time += 4000
        gap.receiver.listing()
        assert gap.files() == []
        at += 1
    assert at > 6


def test_an_error_at_any_step_leaves_what_can_be_done_again(tmp_path: Path) -> None:
    at = 0
    failed = True
    while failed:
        gap = Gap(tmp_path / str(at))
        with suppress(GatewayError):
            failed = fails_at(at, OSError(errno.EIO, "broken"), partial(gap.sender.deposit, gap.source, NAME))
        gap.sender.deposit(gap.source, NAME)
        gap.carry()
        assert gap.fetched() == gap.source.read_bytes()
        at += 1
    assert at > 30


def test_what_a_broken_fetch_brought_is_not_read_again(gap: Gap) -> None:
    crossed(gap)
    (gap.root / "got").write_bytes(gap.source.read_bytes()[: 3 * (CAP - HEADER) + 5] + b"??")
    seen: list[int] = []
    gap.receiver.fetch(NAME, gap.root / "got", SIZE, seen.append)
    assert (gap.root / "got").read_bytes() == gap.source.read_bytes()
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        (Shape(ending=".dat"), r"[0-9a-z]{61}\.dat"),
        (Shape(ending=".DAT", letters=Letters.UPPER), r"[0-9A-Z]{61}\.DAT"),
        (Shape(ending=".zip", longest=12), r"[0-9a-z]{8}\.zip"),
        (Shape(ending=".t", letters=Letters.DIGITS, longest=40), r"[0-9]{26}\.t"),
        (Shape(ending=".txt", letters=Letters.DIGITS, longest=12), r"[0-9]{8}\.txt"),
    ],
)
def test_names_are_what_the_device_lets_through(shape: Shape, pattern: str) -> None:
    for name in (NAME, wire_name("some-other.name")):
        names = part_names(shape, Whole(name, SIZE, 1000), 3)
        assert len(set(names)) > 60
        assert all(len(one) <= shape.longest for one in names)
        loose = pattern.replace("{61}", "{26,61}")
        assert all(re.fullmatch(loose, one, re.ASCII) for one in names), names
    assert re.fullmatch(pattern, part_names(shape, Whole(NAME, SIZE, 1000), 3)[0], re.ASCII)


def test_two_parts_whose_names_meet_lie_side_by_side(tmp_path: Path) -> None:
    gap = Gap(tmp_path, Shape(max_file=CAP, letters=Letters.DIGITS, longest=12))
    taken = part_names(gap.shape, Whole(NAME, SIZE, gap.shape.stride(SIZE)), 0)[0]
    (gap.out / taken).write_bytes(b"somebody else's")
    gap.sender.deposit(gap.source, NAME)
    (gap.out / taken).unlink()
    gap.carry()
    assert gap.fetched() == gap.source.read_bytes()


def test_a_header_is_read_as_it_was_written_and_in_no_other_form() -> None:
    random_ = random.Random(7)
    for _round in range(200):
        total = random_.choice([0, 1, 1000, 1 << 40])
        whole = Whole(
            WireName(f"{random_.getrandbits(128):032x}.cfb"), total, random_.randint(max(total >> 20, 1), 1 << 40)
        )
        header = Header(whole, random_.randrange(whole.count), random_.randbytes(32))
        raw = header.pack()
        assert parse_header(raw) == header
        assert parse_header(raw[:-1]) is None
        assert parse_header(raw + b"\0") is None
        at = random_.randrange(HEADER)
        other = parse_header(raw[:at] + bytes([raw[at] ^ (1 << random_.randrange(8))]) + raw[at + 1 :])
        assert other is None or (other != header and other.whole.count > other.index)
