"""Judges Ed25519 public keys by their point: decoding, addition and order on edwards25519 in affine coordinates."""

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
IDENTITY = (0, 1)
Point = tuple[int, int]


def decode(raw: bytes) -> Point | None:
    """The point of 32 bytes; None if they are no reduced encoding of one (RFC 8032, 5.1.3)."""
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if len(raw) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x), y


def encode(point: Point) -> bytes:
    """The 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def add(left: Point, right: Point) -> Point:
    """The sum of two points; the law is complete."""
    (x1, y1), (x2, y2) = left, right
    common = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + common, -1, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - common, -1, P) % P


def has_prime_order(point: Point) -> bool:
    """Whether the point is in the subgroup of prime order, and not the identity."""
    out, factor, power = IDENTITY, ORDER, point
    while factor:
        if factor & 1:
            out = add(out, power)
        power = add(power, power)
        factor >>= 1
    return out == IDENTITY and point != IDENTITY
