"""The write discipline: whole or not at all, never over a stranger, every failure named."""

import errno
import os
import stat
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway import linux
from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.folders import copying, disk, order, sharing, trees
from tests.support.calls import Call, met
from tests.support.crashing import dies_at, fails_at, interrupted
from tests.support.wholly import in_order


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_written_file_is_whole_or_untouched_wherever_the_writer_dies(tmp_path: Path) -> None:
    path = tmp_path / "note"
    path.write_bytes(b"old")
    points = 0
    while dies_at(points, lambda: disk.write_durably(path, b"new" * 1000)):
        assert path.read_bytes() in {b"old", b"new" * 1000}
        points += 1
    assert points >= 4
    assert path.read_bytes() == b"new" * 1000
    assert names(tmp_path) == ["note"]


def test_content_is_forced_out_before_the_name_and_the_name_after(tmp_path: Path) -> None:
    with interrupted(-1, lambda: None) as met:
        disk.write_many([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    assert met == ["create", "create", "fsync", "fsync", "replace", "replace", "fsync"]


def test_content_is_settled_before_the_name_and_both_are_synced_once_where_order_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order(monkeypatch)
    with interrupted(-1, lambda: None) as met:
        disk.write_many([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    assert met == ["create", "create", "settle", "settle", "replace", "replace", "conclude"]
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"1", b"2"]


@pytest.mark.parametrize(("at", "left"), [(2, b"old"), (3, b"old"), (5, b"new")], ids=["settle", "replace", "conclude"])
def test_where_order_is_kept_a_failure_before_the_name_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, left: bytes
) -> None:
    in_order(monkeypatch)
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(TransientError):
        fails_at(at, OSError(errno.EIO, "x"), lambda: disk.write_many([(path, b"new"), (tmp_path / "b", b"2")]))
    assert path.read_bytes() == left
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("name", "answer"), [("file_system", 0x9123683E), ("has_journal", False)])
def test_order_is_not_taken_for_kept_on_other_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, answer: object
) -> None:
    in_order(monkeypatch)
    assert order.is_kept_between(tmp_path)
    monkeypatch.setattr(linux, name, lambda _descriptor: answer)
    assert not order.is_kept_between(tmp_path)
    assert not order.is_kept_between(tmp_path, tmp_path / "missing")


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for_where_order_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order(monkeypatch)
    pipe, file = f"{tmp_path}/pipe", f"{tmp_path}/file"
    os.mkfifo(pipe)
    Path(file).write_bytes(b"x")
    outcomes = order.settle_all([pipe, file], f"{tmp_path}")
    assert outcomes is not None
    assert outcomes[pipe] is not None
    assert outcomes[file] is None


@pytest.mark.parametrize(
    ("number", "kind", "code", "scope"),
    [
        (errno.ENOSPC, TransientError, "disk-full", Scope.NODE),
        (errno.EDQUOT, TransientError, "disk-full", Scope.NODE),
        (errno.EIO, TransientError, "local-io", Scope.TRANSFER),
        (errno.ENOENT, PermanentError, "folder-missing", Scope.ROUTE),
        (errno.EACCES, PermanentError, "folder-denied", Scope.ROUTE),
        (errno.EROFS, PermanentError, "folder-denied", Scope.ROUTE),
    ],
)
def test_every_failure_of_the_disk_has_its_code(
    tmp_path: Path, number: int, kind: type[GatewayError], code: str, scope: Scope
) -> None:
    path = tmp_path / "张三.zip"
    path.write_bytes(b"old")
    with pytest.raises(kind) as caught:
        fails_at(1, OSError(number, os.strerror(number)), lambda: disk.write_durably(path, b"new"))
    assert (caught.value.code, caught.value.scope) == (code, scope)
    assert caught.value.facts == {"folder": str(tmp_path), "errno": errno.errorcode[number]}
    assert "张三" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["张三.zip"]


def test_a_failed_group_write_leaves_no_temporary(tmp_path: Path) -> None:
    items = [(tmp_path / "a", b"1"), (tmp_path / "b", b"2")]
    for at in range(6):
        with pytest.raises(TransientError):
            fails_at(at, OSError(errno.ENOSPC, "full"), lambda: disk.write_many(items))
        assert not [name for name in names(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("knows_noreplace", [True, False])
def test_a_new_name_never_replaces_a_file_a_folder_or_a_dangling_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knows_noreplace: bool
) -> None:
    if not knows_noreplace:
        monkeypatch.setattr(linux, "_NO_SUCH_FLAG", frozenset(range(200)))
        monkeypatch.setattr(linux, "_RENAME_NOREPLACE", 1 << 20)
    (tmp_path / "file").write_text("theirs")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    source = tmp_path / "source"
    for taken in ("file", "folder", "link"):
        source.write_text("ours")
        assert disk.rename_new(source, tmp_path / taken) is disk.Moved.TAKEN
        assert source.read_text() == "ours"
    assert disk.rename_new(source, tmp_path / "free") is disk.Moved.DONE
    assert (tmp_path / "free").read_text() == "ours"


def test_a_name_on_another_filesystem_is_said_to_be_elsewhere(tmp_path: Path, other_device: Path) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    assert disk.rename_new(source, other_device / "target") is disk.Moved.ELSEWHERE
    assert source.exists()


def test_private_folders_are_made_and_kept_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    disk.owner_only(folder)
    folder.chmod(0o755)
    disk.owner_only(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_removing_a_tree_may_be_repeated_from_any_point(tmp_path: Path) -> None:
    (tmp_path / "t" / "deep").mkdir(parents=True)
    (tmp_path / "t" / "deep" / "file").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (tmp_path / "t" / "link").symlink_to(outside)
    points = 0
    while dies_at(points, lambda: disk.remove_tree(tmp_path / "t")):
        points += 1
    disk.remove_tree(tmp_path / "t")
    assert points >= 3
    assert names(tmp_path) == ["outside"]
    assert (outside / "kept").exists()


def test_everything_below_a_tree_is_forced_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    (tmp_path / "b").write_text("2")
    (tmp_path / "link").symlink_to("nowhere")
    with interrupted(-1, lambda: None) as met:
        trees.fsync_tree(tmp_path)
    assert met == ["fsync"] * 4


def test_each_of_many_files_is_forced_out_and_one_that_fails_is_told(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number}").write_text("x")
    synced: list[str] = []

    def around(call: Call) -> Any:
        if call.name == "fsync":
            synced.append(Path(call.place).name)
            if call.place.endswith("/57"):
                raise OSError(errno.EIO, "bad block")
        return call.go()

    with met(around, tmp_path), pytest.raises(TransientError) as caught:
        trees.fsync_tree(tmp_path)
    assert caught.value.code == "local-io"
    (tmp_path / "57").unlink()
    synced.clear()
    with met(around, tmp_path):
        trees.fsync_tree(tmp_path)
    assert sorted(synced) == sorted([*(str(number) for number in range(100) if number != 57), tmp_path.name])


def test_readers_of_the_model_folder_can_read_what_is_put_into_it(tmp_path: Path) -> None:
    model = tmp_path / "inbound"
    model.mkdir()
    model.chmod(0o2770)
    tree = tmp_path / "tree"
    disk.owner_only(tree)
    disk.write_durably(tree / "file", b"x")
    sharing.adopt_access(tree, model.stat())
    assert stat.S_IMODE(tree.stat().st_mode) == 0o2770
    assert stat.S_IMODE((tree / "file").stat().st_mode) == 0o660


def test_names_of_any_encoding_can_be_shown() -> None:
    assert disk.printable("案卷") == "案卷"
    assert disk.printable(os.fsdecode("案卷".encode("gb18030"))) == "案卷"
    odd = disk.printable(os.fsdecode(b"a\xff"))
    assert odd == "a\\xff"


def test_a_copy_is_exact_and_keeps_times_and_links(tmp_path: Path, other_device: Path) -> None:
    source = tmp_path / "s"
    (source / "卷").mkdir(parents=True)
    (source / "卷" / os.fsdecode(b"\xc4\xe3")).write_bytes(os.urandom(3 << 20))
    (source / "link").symlink_to("nowhere")
    os.utime(source / "卷", ns=(1, 123_456_789))
    copying.copy_durably(source, other_device / "t")
    copied = other_device / "t" / "卷" / os.fsdecode(b"\xc4\xe3")
    original = source / "卷" / os.fsdecode(b"\xc4\xe3")
    assert copied.read_bytes() == original.read_bytes()
    assert copied.stat().st_mtime_ns == original.stat().st_mtime_ns
    assert (other_device / "t" / "卷").stat().st_mtime_ns == 123_456_789
    assert (other_device / "t" / "link").readlink() == Path("nowhere")


def test_a_source_that_changes_while_it_is_copied_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.write_bytes(b"before")

    def grow() -> None:
        with source.open("ab") as stream:
            stream.write(b" and after")

    with interrupted(0, grow), pytest.raises(TransientError) as caught:
        copying.copy_durably(source, tmp_path / "t")
    assert caught.value.code == "export-changed"


def test_a_copy_that_does_not_read_back_the_same_is_refused(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "t"
    source.write_bytes(b"before")
    with interrupted(1, partial(target.write_bytes, b"rotten")), pytest.raises(TransientError) as caught:
        copying.copy_durably(source, target)
    assert caught.value.code == "local-io"


@pytest.mark.parametrize("target", ["n" * 300, "there"], ids=["too long", "taken"])
def test_a_copy_that_cannot_begin_leaves_nothing_open(tmp_path: Path, target: str) -> None:
    (tmp_path / "s").write_bytes(b"bytes")
    (tmp_path / "there").touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(TransientError):
        copying.copy_durably(tmp_path / "s", tmp_path / target)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_device_is_never_copied(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TransientError):
        copying.copy_durably(tmp_path / "pipe", tmp_path / "copy")
