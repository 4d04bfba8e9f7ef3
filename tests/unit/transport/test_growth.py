"""What a growing file of a guest holds when a write fails in the middle of many that are under way."""

import asyncio
import os
from pathlib import Path

import pytest

from gateway.transport.growth import Growth


def test_a_write_that_failed_has_left_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"")
    readable, writable = os.open(path, os.O_RDONLY), os.open(path, os.O_RDWR)

    async def scenario() -> None:
        growth = Growth(readable, ".part", 0, owner=None, appends=False, condemned=lambda _growth: None)
        with pytest.raises(OSError, match="Bad file descriptor"):
            await growth.write(0, b"lost")
        growth.descriptor = writable
        await growth.write(4, b"kept, but behind a gap")
        assert growth.solid == 0
        growth.cut_at_gap()
        await growth.write(0, b"lost no more")
        assert growth.solid == 12

    asyncio.run(scenario())
    os.close(readable)
    os.close(writable)
    assert path.read_bytes() == b"lost no more"
