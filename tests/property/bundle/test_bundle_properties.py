"""What must hold of bundles, canonical JSON and receipts for every input, not only for the ones thought of."""

import io
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bundle import canonical, manifest, shared
from gateway.bundle.canonical import NotCanonicalError
from gateway.bundle.chunked import ciphertext_length, plaintext_length
from gateway.bundle.convoy import join_bundles, split_bundles
from gateway.bundle.envelope import Envelope, parse_envelope, verify_envelope
from gateway.bundle.keys import generate
from gateway.bundle.manifest import Coding, ManifestFile
from gateway.bundle.receipt import Receipt, parse_receipt, sign_receipts, split_receipts, verify_receipt
from gateway.bundle.seal import SealMember
from gateway.bundle.suites import Suite
from gateway.bundle.unseal import open_bundle
from gateway.domain.errors import GatewayError, SecurityError
from gateway.domain.ids import bundle_id, digest, unit_code
from gateway.domain.records import ReceiptCode
from tests.support.bundles import finish, prepare
from tests.support.examples import examples

SENDER, RECIPIENT = generate(Suite.CLASSIC), generate(Suite.CLASSIC)
SIGNER = SENDER.public
TO = RECIPIENT.public


def seal(contents: list[bytes], **options: int) -> bytes:
    members = [SealMember(f"m{n}", None, len(c), lambda c=c: io.BytesIO(c)) for n, c in enumerate(contents)]
    out = io.BytesIO()
    fields = {"created": 1_000_000, "expires": 1_086_400, "epoch": 1, "seg_log2": 20} | options
    prepared = prepare(out, members, meta={}, keys=SENDER, recipients=[TO], **fields)
    finish(out, prepared, [1], SENDER)
    return out.getvalue()


class Kept(io.BytesIO):
    """A sink that can still be read after it was closed."""

    def close(self) -> None:
        self.final = self.getvalue()
        super().close()


def unseal(raw: bytes) -> list[bytes]:
    sinks: list[Kept] = []

    def sink(_file: ManifestFile) -> Kept:
        sinks.append(Kept())
        return sinks[-1]

    envelope = verify_envelope(raw, {SIGNER.sign_key_id: SIGNER}.get)
    open_bundle(io.BytesIO(raw), len(raw), envelope=envelope, keys=[RECIPIENT], signer=SIGNER, sink=sink)
    return [sink.final for sink in sinks]


def stretched(seed: int, length: int, repeat: bool) -> bytes:
    """Long contents without long examples: noise, or noise that repeats."""
    source = random.Random(seed)
    return (source.randbytes(11) * (length // 11 + 1))[:length] if repeat else source.randbytes(length)


CONTENT = st.binary(max_size=200) | st.builds(stretched, st.integers(0, 99), st.integers(0, 300_000), st.booleans())


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(CONTENT, min_size=1, max_size=6))
def test_what_goes_in_comes_out(contents):
    assert unseal(seal(contents)) == contents


RAW = seal([b"content " * 40, b"\1" * 7])


@settings(max_examples=examples(300), deadline=None)
@given(st.integers(0, len(RAW) - 1), st.binary(min_size=1, max_size=40))
def test_no_changed_bundle_opens(at, replacement):
    changed = RAW[:at] + replacement + RAW[at + len(replacement) :]
    if changed == RAW:
        assert unseal(changed) == unseal(RAW)
        return
    with pytest.raises(SecurityError):
        unseal(changed)


def parsed_or_code(head: bytes) -> Envelope | str:
    try:
        return parse_envelope(head)
    except GatewayError as error:
        return error.code


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_give_an_envelope_or_a_known_error(tail, kept):
    head = RAW[:kept] + tail
    found = parsed_or_code(head)
    if isinstance(found, Envelope):
        assert head.startswith(found.header + found.signature)
        assert found.size > len(found.header)
    else:
        assert found in {"not-a-bundle", "suite-refused", "malformed", "truncated"}


@given(st.integers(0, 2**46))
def test_chunked_lengths_have_an_inverse(plain):
    assert plaintext_length(ciphertext_length(plain)) == plain


@given(st.integers(0, 2**47))
def test_only_lengths_of_ciphertexts_are_possible(cipher):
    plain = plaintext_length(cipher)
    assert plain is None or ciphertext_length(plain) == cipher


@given(st.integers(0, 2**46))
def test_padme_costs_at_most_an_eighth_and_is_stable(total):
    padded = total + manifest.padding_for(total)
    assert total <= padded <= total * 9 / 8 + 1
    assert manifest.padding_for(padded) == 0


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.integers(0, canonical.INTEGER_MAX) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"[a-z_]{1,5}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_canonical_json_reads_what_it_writes(value):
    raw = canonical.encode(value)
    assert canonical.decode(raw, limit=len(raw), values_limit=10_000) == value


@given(st.binary(max_size=60) | TEXT.map(str.encode))
def test_what_canonical_json_reads_it_writes_again(raw):
    try:
        value = canonical.decode(raw, limit=100, values_limit=100)
    except NotCanonicalError:
        return
    assert canonical.encode(value) == raw


@st.composite
def manifest_files(draw):
    size = draw(st.integers(0, 2**40))
    zstd = size <= manifest.ZSTD_MEMBER_MAX and size > 10 and draw(st.booleans())
    stored = draw(st.integers(1, max(1, size * 9 // 10 - 1))) if zstd else size
    return ManifestFile(
        path=draw(TEXT),
        raw=draw(st.none() | st.binary(min_size=1, max_size=20)),
        size=size,
        hash=draw(st.binary(min_size=32, max_size=32)),
        coding=Coding.ZSTD if zstd else Coding.IDENTITY,
        stored=stored,
    )


META = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    TEXT | st.integers(0, canonical.INTEGER_MAX) | st.lists(TEXT, max_size=3),
    max_size=4,
)


@given(META, st.lists(manifest_files(), min_size=1, max_size=4))
def test_manifests_read_what_they_write(meta, files):
    built = manifest.build(meta, files)
    raw = manifest.encode_checked(built)
    found = manifest.decode(raw)
    assert found == built
    assert manifest.encode(found) == raw


RECEIPTS = st.builds(
    Receipt,
    bundle_id=st.binary(min_size=16, max_size=16).map(lambda b: bundle_id(b.hex())),
    header_hash=st.binary(min_size=32, max_size=32).map(lambda b: digest(b.hex())),
    size=st.integers(0, 2**47),
    code=st.sampled_from(ReceiptCode),
    issuer=st.from_regex(r"[0-9A-Z]{4,24}", fullmatch=True).map(unit_code),
    origin=st.none() | st.from_regex(r"[0-9A-Z]{4,24}", fullmatch=True).map(unit_code),
    recipient=st.none() | st.from_regex(r"[0-9A-Z]{4,24}", fullmatch=True).map(unit_code),
    epoch=st.integers(0, 2**53 - 1),
    sequence=st.integers(0, 2**53 - 1),
    issued_at=st.integers(0, 2**53 - 1),
    reasons=st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True), max_size=4).map(tuple),
    checkpoint=TEXT,
    findings=st.binary(max_size=50),
).map(lambda one: one if one.code is ReceiptCode.VALIDATION_FAILED else replace(one, findings=b""))


@given(RECEIPTS)
def test_receipts_read_what_they_write(receipt):
    raw = sign_receipts([receipt], SENDER)[0]
    assert verify_receipt(raw, {SIGNER.sign_key_id: SIGNER}.get) == receipt


@given(st.lists(st.binary(max_size=40), max_size=40), st.integers(0, shared.DEPTH_MAX), st.data())
def test_any_of_any_number_of_bodies_proves_alone_and_nothing_else(bodies, depth, data):
    signatures = SENDER.sign_all("receipt", bodies, depth)
    assert {len(one) for one in signatures} <= {shared.signature_length(Suite.CLASSIC, depth)}
    for at in data.draw(st.sets(st.sampled_from(range(len(bodies))), max_size=5)) if bodies else ():
        assert SIGNER.verify("receipt", bodies[at], signatures[at])
        wrong = bytearray(signatures[at])
        wrong[data.draw(st.integers(0, len(wrong) - 1))] ^= data.draw(st.integers(1, 255))
        assert not SIGNER.verify("receipt", bodies[at], bytes(wrong))
        assert not SIGNER.verify("receipt", bodies[at] + b"\0", signatures[at])


@given(st.binary(max_size=300))
def test_any_bytes_are_receipts_or_a_known_error(raw):
    for parse in (parse_receipt, split_receipts):
        with pytest.raises(SecurityError) as caught:
            parse(raw)
        assert caught.value.code in {"receipt-malformed", "suite-refused"}


BUNDLES = st.lists(
    st.tuples(st.binary(min_size=16, max_size=16).map(lambda raw: bundle_id(raw.hex())), st.binary(min_size=1)),
    min_size=1,
    max_size=9,
    unique_by=lambda pair: pair[0],
)


@settings(deadline=None)
@given(BUNDLES)
def test_a_convoy_is_taken_apart_as_it_was_put_together(bundles):
    assert [(one, bytes(body)) for one, body in split_bundles(join_bundles(bundles))] == bundles


@settings(deadline=None)
@given(BUNDLES, st.integers(0, 400), st.binary(min_size=1, max_size=40))
def test_whatever_is_taken_for_a_convoy_is_one_to_the_last_byte(bundles, at, replacement):
    raw = join_bundles(bundles)
    changed = raw[:at] + replacement + raw[at + len(replacement) :]
    try:
        found = split_bundles(changed)
    except SecurityError:
        return
    assert join_bundles(found) == changed
