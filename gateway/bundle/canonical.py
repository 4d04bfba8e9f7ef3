"""The one JSON form that is signed: strict, bounded, and equal to its own re-encoding (docs/bundle-format.md)."""

import json
from collections.abc import Mapping
from typing import Final, NoReturn

INTEGER_MAX = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8785, RFC 7493)."""


class NotCanonicalError(ValueError):
    """The bytes are not canonical JSON of the expected shape; whoever parses maps this to a code of its own."""


def encode(value: object) -> bytes:
    """Return `value` (dicts with text keys, lists, text, integers, booleans) as canonical JSON in UTF-8.

    Raises NotCanonicalError for text with lone surrogates, which has no UTF-8 form.
    """
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise NotCanonicalError("text that is not valid Unicode") from error


def decode(raw: bytes, *, limit: int, values_limit: int) -> object:
    """Parse canonical JSON of at most `limit` bytes and roughly `values_limit` values.

    The number of values is bounded before parsing, because a short text can ask for much memory.
    Raises NotCanonicalError unless encoding the result gives `raw` again, which also rules out duplicate keys,
    whitespace, a byte-order mark, other escapes and anything after the value.
    """
    check_bounds(raw, limit=limit, values_limit=values_limit)
    try:
        value: object = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise NotCanonicalError("not JSON with integers only") from error
    if encode(value) != raw:
        raise NotCanonicalError("does not re-encode to itself")
    return value


def check_bounds(raw: bytes, *, limit: int, values_limit: int) -> None:
    """NotCanonicalError if `raw` is longer than `limit` bytes or holds more than roughly `values_limit` values."""
    if len(raw) > limit:
        raise NotCanonicalError(f"longer than {limit} bytes")
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > values_limit:
        raise NotCanonicalError(f"more than {values_limit} values")


def _refuse_number(text: str) -> NoReturn:
    raise NotCanonicalError("a number that is not an integer")


# Made once: to set one of them up takes as long as a short text does.
_DECODER: Final = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def fields(value: object, *names: str) -> Mapping[str, object]:
    """Return `value` as a mapping that has exactly the keys `names`; NotCanonicalError otherwise."""
    if not isinstance(value, dict) or value.keys() != set(names):
        raise NotCanonicalError(f"expected an object with {', '.join(sorted(names))}")
    return value


def text(value: object, what: str, *, limit: int) -> str:
    """Return `value` if it is text of at most `limit` characters; `what` names it in the error."""
    if not isinstance(value, str) or len(value) > limit:
        raise NotCanonicalError(f"{what} must be text of at most {limit} characters")
    return value


def integer(value: object, what: str, *, least: int = 0, most: int = INTEGER_MAX) -> int:
    """Return `value` if it is an integer (no boolean) from `least` to `most`; `what` names it in the error."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise NotCanonicalError(f"{what} must be an integer from {least} to {most}")
    return value


def items(value: object, what: str, *, limit: int) -> list[object]:
    """Return `value` if it is a list of at most `limit` items; `what` names it in the error."""
    if not isinstance(value, list) or len(value) > limit:
        raise NotCanonicalError(f"{what} must be a list of at most {limit} items")
    return value


def hexadecimal(value: object, what: str, *, most: int, least: int = 0) -> bytes:
    """Return the bytes that `value` spells in lower-case hexadecimal, `least` to `most` of them."""
    if isinstance(value, str) and 2 * least <= len(value) <= 2 * most:
        try:
            found = bytes.fromhex(value)
        except ValueError:
            found = b""
        # It reads capitals and spaces too; what it has read is then spelled otherwise.
        if found.hex() == value:
            return found
    raise NotCanonicalError(f"{what} must be {least} to {most} bytes in lower-case hexadecimal")
