"""Disks that keep order, and rounds of syncing that go by one order for the whole file system, wherever the test's
files lie."""

import pytest

from gateway import linux
from gateway.folders import rounds

_EXT4 = 0xEF53


def in_order(patched: pytest.MonkeyPatch) -> None:
    """Let the test's disk keep order, as ext4 and XFS do."""
    patched.setattr(linux, "file_system", lambda _descriptor: _EXT4)
    patched.setattr(linux, "has_journal", lambda _descriptor: True)


def by_one_order(patched: pytest.MonkeyPatch, fewest: int = 2) -> None:
    """Let rounds of `fewest` members and more go by one order, as on a quiet disk."""
    in_order(patched)
    patched.setattr(rounds, "FEWEST", fewest)
    patched.setattr(linux, "waiting_bytes", lambda: 0)
