"""Names of members: which bytes mean which text, which paths are safe, which files are mere leftovers."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from itertools import pairwise

from gateway.domain.filenames import meaning_on_windows

UTF8, GB18030, ASCII = "utf-8", "gb18030", "ascii"

MAX_NAME_BYTES = 4096
"""PATH_MAX of Linux: no file system that case software runs on can have made a longer name."""
MAX_DEPTH = 30
"""Names in a path; dossiers have four. Bundles allow 32, two are left for the folders it travels in."""
MAX_COMPONENT_BYTES = 255
"""NAME_MAX of every common file system, in UTF-8 bytes."""
MAX_PATH_BYTES = 1900
"""Bytes of UTF-8 in a whole path; bundles allow 2048, the rest is for the folders it travels in."""
LONG_FOLDER = "~long"
"""Where a member goes whose whole path is too long."""
SHORT_STEM_BYTES = 180
"""What is left of a name that is too long: still readable, with room for a mark and a temp suffix."""

_THREE_BYTES = "\u0800"
"""From here on UTF-8 takes three bytes: all of Chinese, and a pattern that GBK text does not meet by chance."""
_DRIVE = re.compile(r"[A-Za-z]:")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
"""What turns the direction of text, so that `gpj.exe` can look like `exe.jpg`."""
_LEFTOVERS = re.compile(
    "|".join(
        translate(pattern)
        for pattern in ("~$*", ".~lock*", "~wrl*.tmp", "thumbs.db", "ehthumbs.db", ".ds_store", "desktop.ini", "._*")
    )
)
"""Asked for every entry of a folder at each scan."""
_LEFTOVER_FOLDERS = frozenset({"__macosx"})


def decode_name(raw: bytes, *, flagged_utf8: bool = False, prefers_gb: bool = True) -> tuple[str, str] | None:
    """Return the text of a name's bytes and its encoding, or None if no encoding fits.

    A name that is marked as UTF-8 must be. Any other is tried as UTF-8 first, because GB18030 accepts nearly
    everything and UTF-8 nearly nothing that was not meant as UTF-8. The exception are short names of two-byte
    sequences only: the GBK bytes of 目录 are the UTF-8 bytes of U+013F U+00BC. These are GB18030 where
    `prefers_gb` says that the source writes it.
    """
    if raw.isascii():
        return raw.decode("ascii"), ASCII
    utf8, gb18030 = _decoded(raw, UTF8), None if flagged_utf8 else _decoded(raw, GB18030)
    if utf8 is not None and (gb18030 is None or not prefers_gb or any(c >= _THREE_BYTES for c in utf8)):
        return utf8, UTF8
    return None if gb18030 is None else (gb18030, GB18030)


def is_certainly_gb(raw: bytes) -> bool:
    """Whether a name's bytes are GB18030 and cannot be anything else we know."""
    return _decoded(raw, UTF8) is None and _decoded(raw, GB18030) is not None


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def unsafe_reason(name: str) -> str:
    """Return why `name` (with `/` as separator) may not become a path, or an empty string.

    One of `absolute`, `drive`, `parent`, `control`, `direction`, `stream`, `separator`, `reserved`,
    `trailing`, `deep`, `empty`.
    """
    if name.startswith("/"):
        return "absolute"
    if _DRIVE.match(name):
        return "drive"
    parts = [p for p in name.split("/") if p not in {"", "."}]
    if not parts:
        return "empty"
    if len(parts) > MAX_DEPTH:
        return "deep"
    return next(filter(None, map(_unsafe_part, parts)), "")


def _unsafe_part(part: str) -> str:
    if part == "..":
        return "parent"
    # What is printable has neither control characters nor halves of surrogate pairs; most names are.
    if not part.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} for c in part):
        return "control"
    if not _DIRECTION.isdisjoint(part):
        return "direction"
    return "separator" if "\\" in part else meaning_on_windows(part)


def clean_path(name: str) -> str:
    """Return a safe name as a relative POSIX path in NFC, without empty and `.` parts."""
    return unicodedata.normalize("NFC", "/".join([p for p in name.split("/") if p not in {"", "."}]))


def is_name_of(raw: bytes, path: str) -> bool:
    """Whether the bytes of a name, as some sender says that its export had them, mean just the member at `path`.

    Else they could lead out of the folder into which case software unpacks them, or to another member.
    """
    for flagged_utf8 in (False, True):
        decoded = decode_name(raw, flagged_utf8=flagged_utf8)
        name = decoded[0].replace("\\", "/") if decoded is not None else ""
        if not unsafe_reason(name) and fitting_path(clean_path(name)) == path:
            return True
    return False


def folded(path: str) -> str:
    """Return what two paths have in common that a case-insensitive or normalising file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def clashes(paths: Sequence[str]) -> dict[int, int]:
    """Return position -> position of another for those of the clean `paths` that could not be written beside it.

    They are the same when `folded`, or the first is a file where the other needs a folder. Holds no more memory than
    the paths.
    """
    # As the lowest character of all, which no clean path holds, the separator sorts a folder's files behind its name.
    keys = sorted((folded(path).replace("/", "\0"), at) for at, path in enumerate(paths))
    found: dict[int, int] = {}
    for (one, first), (other, second) in pairwise(keys):
        if other == one:
            found[second] = first
        elif other.startswith(one + "\0"):
            found[first] = second
    return dict(sorted(found.items()))


def is_leftover(path: str) -> bool:
    """Whether `path` is a leftover of an editor or system (catalogue D4) and no part of the case."""
    *folders, name = path.casefold().split("/")
    return not _LEFTOVER_FOLDERS.isdisjoint(folders) or _LEFTOVERS.match(name) is not None


def fitting_path(path: str) -> str:
    """Return `path` with every part that no file system can hold replaced by a short, unique, stable one."""
    if path.isascii() and len(path) <= MAX_COMPONENT_BYTES:
        return path  # a byte each, and no part is longer than the whole
    fitting = "/".join(_fitting_part(p) for p in path.split("/"))
    if len(fitting.encode()) <= MAX_PATH_BYTES:
        return fitting
    return f"{LONG_FOLDER}/{_shortened(fitting.rpartition('/')[2], path)}"


def _fitting_part(part: str) -> str:
    return part if len(part.encode()) <= MAX_COMPONENT_BYTES else _shortened(part, part)


def _shortened(part: str, meaning: str) -> str:
    """Return a short form of `part` that is different for every `meaning`."""
    mark = hashlib.sha256(meaning.encode()).hexdigest()[:8]
    stem, dot, suffix = part.rpartition(".")
    if not dot or len(suffix.encode()) > 8:
        stem, suffix = part, ""
    short = stem.encode()[:SHORT_STEM_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return f"{short}~{mark}.{suffix}" if suffix else f"{short}~{mark}"


@dataclass(frozen=True, slots=True)
class MemberPaths:
    """From a path as an export writes it to the path under which the member that it means travels."""

    by_name: Mapping[str, str]
    """Folded name in the export -> path of the member."""

    @classmethod
    def of(cls, names: Iterable[tuple[str, str]]) -> "MemberPaths":
        """Return those of pairs of a member's name in the export and its path."""
        return cls({folded(clean_path(name.replace("\\", "/"))): path for name, path in names})

    def __call__(self, written: str) -> str:
        cleaned = clean_path(written.replace("\\", "/"))
        return self.by_name.get(folded(cleaned), cleaned)
