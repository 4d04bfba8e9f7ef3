"""Ids: what exists as an id is safe in a path, a log and a query."""

import pytest

from gateway.domain import ids

HEX = "0123456789abcdef"


@pytest.mark.parametrize(
    ("make", "good"),
    [
        (ids.unit_code, ["3301", "330100000000", "A" * 24, "GA01"]),
        (ids.bundle_id, [HEX * 2]),
        (ids.claim_token, [HEX * 2]),
        (ids.digest, [HEX * 4]),
        (ids.link_name, ["a", "0", "to-court", "a" * 63]),
        (ids.route_name, ["a", "police-out", "9" * 63]),
        (ids.wire_name, ["a", f"{HEX}.cfb", "A-b_c.D", "9" * 100]),
    ],
)
def test_what_is_accepted_is_returned_as_it_is(make: object, good: list[str]) -> None:
    assert [make(text) for text in good] == good


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (ids.unit_code, ["", "330", "A" * 25, "330a", "33 01", "3301\n", "３３０１", "33/01"]),
        (ids.bundle_id, ["", HEX, HEX * 2 + "0", HEX.upper() * 2, HEX * 2 + "\n", "g" * 32]),
        (ids.claim_token, ["", HEX, HEX * 3, f" {HEX * 2}"]),
        (ids.digest, ["", HEX * 2, HEX * 4 + "0", "٠" * 64]),
        (ids.link_name, ["", "-a", "A", "a_b", "a" * 64, "a/b", "a\n"]),
        (ids.route_name, ["", "-", "路", "a.b"]),
        (ids.wire_name, ["", ".", "..", ".part", "-a", "a/b", "a\\b", "a\x00", "名.cfb", "9" * 101, "a\n", " a"]),
    ],
)
def test_anything_else_is_refused_without_being_repeated(make: object, bad: list[str]) -> None:
    for text in bad:
        with pytest.raises(ValueError, match="must match") as refused:
            make(text)
        # What is not an id may be anything, a personal name too: the error says the rule, not the value.
        assert len(text) < 3 or text not in str(refused.value)
