"""Chunked encryption (C2SP) with HKDF-Expand-SM3 and SM4-GCM: the construction of Cobblestone for suite 3."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from gateway.bundle.chunked import CHUNK, PREFIX, TAG

KEY_LENGTH = 16
SALT_LENGTH = 24
_NONCE_LENGTH = 12
_COMMITMENT_LENGTH = 32
_INFO = b"c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0"
"""The AEAD is called as RFC 8998 registered it with IANA."""


class _Chunks:
    """Key, base nonce and commitment of one text, and its chunks by number."""

    def __init__(self, input_key: bytes, salt: bytes, context: bytes) -> None:
        length = KEY_LENGTH + _NONCE_LENGTH + _COMMITMENT_LENGTH
        derived = HKDFExpand(SM3(), length, _INFO + salt + context).derive(input_key)
        self._key = algorithms.SM4(derived[:KEY_LENGTH])
        self._base = int.from_bytes(derived[KEY_LENGTH : KEY_LENGTH + _NONCE_LENGTH], "big")
        self._number = 0
        self.commitment = derived[KEY_LENGTH + _NONCE_LENGTH :]

    def encrypt(self, plain: memoryview) -> bytes:
        sealing = Cipher(self._key, modes.GCM(self._nonce())).encryptor()
        return sealing.update(plain) + sealing.finalize() + sealing.tag

    def decrypt(self, cipher: memoryview) -> bytes:
        """Return the text of the next chunk; InvalidTag if it is not authentic."""
        opening = Cipher(self._key, modes.GCM(self._nonce(), bytes(cipher[-TAG:]))).decryptor()
        return opening.update(cipher[:-TAG]) + opening.finalize()

    def _nonce(self) -> bytes:
        nonce = (self._base ^ self._number).to_bytes(_NONCE_LENGTH, "big")
        self._number += 1
        return nonce


class Sm4Encryptor:
    """Encrypts one text; `salt` (24 random bytes) must never repeat under a key."""

    def __init__(self, key: bytes, context: bytes, salt: bytes) -> None:
        self._chunks = _Chunks(key, salt, context)
        self._ready = salt + self._chunks.commitment
        self._pending = bytearray()

    def update_into(self, data: memoryview, target: memoryview) -> int:
        """Encrypt all whole chunks that `data` completes into `target`; return the bytes written."""
        self._pending += data
        end = len(self._pending) - len(self._pending) % CHUNK
        at = _put(self._ready, target, 0)
        self._ready = b""
        with memoryview(self._pending) as pending:
            for start in range(0, end, CHUNK):
                at = _put(self._chunks.encrypt(pending[start : start + CHUNK]), target, at)
        del self._pending[:end]
        return at

    def finalize(self) -> bytes:
        """Return what is left: the last chunk, shorter than a whole one and perhaps empty."""
        return self._ready + self._chunks.encrypt(memoryview(bytes(self._pending)))


class Sm4Decryptor:
    """Decrypts one text; InvalidTag at the first byte that is not authentic, or at the end if any is missing."""

    def __init__(self, key: bytes, context: bytes) -> None:
        self._key = key
        self._context = context
        self._chunks: _Chunks | None = None
        self._pending = bytearray()

    def update_into(self, data: memoryview, target: memoryview) -> int:
        """Decrypt all whole chunks that `data` completes into `target`; return the bytes written."""
        self._pending += data
        if self._chunks is None and len(self._pending) >= PREFIX:
            self._chunks = self._begin(bytes(self._pending[:PREFIX]))
            del self._pending[:PREFIX]
        if self._chunks is None:
            return 0
        end = len(self._pending) - len(self._pending) % (CHUNK + TAG)
        at = 0
        with memoryview(self._pending) as pending:
            for start in range(0, end, CHUNK + TAG):
                at = _put(self._chunks.decrypt(pending[start : start + CHUNK + TAG]), target, at)
        del self._pending[:end]
        return at

    def finalize(self) -> bytes:
        """Return the last chunk, which proves that the text is whole."""
        if self._chunks is None or len(self._pending) < TAG:
            raise InvalidTag
        return self._chunks.decrypt(memoryview(bytes(self._pending)))

    def _begin(self, prefix: bytes) -> _Chunks:
        chunks = _Chunks(self._key, prefix[:SALT_LENGTH], self._context)
        if not constant_time.bytes_eq(chunks.commitment, prefix[SALT_LENGTH:]):
            raise InvalidTag
        return chunks


def _put(piece: bytes, target: memoryview, at: int) -> int:
    target[at : at + len(piece)] = piece
    return at + len(piece)
