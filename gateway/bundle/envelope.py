"""The envelope, the clear and signed outer header of a bundle: encode, parse and verify it (docs/bundle-format.md)."""

import itertools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.bundle import shared
from gateway.bundle.chunked import plaintext_length
from gateway.bundle.keys import PublicKeys
from gateway.bundle.suites import HASH_LENGTH, Suite, algorithms, digest, label, suite_of
from gateway.domain.errors import SecurityError
from gateway.domain.ids import BundleId, Digest, bundle_id
from gateway.domain.ids import digest as digest_id

MAGIC = b"\x89CBF\r\n\x1a\n"
"""Not text, and damaged by every transfer that changes line ends or strips the eighth bit."""
FIXED_LENGTH = 168
RECIPIENTS_MAX = 64
MANIFEST_MAX = 64 * 2**20
DATA_MAX = 2**46
SEGMENT_LOG2 = range(20, 27)
LIFETIME_MAX = 90 * 86400
"""Seconds from `created` to `expires` at most: the time for which old decryption keys are kept."""
INTEGER_LIMIT = 2**53
"""Times, epochs and sequence numbers stay below: receipts repeat them in JSON (RFC 7493), ledgers in 64 bits."""
ENVELOPE_MAX = FIXED_LENGTH + RECIPIENTS_MAX * (HASH_LENGTH + 8 + 1168) + 3373 + 33 + 8 * HASH_LENGTH
"""So many first bytes of any bundle hold its whole header and signature: suite 2, 64 recipients, shared by 256."""

_FIXED = struct.Struct(">8sBBHHHQQ16sQQ32s32s32sQ")
_BOUND = slice(8, 48)
"""The part of the header that is inside every key: suite to bundle id."""
_MANIFEST_HASH = slice(96, 128)


@dataclass(frozen=True, slots=True)
class Kind:
    """How the envelope of a bundle and that of its herald are told apart. signed_as: the x of L(x) in its SIG; depths:
    of the trees in which signatures may be shared."""

    magic: bytes
    signed_as: str
    sequences: range
    depths: range


BUNDLE = Kind(MAGIC, "outer", range(1, INTEGER_LIMIT), range(shared.DEPTH_MAX + 1))


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient in the header: its encryption key, the number in its stream, and K wrapped to it."""

    key_id: bytes
    sequence: int
    wrap: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed header with its signature. Times are seconds since 1970 UTC, lengths and offsets bytes.

    depth: levels of the trees in which the bundle's signatures are shared; 0 if they stand alone.
    """

    suite: Suite
    segment_log2: int
    routing_class: int
    depth: int
    created: int
    expires: int
    bundle_id: BundleId
    manifest_length: int
    data_length: int
    sender_key_id: bytes
    manifest_hash: bytes
    segments_hash: bytes
    epoch: int
    recipients: tuple[Recipient, ...]
    header: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def header_hash(self) -> Digest:
        """H(HEADER): the name of this bundle's content in ledger, receipts and evidence."""
        return digest_id(digest(self.suite, self.header).hex())

    @property
    def bind(self) -> bytes:
        """The 32 bytes that tie sender, recipients, suite, times and id into every key."""
        return bind_of(self.suite, self.header[_BOUND], self.sender_key_id, [r.key_id for r in self.recipients])

    @property
    def segment_size(self) -> int:
        return 1 << self.segment_log2

    @property
    def segment_count(self) -> int:
        return -(-self.data_length // self.segment_size)

    @property
    def manifest_offset(self) -> int:
        return len(self.header) + len(self.signature)

    @property
    def segments_offset(self) -> int:
        return self.manifest_offset + self.manifest_length

    @property
    def data_offset(self) -> int:
        return self.segments_offset + HASH_LENGTH * self.segment_count

    @property
    def size(self) -> int:
        """Bytes of the whole bundle; nothing may follow."""
        return self.data_offset + self.data_length

    def sequence_for(self, key_id: bytes) -> int | None:
        """Return the stream number for the recipient with this encryption key; None if it is not one of them."""
        return next((r.sequence for r in self.recipients if r.key_id == key_id), None)


def header_length(suite: Suite, recipients: int) -> int:
    """Return the length of a header with so many recipients."""
    return FIXED_LENGTH + recipients * (HASH_LENGTH + 8 + algorithms(suite).wrap_length)


def encode_fixed(
    *,
    suite: Suite,
    segment_log2: int,
    routing_class: int,
    recipients: int,
    created: int,
    expires: int,
    bundle: bytes,
    manifest_length: int,
    data_length: int,
    sender_key_id: bytes,
    manifest_hash: bytes,
    segments_hash: bytes,
    epoch: int,
    depth: int = 0,
) -> bytes:
    """Return HEADER[0:168]; nothing is checked, because a parser must refuse what a forger writes.

    depth: levels of the trees in which the bundle's signatures are shared; 0 if they stand alone.
    """
    return _FIXED.pack(
        MAGIC,
        suite,
        segment_log2,
        routing_class,
        recipients,
        depth,
        created,
        expires,
        bundle,
        manifest_length,
        data_length,
        sender_key_id,
        manifest_hash,
        segments_hash,
        epoch,
    )


def encode_recipients(recipients: Sequence[Recipient]) -> bytes:
    """Return HEADER[168:]."""
    return b"".join(r.key_id + r.sequence.to_bytes(8, "big") + r.wrap for r in recipients)


def with_manifest_hash(fixed: bytes, manifest_hash: bytes) -> bytes:
    """Return the fixed header with another manifest_hash."""
    return fixed[: _MANIFEST_HASH.start] + manifest_hash + fixed[_MANIFEST_HASH.stop :]


def bound_part(fixed: bytes) -> bytes:
    """Return the bytes of the fixed header that `bind_of` takes."""
    return fixed[_BOUND]


def bind_of(suite: Suite, bound: bytes, sender_key_id: bytes, recipient_key_ids: Sequence[bytes]) -> bytes:
    """Return bind = H(L("bind") | HEADER[8:48] | sender_key_id | all key_ids)."""
    return digest(suite, label("bind"), bound, sender_key_id, *recipient_key_ids)


def parse_envelope(head: bytes, kind: Kind = BUNDLE) -> Envelope:
    """Parse the first bytes of a bundle, `head`, which may go on after the signature. Integers only, no cryptography.

    Raises SecurityError `not-a-bundle`, `suite-refused`, `malformed` or `truncated`, in that order of looking.
    """
    _check_magic(head, kind)
    suite = _check_suite(head)
    fixed = _check_fixed(head, kind)
    return _check_recipients(head, suite, fixed, kind)


def verify_envelope(
    head: bytes,
    signer_of: Callable[[bytes], PublicKeys | None],
    is_revoked: Callable[[bytes], bool] = lambda _key_id: False,
) -> Envelope:
    """Do the keyless checks of group A up to the signature; what anybody, also a blind hub, can know.

    head:       at least the first ENVELOPE_MAX bytes, or the whole of a shorter bundle.
    signer_of:  the public keys that belong to a signing key id, None if nobody trusted has it.
    is_revoked: whether that signing key was revoked.
    Raises what `parse_envelope` raises, then `unknown-sender`, `revoked-sender`, `bad-signature`. Policy comes after.
    """
    envelope = parse_envelope(head)
    check_signature(envelope, signer_of, is_revoked)
    return envelope


def check_signature(
    envelope: Envelope,
    signer_of: Callable[[bytes], PublicKeys | None],
    is_revoked: Callable[[bytes], bool] = lambda _key_id: False,
    kind: Kind = BUNDLE,
) -> None:
    """Do of `verify_envelope` what follows on the parsing."""
    signer = _check_sender(envelope, signer_of)
    _check_not_revoked(envelope, is_revoked)
    _check_signature(envelope, signer, kind)


def _check_magic(head: bytes, kind: Kind) -> None:
    if head[: len(MAGIC)] != kind.magic:
        raise SecurityError("not-a-bundle", "the first 8 bytes are not those of a bundle")


def _check_suite(head: bytes) -> Suite:
    if len(head) <= len(MAGIC):
        raise SecurityError("truncated", "ends before the suite")
    suite = suite_of(head[len(MAGIC)])
    algorithms(suite)
    return suite


def _check_fixed(head: bytes, kind: Kind) -> tuple[int | bytes, ...]:
    """Every integer of the fixed part is in its range, so that all that follows can be computed from it."""
    if len(head) < FIXED_LENGTH:
        raise SecurityError("truncated", "ends within the fixed header")
    fixed = _FIXED.unpack_from(head)
    _magic, _suite, log2, _class, count, flags, created, expires, _id, manifest, data, _s, _m, _g, epoch = fixed
    rules = {
        "segment size": log2 in SEGMENT_LOG2,
        "number of recipients": 1 <= count <= RECIPIENTS_MAX,
        "flags": flags in kind.depths,
        "times": created < expires <= created + LIFETIME_MAX and expires < INTEGER_LIMIT,
        "manifest length": manifest <= MANIFEST_MAX and plaintext_length(manifest) is not None,
        "data length": data <= DATA_MAX and plaintext_length(data) is not None,
        "epoch": epoch < INTEGER_LIMIT,
    }
    broken = [what for what, holds in rules.items() if not holds]
    if broken:
        raise SecurityError("malformed", f"header out of range: {', '.join(broken)}")
    return fixed


def _check_recipients(head: bytes, suite: Suite, fixed: tuple[int | bytes, ...], kind: Kind) -> Envelope:
    use = algorithms(suite)
    count, depth = struct.unpack_from(">HH", head, 12)
    end = header_length(suite, count)
    signed = end + shared.signature_length(suite, depth)
    if len(head) < signed:
        raise SecurityError("truncated", "ends within header or signature")
    step = HASH_LENGTH + 8 + use.wrap_length
    recipients = tuple(
        Recipient(
            head[at : at + HASH_LENGTH],
            int.from_bytes(head[at + HASH_LENGTH : at + HASH_LENGTH + 8], "big"),
            head[at + HASH_LENGTH + 8 : at + step],
        )
        for at in range(FIXED_LENGTH, end, step)
    )
    if any(not left.key_id < right.key_id for left, right in itertools.pairwise(recipients)):
        raise SecurityError("malformed", "recipients are not strictly ascending")
    if any(r.sequence not in kind.sequences for r in recipients):
        raise SecurityError("malformed", "a sequence number is out of range")
    return _typed(suite, fixed, recipients, head[:end], head[end:signed])


def _typed(
    suite: Suite, fixed: tuple[int | bytes, ...], recipients: tuple[Recipient, ...], header: bytes, signature: bytes
) -> Envelope:
    _magic, _suite, log2, cls, _count, depth, created, expires, ident, manifest, data, sender, mhash, shash, epoch = (
        fixed
    )
    return Envelope(
        suite=suite,
        segment_log2=int(log2),
        routing_class=int(cls),
        depth=int(depth),
        created=int(created),
        expires=int(expires),
        bundle_id=bundle_id(bytes(ident).hex()),
        manifest_length=int(manifest),
        data_length=int(data),
        sender_key_id=bytes(sender),
        manifest_hash=bytes(mhash),
        segments_hash=bytes(shash),
        epoch=int(epoch),
        recipients=recipients,
        header=header,
        signature=signature,
    )


def _check_sender(envelope: Envelope, signer_of: Callable[[bytes], PublicKeys | None]) -> PublicKeys:
    signer = signer_of(envelope.sender_key_id)
    # The lookup is not trusted to have found the right one: the id names suite and key.
    if signer is None or signer.sign_key_id != envelope.sender_key_id:
        raise SecurityError("unknown-sender", "nobody we know signs with this key")
    return signer


def _check_not_revoked(envelope: Envelope, is_revoked: Callable[[bytes], bool]) -> None:
    if is_revoked(envelope.sender_key_id):
        raise SecurityError("revoked-sender", "the sender's key was revoked")


def _check_signature(envelope: Envelope, signer: PublicKeys, kind: Kind) -> None:
    if not signer.verify(kind.signed_as, envelope.header, envelope.signature):
        raise SecurityError("bad-signature", "the signature does not belong to this header")
