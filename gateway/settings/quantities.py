"""Durations and sizes as people write them: "90s", "1h 30m", "5 GiB"."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_SECONDS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_BYTES = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1))
_LEXEME = re.compile(r"\s*([0-9]{1,9})\s*(ms|[smhd])", re.ASCII)
_DURATION_PATTERN = r"^\s*([0-9]{1,9}\s*(ms|[smhd])\s*)+$"
_SIZE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,3})?)\s*(B|KiB|MiB|GiB|TiB)\s*", re.ASCII)
_SIZE_PATTERN = r"^\s*[0-9]{1,15}(\.[0-9]{1,3})?\s*(B|KiB|MiB|GiB|TiB)\s*$"
_TEXT_MAX = 40
"""A longer text is no duration or size; bounds the work of the patterns."""


def parse_duration(text: str) -> float:
    """Return the seconds that `text` states ("250ms", "10m", "1h 30m"); ValueError unless it is such a text."""
    total, position = Decimal(0), 0
    units = dict(_SECONDS)
    stripped = text.rstrip()
    if not stripped or len(text) > _TEXT_MAX:
        raise ValueError("not a duration")
    while position < len(stripped):
        found = _LEXEME.match(stripped, position)
        if not found:
            raise ValueError("not a duration")
        number, unit = Decimal(found[1]), found[2]
        total += number / 1000 if unit == "ms" else number * units[unit]
        position = found.end()
    return float(total)


def show_duration(seconds: float) -> str:
    """Return `seconds` (to the millisecond) in the form that `parse_duration` reads, largest units first."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _SECONDS:
        count, rest = divmod(rest, size * 1000)
        if count:
            parts.append(f"{count}{unit}")
    if rest:
        parts.append(f"{rest}ms")
    return " ".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Return the bytes that `text` states ("5 GiB", "1.5 MiB"); ValueError unless it is such a text of whole bytes."""
    found = _SIZE.fullmatch(text) if len(text) <= _TEXT_MAX else None
    if not found:
        raise ValueError("not a size")
    size = Decimal(found[1]) * dict(_BYTES)[found[2]]
    if size != size.to_integral_value():
        raise ValueError("not a whole number of bytes")
    return int(size)


def show_size(size: int) -> str:
    """Return `size` in bytes in the form that `parse_size` reads, in the largest unit that divides it."""
    for unit, factor in _BYTES:
        if size and size % factor == 0:
            return f"{size // factor} {unit}"
    return "0 B"


def _first_within(parse: Callable[[str], float], texts: Sequence[str], least: str, most: str) -> str:
    for text in texts:
        try:
            if parse(least) <= parse(text) <= parse(most):
                return text
        except ValueError:
            continue
    return least


@dataclass(frozen=True, slots=True)
class Duration:
    """Marks a field as a duration in seconds, written as text, within two bounds (inclusive)."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_before_validator_function(self._parse, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": _DURATION_PATTERN, "examples": [self.least, self.most]}

    def show(self, value: object) -> str:
        """Return the default `value` as it would be written in the file."""
        return show_duration(float(str(value)))

    def example(self, value: object) -> str:
        """Return what the refused `value` probably meant, else any duration that is allowed."""
        number = str(value).strip()
        guess = f"{number}s" if number.isdecimal() and number.isascii() else ""
        return _first_within(parse_duration, (guess, "30s", "10m", "1h", "1d", self.least), self.least, self.most)

    def _parse(self, value: object, info: ValidationInfo) -> float:
        if isinstance(value, float) and info.context is None:
            return value  # built in code, not read from a file: seconds
        try:
            seconds = parse_duration(value if isinstance(value, str) else "")
        except ValueError:
            raise PydanticCustomError("duration-malformed", "is not a duration") from None
        if not parse_duration(self.least) <= seconds <= parse_duration(self.most):
            raise PydanticCustomError("out-of-range", "out of range", {"least": self.least, "most": self.most})
        return seconds


@dataclass(frozen=True, slots=True)
class Size:
    """Marks a field as a number of bytes, written as text, within two bounds (inclusive)."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_before_validator_function(self._parse, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": _SIZE_PATTERN, "examples": [self.least, self.most]}

    def show(self, value: object) -> str:
        """Return the default `value` as it would be written in the file."""
        return show_size(int(str(value)))

    def example(self, value: object) -> str:
        """Return what the refused `value` probably meant, else any size that is allowed."""
        number = str(value).strip()
        found = re.fullmatch(r"([0-9]{1,15}) ?([kKMGT])[iI]?[bB]?", number)
        guess = f"{found[1]} {found[2].upper()}iB" if found else f"{number} B"
        return _first_within(parse_size, (guess, "64 KiB", "20 MiB", "5 GiB", self.least), self.least, self.most)

    def _parse(self, value: object, info: ValidationInfo) -> int:
        if isinstance(value, int) and info.context is None:
            return value  # built in code, not read from a file: bytes
        try:
            size = parse_size(value if isinstance(value, str) else "")
        except ValueError:
            raise PydanticCustomError("size-malformed", "is not a size") from None
        if not parse_size(self.least) <= size <= parse_size(self.most):
            raise PydanticCustomError("out-of-range", "out of range", {"least": self.least, "most": self.most})
        return size
