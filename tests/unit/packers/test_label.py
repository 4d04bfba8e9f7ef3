"""The label by which an export folder says what it is, read strictly, and what the folder packer makes of it."""

import json
from pathlib import Path

import pytest

from gateway.packing import Entry, Settled
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import UNCLASSIFIED
from packers.folder import FolderPacker
from packers.label import LABEL, LABEL_MAX, Label, read_label
from tests.support.standard import STANDARD

WHOLE = {
    "flow": "custody-handover",
    "receiver": "990102D00",
    "sender": "990102000000",
    "case_no": "A1",
    "case_name": "案",
}


def test_a_label_says_what_it_says() -> None:
    assert read_label(json.dumps(WHOLE).encode()) == Label("custody-handover", "990102D00", "990102000000", "A1", "案")
    assert read_label(b"\xef\xbb\xbf{}") == Label()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"flow": 1}',
        b'{"flow": "Not A Slug"}',
        b'{"other": "x"}',
        b'{"flow": "a", "flow": "b"}',
        '{"case_no": "\u202e1"}'.encode(),
        "{}".encode("utf-16"),
        b'{"case_no": "' + b"1" * 201 + b'"}',
        b" " * (LABEL_MAX + 1),
        b"[" * 60_000,
    ],
)
def test_anything_else_is_no_label(raw: bytes) -> None:
    assert read_label(raw) is None


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "换押证.pdf").write_bytes(b"%PDF-1.4 not much")
    (folder / LABEL).write_text(json.dumps(WHOLE), "utf-8")
    return folder


def test_the_packer_takes_flow_receiver_and_case_from_the_label_and_lets_it_travel(export: Path) -> None:
    with FolderPacker().read([export], STANDARD) as reading:
        package = reading.package
        assert (package.flow, package.receiver_code, package.case_no) == ("custody-handover", "990102D00", "A1")
        assert {member.path for member in reading.members} == {"换押证.pdf", LABEL}
        assert worst(reading.findings) is Verdict.PASS


def test_a_label_that_cannot_be_read_is_refused(export: Path) -> None:
    (export / LABEL).write_bytes(b"{")
    with FolderPacker().read([export], STANDARD) as reading:
        assert [(one.code, one.verdict) for one in reading.findings] == [("FS-LABEL-UNREADABLE", Verdict.REJECT)]
        assert reading.package.flow == UNCLASSIFIED


def test_only_a_label_at_the_top_counts(export: Path) -> None:
    (export / LABEL).unlink()
    (export / "inner").mkdir()
    (export / "inner" / LABEL).write_text(json.dumps(WHOLE), "utf-8")
    with FolderPacker().read([export], STANDARD) as reading:
        assert reading.package.flow == UNCLASSIFIED


def test_a_folder_with_its_label_is_complete(export: Path) -> None:
    names = frozenset(path.name for path in export.iterdir())
    entries = [Entry("export", True, 1, 1, 1, names), Entry("bare", True, 1, 1, 2, frozenset({"a"}))]
    found = {one.name: one.settled for one in FolderPacker().candidates(entries)}
    assert found == {"export": Settled.COMPLETE, "bare": Settled.STABLE}
