"""What may come over the line to a child, and what is refused."""

import enum
import os
import pickle
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bundle.keys import generate
from gateway.daemon.frames import MAX_BODY, Kind, Line, from_child, from_parent, packed
from gateway.domain.errors import PermanentError, Scope
from gateway.domain.lifecycle import State
from gateway.standard.findings import Place

FRAME = struct.pack("<BI", Kind.RESULT, 3) + b"abc"


@pytest.fixture
def ends() -> Iterator[tuple[Line, socket.socket]]:
    ours, theirs = socket.socketpair()
    line = Line(ours)
    with theirs:
        yield line, theirs
        line.close()


def test_a_frame_arrives_whole_and_byte_by_byte(ends: tuple[Line, socket.socket]) -> None:
    line, other = ends
    other.sendall(FRAME)
    assert line.receive() == (Kind.RESULT, b"abc")

    def trickle() -> None:
        for number in range(len(FRAME)):
            other.sendall(FRAME[number : number + 1])

    sender = threading.Thread(target=trickle)
    sender.start()
    assert line.receive() == (Kind.RESULT, b"abc")
    sender.join()


def test_what_is_sent_is_received(ends: tuple[Line, socket.socket]) -> None:
    line, other = ends
    line.send(Kind.WORK, b"xyz")
    line.send(Kind.STOP)
    assert Line(other).receive() == (Kind.WORK, b"xyz")
    assert Line(other).receive() == (Kind.STOP, b"")


@pytest.mark.parametrize("length", range(len(FRAME)))
def test_a_frame_cut_short_is_the_end(ends: tuple[Line, socket.socket], length: int) -> None:
    line, other = ends
    other.sendall(FRAME[:length])
    other.close()
    assert line.receive() is None


@pytest.mark.parametrize("head", [struct.pack("<BI", 0, 0), struct.pack("<BI", Kind.RESULT, MAX_BODY + 1), b"\xff" * 5])
def test_what_is_no_frame_is_refused_before_it_is_read(ends: tuple[Line, socket.socket], head: bytes) -> None:
    line, other = ends
    other.sendall(head)
    with pytest.raises(ValueError, match=r"not a valid|over the limit"):
        line.receive()


def test_too_much_is_not_sent(ends: tuple[Line, socket.socket]) -> None:
    with pytest.raises(ValueError, match="over the limit"):
        ends[0].send(Kind.RESULT, bytes(MAX_BODY + 1))


def test_waiting_has_a_limit(ends: tuple[Line, socket.socket]) -> None:
    line, other = ends
    assert not line.stirs(0.0)
    line.limit(0.01)
    with pytest.raises(TimeoutError):
        line.receive()
    other.sendall(FRAME)
    assert line.stirs(None)


class Loose(enum.Enum):
    """An enumeration that is not ours."""

    A = 1


class ByName:
    """Pickles as a look-up by name, as some releases of Python do for members of enumerations."""

    def __init__(self, owner: object, name: str) -> None:
        self.pair = owner, name

    def __reduce__(self) -> tuple[object, ...]:
        return getattr, self.pair


class Call:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.parts = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.parts


@pytest.mark.parametrize(
    "value",
    [None, 1, 1.5, "text", b"x", [1], {"a": (1,)}, {1}, frozenset({1}), Path("/a"), State.SENT, Place(file="a")],
)
def test_values_are_taken(value: object) -> None:
    assert from_child(packed(value)) == value
    assert from_parent(packed(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        b"x" * 200_000,
        bytearray(200_000),
        ["n" * 300] * 3,
        [f"n{n}" for n in range(50_000)],
        [("x" * 70_000, n) for n in range(9)],
    ],
    ids=["bytes", "bytearray", "repeated", "many", "mixed"],
)
def test_values_of_many_frames_and_outside_frames_are_taken(value: object) -> None:
    assert from_child(packed(value)) == value


def test_an_error_of_ours_is_a_value() -> None:
    error = from_child(packed(PermanentError("zip-crc", "x", scope=Scope.ROUTE, facts={"n": 1})))
    assert (error.code, error.detail, error.scope, error.facts) == ("zip-crc", "x", Scope.ROUTE, {"n": 1})


def test_a_member_of_an_enumeration_may_be_looked_up_by_name() -> None:
    assert from_child(packed(ByName(State, "SENT"))) is State.SENT


@pytest.mark.parametrize(
    "value",
    [
        Loose.A,
        Call(os.getpid),
        Call(eval, "1"),
        Call(packed, 1),  # ours, but a function
        ByName(Place, "__init__"),
        ByName(State, "__class__"),
        ValueError("x"),
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(pickle.UnpicklingError):
        from_child(packed(value))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x80\x05.",
        b"cgateway.daemon.launch\nsubprocess.Popen\n.",  # through a module of ours to another's
        b"cgateway.daemon.launch\nsubprocess\n.",
        b"cgateway.daemon.launch\nPath\n.",  # a class that ours only imports
        b"cgateway.no.such\nThing\n.",
        b"cos\nsystem\n.",
        b"\x80\x05]r\xff\xff\xff\x07.",  # a place in memory two gigabytes away
        b"\x80\x05]q\x07.",
        b"]p2000000000\n.",
        # a frame within a frame: read as one text it is harmless, read by frames it is the place far away
        b"\x80\x05\x95\x14" + bytes(7) + b"\x8c\x01x\x95\x09" + bytes(7) + b"]r\xff\xff\xff\x07.....",
        b"\x80\x05\x95\xff" + bytes(7) + b"N.",
        packed(bytearray)[:-1] + b"J\xff\xff\xff\x7f\x85R.",  # a call that asks for two gigabytes
    ],
)
def test_malformed_and_crafted_answers_are_refused(raw: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        from_child(raw)


def test_keys_come_back_from_a_child_and_still_verify() -> None:
    keys = generate()
    public = keys.public
    assert public.verify("outer", b"body", keys.sign("outer", b"body"))  # makes what never travels
    back = from_child(packed(public))
    assert back == public
    assert back.verify("outer", b"body", keys.sign("outer", b"body"))
