"""Receipts, receipt files and inventories, raw and truly signed around any text."""

from collections.abc import Mapping

from gateway.bundle.inventory import (
    inventory_key_id,
    parse_inventory,
    sign_inventory,
    sign_life,
    verify_inventory,
    verify_life,
)
from gateway.bundle.receipt import (
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
from gateway.domain.holdings import Got, Inventory, Life, Sent
from gateway.domain.ids import bundle_id, digest, unit_code
from gateway.domain.records import ReceiptCode
from tests.fuzz.keys import RECIPIENT, RECIPIENT_PUBLIC, SENDER, SENDER_ID, signer_of
from tests.fuzz.shapes import canonical_form
from tests.fuzz.target import Target, attempt

HASH = digest("ab" * 32)


def run_receipt(data: bytes) -> None:
    """First byte even: a whole receipt. Odd: the text of one, put in order and signed by the sender."""
    if not data or data[0] % 2 == 0:
        run_raw(data[1:])
        return
    text = canonical_form(data[1:])
    run_raw(bytes([SENDER.suite]) + SENDER_ID + len(text).to_bytes(4, "big") + text + SENDER.sign("receipt", text))


def run_raw(raw: bytes) -> None:
    attempt(lambda: parse_receipt(raw))
    attempt(lambda: signer_key_id(raw))
    receipt = attempt(lambda: verify_receipt(raw, signer_of))
    if receipt is not None:
        end = 37 + int.from_bytes(raw[33:37], "big")
        assert sign_receipts([receipt], SENDER)[0][:end] == raw[:end]
        attempt(lambda: check_issuer(receipt, unit_code("990101")))
        attempt(lambda: open_findings(receipt, [RECIPIENT]))


def run_receipt_file(data: bytes) -> None:
    receipts = attempt(lambda: split_receipts(data))
    if receipts is not None:
        assert join_receipts(receipts) == data
        for raw in receipts:
            run_raw(raw)


def receipts() -> Mapping[str, Receipt]:
    def made(code: ReceiptCode, **more: object) -> Receipt:
        units = {name: unit_code("990101") for name in ("issuer", "origin", "recipient")}
        numbers = {"size": 4711, "epoch": 3, "sequence": 7, "issued_at": 1_000_000}
        return Receipt(bundle_id=bundle_id("0a" * 16), header_hash=HASH, code=code, **(units | numbers | more))  # type: ignore[arg-type]  # kinds vary by key

    return {
        "delivered": made(ReceiptCode.DELIVERED),
        "refused": made(ReceiptCode.SIGNATURE, origin=None, recipient=None, reasons=("bad-signature", "XML-DTD")),
        "findings": made(ReceiptCode.VALIDATION_FAILED, findings=seal_findings(b"[]", RECIPIENT_PUBLIC, HASH)),
        "checkpoint": made(ReceiptCode.CUSTODY, checkpoint="a\n1\nb"),
    }


def receipt_seeds() -> Mapping[str, bytes]:
    seeds = {}
    for name, receipt in receipts().items():
        raw = sign_receipts([receipt], SENDER)[0]
        seeds[f"{name}-raw"] = b"\0" + raw
        seeds[f"{name}-text"] = b"\1" + raw[37:-64]
    shared = sign_receipts(list(receipts().values()), SENDER)
    return seeds | {"shared-raw": b"\0" + shared[1]}


def receipt_file_seeds() -> Mapping[str, bytes]:
    raws = [sign_receipts([receipt], SENDER)[0] for receipt in receipts().values()]
    return {"one": join_receipts(raws[:1]), "four": join_receipts(raws)}


def run_inventory(data: bytes) -> None:
    """First byte even: a whole inventory. Odd: the text of one, put in order and signed by the sender."""
    if not data or data[0] % 2 == 0:
        run_raw_inventory(data[1:])
        return
    text = canonical_form(data[1:])
    signature = SENDER.sign("inventory", text)
    run_raw_inventory(bytes([SENDER.suite]) + SENDER_ID + len(text).to_bytes(4, "big") + text + signature)


def run_raw_inventory(raw: bytes) -> None:
    attempt(lambda: inventory_key_id(raw))
    parsed = attempt(lambda: parse_inventory(raw))
    found = attempt(lambda: verify_inventory(raw, signer_of, unit_code("990101")))
    if found is not None:
        assert found == parsed
        assert sign_inventory(found, SENDER) == raw
        for token in found.heard:
            attempt(lambda token=token: verify_life(token, signer_of))
        for stream in found.got:
            assert not stream.has(stream.last + 1)


def inventory_seeds() -> Mapping[str, bytes]:
    units = unit_code("990101"), unit_code("990102")
    life, other = "0a" * 16, "0b" * 16
    sent, got = (Sent(4, 9, ()), Sent(5, 40, ((3, 3), (7, 40)))), (Got(77, 12, ((1, 2), (4, 9))),)

    def token(epoch: int) -> bytes:
        return sign_life(Life(units[0], epoch, life), SENDER)

    made = {
        "empty": Inventory(*units, 0, 0, life, token(0), False, "", (), (), (), ()),
        "whole": Inventory(*units, 1, 5, life, token(5), True, other, (token(4),), sent, got, (bundle_id("0c" * 16),)),
    }
    seeds = {}
    for name, inventory in made.items():
        raw = sign_inventory(inventory, SENDER)
        seeds[f"{name}-raw"] = b"\0" + raw
        seeds[f"{name}-text"] = b"\1" + raw[37:-64]
    return seeds


TARGETS = (
    Target("inventory", run_inventory, inventory_seeds, json_at=1),
    Target("receipt", run_receipt, receipt_seeds, json_at=1),
    Target("receipt-file", run_receipt_file, receipt_file_seeds, longest=8192),
)
