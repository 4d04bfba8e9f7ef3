"""A node that stands and waits: hundreds of idle links and outbound folders; its processor time and memory."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh

from benchmarks.data import MIB
from benchmarks.figures import BenchmarkError, Figure, Goal, Section
from benchmarks.guests import connected, keep_keys
from benchmarks.processes import Family, members
from benchmarks.rosters import VALID, unit_of
from gateway.bundle.card import parse_card
from gateway.cli.demo_nodes import DemoNode, Place, init_place, write_link, write_routes
from gateway.compose.health import read_health
from gateway.compose.identity import load_keyring, load_settings, roster_store
from gateway.compose.setup import free_ports
from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode
from gateway.keyring.officer import OfficerKey
from gateway.roster.authority import Officers, next_root, propose, sign
from gateway.roster.content import HUB, Level, RosterContent, RosterUnit
from gateway.roster.drafting import default_classes, default_permissions, unit_of_card
from gateway.roster.file import join
from gateway.roster.proving import fingerprint
from gateway.settings.writing import Values

OURS = UnitCode("990000000000")
PROCESSOR_LIMIT, MEMORY_LIMIT = 2.0, 250 * MIB
"""Per cent of one core, and bytes of all processes together, that a waiting node may take."""
READY_SECONDS = 300.0
SETTLE_SECONDS = 10.0
_LOOK = 0.1
_TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds of processor time, the least that is seen."""


@dataclass(frozen=True, slots=True)
class Rested:
    """What a node took: processor seconds until it was ready and while it waited, bytes in the end; all processes."""

    start: float
    waiting: float
    resident: int


def resting(root: Path, links: int, seconds: float) -> Rested:
    """Start a node with `links` links and outbound folders, and let it wait for `seconds`; no guest is connected."""
    node = waiting_node(root / "node", links, SystemClock())
    try:
        family = _started(node)
        start = family.cpu_seconds()
        used, resident = _waited(family, seconds)
    finally:
        node.stop()
    # The kernel counts in ticks: what takes less than one is told as one, for of nothing no growth can be told.
    return Rested(start, max(used * seconds / 100, _TICK), resident)


def standing(root: Path, links: int, seconds: float) -> Section:
    """Let a node with `links` links, as many guests and as many outbound folders wait for `seconds`."""
    clock = SystemClock()
    node = waiting_node(root / "node", links, clock)
    began = clock.monotonic()
    try:
        family = _started(node)
        started = clock.monotonic() - began
        alone, memory_alone = _waited(family, seconds / 4)
        with connected(node.place.root, node.place.port) as guests:
            used, memory = _waited(family, seconds)
            private = _private(family)
        family.look()
        threads = sum(1 for _ in Path(f"/proc/{family.pid}/task").iterdir())
    finally:
        node.stop()
    over, each = f"over {seconds:.0f} s, all its processes", "all its processes, shared pages counted in each"
    figures = (
        Figure("start, until it is ready", started, "s"),
        Figure("processor", used, "% of one core", over, goal=Goal(PROCESSOR_LIMIT)),
        Figure(
            "resident", memory / MIB, "MiB", "all its processes, shared pages in each", goal=Goal(MEMORY_LIMIT / MIB)
        ),
        Figure("resident, shared pages once", private / MIB, "MiB", "the sum of their proportional shares"),
        Figure("processor, no guest connected", alone, "% of one core", f"over {seconds / 4:.0f} s"),
        Figure("resident, no guest connected", memory_alone / MIB, "MiB", each),
        *(Figure(f"  {peak.name}", peak.bytes / MIB, "MiB", "peak") for peak in family.peaks()),
        Figure("threads of the daemon", threads, ""),
    )
    work = (
        f"one node with {links} links to guests of its server and {links} outbound folders; {guests} guests are "
        "connected, each with a session; nothing happens"
    )
    return Section("W6", f"{links} idle links", work, figures)


def _started(node: DemoNode) -> Family:
    """Start the node, and return its processes once it is ready."""
    until = time.monotonic() + READY_SECONDS
    node.start()
    while not (pid := read_health(node.place.root / "state").pid):
        if not node.is_running() or time.monotonic() > until:
            raise BenchmarkError(f"the node does not start: {node.errors()[-2000:]}")
        time.sleep(_LOOK)
    return Family(pid)


def _waited(family: Family, seconds: float) -> tuple[float, int]:
    """Return what `family` takes while nothing happens for `seconds`: per cent of a core, and bytes in the end."""
    time.sleep(SETTLE_SECONDS)
    before = family.cpu_seconds()
    time.sleep(seconds)
    return (family.cpu_seconds() - before) / seconds * 100, family.resident()


def _private(family: Family) -> int:
    """Return the bytes that are resident because of the family, a page that many share counted once."""
    found = 0
    for pid in members(family.pid):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                found += int(line.split()[1]) * 1024
    return found


def waiting_node(root: Path, links: int, clock: SystemClock) -> DemoNode:
    """Make the node: a hub's roster of `links` units, a link to each, a folder for each."""
    place = Place(root, OURS, "省枢纽", free_ports(1)[0])
    timing: Values = {
        "timing": {"scan_every": "2s", "stable_scans": 3, "poll_every": "10s"},
        "relay": {"enabled": True},
    }
    init_place(place, clock, timing)
    now = int(clock.now())
    settings = load_settings(place.config)
    card = load_keyring(settings, {}).card(place.unit, place.name)
    ours = unit_of_card(
        parse_card(card), role=HUB, level=Level.PROVINCE, region="990000", parent=None, hubs=(), since=now - 60
    )
    codes = [UnitCode(f"9901{number:08d}") for number in range(links)]
    keys = {code: asyncssh.generate_private_key("ssh-ed25519") for code in codes}
    keep_keys(root, {code: key.export_private_key() for code, key in keys.items()})
    units = [ours, *(_guest(code, keys[code], now) for code in codes)]
    content = RosterContent(1, now, "测试省", tuple(units), default_permissions(), default_classes())
    officers = [OfficerKey.draw() for _ in range(3)]
    first = next_root([], Officers(tuple(one.public for one in officers), 2), now + VALID)
    file = propose([first], content, now + VALID)
    for one in officers[:2]:
        file = sign(file, one.public, one.sign)
    roster_store(settings).trust(join(file), fingerprint(file.roots[0]), now=now)
    for code in codes:
        write_link(place, {"name": f"to-{code}", "peer": code, "initiate": "none"})
        (place.out / code).mkdir(parents=True)
    routes: list[Values] = [
        {"name": f"for-{code}", "folder": f"../out/{code}", "packer": "folder", "receivers": {"*": code}}
        for code in codes
    ]
    for at in range(0, len(routes), 100):
        write_routes(place, f"part-{at}", outbound=routes[at : at + 100])
    return DemoNode(place)


def _guest(code: UnitCode, key: asyncssh.SSHKey, now: int) -> RosterUnit:
    public = " ".join(key.export_public_key().decode().split()[:2])
    return replace(unit_of(code, "police", (OURS,), now), ssh_user_keys=(public,))


if __name__ == "__main__":
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        found = standing(Path(made), int(sys.argv[1]), float(sys.argv[2]))
        for figure in found.figures:
            print(f"{figure.name:30} {figure.value:10.2f} {figure.unit} {figure.note}")
