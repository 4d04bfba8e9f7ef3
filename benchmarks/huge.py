"""One export as large as the disk allows: whether memory stays flat, and how much disk it takes at its origin."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import data
from benchmarks.data import MIB
from benchmarks.figures import Figure, Goal, Section, Use
from benchmarks.nodes import Run, running_pair
from benchmarks.quiet import Quiet
from benchmarks.races import FLOOR_SECONDS, LARGE_FILES, RSS_LIMIT, SLOWEST, told, warm_up

TAKES: Final = 5
"""Times its own size, at the most: the original, its bundle, the mailbox, what was fetched, what was delivered."""
SPARSE_TAKES: Final = 2
"""A recipient opens only what would fit twice, since a packer may copy."""
DISK_MOST: Final = 2.1
_LOOK: Final = 0.25


def huge(root: Path, size: int, quiet: Quiet) -> Section:
    """W7: carry one export of `size` bytes between two nodes, and look at memory and disk meanwhile."""
    with running_pair(root / "nodes", default_timing=True) as pair:
        warm_up(pair, root)
        export = data.dossier(root / "huge", size, "huge", LARGE_FILES).labelled()
        quiet.settle([export.path])
        pair.begin()
        with _largest(pair.origin, export.path) as seen:
            run = pair.ferry([export], FLOOR_SECONDS + size / SLOWEST)
        uses = pair.uses()
    disk = Figure("disk at the origin", max(seen) / size, "x", "its own size counts as 1", goal=Goal(DISK_MOST))
    return _section("W7", f"One export of {told(size)}", run, size, uses, disk)


def sparse(root: Path, size: int, quiet: Quiet) -> Section:
    """W7, larger than the disk holds five times: an export of `size` bytes, nearly all of them holes, so that only what
    is delivered takes its whole room. Every byte is read, hashed, compressed, opened, written and compared."""
    with running_pair(root / "nodes", default_timing=True) as pair:
        warm_up(pair, root)
        export = data.sparse(root / "sparse", size, "sparse").labelled()
        quiet.settle()
        pair.begin()
        run = pair.ferry([export], FLOOR_SECONDS + size / SLOWEST)
        uses = pair.uses()
    return _section("W7s", f"One sparse export of {told(size)}", run, size, uses)


def _section(key: str, title: str, run: Run, size: int, uses: Sequence[Use], *more: Figure) -> Section:
    largest = max(uses, key=lambda one: one.peak)
    figures = (
        Figure("drop to signed receipt", run.seconds, "s", f"{size / MIB / run.seconds:.0f} MiB/s"),
        Figure(
            "largest process",
            largest.peak / MIB,
            "MiB",
            f"{largest.who} {largest.process}",
            goal=Goal(RSS_LIMIT / MIB),
        ),
        *more,
    )
    return Section(key, title, f"{title[0].lower()}{title[1:]}", figures, run.broken, tuple(uses))


@contextmanager
def _largest(folder: Path, waiting: Path) -> Iterator[list[int]]:
    """Look again and again, until the end, at how many bytes are allocated below `folder` beyond those of the beginning
    and those of `waiting`, which is about to be moved there."""
    seen, over = [0], threading.Event()
    before = _allocated(folder)

    def look() -> None:
        while not over.wait(_LOOK):
            # What has not been moved yet lies beside the folder, and counts all the same.
            seen.append(_allocated(folder) + _allocated(waiting) - before)

    thread = threading.Thread(target=look, name="disk")
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _allocated(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_blocks * 512
        except OSError:
            continue  # gone meanwhile
    return total
