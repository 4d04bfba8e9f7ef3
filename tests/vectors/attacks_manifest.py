"""Lists vectors that aim at keys and MANIFEST as a whole: wraps, forwarding, encryption, frames, inner signature."""

from typing import Any

from tests.vectors import primitives as prim
from tests.vectors.forge import (
    FILES,
    META,
    Draft,
    Edit,
    File,
    borders,
    drawn,
    flip,
    forge,
    keys_of,
    number,
    put,
    sign_header,
)  # fmt: skip
from tests.vectors.rules import canonical, padme
from tests.vectors.vector import Vector, bundle, edited, made

BOTH = ("bob", "carol")


def vectors() -> list[Vector]:
    """All of them."""
    return [*_wraps(), *_forwarding(), *_sealed(), *_frames(), *_inner()]


# --- keys and who may open --------------------------------------------------------------------------------------------


def _wraps() -> list[Vector]:
    def wrap(name: str, says: str, edit: Edit, code: str = "unwrap-failed", **draft: Any) -> Vector:
        return bundle(name, says, code, slots=lambda slots: [slots[0][:40] + edit(slots[0][40:]), *slots[1:]], **draft)

    def swapped(slots: list[bytes]) -> list[bytes]:
        return [slots[0][:40] + slots[1][40:], slots[1][:40] + slots[0][40:]]

    bob = keys_of("bob", 1)
    other = Draft(bundle="other")
    return [
        bundle("not-addressed", "Addressed to carol only.", "not-addressed-to-us", to=("carol",)),
        bundle("addressed-to-signing-key", "Addressed to the id of our signing key.", "not-addressed-to-us",
               header=put(168, bob.sign_id)),
        bundle("addressed-to-other-suite", "Addressed to the id of our suite 2 key in a suite 1 bundle.",
               "not-addressed-to-us",
               header=put(168, keys_of("bob", 2).encrypt_id)),
        *(
            bundle(f"wraps-swapped-{suite}", "The wrapped keys of two recipients are swapped.", "unwrap-failed",
                   to=BOTH, suite=suite, slots=swapped)
            for suite in prim.SUITES
        ),
        *(wrap(f"wrap-{part}", f"One bit of the wrapped key's {part} is flipped.", flip(at))
          for part, at in (("enc", 0), ("enc-high-bit-byte", 31), ("ciphertext", 32), ("tag", 79))),
        wrap("wrap-pq-mlkem", "One bit of the ML-KEM ciphertext is flipped.", flip(100), suite=2),
        wrap("wrap-pq-x25519", "One bit of the X25519 share is flipped.", flip(1100), suite=2),
        wrap("wrap-pq-ciphertext", "One bit of the wrapped key is flipped.", flip(1130), suite=2),
        wrap("wrap-gm-c1", "C1 is no point of the curve.", flip(63), suite=3),
        wrap("wrap-gm-c1-zero", "C1 is all zero.", put(0, bytes(64)), suite=3),
        wrap("wrap-gm-c3", "One bit of C3 is flipped.", flip(64), suite=3),
        wrap("wrap-gm-c2", "One bit of C2 is flipped.", flip(96), suite=3),
        wrap("wrap-gm-bind", "SM2 holds, but the text does not end with the bind.",
             lambda _: Draft(suite=3).wrap(keys_of("bob", 3), bytes(32)), suite=3),
        wrap("wrap-zero", "The wrapped key is all zero.", lambda w: bytes(len(w))),
        wrap("wrap-small-order", "The share enc is of small order and the key made from the all-zero secret.",
             lambda _: _small_order()),
        wrap("wrap-pq-small-order", "The X25519 share is of small order and the key made from the all-zero secret.",
             lambda _: _small_order_pq(), suite=2),
        wrap("wrap-of-other-bundle", "The wrapped key of another bundle to the same recipient.",
             lambda _: other.wrap(bob, other.true_bind)),
        wrap("wrap-as-findings", "The key is wrapped under the label of findings.",
             lambda _: prim.wrap(1, bob.encrypt_public, "findings", Draft().true_bind, Draft().content_key,
                                 bytes(31) + b"\x09")),
        bundle("bind-of-other-class", "Signed anew with another class around the old keys.", "unwrap-failed",
               header=number(10, 5, 2)),
        bundle("bind-of-other-id", "Signed anew with another bundle id around the old keys.", "unwrap-failed",
               header=flip(32)),
        bundle("bind-of-other-expiry", "Signed anew with a later expiry around the old keys.", "unwrap-failed",
               header=flip(31)),
        bundle("recipient-added", "Signed anew with one more recipient around the old keys.", "unwrap-failed",
               header=_one_more),
        made("two-contents-first", "The sender wrapped one key to each of two recipients; the first one opens it.",
             "accepted",
             lambda: forge(_two_contents()), members={file.path: file.text for file in FILES}),
        made("two-contents-second", "The sender wrapped one key to each of two recipients; the second one notices.",
             "content-auth-failed", lambda: forge(_two_contents()), own=(("carol", 1),)),
    ]  # fmt: skip


def _small_order() -> bytes:
    secret = prim.dhkem_secret(bytes(32), bytes(32), keys_of("bob", 1).encrypt_public)
    return bytes(32) + _under(1, secret)


def _small_order_pq() -> bytes:
    public = prim.MLKEM768PublicKey.from_public_bytes(keys_of("bob", 2).encrypt_public[:1184])
    inner, ciphertext = public.encapsulate()
    secret = prim.xwing_secret(inner, bytes(32), bytes(32), keys_of("bob", 2).encrypt_public[1184:])
    return ciphertext + bytes(32) + _under(2, secret)


def _under(suite: int, secret: bytes) -> bytes:
    draft = Draft(suite=suite)
    key, nonce = prim.hpke_schedule(suite, secret, prim.label("wrap") + draft.true_bind)
    return prim.seal_chunk(suite, key, nonce, draft.content_key)


def _one_more(header: bytes) -> bytes:
    carol = keys_of("carol", 1)
    slots = [header[168:], carol.encrypt_id + (7).to_bytes(8, "big") + Draft().wrap(carol, Draft().true_bind)]
    return number(12, 2, 2)(header[:168]) + b"".join(sorted(slots))


def _two_contents() -> Draft:
    draft = Draft(to=BOTH)

    def slots(true: list[bytes]) -> list[bytes]:
        carol = keys_of("carol", 1)
        other = carol.encrypt_id + (7).to_bytes(8, "big") + draft.wrap(carol, draft.true_bind, drawn("another K", 32))
        return [other if slot[:32] == carol.encrypt_id else slot for slot in true]

    return Draft(to=BOTH, slots=slots)


def _forwarding() -> list[Vector]:
    """Mallory was sent a bundle by alice, so she knows K, and sends it on to bob."""
    original = Draft(to=("mallory",), key=drawn("K that mallory knows", 32))
    raw = forge(original)
    cut = borders(raw)
    manifest, data = raw[cut["signature"] : cut["manifest"]], raw[cut["segs"] :]
    inner = prim.sign(1, keys_of("alice", 1).sign_seed, "inner", original.true_bind + _text(FILES))
    known = original.content_key

    def on(name: str, says: str, code: str, **draft: Any) -> Vector:
        return bundle(name, says, code, key=known, **({"sender": "mallory"} | draft))

    return [
        on("forwarded-whole", "Mallory rewraps K to bob and signs; the contents are still bound to the first header.",
           "content-auth-failed", sealed=lambda _: manifest, data=lambda _: data),
        on("forwarded-inner", "Mallory encrypts the contents anew and keeps alice's inner signature.",
           "inner-signature-bad",
           inner=lambda _: inner),
        on("forwarded-data", "Mallory makes her own MANIFEST around alice's DATA.", "content-auth-failed",
           data=lambda _: data),
        on("forwarded-unsigned", "Mallory re-addresses the bundle under alice's name, without her signature.",
           "bad-signature", sender="alice", outer_signer="mallory"),
        on("forwarded-old-header", "Mallory sends the bundle on as it is.", "not-addressed-to-us", sender="alice",
           to=("mallory",)),
        made("sender-substituted", "Mallory's name and signature stand on alice's parts, wrapped by mallory to bob.",
             "content-auth-failed", _substituted),
    ]  # fmt: skip


def _substituted() -> bytes:
    theirs, ours = forge(Draft()), Draft(sender="mallory", key=Draft().content_key)
    cut = borders(theirs)
    header = put(64, keys_of("mallory", 1).sign_id)(theirs[: cut["header"]])
    header = put(208, ours.wrap(keys_of("bob", 1), ours.true_bind))(header)
    return sign_header(ours, header) + theirs[cut["signature"] :]


def _sealed() -> list[Vector]:
    good, other = forge(Draft()), Draft(bundle="other", files=FILES[:1])
    mine = borders(good)

    def swapped(raw: bytes) -> bytes:
        foreign = forge(Draft(bundle="other"))
        part = foreign[mine["signature"] : mine["manifest"]]
        return put(mine["signature"], part)(raw)

    return [
        edited("manifest-flip", "One bit of MANIFEST is flipped.", "manifest-corrupt", flip(mine["signature"] + 60)),
        edited("manifest-swapped", "MANIFEST of another bundle of the same sender, recipient and length.",
               "manifest-corrupt", swapped),
        edited("manifest-swapped-hash", "The same, with its hash put into the header.", "bad-signature",
               lambda raw: put(96, prim.hash_of(1, swapped(raw)[mine["signature"] : mine["manifest"]]))(swapped(raw))),
        bundle("manifest-of-other-bundle", "MANIFEST of another bundle, signed anew.", "content-auth-failed",
               sealed=lambda _: forge(other)[borders(forge(other))["signature"] : borders(forge(other))["manifest"]]),
        bundle("manifest-under-data-label", "MANIFEST is encrypted in the context of DATA.", "content-auth-failed",
               manifest_label="data"),
        bundle("manifest-salt", "One bit of MANIFEST's salt is flipped, signed anew.", "content-auth-failed",
               sealed=flip(0)),
        bundle("manifest-commitment", "One bit of MANIFEST's commitment is flipped, signed anew.",
               "content-auth-failed",
               sealed=flip(30)),
        bundle("manifest-text", "One bit of MANIFEST's text is flipped, signed anew.", "content-auth-failed",
               sealed=flip(60)),
        bundle("manifest-tag", "One bit of MANIFEST's tag is flipped, signed anew.", "content-auth-failed",
               sealed=flip(-1)),
        bundle("manifest-tag-gm", "One bit of MANIFEST's tag is flipped in suite 3.", "content-auth-failed",
               sealed=flip(-1),
               suite=3),
        bundle("manifest-commitment-gm", "One bit of MANIFEST's commitment is flipped in suite 3.",
               "content-auth-failed",
               sealed=flip(30), suite=3),
        edited("hub-manifest-flip", "A hub notices a changed MANIFEST.", "manifest-corrupt",
               flip(mine["signature"] + 60),
               kind="hub"),
    ]  # fmt: skip


def _frames() -> list[Vector]:
    def frame(name: str, says: str, edit: Edit) -> Vector:
        return bundle(name, says, "manifest-malformed", frame=edit)

    return [
        frame("frame-empty", "The text of MANIFEST is empty.", lambda _: b""),
        frame("frame-three-bytes", "The text of MANIFEST is three bytes long.", lambda f: f[:3]),
        frame("frame-no-signature", "The inner signature is missing.", lambda f: f[:-64]),
        frame("frame-short-signature", "The inner signature is a byte short.", lambda f: f[:-1]),
        frame("frame-trailing", "A byte follows the inner signature.", lambda f: f + b"\x00"),
        frame("frame-length-more", "The length of the JSON is one too great.", lambda f: number(0, len(f) - 67, 4)(f)),
        frame("frame-length-less", "The length of the JSON is one too small.", lambda f: number(0, len(f) - 69, 4)(f)),
        frame("frame-length-huge", "The length of the JSON is 2^32 - 1.", number(0, 2**32 - 1, 4)),
    ]  # fmt: skip


def _text(files: tuple[File, ...]) -> bytes:
    total = sum(len(file.in_data) for file in files)
    entries = [file.entry(1) for file in files]
    return canonical({"files": entries, "meta": META, "pad": padme(total) - total, "total": total, "v": 1})


def _inner() -> list[Vector]:
    def inner(name: str, says: str, code: str = "inner-signature-bad", **draft: Any) -> Vector:
        return bundle(name, says, code, **draft)

    seed = keys_of("mallory", 2).sign_seed
    foreign = prim.sign(2, seed, "inner", b"")
    return [
        inner("inner-zero", "The inner signature is all zero.", inner=lambda s: bytes(len(s))),
        inner("inner-foreign", "The inner signature is by mallory.", inner_signer="mallory"),
        inner("inner-recipient", "The inner signature is by the recipient, who is trusted too.", inner_signer="bob"),
        inner("inner-flip", "One bit of the inner signature is flipped.", inner=flip(3)),
        inner("inner-label", "The inner signature is made under the label of outer ones.", inner_label="outer"),
        inner("inner-without-bind", "The inner signature covers the JSON only.", inner_bind=lambda _: b""),
        inner("inner-other-bind", "The inner signature belongs to the same contents in another bundle.",
              inner_bind=lambda _: Draft(bundle="other").true_bind),
        inner("inner-pq-ed25519-only", "Only the Ed25519 half of the inner signature is valid.", suite=2,
              inner=lambda s: s[:64] + foreign[64:]),
        inner("inner-pq-mldsa-only", "Only the ML-DSA half of the inner signature is valid.", suite=2, inner=flip(1)),
        inner("inner-gm-foreign", "The inner signature of suite 3 is by mallory.", suite=3, inner_signer="mallory"),
        inner("order-C4-C5", "The manifest breaks a rule, and the inner signature is bad.", "manifest-malformed",
              manifest=lambda m: m.update(v=2), inner=flip(3)),
        inner("order-C5-C6", "The inner signature is bad, and a path unsafe.", inner=flip(3),
              files=(File("../a", b"x"),)),
        inner("order-C6-C8", "A path is unsafe, and DATA changed.", "unsafe-path", files=(File("../a", b"x"),),
              segs=lambda s: bytes(len(s))),
    ]  # fmt: skip
