"""Every text of a case package without the names and numbers that were hidden in one place of it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

from gateway.standard.masks import without_numbers
from gateway.standard.package import CaseNumber, CasePackage, Document, Mark, Origin, Source, Value, Withheld

T = TypeVar("T")

SHORTEST_SECRET: Final = 2
"""Characters of what is looked for elsewhere; a single character of a name stands in every text."""
SHORTEST_CODE: Final = 5
"""Characters of a number or a Latin word that is looked for elsewhere."""
LONG_CODE: Final = 11
"""Characters from which on a number is looked for inside of longer ones too."""

_KEPT: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        CasePackage: frozenset(
            {"flow", "grant", "profile", "batch_no", "related_package", "sender_code", "receiver_code"}
        ),
        CaseNumber: frozenset({"scheme"}),
        Document: frozenset({"kind", "path"}),
        Mark: frozenset({"code", "verdict"}),
        Origin: frozenset({"value", "tag"}),
        Source: frozenset({"format", "sha256", "declared_encoding", "encoding", "name_encoding"}),
        Value: frozenset({"field"}),
        Withheld: frozenset({"kind"}),
    }
)
"""Attributes that hold words of the standard or of ours, never a text of the case."""
_IDENTIFIERS: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {CasePackage: frozenset({"case_no"}), CaseNumber: frozenset({"number"})}
)
"""Attributes whose long numbers are no identity numbers, as long as there is nothing but a case number in them."""
_CASE_NUMBER: Final = re.compile(r"[\w〔〕（）()\[\]【】·/-]*")


def is_telling(text: str) -> bool:
    """Whether `text` is long enough to be looked for in other texts."""
    return len(text) >= (SHORTEST_CODE if text.isascii() else SHORTEST_SECRET)


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in a case package, or in a part of one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from texts_of(one)
    elif is_dataclass(value):
        for one in fields(value):
            yield from texts_of(getattr(value, one.name))


def pattern_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds `words` in a text, the longest first since a name may begin another one; None for none.

    A short number or Latin word counts only where it stands by itself. Words are tried by their first character: a
    batch has thousands of persons, and most characters of a text begin none of their names.
    """
    ordered = sorted(words, key=lambda one: (-len(one), one))
    if not ordered:
        return None
    short = [re.escape(word) for word in ordered if word.isascii() and len(word) < LONG_CODE]
    begun: dict[str, list[str]] = {}
    for word in ordered:
        if not word.isascii() or len(word) >= LONG_CODE:
            begun.setdefault(word[0], []).append(re.escape(word[1:]))
    groups = [f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in begun.items()]
    if short:
        groups.append(f"(?<![0-9A-Za-z])(?:{'|'.join(short)})(?![0-9A-Za-z])")
    return re.compile("|".join(groups))


class Scrub:
    """Walks through every text and hides in it what was hidden elsewhere, and every identity or telephone number."""

    def __init__(self, hidden: Mapping[str, str]) -> None:
        self._hidden = hidden
        self._pattern = pattern_of(hidden)

    def of(self, value: T) -> T:
        """Return `value`, a dataclass, with all its texts clean."""
        kept, identifiers = _KEPT.get(type(value), frozenset()), _IDENTIFIERS.get(type(value), frozenset())
        shown: Any = value
        changed = {
            one.name: self._cleaned(getattr(value, one.name), is_number=one.name in identifiers)
            for one in fields(shown)
            if one.name not in kept
        }
        cleaned: T = replace(shown, **changed)
        return cleaned

    def _cleaned(self, value: Any, *, is_number: bool) -> Any:
        if isinstance(value, str):
            return self._text(value, is_number=is_number)
        if isinstance(value, tuple):
            return tuple(self._cleaned(one, is_number=False) for one in value)
        return self.of(value) if is_dataclass(value) else value

    def _text(self, text: str, *, is_number: bool) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._hidden[found[0]], text)
        return text if is_number and _CASE_NUMBER.fullmatch(text) else without_numbers(text)
