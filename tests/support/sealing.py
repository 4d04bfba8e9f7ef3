"""A bundle sealed by one desk for another, as its daemon would; and receipts signed by hand."""

import io
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gateway.bundle.keys import NodeKeys
from gateway.bundle.receipt import Receipt, sign_receipts
from gateway.bundle.seal import Sealed, SealMember
from gateway.compose.identity import load_keyring
from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode
from gateway.domain.records import ReceiptCode
from gateway.stages import layout
from gateway.standard.package import CasePackage, Source
from tests.support.bundles import finish, prepare
from tests.support.desk import Desk

CLOCK = SystemClock()
CONTENT = {"content/文书/提请批准逮捕书.pdf": b"%PDF-1.4 test", "content/说明.txt": "测试".encode()}


def keys_of(desk: Desk) -> NodeKeys:
    """The desk's private keys."""
    return load_keyring(desk.settings, os.environ).signing_keys(CLOCK.now())


def seal(
    sender: Desk, recipient: Desk, path: Path, *, made: float | None = None, flow: str = "arrest-request"
) -> Sealed:
    """Write a bundle from `sender` for `recipient` to `path`; `made`: when, by default now."""
    package = CasePackage(Source("police", "export.zip"), flow="arrest-request", case_no="A9901").to_json()
    contents = {layout.CASE_PACKAGE: package, **CONTENT}
    members = [SealMember(name, None, len(body), partial(io.BytesIO, body)) for name, body in contents.items()]
    created = int(CLOCK.now() if made is None else made)
    keys = keys_of(sender)
    with path.open("w+b") as out:
        prepared = prepare(
            out,
            members,
            meta={layout.FLOW: flow},
            keys=keys,
            recipients=[keys_of(recipient).public],
            created=created,
            expires=created + 86400,
            epoch=7,
        )
        return finish(out, prepared, [1], keys)


def receipt(issuer: Desk, sealed: Sealed, *, origin: Desk, claims_to_be: str = "") -> bytes:
    """A receipt by `issuer` that the bundle was delivered."""
    return receipts(issuer, [sealed], origin=origin, claims_to_be=claims_to_be)[0]


def receipts(issuer: Desk, sealed: Sequence[Sealed], *, origin: Desk, claims_to_be: str = "") -> list[bytes]:
    """Receipts by `issuer` that these bundles were delivered; several share one signature."""
    unit = UnitCode(claims_to_be) if claims_to_be else issuer.place.unit
    at = int(CLOCK.now())
    statements = [
        Receipt(
            one.bundle_id,
            one.header_hash,
            one.size,
            ReceiptCode.DELIVERED,
            unit,
            origin.place.unit,
            issuer.place.unit,
            7,
            1,
            at,
        )
        for one in sealed
    ]
    return sign_receipts(statements, keys_of(issuer))
