"""JSON of doubtful origin: what is JSON is read with its lines, what is not is refused at its place."""

import json
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.standard.findings import Verdict
from packers.jsontext import MAX_VALUES, JsonList, JsonObject, JsonText, parse_json, plain

_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_categories=("Cs", "Cc")))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(exclude_categories=("Cs", "Cc"))), inner, max_size=4),
    ),
    max_leaves=20,
)


def as_texts(value: object) -> object:
    """The value as this reader knows it: numbers and truth values as they are written."""
    if isinstance(value, dict):
        return {name: as_texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_texts(one) for one in value]
    return value if value is None or isinstance(value, str) else json.dumps(value)


@given(st.dictionaries(st.text("abc", max_size=3), _VALUES, max_size=4), st.sampled_from([None, 1, "\t"]))
def test_reads_what_the_library_reads(value: dict[str, object], indent: int | str | None) -> None:
    raw = json.dumps(value, ensure_ascii=False, indent=indent).encode()
    parsed = parse_json(raw, "x.json")
    if any(c in raw.decode() for c in "\x7f\ufffe\uffff"):
        return
    assert parsed.root is not None
    assert parsed.findings == ()
    assert plain(parsed.root) == as_texts(value)


def test_every_value_has_its_line() -> None:
    parsed = parse_json(b'{\n "a": 1,\n "b": [\n  null, {"c":\n "x\\n"}]}', "x.json")
    assert parsed.root is not None
    assert parsed.root.members["a"] == JsonText("1", 2)
    rows = parsed.root.members["b"]
    assert isinstance(rows, JsonList)
    assert rows.line == 3
    null, inner = rows.items
    assert null == JsonText("", 4, is_null=True)
    assert isinstance(inner, JsonObject)
    assert (inner.line, inner.members["c"]) == (4, JsonText("x\n", 5))


def test_a_byte_order_mark_is_passed_over() -> None:
    parsed = parse_json(b'\xef\xbb\xbf{"a": 1}', "case.json")
    assert parsed.root is not None
    assert [(f.code, f.verdict, f.place.line) for f in parsed.findings] == [("ENC-BOM", Verdict.FIX, 1)]


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b'{"a": 1,,}', 1, 9),
        (b'{\n"a": 1\n"b": 2}', 3, 1),
        (b'{"a": "x', 1, 7),
        ('{"名": "'.encode() + b'\xff"}', 1, 8),
        (b'{"a": NaN}', 0, 0),
        (b'{"a": 1} {', 1, 10),
        (b"", 1, 1),
    ],
)
def test_wrong_json_is_refused_at_its_place(raw: bytes, line: int, column: int) -> None:
    parsed = parse_json(raw, "case.json")
    assert parsed.root is None
    (found,) = parsed.findings
    assert (found.code, found.verdict) == ("JSON-SYNTAX", Verdict.REJECT)
    assert (found.place.line, found.place.column) == (line, column)


def test_a_name_twice_with_two_values_is_refused() -> None:
    parsed = parse_json(b'{"a": {"SLRQ": "1",\n "SLRQ": "2"}}', "case.json")
    assert parsed.root is None
    (found,) = parsed.findings
    assert (found.code, found.verdict, found.place.line) == ("JSON-DUP-KEY", Verdict.REJECT, 2)
    assert found.place.field == "a.SLRQ"


def test_a_name_twice_with_one_value_is_mended() -> None:
    parsed = parse_json(b'{"a": [1, 2], "a": [1, 2]}', "case.json")
    assert parsed.root is not None
    assert [(f.code, f.verdict) for f in parsed.findings] == [("JSON-DUP-KEY", Verdict.FIX)]


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\u001f", "\\ufffe", "a\\u000b"])
def test_a_character_that_nobody_can_take_is_refused(text: str) -> None:
    parsed = parse_json(f'{{"a": ["{text}"]}}'.encode(), "case.json")
    assert parsed.root is None
    assert [(f.code, f.verdict, f.place.field) for f in parsed.findings] == [("JSON-CHAR", Verdict.REJECT, "a[0]")]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" * 100_000,
        b'{"a":[' + b"1," * MAX_VALUES + b"1]}",
        b'{"' + b"a" * 201 + b'":{"b":1}}',
    ],
)
def test_too_deep_or_too_much_is_refused(raw: bytes) -> None:
    parsed = parse_json(raw, "case.json")
    assert parsed.root is None
    assert [f.code for f in parsed.findings] == ["JSON-LIMIT"]


def test_what_is_no_object_is_no_case() -> None:
    assert [f.code for f in parse_json(b"[1]", "case.json").findings] == ["JSON-SCHEMA"]


def test_one_long_text_takes_no_more_than_some_copies_of_it() -> None:
    raw = b'{"a": "' + b"x" * (4 << 20) + b'"}'
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert parse_json(raw, "case.json").root is not None
    # KiB; step by step the reader would remember a hundred times the text.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 << 10
