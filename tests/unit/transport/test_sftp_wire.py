"""SFTP packets: what is built is what the draft says, what is read fits exactly or is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transport import sftp_wire as wire
from gateway.transport.sftp_wire import Attributes, Cursor, Kind, Named, WireError


def test_a_session_is_opened_with_version_three() -> None:
    assert wire.init() == bytes.fromhex("00000005 01 00000003")


def test_a_request_has_its_length_kind_and_number() -> None:
    packet = wire.request(Kind.STAT, 7, wire.string(b"/in"))
    assert packet == bytes.fromhex("0000000c 11 00000007 00000003") + b"/in"


FULL = (
    struct.pack(">I", 0x8000000F)
    + struct.pack(">Q", 5_000_000_000)
    + struct.pack(">II", 1, 2)
    + struct.pack(">I", 0o100644)
    + struct.pack(">II", 3, 4)
    + struct.pack(">I", 1)
    + wire.string(b"vendor")
    + wire.string(b"data")
)


def test_attributes_of_every_kind_are_understood() -> None:
    assert Cursor(FULL).attributes() == Attributes(5_000_000_000, 0o100644)
    assert Cursor(wire.NO_ATTRIBUTES).attributes() == Attributes(None, None)
    assert Cursor(wire.GROUP_MAY_READ).attributes() == Attributes(None, 0o640)


NAMES = wire.u32(2) + b"".join(
    wire.string(name) + wire.string(b"-rw-r--r-- 1 root root") + FULL for name in (b"plain.cfb", "笔录".encode("gbk"))
)


def test_names_stay_bytes() -> None:
    attributes = Attributes(5_000_000_000, 0o100644)
    assert Cursor(NAMES).names() == [Named(b"plain.cfb", attributes), Named("笔录".encode("gbk"), attributes)]


@pytest.mark.parametrize("length", range(len(NAMES)))
def test_an_answer_that_is_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(WireError):
        Cursor(NAMES[:length]).names()


def test_attributes_without_end_are_refused() -> None:
    with pytest.raises(WireError):
        Cursor(struct.pack(">II", 0x80000000, 65) + b"\x00" * 4096).attributes()


def test_extensions_are_read_to_the_end() -> None:
    packet = wire.string(b"a") + wire.string(b"1") + wire.string(b"b") + wire.string(b"")
    assert Cursor(packet).extensions() == {b"a": b"1", b"b": b""}
    with pytest.raises(WireError):
        Cursor(packet + b"\x00").extensions()


@given(st.binary(max_size=300))
def test_no_bytes_from_afar_cause_anything_else(data: bytes) -> None:
    for read in (Cursor.names, Cursor.attributes, Cursor.extensions, Cursor.string, Cursor.u64):
        try:
            read(Cursor(data))
        except WireError:
            continue
