"""A signed statement: canonical JSON with the issuer's key and signature around it, whatever it states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.bundle import shared
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.suites import HASH_LENGTH, Suite, suite_of
from gateway.domain.errors import SecurityError

_PREFIX = 1 + HASH_LENGTH + 4


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of statement. `name`: what is signed over, L(name); `most`: bytes; the rest make its own errors: from a
    detail, for what breaks the framing; and for a signature that is not the signer's."""

    name: str
    most: int
    malformed: Callable[[str], SecurityError]
    forged: Callable[[str], SecurityError]


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement taken apart: who says to have signed which text; nothing is verified yet."""

    suite: Suite
    key_id: bytes
    text: bytes
    signature: bytes


def sign(form: Form, text: bytes, keys: NodeKeys) -> bytes:
    """Return u8 suite | key_id | u32 length | text | signature over L(name) | text."""
    return sign_all(form, [text], keys)[0]


def sign_all(form: Form, texts: Sequence[bytes], keys: NodeKeys) -> list[bytes]:
    """Return each of `texts` as a statement of its own; their signatures are shared where there are several."""
    head = bytes([keys.suite]) + keys.sign_key_id
    return [
        head + len(text).to_bytes(4, "big") + text + signature
        for text, signature in zip(texts, keys.sign_all(form.name, texts), strict=True)
    ]


def take_apart(form: Form, raw: bytes) -> Signed:
    """Undo `sign` without verifying; SecurityError `suite-refused` or the form's `malformed`."""
    if not _PREFIX < len(raw) <= form.most:
        raise form.malformed("length out of range")
    suite = suite_of(raw[0])
    end = _PREFIX + int.from_bytes(raw[_PREFIX - 4 : _PREFIX], "big")
    if shared.depth_of(suite, len(raw) - end) is None:
        raise form.malformed("lengths within it disagree")
    return Signed(suite, raw[1 : 1 + HASH_LENGTH], raw[_PREFIX:end], raw[end:])


def verified(form: Form, raw: bytes, signer_of: Callable[[bytes], PublicKeys | None]) -> Signed:
    """Undo `sign` for a statement that truly was signed.

    signer_of: the public keys that belong to a signing key id, None if nobody trusted has it. That the key belongs to
               the issuer named in the text is for the caller to check.
    Raises as `take_apart`, and SecurityError `unknown-sender` or the form's `forged`.
    """
    signed = take_apart(form, raw)
    signer = signer_of(signed.key_id)
    if signer is None or signer.sign_key_id != signed.key_id or signer.suite != signed.suite:
        raise SecurityError("unknown-sender", f"nobody we know signs a {form.name} with this key")
    if not signer.verify(form.name, signed.text, signed.signature):
        raise form.forged(f"the signature does not belong to this {form.name}")
    return signed
