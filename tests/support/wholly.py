"""Disks that keep order, rounds of syncing that go by one order for the whole file system, and disks of which neither
is known, wherever the test's files lie."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway import linux
from gateway.folders import rounds

_EXT4, _TMPFS = 0xEF53, 0x01021994


@contextmanager
def one_by_one() -> Iterator[None]:
    """Have each file synced by itself, as in memory, where a test does not say otherwise: else what it counts would
    depend on where its files lie, and on how much others have just written there."""
    true = linux.file_system
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(linux, "file_system", lambda descriptor: true(descriptor) and _TMPFS)
        yield


def in_order(patched: pytest.MonkeyPatch) -> None:
    """Let the test's disk keep order, as ext4 and XFS do."""
    patched.setattr(linux, "file_system", lambda _descriptor: _EXT4)
    patched.setattr(linux, "has_journal", lambda _descriptor: True)


def by_one_order(patched: pytest.MonkeyPatch, fewest: int = 2) -> None:
    """Let rounds of `fewest` members and more go by one order, as on a quiet disk."""
    in_order(patched)
    patched.setattr(rounds, "FEWEST", fewest)
    patched.setattr(linux, "waiting_bytes", lambda: 0)
