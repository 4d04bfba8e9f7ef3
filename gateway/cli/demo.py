"""`caseferry demo --small`: two real nodes on this machine ferry every sample export; prints a table, exits 0 if all
went as it must."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from gateway.cli.demo_nodes import DemoNode, make_nodes
from gateway.cli.demo_samples import Sample, arrived_whole, drop, find_samples
from gateway.cli.terminal import EXIT_FAILED, Terminal
from gateway.compose.identity import new_umask
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.errors import ConfigError, Scope, TransientError
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode, Transfer, known
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.words.templates import mark

LOOK_SECONDS = 0.05
READY_SECONDS = 180.0
FERRY_SECONDS = 240.0
NAME_SHOWN = 26
"""Characters of an export's name in the table."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one sample. `seconds` run from the drop to the signed receipt, or to the refusal or hold."""

    case_no: str
    export: str
    flow: str
    size: int
    seconds: float
    outcome: str
    verdict: str
    findings: str
    receipt: str
    same_bytes: bool
    as_expected: bool


def demo(terminal: Terminal, samples: Path, keep: Path | None) -> int:
    """Run the demo and return the exit code. `keep`: a new folder in which everything stays to be looked at."""
    new_umask()
    found = find_samples(samples)
    clock = SystemClock()
    with workplace(keep) as root:
        terminal.say(mark("Making two nodes, police and procuratorate, in {root} ..."), root=root)
        police, procuratorate = make_nodes(root, clock)
        try:
            rows = ferry(police, procuratorate, found, clock, terminal.say)
        finally:
            exit_codes = [police.stop(), procuratorate.stop()]
    is_well = all(row.as_expected for row in rows) and exit_codes == [0, 0]
    if terminal.as_json:
        terminal.emit({"rows": [asdict(row) for row in rows], "ok": is_well})
    else:
        _print(terminal, rows)
        if keep is not None:
            terminal.say(
                mark("Everything is kept in {root}; look at police/out, procuratorate/in and the logs."), root=keep
            )
        terminal.say(mark("All as it must be.") if is_well else mark("Something is not as it must be."))
    return 0 if is_well else EXIT_FAILED


def ferry(
    police: DemoNode,
    procuratorate: DemoNode,
    samples: Sequence[Sample],
    clock: Clock,
    say: Callable[..., None],
    *,
    between: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Start both nodes, drop every sample, wait until each has come to its end; return the table.

    The good ones go first: what is defective are versions of them, which are compared with what was sent.
    between: called once those are dropped, e.g. to kill a node; the nodes must be running again afterwards.
    """
    for node in (police, procuratorate):
        node.start()
    for node in (police, procuratorate):
        wait_ready(node, clock)
    say(mark("Both daemons are ready; dropping {count} exports."), count=len(samples))
    waves = [[s for s in samples if s.code == ""], [s for s in samples if s.code != ""]]
    dropped = {sample.name: (clock.now(), drop(sample, police.place.out)) for sample in waves[0]}
    between()
    with police.ledger(clock) as ours, procuratorate.ledger(clock) as theirs:
        ended: dict[str, Transfer] = {}
        deadline = clock.monotonic() + FERRY_SECONDS
        while len(ended) < len(samples):
            if len(ended) == len(waves[0]) == len(dropped):
                dropped |= {sample.name: (clock.now(), drop(sample, police.place.out)) for sample in waves[1]}
            if clock.monotonic() > deadline:
                late = ", ".join(sorted({sample.name for sample in samples} - ended.keys()))
                raise TransientError(
                    "demo-unfinished", f"no end after {FERRY_SECONDS:.0f} s: {late}", facts={"late": late}
                )
            for transfer in ours.search(TransferFilter(direction=Direction.OUTBOUND), limit=1000):
                if _outcome(transfer) and transfer.export_name not in ended:
                    ended[transfer.export_name] = transfer
                    say(
                        mark("{done} of {total}: {export}"),
                        done=len(ended),
                        total=len(samples),
                        export=transfer.export_name,
                    )
            time.sleep(LOOK_SECONDS)
        return [
            _row(
                sample,
                ended[sample.name],
                ours,
                theirs,
                procuratorate.place.into,
                dropped_at=dropped[sample.name][0],
                size=dropped[sample.name][1],
            )
            for sample in samples
        ]


def wait_ready(node: DemoNode, clock: Clock) -> None:
    """Return once the daemon has written its account of itself; TransientError with its own words if it ended."""
    path = node.place.root / "state" / "health.json"
    deadline = clock.monotonic() + READY_SECONDS
    while not path.exists():
        is_late = clock.monotonic() > deadline
        if is_late or not node.is_running():
            said = node.errors()[-2000:] or (f"not ready after {READY_SECONDS:.0f} s" if is_late else "it said nothing")
            raise TransientError("demo-node-failed", said, facts={"unit": node.place.unit})
        time.sleep(LOOK_SECONDS)


@contextmanager
def workplace(keep: Path | None) -> Iterator[Path]:
    """Yield `keep`, which must be new or empty, or a folder that is removed in the end."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="caseferry-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise ConfigError("demo-folder-used", f"{keep} is not empty", scope=Scope.NODE, facts={"folder": str(keep)})
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def _outcome(transfer: Transfer) -> str:
    """Return how a transfer ended; empty while it has not."""
    if transfer.state is State.DELIVERED:
        return "delivered"
    if transfer.state in (State.REFUSED, State.DUPLICATE):
        return transfer.state
    return "held" if transfer.hold_code is not None else ""


def _row(
    sample: Sample,
    transfer: Transfer,
    ours: Ledger,
    theirs: Ledger,
    into: Path,
    *,
    dropped_at: float,
    size: int,
) -> Row:
    outcome = _outcome(transfer)
    receipts = ours.receipts(known(transfer.bundle_id)) if transfer.bundle_id else []
    whole = False
    if outcome == "delivered":
        inbound = theirs.by_bundle(known(transfer.bundle_id), Direction.INBOUND)
        copies = [p for p in into.iterdir() if p.name == inbound[0].export_name]
        whole = len(inbound) == 1 and len(copies) == 1 and arrived_whole(sample, copies[0])
    codes = next((e.note for e in reversed(ours.timeline(transfer.id)) if e.what in _READ or e.code in _READ), "")
    return Row(
        transfer.case_no,
        sample.name,
        transfer.flow,
        size,
        round((transfer.settled_at or transfer.changed_at) - dropped_at, 2),
        outcome,
        transfer.verdict,
        codes,
        receipts[-1].code if receipts else "",
        whole,
        outcome == sample.expected
        and sample.code in codes
        and (outcome != "delivered" or (whole and receipts[-1].code == ReceiptCode.DELIVERED)),
    )


_READ = frozenset({"sealed", "export-refused", "export-held", "content-differs", "delivered-before"})
"""Entries of a timeline that carry the codes of what the packer found."""


def _print(terminal: Terminal, rows: Sequence[Row]) -> None:
    words = terminal.words
    table = Table(title=words.text(mark("Police to procuratorate")), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(words.text(mark("Case number")), no_wrap=True)
    table.add_column(words.text(mark("Export")), no_wrap=True)
    table.add_column(words.text(mark("Flow")))
    table.add_column(words.text(mark("Bytes")), justify="right")
    table.add_column(words.text(mark("Seconds")), justify="right")
    table.add_column(words.text(mark("Outcome")))
    table.add_column(words.text(mark("Same")))
    table.add_column(words.text(mark("Verdict and findings")), overflow="fold")
    for row in rows:
        ended = words.text(mark("held")) if row.outcome == "held" else words.state(State(row.outcome))
        table.add_row(
            row.case_no,
            _shortened(row.export),
            row.flow,
            str(row.size),
            f"{row.seconds:.2f}",
            " ".join(filter(None, (ended, row.receipt))),
            words.text(mark("yes")) if row.same_bytes else "",
            " ".join(filter(None, (words.verdict(row.verdict), row.findings))),
        )
    terminal.show(table)


def _shortened(name: str) -> str:
    """Return a long export name without its middle: its beginning says what it is, its end when it was made."""
    return name if len(name) <= NAME_SHOWN else f"{name[: NAME_SHOWN // 3]}…{name[-NAME_SHOWN // 2 :]}"
