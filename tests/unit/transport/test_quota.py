"""What the server finds in a mailbox when it starts, and what it leaves free of its disk."""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.ids import unit_code, wire_name
from gateway.transport.disk import HEAD_START, temp_name
from gateway.transport.floors import Floors
from gateway.transport.hosted import create_mailbox
from gateway.transport.quota import Mailbox, QuotaError, Room
from tests.support.outbound import SettableClock

BIG, SMALL = (temp_name(wire_name(f"{digit * 32}.cfb")) for digit in "01")
WHOLE = f"{'2' * 32}.cfb"


def test_a_killed_server_leaves_only_what_is_worth_continuing(tmp_path: Path) -> None:
    root = create_mailbox(tmp_path, unit_code("990102"))
    for name, size in ((BIG, 100), (SMALL, 99), (HEAD_START, 1000), (WHOLE, 1)):
        (root / "in" / name).write_bytes(bytes(size))
    ours = root / "out" / SMALL
    ours.write_bytes(b"the daemon is depositing this")
    assert Mailbox(root, 1 << 20, 10, SystemClock()).remove_abandoned(below=100) == 2
    assert sorted(path.name for path in (root / "in").iterdir()) == sorted([BIG, WHOLE])
    assert ours.exists()


def test_who_does_not_ask_for_room_is_stopped_where_small_things_end(tmp_path: Path) -> None:
    root = create_mailbox(tmp_path, unit_code("990102"))
    mailbox = Mailbox(root, 1 << 60, 10, SystemClock(), Floors(1 << 60, 0, 100))
    asyncio.run(mailbox.admit(size=100, reaching=100))
    with pytest.raises(QuotaError):
        asyncio.run(mailbox.admit(size=1, reaching=101))


@pytest.mark.parametrize(("free", "room"), [(1000, 800), (350, 150), (250, 100), (120, 70), (50, 0), (20, -30)])
def test_what_may_be_deposited_shrinks_to_what_is_small_and_then_to_nothing(free: int, room: int) -> None:
    assert Floors(200, 50, 100).room(free) == room


def test_who_asks_while_another_session_has_the_folder_counted_is_not_refused_by_the_old_count(tmp_path: Path) -> None:
    clock = SettableClock()
    mailbox = Mailbox(create_mailbox(tmp_path, unit_code("990102")), 100, 10, clock)

    async def scenario() -> None:
        await mailbox.admit(size=100)
        mailbox.grown(100)
        # The collector has taken all of it since; two sessions of the guest go on.
        clock.seconds += 10
        await asyncio.gather(mailbox.admit(size=40), mailbox.admit(size=40))

    asyncio.run(scenario())


def test_what_another_session_writes_while_the_folder_is_counted_counts(tmp_path: Path) -> None:
    mailbox = Mailbox(create_mailbox(tmp_path, unit_code("990102")), 1 << 20, 10, SystemClock())

    async def scenario() -> Room:
        async def write() -> None:
            mailbox.created()
            mailbox.grown(1 << 19)

        room, _ = await asyncio.gather(mailbox.space(), write())
        return room

    room = asyncio.run(scenario())
    assert (room.free_blocks * room.block, room.free_files) == (1 << 19, 9)
