"""Inventories: a node's signed statement of where the streams between it and one peer stand (docs/protocol.md)."""

import re
from collections.abc import Callable, Sequence

from gateway.bundle import canonical
from gateway.bundle.canonical import NotCanonicalError
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.signed import Form, Signed, sign, take_apart, verified
from gateway.domain.errors import SecurityError
from gateway.domain.holdings import (
    LIVES_MAX,
    PENDING_MAX,
    RANGES_MAX,
    STREAMS_MAX,
    Got,
    Inventory,
    Range,
    Sent,
)
from gateway.domain.ids import UnitCode, bundle_id, unit_code

VERSION = 1
INVENTORY_MAX = 1 << 20
"""Bytes: all of the lists below at their longest, and room."""
_FORM = Form("inventory", INVENTORY_MAX)
_VALUES_MAX = 4 * (RANGES_MAX + PENDING_MAX)
_TOKEN = re.compile(r"[0-9a-f]{32}")
_NAMES = ("v", "issuer", "to", "issued_at", "epoch", "life", "asks", "answers", "heard_epoch", "heard", "sent", "got")


def sign_inventory(inventory: Inventory, keys: NodeKeys) -> bytes:
    """Return the signed inventory (docs/bundle-format.md, section 9); ValueError if a field is out of range."""
    text = _encode(inventory)
    if _decode(text) != inventory:
        raise ValueError("a field of the inventory has another type than it promises")
    return sign(_FORM, text, keys)


def inventory_key_id(raw: bytes) -> bytes:
    """Return the id of the key that says to have signed; SecurityError `suite-refused` or `inventory-malformed`."""
    return take_apart(_FORM, raw).key_id


def parse_inventory(raw: bytes) -> Inventory:
    """Return what an inventory states that was verified when it came; SecurityError as `inventory_key_id`."""
    return _statement(take_apart(_FORM, raw))


def verify_inventory(raw: bytes, signer_of: Callable[[bytes], PublicKeys | None], issuer: UnitCode) -> Inventory:
    """Return what an inventory truly states.

    signer_of: as `signed.verified`. issuer: the unit whose key it is.
    Raises SecurityError `suite-refused`, `inventory-malformed`, `unknown-sender`, `inventory-bad-signature`,
    `inventory-wrong-issuer`.
    """
    inventory = _statement(verified(_FORM, raw, signer_of))
    if inventory.issuer != issuer:
        raise SecurityError("inventory-wrong-issuer", "signed by the key of another unit than it names")
    return inventory


def _statement(signed: Signed) -> Inventory:
    try:
        return _decode(signed.text)
    except ValueError as error:
        raise _FORM.malformed(str(error)) from error


def _encode(inventory: Inventory) -> bytes:
    return canonical.encode(
        {
            "v": VERSION,
            "issuer": inventory.issuer,
            "to": inventory.to,
            "issued_at": inventory.issued_at,
            "epoch": inventory.epoch,
            "life": inventory.life,
            "asks": int(inventory.asks),
            "answers": inventory.answers,
            "heard_epoch": inventory.heard_epoch,
            "heard": list(inventory.heard),
            "sent": [[one.epoch, one.last, _flat(one.open)] for one in inventory.sent],
            "got": [[one.epoch, one.last, _flat(one.lacking)] for one in inventory.got],
            "pending": list(inventory.pending),
        }
    )


def _decode(text: bytes) -> Inventory:
    found = canonical.fields(canonical.decode(text, limit=INVENTORY_MAX, values_limit=_VALUES_MAX), *_NAMES, "pending")
    canonical.integer(found["v"], "v", least=VERSION, most=VERSION)
    inventory = Inventory(
        issuer=unit_code(canonical.text(found["issuer"], "issuer", limit=24)),
        to=unit_code(canonical.text(found["to"], "to", limit=24)),
        issued_at=canonical.integer(found["issued_at"], "issued_at"),
        epoch=canonical.integer(found["epoch"], "epoch"),
        life=_token(found["life"], "life"),
        asks=bool(canonical.integer(found["asks"], "asks", most=1)),
        answers=_token(found["answers"], "answers") if found["answers"] != "" else "",
        heard_epoch=canonical.integer(found["heard_epoch"], "heard_epoch"),
        heard=tuple(_token(one, "life") for one in canonical.items(found["heard"], "heard", limit=LIVES_MAX)),
        sent=tuple(Sent(*one) for one in _streams(found["sent"], "sent")),
        got=tuple(Got(*one) for one in _streams(found["got"], "got")),
        pending=tuple(
            bundle_id(canonical.text(one, "bundle id", limit=32))
            for one in canonical.items(found["pending"], "pending", limit=PENDING_MAX)
        ),
    )
    if sum(len(s.open) for s in inventory.sent) + sum(len(g.lacking) for g in inventory.got) > RANGES_MAX:
        raise NotCanonicalError(f"more than {RANGES_MAX} ranges")
    return inventory


def _streams(value: object, what: str) -> list[tuple[int, int, tuple[Range, ...]]]:
    streams = []
    for one in canonical.items(value, what, limit=STREAMS_MAX):
        parts = canonical.items(one, what, limit=3)
        if len(parts) != 3:
            raise NotCanonicalError(f"{what} must hold epoch, last number and ranges")
        epoch, last = canonical.integer(parts[0], "epoch"), canonical.integer(parts[1], "last")
        streams.append((epoch, last, _ranges(parts[2], last)))
    if len({epoch for epoch, _last, _ranges in streams}) != len(streams):
        raise NotCanonicalError("an epoch is named twice")
    return streams


def _ranges(value: object, last: int) -> tuple[Range, ...]:
    """Return pairs that ascend, lie apart and end at `last` at the latest."""
    flat = [
        canonical.integer(one, "number", least=1, most=last)
        for one in canonical.items(value, "ranges", limit=2 * RANGES_MAX)
    ]
    if len(flat) % 2:
        raise NotCanonicalError("a range has two ends")
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    before = -1
    for first, final in pairs:
        if not before + 1 < first <= final:
            raise NotCanonicalError("ranges must ascend and lie apart")
        before = final
    return tuple(pairs)


def _flat(among: Sequence[Range]) -> list[int]:
    return [number for pair in among for number in pair]


def _token(value: object, what: str) -> str:
    text = canonical.text(value, what, limit=32)
    if not _TOKEN.fullmatch(text):
        raise NotCanonicalError(f"{what} must be 32 lower-case hexadecimal digits")
    return text
