"""Which raw Curve25519 public keys are refused at enrolment: no points, not canonical, or of small order.

OpenSSL accepts the identity as an Ed25519 public key, under which one signature verifies for every text.
"""

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order of the prime subgroup (RFC 8032 section 5.1)."""

_Point = tuple[int, int, int, int]
_IDENTITY: _Point = (0, 1, 1, 0)


def is_sound_ed25519(public: bytes) -> bool:
    """Say whether `public` (32 bytes) is the canonical encoding of a point of prime order on Ed25519."""
    point = _decompress(public)
    if point is None:
        return False
    # A point with a part of small order verifies differently in different libraries, so the whole order is checked.
    x, y, z, _ = _times(_ORDER, point)
    return not _is_identity(point) and x % _P == 0 and (y - z) % _P == 0


def is_sound_x25519(public: bytes) -> bool:
    """Say whether `public` (32 bytes) is a canonical u-coordinate whose point is not of small order (RFC 7748)."""
    u = int.from_bytes(public, "little")
    if u >= _P:
        return False
    # 8 times a point of small order is the identity, whose projective z is 0, on the curve as well as on its twist.
    x, z = u, 1
    for _ in range(3):
        x, z = _double_u(x, z)
    return z != 0


def _double_u(x: int, z: int) -> tuple[int, int]:
    total, difference = (x + z) * (x + z) % _P, (x - z) * (x - z) % _P
    product = (total - difference) % _P
    return total * difference % _P, product * (difference + 121666 * product) % _P


def _decompress(public: bytes) -> _Point | None:
    """RFC 8032 section 5.1.3."""
    encoded = int.from_bytes(public, "little")
    sign, y = encoded >> 255, encoded & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P != 0:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P != 0 or (x == 0 and sign == 1):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _is_identity(point: _Point) -> bool:
    return point[0] == 0 and point[1] == point[2]


def _add(p: _Point, q: _Point) -> _Point:
    """RFC 8032 section 5.1.4."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    result = _IDENTITY
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result
