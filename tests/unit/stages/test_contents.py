"""The digest of an export's content: of its files and of nothing else."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.keys import generate
from gateway.bundle.seal import SealMember
from gateway.bundle.streams import silent
from gateway.bundle.suites import DEFAULT_SUITE, Suite
from gateway.domain.ids import Digest
from gateway.packing import Member
from gateway.stages import layout
from gateway.stages.contents import ContentHash, read_content
from packers.police import PolicePacker
from tests.support.bundles import prepare
from tests.support.exports import STEM, PoliceExport
from tests.support.standard import STANDARD

FILES = {"a.txt": b"one", "b/c.pdf": bytes(3 << 20), "b.txt": b""}


def read(files: Mapping[str, bytes], suite: Suite = DEFAULT_SUITE) -> Digest:
    members = [Member(path, None, len(body), lambda body=body: io.BytesIO(body)) for path, body in files.items()]
    return read_content(members, suite, silent)


def test_reading_and_sealing_find_the_same_and_what_is_ours_does_not_count() -> None:
    keys = generate(DEFAULT_SUITE)
    for ours in (b"one case package", b"another"):
        found = ContentHash()
        bodies = {layout.CASE_PACKAGE: ours, **{layout.CONTENT + path: body for path, body in FILES.items()}}
        prepare(
            io.BytesIO(),
            [SealMember(path, None, len(body), lambda body=body: io.BytesIO(body)) for path, body in bodies.items()],
            meta={},
            keys=keys,
            recipients=[keys.public],
            created=1,
            expires=2,
            epoch=1,
            listed=found.listed,
        )
        assert found.digest() == read(FILES)


def test_order_does_not_count() -> None:
    assert read(dict(reversed(FILES.items()))) == read(FILES)


@pytest.mark.parametrize(
    "other",
    [{**FILES, "a.txt": b"onf"}, {**FILES, "d.txt": b""}, {"A.txt": b"one", **FILES}, {"b/c.pdf": FILES["b/c.pdf"]}],
    ids=["a-byte", "an-empty-file", "a-name", "a-file-less"],
)
def test_any_other_file_counts(other: Mapping[str, bytes]) -> None:
    assert read(other) != read(FILES)


def test_names_and_bodies_cannot_be_mistaken_for_each_other() -> None:
    assert len({read({"a": b"bc"}), read({"ab": b"c"}), read({"a": b"b", "c": b""}), read({"a\nc": b"b"})}) == 4


def test_zip_mark_and_name_of_an_export_do_not_count(tmp_path: Path) -> None:
    export = PoliceExport()
    later = replace(export, stem=STEM.replace("20260310153012", "20260311090000"), name_codec="utf-8", flags=0x800)
    found = set()
    for number, one in enumerate((export, later)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with PolicePacker().read(one.drop(folder), STANDARD) as reading:
            found.add(read_content(reading.members, DEFAULT_SUITE, silent))
    assert len(found) == 1
