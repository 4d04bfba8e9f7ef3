"""Sealing: write members as one signed and encrypted bundle, in constant memory."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from gateway.bundle import chunked, manifest, shared
from gateway.bundle.data import DataWriter, MemberWriter, SegmentHashes
from gateway.bundle.envelope import (
    DATA_MAX,
    INTEGER_LIMIT,
    LIFETIME_MAX,
    MANIFEST_MAX,
    RECIPIENTS_MAX,
    SEGMENT_LOG2,
    Recipient,
    bind_of,
    bound_part,
    encode_fixed,
    encode_recipients,
    header_length,
    with_manifest_hash,
)
from gateway.bundle.herald import encode_herald
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.manifest import BLANK, Manifest, ManifestFile, MetaValue
from gateway.bundle.paths import check_paths
from gateway.bundle.plan import Planned, SealMember, plan
from gateway.bundle.streams import Beside, Progress, disk_errors, in_turn, pour, silent
from gateway.bundle.suites import HASH_LENGTH, Suite, algorithms, digest, label
from gateway.domain.errors import PermanentError, SecurityError
from gateway.domain.ids import BundleId, Digest, bundle_id
from gateway.domain.ids import digest as digest_id

__all__ = ["Begun", "Head", "Prepared", "SealMember", "Sealed", "begin", "conclude", "finish", "sign_heads"]


def _unheard(_path: str, _size: int, _hash: bytes) -> None:
    """The listener of those who do not ask what is in a bundle."""


def _unplaced(_offset: int, _size: int, _herald: int) -> None:
    """The listener of those who wait until all is written."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A bundle that lacks only sequence numbers and signature. Holds no private key; may be pickled.

    fixed:   HEADER[0:168].     slots: (key_id, wrap) in header order.
    order:   for each slot, the place of its recipient in the sequence that was given to `begin`.
    size:    bytes of the whole bundle.
    depth:   levels of the trees in which its signatures are shared; 0 if they stand alone.
    """

    suite: Suite
    bundle_id: BundleId
    fixed: bytes = field(repr=False)
    slots: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    order: tuple[int, ...]
    sender_key_id: bytes
    size: int
    depth: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A bundle whose members are written, and whose MANIFEST waits for its signature. Knows the content key.

    text:   the list of contents.     rest: the bundle as it will be, but for the digest of MANIFEST.
    offset: where MANIFEST goes.
    """

    text: bytes = field(repr=False)
    bind: bytes = field(repr=False)
    content_key: bytes = field(repr=False)
    offset: int
    rest: Prepared

    @property
    def statement(self) -> bytes:
        """What the sender signs under the name "inner"."""
        return self.bind + self.text


@dataclass(frozen=True, slots=True)
class Head:
    """HEADER and SIG of a bundle."""

    header: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A finished bundle. `size` in bytes."""

    bundle_id: BundleId
    header_hash: Digest
    size: int


def begin(
    out: BinaryIO,
    members: Sequence[SealMember],
    *,
    meta: Mapping[str, MetaValue],
    keys: NodeKeys,
    recipients: Sequence[PublicKeys],
    created: int,
    expires: int,
    epoch: int,
    routing_class: int = 0,
    seg_log2: int = 22,
    depth: int = 0,
    progress: Progress = silent,
    listed: Callable[[str, int, bytes], None] = _unheard,
    placed: Callable[[int, int, int], None] = _unplaced,
    beside: Beside = in_turn,
    spills: Sequence[BinaryIO] = (),
    herald: bool = False,
) -> Begun:
    """Write DATA and SEGS of a bundle into `out`, which is empty, seekable, readable and writable.

    created, expires: seconds since 1970 UTC, at most 90 days apart.     epoch: the sender's.
    depth: both signatures will be shared by up to 2^depth bundles that are sealed together; 0: they stand alone.
    progress: told 0 while it is planned how members are stored, then the bytes of members written so far.
    listed: told path, size and hash of each member as the manifest lists it, once all are known.
    placed: told (bytes before DATA, bytes of the whole bundle, bytes of the herald) before any of DATA is written. From
        then on `out` is written in DATA from its beginning to its end, and nothing of what stands there is written
        again.
    beside: helps: with planning where there are two spills, and seals what was read while the next is read and hashed.
    spills: empty files for what is compressed before it can be written (see plan); together never larger than what the
        bundle saves on its members.
    herald: whether to write a herald where the front will be; what comes last is written over it. It stands alone.
    A failed or repeated call leaves bytes without meaning: begin with an empty `out` each time. Not fsynced.
    Raises TransientError `source-changed` (a member did not yield its size) and `local-io`; SecurityError
    `unsafe-path`, `manifest-malformed` (too many files, bad meta) and `suite-refused` (a recipient has keys of
    another suite); PermanentError `too-large`. ValueError for arguments that no header can state.
    """
    if herald and depth:
        raise ValueError("what a herald announces stands alone")
    _check_recipients(keys, recipients)
    _check_numbers(created=created, expires=expires, epoch=epoch, routing_class=routing_class, seg_log2=seg_log2)
    use = algorithms(keys.suite)
    planned = plan(members, use.digest, progress, beside=beside, spills=spills)
    draft, draft_text = _draft(meta, planned)
    signature_length = shared.signature_length(keys.suite, depth)
    plain_manifest_length = 4 + len(draft_text) + signature_length
    manifest_length = chunked.ciphertext_length(plain_manifest_length)
    data_length = chunked.ciphertext_length(draft.total + draft.pad)
    if manifest_length > MANIFEST_MAX or data_length > DATA_MAX:
        raise PermanentError("too-large", "more than one bundle can hold", facts={"size": data_length})

    ids = [recipient.encrypt_key_id for recipient in recipients]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    sender_key_id = keys.sign_key_id
    # Its second first: ledgers find a bundle by its id, and what is new then lies side by side in their indexes.
    ident = (created % 2**32).to_bytes(4, "big") + secrets.token_bytes(12)

    def fixed(manifest_hash: bytes, segments_hash: bytes) -> bytes:
        return encode_fixed(
            suite=keys.suite,
            segment_log2=seg_log2,
            routing_class=routing_class,
            recipients=len(recipients),
            created=created,
            expires=expires,
            bundle=ident,
            manifest_length=manifest_length,
            data_length=data_length,
            sender_key_id=sender_key_id,
            manifest_hash=manifest_hash,
            segments_hash=segments_hash,
            epoch=epoch,
            depth=depth,
        )

    bind = bind_of(keys.suite, bound_part(fixed(BLANK, BLANK)), sender_key_id, [ids[at] for at in order])
    content_key = secrets.token_bytes(use.content_key_length)
    slots = tuple((ids[at], recipients[at].wrap("wrap", bind, content_key)) for at in order)
    manifest_offset = header_length(keys.suite, len(recipients)) + signature_length
    segments_offset = manifest_offset + manifest_length
    data_offset = segments_offset + HASH_LENGTH * -(-data_length // (1 << seg_log2))

    early = encode_herald(fixed, slots, draft_text, content_key=content_key, bind=bind, keys=keys) if herald else b""
    with disk_errors("writing the herald"):
        pour(memoryview(early), out)
        out.flush()
    placed(data_offset, data_offset + data_length, len(early))
    with disk_errors("writing the bundle"):
        segments = SegmentHashes(out, segments_offset, use.digest())
        encryptor = use.encryptor(content_key, label("data") + bind)
        data = DataWriter(
            out,
            data_offset,
            segment_size=1 << seg_log2,
            new_hasher=use.digest,
            segments=segments,
            encryptor=encryptor,
            size=draft.total + draft.pad,
            beside=beside,
        )
        writer = MemberWriter(data, use.digest, progress)
        hashes = [writer.write(one) for one in planned]
        for file, found in zip(draft.files, hashes, strict=True):
            listed(file.path, file.size, found)
        data.write_zeros(draft.pad)
        data.close()
        segments_hash = segments.close()

    rest = Prepared(
        suite=keys.suite,
        bundle_id=bundle_id(ident.hex()),
        fixed=fixed(BLANK, segments_hash),
        slots=slots,
        order=tuple(order),
        sender_key_id=sender_key_id,
        size=data_offset + data_length,
        depth=depth,
    )
    return Begun(manifest.filled(draft_text, hashes), bind, content_key, manifest_offset, rest)


def conclude(out: BinaryIO, begun: Begun, signature: bytes) -> Prepared:
    """Write MANIFEST of what was begun in `out`; then it lacks only HEADER and SIG.

    signature: over `begun.statement` under the name "inner", of the keys and the depth with which it was begun.
    Not fsynced. Raises TransientError `local-io`.
    """
    rest = begun.rest
    text = len(begun.text).to_bytes(4, "big") + begun.text + signature
    encryptor = algorithms(rest.suite).encryptor(begun.content_key, label("manifest") + begun.bind)
    cipher = chunked.encrypt_whole(encryptor, text)
    with disk_errors("writing the bundle"):
        out.seek(begun.offset)
        pour(memoryview(cipher), out)
    return replace(rest, fixed=with_manifest_hash(rest.fixed, digest(rest.suite, cipher)))


def sign_heads(numbered: Sequence[tuple[Prepared, Sequence[int]]], keys: NodeKeys) -> list[Head]:
    """Return the heads of bundles of one depth, in their order: the only place that signs a header.

    numbered: prepared bundles, each with its stream numbers, one per recipient, in the order in which they were given
        to `begin`.
    May be repeated with the same numbers: a header, and so header_hash, is the same each time. ValueError if keys or
    numbers do not belong to what was prepared.
    """
    depths = {prepared.depth for prepared, _numbers in numbered}
    if len(depths) != 1:
        raise ValueError("only bundles of one depth are signed together")
    headers = [_header(prepared, numbers, keys) for prepared, numbers in numbered]
    return list(map(Head, headers, keys.sign_all("outer", headers, depths.pop())))


def finish(out: BinaryIO, prepared: Prepared, head: Head) -> Sealed:
    """Write HEADER and SIG of a prepared bundle into `out`. May be repeated. Not fsynced.

    Raises TransientError `local-io`.
    """
    with disk_errors("writing the envelope"):
        out.seek(0)
        pour(memoryview(head.header + head.signature), out)
    return Sealed(prepared.bundle_id, digest_id(digest(prepared.suite, head.header).hex()), prepared.size)


def _header(prepared: Prepared, numbers: Sequence[int], keys: NodeKeys) -> bytes:
    if len(numbers) != len(prepared.order) or not all(1 <= number < INTEGER_LIMIT for number in numbers):
        raise ValueError("one sequence number from 1 per recipient is needed")
    if keys.suite != prepared.suite or keys.sign_key_id != prepared.sender_key_id:
        raise ValueError("these are not the keys that prepared the bundle")
    slots = zip(prepared.slots, prepared.order, strict=True)
    return prepared.fixed + encode_recipients([Recipient(key_id, numbers[at], wrap) for (key_id, wrap), at in slots])


def _check_recipients(keys: NodeKeys, recipients: Sequence[PublicKeys]) -> None:
    if any(recipient.suite != keys.suite for recipient in recipients):
        raise SecurityError("suite-refused", "a recipient has no keys of the sender's suite")
    if not 1 <= len(recipients) <= RECIPIENTS_MAX or len({r.encrypt_public for r in recipients}) != len(recipients):
        raise ValueError(f"1 to {RECIPIENTS_MAX} different recipients are needed")


def _check_numbers(*, created: int, expires: int, epoch: int, routing_class: int, seg_log2: int) -> None:
    if not 0 <= created < expires <= created + LIFETIME_MAX or expires >= INTEGER_LIMIT:
        raise ValueError("a bundle expires after it was made, and within 90 days")
    if not 0 <= epoch < INTEGER_LIMIT or routing_class not in range(2**16) or seg_log2 not in SEGMENT_LOG2:
        raise ValueError("epoch, routing class or segment size out of range")


def _draft(meta: Mapping[str, MetaValue], planned: Sequence[Planned]) -> tuple[Manifest, bytes]:
    """The manifest with blank hashes and its JSON: it has the final length, and a reader's rules can already be
    applied to it."""
    draft = manifest.build(meta, [_listed(one) for one in planned])
    raw = manifest.encode_checked(draft)
    check_paths(file.path for file in draft.files)
    return draft, raw


def _listed(one: Planned) -> ManifestFile:
    member = one.member
    return ManifestFile(member.path, member.raw, member.size, BLANK, one.coding, one.stored)
