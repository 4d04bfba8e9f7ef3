"""The herald of a large bundle: a signed front that is true before its hashes are known (docs/bundle-format.md)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from gateway.bundle import chunked
from gateway.bundle.envelope import Envelope, Kind, Recipient, check_signature, encode_recipients, parse_envelope
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.manifest import BLANK, Manifest
from gateway.bundle.paths import check_paths
from gateway.bundle.streams import disk_errors
from gateway.bundle.suites import algorithms, digest, label
from gateway.bundle.unlocking import decrypt_manifest, read_manifest, unwrap_key
from gateway.domain.errors import SecurityError

MAGIC = b"\x89CBH\r\n\x1a\n"
_KIND = Kind(MAGIC, "herald", range(1), range(1))
_DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Herald:
    """A parsed herald. `envelope`: as the bundle's will be, but for sequence numbers 0, a blank `segments_hash` and a
    `manifest_hash` that is H(DRAFT); lengths, offsets and `bind` are those of the bundle."""

    envelope: Envelope

    def announces(self, envelope: Envelope) -> bool:
        """Whether `envelope` is that of the bundle announced: then both have one K, one bind and one DATA.

        Both must be verified: a herald that anybody else signed announces nothing.
        """
        return self.envelope == replace(
            envelope,
            manifest_hash=self.envelope.manifest_hash,
            segments_hash=self.envelope.segments_hash,
            recipients=tuple(replace(one, sequence=0) for one in envelope.recipients),
            header=self.envelope.header,
            signature=self.envelope.signature,
        )


@dataclass(frozen=True, slots=True)
class Promise:
    """What a herald says to its recipient: K, and the manifest with blank hashes, whose JSON is `text`.

    Nothing of it is the sender's word about contents: that is the inner signature of the bundle.
    """

    content_key: bytes = field(repr=False)
    manifest: Manifest
    text: bytes = field(repr=False)


def encode_herald(
    fixed: Callable[[bytes, bytes], bytes],
    slots: Sequence[tuple[bytes, bytes]],
    draft: bytes,
    *,
    content_key: bytes,
    bind: bytes,
    keys: NodeKeys,
) -> bytes:
    """Return the herald of a bundle that is about to be written.

    fixed: gives HEADER[0:168] of the bundle for hashes of MANIFEST and SEGS.     slots: (key_id, wrap) in header order.
    draft: the JSON of the manifest with BLANK hashes, as long as it will be.
    """
    use = algorithms(keys.suite)
    text = len(draft).to_bytes(4, "big") + draft + bytes(use.signature_length)
    cipher = chunked.encrypt_whole(use.encryptor(content_key, label(_DRAFT) + bind), text)
    recipients = [Recipient(key_id, 0, wrap) for key_id, wrap in slots]
    header = MAGIC + fixed(digest(keys.suite, cipher), BLANK)[len(MAGIC) :] + encode_recipients(recipients)
    return header + keys.sign(_KIND.signed_as, header) + cipher


def parse_herald(head: bytes) -> Herald:
    """Parse the first bytes of a file that may begin with a herald; integers only, as `parse_envelope`.

    Raises SecurityError `not-a-bundle`, `suite-refused`, `malformed` or `truncated`, in that order of looking.
    """
    envelope = parse_envelope(head, _KIND)
    if envelope.segments_hash != BLANK:
        raise SecurityError("malformed", "a herald knows no hash of segments")
    return Herald(envelope)


def is_whole(raw: bytes) -> bool:
    """Whether `raw` is a herald from its first byte to its last, over which nothing of its bundle was written yet."""
    try:
        envelope = parse_herald(raw).envelope
    except SecurityError:
        return False
    cipher = raw[envelope.manifest_offset :]
    return len(cipher) == envelope.manifest_length and digest(envelope.suite, cipher) == envelope.manifest_hash


def check_herald(
    herald: Herald,
    signer_of: Callable[[bytes], PublicKeys | None],
    is_revoked: Callable[[bytes], bool] = lambda _key_id: False,
) -> None:
    """Do of group A of the checks what follows on the parsing, up to the signature; arguments as those of
    `verify_envelope`.

    Raises SecurityError `unknown-sender`, `revoked-sender` or `bad-signature`, in that order of looking. Policy comes
    after.
    """
    check_signature(herald.envelope, signer_of, is_revoked, _KIND)


def open_herald(source: BinaryIO, herald: Herald, keys: Sequence[NodeKeys]) -> Promise:
    """Return what a verified herald promises to us.

    source: seekable; holds the herald at its beginning, whatever follows.     keys: all key pairs of ours that count.
    Raises SecurityError `manifest-corrupt`, `not-addressed-to-us`, `unwrap-failed`, `content-auth-failed`,
    `manifest-malformed`, `unsafe-path`, in that order of looking; TransientError `local-io`. May be repeated.
    """
    with disk_errors("reading a herald"):
        cipher = read_manifest(source, herald.envelope)
    content_key = unwrap_key(herald.envelope, keys)
    draft, text, rest = decrypt_manifest(herald.envelope, content_key, cipher, _DRAFT)
    if any(rest) or any(file.hash != BLANK for file in draft.files):
        raise SecurityError("manifest-malformed", "a draft knows no hash and bears no signature")
    check_paths(file.path for file in draft.files)
    return Promise(content_key, draft, text)
