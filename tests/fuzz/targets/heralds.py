"""Heralds: any bytes, and what a true signature of a hostile sender announces and lets follow."""

import io
from collections.abc import Mapping

from gateway.bundle import chunked
from gateway.bundle.envelope import Recipient, encode_fixed, encode_recipients
from gateway.bundle.herald import MAGIC, Herald, check_herald, is_whole, open_herald, parse_herald
from gateway.bundle.manifest import BLANK, ManifestFile
from gateway.bundle.suites import HASH_LENGTH, algorithms, digest, label
from gateway.bundle.unseal import open_promised
from tests.fuzz.keys import RECIPIENT, RECIPIENT_PUBLIC, SENDER, STRANGER, signer_of
from tests.fuzz.target import Draw, Target, attempt
from tests.fuzz.targets.bundle import CONTENT_KEY, SUITE, Counting, drawn, encoded, payload_seeds, settled

_LENGTH, _STRANGER, _WRAP, _LABEL, _SHORT = (1 << bit for bit in range(2, 7))
"""What `drawn` leaves of its first byte, as in `bundle.sealed`."""


def run_herald(data: bytes) -> None:
    herald = attempt(lambda: parse_herald(data))
    if herald is None:
        assert not is_whole(data)
        return
    envelope = herald.envelope
    assert MAGIC + encoded(envelope)[len(MAGIC) :] == envelope.header
    attempt(lambda: check_herald(herald, signer_of))
    attempt(lambda: open_herald(io.BytesIO(data), herald, [RECIPIENT]))
    if is_whole(data):
        assert len(data) == envelope.manifest_offset + envelope.manifest_length


def run_promise(data: bytes) -> None:
    """A herald whose signature is true, hostile in whatever the input says; and DATA behind it."""
    raw = announced(Draw(data))
    herald = attempt(lambda: parse_herald(raw))
    if herald is None or attempt(lambda: _proven(herald)) is None:
        return
    promise = attempt(lambda: open_herald(io.BytesIO(raw), herald, [RECIPIENT]))
    if promise is None:
        return
    got: list[Counting] = []

    def sink(file: ManifestFile) -> Counting:
        got.append(Counting(file.size))
        return got[-1]

    fingerprint = attempt(lambda: open_promised(io.BytesIO(raw), herald, promise, sink=sink))
    if fingerprint is not None:
        assert len(fingerprint) == HASH_LENGTH
        assert [one.done for one in got] == [file.size for file in promise.manifest.files]


def _proven(herald: Herald) -> Herald:
    check_herald(herald, signer_of)
    return herald


def announced(draw: Draw) -> bytes:
    """The herald of a manifest's text and, behind it, DATA; lengths and hashes of the envelope are true."""
    how, text, plain = drawn(draw, lambda _hash: BLANK)
    use = algorithms(SUITE)
    fixed, bind = settled(plain)
    length = draw.number(4) if how & _LENGTH else len(text)
    inner = length.to_bytes(4, "big") + text + bytes(use.signature_length)
    if how & _SHORT:
        inner = inner[: draw.number(2)]
    named = "manifest" if how & _LABEL else "draft"
    cipher = chunked.encrypt_whole(use.encryptor(CONTENT_KEY, label(named) + bind), inner)
    data = chunked.encrypt_whole(use.encryptor(CONTENT_KEY, label("data") + bind), plain)
    head = encode_fixed(
        manifest_length=len(cipher),
        manifest_hash=digest(SUITE, cipher),
        segments_hash=BLANK,
        **fixed,
    )
    wrapped = RECIPIENT_PUBLIC.wrap("wrap", bind, CONTENT_KEY)
    if how & _WRAP:
        wrapped = wrapped[:1] + bytes([wrapped[1] ^ draw.number()]) + wrapped[2:]
    slots = encode_recipients([Recipient(RECIPIENT_PUBLIC.encrypt_key_id, 0, wrapped)])
    header = MAGIC + head[len(MAGIC) :] + slots
    signer = STRANGER if how & _STRANGER else SENDER
    front = header + signer.sign("herald", header) + cipher
    return front + bytes(HASH_LENGTH * -(-len(data) >> 20)) + data


def herald_seeds() -> Mapping[str, bytes]:
    raw = announced(Draw(payload_seeds()["two"]))
    envelope = parse_herald(raw).envelope
    whole = raw[: envelope.manifest_offset + envelope.manifest_length]
    return {"whole": whole, "head": raw[: envelope.manifest_offset], "begun": whole[:-9]}


TARGETS = (
    Target("herald", run_herald, herald_seeds, longest=8192),
    Target("promise", run_promise, payload_seeds, memory=64 << 20),
)
