"""The generic packer: what it takes, what it refuses, what it writes."""

import os
import socket
from pathlib import Path

import pytest

from gateway.packing import Entry, Packet
from gateway.standard.findings import Finding, Verdict
from gateway.standard.package import CasePackage, Renamed, Source
from packers.folder import CASE_FILE, READY, FolderPacker
from packers.names import MAX_DEPTH
from tests.support.standard import STANDARD


@pytest.fixture
def export(tmp_path: Path) -> Path:
    root = tmp_path / "材料"
    root.mkdir()
    (root / "甲.txt").write_bytes(b"one")
    return root


def findings(root: Path, packer: FolderPacker | None = None) -> tuple[Finding, ...]:
    with (packer or FolderPacker()).read([root], STANDARD) as reading:
        return reading.findings


def codes(root: Path) -> list[tuple[str, str]]:
    return [(f.code, str(f.facts.get("why", ""))) for f in findings(root)]


def test_single_file_is_one_member(tmp_path: Path) -> None:
    path = tmp_path / "换押证.pdf"
    path.write_bytes(b"x")
    with FolderPacker().read([path], STANDARD) as reading:
        assert [(m.path, m.raw, m.size) for m in reading.members] == [("换押证.pdf", None, 1)]
        assert reading.package.source == Source("folder", "换押证.pdf", 1)
        assert reading.package.flow == "unclassified"


def test_name_in_gbk_is_read_and_its_bytes_are_kept(export: Path) -> None:
    raw = "乙.txt".encode("gbk")
    (export / os.fsdecode(raw)).write_bytes(b"two")
    with FolderPacker().read([export], STANDARD) as reading:
        assert {m.path: m.raw for m in reading.members} == {"甲.txt": None, "乙.txt": raw}


def test_name_that_is_both_follows_its_neighbours(export: Path) -> None:
    both = "目录".encode("gbk")
    assert both.decode("utf-8") == "\u013f\u00bc"
    (export / os.fsdecode(both)).write_bytes(b"x")
    with FolderPacker().read([export], STANDARD) as reading:
        assert {m.path for m in reading.members} == {"甲.txt", "\u013f\u00bc"}
    (export / os.fsdecode("清单.txt".encode("gbk"))).write_bytes(b"x")
    with FolderPacker().read([export], STANDARD) as reading:
        assert {m.path for m in reading.members} == {"甲.txt", "目录", "清单.txt"}


def test_decomposed_name_is_composed_and_its_bytes_are_kept(export: Path) -> None:
    (export / "e\u0301.txt").write_bytes(b"x")
    with FolderPacker().read([export], STANDARD) as reading:
        assert {m.path: m.raw for m in reading.members}["\u00e9.txt"] == "e\u0301.txt".encode()


@pytest.mark.parametrize("kind", ["link", "dangling", "folder-link"])
def test_links_are_refused_and_alarm(kind: str, export: Path) -> None:
    target = {"link": "甲.txt", "dangling": "nowhere", "folder-link": "/etc"}[kind]
    (export / "link").symlink_to(target)
    (finding,) = findings(export)
    assert (finding.code, finding.verdict, finding.alarm) == ("FS-SPECIAL-FILE", Verdict.REJECT, True)


def test_export_that_is_itself_a_link_is_refused(export: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(export)
    assert codes(link) == [("FS-SPECIAL-FILE", "link")]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(export: Path) -> None:
    with FolderPacker().read([export], STANDARD) as reading:
        (member,) = [one for one in reading.members if one.path == "甲.txt"]
        (export / "甲.txt").unlink()
        os.mkfifo(export / "甲.txt")
        with member.open() as stream:
            assert stream.read() == b""


def test_fifo_and_socket_are_refused_without_being_opened(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(export / "fifo")
    monkeypatch.chdir(export)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        assert codes(export) == [("FS-SPECIAL-FILE", "device"), ("FS-SPECIAL-FILE", "socket")]


def test_leftovers_are_dropped_and_traced(export: Path) -> None:
    for name in ("~$甲.doc", "Thumbs.db", ".DS_Store", ".~lock.甲.odt#", "desktop.ini"):
        (export / name).write_bytes(b"x")
    (export / "__MACOSX").mkdir()
    (export / "__MACOSX" / "._甲").write_bytes(b"x")
    with FolderPacker().read([export], STANDARD) as reading:
        assert [(f.code, f.verdict, f.facts["count"]) for f in reading.findings] == [("FS-LEFTOVER", Verdict.FIX, 6)]
        assert [m.path for m in reading.members] == ["甲.txt"]
        assert len(reading.package.dropped) == 6


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"NUL", "reserved"),
        (b"ab:c", "stream"),
        (b"a\\b", "separator"),
        (b"end.", "trailing"),
        (b"a\nb", "control"),
        ("a\u202eb".encode(), "direction"),
        (b"\xff\xfe\x80", "undecodable"),
    ],
)
def test_names_that_cannot_be_written_everywhere_are_refused(name: bytes, why: str, export: Path) -> None:
    (export / os.fsdecode(name)).write_bytes(b"x")
    assert codes(export) == [("FS-NAME-UNUSABLE", why)]


def test_names_that_fall_together_are_refused(export: Path) -> None:
    (export / "A.txt").write_bytes(b"1")
    (export / "a.TXT").write_bytes(b"2")
    assert codes(export) == [("FS-DUP-NAME", "")]


def test_a_file_beside_a_folder_of_the_same_name_is_refused(export: Path) -> None:
    """Elsewhere, where case does not tell names apart, one of them could not be written."""
    (export / "a").write_bytes(b"1")
    (export / "A").mkdir()
    (export / "A" / "x").write_bytes(b"2")
    found = [finding for finding in findings(export) if finding.verdict is Verdict.REJECT]
    assert [(finding.code, finding.facts) for finding in found] == [("FS-DUP-NAME", {"file": "a", "other": "A/x"})]


def test_too_deep_a_folder_is_refused_without_recursion(export: Path) -> None:
    export.joinpath(*(["d"] * (MAX_DEPTH + 5))).mkdir(parents=True)
    assert codes(export) == [("FS-NAME-UNUSABLE", "deep")]


def test_a_folder_deeper_than_any_path_reaches_is_refused(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(export)
    for _ in range(20):
        Path("n" * 255).mkdir()
        os.chdir("n" * 255)
    assert codes(export) == [("FS-NAME-UNUSABLE", "long")]


def test_too_many_members_are_refused(export: Path) -> None:
    (export / "b").write_bytes(b"x")
    assert [f.code for f in findings(export, FolderPacker(max_members=1))] == ["FS-LIMIT"]


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert codes(tmp_path / "empty") == [("FS-EMPTY", "")]


def test_whole_path_that_is_too_long_gets_a_short_one(export: Path) -> None:
    folder = export
    for n in range(10):
        folder = folder / (chr(0x4E00 + n) * 80)
        folder.mkdir()
    (folder / "末.pdf").write_bytes(b"x")
    with FolderPacker().read([export], STANDARD) as reading:
        (path,) = (m.path for m in reading.members if m.path != "甲.txt")
        assert path.startswith("~long/末~")
        assert [f.code for f in reading.findings] == ["NAME-TOO-LONG"]
        assert reading.package.renamed == (Renamed(path, (folder / "末.pdf").relative_to(export).as_posix()),)


def test_file_replaced_by_a_link_after_listing_is_not_followed(export: Path) -> None:
    with FolderPacker().read([export], STANDARD) as reading:
        (export / "甲.txt").unlink()
        (export / "甲.txt").symlink_to("/etc/passwd")
        (member,) = reading.members
        with pytest.raises(OSError, match="symbolic"):
            member.open()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_folder_replaced_by_a_link_after_listing_is_not_followed(export: Path, tmp_path: Path, depth: int) -> None:
    folders = [export / "卷", export / "卷" / "册", export / "卷" / "册" / "页"]
    folders[-1].mkdir(parents=True)
    (folders[-1] / "末.pdf").write_bytes(b"theirs")
    with FolderPacker().read([export], STANDARD) as reading:
        (member,) = (one for one in reading.members if one.path.endswith("末.pdf"))
        with member.open() as stream:
            assert stream.read() == b"theirs"
        away = tmp_path / "away"
        folders[depth - 1].rename(away)
        below = away.joinpath(*folders[-1].parts[len(folders[depth - 1].parts) :])
        (below / "末.pdf").write_bytes(b"secret")
        folders[depth - 1].symlink_to(away)
        with pytest.raises(OSError, match="directory"):
            member.open()


def test_candidates_leave_out_what_is_no_export() -> None:
    names = ["案卷", "单件.pdf", ".hidden", "a.tmp", "b.PART", "~$x.doc", "Thumbs.db"]
    found = FolderPacker().candidates([Entry(n, False, 1, 1, 1) for n in names])
    assert {c.name for c in found} == {"案卷", "单件.pdf"}


def test_write_publishes_everything_by_one_name(tmp_path: Path) -> None:
    root, into = tmp_path / "root", tmp_path / "into"
    (root / "深").mkdir(parents=True)
    into.mkdir()
    (root / "深" / "一.txt").write_bytes(b"1")
    case = CasePackage(Source("folder", "x"), case_no="A1")
    assert FolderPacker().write(Packet(case, root, {}, "A1_00", STANDARD), into) == ("A1_00",)
    assert {p.relative_to(into).as_posix() for p in into.rglob("*") if p.is_file()} == {
        "A1_00/content/深/一.txt",
        f"A1_00/{CASE_FILE}",
        f"A1_00/{READY}",
    }
    assert CasePackage.from_json((into / "A1_00" / CASE_FILE).read_bytes()) == case
