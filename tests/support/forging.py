"""Bundles and receipts as an honest, a broken or an evil peer makes them, with real keys."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.receipt import Receipt, join_receipts, sign_receipts
from gateway.bundle.seal import SealMember
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.domain.records import ReceiptCode, Transfer, known
from gateway.stages import layout
from gateway.standard.package import CasePackage
from packers.folder import FolderPacker
from tests.support.bundles import finish, prepare
from tests.support.nodes import CLOCK
from tests.support.standard import STANDARD

DAY = 86400


@dataclass(frozen=True)
class Forged:
    """A bundle, sealed as asked."""

    bundle: BundleId
    header_hash: Digest
    sequence: int
    raw: bytes
    twin: bytes = b""
    """The same bundle id under another header, as only the sender itself can make it."""


def package_of(path: Path) -> CasePackage:
    """Return the case package that the folder packer makes of a file."""
    with FolderPacker().read([path], STANDARD) as reading:
        return reading.package


def seal(
    package: CasePackage,
    *,
    keys: NodeKeys,
    recipients: Sequence[PublicKeys],
    sequence: int,
    content: Mapping[str, bytes],
    age: int = 0,
    life: int = DAY,
    epoch: int = 1,
    flow: str | None = None,
    corrects: str | None = None,
    with_package: bool = True,
) -> Forged:
    """Return a bundle. age: seconds ago that it says it was made; life: seconds until it expires from then."""
    raw = package.to_json()
    members = [SealMember(layout.CASE_PACKAGE, None, len(raw), lambda: io.BytesIO(raw))] if with_package else []
    members += [SealMember(path, None, len(body), lambda body=body: io.BytesIO(body)) for path, body in content.items()]
    out = io.BytesIO()
    created = int(CLOCK.now()) - age
    meta = {layout.FLOW: package.flow if flow is None else flow, layout.CASE_NO: "", layout.EXPORT_NAME: "x"}
    if corrects is not None:
        meta[layout.CORRECTS] = corrects
    prepared = prepare(
        out,
        members,
        meta=meta,
        keys=keys,
        recipients=recipients,
        created=created,
        expires=created + life,
        epoch=epoch,
    )
    finish(out, prepared, [sequence + 1] * len(recipients), keys)
    twin = out.getvalue()
    sealed = finish(out, prepared, [sequence] * len(recipients), keys)
    return Forged(sealed.bundle_id, sealed.header_hash, sequence, out.getvalue(), twin)


def flipped(raw: bytes, at: int, bit: int = 0) -> bytes:
    """Return `raw` with one bit turned; `at` counts from the end if negative."""
    changed = bytearray(raw)
    changed[at] ^= 1 << bit
    return bytes(changed)


def noise(size: int) -> bytes:
    """Return `size` bytes that do not compress, the same each time."""
    return hashlib.shake_256(b"noise").digest(size)


def receipt_for(transfer: Transfer, code: ReceiptCode, issuer: UnitCode, **changes: object) -> Receipt:
    """Return the statement of `issuer` about an outbound transfer, with `changes`."""
    stated: dict[str, object] = {
        "bundle_id": known(transfer.bundle_id),
        "header_hash": known(transfer.header_hash),
        "size": transfer.size,
        "code": code,
        "issuer": issuer,
        "origin": None,
        "recipient": issuer,
        "epoch": known(transfer.epoch),
        "sequence": known(transfer.sequence),
        "issued_at": int(CLOCK.now()),
    }
    return Receipt(**{**stated, **changes})  # type: ignore[arg-type]  # a forger states what it likes


def letter(keys: NodeKeys, *receipts: Receipt) -> bytes:
    """Return a receipt file with these statements, signed."""
    return join_receipts([sign_receipts([receipt], keys)[0] for receipt in receipts])
