"""Of an opened bundle the content reaches the disk, the case package is kept in memory, and nothing else is."""

import io
from pathlib import Path

import pytest

from gateway.bundle.envelope import parse_envelope
from gateway.bundle.keys import generate
from gateway.bundle.suites import Suite
from gateway.bundle.unseal import open_front
from gateway.stages import unpacking
from gateway.standard.package import CasePackage, Source
from tests.support.forging import seal

SENDER, RECIPIENT = generate(Suite.CLASSIC), generate(Suite.CLASSIC)
PACKAGE = CasePackage(Source("folder", "x"))
CONTENT = {
    "content/a/1.txt": b"one" * 1000,
    "content/case-package.json": b"{}",
    "elsewhere/2.txt": b"two",
    "content2": b"3",
}


def unpacked(into: Path, *, with_package: bool = True) -> bytes | None:
    made = seal(
        PACKAGE,
        keys=SENDER,
        recipients=[RECIPIENT.public],
        sequence=1,
        content=CONTENT,
        with_package=with_package,
    )
    source, envelope = io.BytesIO(made.raw), parse_envelope(made.raw)
    front = open_front(source, len(made.raw), envelope=envelope, keys=[RECIPIENT], signer=SENDER.public)
    return unpacking.unpack(source, front, into, read_again=False, progress=lambda _done: None)


def test_content_lies_in_the_folder_and_the_case_package_nowhere(tmp_path: Path) -> None:
    assert unpacked(tmp_path) == PACKAGE.to_json()
    found = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"a/1.txt": CONTENT["content/a/1.txt"], "case-package.json": b"{}"}


def test_there_may_be_none(tmp_path: Path) -> None:
    assert unpacked(tmp_path, with_package=False) is None


def test_one_that_is_too_large_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_CASE_PACKAGE_BYTES", len(PACKAGE.to_json()) - 1)
    assert unpacked(tmp_path) is None
