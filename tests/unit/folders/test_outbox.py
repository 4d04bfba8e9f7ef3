"""Papers that wait to leave: durable, bounded by number and by bytes, and read while others take them away."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bundle.names import Kind, paper_name
from gateway.domain.ids import LinkName
from gateway.folders import outbox
from gateway.folders.outbox import Outbox

LINK = LinkName("hub")


def put(made: Outbox, body: bytes) -> None:
    """Put one in, a second after those that are there: a file system's clock may tick more slowly than we write."""
    for path in made.waiting(LINK):
        then = path.stat().st_mtime_ns - 10**9
        os.utime(path, ns=(then, then))
    made.put(LINK, paper_name(body, Kind.STATEMENT), body)


def waiting(made: Outbox) -> list[bytes]:
    return [path.read_bytes() for path in made.waiting(LINK)]


def test_what_waits_is_there_again_after_a_start_the_oldest_first(tmp_path: Path) -> None:
    made = Outbox(tmp_path)
    assert made.waiting(LINK) == []
    for body in (b"one", b"two", b"one"):
        put(made, body)
    assert sorted(waiting(Outbox(tmp_path))) == [b"one", b"two"]
    made.drop(made.waiting(LINK)[0])
    assert len(waiting(made)) == 1


def test_the_oldest_give_way_to_the_newest_by_number_and_by_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Outbox(tmp_path)
    monkeypatch.setattr(outbox, "WAITING_MAX", 3)
    for body in (b"a", b"bb", b"ccc", b"dddd"):
        put(made, body)
    assert waiting(made) == [b"bb", b"ccc", b"dddd"]
    monkeypatch.setattr(outbox, "WAITING_BYTES", 10)
    put(made, b"eeeee")
    assert waiting(made) == [b"dddd", b"eeeee"]


def test_a_paper_that_is_taken_away_at_this_moment_waits_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Outbox(tmp_path)
    put(made, b"one")
    put(made, b"two")
    true = outbox.os.scandir

    class Emptied:
        """Names that were read before somebody removed one of them."""

        def __init__(self, folder: Path) -> None:
            self._folder = folder

        def __enter__(self) -> Iterator[object]:
            with true(self._folder) as listed:
                found = list(listed)
            Path(found[0].path).unlink()
            return iter(found)

        def __exit__(self, *_error: object) -> None: ...

    with monkeypatch.context() as patched:
        patched.setattr(outbox.os, "scandir", Emptied)
        left = made.waiting(LINK)
    assert len(left) == 1
