"""What every transport promises of the bytes it moves, and every error that a mailbox can cause."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.domain.ids import WireName, wire_name
from gateway.transport.errors import CODES
from tests.contract.transport.conftest import Site, without_privileges

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
OTHER = wire_name("fedcba9876543210fedcba9876543210.cfb")
LARGE = 24 << 20
"""Bytes; more than any adapter has under way at once."""


def refused(code: str) -> AbstractContextManager[pytest.ExceptionInfo[GatewayError]]:
    """Expect exactly this error, with the kind and scope that the contract gives it."""

    def is_it(error: GatewayError) -> bool:
        return error.code == code and (type(error), error.scope) == CODES[code]

    return pytest.raises(GatewayError, check=is_it)


def a_file(folder: Path, size: int) -> Path:
    path = folder / "source"
    pattern = bytes(range(251))
    path.write_bytes((pattern * (size // len(pattern) + 1))[:size])
    return path


@pytest.mark.parametrize("size", [0, 1, 3000, 32 << 10, (1 << 20) + 1, LARGE])
def test_a_deposit_arrives_byte_for_byte_and_alone(site: Site, tmp_path: Path, size: int) -> None:
    source = a_file(tmp_path, size)
    seen: list[int] = []
    site.transport.deposit(source, NAME, seen.append)
    assert site.arrived() == {NAME: source.read_bytes()}
    assert seen == sorted(seen)
    assert seen[-1:] == ([size] if size else [])
    assert all(b - a <= 4 << 20 for a, b in zip([0, *seen], seen, strict=False))


def test_a_deposit_may_be_repeated(site: Site, tmp_path: Path) -> None:
    source = a_file(tmp_path, 5000)
    site.transport.deposit(source, NAME)
    before = [path.stat() for path in site.carriers(NAME, site.theirs)]
    seen: list[int] = []
    site.transport.deposit(source, NAME, seen.append)
    assert [path.stat() for path in site.carriers(NAME, site.theirs)] == before
    assert seen == []
    assert list(site.arrived()) == [NAME]


def test_a_name_that_is_taken_is_left_alone(site: Site, tmp_path: Path) -> None:
    source = a_file(tmp_path, 5000)
    site.transport.deposit(source, NAME)
    source.write_bytes(b"x" * 5001)
    with refused("name-taken"):
        site.transport.deposit(source, NAME)
    assert site.arrived() == {NAME: a_file(tmp_path, 5000).read_bytes()}


def test_what_a_broken_attempt_left_is_taken_over(site: Site, tmp_path: Path) -> None:
    site.temp_of(NAME).write_bytes(b"half of something" * 1000)
    source = a_file(tmp_path, 5000)
    site.transport.deposit(source, NAME)
    assert site.arrived() == {NAME: source.read_bytes()}


def test_leftovers_beside_a_finished_deposit_are_cleaned_up(site: Site, tmp_path: Path) -> None:
    source = a_file(tmp_path, 5000)
    site.transport.deposit(source, NAME)
    site.temp_of(NAME).write_bytes(b"half")
    site.transport.deposit(source, NAME)
    assert list(site.arrived()) == [NAME]


def test_a_missing_source_is_our_own_disk(site: Site, tmp_path: Path) -> None:
    with refused("local-io"):
        site.transport.deposit(tmp_path / "absent", NAME)
    assert site.arrived() == {}


def test_a_source_that_shrinks_is_not_published(site: Site, tmp_path: Path) -> None:
    source = a_file(tmp_path, LARGE)

    def shrink(_done: int) -> None:
        os.truncate(source, 0)

    with refused("local-io"):
        site.transport.deposit(source, NAME, shrink)
    assert site.arrived() == {}
    site.transport.deposit(a_file(tmp_path, 10), NAME)
    assert list(site.arrived()) == [NAME]


def test_what_does_not_fit_is_not_even_begun(site: Site, tmp_path: Path) -> None:
    source = tmp_path / "huge"
    source.touch()
    free = os.statvfs(site.theirs)
    os.truncate(source, free.f_bavail * free.f_frsize + (8 << 30))
    seen: list[int] = []
    with refused("mailbox-full"):
        site.transport.deposit(source, NAME, seen.append)
    assert seen == []
    assert site.arrived() == {}


def test_the_bytes_of_a_deposit_are_nobody_elses(site: Site, tmp_path: Path) -> None:
    site.transport.deposit(a_file(tmp_path, 10), NAME)
    for path in site.carriers(NAME, site.theirs):
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_a_listing_has_complete_wire_names_only(site: Site) -> None:
    site.leave(NAME, b"12345")
    site.leave(OTHER, b"")
    for stranger in (
        f".{NAME}.part",
        ".hidden",
        "with space.cfb",
        "a" * 101,
        "笔录.cfb".encode("gbk"),
        "笔录.cfb".encode(),
        b"bad\xff\xfe.cfb",
        b"new\nline.cfb",
    ):
        site.leave(stranger, b"x")
    (site.waiting / "folder.cfb").mkdir()
    (site.waiting / "link.cfb").symlink_to(site.waiting / NAME)
    (site.waiting / "dangling.cfb").symlink_to("/nowhere")
    os.mkfifo(site.waiting / "fifo.cfb")
    assert sorted((entry.name, entry.size) for entry in site.transport.listing()) == [(NAME, 5), (OTHER, 0)]


def test_a_long_listing_is_whole(site: Site) -> None:
    names = {f"{number:032x}.cfb" for number in range(300)}
    for name in names:
        site.leave(name, b"")
    assert {entry.name for entry in site.transport.listing()} == names


@pytest.mark.parametrize("length", [0, 1, 4999, 5000, 6000, 100_000])
def test_a_head_is_as_long_as_asked_or_as_there_is(site: Site, tmp_path: Path, length: int) -> None:
    data = a_file(tmp_path, 70_000).read_bytes()
    site.leave(NAME, data)
    assert site.transport.head(NAME, length) == data[:length]


@pytest.mark.parametrize("size", [0, 1, 3000, 255 << 10, (255 << 10) + 1, LARGE])
def test_a_fetch_brings_the_very_bytes(site: Site, tmp_path: Path, size: int) -> None:
    data = a_file(tmp_path, size).read_bytes()
    site.leave(NAME, data)
    into = tmp_path / "into"
    into.write_bytes(b"what an earlier attempt left" * 100)
    seen: list[int] = []
    site.transport.fetch(NAME, into, size, seen.append)
    assert into.read_bytes() == data
    assert seen == sorted(seen)
    assert seen[-1:] == ([size] if size else [])
    assert site.transport.head(NAME, size + 1) == data


@pytest.mark.parametrize("listed", [0, 4999, 5001, 10_000_000])
def test_a_file_that_is_not_as_listed_is_not_fetched(site: Site, tmp_path: Path, listed: int) -> None:
    site.leave(NAME, b"x" * 5000)
    with refused("size-mismatch"):
        site.transport.fetch(NAME, tmp_path / "into", listed)
    site.transport.fetch(NAME, tmp_path / "into", 5000)


def test_what_is_not_there_cannot_be_fetched(site: Site, tmp_path: Path) -> None:
    with refused("no-such-name"):
        site.transport.fetch(NAME, tmp_path / "into", 6)
    with refused("no-such-name"):
        site.transport.head(NAME, 6)
    assert not (tmp_path / "into").exists()


# OpenSSH follows links that the host itself put there; they are never listed, so nobody asks for them.
@pytest.mark.parametrize("site", ["folder", "gap", "hosted", "embedded"], indirect=True)
@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_what_is_no_file_cannot_be_fetched(site: Site, tmp_path: Path, kind: str) -> None:
    path = site.waiting / NAME
    (tmp_path / "secret").write_bytes(b"secret")
    if kind == "link":
        path.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with refused("no-such-name"):
        site.transport.fetch(NAME, tmp_path / "into", 6)
    with refused("no-such-name"):
        site.transport.head(NAME, 6)
    assert not (tmp_path / "into").exists()


def test_our_disk_failing_is_not_the_peers_fault(site: Site, tmp_path: Path) -> None:
    site.leave(NAME, b"x" * 5000)
    with refused("local-io"):
        site.transport.fetch(NAME, tmp_path / "absent" / "into", 5000)
    assert [entry.name for entry in site.transport.listing()] == [NAME]


def test_removing_takes_away_what_is_named(site: Site) -> None:
    names = [wire_name(f"{number:032x}.cfb") for number in range(150)]
    for name in names:
        site.leave(name, b"x")
    gone, kept = names[:149], names[149]
    site.transport.remove([*gone, OTHER])
    assert [entry.name for entry in site.transport.listing()] == [kept]
    site.transport.remove(gone)
    site.transport.remove([])
    assert [entry.name for entry in site.transport.listing()] == [kept]


def test_a_mailbox_in_order_passes_the_probe_and_stays_as_it_was(site: Site) -> None:
    site.leave(NAME, b"x")
    site.transport.probe()
    site.transport.probe()
    assert site.arrived() == {}
    assert [entry.name for entry in site.transport.listing()] == [NAME]


def test_a_missing_folder_to_deposit_into(site: Site, tmp_path: Path) -> None:
    site.theirs.rmdir()
    with refused("mailbox-missing"):
        site.transport.deposit(a_file(tmp_path, 10), NAME)
    with refused("mailbox-missing"):
        site.transport.probe()


def test_a_missing_folder_to_collect_from(site: Site) -> None:
    site.waiting.rmdir()
    with refused("mailbox-missing"):
        site.transport.listing()
    with refused("mailbox-missing"):
        site.transport.probe()


def test_a_closed_transport_opens_itself_again(site: Site, tmp_path: Path) -> None:
    site.transport.deposit(a_file(tmp_path, 10), NAME)
    site.transport.close()
    site.transport.close()
    site.transport.deposit(a_file(tmp_path, 10), OTHER)
    assert sorted(site.arrived()) == sorted([NAME, OTHER])


def test_several_threads_may_use_one_transport(site: Site, tmp_path: Path) -> None:
    def carry(number: int) -> None:
        source = tmp_path / f"source-{number}"
        source.write_bytes(bytes([number]) * 200_000)
        for round_ in range(5):
            name = WireName(f"{number:02x}{round_:030x}.cfb")
            site.transport.deposit(source, name)
            site.hand_over(name)
            site.transport.fetch(name, tmp_path / f"into-{number}", 200_000)
            assert (tmp_path / f"into-{number}").read_bytes() == source.read_bytes()
            site.transport.remove([name])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(carry, range(4)))
    assert site.transport.listing() == []


@pytest.mark.parametrize("site", ["folder", "gap", "hosted"], indirect=True)
def test_folders_that_refuse_us(site: Site) -> None:
    site.theirs.chmod(0o500)
    site.waiting.chmod(0o000)
    with without_privileges():
        with refused("mailbox-denied"):
            site.transport.probe()
        with refused("mailbox-denied"):
            site.transport.listing()
        with refused("mailbox-denied"):
            site.transport.deposit(Path(os.devnull), NAME)
    site.waiting.chmod(0o700)
