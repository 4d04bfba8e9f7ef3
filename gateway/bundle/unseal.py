"""Opening: groups B and C of the checks, one named step after another, nothing published before the last one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from typing import BinaryIO

from cryptography.exceptions import InvalidTag

from gateway.bundle import chunked, manifest
from gateway.bundle.compression import BadFrameError, Decompressor
from gateway.bundle.envelope import Envelope
from gateway.bundle.herald import Herald, Promise
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.manifest import Coding, Manifest, ManifestFile
from gateway.bundle.paths import check_paths
from gateway.bundle.payload import check_segment_list, checked_segments
from gateway.bundle.policy import check_size
from gateway.bundle.streams import PIECE, Beside, Progress, disk_errors, fill, in_turn, over, pour, silent
from gateway.bundle.suites import Suite, algorithms, digest, label
from gateway.bundle.unlocking import decrypt_manifest, read_manifest, unwrap_key
from gateway.domain.errors import SecurityError

_BESIDE = 256 << 10
"""Bytes from which hashing a piece takes longer than handing it to somebody else."""


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
    beside: Beside = in_turn,
) -> Manifest:
    """Do groups B and C on a bundle whose envelope is verified, and write its members.

    source:   seekable; `size`: its bytes.      keys: all key pairs of ours that may still be used.
    signer:   the public keys that verified the envelope.
    sink:     gives the file to write a member into, in manifest order; closed here. Its bytes count only
              after this function has returned: publish nothing before, and throw all of it away if this raises.
    accept:   sees the manifest before any of DATA is decrypted; raises to stop.
    progress: told the bytes of members written so far.
    beside:   decrypts a piece, and hashes a large one, while another is written: two calls at a time. When this raises,
              what it was given may still read `source`: whoever lends it waits for it.
    Raises what `verify_payload` raises, and SecurityError `not-addressed-to-us`, `unwrap-failed`,
    `content-auth-failed`, `manifest-malformed`, `inner-signature-bad`, `unsafe-path`, `file-hash-mismatch`,
    `padding-not-zero`. May be repeated.
    """
    front = open_front(source, size, envelope=envelope, keys=keys, signer=signer)
    accept(front.manifest)
    open_members(source, front, sink=sink, progress=progress, beside=beside)
    return front.manifest


@dataclass(frozen=True, slots=True)
class Front:
    """All of a bundle that comes before DATA, proven: its envelope, the list of its members, and K. `fingerprint`: H of
    that list as it was signed."""

    envelope: Envelope
    manifest: Manifest
    fingerprint: bytes
    content_key: bytes = field(repr=False)


def open_front(
    source: BinaryIO, size: int, *, envelope: Envelope, keys: Sequence[NodeKeys], signer: PublicKeys
) -> Front:
    """Do of `open_bundle` what comes before DATA; arguments and errors as there. May be repeated."""
    check_size(envelope, size)
    with disk_errors("reading the bundle"):
        cipher = read_manifest(source, envelope)
        check_segment_list(source, envelope)
    content_key = unwrap_key(envelope, keys)
    found, text, signature = decrypt_manifest(envelope, content_key, cipher)
    _check_inner_signature(envelope, signer, text, signature)
    check_paths(file.path for file in found.files)
    return Front(envelope, found, digest(envelope.suite, text), content_key)


def open_members(
    source: BinaryIO,
    front: Front,
    *,
    sink: Callable[[ManifestFile], BinaryIO],
    progress: Progress = silent,
    beside: Beside = in_turn,
) -> None:
    """Do of `open_bundle` what follows on `open_front`; arguments and errors as there. May be repeated."""
    with disk_errors("opening the bundle"):
        data = _Plaintext(source, front.envelope, front.content_key, beside)
        members = _Members(data, sink, progress, beside)
        try:
            for file in front.manifest.files:
                if members.write(file) != file.hash:
                    raise SecurityError("file-hash-mismatch", "a member does not have its signed hash")
            _check_end(data, front.manifest.pad)
        except SecurityError:
            data.settle()
            # The segments tell whether the bytes changed on their way or were made so by their sender.
            for _count in checked_segments(source, front.envelope, data.segments_begun):
                pass
            raise


def open_promised(
    source: BinaryIO,
    herald: Herald,
    promise: Promise,
    *,
    sink: Callable[[ManifestFile], BinaryIO],
    progress: Progress = silent,
    beside: Beside = in_turn,
) -> bytes:
    """Write the members that a verified `herald` promises, and return the fingerprint of the manifest that they have.

    source:   seekable; DATA lies in it where the herald says. Nothing else of it is read.
    sink, progress, beside: as those of `open_bundle`.
    Whatever is written is worth nothing until a Front with just that fingerprint is there. Not for several recipients:
    each of them could have made what decrypts, and ValueError says so.
    Raises SecurityError `truncated`, `content-auth-failed`, `file-hash-mismatch` (a frame is none), `padding-not-zero`;
    TransientError `local-io`.
    """
    if len(herald.envelope.recipients) > 1:
        raise ValueError("only the key of one recipient proves what it decrypts")
    draft = promise.manifest
    with disk_errors("opening the bundle"):
        data = _Plaintext(source, herald.envelope, promise.content_key, beside)
        members = _Members(data, sink, progress, beside)
        hashes = [members.write(file) for file in draft.files]
        _check_end(data, draft.pad)
    return digest(herald.envelope.suite, manifest.filled(promise.text, hashes))


def _check_inner_signature(envelope: Envelope, signer: PublicKeys, text: bytes, signature: bytes) -> None:
    if not signer.verify("inner", envelope.bind + text, signature):
        raise SecurityError("inner-signature-bad", "the sender did not sign this manifest for this envelope")


class _Members:
    """Writes the members of DATA in their order."""

    def __init__(
        self, data: "_Plaintext", sink: Callable[[ManifestFile], BinaryIO], progress: Progress, beside: Beside
    ) -> None:
        self._data = data
        self._sink = sink
        self._progress = progress
        self._beside = beside
        self._done = 0
        self._decompressor = Decompressor()

    def write(self, file: ManifestFile) -> bytes:
        """Write the next member, which is `file`, and return its hash."""
        running, hashed = algorithms(self._data.suite).digest(), over
        with closing(self._sink(file)) as target:
            for piece in self._content(file):
                # Three pieces are kept apart: this one is used while the one before is hashed and the next decrypted.
                hashed()
                hashed = (self._beside if len(piece) >= _BESIDE else in_turn)(partial(running.update, piece))
                pour(piece, target)
                self._done += len(piece)
                self._progress(self._done)
            hashed()
        return running.digest()

    def _content(self, file: ManifestFile) -> Iterator[memoryview]:
        if file.coding is Coding.IDENTITY:
            yield from self._data.pieces(file.stored)
            return
        try:
            for piece in self._decompressor.content(self._data.exactly, file.stored, file.size):
                yield memoryview(piece)
        except BadFrameError as error:
            raise SecurityError("file-hash-mismatch", f"a compressed member: {error}") from error


def _check_end(plain: "_Plaintext", pad: int) -> None:
    for piece in plain.pieces(pad):
        if any(piece):
            raise SecurityError("padding-not-zero", "there is something after the last member")
    plain.finish()


class _Plaintext:
    """DATA decrypted, handed out in the order and lengths that are asked for.

    With one recipient nobody but the sender can have made what decrypts. Of several each knows the key, so there the
    sender's hash of a segment is compared before any of it is decrypted.
    """

    def __init__(self, source: BinaryIO, envelope: Envelope, content_key: bytes, beside: Beside) -> None:
        """beside: decrypts one piece while the one before is used."""
        self._decryptor = algorithms(envelope.suite).decryptor(content_key, label("data") + envelope.bind)
        self._source = source
        self._envelope = envelope
        self._beside = beside
        self._asked = self._read = 0
        several = len(envelope.recipients) > 1
        self._proofs = checked_segments(source, envelope, envelope.segment_count) if several else None
        piece = min(PIECE, envelope.data_length)
        self._cipher = memoryview(bytearray(piece))
        # One is used, one still hashed, one filled.
        count = min(3, -(-envelope.data_length // piece))
        self._targets = cycle([memoryview(bytearray(chunked.room_for(piece))) for _ in range(count)])
        self._decrypted = self._ready = memoryview(b"")
        self._wait: Callable[[], None] | None = None
        """Of the piece that is being decrypted; None if there is none."""
        self._is_final = False

    @property
    def suite(self) -> Suite:
        """By which it was sealed."""
        return self._envelope.suite

    @property
    def segments_begun(self) -> int:
        """Of how many segments something was asked for: what is read ahead of that is not told of before its turn."""
        return -(-self._asked // self._envelope.segment_size)

    def pieces(self, count: int) -> Iterator[memoryview]:
        """Yield the next `count` bytes in pieces; each is overwritten when the one after the next is asked for."""
        while count:
            if not self._ready:
                self._more()
            piece, self._ready = self._ready[:count], self._ready[count:]
            yield piece
            count -= len(piece)

    def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if len(self._ready) >= count:
            piece, self._ready = self._ready[:count], self._ready[count:]
            return bytes(piece)
        # Copied one by one: a piece is overwritten by those that follow.
        return b"".join([bytes(piece) for piece in self.pieces(count)])

    def finish(self) -> None:
        """Verify the last chunk, so nothing is missing; nothing follows, because the lengths were compared before."""
        while not self._is_final:
            self._more()

    def settle(self) -> None:
        """Wait until nobody reads any more; whatever came of that is of no interest."""
        wait, self._wait = self._wait, None
        if wait is not None:
            with suppress(SecurityError, OSError):
                wait()

    def _more(self) -> None:
        """Hand out the next piece, or the last chunk after all of DATA."""
        wait, self._wait = self._wait, None
        if wait is None and self._read == self._envelope.data_length:
            self._is_final = True
            with _authentic():
                self._ready = memoryview(self._decryptor.finalize())
            return
        self._asked = min(self._asked + PIECE, self._envelope.data_length)
        (wait or self._decrypt)()
        self._ready = self._decrypted
        if self._beside is not in_turn and self._read < self._envelope.data_length:
            self._wait = self._beside(self._decrypt)

    def _decrypt(self) -> None:
        wanted = self._cipher[: self._envelope.data_length - self._read]
        # Segments and pieces are powers of two: none of them begins within one of the others.
        if self._proofs is not None and self._read % self._envelope.segment_size == 0:
            next(self._proofs)
        self._source.seek(self._envelope.data_offset + self._read)
        found = fill(self._source, wanted)
        self._read += len(wanted)
        if found < len(wanted):
            raise SecurityError("truncated", "ends within DATA")
        target = next(self._targets)
        with _authentic():
            self._decrypted = target[: self._decryptor.update_into(wanted, target)]


@contextmanager
def _authentic() -> Iterator[None]:
    try:
        yield
    except InvalidTag as error:
        raise SecurityError("content-auth-failed", "DATA does not decrypt") from error
