"""Inventories: what is stated comes back as it was, and nothing else is taken for one."""

import json
from dataclasses import replace

import pytest

from gateway.bundle import canonical
from gateway.bundle.inventory import (
    INVENTORY_MAX,
    TOKEN_MAX,
    inventory_key_id,
    parse_inventory,
    sign_inventory,
    sign_life,
    verify_inventory,
    verify_life,
)
from gateway.bundle.keys import NodeKeys, generate
from gateway.bundle.names import Kind, inventory_id, inventory_name, parse
from gateway.bundle.suites import Suite
from gateway.domain.errors import SecurityError
from gateway.domain.holdings import LIVES_MAX, PENDING_MAX, RANGES_MAX, STREAMS_MAX, Got, Inventory, Life, Sent, ranges
from gateway.domain.ids import BundleId, UnitCode

US, PEER = UnitCode("990102"), UnitCode("990102000000")
LIFE, OTHER = "0a" * 16, "0b" * 16
PREFIX = 1 + 32 + 4

WHOLE = Inventory(
    issuer=US,
    to=PEER,
    issued_at=1_700_000_000,
    epoch=5,
    life=LIFE,
    token=b"x",
    asks=True,
    answers=OTHER,
    heard=(b"one", b"two"),
    sent=(Sent(4, 9, ()), Sent(5, 40, ((3, 3), (7, 40)))),
    got=(Got(77, 12, ((1, 2), (4, 9))),),
    pending=(BundleId("0c" * 16),),
)
EMPTY = Inventory(US, PEER, 0, 0, LIFE, b"x", False, "", (), (), (), ())


@pytest.fixture(scope="module")
def keys() -> NodeKeys:
    return generate(Suite.CLASSIC)


def with_token(inventory: Inventory, keys: NodeKeys) -> Inventory:
    return replace(inventory, token=sign_life(Life(inventory.issuer, inventory.epoch, inventory.life), keys))


def signed(text: bytes, keys: NodeKeys) -> bytes:
    return bytes([keys.suite]) + keys.sign_key_id + len(text).to_bytes(4, "big") + text + keys.sign("inventory", text)


def refused(raw: bytes, keys: NodeKeys, issuer: UnitCode = US) -> str:
    public = keys.public
    with pytest.raises(SecurityError) as caught:
        verify_inventory(raw, lambda key_id: public if key_id == public.sign_key_id else None, issuer)
    return caught.value.code


@pytest.mark.parametrize("inventory", [WHOLE, EMPTY, replace(WHOLE, asks=False, answers="", sent=(), got=())])
@pytest.mark.parametrize("suite", [Suite.CLASSIC, Suite.PQ])
def test_what_is_stated_comes_back(inventory: Inventory, suite: Suite) -> None:
    ours = generate(suite)
    inventory = with_token(inventory, ours)
    raw = sign_inventory(inventory, ours)
    assert verify_inventory(raw, lambda _key_id: ours.public, US) == parse_inventory(raw) == inventory
    assert inventory_key_id(raw) == ours.sign_key_id
    assert parse(inventory_name(raw)) == (Kind.INVENTORY, inventory_id(raw))


def test_the_largest_of_each_list_fits(keys: NodeKeys) -> None:
    largest = replace(
        EMPTY,
        token=b"t" * TOKEN_MAX,
        heard=(b"h" * TOKEN_MAX,) * LIVES_MAX,
        sent=tuple(Sent(canonical.INTEGER_MAX - n, canonical.INTEGER_MAX, ()) for n in range(STREAMS_MAX)),
        got=(Got(1, canonical.INTEGER_MAX, tuple((2**52 + 3 * n, 2**52 + 3 * n + 1) for n in range(RANGES_MAX))),),
        pending=tuple(BundleId(f"{n:032x}") for n in range(PENDING_MAX)),
    )
    raw = sign_inventory(largest, keys)
    assert len(raw) < INVENTORY_MAX
    assert parse_inventory(raw) == largest


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"asks": 2},
        {"asks": True},
        {"life": "0A" * 16},
        {"life": ""},
        {"answers": "short"},
        {"heard": ["00"] * (LIVES_MAX + 1)},
        {"heard": [""]},
        {"token": ""},
        {"token": "00" * (TOKEN_MAX + 1)},
        {"issuer": "lower"},
        {"epoch": -1},
        {"epoch": canonical.INTEGER_MAX + 1},
        {"sent": [[5, 40, [3]]]},
        {"sent": [[5, 40, [3, 3, 4, 5]]]},
        {"sent": [[5, 40, [5, 4]]]},
        {"sent": [[5, 40, [0, 1]]]},
        {"sent": [[5, 40, [39, 41]]]},
        {"sent": [[5, 40, []], [5, 41, []]]},
        {"sent": [[5, 40]]},
        {"got": [[n, 1, []] for n in range(STREAMS_MAX + 1)]},
        {"got": [[1, 3 * RANGES_MAX + 3, [part for n in range(RANGES_MAX + 1) for part in (3 * n + 1, 3 * n + 2)]]]},
        # No stream says too much, and all together do.
        {
            "got": [
                [epoch, 3 * RANGES_MAX, [part for n in range(RANGES_MAX // 2 + 1) for part in (3 * n + 1, 3 * n + 2)]]
                for epoch in (1, 2)
            ]
        },
        {"pending": ["x" * 32]},
        {"pending": [7]},
        {"more": 1},
    ],
    ids=str,
)
def test_a_field_out_of_range_is_refused(keys: NodeKeys, change: dict[str, object]) -> None:
    text = json.loads(sign_inventory(WHOLE, keys)[PREFIX:-64])
    raw = signed(canonical.encode({**text, **change}), keys)
    assert refused(raw, keys) == "inventory-malformed"


def test_every_flip_is_refused(keys: NodeKeys) -> None:
    raw = sign_inventory(with_token(WHOLE, keys), keys)
    for at in range(len(raw)):
        for bit in (0, 7):
            flipped = bytearray(raw)
            flipped[at] ^= 1 << bit
            expected = {"inventory-malformed", "suite-refused", "unknown-sender", "inventory-bad-signature"}
            assert refused(bytes(flipped), keys) in expected


def test_cut_extended_or_of_another_kind_is_refused(keys: NodeKeys) -> None:
    raw = sign_inventory(with_token(WHOLE, keys), keys)
    assert {refused(part, keys) for part in (b"", raw[:40], raw[:-1], raw + b"\0")} == {"inventory-malformed"}
    text = raw[PREFIX:-64]
    as_receipt = raw[:PREFIX] + text + keys.sign("receipt", text)
    assert refused(as_receipt, keys) == "inventory-bad-signature"
    assert refused(raw, keys, PEER) == "inventory-wrong-issuer"
    assert refused(raw, generate(Suite.CLASSIC)) == "unknown-sender"
    assert refused(b"\1" * (INVENTORY_MAX + 1), keys) == "inventory-malformed"


def test_a_token_is_of_the_start_that_it_is_given_for(keys: NodeKeys) -> None:
    life = Life(US, WHOLE.epoch, WHOLE.life)
    token = sign_life(life, keys)
    assert verify_life(token, lambda _key_id: keys.public) == life
    stranger = generate(Suite.CLASSIC)
    for wrong, code in (
        (sign_life(replace(life, epoch=6), keys), "inventory-malformed"),
        (sign_life(replace(life, life=OTHER), keys), "inventory-malformed"),
        (sign_life(replace(life, unit=PEER), keys), "inventory-malformed"),
        (sign_life(life, stranger), "unknown-sender"),
        (token[:-1] + bytes([token[-1] ^ 1]), "life-bad-signature"),
        (token[:-1], "life-malformed"),
        (token[:PREFIX] + b"[]" + token[PREFIX + 2 :], "life-bad-signature"),
    ):
        assert refused(sign_inventory(replace(WHOLE, token=wrong), keys), keys) == code


def test_what_cannot_be_read_back_is_not_signed(keys: NodeKeys) -> None:
    with pytest.raises(ValueError, match="number must be"):
        sign_inventory(replace(WHOLE, sent=(Sent(5, 3, ((2, 9),)),)), keys)


def test_ranges_and_what_they_say() -> None:
    assert ranges([1, 2, 3, 5, 9, 10]) == ((1, 3), (5, 5), (9, 10))
    assert ranges([]) == ()
    assert len(ranges(range(1, 10**5, 2))) == RANGES_MAX
    assert [n for n in range(1, 15) if WHOLE.got[0].has(n)] == [3, 10, 11, 12]
