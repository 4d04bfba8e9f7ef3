"""Hands lent to a large sealing have the disk write beside it, and leave the sync to who signs it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import linux
from gateway.stages import hands


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the disk is asked for, in its order; it is written out every 10 bytes and waited for every 40."""
    heard: list[str] = []

    def counted(name: str, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            heard.append(name)
            real(descriptor)

        return call

    monkeypatch.setattr(hands, "PUSHED_BYTES", 10)
    monkeypatch.setattr(hands, "SETTLED_BYTES", 40)
    monkeypatch.setattr(linux, "start_writing", counted("start", linux.start_writing))
    monkeypatch.setattr(linux, "settle_writing", counted("settle", linux.settle_writing))
    monkeypatch.setattr(linux, "finish_writing", counted("finish", linux.finish_writing))
    monkeypatch.setattr(os, "fdatasync", counted("sync", os.fdatasync))
    return heard


def seal(path: Path, count: int) -> list[int]:
    told: list[int] = []
    with path.open("xb") as out, hands.lent(out, told.append) as lent:
        for done in range(10, count + 1, 10):
            out.write(b"x" * 10)
            lent.told(done)
            lent.settle()
    return told


def test_the_disk_writes_beside_the_sealing_and_is_left_to_be_synced_by_who_signs(
    tmp_path: Path, calls: list[str]
) -> None:
    assert seal(tmp_path / "bundle", 100) == list(range(10, 101, 10))
    assert calls == ["start", "start", "start", "settle"] * 2 + ["start", "start", "finish"]
    assert (tmp_path / "bundle").read_bytes() == b"x" * 100


def test_what_the_disk_failed_with_meanwhile_is_told(
    tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(linux, "settle_writing", failing)
    with pytest.raises(OSError, match="Input/output"):
        seal(tmp_path / "bundle", 100)
    assert "finish" not in calls, "it might say nothing any more"
