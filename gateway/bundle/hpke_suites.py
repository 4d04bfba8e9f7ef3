"""Suites 1 (classic) and 2 (post-quantum hybrid): which primitive of which library does what, and how raw keys look."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.bundle.chunked import Decryptor, Encryptor, cobblestone256_decryptor, cobblestone256_encryptor
from gateway.bundle.curves import is_sound_ed25519, is_sound_x25519
from gateway.bundle.primitives import Hasher

_OWN_KEPT = 8
"""Own keys kept ready for use: those of today and those they take over from. Expanding a lattice key takes longer than
checking a signature with it."""
_PEERS_KEPT = 64
"""Peers' keys kept ready for use: as many as exchange anything at the same time; each takes some 10 KiB."""


@lru_cache(maxsize=2)
def _hpke(kem: hpke.KEM) -> hpke.Suite:
    return hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


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

    def sign(self, seed: bytes, label: bytes, body: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(seed).sign(label + body)

    def verify(self, public: bytes, label: bytes, body: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, label + body)
        except InvalidSignature:
            return False
        return True

    def wrap(self, public: bytes, text: bytes, label: bytes, bind: bytes) -> bytes:
        return _hpke(hpke.KEM.X25519).encrypt(text, X25519PublicKey.from_public_bytes(public), label + bind)

    def unwrap(self, seed: bytes, wrapped: bytes, label: bytes, bind: bytes) -> bytes | None:
        try:
            return _hpke(hpke.KEM.X25519).decrypt(wrapped, X25519PrivateKey.from_private_bytes(seed), label + bind)
        except (InvalidTag, ValueError):
            return None


_ED_SEED = _ED_PUBLIC = _X_SEED = _X_PUBLIC = 32
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
        classic, lattice = _signing(seed)
        return classic.public_key().public_bytes_raw() + lattice.public_key().public_bytes_raw()

    def encrypt_public(self, seed: bytes) -> bytes:
        lattice, classic = _opening(seed)
        return lattice.public_key().public_bytes_raw() + classic.public_key().public_bytes_raw()

    def is_sound(self, sign_public: bytes, encrypt_public: bytes) -> bool:
        try:
            # The library checks the encapsulation key as FIPS 203 section 7.2 demands.
            MLKEM768PublicKey.from_public_bytes(encrypt_public[:_MLKEM_PUBLIC])
        except ValueError:
            return False
        return is_sound_ed25519(sign_public[:_ED_PUBLIC]) and is_sound_x25519(encrypt_public[_MLKEM_PUBLIC:])

    def sign(self, seed: bytes, label: bytes, body: bytes) -> bytes:
        classic, lattice = _signing(seed)
        return classic.sign(label + body) + lattice.sign(body, context=label)

    def verify(self, public: bytes, label: bytes, body: bytes, signature: bytes) -> bool:
        classic, lattice = _verifying(public)
        try:
            classic.verify(signature[:_ED_SIGNATURE], label + body)
            lattice.verify(signature[_ED_SIGNATURE:], body, context=label)
        except InvalidSignature:
            return False
        return True

    def wrap(self, public: bytes, text: bytes, label: bytes, bind: bytes) -> bytes:
        return _hpke(hpke.KEM.MLKEM768_X25519).encrypt(text, _closing(public), label + bind)

    def unwrap(self, seed: bytes, wrapped: bytes, label: bytes, bind: bytes) -> bytes | None:
        key = hpke.MLKEM768X25519PrivateKey(*_opening(seed))
        try:
            return _hpke(hpke.KEM.MLKEM768_X25519).decrypt(wrapped, key, label + bind)
        except (InvalidTag, ValueError):
            return None


# What follows depends on the bytes alone, so that what is kept can never be of yesterday.


@lru_cache(maxsize=_OWN_KEPT)
def _signing(seed: bytes) -> tuple[Ed25519PrivateKey, MLDSA65PrivateKey]:
    return (
        Ed25519PrivateKey.from_private_bytes(seed[:_ED_SEED]),
        MLDSA65PrivateKey.from_seed_bytes(seed[_ED_SEED:]),
    )


@lru_cache(maxsize=_OWN_KEPT)
def _opening(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    return (
        MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED]),
        X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED:]),
    )


@lru_cache(maxsize=_PEERS_KEPT)
def _verifying(public: bytes) -> tuple[Ed25519PublicKey, MLDSA65PublicKey]:
    return (
        Ed25519PublicKey.from_public_bytes(public[:_ED_PUBLIC]),
        MLDSA65PublicKey.from_public_bytes(public[_ED_PUBLIC:]),
    )


@lru_cache(maxsize=_PEERS_KEPT)
def _closing(public: bytes) -> hpke.MLKEM768X25519PublicKey:
    return hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
    )
