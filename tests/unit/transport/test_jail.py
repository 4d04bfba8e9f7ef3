"""A disk that fails under a guest's deposit, which no client can provoke."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import asyncssh
import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.ids import unit_code, wire_name
from gateway.transport import disk
from gateway.transport.disk import temp_name
from gateway.transport.hosted import create_mailbox
from gateway.transport.jail import GuestSession
from gateway.transport.quota import Mailbox

NAME = wire_name("0123456789abcdef0123456789abcdef.cfb")
TEMP = b"/in/" + temp_name(NAME).encode()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return create_mailbox(tmp_path, unit_code("330102000000")) / "in"


def a_session(inbox: Path) -> GuestSession:
    mailbox = Mailbox(inbox.parent, 1 << 40, 1000, SystemClock())
    # The channel is what the library sends answers over; nothing here sends any.
    return GuestSession(
        cast("Any", None),
        mailbox,
        active=lambda: None,
        deposited=lambda: None,
        growing=lambda: None,
        ended=lambda _session: None,
    )


def failing(_descriptor: int) -> None:
    raise OSError(errno.EIO, "the disk is failing")


async def deposit(session: GuestSession, size: int) -> object:
    flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
    handle = await session.open(TEMP, flags, asyncssh.SFTPAttrs())
    for offset in range(0, size, 1 << 20):
        await session.write(handle, offset, b"x" * (1 << 20))
    return handle


@pytest.mark.parametrize("call", ["fsync", "settle_writeback"])
def test_what_the_disk_may_have_lost_is_never_published(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    async def scenario() -> None:
        session = a_session(inbox)
        handle = await deposit(session, 40 << 20)
        with monkeypatch.context() as patch:
            patch.setattr(os if call == "fsync" else disk, call, failing)
            if call == "settle_writeback":
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
    monkeypatch.setattr(disk, "settle_writeback", counted("settle", disk.settle_writeback))
    monkeypatch.setattr(disk, "start_writeback", counted("start", disk.start_writeback))
    asyncio.run(scenario())
    # What is small beside it would wait for each sync.
    assert (calls.count("settle"), calls.count("fdatasync")) == (3, 0)
    assert "start" in calls
    assert (inbox / NAME).stat().st_size == 100 << 20
