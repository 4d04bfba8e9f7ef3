"""A manifest is checked as it is written by the same rules as when it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from gateway.bundle import manifest
from gateway.bundle.manifest import BLANK, Coding, ManifestFile, MetaValue
from gateway.domain.errors import SecurityError

FILE = ManifestFile("content/起诉意见书.pdf", None, 100, bytes(32), Coding.IDENTITY, 100)
META: Mapping[str, MetaValue] = {"flow": "f", "n": 1, "list": ["a", "b"]}


def test_what_is_sound_is_written_as_it_is_read() -> None:
    built = manifest.build(META, [FILE, replace(FILE, path="x", size=1000, stored=10, coding=Coding.ZSTD)])
    raw = manifest.encode_checked(built)
    assert raw == manifest.encode(built)
    assert manifest.decode(raw) == built


@pytest.mark.parametrize(
    ("meta", "files"),
    [
        (META, []),
        ({"Flow": "f"}, [FILE]),
        ({"flow": "f" * (manifest.META_TEXT_MAX + 1)}, [FILE]),
        ({"flow": -1}, [FILE]),
        ({"flow": True}, [FILE]),
        ({"flow": 1.5}, [FILE]),
        ({"flow": None}, [FILE]),
        ({"flow": ["a", 1]}, [FILE]),
        ({"flow": {"a": "b"}}, [FILE]),
        ({f"k{number}": 1 for number in range(manifest.META_MAX + 1)}, [FILE]),
        (META, [replace(FILE, stored=99)]),
        (META, [replace(FILE, stored=99, coding=Coding.ZSTD)]),
        (META, [replace(FILE, size=-1, stored=-1)]),
        (META, [replace(FILE, size=1 << 60, stored=1 << 60)]),
        (META, [replace(FILE, hash=bytes(31))]),
        (META, [replace(FILE, path="p" * (manifest.RAW_MAX + 1))]),
        (META, [replace(FILE, raw=bytes(manifest.RAW_MAX + 1))]),
        (META, [replace(FILE, path="\ud800")]),
    ],
)
def test_what_no_reader_takes_is_not_written(meta: Mapping[str, MetaValue], files: Sequence[ManifestFile]) -> None:
    built = manifest.build(meta, files)
    with pytest.raises(SecurityError) as refused:
        manifest.encode_checked(built)
    with pytest.raises(SecurityError) as unread:
        manifest.decode(manifest.encode(built))
    assert refused.value.code == unread.value.code == "manifest-malformed"


def test_a_list_of_too_many_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "VALUES_MAX", 20)
    with pytest.raises(SecurityError):
        manifest.encode_checked(manifest.build({}, [FILE] * 4))
    monkeypatch.setattr(manifest, "MANIFEST_MAX", 200)
    with pytest.raises(SecurityError):
        manifest.encode_checked(manifest.build({}, [FILE]))


HOSTILE = f'"hash":"{BLANK.hex()}"'


def test_a_draft_is_filled_with_hashes_where_it_has_blanks_and_nowhere_else() -> None:
    names = ["a", HOSTILE, f"{{{HOSTILE},", f"\\{HOSTILE}", BLANK.hex()]
    hashes = [bytes([number]) * 32 for number in range(len(names) - 1)] + [BLANK]
    meta: Mapping[str, MetaValue] = {"hash": BLANK.hex(), "name": HOSTILE, "names": [HOSTILE, BLANK.hex()]}
    drafts = [replace(FILE, path=name, raw=name.encode(), hash=BLANK) for name in names]
    files = [replace(one, hash=found) for one, found in zip(drafts, hashes, strict=True)]
    draft = manifest.encode_checked(manifest.build(meta, drafts))
    assert manifest.filled(draft, hashes) == manifest.encode(manifest.build(meta, files))


def test_a_draft_is_filled_with_as_many_hashes_as_it_has_blanks() -> None:
    draft = manifest.encode_checked(manifest.build({}, [FILE, FILE]))
    with pytest.raises(ValueError, match="blank"):
        manifest.filled(draft, [BLANK] * 3)
