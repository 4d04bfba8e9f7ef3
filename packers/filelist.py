"""The list of a court's export, filelist.md5: MD5 and path of every file, as md5sum writes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MAX_LIST_BYTES = 16 << 20
"""A hundred thousand files with paths of 150 bytes."""
_LINE = re.compile(r"(?P<md5>[0-9A-Fa-f]{32}) [ *](?P<path>.+)")


@dataclass(frozen=True, slots=True)
class FileList:
    """path as written -> MD5 in lower case. is_sound: whether every line could be read."""

    digests: Mapping[str, str]
    is_sound: bool


def read_list(raw: bytes) -> FileList:
    """Return what the list `raw` (at most MAX_LIST_BYTES are looked at) says; names are UTF-8, else GB18030."""
    text = _text(raw[:MAX_LIST_BYTES])
    found: dict[str, str] = {}
    is_sound = len(raw) <= MAX_LIST_BYTES
    for line in text.removeprefix("\ufeff").split("\n"):
        match = _LINE.fullmatch(line.removesuffix("\r"))
        path = match["path"].removeprefix("./") if match is not None else ""
        if match is not None and path not in found:
            found[path] = match["md5"].lower()
        elif line.strip():
            is_sound = False
    return FileList(MappingProxyType(found), is_sound)


def list_bytes(digests: Mapping[str, str]) -> bytes:
    """Return the list of `digests` in their order, exactly as md5sum writes it."""
    return "".join(f"{md5}  {path}\n" for path, md5 in digests.items()).encode()


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")
