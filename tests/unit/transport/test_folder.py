"""What only folders know: mounts that are gone, filesystems that cannot rename without overwriting."""

import errno
import os
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway import linux
from gateway.domain.errors import GatewayError
from gateway.domain.ids import unit_code, wire_name
from gateway.transport import disk
from gateway.transport.floors import Floors
from gateway.transport.folder import FolderTransport
from gateway.transport.hosted import HostedTransport, Mailboxes, create_mailbox, keep_mailboxes
from tests.support.calls import Call, met
from tests.support.crashing import fails_at

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
MARK = ".caseferry-mount"


def refused(code: str) -> AbstractContextManager[pytest.ExceptionInfo[GatewayError]]:
    return pytest.raises(GatewayError, check=lambda error: error.code == code)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"data")
    return path


@pytest.fixture
def mounted(tmp_path: Path) -> FolderTransport:
    for folder in ("out", "in"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / MARK).touch()
    return FolderTransport(tmp_path / "out", tmp_path / "in", sentinel=MARK)


def test_a_mounted_share_works_and_hides_its_sentinel(mounted: FolderTransport, source: Path) -> None:
    mounted.probe()
    mounted.deposit(source, NAME)
    assert mounted.listing() == []


def test_an_unmounted_share_is_a_fault_and_not_an_empty_mailbox(
    mounted: FolderTransport, source: Path, tmp_path: Path
) -> None:
    for folder in ("out", "in"):
        (tmp_path / folder / MARK).unlink()
    for call in (
        mounted.probe,
        mounted.listing,
        lambda: mounted.deposit(source, NAME),
        lambda: mounted.head(NAME, 1),
        lambda: mounted.fetch(NAME, tmp_path / "into", 1),
        lambda: mounted.remove([NAME]),
    ):
        with refused("mailbox-missing"):
            call()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_filesystem_without_exclusive_rename(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_names: object) -> None:
        raise OSError(22, "the filesystem does not know the flag")

    monkeypatch.setattr(linux, "_rename_exclusively", unknown)
    transport = FolderTransport(tmp_path, tmp_path)
    transport.deposit(source, NAME)
    assert (tmp_path / NAME).read_bytes() == b"data"
    source.write_bytes(b"other data")
    with refused("name-taken"):
        transport.deposit(source, NAME)
    (tmp_path / "temp").write_bytes(b"x")
    with disk.opened_folder(tmp_path) as folder, pytest.raises(FileExistsError):
        disk.publish("temp", NAME, folder)
    assert (tmp_path / NAME).read_bytes() == b"data"


@pytest.mark.parametrize(("held", "expected"), [(b"data", None), (b"rival data", "name-taken")])
def test_a_name_that_appears_while_we_copy(tmp_path: Path, source: Path, held: bytes, expected: str | None) -> None:
    transport = FolderTransport(tmp_path, tmp_path)

    def rival(_done: int) -> None:
        (tmp_path / NAME).write_bytes(held)

    if expected is None:
        transport.deposit(source, NAME, rival)
    else:
        with refused(expected):
            transport.deposit(source, NAME, rival)
    assert (tmp_path / NAME).read_bytes() == held
    assert not (tmp_path / disk.temp_name(NAME)).exists()


def test_a_progress_that_fails_leaves_nothing_behind(tmp_path: Path, source: Path) -> None:
    folder = tmp_path / "mailbox"
    folder.mkdir()

    def fail(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FolderTransport(folder, folder).deposit(source, NAME, fail)
    assert list(folder.iterdir()) == []


def test_a_file_that_shrinks_while_we_fetch_it(tmp_path: Path) -> None:
    waiting = tmp_path / NAME
    waiting.write_bytes(b"x" * (3 << 20))
    with refused("size-mismatch"):
        FolderTransport(tmp_path, tmp_path).fetch(
            NAME, tmp_path / "into", 3 << 20, lambda _done: os.truncate(waiting, 0)
        )


def test_a_mailbox_is_created_once_and_kept(tmp_path: Path) -> None:
    guest = unit_code("330102000000")
    HostedTransport(Mailboxes(tmp_path / "state" / "mailboxes"), guest)
    mailbox = create_mailbox(tmp_path / "state" / "mailboxes", guest)
    (mailbox / "in" / NAME).write_bytes(b"x")
    assert [entry.name for entry in HostedTransport(Mailboxes(tmp_path / "state" / "mailboxes"), guest).listing()] == [
        NAME
    ]


def test_a_new_mailbox_costs_one_sync_and_all_together_two_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(disk, "sync_folder", synced.append)
    made = [create_mailbox(tmp_path / "state" / "mailboxes", guest) for guest in ("330102000000", "330103000000")]
    keep_mailboxes(tmp_path / "state" / "mailboxes")
    assert synced == [*made, tmp_path / "state" / "mailboxes", tmp_path / "state"]


def test_a_mailbox_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused("mailbox-failed"):
        create_mailbox(tmp_path / "file", unit_code("330102000000"))


def test_a_mailbox_whose_making_met_a_passing_trouble_is_made_when_it_is_used(tmp_path: Path) -> None:
    made: list[HostedTransport] = []

    def start(boxes: Mailboxes) -> None:
        made.append(HostedTransport(boxes, "330102000000"))
        with suppress(GatewayError):
            boxes.keep()

    points = 0
    while fails_at(points, OSError(errno.EIO, "EIO"), partial(start, Mailboxes(tmp_path / f"{points}"))):
        made[-1].probe()
        points += 1
    assert points >= 7, "four folders and three syncs"


@pytest.mark.parametrize(
    ("temp", "owner"),
    [
        (disk.temp_name(NAME), NAME),
        (".a.part", "a"),
        (".part", None),
        ("..part", None),
        ("a.part", None),
        (".a", None),
        ("..a.part", None),
        (".a/b.part", None),
        (".a.part\n", None),
    ],
)
def test_a_temporary_name_tells_what_it_becomes(temp: str, owner: str | None) -> None:
    assert disk.temp_owner(temp) == owner


def test_what_is_hosted_on_the_same_disk_gets_a_second_name_instead_of_a_copy(tmp_path: Path) -> None:
    guest = unit_code("990102")
    transport = HostedTransport(Mailboxes(tmp_path / "mailboxes"), guest)
    waiting = tmp_path / "mailboxes" / guest / "in" / NAME
    waiting.write_bytes(b"bundle")
    into = tmp_path / "into"
    transport.fetch(NAME, into, 6)
    assert into.samefile(waiting)
    transport.remove([NAME])
    assert into.read_bytes() == b"bundle"


def test_what_we_leave_in_a_mailbox_of_ours_keeps_the_floors_of_our_disk(tmp_path: Path) -> None:
    guest = unit_code("990102")
    source = tmp_path / "source"
    for size, is_small in ((100, True), (101, False)):
        source.write_bytes(bytes(size))
        transport = HostedTransport(Mailboxes(tmp_path / "mailboxes"), guest, Floors(1 << 60, 0, 100))
        name = wire_name(f"{size}.cfb")
        if is_small:
            transport.deposit(source, name)
        else:
            with pytest.raises(GatewayError, match="mailbox-full"):
                transport.deposit(source, name)
    assert [path.name for path in (tmp_path / "mailboxes" / guest / "out").iterdir()] == ["100.cfb"]


def test_what_an_earlier_run_left_half_written_is_removed_once(
    mounted: FolderTransport, source: Path, tmp_path: Path
) -> None:
    """A receipt file is named by what it holds, so that after a crash another name may grow there."""
    abandoned = tmp_path / "out" / ".0000.cfr.part"
    abandoned.write_bytes(b"half")
    (tmp_path / "out" / ".strange").write_bytes(b"not ours")
    mounted.deposit(source, NAME)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [MARK, ".strange", NAME]
    abandoned.write_bytes(b"somebody's who deposits at the same time")
    mounted.deposit(source, wire_name("1111.cfr"))
    assert abandoned.exists()


def test_writing_out_early_changes_nothing_and_fails_nothing(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 5000)
    with path.open("rb") as file:
        linux.start_writing(file.fileno())
        assert path.read_bytes() == b"x" * 5000
    linux.start_writing(-1)


@pytest.mark.parametrize("is_copied", [False, True], ids=["second-name", "copied"])
def test_a_fetch_syncs_what_it_copies_and_leaves_the_rest_to_who_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_copied: bool
) -> None:
    boxes = Mailboxes(tmp_path / "state" / "mailboxes")
    transport = HostedTransport(boxes, "330102000000")
    (boxes.folder / "330102000000" / "in" / NAME).write_bytes(b"sealed")
    synced: list[str] = []

    def around(call: Call) -> Any:
        if call.name in {"fsync", "fdatasync", "syncfs"}:
            synced.append(call.place)
        if call.name == "link" and is_copied:
            raise OSError(errno.EXDEV, "another disk")
        return call.go()

    transport.listing()  # which has made the mailbox durable
    with met(around):
        transport.fetch(NAME, tmp_path / "into", 6)
    assert (tmp_path / "into").read_bytes() == b"sealed"
    assert [Path(place).name for place in synced] == (["into"] if is_copied else [])
