"""Publishing: once, whole, in order, over nobody's file, wherever it is interrupted and however quick the reader is."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.folders import disk
from gateway.folders.deliver import publish
from tests.support.crashing import dies_at, fails_at, interrupted
from tests.unit.folders.conftest import refuse_renames_across

CONTENT = {"case.xml": b"<case/>", "docs": b"page", "case.ok": b""}
NAMES = tuple(CONTENT)


def stage(staging: Path, names: Sequence[str] = NAMES) -> Path:
    disk.remove_tree(staging)
    disk.owner_only(staging)
    for name in names:
        if name == "docs":
            (staging / name).mkdir()
            (staging / name / "1.pdf").write_bytes(CONTENT[name])
        else:
            (staging / name).write_bytes(CONTENT[name])
    return staging


def delivered(inbound: Path) -> dict[str, bytes]:
    return {
        path.name: (path / "1.pdf").read_bytes() if path.is_dir() else path.read_bytes() for path in inbound.iterdir()
    }


def collect(inbound: Path) -> None:
    for path in inbound.iterdir():
        disk.remove_tree(path)


@pytest.fixture(params=["one filesystem", "two filesystems", "two bind mounts"])
def inbound(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "in"
    if request.param == "two filesystems":
        folder = request.getfixturevalue("other_device") / "in"
    folder.mkdir()
    if request.param == "two bind mounts":
        refuse_renames_across(folder, monkeypatch)
    return folder


def test_all_entries_appear_and_publishing_again_changes_nothing(tmp_path: Path, inbound: Path) -> None:
    staging = stage(tmp_path / "imports")
    for _ in range(2):
        publish(staging, NAMES, inbound)
        assert delivered(inbound) == CONTENT


def test_case_software_may_read_what_was_delivered(tmp_path: Path, inbound: Path) -> None:
    inbound.chmod(0o775)
    publish(stage(tmp_path / "imports"), NAMES, inbound)
    assert stat.S_IMODE((inbound / "case.xml").stat().st_mode) == 0o664
    assert stat.S_IMODE((inbound / "docs").stat().st_mode) == 0o775
    assert stat.S_IMODE((inbound / "docs" / "1.pdf").stat().st_mode) == 0o664


def test_death_at_any_point_delivers_once_and_the_mark_is_never_early(tmp_path: Path, inbound: Path) -> None:
    staging = stage(tmp_path / "imports")
    points = 0
    while dies_at(points, lambda: publish(staging, NAMES, inbound)):
        seen = {path.name for path in inbound.iterdir() if not path.name.startswith(".")}
        assert "case.ok" not in seen or seen == set(NAMES)
        publish(staging, NAMES, inbound)
        assert delivered(inbound) == CONTENT
        collect(inbound)
        stage(staging)
        points += 1
    assert points > 10


def test_what_was_collected_before_we_recovered_is_not_delivered_again(tmp_path: Path, inbound: Path) -> None:
    staging = stage(tmp_path / "imports")
    points = collected_all = 0
    while dies_at(points, lambda: publish(staging, NAMES, inbound)):
        taken = [path for path in inbound.iterdir() if not path.name.startswith(".")]
        if len(taken) == len(NAMES):
            collect(inbound)
            publish(staging, NAMES, inbound)
            assert delivered(inbound) == {}
            collected_all += 1
        collect(inbound)
        stage(staging)
        points += 1
    assert collected_all >= 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_error_at_any_point_is_survived_by_trying_again(tmp_path: Path, inbound: Path, number: int) -> None:
    staging = stage(tmp_path / "imports")
    codes: set[str] = set()
    at = 0
    while True:
        try:
            if not fails_at(at, OSError(number, "x"), lambda: publish(staging, NAMES, inbound)):
                break
        except GatewayError as error:
            codes.add(error.code)
        publish(staging, NAMES, inbound)
        assert delivered(inbound) == CONTENT
        collect(inbound)
        stage(staging)
        at += 1
    assert at > 10
    assert codes == {"local-io" if number == errno.EIO else "disk-full"}


def test_content_is_on_the_disk_before_any_name_and_the_others_before_the_mark(tmp_path: Path) -> None:
    inbound = tmp_path / "in"
    inbound.mkdir()
    with interrupted(-1, lambda: None) as met:
        publish(stage(tmp_path / "imports"), NAMES, inbound)
    renames = [index for index, name in enumerate(met) if name == "rename-new"]
    assert len(renames) == len(NAMES)
    assert met[: renames[0]].count("fsync") >= 4
    assert met[renames[-1] - 1] == "fsync"
    assert met[-2:] == ["fsync", "fsync"]


@pytest.mark.parametrize("taken", NAMES)
def test_a_strangers_file_is_never_overwritten(tmp_path: Path, inbound: Path, taken: str) -> None:
    staging = stage(tmp_path / "imports")
    (inbound / taken).write_bytes(b"theirs")
    with pytest.raises(PermanentError) as caught:
        publish(staging, NAMES, inbound)
    assert (caught.value.code, caught.value.scope) == ("name-taken-inbound", Scope.ROUTE)
    assert delivered(inbound) == {taken: b"theirs"}
    (inbound / taken).unlink()
    publish(staging, NAMES, inbound)
    assert delivered(inbound) == CONTENT


def test_a_stranger_that_comes_between_two_renames_is_not_overwritten(tmp_path: Path) -> None:
    inbound = tmp_path / "in"
    inbound.mkdir()
    staging = stage(tmp_path / "imports")
    with interrupted(-1, lambda: None) as met:
        publish(staging, NAMES, inbound)
    last = [index for index, name in enumerate(met) if name == "rename-new"][-1]
    collect(inbound)
    stage(staging)
    with interrupted(last, lambda: disk.write_durably(inbound / "case.ok", b"theirs")), pytest.raises(PermanentError):
        publish(staging, NAMES, inbound)
    assert (inbound / "case.ok").read_bytes() == b"theirs"
    (inbound / "case.ok").unlink()
    publish(staging, NAMES, inbound)
    assert delivered(inbound) == CONTENT


def test_an_import_that_was_never_staged_is_not_taken_for_published(tmp_path: Path, inbound: Path) -> None:
    staging = stage(tmp_path / "imports", NAMES[:2])
    for folder in (staging, tmp_path / "never"):
        with pytest.raises(PermanentError) as caught:
            publish(folder, NAMES, inbound)
        assert caught.value.code == "staging-missing"
    assert delivered(inbound) == {}


def test_an_unmounted_or_missing_inbound_folder_gets_nothing(tmp_path: Path) -> None:
    staging = stage(tmp_path / "imports")
    inbound = tmp_path / "in"
    with pytest.raises(PermanentError) as missing:
        publish(staging, NAMES, inbound)
    assert missing.value.code == "folder-missing"
    inbound.write_text("a file")
    with pytest.raises(PermanentError) as not_a_folder:
        publish(staging, NAMES, inbound)
    assert not_a_folder.value.code == "folder-missing"
    inbound.unlink()
    inbound.mkdir()
    with pytest.raises(TransientError) as unmounted:
        publish(staging, NAMES, inbound, sentinel=".mounted")
    assert (unmounted.value.code, unmounted.value.scope) == ("mount-missing", Scope.ROUTE)
    assert delivered(inbound) == {}
    (inbound / ".mounted").touch()
    publish(staging, NAMES, inbound, sentinel=".mounted")
    assert (inbound / "case.ok").exists()


@pytest.mark.parametrize("names", [(), ("a", "a"), ("../a",), (".hidden",), ("a/b",), ("",), ("a\0b",)])
def test_unsafe_entry_names_are_a_mistake_of_the_packer(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="distinct visible names"):
        publish(tmp_path, names, tmp_path)


def test_names_in_another_encoding_are_published_byte_for_byte(tmp_path: Path, inbound: Path) -> None:
    name = os.fsdecode("案件信息.xml".encode("gb18030"))
    staging = tmp_path / "imports"
    staging.mkdir()
    (staging / name).write_bytes(b"x")
    publish(staging, [name], inbound)
    assert [os.fsencode(path.name) for path in inbound.iterdir()] == ["案件信息.xml".encode("gb18030")]


def test_a_share_that_goes_away_in_the_middle_is_waited_for(tmp_path: Path, inbound: Path) -> None:
    sentinel, away = inbound / ".mounted", inbound.with_name("away")
    codes = set()
    for at in range(100):
        staging = stage(tmp_path / "imports")
        sentinel.touch()
        with interrupted(at, lambda: inbound.rename(away)) as met:
            try:
                publish(staging, NAMES, inbound, sentinel=sentinel.name)
            except GatewayError as error:
                codes.add((error.code, type(error), error.scope))
        if len(met) <= at:
            break
        away.rename(inbound)
        publish(staging, NAMES, inbound, sentinel=sentinel.name)
        sentinel.unlink()
        assert delivered(inbound) == CONTENT, (at, met[-1])
        collect(inbound)
    assert codes == {("mount-missing", TransientError, Scope.ROUTE)}
    assert 5 < at < 99
