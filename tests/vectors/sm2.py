"""SM2 of GB/T 32918 on its recommended curve in affine coordinates, slow and short: signing and encryption.

For vectors and tests only: it runs in variable time and takes its randomness from the caller.
"""

from cryptography.hazmat.primitives import hashes

Point = tuple[int, int] | None  # None is the point at infinity

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
_ID = b"1234567812345678"


def public_of(seed: bytes) -> bytes:
    """The public key, x and y, of a private key."""
    return _bytes_of(_mul(_int(seed), G))


def is_on_curve(public: bytes) -> bool:
    """Whether 64 bytes are a point of the curve, with both coordinates reduced."""
    x, y = _int(public[:32]), _int(public[32:])
    return len(public) == 64 and x < P and y < P and (y * y - (x * x + A) * x - B) % P == 0


def sign(seed: bytes, text: bytes, random: bytes) -> bytes:
    """A signature r, s over a text; `random` gives its secret number."""
    d, k = _int(seed), _int(random) % (N - 1) + 1
    e = _digest(public_of(seed), text)
    point = _mul(k, G)
    assert point is not None
    r = (e + point[0]) % N
    s = pow(1 + d, -1, N) * (k - r * d) % N
    assert r != 0
    assert s != 0
    assert r + k != N
    return _pack(r) + _pack(s)


def is_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether a signature r, s of 64 bytes verifies."""
    r, s = _int(signature[:32]), _int(signature[32:])
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N and t):
        return False
    point = _add(_mul(s, G), _mul(t, (_int(public[:32]), _int(public[32:]))))
    return point is not None and (_digest(public, text) + point[0]) % N == r


def encrypt(public: bytes, text: bytes, random: bytes) -> bytes:
    """C1, C3, C2 of a text."""
    k = _int(random) % (N - 1) + 1
    shared = _bytes_of(_mul(k, (_int(public[:32]), _int(public[32:]))))
    return _bytes_of(_mul(k, G)) + _sm3(shared[:32] + text + shared[32:]) + _mask(shared, text)


def decrypt(seed: bytes, wrapped: bytes) -> bytes | None:
    """The text of C1, C3, C2; None where it does not hold."""
    c1, c3, c2 = wrapped[:64], wrapped[64:96], wrapped[96:]
    if len(wrapped) <= 96 or not is_on_curve(c1):
        return None
    shared = _bytes_of(_mul(_int(seed), (_int(c1[:32]), _int(c1[32:]))))
    text = _mask(shared, c2)
    return text if text != c2 and _sm3(shared[:32] + text + shared[32:]) == c3 else None


def _digest(public: bytes, text: bytes) -> int:
    curve = b"".join(_pack(number) for number in (A, B, *G))
    z = _sm3((len(_ID) * 8).to_bytes(2, "big") + _ID + curve + public)
    return _int(_sm3(z + text))


def _mask(shared: bytes, text: bytes) -> bytes:
    blocks = range(1, -(-len(text) // 32) + 1)
    stream = b"".join(_sm3(shared + number.to_bytes(4, "big")) for number in blocks)
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def _mul(factor: int, point: Point) -> Point:
    out: Point = None
    while factor:
        if factor & 1:
            out = _add(out, point)
        point = _add(point, point)
        factor >>= 1
    return out


def _add(left: Point, right: Point) -> Point:
    if left is None:
        return right
    if right is None:
        return left
    (x1, y1), (x2, y2) = left, right
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) % P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P) % P
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def _bytes_of(point: Point) -> bytes:
    assert point is not None
    return _pack(point[0]) + _pack(point[1])


def _pack(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _int(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()
