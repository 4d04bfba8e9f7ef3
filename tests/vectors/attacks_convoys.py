"""Lists the vectors that aim at convoys: files of many bundles, of which none is looked at."""

from tests.vectors.vector import Vector

MAGIC = bytes.fromhex("894346430d0a1a0a")
A, B = bytes(range(16)), bytes(range(16, 32))
MOST = 8388608


def vectors() -> list[Vector]:
    """All of them."""
    two = convoy((A, b"one"), (B, b"three"))
    many = [(number.to_bytes(16, "big"), b"x") for number in range(129)]
    return [
        _good("two", "Two bundles.", two, {A.hex(): b"one", B.hex(): b"three"}),
        _good("descending", "The order of the table is that of the sender.", convoy((B, b"b"), (A, b"a")),
              {B.hex(): b"b", A.hex(): b"a"}),
        _good("most", "128 bundles.", convoy(*many[:128]), {one.hex(): body for one, body in many[:128]}),
        _good("longest", "8388608 bytes.", convoy((A, bytes(MOST - 31))), {A.hex(): bytes(MOST - 31)}),
        _bad("too-many", "129 bundles.", convoy(*many)),
        _bad("too-long", "8388609 bytes.", convoy((A, bytes(MOST - 30)))),
        _bad("empty", "No byte at all.", b""),
        _bad("none", "No bundle.", convoy()),
        _bad("magic", "The magic of a bundle.", b"\x89CFB\r\n\x1a\n" + two[8:]),
        _bad("version", "Version 2.", two[:8] + b"\x02" + two[9:]),
        _bad("cut-table", "The file ends inside its table.", two[:40]),
        _bad("cut", "The last byte is missing.", two[:-1]),
        _bad("trailing", "A byte follows.", two + b"\0"),
        _bad("twice", "One id, two bundles.", convoy((A, b"one"), (A, b"three"))),
        _bad("nothing-in-it", "A bundle of no bytes.", convoy((A, b"one"), (B, b""))),
        _bad("count-less", "The count is one too small.", two[:10] + b"\x01" + two[11:]),
        _bad("count-more", "The count is one too great.", two[:10] + b"\x03" + two[11:]),
        _bad("length-huge", "A length of 2^32 - 1.", two[:27] + b"\xff" * 4 + two[31:]),
    ]  # fmt: skip


def convoy(*bundles: tuple[bytes, bytes]) -> bytes:
    """The bundles in one file, whatever they are."""
    rows = b"".join(one + len(body).to_bytes(4, "big") for one, body in bundles)
    return MAGIC + b"\x01" + len(bundles).to_bytes(2, "big") + rows + b"".join(body for _, body in bundles)


def _good(name: str, says: str, raw: bytes, members: dict[str, bytes]) -> Vector:
    return Vector(f"convoy-{name}", "convoy", says, "accepted", lambda: raw, members=members)


def _bad(name: str, says: str, raw: bytes) -> Vector:
    return Vector(f"convoy-{name}", "convoy", says, "convoy-malformed", lambda: raw)
