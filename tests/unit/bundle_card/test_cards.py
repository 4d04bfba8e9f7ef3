"""A card says what its unit wrote, to the byte, or it is refused by the right code."""

import hashlib
import re
from dataclasses import replace

import pytest

from gateway.bundle.card import (
    CARD_MAX,
    KEYS_MAX,
    Card,
    CardKey,
    fingerprint,
    parse_card,
    sign_card,
    ssh_public,
    ssh_text,
)
from gateway.bundle.keys import NodeKeys, generate
from gateway.bundle.suites import Suite
from gateway.domain.errors import Scope, SecurityError
from gateway.domain.ids import UnitCode
from tests.support.cards import DAY, START, card_key, holder, ssh_key


def refused(raw: bytes) -> str:
    with pytest.raises(SecurityError) as caught:
        parse_card(raw)
    assert caught.value.scope is Scope.LINK
    return caught.value.code


def spliced(raw: bytes, old: bytes, new: bytes) -> bytes:
    """Return `raw` with `old` in the body replaced and the body's length set right; the signatures stay."""
    length = int.from_bytes(raw[8:12])
    body = raw[12 : 12 + length]
    assert body.count(old) == 1
    body = body.replace(old, new)
    return raw[:8] + len(body).to_bytes(4) + body + raw[12 + length :]


@pytest.mark.parametrize("suites", [(Suite.CLASSIC,), (Suite.PQ,), (Suite.CLASSIC, Suite.PQ)])
def test_what_was_signed_is_read_back(suites: tuple[Suite, ...]) -> None:
    one = holder(suites=suites)
    assert parse_card(one.raw) == one.card


def test_a_renewed_card_is_signed_by_the_former_and_the_new_key() -> None:
    renewed = holder().renewed()
    card = parse_card(renewed.raw)
    assert [key.not_before for key in card.keys] == [START, START + 60 * DAY]
    assert set(card.signers()) == {one.public.sign_key_id for one in renewed.private}


def test_every_flipped_bit_is_refused() -> None:
    raw = holder().raw
    codes = set()
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1 << position % 8
        codes.add(refused(bytes(changed)))
    assert codes <= {"card-malformed", "card-bad-signature", "key-refused", "suite-refused"}
    assert {"card-malformed", "card-bad-signature"} <= codes


def test_every_shorter_card_is_refused() -> None:
    raw = holder().raw
    assert {refused(raw[:length]) for length in range(len(raw))} == {"card-malformed"}


@pytest.mark.parametrize("tail", [b"\0", b"\n", b"x" * 100, b"x" * CARD_MAX])
def test_bytes_after_the_card_are_refused(tail: bytes) -> None:
    assert refused(holder().raw + tail) == "card-malformed"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v": 1'),
        (b'"v":1', b'"v":1.0'),
        (b'"v":1', b'"v":true'),
        (b'"v":1}', b'"v":1,"x":0}'),
        (b'"created":1700000000', b'"created":-1'),
        (b'"created":1700000000', b'"created":9007199254740992'),
        (b'"created":1700000000,', b""),
        (b'"unit":"990102"', b'"unit":"../x"'),
        (b'"unit":"990102"', b'"unit":990102'),
        (b'"suites":[1]', b'"suites":[]'),
        (b'"suites":[1]', b'"suites":[2]'),
        (b'"suites":[1]', b'"suites":[1,1]'),
        ('"name":"示例区检察院"'.encode(), b'"name":""'),
        ('"name":"示例区检察院"'.encode(), b'"name":" x"'),
        ('"name":"示例区检察院"'.encode(), b'"name":"\\u001b[31m"'),
        ('"name":"示例区检察院"'.encode(), '"name":"\u202egpj"'.encode()),
        ('"name":"示例区检察院"'.encode(), b'"name":"' + b"x" * 101 + b'"'),
        (b'"not_after":1708640000', b'"not_after":1700000000'),
        (b'"ssh_host_key":"ssh-ed25519 ', b'"ssh_host_key":"ssh-rsa '),
        (b'"ssh_host_key":"ssh-ed25519 ', b'"ssh_host_key":"ssh-ed25519  '),
    ],
)
def test_a_body_that_is_not_canonical_or_out_of_bounds_is_malformed(old: bytes, new: bytes) -> None:
    assert refused(spliced(holder().raw, old, new)) == "card-malformed"


def test_an_unknown_suite_is_refused_by_its_own_code() -> None:
    assert refused(spliced(holder().raw, b'"suite":1', b'"suite":9')) == "suite-refused"


@pytest.mark.parametrize(
    "weak",
    [
        bytes([1]) + bytes(31),  # the identity, under which one signature verifies for every text
        bytes(32),  # order 4
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),  # order 2
        b"\xff" * 32,  # not canonical
    ],
)
def test_a_small_order_or_malformed_key_is_refused(weak: bytes) -> None:
    one = holder()
    sign = one.card.keys[0].public.sign_public.hex().encode()
    assert refused(spliced(one.raw, sign, weak.hex().encode())) == "key-refused"


def test_a_small_order_ssh_key_is_refused() -> None:
    one = holder()
    weak = ssh_text(bytes([1]) + bytes(31))
    assert refused(spliced(one.raw, one.card.ssh_user_key.encode(), weak.encode())) == "card-malformed"


def test_nobody_can_list_a_key_it_does_not_hold() -> None:
    victim, thief = holder("990101"), holder("990102")
    keys = tuple(sorted([*thief.card.keys, card_key(victim.private[0], START + 1)], key=lambda key: key.not_before))
    stolen = replace(thief.card, keys=keys)
    with pytest.raises(ValueError, match="not at hand"):
        sign_card(stolen, thief.private)
    # Signed as far as it can be: the thief's signature over its own body, the victim's taken from the victim's card.
    other = sign_card(stolen, [*thief.private, *victim.private])
    forged = bytearray(other)
    position = other.index(victim.private[0].public.sign_key_id, 12 + int.from_bytes(other[8:12]))
    forged[position + 34 : position + 98] = thief.private[0].sign("card", stolen.to_json())
    assert refused(bytes(forged)) == "card-bad-signature"


def test_a_signature_left_out_or_out_of_order_is_malformed() -> None:
    raw = holder().renewed().raw
    end = 12 + int.from_bytes(raw[8:12])
    first, second = raw[end + 1 : end + 99], raw[end + 99 :]
    assert parse_card(raw[:end] + b"\2" + first + second)
    assert refused(raw[:end] + b"\1" + first) == "card-malformed"
    assert refused(raw[:end] + b"\2" + second + first) == "card-malformed"
    assert refused(raw[:end] + b"\2" + first + first) == "card-malformed"
    assert refused(raw[:end] + b"\3" + first + second) == "card-malformed"
    assert refused(raw[:end] + b"\0") == "card-malformed"


def test_a_signature_over_the_body_for_another_purpose_does_not_count() -> None:
    one = holder()
    raw = one.raw
    end = 12 + int.from_bytes(raw[8:12])
    assert refused(raw[: end + 35] + one.private[0].sign("outer", raw[12:end])) == "card-bad-signature"


def test_a_signature_that_is_shared_does_not_count() -> None:
    one = holder()
    raw = one.raw
    end = 12 + int.from_bytes(raw[8:12])
    shared = one.private[0].sign_all("card", [raw[12:end], b"another"])[0]
    assert one.private[0].public.verify("card", raw[12:end], shared)
    length = len(shared).to_bytes(2, "big")
    assert refused(raw[: end + 33] + length + shared) == "card-bad-signature"


def test_a_card_that_cannot_be_written_is_refused_where_it_is_made() -> None:
    card = holder().card
    faults: list[dict[str, object]] = [
        {"keys": ()},
        {"keys": card.keys * 2},
        {"keys": tuple(card_key(generate(Suite.CLASSIC), START + i) for i in range(KEYS_MAX + 1))},
        {"keys": (CardKey(card.keys[0].public, 5, 5),)},
        {"ssh_user_key": card.ssh_host_key},
        {"ssh_user_key": card.ssh_user_key + " operator@example"},
        {"suites": (Suite.PQ,)},
    ]
    for fault in faults:
        with pytest.raises(SecurityError, match="card-malformed"):
            replace(card, **fault)  # type: ignore[arg-type] # the point is to give what does not belong


def test_keys_count_from_not_before_until_before_not_after() -> None:
    key = CardKey(holder().card.keys[0].public, 10, 20)
    assert [key.is_valid(at) for at in (9.9, 10, 19.9, 20)] == [False, True, True, False]


def test_a_fingerprint_is_forty_digits_and_the_same_for_the_same_body() -> None:
    one = holder(suites=(Suite.PQ,))
    digits = fingerprint(one.card)
    assert re.fullmatch(r"([0-9]{5} ){7}[0-9]{5}", digits)
    # Post-quantum signatures differ from one signing to the next; the fingerprint is of what they sign.
    assert one.raw != one.raw
    assert fingerprint(parse_card(one.raw)) == digits


@pytest.mark.parametrize(
    "fault", [{"name": "另一个单位"}, {"created": START + 1}, {"ssh_host_key": ssh_key()}, {"ssh_user_key": ssh_key()}]
)
def test_any_change_gives_another_fingerprint(fault: dict[str, object]) -> None:
    card = holder().card
    assert fingerprint(replace(card, **fault)) != fingerprint(card)  # type: ignore[arg-type] # fields by name


def test_the_fingerprint_of_a_fixed_card_never_changes() -> None:
    """Read aloud over a telephone by two versions of the program, it must be the same (docs/adr/0008)."""
    keys, host, user = (fixed_keys(n) for n in (1, 7, 8))
    ssh = [ssh_text(one.public.sign_public) for one in (host, user)]
    card = Card(UnitCode("990102"), "示例区检察院", (CardKey(keys.public, 1, 2),), *ssh, (Suite.CLASSIC,), 3)
    assert fingerprint(card) == "77332 75932 89892 95470 85442 08822 26047 30588"
    # The same by another implementation of scrypt.
    salt = b"casebundle/v1 card fingerprint\0"
    derived = hashlib.scrypt(card.to_json(), salt=salt, n=1 << 15, r=8, p=1, dklen=32, maxmem=1 << 26)
    assert f"{int.from_bytes(derived) % 10**40:040}" == fingerprint(card).replace(" ", "")


def fixed_keys(number: int) -> NodeKeys:
    return NodeKeys.from_bytes(bytes([Suite.CLASSIC]) + bytes([number]) * 32 + bytes([number + 100]) * 32)


def test_an_ssh_key_has_one_form() -> None:
    text = ssh_key()
    assert ssh_text(ssh_public(text)) == text
    for other in (
        text + "\n",
        text.replace(" ", "  "),
        text[:-1],
        "ssh-ed25519",
        "",
        text.replace("ed25519 ", "ed25519 A"),
    ):
        with pytest.raises(ValueError, match="OpenSSH"):
            ssh_public(other)
