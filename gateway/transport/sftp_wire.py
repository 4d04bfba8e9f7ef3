"""SFTP version 3 on the wire: building requests and reading answers, strict and bounded, without any IO.

Source: draft-ietf-secsh-filexfer-02; the extensions of OpenSSH's PROTOCOL file, sections 4.3 to 4.8.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 3
ANSWER_MAX = 1 << 20
"""Largest answer we read, bytes: above every read we ask for, and above OpenSSH's own 256 KiB."""


class Kind(IntEnum):
    """The packet types that we send or understand."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    FSTAT = 8
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    STAT = 17
    RENAME = 18
    OUTCOME = 101  # SSH_FXP_STATUS
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Outcome(IntEnum):
    """The answers to a request that has no other, as far as we tell them apart."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4


OPEN_READ = 0x01
OPEN_PART = 0x02  # WRITE: what is there, as it is
OPEN_EXCLUSIVE = 0x02 | 0x08 | 0x20  # WRITE, CREAT, EXCL
_SIZE, _OWNER, _MODE, _TIMES, _EXTENDED = 0x1, 0x2, 0x4, 0x8, 0x80000000
NO_ATTRIBUTES = struct.pack(">I", 0)
GROUP_MAY_READ = struct.pack(">II", _MODE, 0o640)
"""Where OpenSSH is the server the peer reads by its group what we put in (docs/openssh.md); everybody else may not."""
_EXTENDED_MAX = 64


class WireError(Exception):
    """The peer does not speak SFTP version 3."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a peer says of a file; None where it is silent. Size in bytes, mode as in stat(2)."""

    size: int | None
    mode: int | None


@dataclass(frozen=True, slots=True)
class Named:
    """One entry of a listing; the name is bytes, since nothing says in what encoding it is."""

    name: bytes
    attributes: Attributes


class Cursor:
    """Reads the fields of one packet in order; WireError where they do not fit."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        """Read `data` from `at` on."""
        self._data = memoryview(data)
        self._at = at

    def _take(self, length: int) -> memoryview:
        end = self._at + length
        if end > len(self._data):
            raise WireError("a field reaches beyond its packet")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def u32(self) -> int:
        """Return the next 32-bit integer."""
        return int.from_bytes(self._take(4), "big")

    def u64(self) -> int:
        """Return the next 64-bit integer."""
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        """Return the next length-prefixed string."""
        return bytes(self._take(self.u32()))

    def block(self) -> memoryview:
        """Return the next length-prefixed string where it lies."""
        return self._take(self.u32())

    def attributes(self) -> Attributes:
        """Return the next file attributes."""
        flags = self.u32()
        size = self.u64() if flags & _SIZE else None
        if flags & _OWNER:
            self._take(8)
        mode = self.u32() if flags & _MODE else None
        if flags & _TIMES:
            self._take(8)
        if flags & _EXTENDED:
            count = self.u32()
            if count > _EXTENDED_MAX:
                raise WireError("too many extended attributes")
            for _ in range(2 * count):
                self.string()
        return Attributes(size, mode)

    def names(self) -> list[Named]:
        """Return the entries of a NAME answer."""
        found = []
        for _ in range(self.u32()):
            name = self.string()
            self.string()  # the long form, meant for eyes
            found.append(Named(name, self.attributes()))
        return found

    def extensions(self) -> dict[bytes, bytes]:
        """Return the extension pairs up to the end of the packet."""
        pairs = {}
        while self._at < len(self._data):
            name = self.string()
            pairs[name] = self.string()
        return pairs


def string(value: bytes) -> bytes:
    """Return `value` with its length before it."""
    return struct.pack(">I", len(value)) + value


def init() -> bytes:
    """Return the packet that opens a session."""
    return struct.pack(">IBI", 5, Kind.INIT, VERSION)


def request(kind: Kind, number: int, *fields: bytes) -> bytes:
    """Return the packet of request `number`."""
    length = 5 + sum(map(len, fields))
    return b"".join((struct.pack(">IBI", length, kind, number), *fields))


def u32(value: int) -> bytes:
    """Return `value` as four bytes."""
    return struct.pack(">I", value)


def size_attribute(size: int) -> bytes:
    """Return attributes that set the size and nothing else."""
    return struct.pack(">IQ", _SIZE, size)


def u64(value: int) -> bytes:
    """Return `value` as eight bytes."""
    return struct.pack(">Q", value)
