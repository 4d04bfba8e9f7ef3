"""Which member paths are safe to write anywhere, and whether a set of them can live together in one folder."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from gateway.domain.errors import SecurityError
from gateway.domain.filenames import DEVICE, meaning_on_windows

COMPONENT_MAX = 255
"""Bytes of UTF-8 in one name: the limit of Linux filesystems."""
PATH_MAX = 2048
"""Bytes of UTF-8 in a whole path: leaves room for the folder below which it is written."""
DEPTH_MAX = 32

_FORBIDDEN = frozenset("\\\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""The other separator, and what turns the direction of the text so that a name looks like another one."""

_NAME = rf"(?!{DEVICE} *(?:[./]|\Z))[ -.0-9;-\[\]-~]{{1,{COMPONENT_MAX}}}(?<![. ])"
_PLAIN = re.compile(rf"{_NAME}(?:/{_NAME}){{0,{DEPTH_MAX - 1}}}")
"""Printable ASCII in which no rule can be broken, but that the whole be too long: most paths, known by one look."""


def check_paths(paths: Iterable[str]) -> None:
    """SecurityError `unsafe-path` if one of `paths` could escape, mislead, or fall together with another one.

    Two paths fall together if they are equal after NFC and case folding, or if one is a folder of the other:
    they could not both be written on every filesystem that case software uses.
    """
    keys: list[tuple[str, int]] = []
    for number, path in enumerate(paths):
        _check_one(path, number)
        # As the lowest character of all, which no checked path holds, the separator sorts a folder's files behind it.
        keys.append((unicodedata.normalize("NFC", path.casefold()).replace("/", "\0"), number))
    keys.sort()
    # Neighbours are enough, and hold no more memory than the paths: a set of all folders would be thirty times that.
    for (one, first), (other, second) in pairwise(keys):
        if other == one or other.startswith(one + "\0"):
            raise SecurityError("unsafe-path", f"members {first} and {second} fall together")


def _check_one(path: str, number: int) -> None:
    if len(path) <= PATH_MAX and _PLAIN.fullmatch(path):
        return
    parts = path.split("/")
    rules = {
        "empty, dot or dot-dot name": not any(part in ("", ".", "..") for part in parts),
        "control or direction character": not any(c in _FORBIDDEN or unicodedata.category(c) == "Cc" for c in path),
        "another meaning on Windows": not any(map(meaning_on_windows, parts)),
        "not NFC": unicodedata.is_normalized("NFC", path),
        "too deep": len(parts) <= DEPTH_MAX,
        "too long": len(path.encode()) <= PATH_MAX and all(len(part.encode()) <= COMPONENT_MAX for part in parts),
    }
    broken = [what for what, holds in rules.items() if not holds]
    if broken:
        # The path itself may name a person, so only its place in the list is told.
        raise SecurityError("unsafe-path", f"member {number}: {', '.join(broken)}")
