"""The ZIP format as bytes: the central directory read strictly and members inflated with a count, nothing trusted."""

import io
import os
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

METHOD_STORED, METHOD_DEFLATED = 0, 8
FLAG_ENCRYPTED, FLAG_STRONG, FLAG_UTF8, FLAG_MASKED = 0x1, 0x40, 0x800, 0x2000

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR64 = struct.Struct("<4sLQL")

MAX_DIRECTORY_BYTES = 64 << 20
"""100,000 members with names of 600 bytes; the directory is the one part that is held in memory."""
_CHUNK = 256 << 10
_MAX_COMMENT = 0xFFFF


class DamageError(OSError):
    """The bytes are no sound zip. `code` is a code of the defects catalogue, `what` one of a few English words."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(f"{code}: {what}")
        self.code = code
        self.what = what


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the central directory. Sizes and offsets in bytes; `name` as the bytes stand there."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    attributes: int
    modified: str
    """ISO 8601 local time; empty where the field holds no date."""
    end: int
    """First byte after the packed data, by the shortest local header there can be."""

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED))


def read_directory(fd: int, size: int, max_members: int) -> list[Record]:
    """Return the records of the zip that the file `fd` of `size` bytes is.

    Raises DamageError: ZIP-NOT-ZIP (other magic), ZIP-TRUNCATED (no directory), ZIP-MALFORMED (contradicts itself),
    ZIP-LIMIT (more than `max_members`, or a directory beyond MAX_DIRECTORY_BYTES); OSError if the disk fails.
    """
    magic = os.pread(fd, 8, 0)
    if magic[:4] not in {b"PK\x03\x04", b"PK\x05\x06"}:
        raise DamageError("ZIP-NOT-ZIP", kind_of(magic))
    count, length, start, limit = _find_directory(fd, size)
    if start + length != limit:
        raise DamageError("ZIP-MALFORMED", "directory-offset")
    if count > max_members or length > MAX_DIRECTORY_BYTES:
        raise DamageError("ZIP-LIMIT", "members")
    return _parse_directory(_pread(fd, length, start), count, start)


def kind_of(magic: bytes) -> str:
    """Return the common name of the file format that starts with `magic`, `unknown` if it is none we know."""
    known = {
        b"Rar!": "RAR",
        b"7z\xbc\xaf": "7z",
        b"\x1f\x8b": "gzip",
        b"%PDF": "PDF",
        b"\xd0\xcf\x11\xe0": "DOC",
        b"\xff\xd8\xff": "JPEG",
        b"MZ": "EXE",
        b"PK\x07\x08": "split ZIP",
    }
    return next((kind for start, kind in known.items() if magic.startswith(start)), "unknown")


def _find_directory(fd: int, size: int) -> tuple[int, int, int, int]:
    """Return count of records, length and start of the directory, and where it has to end."""
    span = min(size, END.size + _MAX_COMMENT)
    tail = _pread(fd, span, size - span)
    at = _find_end(tail)
    position = size - span + at
    if position >= LOCATOR64.size:
        sig, disk64, end64, disks = LOCATOR64.unpack(_pread(fd, LOCATOR64.size, position - LOCATOR64.size))
        if sig == b"PK\x06\x07":
            if disk64 or disks > 1 or end64 + END64.size + LOCATOR64.size != position:
                raise DamageError("ZIP-MALFORMED", "zip64-locator")
            fields = END64.unpack(_pread(fd, END64.size, end64))
            if fields[0] != b"PK\x06\x06" or fields[4] or fields[5] or fields[6] != fields[7]:
                raise DamageError("ZIP-MALFORMED", "zip64-end")
            return fields[7], fields[8], fields[9], end64
    _sig, disk, first, here, count, length, start, _comment = END.unpack_from(tail, at)
    if disk or first or here != count:
        raise DamageError("ZIP-MALFORMED", "several-disks")
    return count, length, start, position


def _find_end(tail: bytes) -> int:
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        # Only a record whose comment reaches exactly to the end of the file is the end record.
        if at + END.size <= len(tail) and at + END.size + END.unpack_from(tail, at)[7] == len(tail):
            return at
        at = tail.rfind(b"PK\x05\x06", 0, at)
    raise DamageError("ZIP-TRUNCATED", "no-directory")


def _parse_directory(data: bytes, count: int, limit: int) -> list[Record]:
    records: list[Record] = []
    at = 0
    for _ in range(count):
        if at + CENTRAL.size > len(data):
            raise DamageError("ZIP-MALFORMED", "directory-short")
        fields = CENTRAL.unpack_from(data, at)
        names, extras, comments = fields[10:13]
        end = at + CENTRAL.size + names + extras + comments
        if fields[0] != b"PK\x01\x02" or end > len(data) or fields[13]:
            raise DamageError("ZIP-MALFORMED", "directory-record")
        at += CENTRAL.size
        record = _record(fields, data[at : at + names], data[at + names : at + names + extras])
        if record.end > limit:
            raise DamageError("ZIP-MALFORMED", "member-outside")
        records.append(record)
        at = end
    if at != len(data):
        raise DamageError("ZIP-MALFORMED", "directory-long")
    return records


def _record(fields: tuple[Any, ...], name: bytes, extra: bytes) -> Record:
    size, packed, offset = fields[9], fields[8], fields[16]
    wide = [v == 0xFFFFFFFF for v in (size, packed, offset)]
    if any(wide):
        values = _wide_values(extra, sum(wide))
        size = values.pop(0) if wide[0] else size
        packed = values.pop(0) if wide[1] else packed
        offset = values.pop(0) if wide[2] else offset
    return Record(
        name=name,
        flags=fields[3],
        method=fields[4],
        crc=fields[7],
        packed=packed,
        size=size,
        offset=offset,
        attributes=fields[15],
        modified=_dos_moment(fields[6], fields[5]),
        end=offset + LOCAL.size + len(name) + packed,
    )


def _dos_moment(day: int, clock: int) -> str:
    try:
        moment = datetime(  # noqa: DTZ001  zips know local time only
            1980 + (day >> 9), day >> 5 & 15, day & 31, clock >> 11, clock >> 5 & 63, (clock & 31) * 2
        )
    except ValueError:
        return ""
    return moment.isoformat()


def _wide_values(extra: bytes, wanted: int) -> list[int]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if kind == 1 and len(body) >= 8 * wanted:
            return list(struct.unpack_from(f"<{wanted}Q", body))
        at += 4 + length
    raise DamageError("ZIP-MALFORMED", "zip64-extra")


def _pread(fd: int, length: int, offset: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = os.pread(fd, min(length, 1 << 30), offset)
        if not part:
            raise DamageError("ZIP-TRUNCATED", "short")
        parts.append(part)
        length -= len(part)
        offset += len(part)
    return b"".join(parts)


class MemberStream(io.RawIOBase):
    """The content of one member, inflated as it is read; never more bytes than its record promises.

    Reading raises DamageError ZIP-CRC (damaged, or fewer bytes than promised), ZIP-BOMB (more bytes than promised)
    and ZIP-MALFORMED (its local header says something else than the directory). Streams of one file are independent.
    """

    def __init__(self, fd: int, record: Record) -> None:
        super().__init__()
        self._fd = fd
        self._record = record
        self._inflater = zlib.decompressobj(-15) if record.method == METHOD_DEFLATED else None
        self._at, self._stop = self._find_data()
        self._pending = b""
        self._left = record.size
        self._crc = 0
        self._checked = False

    def _find_data(self) -> tuple[int, int]:
        record = self._record
        fields = LOCAL.unpack(_pread(self._fd, LOCAL.size, record.offset))
        names, extras = fields[9], fields[10]
        if fields[0] != b"PK\x03\x04" or fields[3] != record.method or names != len(record.name):
            raise DamageError("ZIP-MALFORMED", "local-header")
        if _pread(self._fd, names, record.offset + LOCAL.size) != record.name:
            raise DamageError("ZIP-MALFORMED", "local-name")
        start = record.offset + LOCAL.size + names + extras
        return start, start + record.packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        data = self._produce(min(len(view), _CHUNK)) if len(view) else b""
        view[: len(data)] = data
        return len(data)

    def _produce(self, wanted: int) -> bytes:
        inflater = self._inflater
        data = self._raw(min(wanted, self._left)) if inflater is None else self._inflate(inflater, wanted)
        if len(data) > self._left:
            raise DamageError("ZIP-BOMB", "more-than-declared")
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        if not data and not self._checked:
            unfinished = self._left > 0 or (inflater is not None and not inflater.eof)
            if unfinished or self._crc != self._record.crc:
                raise DamageError("ZIP-CRC", "short" if unfinished else "crc")
            self._checked = True
        return data

    def _raw(self, wanted: int) -> bytes:
        if wanted == 0:
            if self._at != self._stop:
                raise DamageError("ZIP-BOMB", "more-than-declared")
            return b""
        data = os.pread(self._fd, min(wanted, self._stop - self._at), self._at) if self._at < self._stop else b""
        self._at += len(data)
        return data

    def _inflate(self, inflater: "zlib._Decompress", wanted: int) -> bytes:
        try:
            while not inflater.eof:
                if not self._pending and self._at < self._stop:
                    self._pending = os.pread(self._fd, min(_CHUNK, self._stop - self._at), self._at)
                    self._at += len(self._pending)
                exhausted = not self._pending
                data = inflater.decompress(self._pending, wanted)
                self._pending = inflater.unconsumed_tail
                if data or exhausted:
                    return data
        except zlib.error as e:
            raise DamageError("ZIP-CRC", "inflate") from e
        return b""
