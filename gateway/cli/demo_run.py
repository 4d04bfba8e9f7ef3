"""`caseferry demo`: seven real nodes around a hub exchange over links of every kind; prints one table."""

import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from rich.box import SIMPLE_HEAD
from rich.table import Table

from gateway.cli import demo_standard
from gateway.cli.demo import LOOK_SECONDS, wait_ready, workplace
from gateway.cli.demo_map import BY_KEY, EXPORTS, LINKS, THE_HUB, UNITS, Way, path
from gateway.cli.demo_province import DemoProvince, inbound_packer, make_export, make_province, open_province
from gateway.cli.demo_rows import Row
from gateway.cli.demo_samples import Sample, arrived_whole, drop, find_samples, parts_of
from gateway.cli.terminal import EXIT_FAILED, Terminal
from gateway.compose.identity import load_identity, new_umask
from gateway.compose.media import MediaDesk
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.errors import ConfigError, GatewayError, Scope, TransientError
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import ReceiptCode, Transfer, known
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.words.templates import mark

DEMO_SECONDS = 240.0
"""After which what is still on its way is told and the demo has failed."""
TRIP_EVERY = 0.5
_PEOPLE = (("wang", "li"), ("zhao", "chen"))
"""Who asks and who confirms, where a medium is written and where it is read."""

_WAYS = MappingProxyType(
    {
        Way.SFTP: mark("SFTP"),
        Way.PULL: mark("SFTP, fetched"),
        Way.GAP: mark("gap device"),
        Way.DIODE: mark("diode"),
        Way.MEDIA: mark("USB"),
    }
)


@dataclass(slots=True)
class _Dropped:
    """One export on its way."""

    sample: Sample
    sender: str
    to: tuple[str, ...]
    at: float
    size: int
    ended: dict[str, Transfer] = field(default_factory=dict)


def demo(terminal: Terminal, samples: Path, keep: Path | None) -> int:
    """Run the province and return the exit code. `keep`: a new folder in which it stays, to be started again."""
    new_umask()
    found = find_samples(samples)
    clock = SystemClock()
    with workplace(keep) as root:
        terminal.say(mark("Making a province of {count} nodes in {root} ..."), count=len(UNITS), root=root)
        province = make_province(root, clock)
        try:
            _start(province, clock)
            terminal.say(mark("All daemons are ready; dropping exports."))
            with province.carrying(clock):
                rows = _exchange(province, samples, found, clock, terminal.say)
            with province.nodes[demo_standard.ASKER].ledger(clock) as ledger:
                asked = demo_standard.requests(ledger, terminal.words, clock.now())
        finally:
            codes = _stop(province)
        lost = sum(one.lost for several in province.carriers.values() for one in several)
    is_well = all(row.as_expected for row in rows) and set(codes) == {0}
    if terminal.as_json:
        requests = demo_standard.for_machines(asked)
        terminal.emit(
            {"rows": [asdict(row) for row in rows], "requests": requests, "lost_by_diodes": lost, "ok": is_well}
        )
    else:
        _print(terminal, rows)
        demo_standard.say(terminal, rows, asked)
        terminal.say(mark("The diodes lost {lost} bundles on the way; they were sent again unasked."), lost=lost)
        if keep is not None:
            _what_next(terminal, keep)
        terminal.say(mark("All as it must be.") if is_well else mark("Something is not as it must be."))
    return 0 if is_well else EXIT_FAILED


def run_kept(terminal: Terminal, root: Path) -> int:
    """Start the province that was kept in `root` and keep it running until Ctrl-C; return the exit code."""
    new_umask()
    clock = SystemClock()
    try:
        province = open_province(root.resolve())
    except (OSError, ValueError) as error:
        facts = {"folder": str(root)}
        raise ConfigError("demo-not-kept", f"{root}: {error}", scope=Scope.NODE, facts=facts) from error
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: asked.set())
    try:
        _start(province, clock)
        terminal.say(mark("The province runs; look at it from another terminal. Ctrl-C ends it."))
        with province.carrying(clock) as carried:
            while not asked.wait(LOOK_SECONDS) and not carried.done():
                pass
    finally:
        codes = _stop(province)
    return 0 if set(codes) == {0} else EXIT_FAILED


def _start(province: DemoProvince, clock: Clock) -> None:
    for node in province.nodes.values():
        # What it said of an earlier run would be taken for this one's.
        (node.place.root / "state" / "health.json").unlink(missing_ok=True)
        node.start()
    for node in province.nodes.values():
        wait_ready(node, clock)


def _stop(province: DemoProvince) -> list[int | None]:
    running = list(province.nodes.values())
    for node in running:
        node.ask_stop()
    return [node.stop() for node in running]


def _exchange(
    province: DemoProvince, samples: Path, found: Sequence[Sample], clock: Clock, say: Callable[..., None]
) -> list[Row]:
    """Drop everything, carry what must be carried, and return the table once all have come to their end."""
    with tempfile.TemporaryDirectory(prefix="caseferry-exports-") as making:
        dropped = list(_drop_all(province, samples, found, Path(making), clock))
        courier = _Courier(province, clock)
        ledgers = {key: node.ledger(clock) for key, node in province.nodes.items()}
        try:
            deadline = clock.monotonic() + DEMO_SECONDS
            waiting = list(dropped)
            answers = demo_standard.decisions(samples)
            while waiting or answers or not demo_standard.is_counted(ledgers[demo_standard.ASKER]):
                courier.look()
                for one in list(waiting):
                    _look(one, ledgers[one.sender])
                    if len(one.ended) == len(one.to):
                        waiting.remove(one)
                        done = len(dropped) - len(waiting)
                        total = len(dropped) + len(answers)
                        say(mark("{done} of {total}: {export}"), done=done, total=total, export=one.sample.name)
                if answers and not any(one.sender == demo_standard.ASKER for one in waiting):
                    # Whoever decides has read what is asked.
                    decided = list(_drop_answers(province, answers, clock))
                    answers = []
                    dropped += decided
                    waiting += decided
                if clock.monotonic() > deadline:
                    late = ", ".join(sorted(one.sample.name for one in waiting))
                    raise TransientError(
                        "demo-unfinished", f"no end after {DEMO_SECONDS:.0f} s: {late}", facts={"late": late}
                    )
                time.sleep(LOOK_SECONDS)
            return [_row(province, ledgers, one, to) for one in dropped for to in one.to]
        finally:
            for ledger in ledgers.values():
                ledger.close()


def _drop_all(
    province: DemoProvince, samples: Path, found: Sequence[Sample], making: Path, clock: Clock
) -> Iterator[_Dropped]:
    for sample in found:
        if sample.packer == "police" and sample.code == "":
            out = province.nodes["police"].place.out
            yield _Dropped(sample, "police", ("procuratorate",), clock.now(), drop(sample, out))
    for export in EXPORTS:
        sample = make_export(export, samples, making)
        out = province.nodes[export.sender].place.out
        yield _Dropped(sample, export.sender, export.to, clock.now(), drop(sample, out))


def _drop_answers(province: DemoProvince, answers: Sequence[Sample], clock: Clock) -> Iterator[_Dropped]:
    decider, asker = demo_standard.DECIDER, demo_standard.ASKER
    for sample in answers:
        yield _Dropped(sample, decider, (asker,), clock.now(), drop(sample, province.nodes[decider].place.out))


def _look(one: _Dropped, ledger: Ledger) -> None:
    by_unit = {BY_KEY[key].unit: key for key in one.to}
    wanted = TransferFilter(direction=Direction.OUTBOUND, text=one.sample.name)
    for transfer in ledger.search(wanted, limit=100):
        key = by_unit.get(transfer.recipient) if transfer.recipient is not None else None
        has_ended = transfer.state in (State.DELIVERED, State.COLLECTED, State.REFUSED, State.DUPLICATE)
        if transfer.export_name == one.sample.name and (has_ended or transfer.hold_code is not None):
            for name in (key,) if key is not None else one.to:
                one.ended.setdefault(name, transfer)


class _Courier:
    """Carries a medium between the two units that nothing else joins: two people write it, two people read it."""

    def __init__(self, province: DemoProvince, clock: Clock) -> None:
        self._clock = clock
        self._next = 0.0
        self._ways = []
        for link in LINKS:
            if link.way is Way.MEDIA:
                medium = province.root / "usb"
                medium.mkdir()
                self._ways = [(link.one, link.other), (link.other, link.one)]
                self._medium = medium
        self._configs = {key: node.place.config for key, node in province.nodes.items()}

    def look(self) -> None:
        """Make a trip each way, if anything waits for one."""
        if self._clock.monotonic() < self._next:
            return
        self._next = self._clock.monotonic() + TRIP_EVERY
        for sender, receiver in self._ways:
            with suppress(GatewayError):  # nothing waits, or it is not whole yet: the next look tries again
                self._trip(sender, receiver)

    def _trip(self, sender: str, receiver: str) -> None:
        (asks, confirms), (reads, accepts) = _PEOPLE
        trip = self._desk(sender, asks).export(receiver, self._medium, "USB 1", "demo").trip
        self._desk(sender, confirms).confirm(trip.id, "demo")
        for one in self._desk(receiver, reads).look(self._medium, "demo").trips:
            self._desk(receiver, accepts).confirm(one.id, "demo")

    def _desk(self, key: str, person: str) -> MediaDesk:
        return MediaDesk(load_identity(self._configs[key], {}), person, self._clock)


def _row(province: DemoProvince, ledgers: dict[str, Ledger], one: _Dropped, to: str) -> Row:
    transfer, ours = one.ended[to], ledgers[one.sender]
    way = path(one.sender, to)
    receipts = ours.receipts(known(transfer.bundle_id)) if transfer.bundle_id else []
    final = [r for r in receipts if r.issuer == BY_KEY[to].unit]
    custody = next((e.at for e in ours.timeline(transfer.id) if e.what == Event.CUSTODY_RECEIPTED), None)
    whole, delivery, packer = False, "", inbound_packer(to)
    if transfer.state in (State.DELIVERED, State.COLLECTED):
        inbound = ledgers[to].by_bundle(known(transfer.bundle_id), Direction.INBOUND)
        parts = parts_of(province.nodes[to].place.into, inbound[0].export_name)
        delivery = parts[0].name if parts else ""
        whole = len(inbound) == 1 and bool(parts) and arrived_whole(one.sample, *parts, packer=packer)
    receipt = final[-1].code if final else ""
    return Row(
        transfer.flow,
        transfer.case_no,
        one.sender,
        to,
        tuple(link.way for link in way),
        one.size,
        None if custody is None else round(custody - one.at, 2),
        round((transfer.settled_at or transfer.changed_at) - one.at, 2),
        transfer.state,
        receipt,
        one.sample.name,
        delivery,
        one.sample.packer,
        packer,
        whole,
        to != one.to[0],
        transfer.state in (State.DELIVERED, State.COLLECTED) and whole and receipt == ReceiptCode.DELIVERED,
    )


def _print(terminal: Terminal, rows: Sequence[Row]) -> None:
    words = terminal.words
    table = Table(title=words.text(mark("A province in one table")), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, justify in (
        (mark("Flow"), "left"),
        (mark("From"), "left"),
        (mark("To"), "left"),
        (mark("Over"), "left"),
        (mark("Bytes"), "right"),
        (mark("To custody, s"), "right"),
        (mark("To receipt, s"), "right"),
        (mark("Outcome"), "left"),
        (mark("Same"), "left"),
    ):
        table.add_column(words.text(name), justify=justify)  # type: ignore[arg-type] # rich takes names of its own type
    for row in rows:
        over = [words.text(_WAYS[Way(way)]) for way in row.over]
        receiver = BY_KEY[row.receiver].name
        table.add_row(
            row.flow,
            BY_KEY[row.sender].name,
            words.text(mark("{unit} (copy)"), unit=receiver) if row.copy else receiver,
            words.text(mark(" > hub > ")).join(over),
            f"{row.size:,}",
            "-" if row.seconds_to_custody is None else f"{row.seconds_to_custody:.2f}",
            f"{row.seconds_to_receipt:.2f}",
            " ".join(filter(None, (words.state(State(row.state)), row.receipt))),
            words.text(mark("yes")) if row.same_bytes else "",
        )
    terminal.show(table)


def _what_next(terminal: Terminal, keep: Path) -> None:
    terminal.say(mark("Everything is kept in {root}. Try next:"), root=keep)
    for command in (
        f"caseferry demo --run {keep}",
        f"caseferry status --config {keep}/{THE_HUB}/etc",
        f"caseferry log --config {keep}/police/etc",
        f"caseferry replies --config {keep}/police/etc",
        f"caseferry deadlines --config {keep}/procuratorate/etc",
        f"caseferry stats --config {keep}/police/etc",
        "caseferry flows show arrest-request",
        f"caseferry explain （2026）测0102刑初12号 --config {keep}/court/etc",
        f"caseferry route explain sentence-delivery 990102A00 990000P01 --config {keep}/court/etc",
        f"caseferry roster show --config {keep}/{THE_HUB}/etc",
        f"caseferry media list --config {keep}/detention/etc",
        f"caseferry reconcile --wait 20 --config {keep}/court/etc",
    ):
        terminal.line(f"  {command}")
