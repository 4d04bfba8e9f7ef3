"""A node that starts with very many sealed bundles in its spool: how soon the first of them leaves."""

import os
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from benchmarks.figures import BenchmarkError, Figure, Goal, Section
from benchmarks.processes import Family
from benchmarks.standing import OURS, waiting_node
from gateway.cli.demo_nodes import DemoNode
from gateway.compose.health import read_health
from gateway.compose.identity import load_settings, open_ledger
from gateway.domain.clock import SystemClock
from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, RouteName, UnitCode
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, FoundExport, Stage, Step
from gateway.folders import intent, taking
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger

FIRST_MOST = 10.0
"""Seconds from the start of the process to the first deposit."""
PATIENCE = 600.0
BYTES = 4096
"""Of an export, and of its bundle: the start asks for names and notes, and looks into none of them."""
_LOOK = 0.02
_TOGETHER = 500


def restart(root: Path, count: int) -> Section:
    """Start a node that owes `count` bundles, each with its claimed original, and wait for the first deposit."""
    clock = SystemClock()
    node = waiting_node(root / "node", 1, clock)
    settings = load_settings(node.place.config)
    (link,), (route,) = settings.links, settings.outbound
    spool = Spool(settings.paths.spool)
    spool.prepare()
    began = clock.monotonic()
    with open_ledger(settings, clock) as ledger:
        for start in range(0, count, _TOGETHER):
            numbers = range(start, min(start + _TOGETHER, count))
            _owe(ledger, spool, LinkName(link.name), RouteName(route.name), UnitCode(link.peer), numbers, route.folder)
    made = clock.monotonic() - began
    mailbox = settings.paths.mailboxes / link.peer
    began = clock.monotonic()
    node.start()
    try:
        first = _until_something_lies_in(mailbox, node, began, clock)
        pid = read_health(settings.paths.state).pid
        resident, used = (_resident(pid), Family(pid).cpu_seconds()) if pid else (0, 0.0)
    finally:
        node.stop()
    figures = (
        Figure("from the start to the first deposit", first, "s", goal=Goal(FIRST_MOST)),
        Figure("processor by then", used, "s", "all its processes"),
        Figure("resident by then", resident / 2**20, "MiB", "the daemon"),
        Figure("making the state", made, "s"),
    )
    work = f"a node that was stopped with {count:,} sealed bundles and their originals in its spool; it is started"
    return Section("W9", f"Restart with {count:,} in flight", work, figures)


def _owe(
    ledger: Ledger,
    spool: Spool,
    link: LinkName,
    route: RouteName,
    peer: UnitCode,
    numbers: Sequence[int],
    folder: Path,
) -> None:
    """Claim and seal exports as the claim and the pack stage leave them; only their content means nothing."""
    now = time.time()
    tokens = [ClaimToken(_hex(f"claim {number}")[:32]) for number in numbers]
    exports = [
        FoundExport(token, route, f"export-{n}.zip", BYTES, now) for n, token in zip(numbers, tokens, strict=True)
    ]
    for export in exports:
        whole = spool.claims / route / export.claim
        (whole / taking.PARTS).mkdir(parents=True)
        part = intent.Part(export.export_name, is_folder=False, size=BYTES, mtime_ns=1, children="")
        note = intent.Intent(export.claim, route, folder, export.export_name, (part,), None)
        (whole / taking.INTENT).write_bytes(intent.encode(note))
        (whole / taking.PARTS / export.export_name).write_bytes(bytes(BYTES))
    following = ledger.next_sequence(peer)
    steps = []
    for at, (number, one) in enumerate(zip(numbers, ledger.found(exports), strict=True)):
        bundle = BundleId(_hex(f"bundle {number}")[:32])
        spool.outbound_bundle(bundle, tokens[at]).write_bytes(os.urandom(BYTES))
        facts = Facts(
            link=link,
            origin=OURS,
            recipient=peer,
            bundle_id=bundle,
            header_hash=Digest(_hex(f"header {number}")),
            sequence=following + at,
            size=BYTES,
        )
        steps.append(Step(one, Event.SEALED, Stage.PACK, facts, started_at=now))
    ledger.advance_many(steps)


def _until_something_lies_in(mailbox: Path, node: DemoNode, began: float, clock: SystemClock) -> float:
    while not any(path.is_file() and not path.name.startswith(".") for path in mailbox.rglob("*.cf*")):
        if not node.is_running() or clock.monotonic() - began > PATIENCE:
            raise BenchmarkError(f"nothing leaves: {node.errors()[-2000:]}")
        time.sleep(_LOOK)
    return clock.monotonic() - began


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as made_here:
        for figure in restart(Path(made_here), int(sys.argv[1])).figures:
            print(f"{figure.name:38} {figure.value:10.2f} {figure.unit}")
