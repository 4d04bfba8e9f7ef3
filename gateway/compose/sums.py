"""A list of files with their digests, one to a line, as `sha256sum --check` reads it; no list is held whole."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from gateway.folders import disk

FILE = "SHA256SUMS"
LINE_MAX = 16 << 10
"""Bytes of a line: a digest, and the longest path that Linux takes with every byte escaped."""

_LINE = re.compile(rb"(\\?)([0-9a-f]{64})  ([^\n]+)\n")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class Sums:
    """The list of the folder `folder` while it is written; a context, which it is whole after. Raises as `disk.failure`
    says.

    count: files in it. size: their bytes. digest: of the list as it stands, as hex digits.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = hashlib.sha256()
        self.count = self.size = 0

    def __enter__(self) -> Self:
        with disk.mapped(self._folder):
            self._out = (self._folder / FILE).open("xb")
        return self

    def __exit__(self, *_error: object) -> None:
        with disk.mapped(self._folder):
            self._out.close()

    def add(self, name: str) -> None:
        """Take the file `name` of the folder into the list, as it is now."""
        digest, size = digest_of(self._folder / name)
        raw = os.fsencode(name)
        kept = raw.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b"\r", rb"\r")
        line = (b"" if kept == raw else b"\\") + digest.encode("ascii") + b"  " + kept + b"\n"
        self._running.update(line)
        with disk.mapped(self._folder):
            self._out.write(line)
        self.count += 1
        self.size += size

    @property
    def digest(self) -> str:
        """The digest of the list so far."""
        return self._running.hexdigest()


def digest_of(path: Path) -> tuple[str, int]:
    """Return the SHA-256 of a file, as hex digits, and its bytes. Raises as `disk.failure` says."""
    with disk.mapped_at(path), path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest(), source.tell()


def listed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name below `folder` and digest of each file in its list; ValueError for what no list of ours says, for a
    name that leads out of the folder above all. OSError."""
    with (folder / FILE).open("rb") as source:
        while line := source.readline(LINE_MAX):
            yield _read(line)


def _read(line: bytes) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("no line of a list")
    escaped, digest, raw = found.groups()
    name = os.fsdecode(_ESCAPED.sub(_meant, raw) if escaped else raw)
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise ValueError("a name leads out of the folder")
    return name, digest.decode("ascii")


def _meant(found: re.Match[bytes]) -> bytes:
    return {b"n": b"\n", b"r": b"\r"}.get(found[1], found[1])
