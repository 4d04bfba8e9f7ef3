"""Whatever stands in a configuration file: a value, or a complaint at a place in it; never a crash, never a guess."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.settings.complaints import Complaint
from gateway.settings.explain import explain
from gateway.settings.kinds import Section
from gateway.settings.links import LinkSettings
from gateway.settings.marks import Document, read_bytes
from gateway.settings.node import NodeFile
from gateway.settings.quantities import parse_duration, parse_size, show_duration, show_size
from gateway.settings.routes import RoutesFile
from tests.support.configs import LINK, NODE, ROUTES

SOUND = (NODE.encode(), LINK.encode(), ROUTES.encode())
MODELS: tuple[type[Section], ...] = (NodeFile, LinkSettings, RoutesFile)


def parsed(raw: bytes) -> Document:
    document = Document("x.yaml")
    read_bytes(raw, document)
    return document


def complaints(raw: bytes, model: type[Section]) -> list[Complaint]:
    document = parsed(raw)
    found = list(document.complaints)
    if document.value is not None:
        try:
            model.model_validate(document.value, context={"base": "/x"})
        except ValidationError as error:
            found += explain(document, model, error)
    return found


def assert_placed(raw: bytes, found: list[Complaint]) -> None:
    lines = raw.count(b"\n") + raw.count(b"\r") + 2
    for one in found:
        assert (
            1
            <= one.line
            <= lines + raw.count("\u2028".encode()) + raw.count("\x85".encode()) + raw.count("\u2029".encode())
        )
        assert one.column >= 1
        text = str(one)
        assert "\n" not in text
        text.encode()


@given(st.binary(max_size=300), st.sampled_from(MODELS))
def test_any_bytes(raw: bytes, model: type[Section]) -> None:
    assert_placed(raw, complaints(raw, model))


@given(
    st.text(alphabet="ab0:-?*&!|>'\"%@`#,[]{}\\~ \t\n\r\u3000：“”é\ud800\x85\u2028", max_size=60),
    st.sampled_from(MODELS),
)
def test_any_text_of_yaml_signs(text: str, model: type[Section]) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    assert_placed(raw, complaints(raw, model))


@given(st.sampled_from(range(3)), st.data())
def test_a_sound_file_with_a_piece_exchanged(which: int, data: st.DataObject) -> None:
    raw = SOUND[which]
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 20)))
    piece = data.draw(
        st.binary(max_size=6) | st.sampled_from([b"*", b"{}", b"[]", b"null", b"- ", b"\xef\xbc\x9a", b"1", b"''"])
    )
    changed = raw[:start] + piece + raw[end:]
    assert_placed(changed, complaints(changed, MODELS[which]))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted(
    {name for model in MODELS for name in model.model_fields}
    | {"unit", "host", "port", "spool", "scan_every", "quota", "receivers", "flows", "senders", "level"}
)


@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=5),
    st.sampled_from(MODELS),
)
def test_known_keys_with_any_values(value: object, model: type[Section]) -> None:
    raw = yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")
    assert_placed(raw, complaints(raw, model))


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5), VALUES, min_size=1, max_size=4
    )
)
def test_what_another_writer_quotes_is_read_as_it_was_meant(value: dict[str, object]) -> None:
    """Every text in double quotes, as JSON has it: nothing of it may be taken for a number, a truth or nothing."""
    document = parsed(yaml.safe_dump(value, default_style='"', allow_unicode=True).encode("utf-8", "surrogatepass"))
    read = document.value
    if not document.complaints:
        assert isinstance(read, dict)
        assert list(map(str, read)) == sorted(value)
        for key, one in value.items():
            if isinstance(one, str):
                assert read[key] == one


@given(st.integers(0, 10**9))
def test_a_shown_duration_is_read_back(milliseconds: int) -> None:
    assert parse_duration(show_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(0, 1 << 46))
def test_a_shown_size_is_read_back(size: int) -> None:
    assert parse_size(show_size(size)) == size


@given(st.text(max_size=60))
def test_a_quantity_is_read_or_refused(text: str) -> None:
    for parse in (parse_duration, parse_size):
        try:
            assert parse(text) >= 0
        except ValueError:
            continue


@pytest.mark.parametrize("text", ["", "10", "s", "1 x", "-1s", "1.5h", "1h30", "１h", "1h,2m", "1e3s", "1s" * 30])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "10", "5GB", "5 gib", "-1 B", "0.5 B", "1.0001 KiB", "５ GiB", "1 GiB 2 MiB", "1" * 50 + " B"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"size|bytes"):
        parse_size(text)


def test_a_file_of_the_largest_size_is_read_in_bounded_work(tmp_path: Path) -> None:
    """The worst shapes at the size limit: one deep nest, one long flow list, one long key."""
    for raw in (b"[" * (1 << 20), b"a: " + b"{" * 100_000, b"? " * 100_000, b"- " * 100_000, b"a" * (1 << 20)):
        found = complaints(raw, NodeFile)
        assert len(found) == 1
