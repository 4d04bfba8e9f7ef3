"""Suite 3 (gm): SM2 with SM3 for signing and wrapping, SM4-GCM in the chunked construction (GB/T 32918, RFC 8998)."""

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import constant_time, hashes
from gmalg.base import Hash  # type: ignore[import-untyped]  # gmalg ships no type information
from gmalg.ellipticcurve import ECDLP  # type: ignore[import-untyped]  # as above
from gmalg.errors import GMError  # type: ignore[import-untyped]  # as above
from gmalg.sm2 import SM2Core  # type: ignore[import-untyped]  # as above

from gateway.bundle.chunked import Decryptor, Encryptor
from gateway.bundle.gm_chunked import KEY_LENGTH, SALT_LENGTH, Sm4Decryptor, Sm4Encryptor
from gateway.bundle.primitives import Hasher, Sign, Unwrap, Verify, Wrap

USER_ID = b"1234567812345678"
"""The default distinguishing id of GB/T 35276: key ids already say whose key it is."""

_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
"""The curve sm2p256v1 of GB/T 32918.5; its cofactor is 1, so every point of it but the neutral one has prime order."""

_POINT = 64
_SCALAR = 32
_Point = tuple[int, int]


class _Sm3:
    """A running SM3."""

    def __init__(self) -> None:
        self._running = hashes.Hash(hashes.SM3())

    def update(self, data: bytes | memoryview, /) -> None:
        self._running.update(data)

    def digest(self) -> bytes:
        return self._running.copy().finalize()


class _FastSm3(Hash):  # type: ignore[misc]  # the base class is untyped
    """SM3 as gmalg wants it, computed by OpenSSL: its own takes minutes for a large manifest."""

    def __init__(self) -> None:
        self.reset()

    @classmethod
    def hash_length(cls) -> int:
        return 32

    def reset(self) -> None:
        self._running = _Sm3()

    def update(self, data: bytes) -> None:
        self._running.update(bytes(data))

    def value(self) -> bytes:
        return self._running.digest()


def _core() -> SM2Core:
    return SM2Core(ECDLP(_P, _A, _B, _G, _N), _FastSm3())


@dataclass(frozen=True, slots=True)
class GmSuite:
    """Suite 3. Public keys and C1 are x | y, signatures r | s, wrapped texts C1 | C3 | C2; 32 bytes a number."""

    content_key_length: int = KEY_LENGTH
    wrap_length: int = _POINT + 32 + KEY_LENGTH + 32
    signature_length: int = 2 * _SCALAR
    sign_seed_length: int = _SCALAR
    encrypt_seed_length: int = _SCALAR
    sign_public_length: int = _POINT
    encrypt_public_length: int = _POINT

    def digest(self) -> Hasher:
        return _Sm3()

    def generate_seeds(self) -> tuple[bytes, bytes]:
        return _scalar_bytes(1 + secrets.randbelow(_N - 2)), _scalar_bytes(1 + secrets.randbelow(_N - 2))

    def sign_public(self, seed: bytes) -> bytes:
        return _point_bytes(_core().generate_pk(_scalar(seed)))

    def encrypt_public(self, seed: bytes) -> bytes:
        return self.sign_public(seed)

    def is_sound(self, sign_public: bytes, encrypt_public: bytes) -> bool:
        return _point(sign_public) is not None and _point(encrypt_public) is not None

    def is_sound_seed(self, sign_seed: bytes, encrypt_seed: bytes) -> bool:
        return all(1 <= _scalar(seed) <= _N - 2 for seed in (sign_seed, encrypt_seed))

    def signer(self, seed: bytes) -> Sign:
        scalar = _scalar(seed)

        def sign(label: bytes, body: bytes) -> bytes:
            r, s = _core().sign(label + body, scalar, USER_ID)
            return _scalar_bytes(r) + _scalar_bytes(s)

        return sign

    def verifier(self, public: bytes) -> Verify:
        point = _point(public)

        def verify(label: bytes, body: bytes, signature: bytes) -> bool:
            r, s = _scalar(signature[:_SCALAR]), _scalar(signature[_SCALAR:])
            return point is not None and bool(_core().verify(label + body, r, s, USER_ID, point))

        return verify

    def wrapper(self, public: bytes) -> Wrap:
        point = _point(public)
        if point is None:
            raise ValueError("not a point of the curve")

        def wrap(text: bytes, _label: bytes, bind: bytes) -> bytes:
            # SM2 has no place for associated data, so what it binds travels inside.
            c1, c2, c3 = _core().encrypt(text + bind, point)
            return _point_bytes(c1) + bytes(c3) + bytes(c2)

        return wrap

    def unwrapper(self, seed: bytes) -> Unwrap:
        return lambda wrapped, _label, bind: self._unwrap(_scalar(seed), wrapped, bind)

    def _unwrap(self, scalar: int, wrapped: bytes, bind: bytes) -> bytes | None:
        c1, c3, c2 = _point(wrapped[:_POINT]), wrapped[_POINT : _POINT + 32], wrapped[_POINT + 32 :]
        if c1 is None or len(c2) < len(bind):
            return None
        try:
            plain = bytes(_core().decrypt(c1, c2, c3, scalar))
        except GMError:
            return None
        text, found = plain[: -len(bind)], plain[-len(bind) :]
        return text if constant_time.bytes_eq(found, bind) else None

    def encryptor(self, key: bytes, context: bytes) -> Encryptor:
        return Sm4Encryptor(key, context, secrets.token_bytes(SALT_LENGTH))

    def decryptor(self, key: bytes, context: bytes) -> Decryptor:
        return Sm4Decryptor(key, context)


def _scalar(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _scalar_bytes(number: int) -> bytes:
    return number.to_bytes(_SCALAR, "big")


def _point_bytes(point: _Point) -> bytes:
    return _scalar_bytes(point[0]) + _scalar_bytes(point[1])


def _point(raw: bytes) -> _Point | None:
    """Return the point of the curve that `raw` (64 bytes) is the one encoding of."""
    x, y = _scalar(raw[:_SCALAR]), _scalar(raw[_SCALAR:])
    is_on_curve = x < _P and y < _P and (y * y - (x * x * x + _A * x + _B)) % _P == 0
    return (x, y) if is_on_curve else None
