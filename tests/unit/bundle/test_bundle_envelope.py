"""The envelope: parsed whole, cut at every byte, with every field out of range, and with every kind of bit flipped."""

import struct

import pytest

from gateway.bundle.envelope import ENVELOPE_MAX, FIXED_LENGTH, parse_envelope, verify_envelope
from gateway.bundle.suites import Suite
from gateway.domain.errors import SecurityError


def code(head: bytes) -> str:
    with pytest.raises(SecurityError) as caught:
        parse_envelope(head)
    return caught.value.code


def patched(raw: bytes, offset: int, replacement: bytes) -> bytes:
    return raw[:offset] + replacement + raw[offset + len(replacement) :]


def test_fields_are_what_was_sealed(workshop, texts):
    raw = workshop.seal(routing_class=5, created=2_000_000, expires=2_000_001, epoch=9, sequences=[41])
    envelope = workshop.envelope(raw)
    assert (envelope.suite, envelope.segment_log2, envelope.routing_class) == (workshop.suite, 20, 5)
    assert (envelope.created, envelope.expires, envelope.epoch) == (2_000_000, 2_000_001, 9)
    assert envelope.sender_key_id == workshop.keys.sender.public.sign_key_id
    assert envelope.sequence_for(workshop.keys.recipient.public.encrypt_key_id) == 41
    assert envelope.sequence_for(workshop.keys.other.public.encrypt_key_id) is None
    assert envelope.size == len(raw)
    assert envelope.bundle_id == raw[32:48].hex()


def test_what_follows_the_signature_does_not_matter(classic):
    raw = classic.seal()
    end = classic.envelope(raw).manifest_offset
    assert parse_envelope(raw[:end]) == parse_envelope(raw) == parse_envelope(raw[:end] + b"anything")


def test_parsed_bytes_are_the_header_and_the_signature(workshop):
    raw = workshop.seal()
    envelope = parse_envelope(raw)
    assert raw.startswith(envelope.header + envelope.signature)


def test_cut_at_every_byte(classic):
    raw = classic.seal()
    for end in range(classic.envelope(raw).manifest_offset):
        assert code(raw[:end]) == ("not-a-bundle" if end < 8 else "truncated"), end


def test_longest_envelope_fits_its_bound():
    from gateway.bundle.shared import DEPTH_MAX, signature_length
    from gateway.bundle.suites import algorithms

    lengths = [FIXED_LENGTH + 64 * (40 + algorithms(s).wrap_length) + signature_length(s, DEPTH_MAX) for s in Suite]
    assert max(lengths) == ENVELOPE_MAX == 81142


@pytest.mark.parametrize("number", [0, 4, 255])
def test_unknown_suite(classic, number):
    assert code(patched(classic.seal(), 8, bytes([number]))) == "suite-refused"


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        pytest.param(9, ">B", 19, id="segments of half a MiB"),
        pytest.param(9, ">B", 27, id="segments of 128 MiB"),
        pytest.param(12, ">H", 0, id="no recipient"),
        pytest.param(12, ">H", 65, id="65 recipients"),
        pytest.param(14, ">H", 9, id="a tree of 512"),
        pytest.param(14, ">H", 16, id="a flag"),
        pytest.param(24, ">Q", 1_000_000, id="expires when created"),
        pytest.param(24, ">Q", 1_000_000 + 90 * 86400 + 1, id="lives 90 days and a second"),
        pytest.param(16, ">QQ", (2**53 - 5, 2**53), id="time beyond 53 bits"),
        pytest.param(48, ">Q", 71, id="manifest shorter than any ciphertext"),
        pytest.param(48, ">Q", 56 + 16400, id="manifest of an impossible length"),
        pytest.param(48, ">Q", 64 * 2**20 + 1, id="manifest above 64 MiB"),
        pytest.param(56, ">Q", 0, id="no data"),
        pytest.param(56, ">Q", 56 + 3 * 16400 + 15, id="data of an impossible length"),
        pytest.param(56, ">Q", 2**46 + 16400, id="data above 64 TiB"),
        pytest.param(160, ">Q", 2**53, id="epoch beyond 53 bits"),
        pytest.param(168 + 32, ">Q", 0, id="sequence zero"),
        pytest.param(168 + 32, ">Q", 2**53, id="sequence beyond 53 bits"),
    ],
)
def test_out_of_range(classic, offset, layout, value):
    values = value if isinstance(value, tuple) else (value,)
    assert code(patched(classic.seal(), offset, struct.pack(layout, *values))) == "malformed"


def test_recipients_must_ascend(classic):
    raw = classic.seal(recipients=[classic.keys.recipient.public, classic.keys.other.public])
    first, second = raw[168:288], raw[288:408]
    assert first[:32] < second[:32]
    assert code(patched(raw, 168, second + first)) == "malformed"
    assert code(patched(raw, 168, first + first)) == "malformed"


def test_unknown_revoked_and_forged_sender(workshop):
    raw = workshop.seal()
    keys = workshop.keys

    def refusal(signer_of, is_revoked=lambda _key_id: False):
        return workshop.code_of(lambda: verify_envelope(raw, signer_of, is_revoked))

    assert refusal(lambda _key_id: None) == "unknown-sender"
    assert refusal(lambda _key_id: keys.other.public) == "unknown-sender"
    assert refusal(keys.signer_of, lambda key_id: key_id == keys.sender.public.sign_key_id) == "revoked-sender"
    assert refusal(lambda _key_id: None, lambda _key_id: True) == "unknown-sender"
    forged = workshop.resign(raw, workshop.envelope(raw).header, keys.other)
    assert workshop.refusal(forged) == "bad-signature"


@pytest.mark.parametrize("workshop", [Suite.PQ], indirect=True)
def test_both_halves_of_the_hybrid_signature_count(workshop):
    envelope = workshop.envelope(workshop.seal())
    ours, theirs = envelope.signature, workshop.keys.other.sign("outer", envelope.header)
    for forged in (theirs[:64] + ours[64:], ours[:64] + theirs[64:]):
        head = envelope.header + forged
        assert workshop.code_of(lambda head=head: verify_envelope(head, workshop.keys.signer_of)) == "bad-signature"


FLIP_STEP = {Suite.CLASSIC: 1, Suite.PQ: 13, Suite.GM: 67}
"""Bits from one flip to the next: verifying ML-DSA and SM2 takes its time."""


def test_every_flip_in_header_or_signature_is_refused(workshop):
    raw = workshop.seal()
    envelope = workshop.envelope(raw)
    head = bytearray(raw[: envelope.manifest_offset])
    for bit in range(0, 8 * len(head), FLIP_STEP[workshop.suite]):
        at = bit // 8
        head[at] ^= 1 << bit % 8
        found = workshop.code_of(lambda: verify_envelope(bytes(head), workshop.keys.signer_of))
        head[at] ^= 1 << bit % 8
        assert found in expected(at, len(envelope.header)), (at, found)


def expected(at: int, header_length: int) -> set[str]:
    """Which codes a flipped bit in byte `at` may give."""
    if at < 8:
        return {"not-a-bundle"}
    if at == 8:
        return {"suite-refused", "truncated", "unknown-sender", "malformed"}
    if 12 <= at < 16:
        return {"malformed", "truncated", "bad-signature"}
    if 64 <= at < 96:
        return {"unknown-sender"}
    if 96 <= at < 160 or 32 <= at < 48 or at >= header_length:
        return {"bad-signature"}
    return {"malformed", "bad-signature"}
