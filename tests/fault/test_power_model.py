"""The model of a power cut takes back what was not synced and nothing else, and what must outlast one does."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.ids import BundleId, LinkName, UnitCode
from gateway.folders import disk, order, trees
from gateway.folders.spool import Spool
from gateway.ledger.database import prepare_file
from gateway.transport.hosted import create_mailbox, keep_mailboxes
from tests.support.calls import met
from tests.support.powercuts import PowerCut
from tests.support.wholly import by_one_order, in_order

LINK, BUNDLE = LinkName("link"), BundleId("0" * 32)


def tree(root: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in sorted(root.rglob("*"))}


def after_a_cut(root: Path, action: Callable[[], object], *, names: bool = True) -> dict[str, bytes | None]:
    """Return what is below `root` once the power has gone right after `action`."""
    model = PowerCut(root)
    with met(model.around, root):
        action()
    model.cut(names=names)
    return tree(root)


def written(path: Path, content: bytes, *, file: bool = False, folder: bool = False) -> None:
    with path.open("wb", buffering=0) as stream:
        stream.write(content)
        if file:
            os.fsync(stream.fileno())
    if folder:
        disk.fsync_folder(path.parent)


def test_a_file_needs_both_its_bytes_and_its_name_synced(tmp_path: Path) -> None:
    assert after_a_cut(tmp_path, lambda: written(tmp_path / "a", b"new")) == {}
    assert after_a_cut(tmp_path, lambda: written(tmp_path / "a", b"new", file=True)) == {}
    assert after_a_cut(tmp_path, lambda: written(tmp_path / "a", b"new", folder=True)) == {"a": b""}
    assert after_a_cut(tmp_path, lambda: written(tmp_path / "a", b"new"), names=False) == {"a": b""}
    assert after_a_cut(tmp_path, lambda: written(tmp_path / "a", b"new", file=True, folder=True)) == {"a": b"new"}
    assert after_a_cut(tmp_path, lambda: written(tmp_path / "a", b"newer")) == {"a": b"new"}


def test_a_removed_name_comes_back(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"old")
    before = tree(tmp_path)
    assert after_a_cut(tmp_path, lambda: disk.remove_tree(tmp_path / "folder")) == before


def test_a_rename_is_one_effect_and_lasts_once_either_folder_is_synced(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    source, target = tmp_path / "here" / "a", tmp_path / "there" / "a"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    before = tree(tmp_path)
    assert after_a_cut(tmp_path, lambda: source.replace(target)) == before

    def durably() -> None:
        source.replace(target)
        disk.fsync_folder(target.parent)

    assert after_a_cut(tmp_path, durably) == {"here": None, "there": None, "there/a": b"new"}


def test_a_file_system_that_was_synced_as_a_whole_lost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_one_order(monkeypatch)

    def work() -> None:
        for name in "ab":
            (tmp_path / name).mkdir()
            written(tmp_path / name / "file", b"new")
        assert trees.fsync_trees([tmp_path / "a"]) == [None]
        written(tmp_path / "late", b"new")

    assert after_a_cut(tmp_path, work) == {"a": None, "a/file": b"new", "b": None, "b/file": b"new"}


def test_where_order_is_kept_bytes_that_were_settled_last_with_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order(monkeypatch)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    before = tree(tmp_path)
    foreign = tmp_path / "here" / "foreign"

    def settled() -> None:
        written(foreign, b"theirs")
        trees.settle_trees([foreign], tmp_path / "there")

    def concluded() -> None:
        settled()
        written(tmp_path / "here" / "forgotten", b"nobody's")
        disk.write_durably(tmp_path / "there" / "ours", b"ours")

    assert after_a_cut(tmp_path, settled) == before
    assert after_a_cut(tmp_path, concluded) == {
        **before,
        "here/foreign": b"theirs",
        "here/forgotten": b"",
        "there/ours": b"ours",
    }


def test_what_was_settled_and_not_concluded_is_lost_though_its_name_was_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order(monkeypatch)
    written(tmp_path / "theirs", b"old")
    before = tree(tmp_path)

    def settled() -> None:
        written(tmp_path / "theirs", b"new")
        trees.settle_trees([tmp_path / "theirs"], tmp_path)

    def through_a_folder() -> None:
        settled()
        order.conclude_in(tmp_path)

    def through_a_file() -> None:
        settled()
        disk.write_durably(tmp_path / "ours", b"ours")

    assert after_a_cut(tmp_path, settled) == before
    assert after_a_cut(tmp_path, through_a_folder) == before
    assert after_a_cut(tmp_path, through_a_file) == {"ours": b"ours", "theirs": b"new"}


def test_what_is_made_in_a_folder_that_moved_is_found(tmp_path: Path) -> None:
    def moved() -> None:
        (tmp_path / "a").mkdir()
        written(tmp_path / "a" / "x", b"x", file=True)
        (tmp_path / "a").rename(tmp_path / "b")
        disk.fsync_folder(tmp_path)

    assert after_a_cut(tmp_path, moved) == {"b": None}


def mailbox(folder: Path) -> None:
    """Make a mailbox as a server does before it is ready."""
    create_mailbox(folder, UnitCode("990102"))
    keep_mailboxes(folder)


@pytest.mark.parametrize(
    ("make", "made"),
    [
        (lambda root: disk.owner_only(root / "a" / "b"), {"a", "a/b"}),
        (lambda root: disk.write_durably(root / "a", b"x"), {"a"}),
        (lambda root: prepare_file(root / "ledger" / "ledger.db"), {"ledger"}),
        (lambda root: mailbox(root / "boxes"), {"boxes/990102/in", "boxes/990102/out"}),
        (lambda root: Spool(root / "spool").prepare(), {"spool/claims", "spool/inbound", "spool/staging"}),
        (lambda root: Spool(root / "spool").fetching(LINK, BUNDLE), {"spool/inbound/link"}),
        (lambda root: Spool(root / "spool").fresh_staging(LINK, BUNDLE).make(), {"spool/staging/link"}),
    ],
    ids=["folder", "file", "ledger", "mailbox", "spool", "fetching", "staging"],
)
def test_what_others_build_upon_outlasts_a_power_cut(
    tmp_path: Path, make: Callable[[Path], object], made: set[str]
) -> None:
    assert made <= after_a_cut(tmp_path, lambda: make(tmp_path)).keys()
