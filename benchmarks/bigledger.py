"""A ledger with very many transfers: how quickly the operators' questions are answered, and whether it still writes
as fast as an empty one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, Section, median, percentile
from gateway.cli.explain import find
from gateway.domain.clock import SystemClock
from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, RouteName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Facts, FoundExport, Priority, Stage, Step
from gateway.ledger import schema, schema_matters
from gateway.ledger.change import Change, adding
from gateway.ledger.prepared import write_many
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.ledger.terms import TermFilter

UNIT: Final = UnitCode("330100000000")
YEAR: Final = 31_536_000.0
AT_ONCE: Final = 10_000
"""Transfers made in one transaction."""
OPEN: Final = 2_000
"""The newest transfers, which still owe something; a ledger has few of these however large it is."""
ASKED: Final = 40
"""How often each question is asked, each time of something else."""
WRITTEN: Final = 1_000
ROUNDS: Final = 5
TOGETHER: Final = 50
"""Transfers in one commit where changes are measured."""
PEERS: Final = tuple(UnitCode(f"3301{number:02}000000") for number in range(1, 31))
FLOWS: Final = tuple(f"flow-{number:02}" for number in range(46))
LINK: Final = LinkName("to-hub")
SLOWER_MOST: Final = 1.2
"""The large ledger may take this much longer over a change than the empty one."""


def bigledger(root: Path, count: int) -> Section:
    """Measure questions and changes in a ledger of `count` transfers, which is made under `root`."""
    clock = SystemClock()
    with _opened(root / "empty", clock) as empty, _opened(root / "big", clock) as ledger:
        began = clock.monotonic()
        now = clock.now()
        _fill(ledger, count, now)
        made = clock.monotonic() - began
        # One after the other, so that what else the machine does meets both.
        both = [(_writing(empty, seed), _writing(ledger, seed)) for seed in range(ROUNDS)]
        before, after = (median(several) for several in zip(*both, strict=True))
        figures = [figure for name, ask in _questions(ledger, count, now) for figure in _asked(name, ask, clock)]
    size = (root / "big" / "ledger.db").stat().st_size
    figures += [
        Figure("changes, empty ledger", before, "/s", f"found, sealed, sent; {TOGETHER} in a commit"),
        Figure("changes, large ledger", after, "/s", "the same"),
        Figure("how much slower", before / after, "x"),
        Figure("bytes a transfer", size / count, "B", f"made in {made:.0f} s"),
    ]
    broken = (f"changes are {before / after:.2f} times slower",) if before > after * SLOWER_MOST else ()
    work = f"a ledger of {count:,} transfers; each question asked {ASKED} times, each time of something else"
    return Section("B8", "A large ledger", work, tuple(figures), broken)


@contextmanager
def filled(folder: Path, count: int) -> Iterator[Ledger]:
    """Open a new ledger in `folder` with `count` transfers of a year."""
    clock = SystemClock()
    with _opened(folder, clock) as ledger:
        _fill(ledger, count, clock.now())
        yield ledger


def _opened(folder: Path, clock: SystemClock) -> Ledger:
    return Ledger.open(folder / "ledger.db", unit=UNIT, clock=clock, new_epoch=lambda: 7, durable=False)


def _asked(name: str, ask: Callable[[int], object], clock: SystemClock) -> Iterator[Figure]:
    took = []
    for number in range(ASKED):
        began = clock.monotonic()
        ask(number)
        took.append(1000 * (clock.monotonic() - began))
    yield Figure(f"{name}, p50", median(took), "ms")
    yield Figure(f"{name}, p95", percentile(took, 95), "ms")


def _questions(ledger: Ledger, count: int, now: float) -> Iterator[tuple[str, Callable[[int], object]]]:
    """Yield what the commands ask of the ledger, by the command."""

    def some(number: int) -> int:
        return 1 + (number * 7919) % count

    def search(**wanted: Any) -> object:
        return ledger.search(TransferFilter(**wanted), 51)

    def explain(number: int) -> None:
        (transfer,) = find(ledger, str(some(number)))
        ledger.timeline(transfer.id)
        ledger.receipts(_bundle(transfer.id))
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
    yield "log --case", lambda number: search(case=_case(some(number)))
    yield "log --case, its beginning", lambda number: search(case=_case(some(number))[:-2])
    yield "log --case, of all", lambda _number: search(case="A33")
    yield "log --state held", lambda _number: search(held=True)
    yield "log --state", lambda _number: search(state=State.SENT)
    yield "log --failing", lambda _number: search(failing=True)
    yield "log --flow", lambda number: search(flow=FLOWS[number % len(FLOWS)])
    yield "log --peer", lambda number: search(peer=PEERS[number % len(PEERS)])
    yield "log --peer --flow", lambda number: search(peer=PEERS[number % 30], flow=FLOWS[number % 46])
    yield "log --link, of none", lambda _number: search(link=LinkName("nobody"))
    yield "log --direction, of none", lambda _number: search(direction=Direction.RELAY)
    yield "log --since", lambda number: search(since=now - 3600.0 * number)
    yield "log --text", lambda number: search(text=f"export-{some(number)}")
    yield "explain", explain
    yield "status", status


def _writing(ledger: Ledger, seed: int) -> float:
    """Return how many transfers a second are found, sealed and sent."""
    clock = SystemClock()
    began = clock.monotonic()
    for start in range(0, WRITTEN, TOGETHER):
        names = [f"{seed}-{start + number}" for number in range(TOGETHER)]
        exports = [FoundExport(ClaimToken(_hex(f"c{n}")[:32]), RouteName("out"), n, 60_000, clock.now()) for n in names]
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
                    bundle_id=BundleId(_hex(f"b{one.export_name}")[:32]),
                    header_hash=_digest(f"h{one.export_name}"),
                    sequence=following + number,
                    business_key=f"key {one.export_name}",
                    content_hash=_digest(f"k{one.export_name}"),
                ),
                started_at=clock.now(),
            )
            for number, one in enumerate(ledger.found(exports))
        ]
        due = Facts(receipt_due_at=clock.now() + 900)
        ledger.advance_many([Step(one, Event.SENT, Stage.SEND, due) for one in ledger.advance_many(sealed)])
    return WRITTEN / (clock.monotonic() - began)


# -- making it ---------------------------------------------------------------------------------------------------------


def _fill(ledger: Ledger, count: int, now: float) -> None:
    """Make `count` transfers of a year with their histories, by direct insertion; the last OPEN owe something."""
    rows = (_transfer(number, count, now) for number in range(1, count + 1))
    while some := list(islice(rows, AT_ONCE)):
        ledger.change(partial(_insert, some))


def _insert(some: list[dict[str, Any]], change: Change) -> None:
    connection = change.connection
    write_many(connection, adding, some, schema.transfers, tuple(some[0]))
    tables: dict[Any, list[dict[str, Any]]] = {}
    for row in some:
        change.counted[row["direction"], row["state"]] += 1
        for table, its in _history(row):
            tables.setdefault(table, []).append(its)
    for table, all_its in tables.items():
        write_many(connection, adding, all_its, table, tuple(all_its[0]))


def _transfer(number: int, count: int, now: float) -> dict[str, Any]:
    is_outbound, is_open = number % 2 == 0, number > count - OPEN
    found_at = now - YEAR * (1 - number / count)
    state = State.CLOSED
    if is_open:
        state = (State.SEALED, State.SENT)[number % 4 // 2] if is_outbound else State.FETCHED
    peer = PEERS[number % len(PEERS)]
    return {
        "id": number,
        "version": 5,
        "direction": Direction.OUTBOUND if is_outbound else Direction.INBOUND,
        "state": state,
        "link": LINK,
        "route": "out" if is_outbound else None,
        "origin": UNIT if is_outbound else peer,
        "recipient": peer if is_outbound else UNIT,
        "peer": peer,
        "bundle_id": _bundle(number),
        "header_hash": _hex(f"header {number}"),
        "epoch": 7,
        "sequence": number // len(PEERS) + 1,
        "flow": FLOWS[number % len(FLOWS)],
        "case_no": _case(number),
        "export_name": f"export-{number}.zip",
        "claim": _hex(f"claim {number}")[:32] if is_outbound else None,
        "size": 60_000,
        "found_at": found_at,
        "changed_at": found_at + 9,
        "owed_since": found_at + 9,
        "settled_at": None if is_open else found_at + 9,
        "attempts": int(is_open and number % 10 == 0),
        "next_attempt_at": found_at,
        "receipt_due_at": now + 900 if state is State.SENT else None,
        "hold_code": "operator-hold" if is_open and number % 20 == 1 else None,
        "verdict": "pass",
        "business_key": f"key {number}" if is_outbound else None,
        "content_hash": _hex(f"content {number}") if is_outbound else None,
        "priority": Priority.NORMAL,
    }


def _history(row: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    number, at = row["id"], row["found_at"]
    for version, what in enumerate(("found", "sealed", "sent", "delivery-receipted"), start=1):
        said = {"kind": "event", "what": what, "stage": "pack", "state": what, "code": "", "note": "", "actor": ""}
        yield schema.events, {"transfer_id": number, "version": version, "at": at + version, **said}
        if version > 1:
            took = {"started_at": at + version, "ended_at": at + version, "code": "", "detail": "", "retry_at": None}
            yield schema.attempts, {"transfer_id": number, "version": version, "stage": "pack", "state": what, **took}
    word = {"code": "120", "issuer": row["recipient"], "issued_at": at + 9, "digest": _hex(f"digest {number}")}
    about = {"transfer_id": number, "version": 5, "at": at + 9, "bundle_id": row["bundle_id"]}
    yield schema.receipts, {**about, "header_hash": row["header_hash"], **word, "raw": bytes(400)}
    what_was_in_it = {"at": at, "flow": row["flow"], "request": "", "chapters": "", "raw": bytes(300)}
    yield schema_matters.matters, {"transfer_id": number, **what_was_in_it}
    scheme = {"scheme": "police-case-no", "number": row["case_no"]}
    yield schema_matters.matter_numbers, {"transfer_id": number, **scheme}


def _case(number: int) -> str:
    return f"A3301{number // 2:012}"


def _bundle(number: int) -> BundleId:
    return BundleId(_hex(f"bundle {number}")[:32])


def _digest(text: str) -> Digest:
    return Digest(_hex(text))


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()
