"""The herald: a signed front before the hashes are known, written over by the real one."""

import io
from dataclasses import replace
from typing import Any

import pytest

from gateway.bundle import chunked
from gateway.bundle import herald as heralds
from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.bundle.herald import Herald, Promise, check_herald, is_whole, open_herald, parse_herald
from gateway.bundle.manifest import BLANK
from gateway.bundle.seal import SealMember
from gateway.bundle.suites import algorithms, digest, label
from tests.support.bundles import finish, prepare

SETTINGS: dict[str, Any] = {
    "meta": {"flow": "arrest-request"},
    "created": 1_000_000,
    "expires": 1_086_400,
    "epoch": 3,
    "seg_log2": 20,
}


class Sealed:
    """A bundle sealed with a herald: its bytes as they were when it was placed, and in the end."""

    def __init__(self, workshop: Any, texts: Any) -> None:
        out, self.placed = io.BytesIO(), (0, 0, 0)

        def placed(offset: int, size: int, length: int) -> None:
            self.placed, self.herald = (offset, size, length), out.getvalue()

        members = [
            SealMember(path, None, len(text), lambda text=text: io.BytesIO(text)) for path, text in texts.items()
        ]
        recipients = [workshop.keys.recipient.public]
        prepared = prepare(
            out, members, keys=workshop.keys.sender, recipients=recipients, placed=placed, herald=True, **SETTINGS
        )
        finish(out, prepared, [7], workshop.keys.sender)
        self.bundle = out.getvalue()


@pytest.fixture
def sealed(workshop: Any, texts: Any) -> Sealed:
    return Sealed(workshop, texts)


def proven(workshop: Any, raw: bytes) -> Herald:
    herald = parse_herald(raw[:ENVELOPE_MAX])
    check_herald(herald, workshop.keys.signer_of)
    return herald


def opened(workshop: Any, raw: bytes, keys: Any = None) -> Promise:
    return open_herald(io.BytesIO(raw), proven(workshop, raw), keys or [workshop.keys.recipient])


def resigned(workshop: Any, raw: bytes, header: bytes) -> bytes:
    """The herald with another header, signed again by its sender."""
    rest = raw[proven(workshop, raw).envelope.manifest_offset :]
    return header + workshop.keys.sender.sign("herald", header) + rest


def test_it_promises_what_the_bundle_then_holds(workshop: Any, sealed: Sealed, texts: Any) -> None:
    offset, size, length = sealed.placed
    assert length == len(sealed.herald)
    assert size == len(sealed.bundle)
    herald, envelope = proven(workshop, sealed.herald), workshop.envelope(sealed.bundle)
    assert herald.announces(envelope)
    assert envelope.data_offset == herald.envelope.data_offset == offset
    assert length == envelope.segments_offset, "it fills the place of HEADER, SIG and MANIFEST"
    promise, listed = opened(workshop, sealed.herald), []
    got = workshop.open(sealed.bundle, accept=listed.append)
    assert got == texts
    blank = tuple(replace(file, hash=BLANK) for file in listed[0].files)
    assert promise.manifest == replace(listed[0], files=blank)


def test_what_it_promises_to_another_bundle_does_not_count(workshop: Any, sealed: Sealed, texts: Any) -> None:
    other = Sealed(workshop, {**texts, "content/scan.bin": bytes(6400)})
    assert not proven(workshop, sealed.herald).announces(workshop.envelope(other.bundle))


@pytest.mark.parametrize("field", ["epoch", "data_length", "routing_class"])
def test_a_bundle_that_differs_in_any_field_is_not_announced(workshop: Any, sealed: Sealed, field: str) -> None:
    envelope = workshop.envelope(sealed.bundle)
    changed = replace(envelope, **{field: getattr(envelope, field) + 1})
    assert not proven(workshop, sealed.herald).announces(changed)


def test_neither_can_pass_for_the_other(workshop: Any, sealed: Sealed) -> None:
    assert workshop.code_of(lambda: parse_envelope(sealed.herald)) == "not-a-bundle"
    assert workshop.code_of(lambda: heralds.parse_herald(sealed.bundle)) == "not-a-bundle"
    # With the other magic the sequence numbers are wrong; and with those of the other the signature is.
    assert workshop.code_of(lambda: heralds.parse_herald(heralds.MAGIC + sealed.bundle[8:])) == "malformed"
    header = workshop.envelope(sealed.bundle).header
    zeros = bytes(8)
    disguised = heralds.MAGIC + header[8:128] + BLANK + header[160:200] + zeros + header[208:]
    raw = disguised + sealed.bundle[len(header) :]
    assert workshop.code_of(lambda: proven(workshop, raw)) == "bad-signature"
    raw = sealed.bundle[:8] + sealed.herald[8:200] + (1).to_bytes(8, "big") + sealed.herald[208:]
    assert workshop.code_of(lambda: workshop.envelope(raw)) == "bad-signature"


def test_over_which_something_was_written_it_is_whole_no_more(workshop: Any, sealed: Sealed) -> None:
    herald, at = sealed.herald, proven(workshop, sealed.herald).envelope.manifest_offset
    assert is_whole(herald)
    changed = (herald[:at] + sealed.bundle[at : len(herald)], sealed.bundle[: len(herald)], herald[:-1], herald + b"x")
    assert not any(is_whole(one) for one in (*changed, b""))


def test_every_flip_is_refused(classic: Any, texts: Any) -> None:
    raw = Sealed(classic, texts).herald
    for at in range(len(raw)):
        flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert classic.code_of(lambda flipped=flipped: opened(classic, flipped)), at


def test_what_is_cut_short_is_refused(classic: Any, texts: Any) -> None:
    raw = Sealed(classic, texts).herald
    for length in (0, 7, 8, 9, 167, 168, 300):
        assert classic.code_of(lambda length=length: proven(classic, raw[:length])) in ("not-a-bundle", "truncated")
    assert classic.code_of(lambda: opened(classic, raw[:-1])) == "manifest-corrupt"


def test_numbers_and_hashes_are_blank(workshop: Any, sealed: Sealed) -> None:
    header = proven(workshop, sealed.herald).envelope.header
    numbered = header[:200] + (1).to_bytes(8, "big") + header[208:]
    assert workshop.code_of(lambda: proven(workshop, resigned(workshop, sealed.herald, numbered))) == "malformed"
    hashed = header[:128] + b"\1" + header[129:]
    assert workshop.code_of(lambda: proven(workshop, resigned(workshop, sealed.herald, hashed))) == "malformed"


@pytest.mark.parametrize("where", ["a hash", "a signature"])
def test_a_draft_that_claims_what_nobody_knows_yet_is_refused(workshop: Any, sealed: Sealed, where: str) -> None:
    """Its sender signed and encrypted it all the same; nothing is to be written by it."""
    herald, promise = proven(workshop, sealed.herald), opened(workshop, sealed.herald)
    envelope, use = herald.envelope, algorithms(herald.envelope.suite)
    text, rest = promise.text, bytes(use.signature_length)
    if where == "a hash":
        text = text.replace(BLANK.hex().encode(), b"1" * 64, 1)
        assert text != promise.text
    else:
        rest = b"\1" + rest[1:]
    cipher = chunked.encrypt_whole(
        use.encryptor(promise.content_key, label("draft") + envelope.bind),
        len(text).to_bytes(4, "big") + text + rest,
    )
    header = envelope.header[:96] + digest(envelope.suite, cipher) + envelope.header[128:]
    raw = resigned(workshop, sealed.herald, header)[: envelope.manifest_offset] + cipher
    assert workshop.code_of(lambda: opened(workshop, raw)) == "manifest-malformed"


def test_who_it_is_not_for_and_who_it_is_not_from(workshop: Any, sealed: Sealed) -> None:
    assert workshop.code_of(lambda: opened(workshop, sealed.herald, [workshop.keys.other])) == "not-addressed-to-us"
    herald = parse_herald(sealed.herald[:ENVELOPE_MAX])
    assert workshop.code_of(lambda: check_herald(herald, lambda _: None)) == "unknown-sender"
    signer_of = workshop.keys.signer_of
    assert workshop.code_of(lambda: check_herald(herald, signer_of, lambda _: True)) == "revoked-sender"


def test_a_draft_is_no_manifest_and_a_manifest_no_draft(workshop: Any, sealed: Sealed) -> None:
    """The same bytes under the other name do not decrypt, although both are made with one key."""
    herald, envelope = proven(workshop, sealed.herald).envelope, workshop.envelope(sealed.bundle)
    draft, real = sealed.herald[herald.manifest_offset :], sealed.bundle[envelope.manifest_offset :]
    hash_of = sealed.herald[96:128]
    header = envelope.header[:96] + hash_of + envelope.header[128:]
    swapped = workshop.resign(sealed.bundle, header)
    swapped = swapped[: envelope.manifest_offset] + draft + swapped[envelope.segments_offset :]
    assert workshop.refusal(swapped) == "content-auth-failed"
    header = herald.header[:96] + envelope.manifest_hash + herald.header[128:]
    raw = resigned(workshop, sealed.herald, header)[: herald.manifest_offset] + real[: herald.manifest_length]
    assert workshop.code_of(lambda: opened(workshop, raw)) == "content-auth-failed"


def test_a_bundle_without_its_end_is_none(workshop: Any, sealed: Sealed) -> None:
    """Killed before it was finished: all of DATA is there, and a herald in the place of the front."""
    raw = sealed.herald + sealed.bundle[len(sealed.herald) :]
    assert workshop.refusal(raw) == "not-a-bundle"
