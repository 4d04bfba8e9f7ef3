"""Reads bundles and receipts a second time, written from docs/bundle-format.md alone, whole files in memory.

It imports nothing of the product. Every input has one outcome: `accepted`, or the code of the step that refuses.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.vectors import primitives as prim
from tests.vectors import tree
from tests.vectors.rules import BrokenError, check_frame, check_paths, manifest_of, receipt_of, unframe

MAGIC = b"\x89CBF\r\n\x1a\n"
HERALD_MAGIC = bytes.fromhex("894342480d0a1a0a")
RECEIPTS_MAGIC = b"\x89CFR\r\n\x1a\n"
CONVOY_MAGIC = bytes.fromhex("894346430d0a1a0a")
FIXED = 168
SAFE_INTEGER = 2**53


class StopError(Exception):
    """A step refused; the argument is its code."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A trusted node's signing key: raw public key, unit, and the seconds in which it was valid."""

    suite: int
    public: bytes
    unit: str
    is_revoked: bool = False
    since: int = 0
    until: int = 2**63

    @property
    def key_id(self) -> bytes:
        """The key id of section 2."""
        return key_id(self.suite, b"S", self.public)


@dataclass(frozen=True, slots=True)
class Ring:
    """What a reader knows: whom it trusts, its own encryption seeds as (suite, seed), its clock and its policy."""

    signers: tuple[Signer, ...] = ()
    own: tuple[tuple[int, bytes], ...] = ()
    now: int = 0
    limit: int = 2**47
    suites: tuple[int, ...] = prim.SUITES

    def signer(self, wanted: bytes) -> Signer:
        """The trusted key of a key id, or the end with unknown-sender."""
        for signer in self.signers:
            if signer.key_id == wanted:
                return signer
        raise StopError("unknown-sender")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reading: its code, and when accepted the members by path, the meta or the receipts' JSON."""

    code: str
    members: Mapping[str, bytes] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    receipts: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One recipient's part of the header."""

    key_id: bytes
    sequence: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header, as integers and bytes."""

    suite: int
    seg: int
    created: int
    expires: int
    manifest_len: int
    data_len: int
    sender: bytes
    manifest_hash: bytes
    segs_hash: bytes
    slots: tuple[Slot, ...]
    header: bytes
    signature: bytes

    @property
    def segments(self) -> int:
        """The number of segments."""
        return -(-self.data_len // self.seg)

    @property
    def start(self) -> int:
        """Where MANIFEST begins."""
        return len(self.header) + len(self.signature)

    @property
    def size(self) -> int:
        """The length that the header promises."""
        return self.start + self.manifest_len + 32 * self.segments + self.data_len

    @property
    def bind(self) -> bytes:
        """The bind of section 4."""
        ids = b"".join(slot.key_id for slot in self.slots)
        return prim.hash_of(self.suite, prim.label("bind") + self.header[8:48] + self.sender + ids)


def key_id(suite: int, role: bytes, public: bytes) -> bytes:
    """The key id of section 2; the role is S or E."""
    return prim.hash_of(suite, prim.label("key") + bytes((suite,)) + role + public)


def read_bundle(data: bytes, ring: Ring) -> Outcome:
    """Do steps A, policy (A10 to A12, A15), B1 to B3 and C of section 7."""
    try:
        envelope, signer = _verify_envelope(data, ring)
        _policy(envelope, signer, ring)
        members, meta = _open(data, envelope, signer, ring)
    except StopError as stop:
        return Outcome(str(stop))
    return Outcome("accepted", members, meta)


def check_bundle(data: bytes, ring: Ring) -> Outcome:
    """Do what a hub does without any key: steps A1 to A9 and B of section 7."""
    try:
        envelope, _ = _verify_envelope(data, ring)
        _, segs, content = _parts(data, envelope)
        for index in range(envelope.segments):
            _segment(envelope, segs, content, index)
    except StopError as stop:
        return Outcome(str(stop))
    return Outcome("accepted")


def _verify_envelope(
    data: bytes, ring: Ring, magic: bytes = MAGIC, numbers: range = range(1, SAFE_INTEGER), name: str = "outer"
) -> tuple[Envelope, Signer]:
    envelope = _parse_envelope(data, magic, numbers)
    _require(name == "outer" or envelope.segs_hash == bytes(32), "malformed")
    signer = ring.signer(envelope.sender)
    _require(not signer.is_revoked, "revoked-sender")
    signed = tree.verify(envelope.suite, signer.public, name, envelope.header, envelope.signature)
    _require(signed, "bad-signature")
    return envelope, signer


def _parse_envelope(data: bytes, magic: bytes, numbers: range) -> Envelope:
    _require(data[:8] == magic, "not-a-bundle")
    _require(len(data) > 8, "truncated")
    suite = data[8]
    _require(suite in prim.SUITES, "suite-refused")
    _require(len(data) >= FIXED, "truncated")
    seg_log2, _, count, flags, created, expires = struct.unpack(">BHHHQQ", data[9:32])
    manifest_len, data_len, sender, manifest_hash, segs_hash, epoch = struct.unpack(">QQ32s32s32sQ", data[48:FIXED])
    _require(20 <= seg_log2 <= 26 and 1 <= count <= 64 and flags <= (8 if magic == MAGIC else 0), "malformed")
    _require(created < expires <= created + 7776000 and expires < SAFE_INTEGER, "malformed")
    _require(prim.is_possible(manifest_len) and manifest_len <= 67108864, "malformed")
    _require(prim.is_possible(data_len) and data_len <= 2**46 and epoch < SAFE_INTEGER, "malformed")
    step = 40 + prim.WRAP_LEN[suite]
    end = FIXED + count * step
    signed = end + tree.length(suite, flags)
    _require(len(data) >= signed, "truncated")
    cuts = [data[at : at + step] for at in range(FIXED, end, step)]
    slots = tuple(Slot(cut[:32], int.from_bytes(cut[32:40], "big"), cut[40:]) for cut in cuts)
    ids = [slot.key_id for slot in slots]
    _require(ids == sorted(set(ids)), "malformed")
    _require(all(slot.sequence in numbers for slot in slots), "malformed")
    return Envelope(
        suite, 1 << seg_log2, created, expires, manifest_len, data_len, sender, manifest_hash, segs_hash,
        slots, data[:end], data[end:signed],
    )  # fmt: skip


def _policy(envelope: Envelope, signer: Signer, ring: Ring) -> None:
    _require(ring.now <= envelope.expires, "expired")
    _require(signer.since <= envelope.created <= signer.until, "key-not-valid")
    _require(envelope.suite in ring.suites, "suite-refused")
    _require(envelope.size <= ring.limit, "too-large")


def _parts(data: bytes, envelope: Envelope) -> tuple[bytes, bytes, bytes]:
    """MANIFEST, SEGS and DATA after steps B1 to B3."""
    _require(len(data) >= envelope.size, "truncated")
    _require(len(data) <= envelope.size, "trailing-bytes")
    segs_at = envelope.start + envelope.manifest_len
    data_at = segs_at + 32 * envelope.segments
    manifest, segs = data[envelope.start : segs_at], data[segs_at:data_at]
    _require(prim.hash_of(envelope.suite, manifest) == envelope.manifest_hash, "manifest-corrupt")
    _require(prim.hash_of(envelope.suite, segs) == envelope.segs_hash, "segment-list-corrupt")
    return manifest, segs, data[data_at:]


def _segment(envelope: Envelope, segs: bytes, content: bytes, index: int) -> bytes:
    segment = content[index * envelope.seg : (index + 1) * envelope.seg]
    _require(prim.hash_of(envelope.suite, segment) == segs[32 * index : 32 * index + 32], "segment-corrupt")
    return segment


def _open(data: bytes, envelope: Envelope, signer: Signer, ring: Ring) -> tuple[dict[str, bytes], Mapping[str, Any]]:
    sealed_manifest, segs, content = _parts(data, envelope)
    bind, suite = envelope.bind, envelope.suite
    key = _content_key(envelope, ring)
    manifest, text, signature = _listing(envelope, key, sealed_manifest, "manifest")
    _require(tree.verify(suite, signer.public, "inner", bind + text, signature), "inner-signature-bad")
    _paths(manifest)
    opener = prim.ChunkOpener(suite, key, prim.label("data") + bind)
    taker = _Taker(suite, manifest["files"])
    index = 0
    try:
        for index in range(envelope.segments):
            if len(envelope.slots) > 1:
                _segment(envelope, segs, content, index)
            taker.take(opener.update(content[index * envelope.seg : (index + 1) * envelope.seg]))
        taker.take(opener.finish())
    except (prim.RefusedError, StopError) as refused:
        for read in range(index + 1):
            _segment(envelope, segs, content, read)
        if isinstance(refused, StopError):
            raise
        raise StopError("content-auth-failed") from refused
    return taker.members, manifest["meta"]


def _content_key(envelope: Envelope, ring: Ring) -> bytes:
    for suite, seed in ring.own:
        own = key_id(suite, b"E", prim.wrap_public(suite, seed))
        for slot in envelope.slots:
            if suite == envelope.suite and slot.key_id == own:
                try:
                    return prim.unwrap(suite, seed, "wrap", envelope.bind, slot.wrapped)
                except prim.RefusedError as refused:
                    raise StopError("unwrap-failed") from refused
    raise StopError("not-addressed-to-us")


def _listing(envelope: Envelope, key: bytes, sealed: bytes, name: str) -> tuple[Mapping[str, Any], bytes, bytes]:
    """Steps C3 and C4: the manifest, its JSON, and what stands in the place of its signature."""
    opener = prim.ChunkOpener(envelope.suite, key, prim.label(name) + envelope.bind)
    try:
        plain = opener.update(sealed) + opener.finish()
    except prim.RefusedError as refused:
        raise StopError("content-auth-failed") from refused
    try:
        text, signature = unframe(plain, len(envelope.signature))
        manifest = manifest_of(text)
    except BrokenError as broken:
        raise StopError("manifest-malformed") from broken
    _require(prim.encrypted_length(manifest["total"] + manifest["pad"]) == envelope.data_len, "manifest-malformed")
    return manifest, text, signature


def _paths(manifest: Mapping[str, Any]) -> None:
    try:
        check_paths([entry["path"] for entry in manifest["files"]])
    except BrokenError as broken:
        raise StopError("unsafe-path") from broken


class _Taker:
    """Deals out the text of DATA to the files in manifest order, then to the padding (C9, C10)."""

    def __init__(self, suite: int, files: list[dict[str, Any]]) -> None:
        self.members: dict[str, bytes] = {}
        self._suite = suite
        self._files = list(reversed(files))
        self._pending = b""

    def take(self, text: bytes) -> None:
        self._pending += text
        while self._files and len(self._pending) >= self._files[-1]["stored"]:
            entry = self._files.pop()
            stored, self._pending = self._pending[: entry["stored"]], self._pending[entry["stored"] :]
            self._finish(entry, stored)
        if not self._files:
            _require(not any(self._pending), "padding-not-zero")
            self._pending = b""

    def _finish(self, entry: dict[str, Any], stored: bytes) -> None:
        try:
            member = stored if entry["coding"] == "identity" else check_frame(stored, entry["size"])
        except BrokenError as broken:
            raise StopError("file-hash-mismatch") from broken
        _require(prim.hash_of(self._suite, member).hex() == entry["hash"], "file-hash-mismatch")
        self.members[entry["path"]] = member


# --- section 12: heralds ----------------------------------------------------------------------------------------------


def read_herald(data: bytes, ring: Ring) -> Outcome:
    """Do all checks of a herald; the members are those promised, with `size stored` for contents."""
    try:
        envelope, signer = _verify_envelope(data, ring, HERALD_MAGIC, range(1), "herald")
        _policy(envelope, signer, ring)
        draft = data[envelope.start : envelope.start + envelope.manifest_len]
        _require(prim.hash_of(envelope.suite, draft) == envelope.manifest_hash, "manifest-corrupt")
        manifest, _, rest = _listing(envelope, _content_key(envelope, ring), draft, "draft")
        _require(not any(rest), "manifest-malformed")
        _require(all(entry["hash"] == "0" * 64 for entry in manifest["files"]), "manifest-malformed")
        _paths(manifest)
    except StopError as stop:
        return Outcome(str(stop))
    members = {entry["path"]: b"%d %d" % (entry["size"], entry["stored"]) for entry in manifest["files"]}
    return Outcome("accepted", members, manifest["meta"])


# --- section 8: receipts ----------------------------------------------------------------------------------------------


def read_receipts(data: bytes, ring: Ring) -> Outcome:
    """Read a receipt file; the first receipt that is refused gives the outcome."""
    try:
        return Outcome("accepted", receipts=tuple(_verify_receipt(raw, ring) for raw in _split(data)))
    except StopError as stop:
        return Outcome(str(stop))


def read_receipt(data: bytes, ring: Ring) -> Outcome:
    """Read one receipt."""
    try:
        return Outcome("accepted", receipts=(_verify_receipt(data, ring),))
    except StopError as stop:
        return Outcome(str(stop))


def read_findings(data: bytes, ring: Ring) -> Outcome:
    """Read one receipt and open the findings in it."""
    try:
        said = _verify_receipt(data, ring)
        return Outcome("accepted", {"findings": open_findings(said, ring)}, receipts=(said,))
    except StopError as stop:
        return Outcome(str(stop))


def check_key(data: bytes) -> Outcome:
    """Judge public keys as they are enrolled: suite, then twice u32 length and raw key, first the signing key."""
    cut = 5 + int.from_bytes(data[1:5], "big")
    is_sound = prim.is_sound(data[0], data[5:cut], data[cut + 4 :])
    return Outcome("accepted" if is_sound else "key-refused")


def open_findings(receipt: Mapping[str, Any], ring: Ring) -> bytes:
    """The text sealed to the origin in a receipt with code 204; raises StopError."""
    sealed = bytes.fromhex(receipt["findings"])
    for suite, seed in ring.own:
        if key_id(suite, b"E", prim.wrap_public(suite, seed)) == sealed[:32]:
            try:
                return prim.unwrap(suite, seed, "findings", bytes.fromhex(receipt["header_hash"]), sealed[32:])
            except prim.RefusedError as refused:
                raise StopError("unwrap-failed") from refused
    raise StopError("not-addressed-to-us")


# --- section 11: convoys ----------------------------------------------------------------------------------------------


def read_convoy(data: bytes) -> Outcome:
    """Take a convoy apart: its bundles by id, none of them looked at."""
    try:
        return Outcome("accepted", _bundles(data))
    except StopError as stop:
        return Outcome(str(stop))


def _bundles(data: bytes) -> dict[str, bytes]:
    code = "convoy-malformed"
    _require(11 <= len(data) <= 8388608 and data[:8] == CONVOY_MAGIC and data[8] == 1, code)
    count, out = int.from_bytes(data[9:11], "big"), {}
    at = 11 + 20 * count
    _require(1 <= count <= 128 and len(data) >= at, code)
    for row in range(11, at, 20):
        length = int.from_bytes(data[row + 16 : row + 20], "big")
        _require(length >= 1 and len(data) >= at + length, code)
        out[data[row : row + 16].hex()] = data[at : at + length]
        at += length
    _require(at == len(data) and len(out) == count, code)
    return out


def _split(data: bytes) -> list[bytes]:
    code = "receipt-malformed"
    _require(10 <= len(data) <= 16777216 and data[:8] == RECEIPTS_MAGIC, code)
    count, at, out = int.from_bytes(data[8:10], "big"), 10, []
    _require(1 <= count <= 4096, code)
    for _ in range(count):
        _require(len(data) >= at + 4, code)
        length = int.from_bytes(data[at : at + 4], "big")
        _require(1 <= length <= 262144 and len(data) >= at + 4 + length, code)
        out.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    _require(at == len(data), code)
    return out


def _verify_receipt(raw: bytes, ring: Ring) -> Mapping[str, Any]:
    code = "receipt-malformed"
    _require(38 <= len(raw) <= 262144, code)
    suite = raw[0]
    _require(suite in prim.SUITES, "suite-refused")
    length = int.from_bytes(raw[33:37], "big")
    _require(len(raw) - 37 - length in [tree.length(suite, depth) for depth in tree.DEPTHS], code)
    signer = ring.signer(raw[1:33])
    _require(signer.suite == suite, "unknown-sender")
    text = raw[37 : 37 + length]
    _require(tree.verify(suite, signer.public, "receipt", text, raw[37 + length :]), "receipt-bad-signature")
    try:
        receipt = receipt_of(text)
    except BrokenError as broken:
        raise StopError(code) from broken
    _require(receipt["issuer"] == signer.unit, "receipt-wrong-issuer")
    return receipt


def _require(is_kept: bool, code: str) -> None:
    if not is_kept:
        raise StopError(code)
