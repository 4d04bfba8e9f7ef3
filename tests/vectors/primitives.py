"""Offers the second reader its cryptography, written from RFC 9180, X-Wing, C2SP and GB/T 32918 over single primitives.

Nothing here comes from the product or uses the constructions that it uses: hpke, cobblestone, gmalg.
Private functions take their randomness from the caller, so that test vectors can be made again bit for bit.
"""

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.vectors import edwards, sm2

CHUNK = 16384
TAG = 16
CLASSIC, PQ, GM = 1, 2, 3
SUITES = (CLASSIC, PQ, GM)
WRAP_LEN = {CLASSIC: 80, PQ: 1168, GM: 144}
SIG_LEN = {CLASSIC: 64, PQ: 64 + 3309, GM: 64}
KEY_LEN = {CLASSIC: 32, PQ: 32, GM: 16}


class RefusedError(Exception):
    """A primitive did not accept its input; the caller knows which outcome that is."""


def hash_of(suite: int, data: bytes) -> bytes:
    """H of section 1 over whole bytes."""
    return sm3(data) if suite == GM else hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """SM3 of GB/T 32905, 32 bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def label(name: str) -> bytes:
    """L(name) of section 1."""
    return b"casebundle/v1 " + name.encode("ascii") + b"\x00"


# --- section 2: signatures --------------------------------------------------------------------------------------------


def sign_public(suite: int, seed: bytes) -> bytes:
    """The raw public signing key of a seed."""
    if suite == GM:
        return sm2.public_of(seed)
    ed = Ed25519PrivateKey.from_private_bytes(seed[:32]).public_key().public_bytes_raw()
    if suite == CLASSIC:
        return ed
    return ed + MLDSA65PrivateKey.from_seed_bytes(seed[32:]).public_key().public_bytes_raw()


def sign(suite: int, seed: bytes, name: str, body: bytes) -> bytes:
    """sign(name, body) of section 2; suites 1 and 3 give the same bytes every time."""
    if suite == GM:
        return sm2.sign(seed, label(name) + body, hashlib.sha256(b"nonce" + seed + label(name) + body).digest())
    ed = Ed25519PrivateKey.from_private_bytes(seed[:32]).sign(label(name) + body)
    if suite == CLASSIC:
        return ed
    return ed + MLDSA65PrivateKey.from_seed_bytes(seed[32:]).sign(body, label(name))


def verify(suite: int, public: bytes, name: str, body: bytes, signature: bytes) -> bool:
    """Whether every part of the signature verifies."""
    if len(signature) != SIG_LEN[suite]:
        return False
    if suite == GM:
        return sm2.is_signed(public, label(name) + body, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public[:32]).verify(signature[:64], label(name) + body)
        if suite == PQ:
            MLDSA65PublicKey.from_public_bytes(public[32:]).verify(signature[64:], body, label(name))
    except InvalidSignature:
        return False
    return True


def is_sound(suite: int, sign_raw: bytes, wrap_raw: bytes) -> bool:
    """Whether public keys may be enrolled by section 2."""
    lengths = {CLASSIC: (32, 32), PQ: (1984, 1216), GM: (64, 64)}
    if (len(sign_raw), len(wrap_raw)) != lengths[suite]:
        return False
    if suite == GM:
        return sm2.is_on_curve(sign_raw) and sm2.is_on_curve(wrap_raw)
    point = edwards.decode(sign_raw[:32])
    if point is None or not edwards.has_prime_order(point):
        return False
    if int.from_bytes(wrap_raw[-32:], "little") >= edwards.P:
        return False
    try:
        X25519PrivateKey.from_private_bytes(bytes(32)).exchange(X25519PublicKey.from_public_bytes(wrap_raw[-32:]))
    except ValueError:  # the all-zero secret of a small order
        return False
    packed = int.from_bytes(wrap_raw[:1152], "little") if suite == PQ else 0
    return all(packed >> shift & 0xFFF < 3329 for shift in range(0, 1152 * 8, 12))


# --- section 2: wrapping ----------------------------------------------------------------------------------------------


def wrap_public(suite: int, seed: bytes) -> bytes:
    """The raw public encryption key of a seed."""
    if suite == GM:
        return sm2.public_of(seed)
    x = X25519PrivateKey.from_private_bytes(seed[-32:]).public_key().public_bytes_raw()
    if suite == CLASSIC:
        return x
    return MLKEM768PrivateKey.from_seed_bytes(seed[:64]).public_key().public_bytes_raw() + x


def unwrap(suite: int, seed: bytes, name: str, bind: bytes, wrapped: bytes) -> bytes:
    """The text of wrap(name, bind, text), or RefusedError."""
    if suite == GM:
        text = sm2.decrypt(seed, wrapped)
        if text is None or text[-32:] != bind:
            raise RefusedError
        return text[:-32]
    enc_len = 32 if suite == CLASSIC else 1120
    enc, ciphertext = wrapped[:enc_len], wrapped[enc_len:]
    own = wrap_public(suite, seed)
    if len(enc) != enc_len or len(ciphertext) < TAG:
        raise RefusedError
    try:
        dh = X25519PrivateKey.from_private_bytes(seed[-32:]).exchange(X25519PublicKey.from_public_bytes(enc[-32:]))
        if suite == CLASSIC:
            secret = dhkem_secret(dh, enc, own)
        else:
            inner = MLKEM768PrivateKey.from_seed_bytes(seed[:64]).decapsulate(enc[:1088])
            secret = xwing_secret(inner, dh, enc[1088:], own[1184:])
        key, nonce = hpke_schedule(suite, secret, label(name) + bind)
        return AESGCM(key).decrypt(nonce, ciphertext, b"")
    except (ValueError, InvalidTag) as error:  # ValueError: an all-zero X25519 secret
        raise RefusedError from error


def wrap(suite: int, public: bytes, name: str, bind: bytes, text: bytes, random: bytes) -> bytes:
    """wrap(name, bind, text) with 32 bytes of randomness; ML-KEM (suite 2) adds its own."""
    if suite == GM:
        return sm2.encrypt(public, text + bind, random)
    ephemeral = X25519PrivateKey.from_private_bytes(random)
    enc = ephemeral.public_key().public_bytes_raw()
    dh = ephemeral.exchange(X25519PublicKey.from_public_bytes(public[-32:]))
    if suite == CLASSIC:
        secret = dhkem_secret(dh, enc, public)
    else:
        inner, ciphertext = MLKEM768PublicKey.from_public_bytes(public[:1184]).encapsulate()
        secret = xwing_secret(inner, dh, enc, public[1184:])
        enc = ciphertext + enc
    key, nonce = hpke_schedule(suite, secret, label(name) + bind)
    return enc + AESGCM(key).encrypt(nonce, text, b"")


def dhkem_secret(dh: bytes, enc: bytes, public: bytes) -> bytes:
    """The shared secret of DHKEM(X25519, HKDF-SHA256), RFC 9180 section 4.1."""
    kem = b"KEM\x00\x20"
    return _labeled_expand(kem, _labeled_extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + public, 32)


def xwing_secret(inner: bytes, dh: bytes, enc_x: bytes, public_x: bytes) -> bytes:
    """The combiner of X-Wing, draft-connolly-cfrg-xwing-kem section 5.3."""
    return hashlib.sha3_256(inner + dh + enc_x + public_x + b"\\.//^\\").digest()


def hpke_schedule(suite: int, secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and first nonce of mode Base with HKDF-SHA256 and AES-256-GCM, RFC 9180 section 5.1."""
    ids = b"HPKE" + (b"\x00\x20" if suite == CLASSIC else b"\x64\x7a") + b"\x00\x01\x00\x02"
    context = b"\x00" + _labeled_extract(ids, b"", b"psk_id_hash", b"") + _labeled_extract(ids, b"", b"info_hash", info)
    prk = _labeled_extract(ids, secret, b"secret", b"")
    return _labeled_expand(ids, prk, b"key", context, 32), _labeled_expand(ids, prk, b"base_nonce", context, 12)


def _labeled_extract(ids: bytes, salt: bytes, name: bytes, material: bytes) -> bytes:
    mac = hmac.HMAC(salt or bytes(32), hashes.SHA256())
    mac.update(b"HPKE-v1" + ids + name + material)
    return mac.finalize()


def _labeled_expand(ids: bytes, prk: bytes, name: bytes, info: bytes, length: int) -> bytes:
    full = length.to_bytes(2, "big") + b"HPKE-v1" + ids + name + info
    return HKDFExpand(hashes.SHA256(), length, full).derive(prk)


# --- section 3: chunked encryption ------------------------------------------------------------------------------------


def encrypted_length(text: int) -> int:
    """length(p) of section 3, in bytes."""
    return 56 + text + TAG * (text // CHUNK + 1)


def is_possible(length: int) -> bool:
    """Whether a ciphertext of section 3 can have this many bytes."""
    return length >= 72 and (length - 56) % (CHUNK + TAG) >= TAG


def chunk_keys(suite: int, key: bytes, salt: bytes, context: bytes) -> tuple[bytes, bytes, bytes]:
    """Key, base nonce and commitment of section 3."""
    name, size, digest = (
        (b"AEAD_SM4_GCM", 16, hashes.SM3()) if suite == GM else (b"AEAD_AES_256_GCM", 32, hashes.SHA512())
    )
    info = b"c2sp.org/chunked-encryption@v1+" + name + b"\x00" + salt + context
    out = HKDFExpand(digest, size + 12 + 32, info).derive(key)
    return out[:size], out[size : size + 12], out[size + 12 :]


def chunk_nonce(base: bytes, number: int) -> bytes:
    """The nonce of one chunk."""
    return (int.from_bytes(base, "big") ^ number).to_bytes(12, "big")


def seal_chunk(suite: int, key: bytes, nonce: bytes, text: bytes) -> bytes:
    """One chunk and its tag."""
    if suite != GM:
        return AESGCM(key).encrypt(nonce, text, None)
    encryptor = Cipher(SM4(key), GCM(nonce)).encryptor()
    return encryptor.update(text) + encryptor.finalize() + encryptor.tag


def open_chunk(suite: int, key: bytes, nonce: bytes, chunk: bytes) -> bytes:
    """The text of one chunk with its tag, or RefusedError."""
    try:
        if suite != GM:
            return AESGCM(key).decrypt(nonce, chunk, None)
        decryptor = Cipher(SM4(key), GCM(nonce, chunk[-TAG:])).decryptor()
        return decryptor.update(chunk[:-TAG]) + decryptor.finalize()
    except InvalidTag as error:
        raise RefusedError from error


def encrypt_chunks(suite: int, key: bytes, salt: bytes, context: bytes, text: bytes) -> bytes:
    """The chunked encryption of a whole text."""
    own, base, commitment = chunk_keys(suite, key, salt, context)
    parts = [salt, commitment]
    for number in range(len(text) // CHUNK + 1):
        part = text[number * CHUNK : (number + 1) * CHUNK]
        parts.append(seal_chunk(suite, own, chunk_nonce(base, number), part))
    return b"".join(parts)


class ChunkOpener:
    """Decrypts DATA or MANIFEST as it comes; the text of a chunk is given only after its tag verified."""

    def __init__(self, suite: int, key: bytes, context: bytes) -> None:
        self._suite, self._secret, self._context = suite, key, context
        self._pending = b""
        self._open: Callable[[bytes], bytes] | None = None
        self._number = 0

    def update(self, data: bytes) -> bytes:
        """Take more ciphertext; return the text of all whole chunks so far."""
        self._pending += data
        if self._open is None:
            if len(self._pending) < 56:
                return b""
            self._begin()
        size, texts = CHUNK + TAG, []
        whole = len(self._pending) // size
        for index in range(whole):
            texts.append(self._chunk(self._pending[index * size : (index + 1) * size]))
        self._pending = self._pending[whole * size :]
        return b"".join(texts)

    def finish(self) -> bytes:
        """The text of the last, short chunk."""
        if self._open is None or len(self._pending) < TAG:
            raise RefusedError
        return self._chunk(self._pending)

    def _begin(self) -> None:
        key, base, commitment = chunk_keys(self._suite, self._secret, self._pending[:24], self._context)
        if commitment != self._pending[24:56]:
            raise RefusedError
        self._pending = self._pending[56:]
        self._open = lambda chunk: open_chunk(self._suite, key, chunk_nonce(base, self._number), chunk)

    def _chunk(self, chunk: bytes) -> bytes:
        assert self._open is not None
        text = self._open(chunk)
        self._number += 1
        return text
