"""Publishing together: each import once, whole and in order, and none of them harmed by its neighbours."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.folders import disk
from gateway.folders.deliveries import Import, begun, is_begun, publish_together
from tests.support.crashing import dies_at, fails_at, interrupted
from tests.support.wholly import in_order
from tests.unit.folders.conftest import refuse_renames_across

MARKED = ("a.zip", "a.pdf", "a.ok")
PLAIN = ("b",)
GROUP = (MARKED, PLAIN)


@pytest.fixture(params=["one filesystem", "two bind mounts", "a disk that keeps order"])
def inbound(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    if request.param == "two bind mounts":
        refuse_renames_across(folder, monkeypatch)
    if request.param == "a disk that keeps order":
        in_order(monkeypatch)
    return folder


def stage(root: Path, group: Sequence[Sequence[str]] = GROUP) -> None:
    disk.remove_tree(root)
    for names in group:
        folder = root / names[0]
        disk.owner_only(folder)
        for name in names:
            (folder / name).write_text(name)


def imports(root: Path) -> list[Import]:
    """Return the group with its folders under the names that they have by now."""
    folders = [root / names[0] for names in GROUP]
    return [
        Import(begun(folder) if begun(folder).exists() else folder, names)
        for folder, names in zip(folders, GROUP, strict=True)
    ]


def publish(root: Path, inbound: Path, **options: str) -> list[str | None]:
    found = publish_together(imports(root), inbound, **options, written_down_in=root.parent)
    with suppress(GatewayError):
        disk.write_durably(root.parent / "published", b"and written down")
    return [None if error is None else error.code for error in found]


def seen(inbound: Path) -> set[str]:
    return {path.name for path in inbound.iterdir() if not path.name.startswith(".")}


def collect(inbound: Path) -> None:
    for name in seen(inbound):
        (inbound / name).unlink()


def test_death_at_any_point_delivers_each_once_and_no_mark_is_early(tmp_path: Path, inbound: Path) -> None:
    root, points, everything = tmp_path / "staging", 0, {name for names in GROUP for name in names}
    stage(root)
    while dies_at(points, lambda: publish(root, inbound)):
        assert "a.ok" not in seen(inbound) or set(MARKED) <= seen(inbound)
        assert publish(root, inbound) == [None, None]
        assert seen(inbound) == everything
        collect(inbound)
        stage(root)
        points += 1
    assert points >= 6


def test_what_was_collected_before_we_recovered_is_not_delivered_again(tmp_path: Path, inbound: Path) -> None:
    root, points, taken_early = tmp_path / "staging", 0, 0
    stage(root)
    while dies_at(points, lambda: publish(root, inbound)):
        if taken := "b" in seen(inbound):
            (inbound / "b").unlink()
        assert publish(root, inbound) == [None, None]
        assert ("b" in seen(inbound)) is not taken
        taken_early += taken
        collect(inbound)
        stage(root)
        points += 1
    assert taken_early >= 1


def test_a_disk_error_at_any_point_is_survived_by_trying_again(tmp_path: Path, inbound: Path) -> None:
    root, at, met = tmp_path / "staging", 0, True
    while met:
        stage(root)
        met = fails_at(at, OSError(5, "x"), lambda: publish(root, inbound))
        assert publish(root, inbound) == [None, None], at
        assert len(seen(inbound)) == 4
        collect(inbound)
        at += 1
    assert at > 6


def test_imports_are_published_on_another_filesystem(tmp_path: Path, other_device: Path) -> None:
    root, inbound = tmp_path / "staging", other_device / "in"
    inbound.mkdir()
    stage(root)
    for _ in range(2):
        assert publish(root, inbound) == [None, None]
        assert seen(inbound) == {*MARKED, "b"}


def test_each_import_says_that_it_was_begun_before_the_first_name_moves(tmp_path: Path) -> None:
    root, inbound = tmp_path / "staging", tmp_path / "in"
    inbound.mkdir()
    stage(root)
    with interrupted(-1, lambda: None) as met:
        assert publish(root, inbound) == [None, None]
    assert met[:9] == [
        *("rename", "rename", "fsync"),  # both are begun
        *("rename-new", "rename-new", "fsync"),  # what the mark vouches for
        *("rename-new", "rename-new", "fsync"),  # the mark, and what has none
    ]
    assert all(is_begun(one.staging) for one in imports(root))


def test_where_order_is_kept_the_sync_that_follows_makes_all_of_it_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order(monkeypatch)
    root, inbound = tmp_path / "staging", tmp_path / "in"
    inbound.mkdir()
    stage(root)
    with interrupted(-1, lambda: None) as met:
        assert publish_together(imports(root), inbound, written_down_in=tmp_path) == [None, None]
    assert met == ["rename"] * 2 + ["rename-new"] * 4, "and the sync of what is written down next"


def test_a_strangers_file_is_never_overwritten_and_holds_up_nobody_else(tmp_path: Path, inbound: Path) -> None:
    root = tmp_path / "staging"
    stage(root)
    (inbound / "a.pdf").write_bytes(b"theirs")
    assert publish(root, inbound) == ["name-taken-inbound", None]
    assert (inbound / "a.pdf").read_bytes() == b"theirs"
    assert seen(inbound) == {"a.pdf", "b"}
    (inbound / "a.pdf").unlink()
    assert publish(root, inbound) == [None, None]
    assert seen(inbound) == {*MARKED, "b"}


def test_a_stranger_that_comes_between_two_renames_is_not_overwritten(tmp_path: Path) -> None:
    root, inbound = tmp_path / "staging", tmp_path / "in"
    inbound.mkdir()
    stage(root)
    with interrupted(6, lambda: disk.write_durably(inbound / "a.ok", b"theirs")):
        assert publish(root, inbound) == ["name-taken-inbound", None]
    assert (inbound / "a.ok").read_bytes() == b"theirs"
    (inbound / "a.ok").unlink()
    assert publish(root, inbound) == [None, None]
    assert (inbound / "a.ok").read_bytes() == b"a.ok"


def test_an_import_that_was_never_there_is_not_taken_for_published(tmp_path: Path, inbound: Path) -> None:
    root = tmp_path / "staging"
    stage(root, [("a.zip", "a.pdf"), PLAIN])
    assert publish(root, inbound) == ["staging-missing", None]
    assert seen(inbound) == {"b"}


def test_an_unmounted_or_missing_inbound_folder_gets_nothing(tmp_path: Path) -> None:
    root, inbound = tmp_path / "staging", tmp_path / "in"
    stage(root)
    assert publish(root, inbound) == ["folder-missing", "folder-missing"]
    inbound.mkdir()
    assert publish(root, inbound, sentinel=".mounted") == ["mount-missing", "mount-missing"]
    assert seen(inbound) == set()
    (inbound / ".mounted").touch()
    assert publish(root, inbound, sentinel=".mounted") == [None, None]


def test_a_share_that_goes_away_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    root, inbound, away = tmp_path / "staging", tmp_path / "in", tmp_path / "away"
    inbound.mkdir()
    (inbound / ".mounted").touch()
    for at in range(100):
        stage(root)
        with interrupted(at, lambda: inbound.rename(away)) as met:
            found: list[GatewayError | None] = publish_together(imports(root), inbound, sentinel=".mounted")
        if len(met) <= at:
            break
        assert {error.code for error in found if error is not None} == {"mount-missing"}
        away.rename(inbound)
        assert publish(root, inbound, sentinel=".mounted") == [None, None]
        assert len(seen(inbound)) == 4
        collect(inbound)
    assert at > 5
