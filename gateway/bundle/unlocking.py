"""From a proven envelope to the key of its content and the list of what is inside: checks B2 and C1 to C4."""

from collections.abc import Sequence
from typing import BinaryIO

from gateway.bundle import chunked, manifest
from gateway.bundle.envelope import Envelope, Recipient
from gateway.bundle.keys import NodeKeys
from gateway.bundle.manifest import Manifest
from gateway.bundle.streams import fill
from gateway.bundle.suites import algorithms, digest, label
from gateway.domain.errors import SecurityError


def read_manifest(source: BinaryIO, envelope: Envelope) -> bytes:
    """Return MANIFEST of the bundle in `source` (seekable); SecurityError `manifest-corrupt` if it is not the signed
    one."""
    buffer = bytearray(envelope.manifest_length)
    source.seek(envelope.manifest_offset)
    fill(source, memoryview(buffer))
    cipher = bytes(buffer)
    if digest(envelope.suite, cipher) != envelope.manifest_hash:
        raise SecurityError("manifest-corrupt", "MANIFEST is not the signed one")
    return cipher


def unwrap_key(envelope: Envelope, keys: Sequence[NodeKeys]) -> bytes:
    """Return K, by whichever of `keys` it was wrapped for; SecurityError `not-addressed-to-us` or `unwrap-failed`."""
    ours, recipient = _check_addressed(envelope, keys)
    content_key = ours.unwrap("wrap", envelope.bind, recipient.wrap)
    if content_key is None:
        raise SecurityError("unwrap-failed", "the wrapped key was not made for us and this envelope")
    return content_key


def decrypt_manifest(
    envelope: Envelope, content_key: bytes, cipher: bytes, name: str = "manifest"
) -> tuple[Manifest, bytes, bytes]:
    """Return what MANIFEST lists, its JSON, and the bytes of the inner signature, which is not verified but as long as
    the outer one.

    cipher: MANIFEST.     name: the x of L(x) in the context of its encryption.
    Raises SecurityError `content-auth-failed` or `manifest-malformed`. DATA has the length that follows from it.
    """
    decryptor = algorithms(envelope.suite).decryptor(content_key, label(name) + envelope.bind)
    plain = chunked.decrypt_whole(decryptor, cipher)
    if plain is None:
        raise SecurityError("content-auth-failed", "MANIFEST does not decrypt")
    length = int.from_bytes(plain[:4], "big")
    if len(plain) != 4 + length + len(envelope.signature):
        raise SecurityError("manifest-malformed", "lengths within the manifest disagree")
    text, signature = plain[4 : 4 + length], plain[4 + length :]
    found = manifest.decode(text)
    if chunked.ciphertext_length(found.total + found.pad) != envelope.data_length:
        raise SecurityError("manifest-malformed", "the files do not fill DATA")
    return found, text, signature


def _check_addressed(envelope: Envelope, keys: Sequence[NodeKeys]) -> tuple[NodeKeys, Recipient]:
    ours = {key.encrypt_key_id: key for key in keys if key.suite == envelope.suite}
    for recipient in envelope.recipients:
        if recipient.key_id in ours:
            return ours[recipient.key_id], recipient
    raise SecurityError("not-addressed-to-us", "no recipient's key is one of ours")
