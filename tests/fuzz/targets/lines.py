"""What comes over a line: the packets of an SFTP server, and the answers of a child process."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.daemon import frames
from gateway.domain.clock import SystemClock
from gateway.domain.errors import SecurityError
from gateway.domain.ids import TransferId, wire_name
from gateway.transport.errors import fault
from gateway.transport.sftp import SftpTransport
from gateway.transport.sftp_session import RefusedError, SftpSession
from gateway.transport.sftp_wire import Cursor, Kind, WireError, string, u32, u64
from tests.fuzz.places import place, put
from tests.fuzz.target import Draw, Target, attempt, piece

NAME = wire_name("0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a.cfb")
_KINDS = (Kind.OUTCOME, Kind.HANDLE, Kind.DATA, Kind.NAME, Kind.ATTRS, Kind.EXTENDED_REPLY, Kind.VERSION, 0)


def run_wire(data: bytes) -> None:
    """Any packet read as any kind of answer."""
    for read in (Cursor.names, Cursor.attributes, Cursor.extensions, Cursor.string, Cursor.u64, Cursor.u32):
        attempt(lambda read=read: read(Cursor(data)), WireError)


def wire_seeds() -> Mapping[str, bytes]:
    names = u32(2) + b"".join(string(name) + string(b"-rw-r--r--") + ATTRIBUTES for name in (b"a.cfb", b"\xff"))
    return {"attributes": ATTRIBUTES, "names": names, "extensions": string(b"posix-rename@openssh.com") + string(b"1")}


ATTRIBUTES = u32(0x8000000F) + u64(5) + u32(1) * 2 + u32(0o100644) + u32(2) * 2 + u32(1) + string(b"k") + string(b"v")


class HostileServer:
    """A channel whose far end answers each request as the input says; the line dies when the input is used up."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._out = bytearray()
        self._asked = bytearray()
        self._is_open = True

    def send(self, data: bytes | memoryview) -> None:
        self._asked += data
        while len(self._asked) >= 4:
            end = 4 + int.from_bytes(self._asked[:4], "big")
            kind, number = self._asked[4], bytes(self._asked[5:9])
            del self._asked[:end]
            self._answer(kind, number)

    def receive(self, limit: int) -> bytes:
        if not self._out:
            self._is_open = False
            raise fault("link-unreachable", "the line is gone")
        taken = bytes(self._out[:limit])
        del self._out[:limit]
        return taken

    def is_open(self) -> bool:
        return self._is_open

    def close(self) -> None:
        self._is_open = False

    def _answer(self, asked: int, number: bytes) -> None:
        if not self._draw:
            return
        how = self._draw.number()
        body = self._draw.piece()
        if asked == Kind.INIT:
            packet = bytes([Kind.VERSION]) + u32(3 if not how & 1 else how) + body
        elif how & 0x80:
            packet = body  # neither kind nor number
        else:
            told = number if not how & 0x40 else u32(how)
            packet = bytes([_KINDS[how & 7]]) + told + body
        self._out += u32(len(packet)) + packet


def run_sftp(data: bytes) -> None:
    """A client against a server that says anything: list, head, fetch, remove, deposit, or the calls of a session."""
    draw = Draw(data)
    what, folder = draw.number() % 6, place("sftp")
    if what == 5:
        session = attempt(lambda: SftpSession(HostileServer(draw)))
        if session is not None:
            calls(session)
        return
    transport = SftpTransport(lambda: HostileServer(draw), SystemClock())
    source = put("sftp", "source", bytes(40_000))
    acts: tuple[Callable[[], object], ...] = (
        transport.listing,
        lambda: transport.head(NAME, 3000),
        lambda: transport.fetch(NAME, folder / "into", 40_000),
        lambda: transport.remove([NAME, NAME]),
        lambda: transport.deposit(source, NAME),
    )
    for _ in range(2):  # the second time with whatever session was kept
        attempt(acts[what])
    transport.close()


def calls(session: SftpSession) -> None:
    for act in (
        lambda: session.names(b"/out"),
        lambda: session.space(b"/in"),
        lambda: session.attributes_if_there(session.ask_stat(b"/in/x")),
        lambda: session.settle(session.ask_rename(b"a", b"b")),
        session.drain,
    ):
        attempt(act, RefusedError)


def sftp_seeds() -> Mapping[str, bytes]:
    def answer(kind: Kind | int, body: bytes) -> bytes:
        return bytes([_KINDS.index(kind)]) + piece(body)

    hello = b"\0" + piece(
        string(b"posix-rename@openssh.com") + string(b"1") + string(b"statvfs@openssh.com") + string(b"2")
    )
    limits = b"\0" + piece(string(b"limits@openssh.com") + string(b"1"))
    ok, end = answer(Kind.OUTCOME, u32(0)), answer(Kind.OUTCOME, u32(1))
    missing = answer(Kind.OUTCOME, u32(2))
    handle = answer(Kind.HANDLE, string(b"h"))
    file = string(NAME.encode()) + string(b"") + u32(5) + u64(40_000) + u32(0o100600)
    names = answer(Kind.NAME, u32(2) + file + string(b"x") + string(b"") + u32(0))
    size = answer(Kind.ATTRS, u32(5) + u64(40_000) + u32(0o100600))
    data = answer(Kind.DATA, string(bytes(200)))
    return {
        "listing": b"\0" + hello + handle + names + end + ok,
        "limits": b"\0" + limits + answer(Kind.EXTENDED_REPLY, u64(200_000) * 4) + handle + names + end + ok,
        "head": b"\1" + hello + handle + data + data + end + ok,
        "fetch": b"\2" + hello + handle + size + data * 9 + end * 2 + ok,
        "remove": b"\3" + hello + ok + missing,
        "deposit": b"\4" + hello + missing + handle + ok * 2 + size + ok * 3,
        "calls": b"\5" + hello + handle + names + end + ok + answer(Kind.EXTENDED_REPLY, u64(9) * 11) + size + ok,
    }


def run_child_answer(data: bytes) -> None:
    """A child that read a hostile export may answer anything; values come out, or the one refusal."""
    attempt(lambda: frames.from_child(data), pickle.UnpicklingError)


def child_answer_seeds() -> Mapping[str, bytes]:
    error = SecurityError("bad-signature", "x", facts={"n": 1})
    values = {"a": (1, "二", b"3", None, 1.5), "p": Path("x"), "t": TransferId(7)}
    return {"values": frames.packed(values), "error": frames.packed(error), "kind": frames.packed(Kind.OPEN)}


TARGETS = (
    Target("sftp-wire", run_wire, wire_seeds),
    Target("sftp", run_sftp, sftp_seeds, longest=2048),
    Target("child-answer", run_child_answer, child_answer_seeds, longest=1024),
)
