"""Canonical JSON: the form byte for byte, the limits that hold before parsing, and the shapes parsers ask for."""

import pytest

from gateway.bundle import canonical
from gateway.bundle.canonical import INTEGER_MAX, NotCanonicalError


def test_form():
    value = {"b": [1, True, "é\u2028\x7f"], "a": {"z": 0, "k-1": '"\\/'}, "A": "\b\t\n\f\r\0\x1f"}
    assert canonical.encode(value) == (
        '{"A":"\\b\\t\\n\\f\\r\\u0000\\u001f","a":{"k-1":"\\"\\\\/","z":0},"b":[1,true,"é\u2028\x7f"]}'.encode()
    )
    assert canonical.decode(canonical.encode(value), limit=1000, values_limit=100) == value


def test_limits_hold_before_parsing():
    raw = canonical.encode(["x"] * 100)
    assert canonical.decode(raw, limit=len(raw), values_limit=101) == ["x"] * 100
    with pytest.raises(NotCanonicalError, match="bytes"):
        canonical.decode(raw, limit=len(raw) - 1, values_limit=101)
    for text, count in [(raw, 100), (b"[[[]]]", 3), (b'[{"a":{}}]', 3)]:
        with pytest.raises(NotCanonicalError, match="values"):
            canonical.decode(text, limit=10_000, values_limit=count - 1)


@pytest.mark.parametrize(
    "raw", [b"1.5", b"1e3", b"NaN", b"Infinity", b"-Infinity", b"1 ", b'"\\/"', b"[1,]", b"'a'", b""]
)
def test_other_texts(raw):
    with pytest.raises(NotCanonicalError):
        canonical.decode(raw, limit=100, values_limit=100)


def test_nesting_deeper_than_the_interpreter_goes():
    with pytest.raises(NotCanonicalError):
        canonical.decode(b"[" * 100_000, limit=10**6, values_limit=10**6)


def test_text_that_has_no_utf8_form():
    for value in ("\ud800", {"\udfff": 1}):
        with pytest.raises(NotCanonicalError, match="Unicode"):
            canonical.encode(value)


def test_shapes():
    assert canonical.fields({"a": 1, "b": 2}, "b", "a") == {"a": 1, "b": 2}
    assert canonical.text("ab", "t", limit=2) == "ab"
    assert canonical.integer(INTEGER_MAX, "i") == INTEGER_MAX
    assert canonical.items([1], "l", limit=1) == [1]
    assert canonical.hexadecimal("00ff", "h", most=2, least=2) == b"\x00\xff"


@pytest.mark.parametrize(
    "ask",
    [
        lambda: canonical.fields({"a": 1}, "a", "b"),
        lambda: canonical.fields({"a": 1, "b": 2, "c": 3}, "a", "b"),
        lambda: canonical.fields([], "a"),
        lambda: canonical.text("abc", "t", limit=2),
        lambda: canonical.text(b"a", "t", limit=2),
        lambda: canonical.integer(INTEGER_MAX + 1, "i"),
        lambda: canonical.integer(-1, "i"),
        lambda: canonical.integer(True, "i"),
        lambda: canonical.integer("1", "i"),
        lambda: canonical.integer(1, "i", least=2),
        lambda: canonical.items([1, 2], "l", limit=1),
        lambda: canonical.items({}, "l", limit=1),
        lambda: canonical.hexadecimal("0", "h", most=2),
        lambda: canonical.hexadecimal("FF", "h", most=2),
        lambda: canonical.hexadecimal("ffffff", "h", most=2),
        lambda: canonical.hexadecimal("ff", "h", most=2, least=2),
        lambda: canonical.hexadecimal(1, "h", most=2),
    ],
)
def test_other_shapes(ask):
    with pytest.raises(NotCanonicalError):
        ask()
