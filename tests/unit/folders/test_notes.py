"""Notes: strict on the way back, so that a torn or edited one is reported and never half believed."""

import base64
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError
from gateway.domain.ids import claim_token, route_name
from gateway.folders import disk, intent, notes
from gateway.packing import Entry


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1}\n',
        b'{"a":1',
        b'{"a":1,"a":1}',
        b'{"a":"\xe5"}',
        b"[" * 100_000,
        b'{"a":1e999}',
        b'{"a":NaN}',
        b'{"a":"' + b"x" * notes.NOTE_MAX + b'"}',
    ],
)
def test_anything_but_canonical_json_is_damage(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "note").write_bytes(raw)
    with pytest.raises(PermanentError) as caught:
        notes.read(tmp_path / "note")
    assert caught.value.code == "note-damaged"


def test_a_value_of_another_type_is_damage(tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(notes.encode({"a": 1, "b": "x", "c": [1]}))
    note = notes.read(tmp_path / "note")
    assert note is not None
    for wrong in (
        lambda: note.text("a"),
        lambda: note.number("b"),
        lambda: note.rows("c"),
        lambda: note.rows("b"),
        lambda: note.text("missing"),
        lambda: note.optional_text("missing"),
    ):
        with pytest.raises(PermanentError):
            wrong()
    assert notes.read(tmp_path / "none") is None


def test_an_intent_reads_back_and_every_byte_lost_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "intent.json"
    folder = Entry("a\udcc4.zip", True, 5, 6, 7, frozenset({"x", "y\udcff"}))
    parts = (intent.part_of(folder), intent.part_of(Entry("a.ok", False, 1, 2, 3)))
    wanted = intent.Intent(claim_token("a" * 32), route_name("r"), tmp_path / "出", "a\udcc4.zip", parts, b"\x00md5")
    path.write_bytes(intent.encode(wanted))
    assert intent.read(path) == wanted
    assert wanted.size == 6
    raw = path.read_bytes()
    for end in range(len(raw)):
        path.write_bytes(raw[:end])
        with pytest.raises(PermanentError):
            intent.read(path)
    for wrong in (
        raw.replace(b'"a' + b"a" * 31, b'"A' + b"a" * 31),
        raw.replace(base64.b64encode(b"\x00md5"), b"!!!!"),
    ):
        assert wrong != raw
        path.write_bytes(wrong)
        with pytest.raises(PermanentError) as caught:
            intent.read(path)
        assert caught.value.code == "note-damaged"
    disk.remove_tree(path)
    assert intent.read(path) is None
