"""How cost grows with what there is more of, over three decades: told as the exponent of a fitted power."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.bigledger import filled
from benchmarks.data import KIB, MIB
from benchmarks.exchange import Content, Exchange, documents, sparse
from benchmarks.figures import Figure, Goal, Section
from benchmarks.filling import PEERS
from benchmarks.standing import resting
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.lifecycle import State
from gateway.folders.watch import OutboundWatch
from gateway.ledger.queries import TransferFilter
from gateway.plugins import load_packer

LINEAR = 1.1
"""The exponent that is still linear, within what measuring on a shared machine blurs."""
ROUNDS = 3
RESTED = 20.0
"""Seconds for which a node with so many links waits."""
ROUND_LEAST = 0.05
"""Seconds: what is quicker is repeated until it has taken so long."""


_EXPONENT = "the exponent is that of the power fitted to them: 0 = the same, 1 = linear"


def growth(root: Path, quick: bool) -> Section:
    """Measure how the cost of a case grows with its files and bytes, of a scan with its folders, of the ledger's
    questions with its rows."""
    top = 1 if quick else 0
    files = _series((10, 100, 1_000, 10_000)[: 4 - top], lambda count: _exchanged(root, documents(count, KIB)))
    sizes = _series(
        (MIB, 10 * MIB, 100 * MIB, 1000 * MIB)[: 4 - 2 * top],
        lambda size: _exchanged(root, {"1.bin": sparse(root / "1.bin", size)}),
    )
    folders = _series((5, 50, 500), lambda count: _scanned(root / f"folders-{count}", count, 0))
    exports = _series((10, 100, 1_000, 10_000)[: 4 - top], lambda count: _scanned(root / f"exports-{count}", 1, count))
    rows = (1_000, 10_000, 100_000, 1_000_000)[: 4 - 2 * top]
    figures = [
        _figure("seal, open and receipt, by files in a case", files),
        _figure("seal, open and receipt, by bytes in a case", sizes),
        _figure("scan of empty outbound folders, by folders", folders),
        _figure("scan of one outbound folder, by exports", exports),
    ]
    by_question: dict[str, list[tuple[int, float]]] = {}
    for count in rows:
        for name, seconds in _asked(root / f"ledger-{count}", count):
            by_question.setdefault(name, []).append((count, seconds))
    figures += [_figure(f"ledger: {name}, by rows", points, flat=True) for name, points in by_question.items()]
    return Section("B9", "How cost grows", f"each cost at sizes a decade apart; {_EXPONENT}", tuple(figures))


def by_links(root: Path) -> Section:
    """Measure a node that waits; each size by itself, since one that waits shows what it takes in no less time."""
    found = {count: resting(root / f"links-{count}", count, RESTED) for count in (1, 10, 100, 500)}
    figures = (
        _figure("a node's start, by links", [(count, one.start) for count, one in found.items()]),
        _figure(f"{RESTED:.0f} s of waiting, by links", [(count, one.waiting) for count, one in found.items()]),
        _figure(
            "memory of a node that waits, by links", [(count, one.resident) for count, one in found.items()], unit="MiB"
        ),
    )
    return Section("B10", "How a node that waits grows", f"a node with so many idle links; {_EXPONENT}", figures)


def watch_over(folder: Path, exports: int, clock: Clock) -> OutboundWatch:
    """Return the watch over a new folder with so many exports."""
    folder.mkdir(parents=True)
    for number in range(exports):
        (folder / f"export-{number}.txt").write_bytes(b"x")
    return OutboundWatch(folder, load_packer("folder"), clock)


def exponent(points: Sequence[tuple[int, float]]) -> float:
    """Return k of the power n**k that fits (n, cost) best."""
    pairs = [(math.log(size), math.log(cost)) for size, cost in points]
    mean_x = sum(x for x, _ in pairs) / len(pairs)
    mean_y = sum(y for _, y in pairs) / len(pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / sum((x - mean_x) ** 2 for x, _ in pairs)


def _figure(name: str, points: Sequence[tuple[int, float]], *, flat: bool = False, unit: str = "ms") -> Figure:
    per = {"ms": 0.001, "MiB": MIB}[unit]
    told = ", ".join(f"{size:,}: {cost / per:.3g} {unit}" for size, cost in points)
    # A fixed share hides what the rest does: a defect shows between the two largest.
    steepest = max(exponent(points), exponent(points[-2:]))
    return Figure(name, steepest, "exponent", told, goal=Goal(0.5 if flat else LINEAR))


def _series(sizes: Sequence[int], cost: Callable[[int], float]) -> list[tuple[int, float]]:
    return [(size, cost(size)) for size in sizes]


def _timed(work: Callable[[], object]) -> float:
    """Return the processor seconds that one `work` takes, the least of several: what else runs here blurs them less."""
    took = []
    for _ in range(ROUNDS):
        times, began = 0, time.process_time()
        while not times or time.process_time() - began < ROUND_LEAST:
            work()
            times += 1
        took.append((time.process_time() - began) / times)
    return min(took)


def _exchanged(root: Path, content: Mapping[str, Content]) -> float:
    exchange, path = Exchange(), root / "grown.cfb"

    def once() -> None:
        receipt = exchange.receipt(exchange.seal(path, content))
        exchange.open(path)
        exchange.check(receipt)

    try:
        return _timed(once)
    finally:
        path.unlink(missing_ok=True)


def _scanned(root: Path, folders: int, exports: int) -> float:
    watches = [watch_over(root / str(number), exports, SystemClock()) for number in range(folders)]
    return _timed(lambda: [watch.scan() for watch in watches])


def _asked(folder: Path, count: int) -> list[tuple[str, float]]:
    clock = SystemClock()
    with filled(folder, count) as ledger:
        ledger.resync.sent(PEERS[0], asked=True, answered="")
        return [
            ("what is due", _timed(lambda: ledger.due((State.SEALED,), now=clock.now(), limit=128))),
            ("when is the next due", _timed(lambda: ledger.next_due_at((State.SEALED,)))),
            ("the newest fifty", _timed(lambda: ledger.search(TransferFilter(), 51))),
            ("how many in each state", _timed(ledger.counts)),
            ("what is owed and held", _timed(ledger.owed_and_held)),
            ("what is missing of a stream", _timed(lambda: ledger.resync.has_gaps(PEERS[0]))),
        ]
