"""Members of a bundle are written whole, whatever their size and whatever the file system can do."""

import errno
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.folders import members
from gateway.folders.members import LARGE, MemberFiles
from tests.support.calls import Call, met
from tests.support.wholly import by_one_order

NOISE = random.Random(7).randbytes(1 << 20)
SIZES = {
    "empty": 0,
    "small": 5000,
    "many": LARGE - 1,
    "whole blocks": LARGE,
    "odd": LARGE + 4097,
    "more": 2 * LARGE + 1,
}


def content(size: int) -> bytes:
    return (NOISE * (size // len(NOISE) + 1))[:size]


def written(root: Path, path: str, text: bytes, piece: int = 300_007) -> bytes:
    with MemberFiles(root) as files, files.create(path, len(text)) as out:
        view = memoryview(text)
        while view:
            view = view[out.write(view[:piece]) :]
    return (root / path).read_bytes()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_what_is_written_is_there(tmp_path: Path, size: int) -> None:
    assert written(tmp_path, "a/b/c.pdf", content(size)) == content(size)


def test_one_file_after_another(tmp_path: Path) -> None:
    texts = {f"{n % 3}/{n}": content(LARGE * (n % 2) + n) for n in range(7)}
    with MemberFiles(tmp_path) as files:
        for path, text in texts.items():
            with files.create(path, len(text)) as out:
                view = memoryview(text)
                while view:
                    view = view[out.write(view) :]
    assert {path: (tmp_path / path).read_bytes() for path in texts} == texts


def test_a_name_is_given_once(tmp_path: Path) -> None:
    for size in (1, LARGE):
        written(tmp_path, f"{size}", content(size))
        with pytest.raises(FileExistsError):
            written(tmp_path, f"{size}", content(size))


def test_what_is_read_again_at_once_is_left_in_the_cache(tmp_path: Path) -> None:
    with met(refusing("create", errno.EIO), tmp_path), MemberFiles(tmp_path, read_again=True) as files:
        files.create("a", LARGE).close()
    assert (tmp_path / "a").exists()


def put(files: MemberFiles, count: int) -> None:
    for number in range(count):
        with files.create(f"{number}", 1000) as out:
            out.write(content(1000))


def test_of_many_members_the_disk_gets_some_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_one_order(monkeypatch)
    monkeypatch.setattr(members, "PUSHED_BYTES", 5000)
    pushed: list[str] = []

    def around(call: Call) -> Any:
        if call.name == "syncfs":
            pushed.append(call.place)
        return call.go()

    with met(around), MemberFiles(tmp_path) as files:
        put(files, 6)
    assert pushed == [f"{tmp_path}"]


def test_what_the_disk_failed_with_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_one_order(monkeypatch)
    monkeypatch.setattr(members, "PUSHED_BYTES", 5000)

    def around(call: Call) -> Any:
        if call.name == "syncfs":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call.go()

    with met(around), pytest.raises(OSError, match="Input/output"), MemberFiles(tmp_path) as files:
        put(files, 6)


def test_where_no_one_order_lasts_each_member_is_forced_out_while_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "PUSHED_BYTES", 3000)
    made: list[str] = []
    forced: list[tuple[str, int]] = []

    def around(call: Call) -> Any:
        if call.name == "create":
            made.append(call.place)
        if call.name == "fsync":
            forced.append((call.place, len(made)))
        return call.go()

    with met(around, tmp_path), MemberFiles(tmp_path, singly=True) as files:
        put(files, 4)
        files.beside(lambda: None)()
        with files.create("sub/large", LARGE) as out:
            out.write(content(LARGE))
    names = ["0", "1", "2", "3", "sub/large", "sub", ""]
    assert sorted(Path(place) for place, _ in forced) == sorted(tmp_path / name for name in names)
    assert min(count for _, count in forced) < len(made)


def test_what_cannot_be_forced_out_is_told_by_the_end(tmp_path: Path) -> None:
    def around(call: Call) -> Any:
        if call.name == "fsync" and call.place.endswith("/1"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call.go()

    with met(around), pytest.raises(OSError, match="Input/output"), MemberFiles(tmp_path, singly=True) as files:
        put(files, 3)


def refusing(name: str, number: int, *, after: bool = False) -> Callable[[Call], Any]:
    """What fails with `number` wherever the page cache is to be passed by; after: once it has happened all the same."""

    def around(call: Call) -> Any:
        is_direct = call.args[1] & os.O_DIRECT if name == "create" else _is_direct(call.args[0])
        if call.name == name and is_direct:
            if after:
                os.close(call.go())
            raise OSError(number, os.strerror(number))
        return call.go()

    return lambda call: around(call) if call.name == name else call.go()


def _is_direct(descriptor: int) -> bool:
    flags = Path(f"/proc/self/fdinfo/{descriptor}").read_text("ascii").split("flags:")[1].split()[0]
    return bool(int(flags, 8) & os.O_DIRECT)


@pytest.mark.parametrize(("name", "after"), [("create", True), ("create", False), ("pwrite", False)])
def test_a_file_system_that_needs_its_cache(tmp_path: Path, name: str, after: bool) -> None:
    with met(refusing(name, errno.EINVAL, after=after), tmp_path):
        assert written(tmp_path, "a", content(LARGE + 17)) == content(LARGE + 17)


def test_a_file_system_that_needs_its_cache_and_says_so_to_two_threads_at_once(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=60)

    def around(call: Call) -> Any:
        if call.name == "pwrite" and _is_direct(call.args[0]):
            both.wait()
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return call.go()

    with met(around, tmp_path):
        assert written(tmp_path, "a", content(LARGE)) == content(LARGE)


def test_a_large_file_has_its_place_before_it_is_written_and_is_cut_to_what_came(tmp_path: Path) -> None:
    with MemberFiles(tmp_path) as files:
        out = files.create("a", LARGE)
        assert (tmp_path / "a").stat().st_size == LARGE
        out.write(b"abc")
        out.close()
    assert (tmp_path / "a").read_bytes() == b"abc"


def test_two_pieces_are_on_their_way_while_the_next_is_filled(tmp_path: Path) -> None:
    filled = threading.Event()

    def around(call: Call) -> Any:
        if call.name == "pwrite":
            assert filled.wait(60)
        return call.go()

    text = content(3 * LARGE // 2 - 1)  # three pieces but for a byte
    with met(around, tmp_path), MemberFiles(tmp_path) as files, files.create("a", len(text)) as out:
        view = memoryview(text)
        while view:
            view = view[out.write(view) :]
        filled.set()
    assert (tmp_path / "a").read_bytes() == text


def test_a_disk_that_takes_less_than_it_is_given(tmp_path: Path) -> None:
    def around(call: Call) -> Any:
        return call.go_short() if call.name in {"write", "pwrite"} and len(call.args[1]) > 100_000 else call.go()

    with met(around, tmp_path):
        assert written(tmp_path, "a", content(LARGE + 17)) == content(LARGE + 17)


@pytest.mark.parametrize("size", [LARGE + 17, 4 * LARGE])
def test_a_full_disk_is_told_and_leaves_nothing_open(tmp_path: Path, size: int) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    def around(call: Call) -> Any:
        if call.name == "pwrite" and call.args[2] >= LARGE // 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call.go()

    with met(around, tmp_path), pytest.raises(OSError, match="No space"):
        written(tmp_path, "a", content(size))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert not [one for one in threading.enumerate() if one.name.startswith("opening")]
