"""Frozen dataclasses to canonical JSON and back: strict, bounded, one byte form per value."""

import dataclasses
import json
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from gateway.domain.errors import SecurityError

T = TypeVar("T")

MAX_INTEGER = (1 << 53) - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259, 6)."""


def malformed(detail: str) -> SecurityError:
    """Return the one error for bytes that are no canonical case package; `detail` ends `the case package ...`."""
    return SecurityError("case-package-malformed", f"the case package {detail}")


def dump(value: Any) -> bytes:
    """Return the canonical bytes of a dataclass instance: UTF-8, keys sorted, no spaces, integers only.

    ValueError if a text holds a lone surrogate or an integer is out of range: a packer's bug, never input.
    """
    return _text(_plain(value)).encode("utf-8")


def is_within(raw: bytes, limit: int, values: int) -> bool:
    """Whether `raw` has at most `limit` bytes and roughly `values` values: a short text can ask for much memory."""
    return len(raw) <= limit and raw.count(b",") + raw.count(b"[") + raw.count(b"{") <= values


def load(kind: type[T], raw: bytes, limit: int, values: int) -> T:
    """Return the `kind` whose canonical form is exactly `raw` (as `is_within` bounds it); else SecurityError."""
    if not is_within(raw, limit, values):
        raise malformed(f"is longer than {limit} bytes, or has more than {values} values")
    try:
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse)
        value: T = _build(kind, data)
        # What was built says nothing but `data`: its canonical form is that of `data`, which is quicker to be had.
        again = _text(data).encode("utf-8")
    except (ValueError, TypeError, RecursionError) as e:
        raise malformed(f"cannot be read: {type(e).__name__}") from e
    if again != raw:
        raise malformed("is not in canonical form")
    return value


def _text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= MAX_INTEGER:
            raise ValueError("integer out of range")
        return value
    if dataclasses.is_dataclass(value):
        kind: Any = type(value)
        return {name: _plain(getattr(value, name)) for name in _names(kind)}
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _build(kind: Any, data: Any) -> Any:
    if kind is str or kind is int:
        if type(data) is not kind:
            raise ValueError("value of another type")
        if isinstance(data, int) and not 0 <= data <= MAX_INTEGER:
            raise ValueError("integer out of range")
        return data
    item = _item(kind)
    if item is not None:
        if type(data) is not list:
            raise ValueError("list expected")
        return tuple([_build(item, d) for d in data])
    hints = _hints(kind)
    if type(data) is not dict or data.keys() != hints.keys():
        raise ValueError("other names than those of the format")
    return kind(**{name: _build(hint, data[name]) for name, hint in hints.items()})


# Asked of a handful of dataclasses, some hundred times for each case package.
@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(kind))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in _names(kind)}


@cache
def _item(kind: Any) -> Any:
    """Return of what `kind` is a tuple; None if it is none."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("name given twice")
    return found


def _refuse(_text: str) -> Any:
    raise ValueError("number is no integer")
