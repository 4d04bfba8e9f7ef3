"""Suites 1 (classic) and 2 (post-quantum hybrid): which primitive of which library does what, and how raw keys look."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.bundle.chunked import Decryptor, Encryptor, cobblestone256_decryptor, cobblestone256_encryptor
from gateway.bundle.curves import is_sound_ed25519, is_sound_x25519
from gateway.bundle.primitives import Hasher, Sign, Unwrap, Verify, Wrap


def _hpke(kem: hpke.KEM) -> hpke.Suite:
    return hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _decrypted(
    kem: hpke.KEM, key: X25519PrivateKey | hpke.MLKEM768X25519PrivateKey, wrapped: bytes, bound: bytes
) -> bytes | None:
    try:
        return _hpke(kem).decrypt(wrapped, key, bound)
    except (InvalidTag, ValueError):
        return None


class _Shared:
    """What both suites do alike."""

    content_key_length = 32

    def digest(self) -> Hasher:
        return hashlib.sha256()

    def is_sound_seed(self, sign_seed: bytes, encrypt_seed: bytes) -> bool:
        return True  # RFC 8032, RFC 7748 and FIPS 203, 204 take every string as a seed

    def encryptor(self, key: bytes, context: bytes) -> Encryptor:
        return cobblestone256_encryptor(key, context)

    def decryptor(self, key: bytes, context: bytes) -> Decryptor:
        return cobblestone256_decryptor(key, context)


@dataclass(frozen=True, slots=True)
class ClassicSuite(_Shared):
    """Suite 1: Ed25519; HPKE Base with X25519, HKDF-SHA256, AES-256-GCM (RFC 9180); Cobblestone-256."""

    wrap_length: int = 80
    signature_length: int = 64
    sign_seed_length: int = 32
    encrypt_seed_length: int = 32
    sign_public_length: int = 32
    encrypt_public_length: int = 32

    def generate_seeds(self) -> tuple[bytes, bytes]:
        return Ed25519PrivateKey.generate().private_bytes_raw(), X25519PrivateKey.generate().private_bytes_raw()

    def sign_public(self, seed: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    def encrypt_public(self, seed: bytes) -> bytes:
        return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    def is_sound(self, sign_public: bytes, encrypt_public: bytes) -> bool:
        return is_sound_ed25519(sign_public) and is_sound_x25519(encrypt_public)

    def signer(self, seed: bytes) -> Sign:
        key = Ed25519PrivateKey.from_private_bytes(seed)
        return lambda label, body: key.sign(label + body)

    def verifier(self, public: bytes) -> Verify:
        key = Ed25519PublicKey.from_public_bytes(public)

        def verify(label: bytes, body: bytes, signature: bytes) -> bool:
            try:
                key.verify(signature, label + body)
            except InvalidSignature:
                return False
            return True

        return verify

    def wrapper(self, public: bytes) -> Wrap:
        key = X25519PublicKey.from_public_bytes(public)
        return lambda text, label, bind: _hpke(hpke.KEM.X25519).encrypt(text, key, label + bind)

    def unwrapper(self, seed: bytes) -> Unwrap:
        key = X25519PrivateKey.from_private_bytes(seed)
        return lambda wrapped, label, bind: _decrypted(hpke.KEM.X25519, key, wrapped, label + bind)


_ED_SEED = _ED_PUBLIC = 32
_ED_SIGNATURE = 64
_MLKEM_SEED = 64
_MLKEM_PUBLIC = 1184


@dataclass(frozen=True, slots=True)
class PqSuite(_Shared):
    """Suite 2: Ed25519 and ML-DSA-65, both; HPKE Base with X-Wing (ML-KEM-768 and X25519, 0x647a); Cobblestone-256."""

    wrap_length: int = 1168
    signature_length: int = 3373
    sign_seed_length: int = 64
    encrypt_seed_length: int = 96
    sign_public_length: int = 1984
    encrypt_public_length: int = 1216

    def generate_seeds(self) -> tuple[bytes, bytes]:
        return (
            Ed25519PrivateKey.generate().private_bytes_raw() + MLDSA65PrivateKey.generate().private_bytes_raw(),
            MLKEM768PrivateKey.generate().private_bytes_raw() + X25519PrivateKey.generate().private_bytes_raw(),
        )

    def sign_public(self, seed: bytes) -> bytes:
        classic, lattice = self._sign_keys(seed)
        return classic.public_key().public_bytes_raw() + lattice.public_key().public_bytes_raw()

    def encrypt_public(self, seed: bytes) -> bytes:
        lattice = MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED])
        classic = X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED:])
        return lattice.public_key().public_bytes_raw() + classic.public_key().public_bytes_raw()

    def is_sound(self, sign_public: bytes, encrypt_public: bytes) -> bool:
        try:
            # The library checks the encapsulation key as FIPS 203 section 7.2 demands.
            MLKEM768PublicKey.from_public_bytes(encrypt_public[:_MLKEM_PUBLIC])
        except ValueError:
            return False
        return is_sound_ed25519(sign_public[:_ED_PUBLIC]) and is_sound_x25519(encrypt_public[_MLKEM_PUBLIC:])

    def signer(self, seed: bytes) -> Sign:
        classic, lattice = self._sign_keys(seed)
        return lambda label, body: classic.sign(label + body) + lattice.sign(body, context=label)

    def verifier(self, public: bytes) -> Verify:
        classic = Ed25519PublicKey.from_public_bytes(public[:_ED_PUBLIC])
        lattice = MLDSA65PublicKey.from_public_bytes(public[_ED_PUBLIC:])

        def verify(label: bytes, body: bytes, signature: bytes) -> bool:
            try:
                classic.verify(signature[:_ED_SIGNATURE], label + body)
                lattice.verify(signature[_ED_SIGNATURE:], body, context=label)
            except InvalidSignature:
                return False
            return True

        return verify

    def wrapper(self, public: bytes) -> Wrap:
        key = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
        )
        return lambda text, label, bind: _hpke(hpke.KEM.MLKEM768_X25519).encrypt(text, key, label + bind)

    def unwrapper(self, seed: bytes) -> Unwrap:
        key = hpke.MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED]),
            X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED:]),
        )
        return lambda wrapped, label, bind: _decrypted(hpke.KEM.MLKEM768_X25519, key, wrapped, label + bind)

    @staticmethod
    def _sign_keys(seed: bytes) -> tuple[Ed25519PrivateKey, MLDSA65PrivateKey]:
        return (
            Ed25519PrivateKey.from_private_bytes(seed[:_ED_SEED]),
            MLDSA65PrivateKey.from_seed_bytes(seed[_ED_SEED:]),
        )
