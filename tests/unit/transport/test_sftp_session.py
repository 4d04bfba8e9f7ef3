"""A session against servers that answer as the test says: out of order, short, wrong, or not at all."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import wire_name
from gateway.transport import sftp_session
from gateway.transport import sftp_wire as wire
from gateway.transport.errors import fault
from gateway.transport.sftp import SftpTransport
from gateway.transport.sftp_fetch import blocks
from gateway.transport.sftp_session import RefusedError, SftpSession
from gateway.transport.sftp_wire import Cursor, Kind, Outcome

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
Answer = Callable[[int, int, Cursor], list[bytes]]
"""(kind, number, fields) -> packets to send back."""


def packet(kind: int, number: int, *fields: bytes) -> bytes:
    body = bytes([kind]) + wire.u32(number) + b"".join(fields)
    return wire.u32(len(body)) + body


def outcome(number: int, code: int) -> bytes:
    return packet(Kind.OUTCOME, number, wire.u32(code), wire.string(b"why"), wire.string(b"en"))


def version(*extensions: bytes) -> bytes:
    body = bytes([Kind.VERSION]) + wire.u32(3) + b"".join(map(wire.string, extensions))
    return wire.u32(len(body)) + body


class ScriptedChannel:
    """A channel whose other end is a function; hands its bytes out in pieces of `piece`."""

    def __init__(self, answer: Answer, hello: bytes | None = None, piece: int = 1 << 20) -> None:
        self._answer = answer
        self._piece = piece
        self._in = b""
        self._out = version() if hello is None else hello
        self._has_begun = False
        self.is_closed = False

    def send(self, data: bytes | memoryview) -> None:
        self._in += bytes(data)
        while len(self._in) >= 4 and len(self._in) >= 4 + (length := int.from_bytes(self._in[:4], "big")):
            body, self._in = self._in[4 : 4 + length], self._in[4 + length :]
            if self._has_begun:
                cursor = Cursor(body[1:])
                self._out += b"".join(self._answer(body[0], cursor.u32(), cursor))
            self._has_begun = True

    def receive(self, limit: int) -> bytes:
        if not self._out:
            raise fault("link-unreachable", "the end of the script")
        taken, self._out = self._out[: min(limit, self._piece)], self._out[min(limit, self._piece) :]
        return taken

    def is_open(self) -> bool:
        return not self.is_closed

    def close(self) -> None:
        self.is_closed = True


def ok(_kind: int, number: int, _fields: Cursor) -> list[bytes]:
    return [outcome(number, Outcome.OK)]


def refused(code: str) -> AbstractContextManager[pytest.ExceptionInfo[GatewayError]]:
    return pytest.raises(GatewayError, check=lambda error: error.code == code)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1 << 20])
def test_answers_may_come_in_any_pieces(piece: int) -> None:
    session = SftpSession(ScriptedChannel(ok, version(b"a@b", b"1"), piece))
    assert session.offers(b"a@b")
    assert [session.settle(session.ask(Kind.REMOVE, wire.string(b"/x"))) for _ in range(3)] == [0, 0, 0]
    assert session.is_usable()


def test_answers_may_come_in_any_order() -> None:
    held: list[bytes] = []

    def backwards(_kind: int, number: int, _fields: Cursor) -> list[bytes]:
        held.insert(0, outcome(number, number + 10))
        return [] if len(held) < 3 else held

    session = SftpSession(ScriptedChannel(backwards))
    numbers = [session.ask(Kind.REMOVE, wire.string(b"/x")) for _ in range(3)]
    assert [session.settle(number) for number in numbers] == [10, 11, 12]


@pytest.mark.parametrize(
    "hello",
    [
        b"",
        wire.u32(0),
        wire.u32(0xFFFFFFFF) + b"x",
        wire.u32((1 << 20) + 1),
        wire.u32(5) + bytes([Kind.VERSION]) + wire.u32(2),
        wire.u32(5) + bytes([Kind.OUTCOME]) + wire.u32(3),
        wire.u32(7) + bytes([Kind.VERSION]) + wire.u32(3) + b"xx",
        b"Last login: yesterday\r\n" + version(),
    ],
)
def test_a_server_that_does_not_begin_as_it_should(hello: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        SftpSession(ScriptedChannel(ok, hello))
    assert caught.value.code in {"mailbox-failed", "link-unreachable"}


@pytest.mark.parametrize(
    "answer",
    [
        lambda _kind, number, _fields: [outcome(number + 1, 0)],
        lambda _kind, number, _fields: [outcome(number, 0), outcome(number, 0)],
        lambda _kind, number, _fields: [packet(Kind.HANDLE, number, wire.string(b"h"))],
        lambda _kind, number, _fields: [packet(Kind.OUTCOME, number, b"\x00")],
        lambda _kind, number, _fields: [wire.u32(3) + b"\x65\x00\x00"],
        lambda _kind, _number, _fields: [wire.u32(1 << 24)],
    ],
    ids=["other number", "twice", "other kind", "cut", "no number", "too long"],
)
def test_a_server_that_answers_nonsense_ends_the_session(answer: Answer) -> None:
    session = SftpSession(ScriptedChannel(answer))

    def ask_twice() -> None:
        for _ in range(2):
            session.settle(session.ask(Kind.REMOVE, wire.string(b"/x")))

    with refused("mailbox-failed"):
        ask_twice()
    assert not session.is_usable()


def limits(packet_length: int, read: int, write: int) -> Answer:
    def answer(kind: int, number: int, _fields: Cursor) -> list[bytes]:
        assert kind == Kind.EXTENDED
        return [packet(Kind.EXTENDED_REPLY, number, *map(wire.u64, (packet_length, read, write, 0)))]

    return answer


@pytest.mark.parametrize(
    ("told", "read", "write", "most"),
    [
        ((256 << 10, 255 << 10, 255 << 10), 255 << 10, 255 << 10, 255 << 10),
        ((0, 0, 0), 32 << 10, 32 << 10, 32 << 10),
        ((4 << 20, 4 << 20, 4 << 20), 255 << 10, 255 << 10, 1020 << 10),
        ((34_000, 1 << 20, 64 << 10), 32_976, 32_976, 32_976),
        ((1, 1, 1), 1024, 1024, 1024),
    ],
)
def test_what_a_server_takes_is_asked_for(told: tuple[int, int, int], read: int, write: int, most: int) -> None:
    session = SftpSession(ScriptedChannel(limits(*told), version(b"limits@openssh.com", b"1")))
    assert (session.read_block, session.write_block, session.write_most) == (read, write, most)


def test_a_server_that_does_not_say_gets_what_every_server_takes() -> None:
    session = SftpSession(ScriptedChannel(ok))
    assert (session.read_block, session.write_block) == (32 << 10, 32 << 10)


def test_limits_that_are_refused_are_the_servers_failure() -> None:
    channel = ScriptedChannel(
        lambda _kind, number, _fields: [outcome(number, Outcome.FAILURE)], version(b"limits@openssh.com", b"1")
    )
    with refused("mailbox-failed"):
        SftpTransport(lambda: channel, SystemClock()).listing()
    assert channel.is_closed


def reader_of(data: bytes, at_most: int) -> Answer:
    def answer(_kind: int, number: int, fields: Cursor) -> list[bytes]:
        fields.string()
        offset, length = fields.u64(), fields.u32()
        part = data[offset : offset + min(length, at_most)]
        return [packet(Kind.DATA, number, wire.string(part)) if part else outcome(number, Outcome.EOF)]

    return answer


@pytest.mark.parametrize("at_most", [1000, 32 << 10, 1 << 20])
@pytest.mark.parametrize("size", [0, 1, 32 << 10, 100_000])
def test_short_reads_are_asked_for_again(at_most: int, size: int) -> None:
    data = bytes(range(256)) * 400
    session = SftpSession(ScriptedChannel(reader_of(data, at_most)))
    assert b"".join(blocks(session, wire.string(b"h"), size)) == data[:size]
    assert session.is_usable()


def test_a_file_that_ends_early_ends_the_blocks() -> None:
    session = SftpSession(ScriptedChannel(reader_of(b"x" * 50_000, 1 << 20)))
    assert b"".join(blocks(session, wire.string(b"h"), 200_000)) == b"x" * 50_000


def test_a_read_answered_with_more_than_was_asked_is_cut() -> None:
    def generous(_kind: int, number: int, _fields: Cursor) -> list[bytes]:
        return [packet(Kind.DATA, number, wire.string(b"x" * 1000))]

    session = SftpSession(ScriptedChannel(generous))
    assert b"".join(blocks(session, wire.string(b"h"), 10)) == b"x" * 10


def test_reads_under_way_are_bounded() -> None:
    asked = 0
    most = 0

    def counting(_kind: int, number: int, fields: Cursor) -> list[bytes]:
        nonlocal asked
        asked += 1
        fields.string()
        fields.u64()
        return [packet(Kind.DATA, number, wire.string(b"x" * fields.u32()))]

    session = SftpSession(ScriptedChannel(counting))
    got = 0
    for block in blocks(session, wire.string(b"h"), 16 << 20):
        got += len(block)
        most = max(most, asked * session.read_block - got)
    assert got == 16 << 20
    assert most <= 8 << 20


def endless(kind: int, number: int, _fields: Cursor) -> list[bytes]:
    if kind == Kind.OPENDIR:
        return [packet(Kind.HANDLE, number, wire.string(b"h"))]
    if kind == Kind.CLOSE:
        return [outcome(number, 0)]
    entry = wire.string(b"x") + wire.string(b"") + wire.NO_ATTRIBUTES
    return [packet(Kind.NAME, number, wire.u32(50_000), entry * 50_000)]


def test_a_listing_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # A million entries take ten seconds to make.
    monkeypatch.setattr(sftp_session, "_LISTING_MAX", 20_000)
    with refused("mailbox-failed"):
        SftpSession(ScriptedChannel(endless)).names(b"/out")


def test_a_listing_ends_with_an_answer_without_entries() -> None:
    answers = iter([packet_of_names(b"a"), packet_of_names()])

    def answer(kind: int, number: int, fields: Cursor) -> list[bytes]:
        if kind != Kind.READDIR:
            return endless(kind, number, fields)
        return [packet(Kind.NAME, number, next(answers, packet_of_names()))]

    session = SftpSession(ScriptedChannel(answer))
    assert [one.name for one in session.names(b"/out")] == [b"a"]
    session.drain()
    assert session.is_usable()


def test_names_that_are_longer_than_any_file_system_takes_are_counted_and_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = packet_of_names(b"a", b"x" * 255, b"x" * 256)
    left = 1

    def answer(kind: int, number: int, fields: Cursor) -> list[bytes]:
        nonlocal left
        if kind != Kind.READDIR:
            return endless(kind, number, fields)
        left -= 1
        return [packet(Kind.NAME, number, names if left >= 0 else packet_of_names())]

    assert [len(one.name) for one in SftpSession(ScriptedChannel(answer)).names(b"/out")] == [1, 255]
    monkeypatch.setattr(sftp_session, "_LISTING_MAX", 20)
    left = 100
    with refused("mailbox-failed"):
        SftpSession(ScriptedChannel(answer)).names(b"/out")


def packet_of_names(*names: bytes) -> bytes:
    return wire.u32(len(names)) + b"".join(wire.string(one) + wire.string(b"") + wire.NO_ATTRIBUTES for one in names)


def test_entries_without_a_size_are_left_out() -> None:
    has_listed = False

    def answer(kind: int, number: int, fields: Cursor) -> list[bytes]:
        nonlocal has_listed
        if kind != Kind.READDIR:
            return endless(kind, number, fields)
        if has_listed:
            return [outcome(number, Outcome.EOF)]
        has_listed = True
        sized = wire.u32(1) + wire.u64(7)
        entries = [(b"a.cfb", sized), (b"b.cfb", wire.NO_ATTRIBUTES), (b"..", sized), (b"c/d.cfb", sized)]
        body = b"".join(wire.string(name) + wire.string(b"") + attributes for name, attributes in entries)
        return [packet(Kind.NAME, number, wire.u32(len(entries)), body)]

    transport = SftpTransport(lambda: ScriptedChannel(answer), SystemClock())
    assert [(entry.name, entry.size) for entry in transport.listing()] == [("a.cfb", 7)]


def test_a_rename_falls_back_where_posix_is_not_offered(tmp_path: Path) -> None:
    kinds: list[int] = []

    def answer(kind: int, number: int, fields: Cursor) -> list[bytes]:
        kinds.append(kind)
        if kind == Kind.STAT:
            return [outcome(number, Outcome.NO_SUCH_FILE)]
        if kind == Kind.OPEN:
            return [packet(Kind.HANDLE, number, wire.string(b"h"))]
        if kind == Kind.FSTAT:
            return [packet(Kind.ATTRS, number, wire.u32(1) + wire.u64(3))]
        return ok(kind, number, fields)

    source = tmp_path / "source"
    source.write_bytes(b"abc")
    SftpTransport(lambda: ScriptedChannel(answer), SystemClock()).deposit(source, NAME)
    assert kinds == [Kind.STAT, Kind.OPEN, Kind.WRITE, Kind.FSTAT, Kind.CLOSE, Kind.STAT, Kind.RENAME]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (Outcome.NO_SUCH_FILE, "mailbox-missing"),
        (Outcome.PERMISSION_DENIED, "mailbox-denied"),
        (Outcome.FAILURE, "mailbox-failed"),
        (8, "mailbox-failed"),
        (99, "mailbox-failed"),
    ],
)
def test_every_refusal_has_a_meaning(tmp_path: Path, code: int, expected: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"abc")

    def answer(kind: int, number: int, _fields: Cursor) -> list[bytes]:
        return [outcome(number, Outcome.NO_SUCH_FILE if kind == Kind.STAT else code)]

    transport = SftpTransport(lambda: ScriptedChannel(answer), SystemClock())
    with refused(expected):
        transport.deposit(source, NAME)
    with refused(expected):
        transport.probe()


def test_a_server_that_tells_nothing_of_a_name_gets_its_handle_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"abc")
    kinds: list[int] = []

    def answer(kind: int, number: int, _fields: Cursor) -> list[bytes]:
        kinds.append(kind)
        if kind == Kind.OPEN:
            return [packet(Kind.HANDLE, number, wire.string(b"h"))]
        return [outcome(number, Outcome.PERMISSION_DENIED if kind == Kind.STAT else Outcome.OK)]

    transport = SftpTransport(lambda: ScriptedChannel(answer), SystemClock())
    with refused("mailbox-denied"):
        transport.deposit(source, NAME)
    assert kinds == [Kind.STAT, Kind.OPEN, Kind.CLOSE, Kind.REMOVE]


def test_a_refusal_carries_its_code() -> None:
    session = SftpSession(ScriptedChannel(lambda _kind, number, _fields: [outcome(number, 3)]))
    with pytest.raises(RefusedError) as caught:
        session.answer(session.ask(Kind.REMOVE, wire.string(b"/x")), Kind.OUTCOME)
    assert caught.value.code == Outcome.PERMISSION_DENIED


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


def test_a_session_unused_for_long_is_not_trusted() -> None:
    clock = FakeClock()
    channels: list[ScriptedChannel] = []

    def connect() -> ScriptedChannel:
        channels.append(ScriptedChannel(ok))
        return channels[-1]

    transport = SftpTransport(connect, clock, reuse=60.0)
    transport.remove([NAME])
    clock.seconds = 59.0
    transport.remove([NAME])
    assert len(channels) == 1
    clock.seconds = 120.0
    transport.remove([NAME])
    assert len(channels) == 2
    assert channels[0].is_closed


def test_a_listing_waits_twice_and_what_nobody_waits_for_may_come_late() -> None:
    """On a slow line every wait is a tenth of a second, for each look into each mailbox."""
    kinds: list[int] = []
    closed: list[int] = []

    def folder(kind: int, number: int, _fields: Cursor) -> list[bytes]:
        kinds.append(kind)
        if kind == Kind.OPENDIR:
            return [packet(Kind.HANDLE, number, wire.string(b"h"))]
        if kind == Kind.READDIR:
            name = packet(Kind.NAME, number, wire.u32(1), wire.string(b"a"), wire.string(b""), wire.NO_ATTRIBUTES)
            return [name] if kinds.count(Kind.READDIR) == 1 else [outcome(number, Outcome.EOF)]
        if kind == Kind.CLOSE:
            closed.append(number)
            return []
        return [outcome(closed.pop(), Outcome.FAILURE), outcome(number, Outcome.OK)]

    session = SftpSession(ScriptedChannel(folder))
    assert [one.name for one in session.names(b"/out")] == [b"a"]
    assert kinds == [Kind.OPENDIR, Kind.READDIR, Kind.READDIR, Kind.CLOSE]
    assert session.is_usable()
    assert session.settle(session.ask(Kind.REMOVE, wire.string(b"/x"))) == Outcome.OK
    assert closed == []
    assert session.is_usable()


def test_a_session_with_an_answer_that_somebody_waits_for_is_not_used_for_anything_else() -> None:
    session = SftpSession(ScriptedChannel(lambda _kind, _number, _fields: []))
    session.ask(Kind.REMOVE, wire.string(b"/x"))
    session.forget(session.ask(Kind.CLOSE, wire.string(b"h")))
    assert not session.is_usable()
