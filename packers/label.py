"""What an export folder says of itself in `_CASE.json`, where no agency's own format says it."""

import json
import re
from dataclasses import dataclass

LABEL = "_CASE.json"
"""Written last, by a rename: it is the completion mark as well."""
LABEL_MAX = 64 << 10
"""Bytes; a handful of short values."""
_VALUE_MAX = 200
"""Characters of one value."""
_FLOW = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAMES = frozenset({"flow", "receiver", "sender", "case_no", "case_name", "grant"})


@dataclass(frozen=True, slots=True)
class Label:
    """The values of a label; empty where it says nothing. `flow` is a slug of the flow catalogue, `receiver` and
    `sender` are unit codes of any scheme."""

    flow: str = ""
    receiver: str = ""
    sender: str = ""
    case_no: str = ""
    case_name: str = ""
    grant: str = ""
    """The grant of the sharing catalogue under which it is sent."""


def read_label(raw: bytes) -> Label | None:
    """Return what `raw` says; None unless it is one JSON object in UTF-8 of known names, each once, and short texts."""
    if len(raw) > LABEL_MAX:
        return None
    try:
        found = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found.keys() <= _NAMES:
        return None
    if not all(isinstance(value, str) and _is_plain(value) for value in found.values()):
        return None
    label = Label(**found)
    return label if not label.flow or _FLOW.fullmatch(label.flow) else None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice")
    return values


def _is_plain(value: str) -> bool:
    return len(value) <= _VALUE_MAX and value.isprintable()
