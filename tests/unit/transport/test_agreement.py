"""What of a broken transfer's part may be continued, over parts made to mislead."""

import os
from collections.abc import Iterator, Sequence

import pytest

from gateway.transport.agreement import RESUME_FROM, agreed

MIB = 1 << 20
DATA = b"".join(number.to_bytes(4, "big") + os.urandom(1020) for number in range(6 * 1024))
PIECE = 64 << 10


def reading(data: bytes | bytearray) -> "tuple[list[range], object]":
    asked: list[range] = []

    def ranges(wanted: Sequence[range]) -> Iterator[tuple[int, bytes]]:
        asked.extend(wanted)
        for one in wanted:
            for offset in range(one.start, one.stop, PIECE):
                if not (block := bytes(data[offset : min(offset + PIECE, one.stop)])):
                    return
                yield offset, block

    return asked, ranges


def boundary(part: bytes | bytearray, *, held: int | None = None, size: int = len(DATA), unproven: int = MIB) -> int:
    _, ranges = reading(part)
    return agreed(
        len(part) if held is None else held,
        size,
        lambda offset, length: DATA[offset : offset + length],
        ranges,  # type: ignore[arg-type]  # a reader of ranges
        unproven=unproven,
    )


@pytest.mark.parametrize("held", [RESUME_FROM, RESUME_FROM + 1, 3 * MIB + 7, len(DATA)])
@pytest.mark.parametrize("unproven", [1, MIB, 100 * MIB])
def test_a_prefix_agrees_to_its_end(held: int, unproven: int) -> None:
    assert boundary(DATA[:held], unproven=unproven) == held


@pytest.mark.parametrize("held", [0, 1, RESUME_FROM - 1, len(DATA) + 1])
def test_too_small_and_too_long_parts_are_begun_anew(held: int) -> None:
    assert boundary((DATA + b"x")[:held]) == 0


@pytest.mark.parametrize("at", [4 * MIB, 4 * MIB + 1, 5 * MIB - 1])
def test_a_difference_at_the_end_is_where_to_go_on_before(at: int) -> None:
    part = bytearray(DATA[: 5 * MIB])
    part[at] ^= 1
    found = boundary(part)
    assert at - PIECE < found <= at
    assert DATA[:found] == part[:found]


@pytest.mark.parametrize("at", [0, 1, 2 * MIB, 4 * MIB - 65536])
def test_a_difference_before_the_end_trusts_nothing(at: int) -> None:
    part = bytearray(DATA[: 5 * MIB])
    part[at : at + 32768] = bytes(32768)
    assert boundary(part) == 0


@pytest.mark.parametrize(("there", "expected"), [(5 * MIB - 10, 5 * MIB - 10), (4 * MIB, 0), (4 * MIB - 1, 0)])
def test_a_part_shorter_than_its_size_says(there: int, expected: int) -> None:
    assert boundary(DATA[:there], held=5 * MIB) == expected


def test_little_is_read_of_what_is_proven() -> None:
    big = 1 << 40
    asked: list[range] = []

    def ranges(wanted: Sequence[range]) -> list[tuple[int, bytes]]:
        asked.extend(wanted)
        return [(one.start, bytes(len(one))) for one in wanted]

    assert agreed(big, big, lambda _offset, length: bytes(length), ranges) == big
    assert sum(map(len, asked)) < 40 * MIB
    assert asked[0].start == 0
    assert asked[-1].stop == big
    assert len(asked) <= 65
