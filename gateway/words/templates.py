"""The shape of an explanation: three English originals of what happened, why, and what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
UNKNOWN = "?"
"""Stands where a fact is missing: a sentence with a gap still helps, an exception in a notice does not."""


@dataclass(frozen=True, slots=True)
class Template:
    """One explanation before translation; each part a whole English sentence or two, with `{fact}` fields."""

    what: str
    why: str
    do: str


Table = Mapping[str, Template]
"""code -> template."""


def mark(text: str) -> str:
    """Return `text` itself; marks a literal for the catalogue where it is translated elsewhere."""
    return text


def fields(text: str) -> frozenset[str]:
    """Return the names of the `{fact}` fields of `text`."""
    return frozenset(_FIELD.findall(text))


def fill(text: str, facts: Mapping[str, object]) -> str:
    """Return `text` with each `{fact}` field replaced; a missing fact shows as `?`, everything else stays as it is.

    Only names are fields: no attribute, index or format is evaluated, so a fact's own text can do nothing.
    """
    return _FIELD.sub(lambda match: str(facts.get(match[1], UNKNOWN)), text)
