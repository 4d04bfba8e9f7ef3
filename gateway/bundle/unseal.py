"""Opening: groups B and C of the checks, one named function per step, nothing published before the last one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import BinaryIO

from cryptography.exceptions import InvalidTag

from gateway.bundle import chunked, compression, manifest
from gateway.bundle.compression import BadFrameError
from gateway.bundle.envelope import Envelope, Recipient
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.manifest import Coding, Manifest, ManifestFile
from gateway.bundle.paths import check_paths
from gateway.bundle.policy import check_size
from gateway.bundle.streams import PIECE, Progress, disk_errors, fill, pour, silent
from gateway.bundle.suites import HASH_LENGTH, algorithms, digest, label
from gateway.domain.errors import SecurityError

_HASHES_HELD = 2048
"""Segment hashes read at once."""


def verify_payload(source: BinaryIO, size: int, envelope: Envelope, *, progress: Progress = silent) -> None:
    """Do group B without any key: every byte after a verified envelope is the one its sender signed.

    source: seekable; `size`: its bytes.     progress: told the bytes of DATA checked so far.
    Raises SecurityError `truncated`, `trailing-bytes`, `manifest-corrupt`, `segment-list-corrupt` or
    `segment-corrupt` (facts: `segment`, counted from 0); TransientError `local-io`. May be repeated.
    """
    check_size(envelope, size)
    with disk_errors("reading the bundle"):
        _check_manifest_hash(source, envelope)
        _check_segment_list(source, envelope)
        done = 0
        for segment in _checked_segments(source, envelope):
            done += len(segment)
            progress(done)


def open_bundle(
    source: BinaryIO,
    size: int,
    *,
    envelope: Envelope,
    keys: Sequence[NodeKeys],
    signer: PublicKeys,
    sink: Callable[[ManifestFile], BinaryIO],
    accept: Callable[[Manifest], None] = lambda _manifest: None,
    progress: Progress = silent,
) -> Manifest:
    """Do groups B and C on a bundle whose envelope is verified, and write its members.

    source:   seekable; `size`: its bytes.      keys: all key pairs of ours that may still be used.
    signer:   the public keys that verified the envelope.
    sink:     gives the file to write a member into, in manifest order; closed here. Its bytes count only
              after this function has returned: publish nothing before, and throw all of it away if this raises.
    accept:   sees the manifest before any of DATA is decrypted; raises to stop.
    progress: told the bytes of members written so far.
    Raises what `verify_payload` raises, and SecurityError `not-addressed-to-us`, `unwrap-failed`,
    `content-auth-failed`, `manifest-malformed`, `inner-signature-bad`, `unsafe-path`, `file-hash-mismatch`,
    `padding-not-zero`. May be repeated.
    """
    check_size(envelope, size)
    with disk_errors("reading the bundle"):
        cipher = _check_manifest_hash(source, envelope)
        _check_segment_list(source, envelope)
    ours, recipient = _check_addressed(envelope, keys)
    content_key = _unwrap(envelope, ours, recipient)
    plain = _decrypt_manifest(envelope, content_key, cipher)
    found, text, signature = _parse_manifest(envelope, plain)
    _check_inner_signature(envelope, signer, text, signature)
    check_paths(file.path for file in found.files)
    accept(found)
    with disk_errors("opening the bundle"):
        _write_members(_Plaintext(source, envelope, content_key), envelope, found, sink, progress)
    return found


def _check_manifest_hash(source: BinaryIO, envelope: Envelope) -> bytes:
    buffer = bytearray(envelope.manifest_length)
    source.seek(envelope.manifest_offset)
    fill(source, memoryview(buffer))
    cipher = bytes(buffer)
    if digest(envelope.suite, cipher) != envelope.manifest_hash:
        raise SecurityError("manifest-corrupt", "MANIFEST is not the signed one")
    return cipher


def _check_segment_list(source: BinaryIO, envelope: Envelope) -> None:
    running = algorithms(envelope.suite).digest()
    for hashes in _segment_list(source, envelope):
        running.update(hashes)
    if running.digest() != envelope.segments_hash:
        raise SecurityError("segment-list-corrupt", "SEGS is not the signed one")


def _segment_list(source: BinaryIO, envelope: Envelope) -> Iterator[bytes]:
    """SEGS in pieces: it may be larger than memory should be."""
    end = envelope.segments_offset + HASH_LENGTH * envelope.segment_count
    buffer = memoryview(bytearray(HASH_LENGTH * _HASHES_HELD))
    for at in range(envelope.segments_offset, end, len(buffer)):
        piece = buffer[: end - at]
        source.seek(at)
        if fill(source, piece) < len(piece):
            raise SecurityError("truncated", "ends within SEGS")
        yield bytes(piece)


def _checked_segments(source: BinaryIO, envelope: Envelope) -> Iterator[memoryview]:
    """Yield the segments of DATA, each after its hash was compared and until the next one is asked for."""
    buffer = memoryview(bytearray(min(envelope.segment_size, envelope.data_length)))
    number, left = 0, envelope.data_length
    for hashes in _segment_list(source, envelope):
        source.seek(envelope.data_offset + number * envelope.segment_size)
        for at in range(0, len(hashes), HASH_LENGTH):
            segment = buffer[: min(left, len(buffer))]
            if fill(source, segment) < len(segment):
                raise SecurityError("truncated", f"ends within segment {number}")
            if digest(envelope.suite, segment) != hashes[at : at + HASH_LENGTH]:
                raise SecurityError(
                    "segment-corrupt", f"segment {number} is not the signed one", facts={"segment": number}
                )
            yield segment
            number += 1
            left -= len(segment)


def _check_addressed(envelope: Envelope, keys: Sequence[NodeKeys]) -> tuple[NodeKeys, Recipient]:
    ours = {key.encrypt_key_id: key for key in keys if key.suite == envelope.suite}
    for recipient in envelope.recipients:
        if recipient.key_id in ours:
            return ours[recipient.key_id], recipient
    raise SecurityError("not-addressed-to-us", "no recipient's key is one of ours")


def _unwrap(envelope: Envelope, ours: NodeKeys, recipient: Recipient) -> bytes:
    content_key = ours.unwrap("wrap", envelope.bind, recipient.wrap)
    if content_key is None:
        raise SecurityError("unwrap-failed", "the wrapped key was not made for us and this envelope")
    return content_key


def _decrypt_manifest(envelope: Envelope, content_key: bytes, cipher: bytes) -> bytes:
    decryptor = algorithms(envelope.suite).decryptor(content_key, label("manifest") + envelope.bind)
    plain = chunked.decrypt_whole(decryptor, cipher)
    if plain is None:
        raise SecurityError("content-auth-failed", "MANIFEST does not decrypt")
    return plain


def _parse_manifest(envelope: Envelope, plain: bytes) -> tuple[Manifest, bytes, bytes]:
    """u32 length | JSON | inner signature, and DATA must have the length that the JSON promises."""
    length = int.from_bytes(plain[:4], "big")
    if len(plain) != 4 + length + algorithms(envelope.suite).signature_length:
        raise SecurityError("manifest-malformed", "lengths within the manifest disagree")
    text, signature = plain[4 : 4 + length], plain[4 + length :]
    found = manifest.decode(text)
    if chunked.ciphertext_length(found.total + found.pad) != envelope.data_length:
        raise SecurityError("manifest-malformed", "the files do not fill DATA")
    return found, text, signature


def _check_inner_signature(envelope: Envelope, signer: PublicKeys, text: bytes, signature: bytes) -> None:
    if not signer.verify("inner", envelope.bind + text, signature):
        raise SecurityError("inner-signature-bad", "the sender did not sign this manifest for this envelope")


def _write_members(
    plain: "_Plaintext",
    envelope: Envelope,
    found: Manifest,
    sink: Callable[[ManifestFile], BinaryIO],
    progress: Progress,
) -> None:
    done = 0
    for file in found.files:
        running = algorithms(envelope.suite).digest()
        with closing(sink(file)) as target:
            for piece in _content(plain, file):
                running.update(piece)
                pour(piece, target)
                done += len(piece)
                progress(done)
        if running.digest() != file.hash:
            raise SecurityError("file-hash-mismatch", "a member does not have its signed hash")
    _check_padding(plain, found.pad)
    plain.finish()


def _content(plain: "_Plaintext", file: ManifestFile) -> Iterator[memoryview]:
    if file.coding is Coding.IDENTITY:
        yield from plain.pieces(file.stored)
        return
    try:
        for piece in compression.decompress(plain.exactly, file.stored, file.size):
            yield memoryview(piece)
    except BadFrameError as error:
        raise SecurityError("file-hash-mismatch", f"a compressed member: {error}") from error


def _check_padding(plain: "_Plaintext", pad: int) -> None:
    for piece in plain.pieces(pad):
        if any(piece):
            raise SecurityError("padding-not-zero", "there is something after the last member")


class _Plaintext:
    """DATA decrypted, handed out in the order and lengths that are asked for; each segment is checked before."""

    def __init__(self, source: BinaryIO, envelope: Envelope, content_key: bytes) -> None:
        self._decryptor = algorithms(envelope.suite).decryptor(content_key, label("data") + envelope.bind)
        self._segments = _checked_segments(source, envelope)
        self._segment = memoryview(b"")
        self._target = memoryview(bytearray(chunked.room_for(PIECE)))
        self._ready = self._target[:0]
        self._is_final = False

    def pieces(self, count: int) -> Iterator[memoryview]:
        """Yield the next `count` bytes in pieces; each is overwritten when the next one is asked for."""
        while count:
            if not self._ready:
                self._more()
            piece, self._ready = self._ready[:count], self._ready[count:]
            yield piece
            count -= len(piece)

    def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        # Copied one by one: a piece is overwritten by the next.
        return b"".join([bytes(piece) for piece in self.pieces(count)])

    def finish(self) -> None:
        """Verify the last chunk, so nothing is missing; nothing follows, because the lengths were compared before."""
        while not self._is_final:
            self._more()

    def _more(self) -> None:
        """Decrypt the next piece of the segment, or the last chunk after all segments."""
        try:
            if not self._segment:
                segment = next(self._segments, None)
                if segment is None:
                    self._is_final = True
                    self._ready = memoryview(self._decryptor.finalize())
                    return
                self._segment = segment
            piece, self._segment = self._segment[:PIECE], self._segment[PIECE:]
            self._ready = self._target[: self._decryptor.update_into(piece, self._target)]
        except InvalidTag as error:
            raise SecurityError("content-auth-failed", "DATA does not decrypt") from error
