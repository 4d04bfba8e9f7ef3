"""A ledger with very many transfers: how quickly the operators' questions are answered, and whether it still writes
as fast as an empty one."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, Goal, Section, median, percentile
from benchmarks.filling import FLOWS, PEERS, case_of, fill, name_of, old_cases, ordered_id
from gateway.cli.explain import find
from gateway.domain.clock import SystemClock
from gateway.domain.ids import ClaimToken, Digest, LinkName, RouteName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Facts, FoundExport, Stage, Step, known
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.ledger.terms import TermFilter

UNIT: Final = UnitCode("330100000000")
ASKED: Final = 40
"""How often each question is asked, each time of something else."""
ASKED_SECONDS: Final = 10.0
"""A question that has taken so long in all is not asked again."""
WRITTEN: Final = 1_000
ROUNDS: Final = 7
TOGETHER: Final = 50
"""Transfers in one commit where changes are measured."""
LINK: Final = LinkName("to-hub")
ANSWERED_MOST: Final = 100.0
"""Milliseconds in which an operator's question is to be answered."""
SLOWER_MOST: Final = 1.2
"""The large ledger may take this much longer over a change than the empty one."""


@dataclass(frozen=True, slots=True)
class _Written:
    """Seconds by the clock and of processor time for one round of changes."""

    wall: float
    processor: float


def bigledger(root: Path, counts: Sequence[int]) -> Section:
    """Measure questions and changes in ledgers of `counts` transfers, which are made under `root` one after the
    other; the questions in the largest alone."""
    figures: list[Figure] = []
    broken: list[str] = []
    for at, count in enumerate(sorted(counts)):
        its, slower = _measured(root / str(at), count, with_questions=count == max(counts))
        figures += its
        if slower > SLOWER_MOST:
            broken.append(f"with {count:,} transfers changes cost {slower:.2f} times as much processor time")
    work = (
        f"ledgers of {', '.join(f'{one:,}' for one in sorted(counts))} transfers; in the largest each question is "
        f"asked up to {ASKED} times, each time of another thing; a change: found, sealed, sent, {TOGETHER} in a commit"
        " that is forced to the disk, in turn in the large and in an empty ledger"
    )
    return Section("W8", "A large ledger", work, tuple(figures), tuple(broken))


def _measured(root: Path, count: int, *, with_questions: bool) -> tuple[list[Figure], float]:
    clock = SystemClock()
    began, now = clock.monotonic(), clock.now()
    with _opened(root / "big", clock, durable=False) as ledger:
        fill(ledger, count, now, UNIT)
    made = clock.monotonic() - began
    size = (root / "big" / "ledger.db").stat().st_size
    with _opened(root / "empty", clock) as empty, _opened(root / "big", clock) as ledger:
        # One after the other, so that what else the machine does meets both.
        both = [(_writing(empty, seed), _writing(ledger, seed)) for seed in range(ROUNDS)]
        questions = _questions(ledger, count, now) if with_questions else ()
        asked = [figure for name, ask in questions for figure in _asked(name, ask, clock)]
    before, after = zip(*both, strict=True)
    slower = median([b.processor / a.processor for a, b in both])
    label = f"{count:,} transfers"
    processor = [median([1000 * one.processor / WRITTEN for one in several]) for several in (before, after)]
    wall = [median([WRITTEN / one.wall for one in several]) for several in (before, after)]
    figures = [
        Figure(f"{label}: a change, processor", processor[1], "ms", f"{processor[0]:.3f} in an empty ledger"),
        Figure(f"{label}: as a multiple of the empty one's", slower, "x", goal=Goal(SLOWER_MOST)),
        Figure(f"{label}: changes", wall[1], "/s", f"by the clock; {wall[0]:.0f} in an empty ledger"),
        Figure(f"{label}: bytes a transfer", size / count, "B", f"made in {made:.0f} s"),
    ]
    return [*figures, *asked], slower


@contextmanager
def filled(folder: Path, count: int) -> Iterator[Ledger]:
    """Open a new ledger in `folder` with `count` transfers of a year."""
    clock = SystemClock()
    with _opened(folder, clock, durable=False) as ledger:
        fill(ledger, count, clock.now(), UNIT)
        yield ledger


def _opened(folder: Path, clock: SystemClock, *, durable: bool = True) -> Ledger:
    return Ledger.open(folder / "ledger.db", unit=UNIT, clock=clock, new_epoch=lambda: 7, durable=durable)


_GOALS: Final = ("log --case", "log --case, of all", "log --case, of many old ones", "log --state held", "explain")


def _asked(name: str, ask: Callable[[int], object], clock: SystemClock) -> Iterator[Figure]:
    took: list[float] = []
    used: list[float] = []
    for number in range(ASKED):
        if sum(took) > 1000 * ASKED_SECONDS:
            break
        began, processor = clock.monotonic(), time.process_time()
        ask(number)
        took.append(1000 * (clock.monotonic() - began))
        used.append(1000 * (time.process_time() - processor))
    yield Figure(f"{name}, p50", median(took), "ms", f"{median(used):.2g} ms of processor time")
    yield Figure(f"{name}, p95", percentile(took, 95), "ms", goal=Goal(ANSWERED_MOST) if name in _GOALS else None)


def _questions(ledger: Ledger, count: int, now: float) -> Iterator[tuple[str, Callable[[int], object]]]:
    """Yield what the commands ask of the ledger, by the command."""

    def some(number: int) -> int:
        return 1 + (number * 7919) % count

    def search(**wanted: Any) -> object:
        return ledger.search(TransferFilter(**wanted), 51)

    def explain(number: int) -> None:
        (transfer,) = find(ledger, str(some(number)))
        ledger.timeline(transfer.id)
        ledger.receipts(known(transfer.bundle_id))
        ledger.answers.of_request(transfer.id)
        ledger.terms.search(TermFilter(transfers=(transfer.id,), running=False), 100)

    def status(_number: int) -> None:
        ledger.counts()
        ledger.owed_and_held()
        search(held=True)
        search(direction=Direction.INBOUND, state=State.QUARANTINED, held=False)
        search(held=False, failing=True)
        ledger.terms.counts(now)
        ledger.answers.counts()
        ledger.alerts.waiting()

    yield "log", lambda number: ledger.search(TransferFilter(), 51, number * 50)
    yield "log --case", lambda number: search(case=case_of(some(number)))
    yield "log --case, its beginning", lambda number: search(case=case_of(some(number))[:-2])
    yield "log --case, of all", lambda _number: search(case="A33")
    yield "log --case, of many old ones", lambda number: search(case=old_cases(number, count))
    yield "log --case --state, of all", lambda _number: search(case="A33", state=State.SENT)
    yield "log --state held", lambda _number: search(held=True)
    yield "log --state", lambda _number: search(state=State.SENT)
    yield "log --failing", lambda _number: search(failing=True)
    yield "log --flow", lambda number: search(flow=FLOWS[number % len(FLOWS)])
    yield "log --peer", lambda number: search(peer=PEERS[number % len(PEERS)])
    yield "log --peer --flow", lambda number: search(peer=PEERS[number % 30], flow=FLOWS[number % 46])
    yield "log --link, of none", lambda _number: search(link=LinkName("nobody"))
    yield "log --direction, of none", lambda _number: search(direction=Direction.RELAY)
    yield "log --since", lambda number: search(since=now - 3600.0 * number)
    yield "log --text", lambda number: search(text=name_of(some(number)))
    yield "explain", explain
    yield "status", status


def _writing(ledger: Ledger, seed: int) -> _Written:
    """Find, seal and send WRITTEN transfers."""
    clock = SystemClock()
    began, processor = clock.monotonic(), time.process_time()
    for start in range(0, WRITTEN, TOGETHER):
        now = clock.now()
        names = [f"{seed}-{start + number}" for number in range(TOGETHER)]
        exports = [
            FoundExport(ClaimToken(ordered_id(now, _hex(f"c{n}"))), RouteName("out"), n, 60_000, now) for n in names
        ]
        peer = PEERS[start // TOGETHER % len(PEERS)]
        following = ledger.next_sequence(peer)
        sealed = [
            Step(
                one,
                Event.SEALED,
                Stage.PACK,
                Facts(
                    link=LINK,
                    recipient=peer,
                    bundle_id=ordered_id(now, _hex(f"b{one.export_name}")),
                    header_hash=_digest(f"h{one.export_name}"),
                    sequence=following + number,
                    flow=FLOWS[number % len(FLOWS)],
                    case_no=f"A3301{number % 30:02}{_hex(one.export_name)[:10]}",
                    business_key=f"{FLOWS[number % len(FLOWS)]}/A3301{number % 30:02}{_hex(one.export_name)[:10]}",
                    content_hash=_digest(f"k{one.export_name}"),
                ),
                started_at=now,
            )
            for number, one in enumerate(ledger.found(exports))
        ]
        due = Facts(receipt_due_at=now + 900)
        ledger.advance_many([Step(one, Event.SENT, Stage.SEND, due) for one in ledger.advance_many(sealed)])
    return _Written(clock.monotonic() - began, time.process_time() - processor)


def _digest(text: str) -> Digest:
    return Digest(_hex(text))


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()
