"""Convoys: many small bundles in one file, taken apart exactly as they were put together."""

import pytest

from gateway.bundle.convoy import COUNT_MAX, FILE_MAX, MAGIC, convoy_size, join_bundles, split_bundles
from gateway.bundle.names import Kind, paper_name, parse
from gateway.domain.ids import bundle_id

A, B, C = (bundle_id(digit * 32) for digit in "abc")
THREE = [(A, b"one"), (C, b"three"), (B, b"two two")]
EXAMPLE = bytes.fromhex(
    "89434643 0d0a1a0a 01 0002"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 00000003"
    "cccccccccccccccccccccccccccccccc 00000005"
    "6f6e65 7468726565"
)
"""The example of docs/bundle-format.md, section 11."""


def plain(bundles):
    return [(one, bytes(body)) for one, body in bundles]


def test_the_example_of_the_page():
    assert join_bundles(THREE[:2]) == EXAMPLE
    assert plain(split_bundles(EXAMPLE)) == THREE[:2]
    assert paper_name(EXAMPLE, Kind.CONVOY) == "0835b282d6fc2e514a4276644846ef03.cfc"


def test_what_is_taken_apart_is_in_the_order_in_which_it_was_put_together():
    whole = join_bundles(THREE)
    assert len(whole) == convoy_size([len(body) for _, body in THREE])
    assert plain(split_bundles(whole)) == THREE


def test_its_name_follows_from_its_bytes():
    name = paper_name(join_bundles(THREE), Kind.CONVOY)
    assert name == paper_name(join_bundles(THREE), Kind.CONVOY) != paper_name(join_bundles(THREE[:2]), Kind.CONVOY)
    assert parse(name) == (Kind.CONVOY, name[:32])


def test_a_convoy_at_its_limits():
    most = [(bundle_id(f"{n:032x}"), b"x") for n in range(COUNT_MAX)]
    assert plain(split_bundles(join_bundles(most))) == most
    room = FILE_MAX - convoy_size([0])
    assert len(join_bundles([(A, bytes(room))])) == FILE_MAX
    for bad in ([], [*most, (A, b"x")], [(A, b"x"), (A, b"y")], [(A, b"")], [(A, bytes(room + 1))]):
        with pytest.raises(ValueError, match="convoy"):
            join_bundles(bad)


def test_cut_at_every_byte_and_extended(classic):
    whole = join_bundles(THREE)
    for end in range(len(whole)):
        assert classic.code_of(lambda end=end: split_bundles(whole[:end])) == "convoy-malformed"
    assert classic.code_of(lambda: split_bundles(whole + b"\0")) == "convoy-malformed"


def row(one, length):
    return bytes.fromhex(one) + length.to_bytes(4, "big")


BAD = {
    "nothing in it": MAGIC + b"\1\0\0",
    "too many": MAGIC + b"\1" + (COUNT_MAX + 1).to_bytes(2, "big") + row(A, 1) * (COUNT_MAX + 1) + b"x" * 129,
    "another version": MAGIC + b"\2\0\1" + row(A, 1) + b"x",
    "an empty bundle": MAGIC + b"\1\0\2" + row(A, 1) + row(B, 0) + b"x",
    "a bundle twice": MAGIC + b"\1\0\2" + row(A, 1) + row(A, 1) + b"xy",
    "a length beyond the end": MAGIC + b"\1\0\1" + row(A, 2**32 - 1) + b"x",
    "lengths that overflow": MAGIC + b"\1\0\2" + row(A, 2**32 - 1) + row(B, 2**32 - 1) + b"x",
    "a bundle": b"\x89CFB\r\n\x1a\n" + b"\1\0\1" + row(A, 1) + b"x",
    "larger than any": MAGIC + b"\1\0\1" + row(A, FILE_MAX) + bytes(FILE_MAX),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_files_that_are_refused(classic, kind):
    assert classic.code_of(lambda: split_bundles(BAD[kind])) == "convoy-malformed"
