"""Compressed members that are longer than the pieces in which DATA is decrypted."""

import hashlib

from gateway.bundle.streams import PIECE


def compressible(size: int, seed: int) -> bytes:
    """Return text that compresses to about a half, and so stays long."""
    lines = (hashlib.sha256(b"%d %d" % (seed, n)).hexdigest() for n in range(size // 64 + 1))
    return "".join(lines).encode()[:size]


def test_a_compressed_member_of_many_pieces_opens_whole(classic):
    texts = {f"{number}.txt": compressible(6 * PIECE + 12_345, number) for number in range(2)}
    sealed = classic.seal(texts)
    assert 6 * PIECE < len(sealed) < 12 * PIECE  # compressed, and cut into several pieces
    assert classic.open(sealed) == texts
