"""Chunked encryption against a second implementation, written from the specification over a plain AEAD."""

import random

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from gateway.bundle.chunked import (
    ciphertext_length,
    cobblestone256_decryptor,
    cobblestone256_encryptor,
    decrypt_whole,
    encrypt_whole,
    plaintext_length,
    room_for,
)
from gateway.bundle.gm_chunked import Sm4Decryptor, Sm4Encryptor

LENGTHS = [0, 1, 15, 16, 16383, 16384, 16385, 2 * 16384 - 1, 2 * 16384, 100_000]
CONTEXT = b"casebundle/v1 data\0" + bytes(32)


def text(length: int) -> bytes:
    return random.Random(length).randbytes(length)


class Cobblestone:
    """The specification's steps over AESGCM."""

    key = bytes(range(32))
    aead, hash, key_length = b"AEAD_AES_256_GCM", hashes.SHA512(), 32

    def encryptor(self):
        return cobblestone256_encryptor(self.key, CONTEXT)

    def decryptor(self, context=CONTEXT, key=None):
        return cobblestone256_decryptor(key or self.key, context)

    def seal(self, key, nonce, plain):
        return AESGCM(key).encrypt(nonce, plain, None)

    def open(self, key, nonce, cipher):
        return AESGCM(key).decrypt(nonce, cipher, None)


class Sm4:
    """The same steps over SM4-GCM."""

    key = bytes(range(16))
    aead, hash, key_length = b"AEAD_SM4_GCM", hashes.SM3(), 16

    def encryptor(self):
        return Sm4Encryptor(self.key, CONTEXT, bytes(24))

    def decryptor(self, context=CONTEXT, key=None):
        return Sm4Decryptor(key or self.key, context)

    def seal(self, key, nonce, plain):
        sealing = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
        return sealing.update(plain) + sealing.finalize() + sealing.tag

    def open(self, key, nonce, cipher):
        opening = Cipher(algorithms.SM4(key), modes.GCM(nonce, cipher[-16:])).decryptor()
        return opening.update(cipher[:-16]) + opening.finalize()


@pytest.fixture(params=[Cobblestone(), Sm4()], ids=["cobblestone256", "sm4"])
def scheme(request):
    return request.param


def derive(scheme, salt):
    info = b"c2sp.org/chunked-encryption@v1+" + scheme.aead + b"\0" + salt + CONTEXT
    derived = HKDFExpand(scheme.hash, scheme.key_length + 44, info).derive(scheme.key)
    return derived[: scheme.key_length], int.from_bytes(derived[-44:-32], "big"), derived[-32:]


def second_encrypt(scheme, plain, salt):
    key, base, commitment = derive(scheme, salt)
    chunks = [plain[at : at + 16384] for at in range(0, len(plain) + 1, 16384)]
    sealed = [scheme.seal(key, (base ^ n).to_bytes(12, "big"), chunk) for n, chunk in enumerate(chunks)]
    return salt + commitment + b"".join(sealed)


def second_decrypt(scheme, cipher):
    key, base, commitment = derive(scheme, cipher[:24])
    assert commitment == cipher[24:56]
    body = cipher[56:]
    chunks = [body[at : at + 16400] for at in range(0, len(body), 16400)]
    return b"".join(scheme.open(key, (base ^ n).to_bytes(12, "big"), chunk) for n, chunk in enumerate(chunks))


@pytest.mark.parametrize("length", LENGTHS)
def test_both_implementations_agree(scheme, length):
    plain = text(length)
    cipher = encrypt_whole(scheme.encryptor(), plain)
    assert len(cipher) == ciphertext_length(length)
    assert second_decrypt(scheme, cipher) == plain
    assert decrypt_whole(scheme.decryptor(), second_encrypt(scheme, plain, b"s" * 24)) == plain


def in_pieces(decryptor, pieces):
    out = b""
    for piece in pieces:
        target = bytearray(room_for(len(piece)))
        out += target[: decryptor.update_into(memoryview(piece), memoryview(target))]
    return out + decryptor.finalize()


@pytest.mark.parametrize("length", [0, 40, 16384])
def test_cut_at_every_position(scheme, length):
    plain = text(length)
    cipher = encrypt_whole(scheme.encryptor(), plain)
    for at in range(0, len(cipher) + 1, 1 if length < 100 else 97):
        assert in_pieces(scheme.decryptor(), [cipher[:at], cipher[at:]]) == plain


def test_byte_by_byte(scheme):
    cipher = encrypt_whole(scheme.encryptor(), text(200))
    assert in_pieces(scheme.decryptor(), [bytes([b]) for b in cipher]) == text(200)


@pytest.mark.parametrize("size", [1, 1000, 16384, 40_000])
def test_encrypting_in_pieces_gives_a_text_of_the_same_form(scheme, size):
    plain = text(50_000)
    encryptor = scheme.encryptor()
    cipher = in_pieces(encryptor, [plain[at : at + size] for at in range(0, len(plain), size)])
    assert second_decrypt(scheme, cipher) == plain


def test_every_cut_of_the_end_is_noticed(scheme):
    cipher = encrypt_whole(scheme.encryptor(), text(16384 + 40))
    for end in [*range(80), 56 + 16400 - 1, 56 + 16400, 56 + 16400 + 15, 56 + 16400 + 16, len(cipher) - 1]:
        assert decrypt_whole(scheme.decryptor(), cipher[:end]) is None, end


def test_every_flip_and_extension_is_noticed(scheme):
    cipher = bytearray(encrypt_whole(scheme.encryptor(), text(40)))
    for at in range(len(cipher)):
        cipher[at] ^= 1 << at % 8
        assert decrypt_whole(scheme.decryptor(), bytes(cipher)) is None, at
        cipher[at] ^= 1 << at % 8
    assert decrypt_whole(scheme.decryptor(), bytes(cipher) + b"\0") is None


def test_chunks_cannot_change_places(scheme):
    cipher = encrypt_whole(scheme.encryptor(), text(3 * 16384))
    first, second = cipher[56 : 56 + 16400], cipher[56 + 16400 : 56 + 2 * 16400]
    assert decrypt_whole(scheme.decryptor(), cipher[:56] + second + first + cipher[56 + 2 * 16400 :]) is None
    assert decrypt_whole(scheme.decryptor(), cipher[:56] + cipher[56 + 16400 :]) is None


def test_key_and_context_are_committed(scheme):
    cipher = encrypt_whole(scheme.encryptor(), b"x")
    assert decrypt_whole(scheme.decryptor(context=CONTEXT + b"\0"), cipher) is None
    assert decrypt_whole(scheme.decryptor(key=bytes(len(scheme.key))), cipher) is None


def test_nothing_comes_out_before_the_commitment_was_compared(scheme):
    cipher = encrypt_whole(scheme.encryptor(), text(20_000))
    target = memoryview(bytearray(room_for(len(cipher))))
    with pytest.raises(InvalidTag):
        scheme.decryptor(key=bytes(len(scheme.key))).update_into(memoryview(cipher), target)
    assert not any(target)


def test_lengths_and_their_inverse():
    assert [ciphertext_length(n) for n in (0, 16383, 16384)] == [72, 16455, 16472]
    for plain in (*LENGTHS, 2**40, 2**46):
        assert plaintext_length(ciphertext_length(plain)) == plain
    for impossible in (0, 55, 56, 71, 56 + 16400, 56 + 16400 + 15):
        assert plaintext_length(impossible) is None
    possible = [c for c in range(3 * 16400) if plaintext_length(c) is not None]
    assert possible == [ciphertext_length(n) for n in range(len(possible))]
