"""The line between this process and a child: framed bytes over a socket pair, and what a child may answer."""

import importlib
import io
import pickle
import pickletools
import re
import select
import socket
import struct
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any

_HEAD = struct.Struct("<BI")

MAX_BODY = 64 << 20
"""Bytes of one frame: paths, keys and findings travel here, never the content of an export."""


class Kind(IntEnum):
    """What a frame is."""

    TAKEN = 1  # child: the work has begun; a death from now on is the work's failure
    PROGRESS = 2  # child: eight bytes, the number of bytes done so far
    RESULT = 3  # child: the pickled result
    FAILED = 4  # child: the pickled GatewayError
    BUG = 5  # child: the text of a traceback
    READY = 6  # child: it serves now; pickled facts
    TOLD = 7  # child: pickled news, also in the middle of work
    INITIALISE = 16  # parent: function and pickled argument to call once
    WORK = 17  # parent: function and pickled argument
    RELOAD = 18  # parent: the pickled new argument
    STOP = 19  # parent: end in order
    LARGE = 20  # parent: as WORK, in a thread of its own


class Line:
    """One end of the socket pair. Sending and receiving may happen in two threads, each of them in one only."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        """The descriptor that becomes readable when something came or the other side is gone."""
        return self._end.fileno()

    def stirs(self, seconds: float | None) -> bool:
        """Wait at most `seconds` (None = for ever) and return whether there is something to receive, or the end."""
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(None if seconds is None else max(seconds, 0.0) * 1000))

    def limit(self, seconds: float | None) -> None:
        """Let `send` and `receive` wait at most `seconds` for the other side to stir (None = for ever)."""
        self._end.settimeout(seconds)

    def send(self, kind: Kind, body: bytes = b"") -> None:
        """Send a frame; OSError if the other side is gone, TimeoutError if it does not read, ValueError if too big."""
        if len(body) > MAX_BODY:
            raise ValueError(f"a frame of {len(body)} bytes is over the limit of {MAX_BODY}")
        self._end.sendall(_HEAD.pack(kind, len(body)) + body)

    def receive(self) -> tuple[Kind, bytes] | None:
        """Return the next frame, None when the other side is gone; ValueError for what is no frame, TimeoutError."""
        head = self._exactly(_HEAD.size)
        if head is None:
            return None
        number, length = _HEAD.unpack(head)
        if length > MAX_BODY:
            raise ValueError(f"a frame of {length} bytes is over the limit of {MAX_BODY}")
        kind = Kind(number)
        body = self._exactly(length)
        return None if body is None else (kind, body)

    def close(self) -> None:
        """Hang up; the other side sees the end."""
        self._end.close()

    def _exactly(self, count: int) -> bytes | None:
        got = bytearray()
        while len(got) < count:
            try:
                piece = self._end.recv(min(count - len(got), 1 << 20))
            except ConnectionError:
                return None
            if not piece:
                return None
            got += piece
        return bytes(got)


_PLAIN = frozenset(
    {
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("builtins", "complex"),
        ("pathlib", "Path"),
        ("pathlib", "PosixPath"),
        ("pathlib", "PurePosixPath"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("uuid", "UUID"),
        ("gateway.domain.errors", "_rebuild"),
    }
)
_OURS = ("gateway", "packers")
_FRAME = pickle.FRAME[0]
_FRAME_HEAD = 9
"""Bytes of the code FRAME with its length."""
_WRITTEN = (
    "PROTO STOP NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT"
    " SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8"
    " EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS"
    " EMPTY_SET ADDITEMS FROZENSET MARK POP POP_MARK MEMOIZE BINGET LONG_BINGET"
    " STACK_GLOBAL REDUCE BUILD NEWOBJ NEWOBJ_EX"
)
"""All that `packed` writes, but FRAME. Left out above all is what stores a value at a place of the sender's choice:
nine bytes of it make the reader clear gigabytes up to there."""
_LENGTHS = MappingProxyType(
    {
        pickletools.TAKEN_FROM_ARGUMENT1: 1,
        pickletools.TAKEN_FROM_ARGUMENT4: 4,
        pickletools.TAKEN_FROM_ARGUMENT4U: 4,
        pickletools.TAKEN_FROM_ARGUMENT8U: 8,
    }
)
"""Bytes of the length that stands before an argument, by how pickletools says that one does."""


def _tables() -> tuple[re.Pattern[bytes], dict[int, int]]:
    """Return what matches a run of codes whose arguments are of one length each, and, for each other code, the bytes of
    the length of its argument."""
    fixed, counted = [], {}
    for code in pickletools.opcodes:
        if code.name in _WRITTEN.split():
            length = code.arg.n if code.arg is not None else 0
            if length in _LENGTHS:
                counted[ord(code.code)] = _LENGTHS[length]
            else:
                fixed.append(re.escape(code.code.encode("latin-1")) + b".{%d}" % length)
    return re.compile(b"(?:%s)*+" % b"|".join(fixed), re.DOTALL), counted


_RUN, _COUNTED = _tables()


class _Checked(pickle.Unpickler):
    """Loads values only, plain ones and of our own classes: a child that read a hostile export gets no more trust."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            # Some 3.11 releases pickle an enumeration's member as getattr(class, name).
            return _member
        if (module, name) in _PLAIN:
            return getattr(importlib.import_module(module), name)
        if module.partition(".")[0] in _OURS and "." not in name:
            found = getattr(importlib.import_module(module), name, None)
            if isinstance(found, type) and found.__module__.partition(".")[0] in _OURS:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not a value that a child may answer with")


def _check_codes(body: bytes) -> None:
    """UnpicklingError unless `body` consists of what `packed` writes, and of frames that end where a code does.

    Across the end of a frame the reader would see other codes than those that were looked at here.
    """
    at, end = 0, len(body)
    inside = False
    while at < len(body):
        if at == end:
            inside, end = False, len(body)
        run = _RUN.match(body, at, end)
        at = run.end() if run is not None else at
        if at == end:
            continue
        code = body[at]
        if code == _FRAME and not inside and at + _FRAME_HEAD <= len(body):
            start = at + _FRAME_HEAD
            at, end, inside = start, start + int.from_bytes(body[at + 1 : start], "little"), True
        elif (length := _COUNTED.get(code)) is not None:
            start = at + 1 + length
            at = start + int.from_bytes(body[at + 1 : start], "little")
        else:
            raise pickle.UnpicklingError(f"code {code} is nothing that a child's answer may hold here")
        if not at <= end <= len(body):
            raise pickle.UnpicklingError("an argument or a frame reaches beyond its end")


def _member(kind: object, name: object) -> Enum:
    if isinstance(kind, type) and issubclass(kind, Enum) and isinstance(name, str):
        return kind[name]
    raise pickle.UnpicklingError("only members of enumerations are looked up by name")


def packed(value: object) -> bytes:
    """Return `value` as bytes; pickle.PicklingError, TypeError or AttributeError if it cannot travel."""
    return pickle.dumps(value, protocol=5)


def from_parent(body: bytes) -> Any:
    """Return what the parent sent; only for use in a child."""
    return pickle.loads(body)  # noqa: S301 - the parent is trusted: it started this process and holds the other end


def from_child(body: bytes) -> Any:
    """Return what a child sent, values only; pickle.UnpicklingError for anything that is not one of them."""
    try:
        _check_codes(body)
        return _Checked(io.BytesIO(body)).load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:
        raise pickle.UnpicklingError(f"not a well-formed answer: {type(error).__name__}") from error
