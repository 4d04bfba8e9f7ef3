"""Wire names of what travels: made from checked ids only, so that a name can never be a path."""

import hashlib
import re
from enum import StrEnum

from gateway.domain.ids import BundleId, WireName, wire_name


class Kind(StrEnum):
    """What a wire name names; the value is its ending."""

    BUNDLE = ".cfb"
    CONVOY = ".cfc"  # many small bundles in one file
    RECEIPTS = ".cfr"
    INVENTORY = ".cfi"
    STATEMENT = ".cfs"  # what a hub or a recipient says it holds of other units' streams (reconciliation)
    ROSTER = ".cft"  # the signed roster, with all that proves it


_NAME = re.compile(r"([0-9a-f]{32})(\.cf[bcrist])")


def bundle_name(bundle: BundleId) -> WireName:
    """Return the name under which a bundle travels."""
    return wire_name(f"{bundle}{Kind.BUNDLE}")


def receipt_name(receipt_file: bytes) -> WireName:
    """Return the name under which a receipt file travels: by its bytes alone, so that repeating it is harmless."""
    return wire_name(f"{_by_bytes(receipt_file)}{Kind.RECEIPTS}")


def inventory_name(inventory: bytes) -> WireName:
    """Return the name under which a signed inventory travels."""
    return wire_name(f"{inventory_id(inventory)}{Kind.INVENTORY}")


def paper_name(body: bytes, kind: Kind) -> WireName:
    """Return the name under which a small signed paper travels: by its bytes alone, so that repeating is harmless."""
    return wire_name(f"{_by_bytes(body)}{kind}")


def inventory_id(inventory: bytes) -> str:
    """Return the 32 hexadecimal digits by which an answer names a signed inventory."""
    return _by_bytes(inventory)


def parse(name: str) -> tuple[Kind, str] | None:
    """Return what `name` names and its id (of a bundle: the bundle id); None if it is no name of ours."""
    match = _NAME.fullmatch(name)
    return (Kind(match[2]), match[1]) if match else None


def _by_bytes(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]
