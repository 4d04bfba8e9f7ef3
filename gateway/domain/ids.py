"""The checked names by which everything else is called; an id that exists here is safe in a path, a log and a query."""

import re
from typing import NewType

UnitCode = NewType("UnitCode", str)
"""Official code of one organisation, e.g. GA 380 twelve digits for police, six for a procuratorate."""
BundleId = NewType("BundleId", str)
"""32 lower-case hexadecimal digits (the second, then 12 random bytes), made once at sealing."""
Digest = NewType("Digest", str)
"""64 lower-case hexadecimal digits of a SHA-256 (or SM3) digest."""
LinkName = NewType("LinkName", str)
RouteName = NewType("RouteName", str)
ClaimToken = NewType("ClaimToken", str)
"""32 lower-case hexadecimal digits naming one claimed export."""
TransferId = NewType("TransferId", int)
QuarantineId = NewType("QuarantineId", str)
"""32 lower-case hexadecimal digits; the same for the same subject, link and bytes, so that taking may be repeated."""
WireName = NewType("WireName", str)
"""A file name that every boundary lets through: `[A-Za-z0-9._-]`, not starting with a dot."""

_UNIT = re.compile(r"[0-9A-Z]{4,24}")
_HEX32 = re.compile(r"[0-9a-f]{32}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_WIRE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{what} must match {pattern.pattern}")
    return text


def unit_code(text: str) -> UnitCode:
    """Return `text` as a unit code; ValueError unless 4 to 24 digits or capital letters."""
    return UnitCode(_checked(_UNIT, text, "unit code"))


def bundle_id(text: str) -> BundleId:
    """Return `text` as a bundle id; ValueError unless 32 lower-case hexadecimal digits."""
    return BundleId(_checked(_HEX32, text, "bundle id"))


def claim_token(text: str) -> ClaimToken:
    """Return `text` as a claim token; ValueError unless 32 lower-case hexadecimal digits."""
    return ClaimToken(_checked(_HEX32, text, "claim token"))


def digest(text: str) -> Digest:
    """Return `text` as a digest; ValueError unless 64 lower-case hexadecimal digits."""
    return Digest(_checked(_HEX64, text, "digest"))


def link_name(text: str) -> LinkName:
    """Return `text` as a link name; ValueError unless 1 to 63 of `[a-z0-9-]`."""
    return LinkName(_checked(_LABEL, text, "link name"))


def route_name(text: str) -> RouteName:
    """Return `text` as a route name; ValueError unless 1 to 63 of `[a-z0-9-]`."""
    return RouteName(_checked(_LABEL, text, "route name"))


def wire_name(text: str) -> WireName:
    """Return `text` as a wire name; ValueError unless 1 to 100 of `[A-Za-z0-9._-]`, first one a letter or digit."""
    return WireName(_checked(_WIRE, text, "wire name"))
