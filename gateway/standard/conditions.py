"""The conditions of the flow catalogue: `coercive-measure == detained`, `step in [a, b]`, `person.juvenile`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.standard.numerals import read_digits

CONDITION_MAX: Final = 200
"""Characters of a condition; the longest of the catalogue has 50."""

_AND = re.compile(r"\s+and\s+")
_SUBJECT: Final = r"(?:(?:person|case|org)\.)?(?P<name>[a-z][a-z0-9-]*)"
_FLAG = re.compile(_SUBJECT)
_EQUAL = re.compile(_SUBJECT + r"\s*(?P<sign>==|!=)\s*(?P<value>[a-z0-9-]+)")
_AMONG = re.compile(_SUBJECT + r"\s+in\s+\[(?P<values>[a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)\]")
_RANGE = re.compile(_SUBJECT + r"\s+in\s+\[(?P<least>\d{1,3})\s*,\s*(?P<below>\d{1,3})\)")

Ask = Callable[[str], str]
"""Returns the value of a name (a field's slug, or a fact such as `juvenile`, `seized-property`, `peer-level`, `step`),
empty where nobody says."""

_NO: Final = frozenset({"", "0", "false", "no", "否"})


@dataclass(frozen=True, slots=True)
class _Term:
    name: str
    test: Callable[[str], bool]
    is_flag: bool = False
    values: tuple[str, ...] = ()
    """Codes that it compares with."""


def parse(condition: str) -> tuple[_Term, ...]:
    """Return the terms of `condition`, all of which must hold; ValueError if it is not in the language."""
    if len(condition) > CONDITION_MAX:
        raise ValueError("the condition is too long")
    return tuple(_term(one) for one in _AND.split(condition.strip())) if condition.strip() else ()


def names(condition: str) -> frozenset[str]:
    """Return the names that `condition` asks for; ValueError if it is not in the language."""
    return frozenset(term.name for term in parse(condition))


def holds(condition: str, ask: Ask) -> bool | None:
    """Return whether `condition` holds; None where a value that decides it is not stated. The empty one always holds.

    A flag that nobody states does not hold: nobody said that it is so.
    """
    unknown = False
    for term in parse(condition):
        value = ask(term.name)
        if not value and not term.is_flag:
            unknown = True
        elif not term.test(value):
            return False
    return None if unknown else True


def _whole(text: str) -> int:
    found = read_digits(text)
    return -1 if found is None else found


def _term(text: str) -> _Term:
    if match := _EQUAL.fullmatch(text):
        value, is_equal = match["value"], match["sign"] == "=="
        if value in {"true", "false"}:
            wanted = (value == "true") is is_equal
            return _Term(match["name"], lambda found: (found.casefold() not in _NO) is wanted, is_flag=False)
        return _Term(match["name"], lambda found: (found == value) is is_equal, values=(value,))
    if match := _AMONG.fullmatch(text):
        among = tuple(one.strip() for one in match["values"].split(","))
        return _Term(match["name"], lambda found: found in among, values=among)
    if match := _RANGE.fullmatch(text):
        least, below = int(match["least"]), int(match["below"])
        return _Term(match["name"], lambda found: least <= _whole(found) < below)
    if match := _FLAG.fullmatch(text):
        return _Term(match["name"], lambda found: found.casefold() not in _NO, is_flag=True)
    raise ValueError(f"{text!r} is no condition")
