"""Writes a zip whose member names are exactly the bytes given, where `zipfile` knows ASCII and UTF-8 only."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from packers import zipformat as z

_VERSION, _VERSION64 = 20, 45
_DOS_TIME, _DOS_DATE = 0, 0x21
"""1980-01-01 00:00: the same import written twice has the same bytes."""
_FILE_ATTRIBUTES = 0o600 << 16
_WIDE = 0xFFFFFFFF
_CHUNK = 256 << 10
_TELLING, _SAMPLE = 64 << 10, 16 << 10
"""Of a member that begins with so many bytes, these many from their middle tell whether deflating it is worth the time:
scans and videos are packed already, but for the texts at their ends."""
_WORTH = 0.95


@dataclass(frozen=True, slots=True)
class _Member:
    name: bytes
    flags: int
    offset: int
    wide: bool
    method: int = z.METHOD_DEFLATED
    crc: int = 0
    packed: int = 0
    size: int = 0

    def header(self) -> bytes:
        both = self.size.to_bytes(8, "little") + self.packed.to_bytes(8, "little")
        extra = b"\x01\x00\x10\x00" + both if self.wide else b""
        head = z.LOCAL.pack(
            b"PK\x03\x04",
            _VERSION64 if self.wide else _VERSION,
            self.flags,
            self.method,
            _DOS_TIME,
            _DOS_DATE,
            self.crc,
            _WIDE if self.wide else self.packed,
            _WIDE if self.wide else self.size,
            len(self.name),
            len(extra),
        )
        return head + self.name + extra

    def record(self) -> bytes:
        wide = [v for v in (self.size, self.packed, self.offset) if v >= _WIDE]
        extra = b"".join(v.to_bytes(8, "little") for v in wide)
        if wide:
            extra = b"\x01\x00" + len(extra).to_bytes(2, "little") + extra
        version = _VERSION64 if self.wide or wide else _VERSION
        head = z.CENTRAL.pack(
            b"PK\x01\x02",
            version,
            version,
            self.flags,
            self.method,
            _DOS_TIME,
            _DOS_DATE,
            self.crc,
            min(self.packed, _WIDE),
            min(self.size, _WIDE),
            len(self.name),
            len(extra),
            0,
            0,
            0,
            _FILE_ATTRIBUTES,
            min(self.offset, _WIDE),
        )
        return head + self.name + extra


@dataclass(slots=True)
class ZipWriter:
    """Writes members one after the other to a new, seekable file; `close` writes the directory."""

    out: BinaryIO
    level: int = 6
    _members: list[_Member] = field(default_factory=list)

    def add(self, name: bytes, open_source: Callable[[], BinaryIO], *, size: int, utf8: bool = False) -> None:
        """Write the member `name` with the `size` bytes of a source, deflated unless it is large and hardly shrinks;
        `utf8` says that the name is UTF-8."""
        # Deflate may grow a source a little; both counts must fit the header that is written beforehand.
        wide = size + (size >> 10) + 1024 >= _WIDE
        offset = self.out.tell()
        crc, length = 0, 0
        with open_source() as source:
            chunk = source.read(_CHUNK)
            packer = _packer(chunk, self.level)
            method = z.METHOD_STORED if packer is None else z.METHOD_DEFLATED
            member = _Member(name, z.FLAG_UTF8 if utf8 else 0, offset, wide, method)
            self.out.write(member.header())
            start = self.out.tell()
            while chunk:
                crc = zlib.crc32(chunk, crc)
                length += len(chunk)
                self.out.write(chunk if packer is None else packer.compress(chunk))
                chunk = source.read(_CHUNK)
        if packer is not None:
            self.out.write(packer.flush())
        end = self.out.tell()
        member = replace(member, crc=crc, packed=end - start, size=length)
        self.out.seek(member.offset)
        self.out.write(member.header())
        self.out.seek(end)
        self._members.append(member)

    def close(self) -> None:
        """Write the directory; the file is complete afterwards and stays open."""
        start, count = self.out.tell(), len(self._members)
        for member in self._members:
            self.out.write(member.record())
        end = self.out.tell()
        if count >= 0xFFFF or start >= _WIDE:
            self.out.write(
                z.END64.pack(b"PK\x06\x06", 44, _VERSION64, _VERSION64, 0, 0, count, count, end - start, start)
            )
            self.out.write(z.LOCATOR64.pack(b"PK\x06\x07", 0, end, 1))
        self.out.write(
            z.END.pack(b"PK\x05\x06", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), end - start, min(start, _WIDE), 0)
        )


def _packer(beginning: bytes, level: int) -> "zlib._Compress | None":
    """Return what deflates a member that begins like this; None for one to store as it is."""
    middle = len(beginning) // 2
    sample = beginning[middle : middle + _SAMPLE]
    if len(beginning) >= _TELLING and len(zlib.compress(sample, 1)) > _WORTH * len(sample):
        return None
    return zlib.compressobj(level, zlib.DEFLATED, -15)
