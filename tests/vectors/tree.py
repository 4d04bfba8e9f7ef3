"""Shared signatures of section 2: verified for the second reader, made for the forge, who chooses all but one leaf."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.vectors import primitives as prim

DEPTHS = range(9)
SALT = 32


def length(suite: int, depth: int) -> int:
    """Bytes of a signature of this depth; depth 0 stands alone."""
    return prim.SIG_LEN[suite] + (SALT + 1 + 32 * depth if depth else 0)


def verify(suite: int, public: bytes, name: str, body: bytes, signature: bytes) -> bool:
    """Whether a signature verifies, alone or shared, as its length has it."""
    depth = next((d for d in DEPTHS if length(suite, d) == len(signature)), None)
    if depth is None:
        return False
    if depth == 0:
        return prim.verify(suite, public, name, body, signature)
    alone, proof = signature[: prim.SIG_LEN[suite]], signature[prim.SIG_LEN[suite] :]
    salt, index, path = proof[:SALT], proof[SALT], proof[SALT + 1 :]
    beside = [path[at : at + 32] for at in range(0, len(path), 32)]
    if index >= 2**depth:
        return False
    leaf = prim.hash_of(suite, b"\x00" + prim.label(name) + salt + body)
    root = climb(suite, leaf, index, beside)
    return prim.verify(suite, public, name + "-shared", bytes((depth,)) + root, alone)


def climb(suite: int, leaf: bytes, index: int, beside: Sequence[bytes], mark: bytes = b"\x01") -> bytes:
    """The root over a leaf; `beside`: what stands next to it and to each node above it, from below."""
    for height, other in enumerate(beside):
        pair = other + leaf if index >> height & 1 else leaf + other
        leaf = prim.hash_of(suite, mark + pair)
    return leaf


@dataclass(frozen=True, slots=True)
class Twig:
    """Where the forge lets a body hang, and what it does differently from section 2."""

    depth: int
    index: int = 0
    leaf_mark: bytes = b"\x00"
    node_mark: bytes = b"\x01"
    leaf_label: str = ""
    root_label: str = ""
    signed_depth: bytes | None = None
    is_salted: bool = True

    def sign(self, suite: int, seed: bytes, name: str, body: bytes) -> bytes:
        """A shared signature over a body; everything that stands beside it follows from the index."""
        salt = prim.hash_of(suite, b"salt of leaf %d" % self.index)
        beside = [prim.hash_of(suite, b"beside leaf %d at %d" % (self.index, height)) for height in range(self.depth)]
        leaf = self.leaf_mark + prim.label(self.leaf_label or name) + (salt if self.is_salted else b"") + body
        root = climb(suite, prim.hash_of(suite, leaf), self.index, beside, self.node_mark)
        text = (bytes((self.depth,)) if self.signed_depth is None else self.signed_depth) + root
        signed = prim.sign(suite, seed, self.root_label or name + "-shared", text)
        return signed + salt + bytes((self.index & 255,)) + b"".join(beside)
