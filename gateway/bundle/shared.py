"""Shared signatures: one signature over the root of a hash tree, which proves each of up to 256 bodies by itself.

Leaves and nodes are hashed differently, as in RFC 9162, 2.1; and every leaf has a salt, as claims have in RFC 9901: who
holds one body learns nothing of its neighbours, not even by guessing.
"""

import secrets
from collections.abc import Sequence

from gateway.bundle.suites import HASH_LENGTH, Suite, algorithms, label

DEPTH_MAX = 8
"""Levels of the largest tree, of 256 bodies: more would save nothing that can be measured."""
SALT_LENGTH = 32
"""As long as the longest content key, whose strength it must not lower."""

_LEAF, _NODE = b"\0", b"\1"
_BLANK = bytes(HASH_LENGTH)
"""Stands where the tree has more leaves than there are bodies; nobody knows what would hash to it."""
_PROOF_FIXED = SALT_LENGTH + 1


def depth_for(count: int) -> int:
    """Return the levels of the smallest tree for `count` bodies, at most DEPTH_MAX; 0 for one body alone."""
    return min((count - 1).bit_length(), DEPTH_MAX)


def signature_length(suite: Suite, depth: int) -> int:
    """Return the bytes of a signature that is shared in a tree of so many levels; 0 for one that stands alone."""
    alone = algorithms(suite).signature_length
    return alone + _PROOF_FIXED + depth * HASH_LENGTH if depth else alone


def depth_of(suite: Suite, length: int) -> int | None:
    """Undo `signature_length`; None if no signature has this length."""
    more = length - algorithms(suite).signature_length
    if more == 0:
        return 0
    depth, rest = divmod(more - _PROOF_FIXED, HASH_LENGTH)
    return depth if rest == 0 and 1 <= depth <= DEPTH_MAX else None


def root_name(name: str) -> str:
    """Return under which name the root is signed: no signature of it passes for one of a body alone, or the reverse."""
    return f"{name}-shared"


def plant(suite: Suite, name: str, bodies: Sequence[bytes], depth: int) -> tuple[bytes, list[bytes]]:
    """Return what is signed for `bodies`, at most 2^depth, and the proof of each: salt | u8 index | path to the root.

    Salts are drawn anew each time.
    """
    salts = [secrets.token_bytes(SALT_LENGTH) for _ in bodies]
    level = [_leaf(suite, name, salt, body) for salt, body in zip(salts, bodies, strict=True)]
    paths: list[list[bytes]] = [[] for _ in bodies]
    level += [_BLANK] * ((1 << depth) - len(level))
    for height in range(depth):
        for index, path in enumerate(paths):
            path.append(level[index >> height ^ 1])
        level = [_node(suite, level[at], level[at + 1]) for at in range(0, len(level), 2)]
    proofs = [
        b"".join((salt, bytes([index]), *path)) for index, (salt, path) in enumerate(zip(salts, paths, strict=True))
    ]
    return _root_text(depth, level[0]), proofs


def climb(suite: Suite, name: str, body: bytes, proof: bytes) -> bytes | None:
    """Return what must have been signed if `proof` is that of `body`; None if it is none of any.

    proof: of a length that `depth_of` has accepted.
    """
    salt, index, path = proof[:SALT_LENGTH], proof[SALT_LENGTH], proof[_PROOF_FIXED:]
    depth = len(path) // HASH_LENGTH
    if index >> depth:
        return None
    found = _leaf(suite, name, salt, body)
    for height in range(depth):
        beside = path[height * HASH_LENGTH : (height + 1) * HASH_LENGTH]
        found = _node(suite, beside, found) if index >> height & 1 else _node(suite, found, beside)
    return _root_text(depth, found)


def _root_text(depth: int, root: bytes) -> bytes:
    # With the depth in it every leaf of a tree lies on one level.
    return bytes([depth]) + root


def _leaf(suite: Suite, name: str, salt: bytes, body: bytes) -> bytes:
    running = algorithms(suite).digest()
    running.update(_LEAF + label(name) + salt)
    running.update(body)
    return running.digest()


def _node(suite: Suite, left: bytes, right: bytes) -> bytes:
    running = algorithms(suite).digest()
    running.update(_NODE + left + right)
    return running.digest()
