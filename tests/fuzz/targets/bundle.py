"""Bundles: the envelope, the manifest, compressed members, and whole bundles that are hostile inside a true seal."""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace

import zstandard

from gateway.bundle import chunked, compression, manifest, policy
from gateway.bundle.compression import BadFrameError
from gateway.bundle.envelope import (
    Envelope,
    Recipient,
    bind_of,
    bound_part,
    encode_fixed,
    encode_recipients,
    parse_envelope,
    verify_envelope,
)
from gateway.bundle.manifest import Coding, ManifestFile
from gateway.bundle.paths import check_paths
from gateway.bundle.payload import verify_payload
from gateway.bundle.seal import SealMember
from gateway.bundle.suites import Suite, algorithms, digest, label
from gateway.bundle.unseal import open_bundle
from tests.fuzz.keys import RECIPIENT, RECIPIENT_PUBLIC, SENDER, SENDER_ID, SENDER_PUBLIC, STRANGER, signer_of
from tests.fuzz.shapes import canonical_form
from tests.fuzz.target import Draw, Target, attempt, piece
from tests.support.bundles import finish, prepare

SUITE = Suite.CLASSIC
CREATED, EXPIRES = 1_000_000, 1_086_400
CONTENT_KEY = bytes(range(32))
FRAME_MAX = 4 << 20
"""Bytes of content that a frame may promise here: the format allows more, and each costs time to make."""


# -- the envelope -----------------------------------------------------------------------------------------------------


def run_envelope(data: bytes) -> None:
    """Parse any bytes; then sign what was accepted, so that everything behind the signature is reached."""
    envelope = attempt(lambda: parse_envelope(data))
    if envelope is None:
        return
    assert encoded(envelope) == envelope.header
    assert envelope.size >= len(envelope.header) + len(envelope.signature)
    attempt(lambda: verify_envelope(data, signer_of))
    if envelope.suite is SUITE:
        header = envelope.header[:64] + SENDER_ID + envelope.header[96:]
        signature = SENDER.sign_all("outer", [header], envelope.depth)[0]
        run_signed(header + signature + data[len(header) + len(signature) :])


def run_signed(raw: bytes) -> None:
    envelope = verify_envelope(raw, signer_of)
    attempt(lambda: policy.check_not_expired(envelope, CREATED))
    attempt(lambda: policy.check_key_valid(envelope, CREATED, EXPIRES))
    attempt(lambda: policy.check_not_too_large(envelope, 1 << 30))
    policy.clock_skew(envelope, CREATED, policy.SkewLimits())
    attempt(lambda: verify_payload(io.BytesIO(raw), len(raw), envelope))


def encoded(envelope: Envelope) -> bytes:
    return encode_fixed(
        suite=envelope.suite,
        segment_log2=envelope.segment_log2,
        routing_class=envelope.routing_class,
        recipients=len(envelope.recipients),
        created=envelope.created,
        depth=envelope.depth,
        expires=envelope.expires,
        bundle=bytes.fromhex(envelope.bundle_id),
        manifest_length=envelope.manifest_length,
        data_length=envelope.data_length,
        sender_key_id=envelope.sender_key_id,
        manifest_hash=envelope.manifest_hash,
        segments_hash=envelope.segments_hash,
        epoch=envelope.epoch,
    ) + encode_recipients(envelope.recipients)


def honest(members: Mapping[str, bytes], recipients: int = 1, depth: int = 0) -> bytes:
    sealed = [SealMember(path, None, len(text), lambda text=text: io.BytesIO(text)) for path, text in members.items()]
    publics = [RECIPIENT_PUBLIC, SENDER_PUBLIC, STRANGER.public][:recipients]
    out = io.BytesIO()
    prepared = prepare(
        out,
        sealed,
        meta={"flow": "arrest-request"},
        keys=SENDER,
        recipients=publics,
        created=CREATED,
        expires=EXPIRES,
        epoch=3,
        seg_log2=20,
        depth=depth,
    )
    finish(out, prepared, [7] * recipients, SENDER)
    return out.getvalue()


MEMBERS = {
    "case-package.json": b'{"case":"sample"}' * 20,
    "content/empty.txt": b"",
    "content/提请批准逮捕书.pdf": b"%PDF",
}


def envelope_seeds() -> Mapping[str, bytes]:
    whole = honest(MEMBERS)
    cut = parse_envelope(whole)
    return {
        "whole": whole,
        "head": whole[: cut.manifest_offset],
        "three": honest({"a": b"b"}, 3),
        "shared": honest({"a": b"b"}, depth=2),
    }


# -- the manifest -----------------------------------------------------------------------------------------------------


def run_manifest(data: bytes) -> None:
    """The text as it is, and in the form that it should have."""
    for text in (data, canonical_form(data)):
        found = attempt(lambda text=text: manifest.decode(text))
        if found is not None:
            assert manifest.encode(found) == text
            attempt(lambda found=found: check_paths(file.path for file in found.files))


def listed(path: str, text: bytes, packed: bytes | None = None, **changes: object) -> ManifestFile:
    """The true entry of a member, stored as `packed` if that is given, but for the fields in `changes`."""
    coding = Coding.IDENTITY if packed is None else Coding.ZSTD
    fields = {"path": path, "raw": None, "size": len(text), "hash": digest(SUITE, text), "coding": coding}
    stored = len(text if packed is None else packed)
    return ManifestFile(**(fields | {"stored": stored} | changes))  # type: ignore[arg-type]  # kinds vary by key


def manifest_seeds() -> Mapping[str, bytes]:
    plain = [listed(path, text) for path, text in MEMBERS.items()]
    long = b"x" * 5000
    packed = [listed("a", long, zstandard.compress(long)), listed("b/c", b"2", raw="笔录".encode("gbk"))]
    meta = {"flow": "arrest-request", "pages": 3, "units": ["990101", "990102"]}
    return {
        "plain": manifest.encode(manifest.build({}, plain)),
        "packed": manifest.encode(manifest.build(meta, packed)),
        "windows": manifest.encode(
            manifest.build({}, [listed(path, b"") for path in ("aux.xml", "a.txt:b", "c./d ", "LPT¹", "e?")])
        ),
    }


# -- a compressed member ----------------------------------------------------------------------------------------------


def run_frame(data: bytes) -> None:
    """Any frame under any promised size: exactly that many bytes, the same as the library's, or none."""
    size, frame = int.from_bytes(data[:4], "big") % (FRAME_MAX + 1), data[4:]
    source = io.BytesIO(frame)

    def whole() -> bytes:
        return b"".join(compression.Decompressor().content(source.read, len(frame), size))

    content = attempt(whole, BadFrameError)
    if content is not None:
        assert len(content) == size
        assert zstandard.ZstdDecompressor().decompress(frame, max_output_size=size) == content


def frame_seeds() -> Mapping[str, bytes]:
    texts = {"short": b"caseferry", "zeros": bytes(300_000), "mixed": b"".join(b"%d," % n for n in range(600))}
    seeds = {
        name: len(text).to_bytes(4, "big") + zstandard.ZstdCompressor(write_checksum=False).compress(text)
        for name, text in texts.items()
    }
    # Two blocks of one repeated byte: four bytes each, 128 KiB of content.
    head = bytes.fromhex("28b52ffd a0") + (262_144).to_bytes(4, "little")
    runs = b"".join(((131_072 << 3) | 1 << 1 | last).to_bytes(3, "little") + b"a" for last in (0, 1))
    return seeds | {"runs": (262_144).to_bytes(4, "big") + head + runs}


# -- whole bundles ----------------------------------------------------------------------------------------------------

_TEXT, _PAD, _LENGTH, _STRANGER, _WRAP, _LABEL, _SHORT, _EDIT = (1 << bit for bit in range(8))
_ZSTD, _GIVEN, _SIZE, _HASH, _BENT, _RAW = (1 << bit for bit in range(6))


def run_payload(data: bytes) -> None:
    """A bundle whose outer signature is true, hostile in whatever the input says: list, frames, padding, wrapping."""
    raw = forged(Draw(data))
    envelope = verify_envelope(raw, signer_of)
    attempt(lambda: verify_payload(io.BytesIO(raw), len(raw), envelope))
    got: dict[str, Counting] = {}

    def sink(file: ManifestFile) -> Counting:
        got[file.path] = Counting(file.size)
        return got[file.path]

    found = attempt(
        lambda: open_bundle(
            io.BytesIO(raw), len(raw), envelope=envelope, keys=[RECIPIENT], signer=SENDER_PUBLIC, sink=sink
        )
    )
    if found is not None:
        assert {file.path: file.size for file in found.files} == {path: one.done for path, one in got.items()}


class Counting(io.RawIOBase):
    """A sink that keeps nothing and takes no more than was promised."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.done = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        count = len(piece)  # type: ignore[arg-type]  # a memoryview of bytes
        self.done += count
        assert self.done <= self.most, "a member grows beyond its promised size"
        return count


def forged(draw: Draw) -> bytes:
    return sealed(draw, *drawn(draw))


def drawn(draw: Draw, hashed: Callable[[bytes], bytes] = bytes) -> tuple[int, bytes, bytes]:
    """Return how the rest is bent, a manifest's text in which `hashed` gives each hash, and the plain text of DATA."""
    how = draw.number()
    files, stored = [], []
    for _ in range(draw.number() % 6):
        file, kept = _member(draw)
        files.append(file)
        stored.append(kept)
    built = manifest.build({}, [replace(file, hash=hashed(file.hash)) for file in files])
    # A claimed length may be huge; what is written may not.
    pad = bytes(min(built.pad, 1 << 16)) if not how & _PAD else draw.piece()
    text = b"".join([manifest.encode(built)]) if not how & _TEXT else draw.piece(2)
    if how & _EDIT:
        at = draw.number(2) % (len(text) + 1)
        text = text[:at] + draw.piece() + text[at + draw.number() :]
    return how, text, b"".join(stored) + pad


def _member(draw: Draw) -> tuple[ManifestFile, bytes]:
    shape, path, body = draw.number(), draw.text(), draw.piece(2)
    stored = None
    if shape & _ZSTD:
        body *= 1 + draw.number()
        stored = zstandard.ZstdCompressor(write_checksum=False).compress(body)
        if shape & _GIVEN:
            stored = draw.piece(2)
        if shape & _BENT:
            at = draw.number(2) % (len(stored) + 1)
            stored = stored[:at] + draw.piece() + stored[at + draw.number() :]
    changes: dict[str, object] = {}
    if shape & _SIZE:
        changes["size"] = draw.number(4)
        if not shape & _ZSTD:
            changes["stored"] = changes["size"]
    if shape & _HASH:
        changes["hash"] = bytes(32)
    if shape & _RAW:
        changes["raw"] = draw.piece()
    return listed(path, body, stored, **changes), body if stored is None else stored


def sealed(draw: Draw, how: int, text: bytes, plain: bytes) -> bytes:
    """The bundle around a manifest's text and the plain text of DATA; lengths and hashes of the envelope are true."""
    use = algorithms(SUITE)
    key_id = RECIPIENT_PUBLIC.encrypt_key_id
    fixed, bind = settled(plain)
    data_label = "manifest" if how & _LABEL else "data"
    data = chunked.encrypt_whole(use.encryptor(CONTENT_KEY, label(data_label) + bind), plain)
    segments = b"".join(digest(SUITE, data[at : at + 2**20]) for at in range(0, len(data), 2**20))
    signer = STRANGER if how & _STRANGER else SENDER
    length = draw.number(4) if how & _LENGTH else len(text)
    inner = length.to_bytes(4, "big") + text + signer.sign("inner", bind + text)
    if how & _SHORT:
        inner = inner[: draw.number(2)]
    cipher = chunked.encrypt_whole(use.encryptor(CONTENT_KEY, label("manifest") + bind), inner)
    head = encode_fixed(
        manifest_length=len(cipher),
        manifest_hash=digest(SUITE, cipher),
        segments_hash=digest(SUITE, segments),
        **fixed,
    )
    wrapped = RECIPIENT_PUBLIC.wrap("wrap", bind, CONTENT_KEY)
    if how & _WRAP:
        wrapped = wrapped[:1] + bytes([wrapped[1] ^ draw.number()]) + wrapped[2:]
    header = head + encode_recipients([Recipient(key_id, 1, wrapped)])
    return header + SENDER.sign("outer", header) + cipher + segments + data


def settled(plain: bytes) -> tuple[Mapping[str, object], bytes]:
    """Return the fields of HEADER that are known before its lengths and hashes, and `bind`."""
    fixed = {
        "suite": SUITE,
        "segment_log2": 20,
        "routing_class": 0,
        "recipients": 1,
        "created": CREATED,
        "expires": EXPIRES,
        "bundle": bytes(16),
        "sender_key_id": SENDER_ID,
        "data_length": chunked.ciphertext_length(len(plain)),
        "epoch": 3,
    }
    blank = encode_fixed(manifest_length=0, manifest_hash=bytes(32), segments_hash=bytes(32), **fixed)
    return fixed, bind_of(SUITE, bound_part(blank), SENDER_ID, [RECIPIENT_PUBLIC.encrypt_key_id])


def payload_seeds() -> Mapping[str, bytes]:
    def member(shape: int, path: str, body: bytes, more: bytes = b"") -> bytes:
        return bytes([shape]) + piece(path.encode()) + piece(body, 2) + more

    two = member(0, "case-package.json", b"{}") + member(0, "content/a.txt", b"abc" * 40)
    zeros = member(_ZSTD, "content/z", bytes(500), b"\x40")
    frame = zstandard.ZstdCompressor(write_checksum=False).compress(b"a" * 900)
    given = member(_ZSTD | _GIVEN | _SIZE, "content/g", b"", b"\0" + piece(frame, 2) + (900).to_bytes(4, "big"))
    bent = member(_ZSTD | _BENT, "content/b", b"bent" * 99, b"\x10\0\x06" + piece(b"\xff") + b"\1")
    text = manifest.encode(manifest.build({"flow": "x"}, [listed("a", b"aa")]))
    return {
        "two": b"\0\2" + two,
        "packed": b"\0\3" + two + zeros,
        "given": b"\0\1" + given,
        "bent": b"\0\1" + bent,
        "pad": bytes([_PAD, 2]) + two + piece(b"\0\1\0"),
        "text": bytes([_TEXT, 1]) + member(0, "a", b"aa") + piece(text, 2),
        "edit": bytes([_EDIT, 2]) + two + b"\0\x20" + piece(b'"') + b"\1",
        "unsafe": b"\0\2" + member(0, "../x", b"1") + member(_HASH, "a/b", b"2"),
        "stranger": bytes([_STRANGER, 1]) + member(_RAW, "a", b"aa", piece(b"\xb1\xca")),
        "wrapped": bytes([_WRAP, 0, 1]),
        "short": bytes([_SHORT | _LENGTH | _LABEL, 1]) + member(0, "a", b"b") + bytes(4) + b"\0\x30",
    }


TARGETS = (
    Target("envelope", run_envelope, envelope_seeds, longest=8192),
    Target("manifest", run_manifest, manifest_seeds, growth=256, json_at=0),
    Target("frame", run_frame, frame_seeds, memory=3 * FRAME_MAX),
    # A megabyte for each of the buffers of opening, and members of 255 repetitions.
    Target("payload", run_payload, payload_seeds, memory=64 << 20),
)
