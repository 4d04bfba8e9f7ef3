"""Frozen dataclasses to canonical JSON and back: strict, bounded, one byte form per value."""

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from gateway.domain.errors import SecurityError

T = TypeVar("T")

MAX_INTEGER = (1 << 53) - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259, 6)."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


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
    wanted: Any = kind
    try:
        data = _DECODER.decode(raw.decode("utf-8"))
        value: T = _builder(wanted)(data)
        # What was built says nothing but `data`: its canonical form is that of `data`, which is quicker to be had. A
        # name that is given twice is in there once.
        again = _text(data).encode("utf-8")
    except (ValueError, TypeError, RecursionError) as e:
        raise malformed(f"cannot be read: {type(e).__name__}") from e
    if again != raw:
        raise malformed("is not in canonical form")
    return value


def _text(data: Any) -> str:
    return _ENCODER.encode(data)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= MAX_INTEGER:
            raise ValueError("integer out of range")
        return value
    kind: Any = type(value)
    plain = {}
    for name in _names(kind):
        one = getattr(value, name)
        plain[name] = one if type(one) is str else _plain(one)  # most are texts
    return plain


# Asked of a handful of dataclasses, some hundred times for each case package.
@cache
def _names(kind: Any) -> tuple[str, ...]:
    """Return the fields of a dataclass in their order; TypeError for anything else, which has no canonical form."""
    return tuple(one.name for one in dataclasses.fields(kind))


@cache
def _builder(kind: Any) -> Callable[[Any], Any]:
    """Return what makes a `kind` of parsed JSON; it raises ValueError for what is none."""
    if kind is str:
        return _same_text
    if kind is int:
        return _same_integer
    if get_origin(kind) is tuple:
        of_item = _builder(get_args(kind)[0])

        def listed(data: Any) -> Any:
            if type(data) is not list:
                raise ValueError("list expected")
            return tuple([of_item(one) for one in data])

        return listed
    hints = get_type_hints(kind)
    of_names = {name: _builder(hints[name]) for name in _names(kind)}

    def built(data: Any) -> Any:
        if type(data) is not dict or data.keys() != of_names.keys():
            raise ValueError("other names than those of the format")
        return kind(**{name: build(data[name]) for name, build in of_names.items()})

    return built


def _same_text(data: Any) -> Any:
    if type(data) is not str:
        raise ValueError("value of another type")
    return data


def _same_integer(data: Any) -> Any:
    if type(data) is not int:
        raise ValueError("value of another type")
    if not 0 <= data <= MAX_INTEGER:
        raise ValueError("integer out of range")
    return data


def _refuse(_text: str) -> Any:
    raise ValueError("number is no integer")


# Made once: to set it up takes as long as a short text does.
_DECODER: Final = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)
