"""A manifest is checked as it is written by the same rules as when it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from gateway.bundle import manifest
from gateway.bundle.manifest import Coding, ManifestFile, MetaValue
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
