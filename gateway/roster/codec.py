"""The roster as canonical JSON: what is signed, bounded and strict, and equal to its own re-encoding."""

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

from gateway.bundle import canonical
from gateway.bundle.canonical import NotCanonicalError
from gateway.bundle.card import KEYS_MAX, NAME_MAX
from gateway.bundle.keys import PublicKeys
from gateway.bundle.suites import Suite, suite_of
from gateway.domain.ids import UnitCode, unit_code
from gateway.domain.records import Priority
from gateway.roster.content import FlowClass, Level, Permission, RosterContent, RosterUnit, UnitKey, UnitName
from gateway.roster.file import CONTENT_MAX

UNITS_MAX = 5000
NAMES_MAX = 32
"""Codes of one unit, in all schemes and times together."""
HUBS_MAX = 8
USER_KEYS_MAX = 8
RULES_MAX = 10_000
WORD_MAX = 63
"""Characters of a role, a flow, a scheme."""
CODE_MAX = 64
SSH_MAX = 200
CLASS_MAX = 0xFFFF
"""The class has two bytes in a bundle's header; 0 discloses nothing and names nothing."""

_VERSION = 1
_VALUES_MAX = 4_000_000
_UNIT = (
    *("unit", "name", "role", "level", "region", "parent", "hubs", "names", "keys", "suites", "ssh_host_key"),
    *("ssh_host_keys_also", "ssh_user_keys", "since", "closed_at", "successor"),
)
_KEY = ("suite", "sign", "encrypt", "not_before", "not_after", "revoked_at", "compromised")

T = TypeVar("T")
MakeKeys = Callable[[Suite, bytes, bytes], PublicKeys]


def encode(content: RosterContent) -> bytes:
    """Return the one JSON form of `content`."""
    return canonical.encode(
        {
            "v": _VERSION,
            "version": content.version,
            "issued_at": content.issued_at,
            "province": content.province,
            "units": [_unit_json(unit) for unit in content.units],
            "permissions": [[one.flow, one.sender, one.receiver] for one in content.permissions],
            "classes": [[one.number, one.flow, int(one.priority)] for one in content.classes],
        }
    )


def decode(raw: bytes, make_keys: MakeKeys = PublicKeys) -> RosterContent:
    """Undo `encode`; ValueError, or SecurityError `key-refused` or `suite-refused`, for anything else.

    make_keys: `PublicKeys.checked_before` for bytes whose keys were checked when they were taken in.
    What the units say of each other is not looked at (gateway/roster/logic.py).
    """
    whole = canonical.fields(
        canonical.decode(raw, limit=CONTENT_MAX, values_limit=_VALUES_MAX),
        *("v", "version", "issued_at", "province", "units", "permissions", "classes"),
    )
    canonical.integer(whole["v"], "v", least=_VERSION, most=_VERSION)
    return RosterContent(
        version=canonical.integer(whole["version"], "version", least=1),
        issued_at=canonical.integer(whole["issued_at"], "issued_at"),
        province=_name(whole["province"], "province"),
        units=tuple(_unit(one, make_keys) for one in canonical.items(whole["units"], "units", limit=UNITS_MAX)),
        permissions=tuple(
            _permission(one) for one in canonical.items(whole["permissions"], "permissions", limit=RULES_MAX)
        ),
        classes=tuple(_class(one) for one in canonical.items(whole["classes"], "classes", limit=RULES_MAX)),
    )


def _unit_json(unit: RosterUnit) -> dict[str, object]:
    return {
        "unit": unit.unit,
        "name": unit.name,
        "role": unit.role,
        "level": unit.level.value,
        "region": unit.region,
        "parent": unit.parent,
        "hubs": list(unit.hubs),
        "names": [[one.scheme, one.code, one.since, one.until] for one in unit.names],
        "keys": [_key_json(one) for one in unit.keys],
        "suites": [int(suite) for suite in unit.suites],
        "ssh_host_key": unit.ssh_host_key,
        "ssh_host_keys_also": list(unit.ssh_host_keys_also),
        "ssh_user_keys": list(unit.ssh_user_keys),
        "since": unit.since,
        "closed_at": unit.closed_at,
        "successor": unit.successor,
    }


def _key_json(key: UnitKey) -> dict[str, object]:
    return {
        "suite": int(key.public.suite),
        # Base64: a third shorter than hexadecimal, and a province's keys are nearly all of the file.
        "sign": base64.b64encode(key.public.sign_public).decode("ascii"),
        "encrypt": base64.b64encode(key.public.encrypt_public).decode("ascii"),
        "not_before": key.not_before,
        "not_after": key.not_after,
        "revoked_at": key.revoked_at,
        "compromised": key.compromised,
    }


def _unit(value: object, make_keys: MakeKeys) -> RosterUnit:
    one = canonical.fields(value, *_UNIT)
    return RosterUnit(
        unit=_code(one["unit"]),
        name=_name(one["name"], "name"),
        role=_word(one["role"], "role"),
        level=Level(_word(one["level"], "level")),
        region=canonical.text(one["region"], "region", limit=6),
        parent=_or_none(one["parent"], _code),
        hubs=tuple(_code(hub) for hub in canonical.items(one["hubs"], "hubs", limit=HUBS_MAX)),
        names=tuple(_unit_name(name) for name in canonical.items(one["names"], "names", limit=NAMES_MAX)),
        keys=tuple(_key(key, make_keys) for key in canonical.items(one["keys"], "keys", limit=KEYS_MAX)),
        suites=tuple(
            suite_of(canonical.integer(suite, "suite", most=255))
            for suite in canonical.items(one["suites"], "suites", limit=8)
        ),
        ssh_host_key=canonical.text(one["ssh_host_key"], "ssh_host_key", limit=SSH_MAX),
        ssh_host_keys_also=_ssh_keys(one["ssh_host_keys_also"], "ssh_host_keys_also"),
        ssh_user_keys=_ssh_keys(one["ssh_user_keys"], "ssh_user_keys"),
        since=canonical.integer(one["since"], "since"),
        closed_at=_or_none(one["closed_at"], _time),
        successor=_or_none(one["successor"], _code),
    )


def _key(value: object, make_keys: MakeKeys) -> UnitKey:
    one = canonical.fields(value, *_KEY)
    compromised = one["compromised"]
    if not isinstance(compromised, bool):
        raise NotCanonicalError("compromised must be true or false")
    return UnitKey(
        make_keys(
            suite_of(canonical.integer(one["suite"], "suite", most=255)),
            _base64(one["sign"], "sign"),
            _base64(one["encrypt"], "encrypt"),
        ),
        canonical.integer(one["not_before"], "not_before"),
        canonical.integer(one["not_after"], "not_after"),
        _or_none(one["revoked_at"], _time),
        compromised,
    )


def _unit_name(value: object) -> UnitName:
    scheme, code, since, until = _row(value, 4)
    return UnitName(
        _word(scheme, "scheme"), canonical.text(code, "code", limit=CODE_MAX), _time(since), _or_none(until, _time)
    )


def _permission(value: object) -> Permission:
    flow, sender, receiver = _row(value, 3)
    return Permission(_word(flow, "flow"), _word(sender, "sender"), _word(receiver, "receiver"))


def _class(value: object) -> FlowClass:
    number, flow, priority = _row(value, 3)
    return FlowClass(
        canonical.integer(number, "class", least=1, most=CLASS_MAX),
        canonical.text(flow, "flow", limit=WORD_MAX),
        Priority(canonical.integer(priority, "priority", most=max(Priority))),
    )


def _row(value: object, length: int) -> list[object]:
    row = canonical.items(value, "row", limit=length)
    if len(row) != length:
        raise NotCanonicalError(f"expected a row of {length}")
    return row


def _ssh_keys(value: object, what: str) -> tuple[str, ...]:
    return tuple(canonical.text(one, what, limit=SSH_MAX) for one in canonical.items(value, what, limit=USER_KEYS_MAX))


def _or_none(value: object, read: Callable[[object], T]) -> T | None:
    return None if value is None else read(value)


def _code(value: object) -> UnitCode:
    return unit_code(canonical.text(value, "unit", limit=24))


def _time(value: object) -> int:
    return canonical.integer(value, "time")


def _word(value: object, what: str) -> str:
    word = canonical.text(value, what, limit=WORD_MAX)
    if not word:
        raise NotCanonicalError(f"{what} is empty")
    return word


def _name(value: object, what: str) -> str:
    name = canonical.text(value, what, limit=NAME_MAX)
    if not name or name != name.strip() or not name.isprintable():
        raise NotCanonicalError(f"{what} must be 1 to {NAME_MAX} printable characters")
    return name


def _base64(value: object, what: str) -> bytes:
    written = canonical.text(value, what, limit=6000)
    try:
        raw = base64.b64decode(written, validate=True)
    except (ValueError, binascii.Error):
        raise NotCanonicalError(f"{what} is not base64") from None
    if base64.b64encode(raw).decode("ascii") != written:
        raise NotCanonicalError(f"{what} is not base64 in its one form")
    return raw
