"""The completion mark of the police export: `<name>.zip.ok`, GBK text with MD5 and SIZE, lines ended by CR LF."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

MAX_MARK_BYTES = 4096
"""Two short lines; anything longer is no mark."""
_CHUNK = 1 << 20
_MD5 = re.compile(r"[0-9A-F]{32}")
_SIZE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Digests:
    """A file's size in bytes and its digests in hexadecimal."""

    size: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What a completion mark promises; an empty `md5` or a `size` of -1 where it says nothing readable."""

    md5: str
    size: int

    def fits(self, actual: Digests) -> bool:
        return self.md5 == actual.md5.upper() and self.size == actual.size


def digest_file(path: Path) -> Digests:
    """Return size and digests of a file in one pass; OSError if it cannot be read."""
    # MD5 only because the source system's mark is in MD5; it proves no more than an honest copy.
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
            size += len(chunk)
    return Digests(size, md5.hexdigest(), sha256.hexdigest())


def read_mark(raw: bytes) -> Mark:
    """Return what the mark `raw` (at most MAX_MARK_BYTES are looked at) says."""
    values: dict[str, str] = {}
    for line in raw[:MAX_MARK_BYTES].decode("gb18030", "replace").splitlines():
        name, _, value = line.partition("=")
        values.setdefault(name.strip().upper(), value.strip().upper())
    md5, size = values.get("MD5", ""), values.get("SIZE", "")
    return Mark(md5 if _MD5.fullmatch(md5) else "", int(size) if size.isascii() and _SIZE.fullmatch(size) else -1)


def mark_bytes(actual: Digests) -> bytes:
    """Return the mark for a file, exactly as the police system writes it."""
    return f"MD5={actual.md5.upper()}\r\nSIZE={actual.size}\r\n".encode("gbk")
