"""Receipts: a node's signed statement about one bundle, each a proof by itself, carried many to a file."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.bundle import canonical
from gateway.bundle.canonical import NotCanonicalError
from gateway.bundle.envelope import DATA_MAX
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.signed import Form, Signed, sign_all, take_apart, verified
from gateway.bundle.suites import HASH_LENGTH
from gateway.domain.errors import SecurityError
from gateway.domain.ids import BundleId, Digest, UnitCode, bundle_id, digest, unit_code
from gateway.domain.records import ReceiptCode

MAGIC = b"\x89CFR\r\n\x1a\n"
VERSION = 1
COUNT_MAX = 4096
"""Receipts in one file."""
FILE_MAX = 16 * 2**20
RECEIPT_MAX = 256 * 1024
"""Bytes of one receipt: the largest findings in hexadecimal, the largest signature, and room."""
FINDINGS_MAX = 96 * 1024
"""Bytes of sealed findings in one receipt."""
REASONS_MAX = 256
CHECKPOINT_MAX = 4096
VALUES_MAX = 2 * CHECKPOINT_MAX
"""More than all fields and reasons, and a checkpoint full of commas, need."""

_REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAMES = (
    "v",
    "bundle_id",
    "header_hash",
    "size",
    "code",
    "issuer",
    "origin",
    "recipient",
    "epoch",
    "sequence",
    "issued_at",
    "reasons",
    "findings",
    "checkpoint",
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a node states about one bundle.

    header_hash: with the id names exactly one content.     size: bytes of the bundle.
    issuer:      who states it.     origin, recipient, epoch, sequence: the place in the stream it speaks of;
                 origin or recipient is None where the issuer could not know it.
    issued_at:   seconds since 1970 UTC by the issuer's clock; evidence, never a deadline.
    reasons:     slugs of errors or codes of findings, for refusals and warnings.
    findings:    what `seal_findings` gave and `open_findings` reads, for 204; else empty. For other writers of this
                 format: our own nodes give reasons only.
    checkpoint:  the issuer's newest evidence checkpoint; empty where there is none.
    """

    bundle_id: BundleId
    header_hash: Digest
    size: int
    code: ReceiptCode
    issuer: UnitCode
    origin: UnitCode | None
    recipient: UnitCode | None
    epoch: int
    sequence: int
    issued_at: int
    reasons: tuple[str, ...] = ()
    findings: bytes = b""
    checkpoint: str = ""


def sign_receipts(receipts: Sequence[Receipt], keys: NodeKeys) -> list[bytes]:
    """Return each of `receipts` signed, a proof by itself; several share one signature.

    u8 suite | key_id | u32 length | canonical JSON | signature over L("receipt") | JSON.
    Raises ValueError if a field is outside what `parse_receipt` accepts.
    """
    texts = [_encode(receipt) for receipt in receipts]
    if any(_decode(text) != receipt for text, receipt in zip(texts, receipts, strict=True)):
        raise ValueError("a field of the receipt has another type than it promises")
    return sign_all(_FORM, texts, keys)


def parse_receipt(raw: bytes) -> Receipt:
    """Return what a receipt states without verifying it; to show, never to act on.

    Raises SecurityError `suite-refused` or `receipt-malformed`.
    """
    return _statement(take_apart(_FORM, raw))


def signer_key_id(raw: bytes) -> bytes:
    """Return the id of the key that says to have signed; SecurityError as `parse_receipt`."""
    return take_apart(_FORM, raw).key_id


def verify_receipt(raw: bytes, signer_of: Callable[[bytes], PublicKeys | None]) -> Receipt:
    """Return what a receipt truly states.

    signer_of: the public keys that belong to a signing key id, None if nobody trusted has it. That the key belongs
               to the `issuer` named inside is for the caller to check (`check_issuer`).
    Raises SecurityError `suite-refused`, `receipt-malformed`, `unknown-sender` or `receipt-bad-signature`.
    """
    return _statement(verified(_FORM, raw, signer_of))


def check_issuer(receipt: Receipt, unit: UnitCode) -> None:
    """SecurityError `receipt-wrong-issuer` unless `unit`, whose key signed, speaks for itself."""
    if receipt.issuer != unit:
        raise SecurityError("receipt-wrong-issuer", "signed by the key of another unit than it names")


def seal_findings(findings: bytes, to: PublicKeys, header_hash: Digest) -> bytes:
    """Encrypt the findings of a 204 to the sender of that bundle: key_id | wrap, bound to the bundle's header.

    Raises ValueError if they are larger than a receipt may carry.
    """
    sealed = to.encrypt_key_id + to.wrap("findings", bytes.fromhex(header_hash), findings)
    if len(sealed) > FINDINGS_MAX:
        raise ValueError(f"findings take {len(sealed)} bytes, a receipt carries {FINDINGS_MAX}")
    return sealed


def open_findings(receipt: Receipt, keys: Sequence[NodeKeys]) -> bytes:
    """Decrypt the findings of a verified receipt; SecurityError `not-addressed-to-us` or `unwrap-failed`."""
    key_id, wrapped = receipt.findings[:HASH_LENGTH], receipt.findings[HASH_LENGTH:]
    ours = next((key for key in keys if key.encrypt_key_id == key_id), None)
    if ours is None:
        raise SecurityError("not-addressed-to-us", "the findings are sealed to another key")
    findings = ours.unwrap("findings", bytes.fromhex(receipt.header_hash), wrapped)
    if findings is None:
        raise SecurityError("unwrap-failed", "the findings were not sealed for this bundle")
    return findings


def join_receipts(receipts: Sequence[bytes]) -> bytes:
    """Return a receipt file: magic | u16 count | count x (u32 length | receipt); ValueError beyond its limits."""
    if not 1 <= len(receipts) <= COUNT_MAX:
        raise ValueError(f"a receipt file holds 1 to {COUNT_MAX} receipts")
    parts = [len(raw).to_bytes(4, "big") + raw for raw in receipts]
    whole = MAGIC + len(receipts).to_bytes(2, "big") + b"".join(parts)
    if len(whole) > FILE_MAX or any(not 0 < len(raw) <= RECEIPT_MAX for raw in receipts):
        raise ValueError(f"a receipt has 1 to {RECEIPT_MAX} bytes, a receipt file at most {FILE_MAX}")
    return whole


def split_receipts(raw: bytes) -> list[bytes]:
    """Return the receipts of a receipt file, none of them looked at; SecurityError `receipt-malformed`."""
    start = len(MAGIC) + 2
    if len(raw) > FILE_MAX or len(raw) < start or raw[: len(MAGIC)] != MAGIC:
        raise _FORM.malformed("not a receipt file")
    count = int.from_bytes(raw[len(MAGIC) : start], "big")
    if not 1 <= count <= COUNT_MAX:
        raise _FORM.malformed("number of receipts out of range")
    receipts = []
    at = start
    for _ in range(count):
        length = int.from_bytes(raw[at : at + 4], "big")
        at += 4
        if not 0 < length <= RECEIPT_MAX or at + length > len(raw):
            raise _FORM.malformed("a receipt's length is out of range or the file ends within it")
        receipts.append(raw[at : at + length])
        at += length
    if at != len(raw):
        raise _FORM.malformed("bytes after the last receipt")
    return receipts


def _statement(signed: Signed) -> Receipt:
    try:
        return _decode(signed.text)
    except ValueError as error:
        raise _FORM.malformed(str(error)) from error


def _encode(receipt: Receipt) -> bytes:
    return canonical.encode(
        {
            "v": VERSION,
            "bundle_id": receipt.bundle_id,
            "header_hash": receipt.header_hash,
            "size": receipt.size,
            "code": receipt.code.value,
            "issuer": receipt.issuer,
            "origin": receipt.origin or "",
            "recipient": receipt.recipient or "",
            "epoch": receipt.epoch,
            "sequence": receipt.sequence,
            "issued_at": receipt.issued_at,
            "reasons": list(receipt.reasons),
            "findings": receipt.findings.hex(),
            "checkpoint": receipt.checkpoint,
        }
    )


def _decode(text: bytes) -> Receipt:
    found = canonical.fields(canonical.decode(text, limit=RECEIPT_MAX, values_limit=VALUES_MAX), *_NAMES)
    canonical.integer(found["v"], "v", least=VERSION, most=VERSION)
    receipt = Receipt(
        bundle_id=bundle_id(canonical.text(found["bundle_id"], "bundle_id", limit=32)),
        header_hash=digest(canonical.text(found["header_hash"], "header_hash", limit=64)),
        size=canonical.integer(found["size"], "size", most=2 * DATA_MAX),
        code=ReceiptCode(canonical.text(found["code"], "code", limit=3)),
        issuer=unit_code(canonical.text(found["issuer"], "issuer", limit=24)),
        origin=_unit_or_none(found["origin"]),
        recipient=_unit_or_none(found["recipient"]),
        epoch=canonical.integer(found["epoch"], "epoch"),
        sequence=canonical.integer(found["sequence"], "sequence"),
        issued_at=canonical.integer(found["issued_at"], "issued_at"),
        reasons=tuple(_reason(item) for item in canonical.items(found["reasons"], "reasons", limit=REASONS_MAX)),
        findings=canonical.hexadecimal(found["findings"], "findings", most=FINDINGS_MAX),
        checkpoint=canonical.text(found["checkpoint"], "checkpoint", limit=CHECKPOINT_MAX),
    )
    if receipt.findings and receipt.code is not ReceiptCode.VALIDATION_FAILED:
        raise NotCanonicalError("only a 204 carries findings")
    return receipt


def _unit_or_none(value: object) -> UnitCode | None:
    code = canonical.text(value, "unit", limit=24)
    return unit_code(code) if code else None


def _reason(value: object) -> str:
    reason = canonical.text(value, "reason", limit=64)
    if not _REASON.fullmatch(reason):
        raise NotCanonicalError(f"a reason must match {_REASON.pattern}")
    return reason


def _receipt_malformed(detail: str) -> SecurityError:
    return SecurityError("receipt-malformed", detail)


def _receipt_forged(detail: str) -> SecurityError:
    return SecurityError("receipt-bad-signature", detail)


_FORM = Form("receipt", RECEIPT_MAX, _receipt_malformed, _receipt_forged)
