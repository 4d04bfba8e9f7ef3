"""Lists the vectors that aim at heralds: what is signed before the hashes of a bundle are known."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.vectors import primitives as prim
from tests.vectors.forge import (
    EXPIRES,
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
    same,
    write_header,
)
from tests.vectors.rules import canonical, padme
from tests.vectors.vector import Trust, Vector

MAGIC = bytes.fromhex("894342480d0a1a0a")
SEQUENCE = 200
"""Where the first recipient's number stands."""


@dataclass(frozen=True, slots=True)
class Herald:
    """A herald to be, of the bundle of a draft: first honest values, then edits."""

    draft: Draft = field(default_factory=Draft)
    magic: bytes = MAGIC
    label: str = "herald"
    draft_label: str = "draft"
    signer: str = ""
    hash: str = "0" * 64
    rest: Edit = same
    header: Edit = same
    sealed: Edit = same

    def make(self) -> bytes:
        """Its bytes, with all lengths true of what the edits left."""
        draft = self.draft
        suite, bind = draft.suite, draft.bind(draft.true_bind)
        total = sum(len(file.in_data) for file in draft.files)
        manifest = {"files": [file.entry(suite) | {"hash": self.hash} for file in draft.files]}
        manifest |= {"meta": dict(draft.meta), "v": 1, "total": total, "pad": padme(total) - total}
        draft.manifest(manifest)
        text = draft.text(canonical(manifest))
        plain = draft.frame(len(text).to_bytes(4, "big") + text + self.rest(bytes(prim.SIG_LEN[suite])))
        salt = drawn(f"salt draft {draft.bundle}", 24)
        key = draft.content_key
        sealed = prim.encrypt_chunks(suite, key, salt, prim.label(self.draft_label) + bind, plain)
        sealed = self.sealed(sealed)
        data_len = prim.encrypted_length(padme(total))
        header = write_header(replace(draft, sequences=(0,) * 64), bind, sealed, b"", data_len)
        header = self.header(self.magic + put(128, bytes(32))(header)[8:])
        seed = keys_of(self.signer or draft.sender, suite).sign_seed
        return header + prim.sign(suite, seed, self.label, header) + sealed


def vectors() -> list[Vector]:
    """All of them."""
    true = Herald().make()
    end = borders(true)["signature"]
    draft = true[end:]
    return [
        _good("classic", "A herald of suite 1.", Herald()),
        _good("pq", "A herald of suite 2.", Herald(Draft(suite=2)), suite=2),
        _good("gm", "A herald of suite 3.", Herald(Draft(suite=3)), suite=3),
        _good("two", "Nobody sends one to two recipients, and yet it is one.", Herald(Draft(to=("bob", "carol")))),
        _good("followed", "Behind it stands what is no hash, and some of DATA.", Herald(),
              edit=lambda raw: raw + drawn("whatever follows", 5000)),
        _bad("bundle", "A bundle is no herald.", "not-a-bundle", lambda: forge(Draft())),
        _bad("renamed", "A bundle with the magic of a herald.", "malformed", lambda: MAGIC + forge(Draft())[8:]),
        _bad("cut-suite", "The magic and nothing else.", "truncated", lambda: true[:8]),
        _bad("cut-fixed", "167 bytes.", "truncated", lambda: true[:167]),
        _bad("cut-signature", "The last byte of the signature is missing.", "truncated", lambda: true[: end - 1]),
        _bad("cut-draft", "The last byte is missing.", "manifest-corrupt", lambda: true[:-1]),
        _bad("flip-draft", "A bit of the draft is flipped.", "manifest-corrupt", lambda: flip(-20)(true)),
        _of("numbered", "A sequence of 1.", "malformed", Herald(header=number(SEQUENCE, 1))),
        _of("flags", "It announces a bundle whose signatures are shared.", "malformed", Herald(Draft(flags=1))),
        _of("hashed", "It knows a hash of segments.", "malformed", Herald(header=flip(159))),
        _of("signed-as-bundle", "Its signature bears the label of a bundle's.", "bad-signature", Herald(label="outer")),
        _of("forged", "Somebody else signed it.", "bad-signature", Herald(signer="mallory")),
        _of("stranger", "Nobody knows who sends it.", "unknown-sender", Herald(Draft(sender="carol")),
            trusted=(Trust("alice", 1),)),
        _of("revoked", "Its sender is revoked.", "revoked-sender", Herald(),
            trusted=(Trust("alice", 1, is_revoked=True),)),
        _of("expired", "It is a second too old.", "expired", Herald(), now=EXPIRES + 1),
        _of("too-large", "The bundle that it announces is too large.", "too-large", Herald(), limit=100),
        _of("not-ours", "It is for somebody else.", "not-addressed-to-us", Herald(Draft(to=("carol",)))),
        _of("moved-bundle", "A herald of alice whose header names another bundle.", "unwrap-failed",
            Herald(header=flip(40))),
        _of("taken-over", "Mallory signs what alice sealed as her own.", "unwrap-failed",
            Herald(signer="mallory", header=put(64, keys_of("mallory", 1).sign_id))),
        _of("draft-as-manifest", "The draft is encrypted as a manifest.", "content-auth-failed",
            Herald(draft_label="manifest")),
        _of("draft-flipped", "A bit of the draft was flipped before it was signed.", "content-auth-failed",
            Herald(sealed=flip(100))),
        _of("rest", "Something stands in the place of the inner signature.", "manifest-malformed",
            Herald(rest=flip(0))),
        _of("rest-short", "The place of the inner signature is a byte too short.", "manifest-malformed",
            Herald(rest=lambda zeros: zeros[1:])),
        _of("knows-hash", "It states hashes.", "manifest-malformed", Herald(hash="0" * 63 + "1")),
        _of("other-length", "Its files do not fill DATA.", "manifest-malformed",
            Herald(Draft(manifest=_longer))),
        _of("unsafe", "A path leads out of the folder.", "unsafe-path", Herald(Draft(files=(File("../a", b"text"),)))),
        _bad("whole", "All of a bundle, with a herald in the place of its front.", "not-a-bundle",
             lambda: draft_over(true), kind="bundle"),
        _bad("swapped", "A draft of the same length from another bundle.", "manifest-corrupt",
             lambda: true[:end] + Herald(Draft(bundle="another")).make()[end:][: len(draft)]),
    ]  # fmt: skip


def draft_over(herald: bytes) -> bytes:
    """The bundle that a herald announces, before its front is written."""
    return herald + forge(Draft())[len(herald) :]


def _longer(manifest: dict[str, Any]) -> None:
    manifest["files"][0] |= {"size": 20_000, "stored": 20_000}
    manifest["total"] = sum(file["stored"] for file in manifest["files"])
    manifest["pad"] = padme(manifest["total"]) - manifest["total"]


def _good(name: str, says: str, herald: Herald, edit: Edit = same, suite: int = 1) -> Vector:
    members = {file.path: b"%d %d" % (len(file.text), len(file.in_data)) for file in herald.draft.files}
    return Vector(
        f"herald-{name}", "herald", says, "accepted", lambda: edit(herald.make()), suite=suite, members=members
    )


def _of(name: str, says: str, code: str, herald: Herald, **known: Any) -> Vector:
    return Vector(f"herald-{name}", "herald", says, code, herald.make, **known)


def _bad(name: str, says: str, code: str, make: Callable[[], bytes], kind: str = "herald") -> Vector:
    return Vector(f"herald-{name}", kind, says, code, make)
