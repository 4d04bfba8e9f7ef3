"""Opening: every way a bundle can be wrong has its own code, and nothing is handed out before the last check."""

import io
import math
import random
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import zstandard

from gateway.bundle import chunked, manifest
from gateway.bundle.compression import WINDOW_MAX
from gateway.bundle.envelope import bind_of, bound_part
from gateway.bundle.manifest import Coding
from gateway.bundle.suites import Suite, algorithms, label
from gateway.bundle.unseal import open_bundle
from gateway.domain.errors import PermanentError, SecurityError
from tests.support.forging import flipped

MIB = 2**20


def test_every_flip_behind_the_envelope_is_refused(classic):
    raw = classic.seal({"a": b"x" * 50})
    envelope = classic.envelope(raw)
    for at in range(envelope.manifest_offset, len(raw)):
        wanted = (
            "manifest-corrupt"
            if at < envelope.segments_offset
            else "segment-list-corrupt"
            if at < envelope.data_offset
            else "segment-corrupt"
        )
        changed = flipped(raw, at, at % 8)
        assert classic.refusal(changed) == wanted, at
        assert classic.code_of(lambda changed=changed: classic.verify(changed)) == wanted, at


def test_the_corrupt_segment_is_named(workshop):
    raw = workshop.seal({"a": random.Random(1).randbytes(3 * MIB)})
    envelope = workshop.envelope(raw)
    assert envelope.segment_count == 4
    changed = flipped(raw, envelope.data_offset + 2 * MIB + 5)
    for act in (lambda: workshop.verify(changed), lambda: workshop.open(changed)):
        with pytest.raises(SecurityError) as caught:
            act()
        assert (caught.value.code, caught.value.facts) == ("segment-corrupt", {"segment": 2})


def test_cut_and_extended(classic):
    raw = classic.seal({"a": b"x" * 50})
    start = classic.envelope(raw).manifest_offset
    for end in range(start, len(raw)):
        assert classic.refusal(raw[:end]) == "truncated", end
    for tail in (b"\0", b"more" * 100, raw):
        assert classic.refusal(raw + tail) == "trailing-bytes"
        assert classic.code_of(lambda tail=tail: classic.verify(raw + tail)) == "trailing-bytes"


def test_file_shorter_than_it_was_said(classic):
    raw = classic.seal({"a": b"x" * 50})
    envelope = classic.envelope(raw)
    for end, wanted in [
        (envelope.segments_offset - 1, "manifest-corrupt"),
        (envelope.data_offset - 1, "truncated"),
        (len(raw) - 1, "truncated"),
    ]:
        source = io.BytesIO(raw[:end])
        found = classic.code_of(
            lambda source=source: open_bundle(
                source,
                len(raw),
                envelope=envelope,
                keys=[classic.keys.recipient],
                signer=classic.keys.sender.public,
                sink=lambda _file: io.BytesIO(),
            )
        )
        assert found == wanted


def test_not_addressed_to_us(workshop):
    raw = workshop.seal()
    assert workshop.code_of(lambda: workshop.open(raw, keys=[workshop.keys.other])) == "not-addressed-to-us"
    assert workshop.code_of(lambda: workshop.open(raw, keys=[])) == "not-addressed-to-us"


def test_opened_with_the_right_one_of_several_keys(workshop, texts):
    keys = [workshop.keys.other, workshop.keys.recipient]
    assert workshop.open(workshop.seal(), keys=keys) == texts


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        pytest.param(9, ">B", 21, id="segment size"),
        pytest.param(10, ">H", 9, id="class"),
        pytest.param(16, ">Q", 999_999, id="created"),
        pytest.param(24, ">Q", 1_086_401, id="expires"),
        pytest.param(32, ">Q", 1, id="bundle id"),
    ],
)
def test_what_is_bound_cannot_be_changed_even_by_the_signer(workshop, offset, layout, value):
    raw = workshop.seal({"a": b"x"})
    header = bytearray(workshop.envelope(raw).header)
    struct.pack_into(layout, header, offset, value)
    assert workshop.refusal(workshop.resign(raw, bytes(header))) == "unwrap-failed"


def test_taking_over_a_foreign_bundle(workshop):
    """Somebody strips the sender's signature and puts their own name and signature there."""
    raw = workshop.seal()
    keys = workshop.keys
    header = bytearray(workshop.envelope(raw).header)
    header[64:96] = keys.other.sign_key_id
    assert workshop.refusal(workshop.resign(raw, bytes(header), keys.other)) == "unwrap-failed"


def test_forwarding_to_somebody_else(workshop):
    """A recipient wraps the content key to a third one under the sender's old header."""
    raw = workshop.seal()
    keys = workshop.keys
    envelope = workshop.envelope(raw)
    key = keys.recipient.unwrap("wrap", envelope.bind, envelope.recipients[0].wrap)
    assert key is not None
    key_ids = [keys.other.encrypt_key_id]
    bind = bind_of(workshop.suite, bound_part(envelope.header), envelope.sender_key_id, key_ids)
    for wrapped_under, wanted in [(envelope.bind, "unwrap-failed"), (bind, "content-auth-failed")]:
        wrapped = keys.other.public.wrap("wrap", wrapped_under, key)
        header = envelope.header[:168] + keys.other.encrypt_key_id + envelope.header[200:208] + wrapped
        forwarded = header + envelope.signature + raw[envelope.manifest_offset :]
        assert workshop.code_of(lambda raw=forwarded: workshop.open(raw, keys=[keys.other])) == "bad-signature"
        # Even the sender's own new signature would not make the old content theirs.
        resigned = workshop.resign(raw, header)
        assert workshop.code_of(lambda raw=resigned: workshop.open(raw, keys=[keys.other])) == wanted


def test_sequence_is_signed_but_not_bound(classic, texts):
    """The stream number is allotted after the content was encrypted, so it may differ from what was prepared."""
    raw = classic.seal(sequences=[1])
    header = bytearray(classic.envelope(raw).header)
    struct.pack_into(">Q", header, 200, 2)
    assert classic.open(classic.resign(raw, bytes(header))) == texts


def test_forge_makes_true_bundles(workshop):
    raw = workshop.forge([workshop.listed("a", b"abc")], b"abc")
    assert workshop.open(raw) == {"a": b"abc"}


def test_wrapped_key_of_a_stranger(workshop):
    raw = workshop.forge([workshop.listed("a", b"x")], b"x", wrapped_key=lambda key: key[::-1])
    assert workshop.refusal(raw) == "content-auth-failed"


@pytest.mark.parametrize("where", ["manifest_label", "data_label"])
def test_manifest_and_data_have_different_contexts(workshop, where):
    raw = workshop.forge([workshop.listed("a", b"x")], b"x", **{where: "other"})
    assert workshop.refusal(raw) == "content-auth-failed"


def test_inner_signature(workshop):
    files = [workshop.listed("a", b"x")]
    assert workshop.refusal(workshop.forge(files, b"x", inner_signer=workshop.keys.other)) == "inner-signature-bad"
    assert workshop.refusal(workshop.forge(files, b"x", inner_label="outer")) == "inner-signature-bad"


FRAMES = {
    "length too small": lambda text, signature: (len(text) - 1).to_bytes(4, "big") + text + signature,
    "length too large": lambda text, signature: (len(text) + 1).to_bytes(4, "big") + text + signature,
    "length beyond all": lambda text, signature: b"\xff\xff\xff\xff" + text + signature,
    "byte after the signature": lambda text, signature: len(text).to_bytes(4, "big") + text + signature + b"\0",
    "no signature": lambda text, _signature: len(text).to_bytes(4, "big") + text,
    "nothing": lambda _text, _signature: b"",
    "three bytes": lambda _text, _signature: b"\0\0\0",
}


@pytest.mark.parametrize("kind", list(FRAMES))
def test_manifest_lengths(classic, kind):
    raw = classic.forge([classic.listed("a", b"x")], b"x", frame=FRAMES[kind])
    assert classic.refusal(raw) == "manifest-malformed"


def changed(found: bytes, old: bytes, new: bytes) -> bytes:
    assert old in found
    return found.replace(old, new, 1)


EDITS = {
    "white space": lambda t: t + b" ",
    "newline": lambda t: b"\n" + t,
    "byte-order mark": lambda t: b"\xef\xbb\xbf" + t,
    "empty": lambda t: b"",
    "not UTF-8": lambda t: changed(t, b'"path":"a"', b'"path":"\xff"'),
    "lone surrogate": lambda t: changed(t, b'"path":"a"', b'"path":"\\ud800"'),
    "needless escape": lambda t: changed(t, b'"path":"a"', b'"path":"\\u0061"'),
    "keys in another order": lambda t: changed(t, b'"pad":0,"total":1', b'"total":1,"pad":0'),
    "double key": lambda t: changed(t, b'"pad":0', b'"pad":0,"pad":0'),
    "unknown key": lambda t: changed(t, b'"pad":0', b'"pad":0,"qad":0'),
    "key missing": lambda t: changed(t, b'"raw":"",', b""),
    "fraction": lambda t: changed(t, b'"size":1', b'"size":1.0'),
    "exponent": lambda t: changed(t, b'"size":1', b'"size":1e0'),
    "leading zero": lambda t: changed(t, b'"size":1', b'"size":01'),
    "minus zero": lambda t: changed(t, b'"pad":0', b'"pad":-0'),
    "negative": lambda t: changed(t, b'"size":1', b'"size":-1'),
    "true for one": lambda t: changed(t, b'"size":1', b'"size":true'),
    "null": lambda t: changed(t, b'"raw":""', b'"raw":null'),
    "NaN": lambda t: changed(t, b'"size":1', b'"size":NaN'),
    "number with thousands of digits": lambda t: changed(t, b'"size":1', b'"size":' + b"9" * 5000),
    "nesting": lambda t: b"[" * 100_000 + b"]" * 100_000,
    "a list": lambda t: b"[" + t + b"]",
    "version two": lambda t: changed(t, b'"v":1', b'"v":2'),
    "hash in capitals": lambda t: changed(t, b'"hash":"2d', b'"hash":"2D'),
    "space in a hash": lambda t: changed(t, b'"hash":"2d', b'"hash":"  '),
    "short hash": lambda t: changed(t, b'"hash":"2d', b'"hash":"'),
    "odd raw": lambda t: changed(t, b'"raw":""', b'"raw":"abc"'),
    "unknown coding": lambda t: changed(t, b"identity", b"deflate"),
    "stored is not size": lambda t: changed(t, b'"size":1', b'"size":2'),
    "total is not the sum": lambda t: changed(t, b'"total":1', b'"total":2'),
    "other padding": lambda t: changed(t, b'"pad":0', b'"pad":1'),
    "no files": lambda t: b'{"files":[],"meta":{},"pad":0,"total":0,"v":1}',
    "files is an object": lambda t: b'{"files":{},"meta":{},"pad":0,"total":0,"v":1}',
    "meta is a list": lambda t: changed(t, b'"meta":{}', b'"meta":[]'),
    "meta key in capitals": lambda t: changed(t, b'"meta":{}', b'"meta":{"A":1}'),
    "meta value is an object": lambda t: changed(t, b'"meta":{}', b'"meta":{"a":{}}'),
    "zstd that does not shrink": lambda t: changed(t, b"identity", b"zstd"),
}


@pytest.mark.parametrize("kind", list(EDITS))
def test_manifest_text(classic, kind):
    text = manifest.encode(manifest.build({}, [classic.listed("a", b"x")]))
    assert b'"hash":"2d' in text
    raw = classic.forge([classic.listed("a", b"x")], b"x", text=EDITS[kind](text))
    assert classic.refusal(raw) == "manifest-malformed"


def test_data_of_another_length_than_the_manifest_says(classic):
    assert classic.refusal(classic.forge([classic.listed("a", b"abc")], b"abcd")) == "manifest-malformed"
    assert classic.refusal(classic.forge([classic.listed("a", b"abc")], b"ab")) == "manifest-malformed"


UNSAFE = {
    "absolute": ["/a"],
    "empty": [""],
    "dot": ["./a"],
    "dot-dot": ["a/../../b"],
    "only dot-dot": [".."],
    "empty part": ["a//b"],
    "ends with a slash": ["a/"],
    "backslash": ["a\\b"],
    "NUL": ["a\0b"],
    "newline": ["a\nb"],
    "DEL": ["a\x7fb"],
    "C1 control": ["a\x85b"],
    "turned around": ["invoice\u202efdp.exe"],
    "not NFC": ["e\u0301"],
    "too deep": ["/".join("a" * 33)],
    "long part": ["判" * 86],
    "long part of letters": ["b/" + "a" * 256],
    "long path": ["/".join(["a" * 200] * 11)],
    "path longer by one": ["/".join(["a" * 255] * 8) + "/b"],
    "final dot": ["a./b"],
    "final blank": ["判 "],
    "dots": ["..."],
    "stream": ["a:b"],
    "stream of Chinese": ["判:b"],
    "device": ["a/NUL/b"],
    "device with an ending": ["aux.xml"],
    "device behind Chinese": ["判/Com¹.pdf"],
    "twice": ["a", "a"],
    "by case": ["Readme", "README"],
    "by folding": ["straße", "STRASSE"],
    "file and folder": ["a", "a/b"],
    "folder and file": ["A/b", "a"],
}


@pytest.mark.parametrize("kind", list(UNSAFE))
def test_unsafe_paths(classic, kind):
    raw = classic.forge([classic.listed(path, b"") for path in UNSAFE[kind]], b"")
    assert classic.refusal(raw) == "unsafe-path"


def test_safe_paths_that_look_strange(classic):
    paths = [
        "a b",
        "..a",
        "nullify",
        "con-1",
        "判.con",
        ".hidden",
        "判" * 85,
        "/".join("a" * 32),
        "a" * 255,
        "/".join(["b" * 255] * 8),
        "a?b",
        "~",
        "-rf",
        "%2e%2e",
        "ｅ",
        "𠮷.pdf",
    ]
    raw = classic.forge([classic.listed(path, b"") for path in paths], b"")
    assert sorted(classic.open(raw)) == sorted(paths)


def test_member_with_another_hash(workshop):
    raw = workshop.forge([workshop.listed("a", b"abc")], b"abd")
    assert workshop.refusal(raw) == "file-hash-mismatch"


def test_padding_that_is_not_zero(workshop):
    text = bytes(1001)
    pad = manifest.padding_for(1001)
    assert pad > 0
    listed = [workshop.listed("a", text)]
    assert workshop.refusal(workshop.forge(listed, text, pad=bytes(pad - 1) + b"\1")) == "padding-not-zero"


def frame(text: bytes, **options: object) -> bytes:
    settings = {"write_checksum": False, "write_content_size": True} | options
    return zstandard.ZstdCompressor(**settings).compress(text)


def parameters(**options: int) -> dict[str, object]:
    given = zstandard.ZstdCompressionParameters(**({"write_content_size": 1, "write_checksum": 0} | options))
    return {"compression_params": given}


def raw_frame(text: bytes, **options: object) -> bytes:
    return zstandard.ZstdCompressor(**parameters(**options)).compress(text)


TEXT = b"a form with many lines\n" * 10_000


def skippable() -> bytes:
    return b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"


def streamed_without_size() -> bytes:
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return packer.compress(TEXT) + packer.flush()


def with_block(kind: int, length: int) -> bytes:
    """A frame of TEXT whose first block is said to be of another kind and length."""
    good = frame(TEXT)
    at = zstandard.frame_header_size(good)
    return good[:at] + (length << 3 | kind << 1).to_bytes(3, "little") + good[at + 3 :]


BAD_FRAMES = {
    "checksum": lambda: raw_frame(TEXT, write_checksum=1),
    "no content size": streamed_without_size,
    "content size too small": lambda: frame(TEXT[:-1]),
    "content size too large": lambda: frame(TEXT + b"x"),
    "cut": lambda: frame(TEXT)[:-1],
    "byte after the end": lambda: frame(TEXT) + b"\0",
    "two frames": lambda: frame(TEXT) + frame(b""),
    "skippable frame first": lambda: skippable() + frame(TEXT),
    "skippable frame after": lambda: frame(TEXT) + skippable(),
    "not a frame": lambda: b"PK\x03\x04" * 20,
    "empty": lambda: b"",
    "one byte": lambda: b"\x28",
    "reserved block": lambda: with_block(3, 1),
    "block above 128 KiB": lambda: with_block(0, 128 * 1024 + 1),
    "block longer than the rest": lambda: with_block(0, 500),
    "dictionary": lambda: b"\x28\xb5\x2f\xfd\xa1\x07" + len(TEXT).to_bytes(4, "little") + frame(TEXT)[8:],
    "dictionary id 0": lambda: b"\x28\xb5\x2f\xfd\xa1\x00" + len(TEXT).to_bytes(4, "little") + frame(TEXT)[8:],
    "other content": lambda: frame(TEXT.replace(b"form", b"farm")),
}


@pytest.mark.parametrize("kind", list(BAD_FRAMES))
def test_frames_that_are_refused(classic, kind):
    stored = BAD_FRAMES[kind]()
    listed = classic.listed("a", TEXT, coding=Coding.ZSTD, stored=len(stored))
    assert classic.refusal(classic.forge([listed], stored)) == "file-hash-mismatch"


def test_frame_that_wants_a_large_window(classic):
    text = bytes(9 * MIB)
    packer = zstandard.ZstdCompressor(**parameters(window_log=24)).compressobj(size=len(text))
    stored = packer.compress(text[:MIB]) + packer.compress(text[MIB:]) + packer.flush()
    assert zstandard.get_frame_parameters(stored).window_size > WINDOW_MAX
    listed = classic.listed("a", text, coding=Coding.ZSTD, stored=len(stored))
    assert classic.refusal(classic.forge([listed], stored)) == "file-hash-mismatch"


BOMB_HEADERS = {
    "one segment": b"\x28\xb5\x2f\xfd\xa0" + len(TEXT).to_bytes(4, "little"),
    "window of 128 KiB": b"\x28\xb5\x2f\xfd\x80\x38" + len(TEXT).to_bytes(4, "little"),
}


@pytest.mark.parametrize("kind", list(BOMB_HEADERS))
def test_bomb_stops_at_the_promised_size(classic, kind):
    """The header of the frame promises 230 KB, its blocks hold 32 MiB."""
    rle = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    stored = BOMB_HEADERS[kind] + rle * 255 + (128 * 1024 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    written = []

    class Counting(io.BytesIO):
        def write(self, data):
            written.append(len(data))
            return super().write(data)

    listed = classic.listed("a", TEXT, coding=Coding.ZSTD, stored=len(stored))
    raw = classic.forge([listed], stored)
    found = classic.code_of(
        lambda: open_bundle(
            io.BytesIO(raw),
            len(raw),
            envelope=classic.envelope(raw),
            keys=[classic.keys.recipient],
            signer=classic.keys.sender.public,
            sink=lambda _file: Counting(),
        )
    )
    assert found == "file-hash-mismatch"
    assert sum(written) <= len(TEXT)


def test_accept_decides_before_any_member_is_written(classic):
    def refuse(found):
        assert [file.path for file in found.files] == ["a"]
        raise PermanentError("not-permitted")

    raw = classic.seal({"a": b"x"})
    changed_data = flipped(raw, len(raw) - 1)
    assert classic.code_of(lambda: classic.open(changed_data, accept=refuse)) == "not-permitted"


def test_sinks_are_closed_when_a_later_check_fails(classic):
    raw = classic.forge([classic.listed("a", b"abc"), classic.listed("b", b"x")], b"abcy")
    sinks = []

    def sink(_file):
        sinks.append(io.BytesIO())
        return sinks[-1]

    keys = classic.keys
    opening = {"envelope": classic.envelope(raw), "keys": [keys.recipient], "signer": keys.sender.public, "sink": sink}
    assert classic.code_of(lambda: open_bundle(io.BytesIO(raw), len(raw), **opening)) == "file-hash-mismatch"
    assert [s.closed for s in sinks] == [True, True]


def test_disk_that_fails_while_opening(classic):
    raw = classic.seal()

    def sink(_file):
        raise OSError(28, "No space left on device")

    keys = classic.keys
    opening = {"envelope": classic.envelope(raw), "keys": [keys.recipient], "signer": keys.sender.public, "sink": sink}
    assert classic.code_of(lambda: open_bundle(io.BytesIO(raw), len(raw), **opening)) == "disk-full"


def test_segments_of_every_size(classic):
    text = random.Random(2).randbytes(5 * MIB)
    for log2 in (20, 22, 26):
        raw = classic.seal({"a": text}, seg_log2=log2)
        assert classic.open(raw) == {"a": text}
        length = chunked.ciphertext_length(len(text) + manifest.padding_for(len(text)))
        assert classic.envelope(raw).segment_count == math.ceil(length / 2**log2)


def test_of_several_recipients_none_can_put_bytes_into_the_senders_bundle(classic):
    """One of two, who knows the key as well, encrypts the members anew and leaves the sender's signature as it is."""
    keys, text = classic.keys, b"a form " * 9000
    raw = classic.seal({"a": text}, recipients=sorted((keys.recipient.public, keys.other.public), key=encrypting))
    envelope = classic.envelope(raw)
    wrapped = next(one.wrap for one in envelope.recipients if one.key_id == keys.other.encrypt_key_id)
    key = keys.other.unwrap("wrap", envelope.bind, wrapped)
    plain = chunked.decrypt_whole(
        algorithms(classic.suite).decryptor(key, label("data") + envelope.bind), raw[envelope.data_offset :]
    )
    again = algorithms(classic.suite).encryptor(key, label("data") + envelope.bind)
    changed = raw[: envelope.data_offset] + chunked.encrypt_whole(again, plain)
    written = io.BytesIO()
    opening = {"envelope": envelope, "keys": [keys.recipient], "signer": keys.sender.public}
    refusal = classic.code_of(
        lambda: open_bundle(io.BytesIO(changed), len(raw), **opening, sink=lambda _file: Kept(written))
    )
    assert (refusal, written.getvalue()) == ("segment-corrupt", b"")
    assert classic.open(raw)["a"] == text


def encrypting(keys):
    return keys.encrypt_key_id


class Kept(io.RawIOBase):
    """A sink that writes into what outlives it."""

    def __init__(self, into):
        super().__init__()
        self._into = into

    def write(self, data):
        return self._into.write(data)


def test_what_is_sound_is_read_once(classic):
    class Counting(io.BytesIO):
        count = 0

        def readinto(self, view):
            got = super().readinto(view)
            self.count += got
            return got

    raw = classic.seal({"a": random.Random(3).randbytes(2 * MIB)})
    envelope, keys, source = classic.envelope(raw), classic.keys, Counting(raw)
    opening = {"envelope": envelope, "keys": [keys.recipient], "signer": keys.sender.public}
    open_bundle(source, len(raw), **opening, sink=lambda _file: io.BytesIO())
    assert source.count == len(raw) - envelope.manifest_offset


def test_pieces_stay_as_they_are_until_they_are_hashed(classic):
    """The other thread may be as late as it is allowed to be."""
    texts = {str(n): random.Random(n).randbytes(n * MIB // 2 + n) for n in range(6)}
    assert classic.open(classic.seal(texts), beside=lambda call: call) == texts


@pytest.mark.parametrize("segment", [0, 2, 5])
def test_whoever_decrypts_beside_tells_what_is_wrong(workshop, segment):
    texts = {str(n): random.Random(n).randbytes(MIB // 2) for n in range(11)}
    raw = workshop.seal(texts)
    changed = flipped(raw, workshop.envelope(raw).data_offset + segment * MIB + 5)
    with ThreadPoolExecutor(1) as pool, pytest.raises(SecurityError) as caught:
        workshop.open(changed, beside=lambda call: pool.submit(call).result)
    assert (caught.value.code, caught.value.facts) == ("segment-corrupt", {"segment": segment})


def test_a_bundle_of_one_piece_needs_no_help(classic):
    texts = {str(n): b"x" * 1000 for n in range(5)}
    assert classic.open(classic.seal(texts), beside=None) == texts


def test_bundles_of_another_suite_do_not_pass_for_ours(classic):
    raw = classic.seal()
    envelope = replace(classic.envelope(raw), suite=Suite.PQ)
    opening = {"envelope": envelope, "keys": [classic.keys.recipient], "signer": classic.keys.sender.public}
    found = classic.code_of(lambda: open_bundle(io.BytesIO(raw), len(raw), **opening, sink=lambda _file: io.BytesIO()))
    assert found == "not-addressed-to-us"
