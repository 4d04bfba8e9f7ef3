"""Chunked encryption (C2SP): the arithmetic of its lengths, and Cobblestone-256 behind one interface for all suites."""

from typing import Protocol

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

CHUNK = 16384
"""Plaintext bytes of every chunk but the last, which is always shorter."""
TAG = 16
PREFIX = 56
"""24 bytes of salt and 32 of key commitment before the first chunk."""


class Encryptor(Protocol):
    """Encrypts one text. `target` must hold `room_for(len(data))` bytes."""

    def update_into(self, data: memoryview, target: memoryview) -> int: ...
    def finalize(self) -> bytes: ...


class Decryptor(Protocol):
    """Decrypts one text. What it hands out is authentic, but only `finalize` proves that nothing is missing.

    Raises InvalidTag; `target` must then be discarded.
    """

    def update_into(self, data: memoryview, target: memoryview) -> int: ...
    def finalize(self) -> bytes: ...


def ciphertext_length(plain: int) -> int:
    """Return the length of the encryption of `plain` bytes."""
    return PREFIX + plain + TAG * (plain // CHUNK + 1)


def plaintext_length(cipher: int) -> int | None:
    """Return how many bytes a ciphertext of `cipher` bytes holds, None if there is no ciphertext of that length."""
    whole, last = divmod(cipher - PREFIX, CHUNK + TAG)
    return whole * CHUNK + last - TAG if cipher >= PREFIX and last >= TAG else None


def room_for(data: int) -> int:
    """Return the size of a buffer that takes whatever `update_into` gives for `data` bytes, either way."""
    return data + data // 1024 + CHUNK + PREFIX + 2 * TAG


def cobblestone256_encryptor(key: bytes, context: bytes) -> Encryptor:
    """Return an encryptor for one text under the 32-byte `key`; the salt is drawn by the library."""
    return Cobblestone256Encryptor(key, context)


def cobblestone256_decryptor(key: bytes, context: bytes) -> Decryptor:
    """Return a decryptor for one text under the 32-byte `key`."""
    return Cobblestone256Decryptor(key, context)


def encrypt_whole(encryptor: Encryptor, plain: bytes) -> bytes:
    """Encrypt a text that is in memory."""
    target = bytearray(room_for(len(plain)))
    count = encryptor.update_into(memoryview(plain), memoryview(target))
    return bytes(target[:count]) + encryptor.finalize()


def decrypt_whole(decryptor: Decryptor, cipher: bytes) -> bytes | None:
    """Decrypt a text that is in memory; None if it is not authentic and whole."""
    target = bytearray(room_for(len(cipher)))
    try:
        count = decryptor.update_into(memoryview(cipher), memoryview(target))
        return bytes(target[:count]) + decryptor.finalize()
    except InvalidTag:
        return None
