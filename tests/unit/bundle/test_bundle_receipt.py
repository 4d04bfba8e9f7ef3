"""Receipts: each proves alone, and neither a receipt nor a file of them can be changed unnoticed."""

from dataclasses import replace

import pytest

from gateway.bundle import canonical
from gateway.bundle.names import Kind, parse, receipt_name
from gateway.bundle.receipt import (
    CHECKPOINT_MAX,
    COUNT_MAX,
    FINDINGS_MAX,
    MAGIC,
    REASONS_MAX,
    RECEIPT_MAX,
    Receipt,
    check_issuer,
    join_receipts,
    open_findings,
    parse_receipt,
    seal_findings,
    sign_receipts,
    signer_key_id,
    split_receipts,
    verify_receipt,
)
from gateway.bundle.suites import Suite
from gateway.domain.ids import bundle_id, digest, unit_code
from gateway.domain.records import ReceiptCode

RECEIPT = Receipt(
    bundle_id=bundle_id("0123456789abcdef" * 2),
    header_hash=digest("fedcba9876543210" * 4),
    size=12345,
    code=ReceiptCode.DELIVERED,
    issuer=unit_code("990102"),
    origin=unit_code("991200000000"),
    recipient=unit_code("990102"),
    epoch=3,
    sequence=7,
    issued_at=1_000_000,
)
FULL = replace(
    RECEIPT,
    code=ReceiptCode.VALIDATION_FAILED,
    origin=None,
    reasons=tuple(f"ZIP-CRC-{n}" for n in range(REASONS_MAX)),
    findings=b"\xaa" * FINDINGS_MAX,
    checkpoint="," * CHECKPOINT_MAX,
)


@pytest.mark.parametrize("receipt", [RECEIPT, FULL, replace(RECEIPT, recipient=None, epoch=0, sequence=0)])
def test_round_trip(workshop, receipt):
    raw = sign_receipts([receipt], workshop.keys.sender)[0]
    assert verify_receipt(raw, workshop.keys.signer_of) == receipt
    assert parse_receipt(raw) == receipt
    assert signer_key_id(raw) == workshop.keys.sender.sign_key_id
    assert len(raw) <= RECEIPT_MAX


@pytest.mark.parametrize("code", ReceiptCode)
def test_every_code(classic, code):
    raw = sign_receipts([replace(RECEIPT, code=code)], classic.keys.sender)[0]
    assert verify_receipt(raw, classic.keys.signer_of).code is code


def test_every_flip_is_refused(workshop):
    raw = bytearray(sign_receipts([RECEIPT], workshop.keys.sender)[0])
    step = {Suite.CLASSIC: 1, Suite.PQ: 7, Suite.GM: 41}[workshop.suite]
    end = len(raw) - len(workshop.keys.sender.sign("x", b""))
    for bit in range(0, 8 * len(raw), step):
        at = bit // 8
        raw[at] ^= 1 << bit % 8
        found = workshop.code_of(lambda: verify_receipt(bytes(raw), workshop.keys.signer_of))
        raw[at] ^= 1 << bit % 8
        if at == 0:
            assert found in {"suite-refused", "receipt-malformed", "unknown-sender"}
        elif at < 33:
            assert found == "unknown-sender"
        elif at < 37:
            assert found == "receipt-malformed"
        else:
            assert found == "receipt-bad-signature", (at, end)


def test_cut_and_extended(classic):
    raw = sign_receipts([RECEIPT], classic.keys.sender)[0]
    for end in range(len(raw)):
        assert classic.code_of(lambda end=end: parse_receipt(raw[:end])) == "receipt-malformed"
    assert classic.code_of(lambda: parse_receipt(raw + b"\0")) == "receipt-malformed"


def test_unknown_and_lying_lookups(workshop):
    keys = workshop.keys
    raw = sign_receipts([RECEIPT], keys.sender)[0]
    assert workshop.code_of(lambda: verify_receipt(raw, lambda _key_id: None)) == "unknown-sender"
    assert workshop.code_of(lambda: verify_receipt(raw, lambda _key_id: keys.other.public)) == "unknown-sender"


def test_a_signature_from_elsewhere_is_none(workshop):
    """A header's signature, or an inner one, over the same bytes."""
    keys = workshop.keys
    raw = sign_receipts([RECEIPT], keys.sender)[0]
    length = int.from_bytes(raw[33:37], "big")
    for name in ("outer", "inner"):
        moved = raw[: 37 + length] + keys.sender.sign(name, raw[37 : 37 + length])
        assert workshop.code_of(lambda moved=moved: verify_receipt(moved, keys.signer_of)) == "receipt-bad-signature"


def signed(classic, text: bytes) -> bytes:
    sender = classic.keys.sender
    return bytes([1]) + sender.sign_key_id + len(text).to_bytes(4, "big") + text + sender.sign("receipt", text)


BAD_FIELDS = {
    "v": 2,
    "bundle_id": "0123",
    "header_hash": "FEDCBA9876543210" * 4,
    "size": 2**47 + 1,
    "code": "999",
    "issuer": "",
    "origin": "a b",
    "recipient": "../../../x",
    "epoch": -1,
    "sequence": "7",
    "issued_at": True,
    "reasons": ["a reason"],
    "findings": "zz",
    "checkpoint": None,
}


@pytest.mark.parametrize("name", list(BAD_FIELDS))
def test_true_signature_over_a_bad_field(classic, name):
    text = sign_receipts([RECEIPT], classic.keys.sender)[0][37:-64]
    fields = canonical.decode(text, limit=10_000, values_limit=1000)
    assert isinstance(fields, dict)
    assert set(fields) == set(BAD_FIELDS)
    raw = signed(classic, canonical.encode(fields | {name: BAD_FIELDS[name]}))
    assert classic.code_of(lambda: verify_receipt(raw, classic.keys.signer_of)) == "receipt-malformed"
    del fields[name]
    raw = signed(classic, canonical.encode(fields))
    assert classic.code_of(lambda: verify_receipt(raw, classic.keys.signer_of)) == "receipt-malformed"


@pytest.mark.parametrize("code", [code for code in ReceiptCode if code is not ReceiptCode.VALIDATION_FAILED])
def test_only_a_204_carries_findings(classic, code):
    with pytest.raises(ValueError, match="204"):
        sign_receipts([replace(RECEIPT, code=code, findings=b"sealed")], classic.keys.sender)[0]


def test_true_signature_over_text_that_is_not_canonical(classic):
    text = sign_receipts([RECEIPT], classic.keys.sender)[0][37:-64]
    for changed in (text + b" ", text.replace(b'"size":12345', b'"size":12345.0'), b"[]", b""):
        raw = signed(classic, changed)
        assert classic.code_of(lambda raw=raw: verify_receipt(raw, classic.keys.signer_of)) == "receipt-malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"size": -1},
        {"reasons": ("x",) * (REASONS_MAX + 1)},
        {"reasons": ["bad-signature"]},
        {"findings": bytes(FINDINGS_MAX + 1)},
        {"checkpoint": "x" * (CHECKPOINT_MAX + 1)},
        {"checkpoint": "\ud800"},
    ],
    ids=["size", "too many reasons", "list of reasons", "findings", "checkpoint", "surrogate"],
)
def test_what_no_reader_would_take_is_not_signed(classic, change):
    with pytest.raises(ValueError, match=r"must|type|Unicode"):
        sign_receipts([replace(RECEIPT, **change)], classic.keys.sender)[0]


def test_issuer_speaks_for_itself(classic):
    check_issuer(RECEIPT, unit_code("990102"))
    assert classic.code_of(lambda: check_issuer(RECEIPT, unit_code("990103"))) == "receipt-wrong-issuer"


def test_findings_reach_the_origin_only(workshop):
    keys = workshop.keys
    text = "第3页：缺少签名".encode() * 500
    sealed = seal_findings(text, keys.recipient.public, RECEIPT.header_hash)
    receipt = replace(RECEIPT, code=ReceiptCode.VALIDATION_FAILED, findings=sealed)
    assert open_findings(receipt, [keys.other, keys.recipient]) == text
    assert workshop.code_of(lambda: open_findings(receipt, [keys.other])) == "not-addressed-to-us"
    assert workshop.code_of(lambda: open_findings(RECEIPT, [keys.recipient])) == "not-addressed-to-us"
    moved = replace(receipt, header_hash=digest("ab" * 32))
    assert workshop.code_of(lambda: open_findings(moved, [keys.recipient])) == "unwrap-failed"


def test_findings_beyond_the_limit(classic):
    with pytest.raises(ValueError, match="findings"):
        seal_findings(bytes(FINDINGS_MAX), classic.keys.recipient.public, RECEIPT.header_hash)


def test_file_of_many(workshop):
    raws = [sign_receipts([replace(RECEIPT, sequence=n)], workshop.keys.sender)[0] for n in (1, 2, 3)]
    assert split_receipts(join_receipts(raws)) == raws


def test_file_at_its_limit():
    raws = [b"x"] * COUNT_MAX
    assert split_receipts(join_receipts(raws)) == raws
    with pytest.raises(ValueError, match="1 to"):
        join_receipts([*raws, b"x"])
    with pytest.raises(ValueError, match="1 to"):
        join_receipts([])
    with pytest.raises(ValueError, match="bytes"):
        join_receipts([b""])
    with pytest.raises(ValueError, match="bytes"):
        join_receipts([bytes(RECEIPT_MAX + 1)])
    with pytest.raises(ValueError, match="bytes"):
        join_receipts([bytes(RECEIPT_MAX)] * 65)


def test_file_cut_at_every_byte_and_extended(classic):
    whole = join_receipts([b"one", b"two", b"three"])
    for end in range(len(whole)):
        assert classic.code_of(lambda end=end: split_receipts(whole[:end])) == "receipt-malformed"
    for tail in (b"\0", b"\0\0\0\1x"):
        assert classic.code_of(lambda tail=tail: split_receipts(whole + tail)) == "receipt-malformed"


BAD_FILES = {
    "no receipts": MAGIC + bytes(2),
    "too many": MAGIC + (COUNT_MAX + 1).to_bytes(2, "big") + b"\0\0\0\1x" * (COUNT_MAX + 1),
    "an empty receipt": MAGIC + b"\0\1" + bytes(4),
    "a huge receipt": MAGIC + b"\0\1" + (RECEIPT_MAX + 1).to_bytes(4, "big") + bytes(RECEIPT_MAX + 1),
    "a bundle": b"\x89CBF\r\n\x1a\n" + b"\0\1\0\0\0\1x",
    "above 16 MiB": MAGIC + b"\0\1" + b"\0\0\0\1x" + bytes(16 * 2**20),
}


@pytest.mark.parametrize("kind", list(BAD_FILES))
def test_files_that_are_refused(classic, kind):
    assert classic.code_of(lambda: split_receipts(BAD_FILES[kind])) == "receipt-malformed"


def test_name_follows_from_the_content():
    whole = join_receipts([b"one"])
    name = receipt_name(whole)
    assert name == receipt_name(whole) != receipt_name(join_receipts([b"two"]))
    assert parse(name) == (Kind.RECEIPTS, name[:32])
