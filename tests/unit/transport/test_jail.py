"""A disk that fails under a guest's deposit, which no client can provoke."""

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import asyncssh
import pytest

from gateway import linux
from gateway.domain.clock import SystemClock
from gateway.domain.ids import unit_code, wire_name
from gateway.transport.disk import temp_name
from gateway.transport.hosted import create_mailbox
from gateway.transport.jail import GuestSession
from gateway.transport.quota import Mailbox

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
TEMP = b"/in/" + temp_name(NAME).encode()
OTHER = wire_name("1123456789abcdef0123456789abcdef.cfb")
OTHER_TEMP = temp_name(OTHER)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return create_mailbox(tmp_path, unit_code("330102000000")) / "in"


class ChannelOf:
    """The channel of a guest that is there, or has left; nothing here sends answers over it."""

    def __init__(self, *, has_left: bool = False) -> None:
        self._has_left = has_left

    def is_closing(self) -> bool:
        return self._has_left


def a_session(inbox: Path, mailbox: Mailbox | None = None, *, has_left: bool = False) -> GuestSession:
    mailbox = mailbox or Mailbox(inbox.parent, 1 << 40, 1000, SystemClock())
    return GuestSession(
        cast("Any", ChannelOf(has_left=has_left)),
        mailbox,
        active=lambda: None,
        deposited=lambda: None,
        growing=lambda: None,
        ended=lambda _session: None,
    )


def two_sessions(inbox: Path) -> tuple[GuestSession, GuestSession]:
    mailbox = Mailbox(inbox.parent, 1 << 40, 1000, SystemClock())
    return a_session(inbox, mailbox), a_session(inbox, mailbox)


def failing(_descriptor: int) -> None:
    raise OSError(errno.EIO, "the disk is failing")


async def deposit(session: GuestSession, size: int) -> object:
    flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
    handle = await session.open(TEMP, flags, asyncssh.SFTPAttrs())
    for offset in range(0, size, 1 << 20):
        await session.write(handle, offset, b"x" * (1 << 20))
    return handle


@pytest.mark.parametrize("call", ["fsync", "settle_writing"])
def test_what_the_disk_may_have_lost_is_never_published(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    async def scenario() -> None:
        session = a_session(inbox)
        handle = await deposit(session, 40 << 20)
        with monkeypatch.context() as patch:
            patch.setattr(os if call == "fsync" else linux, call, failing)
            if call == "settle_writing":
                # The push that began while the disk was in order is awaited first.
                await deposit_more(session, handle)
            with pytest.raises(OSError, match="failing"):
                await session.fsync(handle)
        await session.close(handle)
        with pytest.raises(FileNotFoundError):
            await session.rename(TEMP, b"/in/" + NAME.encode())

    async def deposit_more(session: GuestSession, handle: object) -> None:
        for offset in range(40 << 20, 80 << 20, 1 << 20):
            await session.write(handle, offset, b"x" * (1 << 20))

    asyncio.run(scenario())
    assert list(inbox.iterdir()) == []


@pytest.mark.parametrize("has_left", [False, True])
def test_a_failing_disk_is_told_to_a_guest_that_is_there_and_never_stops_the_closing_after_one_that_left(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, *, has_left: bool
) -> None:
    async def scenario() -> None:
        session = a_session(inbox, has_left=has_left)
        handle = await deposit(session, 1 << 20)
        monkeypatch.setattr(os, "fsync", failing)
        with nullcontext() if has_left else pytest.raises(OSError, match="failing"):
            await session.close(handle)
        assert not session.has_open_files

    asyncio.run(scenario())
    assert list(inbox.iterdir()) == []


def test_what_is_renamed_while_it_is_open_is_durable_and_without_a_gap(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def synced(descriptor: int) -> None:
        calls.append("file" if stat.S_ISREG(os.fstat(descriptor).st_mode) else "folder")

    async def scenario() -> None:
        session = a_session(inbox)
        handle = await deposit(session, 1 << 20)
        await session.write(handle, 3 << 20, b"behind a gap")
        monkeypatch.setattr(os, "fsync", synced)
        await session.rename(TEMP, b"/in/" + NAME.encode())
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await session.write(handle, 1 << 20, b"too late")
        await session.close(handle)

    asyncio.run(scenario())
    assert calls == ["file", "folder"]
    assert (inbox / NAME).read_bytes() == b"x" * (1 << 20)


@pytest.mark.parametrize("keeps_order", [True, False])
def test_what_is_short_lasts_with_its_name_where_the_disk_keeps_order(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, *, keeps_order: bool
) -> None:
    calls: list[str] = []

    def noted(name: str, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
            calls.append(f"{name} {kind}")
            real(descriptor)

        return call

    async def scenario() -> None:
        session = a_session(inbox)
        handle = await session.open(TEMP, asyncssh.FXF_WRITE | asyncssh.FXF_CREAT, asyncssh.SFTPAttrs())
        await session.write(handle, 0, b"a bundle")
        await session.fsync(handle)
        await session.close(handle)
        await session.rename(TEMP, b"/in/" + NAME.encode())
        # Its session is gone with the server that had it open: nobody knows whether its bytes were forced out.
        (inbox / OTHER_TEMP).write_bytes(b"another")
        await session.rename(b"/in/" + OTHER_TEMP.encode(), b"/in/" + OTHER.encode())

    monkeypatch.setattr(linux, "keeps_order", lambda _descriptor: keeps_order)
    monkeypatch.setattr(linux, "finish_writing", noted("settle", linux.finish_writing))
    monkeypatch.setattr(os, "fsync", noted("fsync", os.fsync))
    asyncio.run(scenario())
    each = ["settle file", "fsync file"] if keeps_order else ["fsync file", "fsync folder"]
    assert calls == each * 2
    assert [(inbox / name).read_bytes() for name in (NAME, OTHER)] == [b"a bundle", b"another"]


def test_nothing_is_written_into_what_another_session_is_publishing(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        session, other = two_sessions(inbox)
        handle = await deposit(session, 1 << 20)
        renaming = asyncio.ensure_future(other.rename(TEMP, b"/in/" + NAME.encode()))
        monkeypatch.setattr(os, "fsync", waiting)
        while not begun.is_set():
            await asyncio.sleep(0)
        try:
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await session.write(handle, 1 << 20, b"too late")
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await session.open(TEMP, asyncssh.FXF_WRITE, asyncssh.SFTPAttrs())
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await session.rename(TEMP, b"/in/" + NAME.encode())
        finally:
            go_on.set()
        await renaming
        await session.close(handle)

    begun, go_on = threading.Event(), threading.Event()

    def waiting(_descriptor: int) -> None:
        begun.set()
        go_on.wait()

    asyncio.run(scenario())
    assert (inbox / NAME).stat().st_size == 1 << 20


def test_a_large_deposit_is_written_out_while_it_grows_and_synced_once(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counted(name: str, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            calls.append(name)
            real(descriptor)

        return call

    async def scenario() -> None:
        session = a_session(inbox)
        await session.close(await deposit(session, 100 << 20))
        await session.rename(TEMP, b"/in/" + NAME.encode())

    monkeypatch.setattr(os, "fdatasync", counted("fdatasync", os.fdatasync))
    monkeypatch.setattr(linux, "settle_writing", counted("settle", linux.settle_writing))
    monkeypatch.setattr(linux, "start_writing", counted("start", linux.start_writing))
    asyncio.run(scenario())
    # What is small beside it would wait for each sync.
    assert (calls.count("settle"), calls.count("fdatasync")) == (3, 0)
    assert "start" in calls
    assert (inbox / NAME).stat().st_size == 100 << 20
