"""Writes bundles and receipts that may break any rule of docs/bundle-format.md.

Everything is drawn from labels, so suites 1 and 3 come out the same bit for bit every time; ML-KEM and ML-DSA of
suite 2 draw their own randomness, and there the stored file is what counts.
"""

import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.vectors import primitives as prim
from tests.vectors import tree
from tests.vectors.rules import canonical, padme
from tests.vectors.tree import Twig

MAGIC = bytes.fromhex("894342460d0a1a0a")
CREATED = 1_790_000_000
EXPIRES = CREATED + 30 * 86400
UNITS = {"alice": "990101", "bob": "990102", "carol": "990103", "mallory": "990104"}
META = {"case_number": "A990101-2026-17", "flow": "arrest-request", "pages": 3}
_SEEDS = {prim.CLASSIC: (32, 32), prim.PQ: (64, 96), prim.GM: (32, 32)}

Edit = Callable[[bytes], bytes]


def drawn(name: str, length: int) -> bytes:
    """`length` bytes that follow from a label."""
    return hashlib.shake_256(b"casebundle vectors " + name.encode()).digest(length)


@dataclass(frozen=True, slots=True)
class Keys:
    """One node's seeds and public keys of one suite."""

    suite: int
    sign_seed: bytes
    encrypt_seed: bytes
    sign_public: bytes
    encrypt_public: bytes

    @property
    def sign_id(self) -> bytes:
        """key_id of the signing key."""
        return self._id(b"S", self.sign_public)

    @property
    def encrypt_id(self) -> bytes:
        """key_id of the encryption key."""
        return self._id(b"E", self.encrypt_public)

    def _id(self, role: bytes, public: bytes) -> bytes:
        return prim.hash_of(self.suite, prim.label("key") + bytes((self.suite,)) + role + public)


@cache
def keys_of(who: str, suite: int) -> Keys:
    """The keys of a person in these vectors."""
    sign_seed, encrypt_seed = (drawn(f"{who} {suite} {n}", length) for n, length in enumerate(_SEEDS[suite]))
    return Keys(
        suite, sign_seed, encrypt_seed, prim.sign_public(suite, sign_seed), prim.wrap_public(suite, encrypt_seed)
    )


@dataclass(frozen=True, slots=True)
class File:
    """A member: its text, and what of it stands in DATA where that is something else."""

    path: str
    text: bytes
    stored: bytes | None = None
    raw: str = ""

    def entry(self, suite: int) -> dict[str, Any]:
        """Its true entry of the manifest."""
        coding = "identity" if self.stored is None else "zstd"
        digest = prim.hash_of(suite, self.text).hex()
        entry = {"coding": coding, "hash": digest, "path": self.path, "raw": self.raw, "size": len(self.text)}
        return entry | {"stored": len(self.in_data)}

    @property
    def in_data(self) -> bytes:
        """Its bytes in DATA."""
        return self.text if self.stored is None else self.stored


FILES = (
    File("case-package.json", b'{"case":"A990101-2026-17"}'),
    File("content/empty.txt", b""),
    File("content/提请批准逮捕书.pdf", b"%PDF-1.7 not really\n" * 3, raw="提请批准逮捕书.pdf".encode("gbk").hex()),
)


def same(data: bytes) -> bytes:
    """No edit."""
    return data


def nothing(_manifest: dict[str, Any]) -> None:
    """No edit of a manifest."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle to be: first honest values, then edits in the order in which a writer would come to them."""

    suite: int = prim.CLASSIC
    sender: str = "alice"
    to: Sequence[str] = ("bob",)
    files: Sequence[File] = FILES
    meta: Mapping[str, Any] = field(default_factory=lambda: META)
    seg_log2: int = 20
    routing_class: int = 0
    flags: int = 0
    created: int = CREATED
    expires: int = EXPIRES
    epoch: int = 3
    bundle: str = "bundle"
    sequences: Sequence[int] = (7,) * 64
    key: bytes | None = None
    bind: Edit = same
    manifest: Callable[[dict[str, Any]], None] = nothing
    text: Edit = same
    inner_signer: str = ""
    inner_label: str = "inner"
    inner_bind: Edit = same
    inner: Edit = same
    frame: Edit = same
    manifest_label: str = "manifest"
    sealed: Edit = same
    data_label: str = "data"
    plain: Edit = same
    data: Edit = same
    segs: Edit = same
    slots: Callable[[list[bytes]], list[bytes]] = list
    header: Edit = same
    outer_signer: str = ""
    outer_label: str = "outer"
    outer: Edit = same
    twig: Twig | None = None
    inner_twig: Twig | None = None

    @property
    def own(self) -> Keys:
        """The sender's keys."""
        return keys_of(self.sender, self.suite)

    @property
    def content_key(self) -> bytes:
        """K."""
        return self.key or drawn(f"K {self.bundle}", prim.KEY_LEN[self.suite])

    @property
    def recipients(self) -> list[Keys]:
        """The recipients' keys in the order of their ids."""
        return sorted((keys_of(who, self.suite) for who in self.to), key=lambda keys: keys.encrypt_id)

    @property
    def bound(self) -> bytes:
        """HEADER[8:48]."""
        head = (self.suite, self.seg_log2, self.routing_class, len(self.to), self.flags, self.created, self.expires)
        return struct.pack(">BBHHHQQ", *head) + drawn(self.bundle, 16)

    @property
    def true_bind(self) -> bytes:
        """The bind of section 4."""
        ids = b"".join(keys.encrypt_id for keys in self.recipients)
        return prim.hash_of(self.suite, prim.label("bind") + self.bound + self.own.sign_id + ids)

    def wrap(self, who: Keys, bind: bytes, key: bytes | None = None) -> bytes:
        """K, or another key, wrapped to one recipient."""
        random = drawn(f"wrap {self.bundle} {who.encrypt_id.hex()}", 32)
        return prim.wrap(self.suite, who.encrypt_public, "wrap", bind, key or self.content_key, random)


def forge(draft: Draft) -> bytes:
    """The bundle of a draft: all hashes and lengths are true of what the edits left."""
    suite, bind = draft.suite, draft.bind(draft.true_bind)
    plain = b"".join(file.in_data for file in draft.files)
    manifest = {"files": [file.entry(suite) for file in draft.files], "meta": dict(draft.meta), "v": 1}
    manifest |= {"total": len(plain), "pad": padme(len(plain)) - len(plain)}
    plain = draft.plain(plain + bytes(manifest["pad"]))
    draft.manifest(manifest)
    text = draft.text(canonical(manifest))
    inner_seed = keys_of(draft.inner_signer or draft.sender, suite).sign_seed
    said = draft.inner_bind(bind) + text
    inner = draft.inner(_signed(suite, inner_seed, draft.inner_label, said, draft.inner_twig or draft.twig))
    framed = draft.frame(len(text).to_bytes(4, "big") + text + inner)
    sealed = draft.sealed(_encrypt(draft, draft.manifest_label, bind, framed))
    data = draft.data(_encrypt(draft, draft.data_label, bind, plain))
    size = 1 << (draft.seg_log2 if 20 <= draft.seg_log2 <= 26 else 20)
    segs = draft.segs(b"".join(prim.hash_of(suite, data[at : at + size]) for at in range(0, len(data), size)))
    header = write_header(draft, bind, sealed, segs, len(data))
    return sign_header(draft, header) + sealed + segs + data


def write_header(draft: Draft, bind: bytes, sealed: bytes, segs: bytes, data_len: int) -> bytes:
    """HEADER around given parts."""
    fixed = MAGIC + draft.bound + struct.pack(">QQ", len(sealed), data_len) + draft.own.sign_id
    fixed += prim.hash_of(draft.suite, sealed) + prim.hash_of(draft.suite, segs) + draft.epoch.to_bytes(8, "big")
    slots = [
        keys.encrypt_id + number.to_bytes(8, "big") + draft.wrap(keys, bind)
        for keys, number in zip(draft.recipients, draft.sequences, strict=False)
    ]
    return draft.header(fixed + b"".join(draft.slots(slots)))


def sign_header(draft: Draft, header: bytes) -> bytes:
    """HEADER and SIG."""
    seed = keys_of(draft.outer_signer or draft.sender, draft.suite).sign_seed
    return header + draft.outer(_signed(draft.suite, seed, draft.outer_label, header, draft.twig))


def _signed(suite: int, seed: bytes, name: str, body: bytes, twig: Twig | None) -> bytes:
    return prim.sign(suite, seed, name, body) if twig is None else twig.sign(suite, seed, name, body)


def _encrypt(draft: Draft, name: str, bind: bytes, text: bytes) -> bytes:
    salt = drawn(f"salt {name} {draft.bundle}", 24)
    return prim.encrypt_chunks(draft.suite, draft.content_key, salt, prim.label(name) + bind, text)


# --- pieces for edits -------------------------------------------------------------------------------------------------


def put(at: int, piece: bytes) -> Edit:
    """Overwrite bytes at an offset, from the end where it is negative."""

    def edit(data: bytes) -> bytes:
        start = at if at >= 0 else len(data) + at
        return data[:start] + piece + data[start + len(piece) :]

    return edit


def flip(at: int) -> Edit:
    """Flip the lowest bit of one byte."""
    return lambda data: put(at, bytes((data[at] ^ 1,)))(data)


def swap(old: bytes, new: bytes) -> Edit:
    """Replace a piece that occurs."""

    def edit(data: bytes) -> bytes:
        assert old in data, old
        return data.replace(old, new, 1)

    return edit


def number(at: int, value: int, length: int = 8) -> Edit:
    """Overwrite an integer."""
    return put(at, value.to_bytes(length, "big"))


def borders(bundle: bytes) -> dict[str, int]:
    """Where the parts of a true bundle end."""
    suite, count, depth = bundle[8], *struct.unpack(">HH", bundle[12:16])
    manifest, data = (int.from_bytes(bundle[at : at + 8], "big") for at in (48, 56))
    header = 168 + count * (40 + prim.WRAP_LEN[suite])
    signature = header + tree.length(suite, depth)
    return {
        "header": header,
        "signature": signature,
        "manifest": signature + manifest,
        "segs": len(bundle) - data,
        "data": len(bundle),
    }


RAW, RLE, RESERVED = 0, 1, 3


def block(kind: int, body: bytes, length: int, *, is_last: bool) -> bytes:
    """One zstd block of RFC 8878, section 3.1.1.2."""
    return (length << 3 | kind << 1 | is_last).to_bytes(3, "little") + body


def zstd_frame(
    size: int, blocks: bytes, *, window: int | None = 10 << 3, descriptor: int = 0x80, extra: bytes = b""
) -> bytes:
    """One zstd frame with a four-byte content size; `window` is its descriptor byte, None for a single segment."""
    head = bytes((descriptor | (0x20 if window is None else 0),)) + (b"" if window is None else bytes((window,)))
    return b"\x28\xb5\x2f\xfd" + head + extra + size.to_bytes(4, "little") + blocks


def zeros_frame(size: int, **options: Any) -> bytes:
    """A true frame of `size` zero bytes, in blocks of 128 KiB."""
    full = max(size - 1, 0) >> 17
    rest = size - (full << 17)
    body = b"".join(block(RLE, b"\x00", 1 << 17, is_last=False) for _ in range(full))
    return zstd_frame(size, body + block(RLE, b"\x00", rest, is_last=True), **options)


# --- receipts ---------------------------------------------------------------------------------------------------------


def statement(**changes: Any) -> dict[str, Any]:
    """The JSON of a true receipt by bob for a bundle of alice, with changes."""
    true = {
        "v": 1,
        "bundle_id": drawn("bundle", 16).hex(),
        "header_hash": drawn("some header", 32).hex(),
        "size": 1234,
        "code": "201",
        "issuer": UNITS["bob"],
        "origin": UNITS["alice"],
        "recipient": UNITS["bob"],
        "epoch": 3,
        "sequence": 7,
        "issued_at": CREATED + 60,
        "reasons": [],
        "findings": "",
        "checkpoint": "",
    }
    return true | changes


def receipt(
    said: Mapping[str, Any] | bytes | None = None,
    *,
    suite: int = prim.CLASSIC,
    signer: str = "bob",
    name: str = "receipt",
    length: int | None = None,
    signature: Edit = same,
    twig: Twig | None = None,
) -> bytes:
    """A signed receipt; `said` may be raw JSON."""
    text = said if isinstance(said, bytes) else canonical(dict(said or statement()))
    keys = keys_of(signer, suite)
    head = bytes((suite,)) + keys.sign_id + (len(text) if length is None else length).to_bytes(4, "big")
    return head + text + signature(_signed(suite, keys.sign_seed, name, text, twig))


def receipt_file(receipts: Sequence[bytes], *, count: int | None = None) -> bytes:
    """A receipt file; `count` may lie."""
    body = b"".join(len(one).to_bytes(4, "big") + one for one in receipts)
    return bytes.fromhex("894346520d0a1a0a") + (len(receipts) if count is None else count).to_bytes(2, "big") + body
