"""A round of syncing is one order for the whole file system where that is as good, and an fsync for each elsewhere."""

import errno
import os
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway import linux
from gateway.domain.errors import GatewayError
from gateway.folders import disk, rounds, trees
from tests.support.calls import Call, met
from tests.support.wholly import by_one_order

FILES = 30


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    by_one_order(monkeypatch, rounds.FEWEST)
    for number in range(FILES):
        (tmp_path / "tree" / f"{number % 3}").mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / f"{number % 3}" / f"{number}").write_text("x")
    return tmp_path / "tree"


@contextmanager
def synced(error: int | None = None) -> Iterator[list[tuple[str, Path]]]:
    """Yield every call that syncs, with what it was about; the one for all fails if `error` says so."""
    found: list[tuple[str, Path]] = []

    def around(call: Call) -> Any:
        if call.name in {"fsync", "syncfs"}:
            found.append((call.name, Path(call.place)))
        if call.name == "syncfs" and error is not None:
            raise OSError(error, os.strerror(error))
        return call.go()

    with met(around):
        yield found


def test_a_tree_is_forced_out_by_one_order_and_one_fsync_of_a_file(tree: Path) -> None:
    with synced() as calls:
        trees.fsync_tree(tree)
    assert [name for name, _ in calls] == ["syncfs", "fsync"]
    assert calls[1][1].is_file(), "an fsync of a folder need not have the disk empty its cache"


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    names = [str(path) for path in (tree / "pipe", *tree.rglob("*")) if not path.is_dir()]
    outcomes = rounds.sync_all(names, [str(tree)])
    assert {name for name, error in outcomes.items() if error is not None} == {str(tree / "pipe")}


@pytest.mark.parametrize(("may_be_open", "together"), [(72, 2), (1024, 1), (resource.RLIM_INFINITY, 1)])
def test_more_than_can_be_open_goes_in_several_rounds(
    tree: Path, monkeypatch: pytest.MonkeyPatch, may_be_open: int, together: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (may_be_open, resource.RLIM_INFINITY))
    with synced() as calls:
        trees.fsync_tree(tree)
    assert [name for name, _ in calls] == ["syncfs", "fsync"] * together


def test_rounds_at_the_same_time_share_what_may_be_open(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (4 * (FILES + 4), resource.RLIM_INFINITY))
    inside, go = threading.Semaphore(0), threading.Event()

    def around(call: Call) -> Any:
        if call.name == "syncfs":
            inside.release()
            assert go.wait(60)
        return call.go()

    with met(around), ThreadPoolExecutor(3) as pool:
        working = [pool.submit(trees.fsync_tree, tree) for _ in range(3)]
        assert [inside.acquire(timeout=60) for _ in range(2)] == [True] * 2
        assert not inside.acquire(timeout=0.1), "the third has to wait"
        go.set()
        assert [one.result(60) for one in working] == [None] * 3


def test_what_waits_is_pushed_ahead_where_a_round_is_one_order(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with synced() as calls:
        rounds.push(f"{tree}")
    assert calls == [("syncfs", tree)]
    with synced(errno.EPERM):
        rounds.push(f"{tree}")
    with synced(errno.EIO), pytest.raises(OSError, match="Input/output"):
        rounds.push(f"{tree}")
    monkeypatch.setattr(linux, "waiting_bytes", lambda: 1 << 30)
    with synced() as calls:
        rounds.push(f"{tree}")
    assert calls == []


def each_by_itself(tree: Path) -> bool:
    with synced() as calls:
        trees.fsync_tree(tree)
    return [name for name, _ in calls].count("fsync") == FILES + 4


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("file_system", 0x6969),  # NFS
        ("file_system", 0),
        ("has_journal", False),
        ("waiting_bytes", 1 << 30),
        ("waiting_bytes", None),
        ("_tells_errors", False),
        ("FEWEST", FILES + 5),
    ],
)
def test_where_it_is_not_as_good_each_has_its_own(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str, answer: object
) -> None:
    if name == "FEWEST":
        monkeypatch.setattr(rounds, name, answer)
    else:
        monkeypatch.setattr(linux, name, lambda *_: answer)
    assert each_by_itself(tree)


def test_what_cannot_be_looked_at_is_fsynced(tree: Path) -> None:
    asked: list[str] = []

    def around(call: Call) -> Any:
        asked.append(call.name)
        if call.name == "fstat":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call.go()

    with met(around):
        trees.fsync_tree(tree)
    assert asked.count("fsync") == FILES + 4


def test_files_of_two_file_systems_have_their_own(tree: Path, other_device: Path) -> None:
    (other_device / "file").write_text("x")
    with synced() as calls:
        errors = trees.fsync_trees([tree, other_device / "file"])
    assert errors == [None, None]
    assert [name for name, _ in calls] == ["fsync"] * (FILES + 4 + 1)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_where_there_is_no_such_order_each_has_its_own(tree: Path, number: int) -> None:
    with synced(number) as calls:
        trees.fsync_tree(tree)
    assert [name for name, _ in calls] == ["syncfs", *["fsync"] * (FILES + 4)]


def test_an_order_that_fails_fails_for_everybody_and_no_later_fsync_excuses_it(tree: Path) -> None:
    roots = sorted(tree.iterdir())
    with synced(errno.EIO) as calls:
        errors = trees.fsync_trees(roots)
    assert [error.code for error in errors if error is not None] == ["local-io"] * 3
    assert [name for name, _ in calls] == ["syncfs"]


def test_an_order_that_fails_fails_for_those_too_that_were_not_open_yet(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a table of inodes, say, whose error is told once, whosever they are."""
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (72, 72))
    roots = [tmp_path / f"case-{number}" for number in range(3)]
    for root in roots:
        root.mkdir()
        for number in range(FILES):
            (root / f"{number}").write_text("x")
    orders = 0

    def around(call: Call) -> Any:
        nonlocal orders
        if call.name == "syncfs":
            orders += 1
            if orders == 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call.go()

    with met(around):
        errors = trees.fsync_trees(roots)
    assert [error.code for error in errors if error is not None] == ["local-io"] * 3
    assert orders == 1


def test_a_file_that_could_not_be_written_is_told_of_and_no_other(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = linux._sync_range

    def lost(descriptor: int, flags: int) -> OSError | None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "17":
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return asked(descriptor, flags)

    monkeypatch.setattr(linux, "_sync_range", lost)
    roots = sorted(tree.iterdir())
    errors = trees.fsync_trees(roots)
    assert [None if error is None else error.code for error in errors] == [None, None, "disk-full"]


def stretch(tree: Path, *, before: Path | None = None) -> bool:
    """Write into `tree` during a stretch that began at the folder `before`, and force it out."""
    with rounds.Stretch(os.fspath(before or tree)) as one:
        (tree / "new").write_text("x")
        return one.force(f"{tree}/new", [f"{tree}"], FILES, 1)


def test_a_stretch_of_writing_is_one_order_and_one_fsync_and_opens_nothing_else(tree: Path) -> None:
    with synced() as calls:
        assert stretch(tree)
    assert calls == [("syncfs", tree), ("fsync", tree / "new")]


@pytest.mark.parametrize(
    ("name", "answer"),
    [("file_system", 0x6969), ("has_journal", False), ("waiting_bytes", 1 << 30), ("_tells_errors", False)],
)
def test_a_stretch_is_left_to_fsyncs_where_an_order_is_not_as_good(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str, answer: object
) -> None:
    monkeypatch.setattr(linux, name, lambda *_: answer)
    with synced() as calls:
        assert not stretch(tree)
    assert calls == []


def test_a_stretch_is_left_to_fsyncs_where_it_is_of_another_file_system(tree: Path, other_device: Path) -> None:
    with synced() as calls:
        assert not stretch(tree, before=other_device)
    assert calls == []


def test_an_order_that_fails_fails_for_all_of_a_stretch(tree: Path) -> None:
    with synced(errno.EIO) as calls, pytest.raises(OSError, match="Input/output"):
        stretch(tree)
    assert [name for name, _ in calls] == ["syncfs"], "no fsync excuses it"
    with synced(errno.EPERM):
        assert not stretch(tree)


def test_files_written_together_last_together(tree: Path) -> None:
    items = [(tree / f"note-{number}", b"note") for number in range(FILES)]
    with synced() as calls:
        disk.write_many(items)
    assert [name for name, _ in calls] == ["syncfs", "fsync", "fsync"]
    with synced(errno.EIO), pytest.raises(GatewayError):
        disk.write_many([(tree / f"other-{number}", b"note") for number in range(FILES)])
    assert not [path for path in tree.iterdir() if path.name.startswith(("other", "."))]


def test_the_system_says_what_it_is_asked(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        assert linux.file_system(descriptor) > 0
        linux.sync_file_system(descriptor)
        assert rounds.sync([descriptor]) == [None]
    finally:
        os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        linux.sync_file_system(descriptor)
    assert (linux.waiting_bytes() or 0) >= 0


def test_what_waits_is_known_also_where_only_processes_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert linux.waiting_bytes() is not None
    monkeypatch.setattr(linux, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(linux, "_NODES", tmp_path)
    assert linux.waiting_bytes() is None
    for node, waits in enumerate((3, 40)):
        said = (
            f"Node {node} Dirty:       {waits} kB\nNode {node} Writeback:     1 kB\nNode {node} WritebackTmp:  9 kB\n"
        )
        (tmp_path / f"node{node}").mkdir()
        (tmp_path / f"node{node}" / "meminfo").write_text(said)
    assert linux.waiting_bytes() == (3 + 1 + 40 + 1) << 10
    (tmp_path / "node1" / "meminfo").write_text("Node 1 Dirty: many\n")
    assert linux.waiting_bytes() is None


def test_the_system_says_which_ext4_has_a_journal() -> None:
    journals = [path.name for path in Path("/proc/fs/jbd2").glob("*")]
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    devices = {place: Path(device).resolve() for device, place, kind, *_ in mounts if kind == "ext4"}
    for place, device in {"/proc": Path("proc"), **devices}.items():
        if os.access(place, os.R_OK) and (device.exists() or place == "/proc"):
            descriptor = os.open(place, os.O_RDONLY)
            try:
                assert linux.has_journal(descriptor) == any(one.startswith(f"{device.name}-") for one in journals)
            finally:
                os.close(descriptor)
