"""Lists the vectors that aim at shared signatures: of headers, of lists of contents, of receipts."""

from typing import Any

from tests.vectors import primitives as prim
from tests.vectors import tree
from tests.vectors.forge import Draft, Edit, borders, flip, forge, keys_of, put, receipt, receipt_file, same, statement
from tests.vectors.tree import SALT, Twig
from tests.vectors.vector import Vector, bundle, edited, made

DEPTH = 5
TWIG = Twig(DEPTH, 19)
LAST = Twig(8, 255)
SHARED = {"flags": DEPTH, "twig": TWIG}
INDEX = -32 * DEPTH - 1
"""Where in a shared signature the index stands, from its end; the salt is before it."""


def vectors() -> list[Vector]:
    """All of them."""
    return [*_good(), *_outer(), *_flags(), *_inner(), *_receipts()]


def _good() -> list[Vector]:
    many = tuple(f"recipient {number}" for number in range(63))
    return [
        bundle("shared-good-classic", "Both signatures are shared by up to 32.", "accepted", **SHARED),
        bundle("shared-good-pq", "Both are shared, in suite 2.", "accepted", suite=2, **SHARED),
        bundle("shared-good-gm", "Both are shared, in suite 3.", "accepted", suite=3, **SHARED),
        bundle("shared-good-least", "The smallest tree there is, and its second leaf.", "accepted", flags=1,
               twig=Twig(1, 1)),
        bundle("shared-good-last", "The last leaf of the largest tree there is.", "accepted", flags=8, twig=LAST),
        bundle("shared-good-two-trees", "Header and list hang in trees of one depth at other places.", "accepted",
               flags=DEPTH, twig=TWIG, inner_twig=Twig(DEPTH, 3)),
        bundle("shared-64-pq", "The longest envelope that there is, 81142 bytes.", "accepted", suite=2,
               to=("bob", *many), flags=8, twig=LAST),
        made("hub-shared-good", "A hub finds a bundle sound whose signatures are shared.", "accepted",
             lambda: forge(Draft(**SHARED)), kind="hub"),
    ]  # fmt: skip


def _outer() -> list[Vector]:
    def outer(name: str, says: str, edit: Edit = same, suite: int = 1, **draft: Any) -> Vector:
        """The list of contents is truly signed, whatever is done to the header's signature."""
        known = {"flags": DEPTH, "twig": TWIG, "inner_twig": TWIG} | draft
        return bundle(f"shared-{name}", says, "bad-signature", outer=edit, suite=suite, **known)

    signed = prim.SIG_LEN[1]
    return [
        outer("flip-root", "One bit of the signature of the root is flipped.", flip(5)),
        outer("flip-salt", "One bit of the salt is flipped.", flip(signed)),
        outer("flip-path", "One bit of the last hash of the path is flipped.", flip(-1)),
        outer("index-other", "The index of the leaf beside ours.", flip(INDEX)),
        outer("index-high", "The index is another in its highest bit.", put(INDEX, bytes((19 ^ 16,)))),
        outer("index-beyond", "The index is 2^depth too great.", put(INDEX, bytes((19 + 32,)))),
        outer("index-beyond-signed", "The index is 2^depth too great, and the root truly signed.",
              twig=Twig(DEPTH, 19 + 32)),
        outer("path-swapped", "Two hashes of the path stand in each other's place.",
              lambda s: s[:-64] + s[-32:] + s[-64:-32]),
        outer("path-zero", "The path is all zero.", lambda s: s[: -32 * DEPTH] + bytes(32 * DEPTH)),
        outer("of-other-header", "The signature is alice's on another bundle.",
              lambda _: _signature_of(Draft(bundle="other", **SHARED))),
        outer("proof-of-other-header", "The salt and the path are those of another leaf of the same tree.",
              lambda s: s[:signed] + _signature_of(Draft(bundle="other", **SHARED))[signed:],
              twig=Twig(DEPTH, 18)),
        outer("foreign", "The root is signed by mallory.", outer_signer="mallory"),
        outer("as-alone", "The root is signed under the label of a header that stands alone.",
              twig=Twig(DEPTH, 19, root_label="outer")),
        outer("root-of-inner", "The root is signed under the label of lists of contents.",
              twig=Twig(DEPTH, 19, root_label="inner-shared")),
        outer("leaf-of-inner", "The leaf has the label of lists of contents.",
              twig=Twig(DEPTH, 19, leaf_label="inner")),
        outer("leaf-as-node", "The leaf is hashed as a node.", twig=Twig(DEPTH, 19, leaf_mark=b"\x01")),
        outer("nodes-as-leaves", "The nodes are hashed as leaves.", twig=Twig(DEPTH, 19, node_mark=b"\x00")),
        outer("without-marks", "Leaves and nodes are hashed without their marks.",
              twig=Twig(DEPTH, 19, leaf_mark=b"", node_mark=b"")),
        outer("without-salt", "The salt is not hashed.", twig=Twig(DEPTH, 19, is_salted=False)),
        outer("without-depth", "The root is signed without the depth.", twig=Twig(DEPTH, 19, signed_depth=b"")),
        outer("other-depth", "The root is signed with another depth.", twig=Twig(DEPTH, 19, signed_depth=b"\x04")),
        outer("pq-ed25519-only", "Only the Ed25519 half is valid.", flip(64 + 1000), suite=2),
        outer("pq-mldsa-only", "Only the ML-DSA half is valid.", flip(10), suite=2),
        outer("gm-flip", "One bit of the path is flipped, in suite 3.", flip(-1), suite=3),
    ]  # fmt: skip


def _flags() -> list[Vector]:
    return [
        bundle("shared-depth-9", "A tree of 512 leaves.", "malformed", flags=9, twig=Twig(9, 19)),
        bundle("shared-flags-0010", "A flag stands beside the depth.", "malformed", flags=0x10 | DEPTH, twig=TWIG),
        bundle("shared-flags-0500", "The depth stands in the other byte.", "malformed", flags=DEPTH << 8, twig=TWIG),
        bundle("shared-none", "The header says that the signatures are shared, and they stand alone.",
               "bad-signature", flags=DEPTH),
        bundle("shared-unsaid", "The header says that the signatures stand alone, and they are shared.",
               "bad-signature", twig=TWIG),
        bundle("shared-said-less", "The header says one level less than there is.", "bad-signature", flags=DEPTH - 1,
               twig=TWIG),
        bundle("shared-alone-label", "A signature that stands alone is made under the label of roots.",
               "bad-signature", outer_label="outer-shared"),
        edited("shared-flag-set", "A bundle whose signatures stand alone is told to be one of two.", "bad-signature",
               put(15, b"\x01")),
        made("shared-flag-cleared", "A bundle of many is told to stand alone.", "bad-signature",
             lambda: put(15, b"\x00")(forge(Draft(**SHARED)))),
        made("shared-cut-index", "The file ends before the index.", "truncated",
             lambda: forge(Draft(**SHARED))[: 288 + prim.SIG_LEN[1] + SALT]),
        made("shared-cut-path", "The file ends inside the path.", "truncated", lambda: _cut(-1)),
        made("shared-cut-manifest", "The file ends behind the path.", "truncated", lambda: _cut(0)),
    ]  # fmt: skip


def _inner() -> list[Vector]:
    def inner(name: str, says: str, edit: Edit = same, code: str = "inner-signature-bad", **draft: Any) -> Vector:
        known = {"suite": 1, "flags": DEPTH, "twig": TWIG} | draft
        return bundle(f"shared-inner-{name}", says, code, inner=edit, **known)

    less = tree.length(1, DEPTH) - tree.length(1, DEPTH - 1)
    return [
        inner("flip", "One bit of the signature of the root is flipped.", flip(3)),
        inner("path", "One bit of the path is flipped.", flip(-1)),
        inner("index", "The index of the leaf beside ours.", flip(INDEX)),
        inner("index-beyond", "The index is 2^depth too great.", inner_twig=Twig(DEPTH, 19 + 32)),
        inner("foreign", "The root is signed by mallory.", inner_signer="mallory"),
        inner("root-of-outer", "The root is signed under the label of headers.",
              inner_twig=Twig(DEPTH, 19, root_label="outer-shared")),
        inner("leaf-of-outer", "The leaf has the label of headers.", inner_twig=Twig(DEPTH, 19, leaf_label="outer")),
        inner("other-bind", "It belongs to the same contents in another bundle.",
              inner_bind=lambda _: Draft(bundle="other", **SHARED).true_bind),
        inner("pq-mldsa-only", "Only the ML-DSA half is valid.", flip(1), suite=2),
        inner("deeper", "The tree of the list is one level deeper than the header says.", code="manifest-malformed",
              inner_twig=Twig(DEPTH + 1, 19)),
        inner("shallower", "The tree of the list is one level less deep than the header says.",
              lambda s: s[:-less], "manifest-malformed"),
        inner("alone", "The list's signature stands alone, the header's is shared.", lambda s: s[: prim.SIG_LEN[1]],
              "manifest-malformed"),
        bundle("shared-inner-only", "The list's signature is shared, the header's stands alone.",
               "manifest-malformed", inner_twig=TWIG),
    ]  # fmt: skip


def _receipts() -> list[Vector]:
    def one(name: str, says: str, code: str, raw: bytes, suite: int = 1, kind: str = "receipt") -> Vector:
        return Vector(f"receipt-shared-{name}", kind, says, code, lambda: raw, suite=suite)

    def bad(name: str, says: str, edit: Edit = same, twig: Twig = TWIG, **known: Any) -> Vector:
        return one(name, says, "receipt-bad-signature", receipt(signature=edit, twig=twig, **known))

    malformed, good, pq = "receipt-malformed", receipt(twig=TWIG), receipt(suite=2, twig=TWIG)
    other = receipt(statement(code="202", sequence=8), twig=Twig(DEPTH, 18))
    return [
        one("good", "A receipt whose signature is shared by up to 32.", "accepted", good),
        one("good-pq", "The same in suite 2.", "accepted", pq, 2),
        one("good-gm", "The same in suite 3.", "accepted", receipt(suite=3, twig=TWIG), 3),
        one("good-last", "The last leaf of the largest tree there is.", "accepted", receipt(twig=LAST)),
        one("in-a-file", "A shared one, one that stands alone, and one of another tree.", "accepted",
            receipt_file([good, receipt(), other]), kind="receipts"),
        one("depth-0", "A salt and an index, and no path.", malformed, receipt(twig=Twig(0))),
        one("depth-9", "A tree of 512 leaves.", malformed, receipt(twig=Twig(9, 19))),
        one("cut", "The last byte of the path is missing.", malformed, good[:-1]),
        one("without-index", "The index is missing.", malformed, good[:INDEX] + good[INDEX + 1 :]),
        bad("less", "The last hash of the path is missing.", lambda s: s[:-32]),
        bad("more", "A hash follows the path.", lambda s: s + bytes(32)),
        bad("proof-left-out", "The signature of the root stands alone.", lambda s: s[: prim.SIG_LEN[1]]),
        bad("flip-path", "One bit of the path is flipped.", flip(-1)),
        bad("flip-salt", "One bit of the salt is flipped.", flip(prim.SIG_LEN[1])),
        bad("index", "The index of the leaf beside ours.", flip(INDEX)),
        bad("index-beyond", "The index is 2^depth too great.", twig=Twig(DEPTH, 19 + 32)),
        bad("as-alone", "The root is signed under the label of one that stands alone.",
            twig=Twig(DEPTH, 19, root_label="receipt")),
        bad("leaf-of-outer", "The leaf has the label of headers.", twig=Twig(DEPTH, 19, leaf_label="outer")),
        bad("leaf-as-node", "The leaf is hashed as a node.", twig=Twig(DEPTH, 19, leaf_mark=b"\x01")),
        bad("of-another", "The proof is that of another receipt.", lambda s: other[-len(s) :]),
        one("by-another", "The root is signed by mallory, the key id bob's.", "receipt-bad-signature",
            put(1, keys_of("bob", 1).sign_id)(receipt(signer="mallory", twig=TWIG))),
        one("pq-ed25519-only", "Only the Ed25519 half is valid.", "receipt-bad-signature",
            flip(-300)(pq), 2),
    ]  # fmt: skip


def _signature_of(draft: Draft) -> bytes:
    raw = forge(draft)
    return raw[borders(raw)["header"] : borders(raw)["signature"]]


def _cut(more: int) -> bytes:
    raw = forge(Draft(**SHARED))
    return raw[: borders(raw)["signature"] + more]
