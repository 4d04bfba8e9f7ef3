"""A node that stands and waits: hundreds of idle links and outbound folders; its processor time and memory."""

import time
from pathlib import Path

from benchmarks.data import MIB
from benchmarks.figures import BenchmarkError, Figure, Section
from benchmarks.processes import Family
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
from gateway.roster.content import HUB, Level, RosterContent
from gateway.roster.drafting import default_classes, default_permissions, unit_of_card
from gateway.roster.file import join
from gateway.roster.proving import fingerprint
from gateway.settings.writing import Values

OURS = UnitCode("990000000000")
PROCESSOR_LIMIT, MEMORY_LIMIT = 2.0, 250 * MIB
"""Per cent of one core, and bytes of all processes together, that a waiting node may take."""
READY_SECONDS = 120.0
SETTLE_SECONDS = 10.0
_LOOK = 0.1


def standing(root: Path, links: int, seconds: float) -> Section:
    """Let a node with `links` links, as many guests and as many outbound folders wait for `seconds`."""
    clock = SystemClock()
    node = waiting_node(root / "node", links, clock)
    began = clock.monotonic()
    node.start()
    try:
        while not read_health(node.place.root / "state").pid:
            if not node.is_running() or clock.monotonic() - began > READY_SECONDS:
                raise BenchmarkError(f"the node does not start: {node.errors()[-2000:]}")
            time.sleep(_LOOK)
        started = clock.monotonic() - began
        family = Family(read_health(node.place.root / "state").pid)
        time.sleep(SETTLE_SECONDS)
        before = family.cpu_seconds()
        time.sleep(seconds)
        used = (family.cpu_seconds() - before) / seconds * 100
        memory = family.resident()
        family.look()
        threads = sum(1 for _ in Path(f"/proc/{family.pid}/task").iterdir())
    finally:
        node.stop()
    figures = (
        Figure("start, until it is ready", started, "s"),
        Figure("processor", used, "% of one core", f"over {seconds:.0f} s, all its processes"),
        Figure("resident", memory / MIB, "MiB", "all its processes together, shared pages counted in each"),
        *(Figure(f"  {peak.name}", peak.bytes / MIB, "MiB", "peak") for peak in family.peaks()),
        Figure("threads of the daemon", threads, ""),
    )
    broken = [f"{used:.1f} % of a core"] * (used >= PROCESSOR_LIMIT)
    broken += [f"{memory / MIB:.0f} MiB"] * (memory >= MEMORY_LIMIT)
    work = f"one node with {links} links to guests of its server and {links} outbound folders; nothing happens"
    return Section("W6", f"{links} idle links", work, figures, tuple(broken))


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
    units = [ours, *(unit_of(code, "police", (OURS,), now) for code in codes)]
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


if __name__ == "__main__":
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        found = standing(Path(made), int(sys.argv[1]), float(sys.argv[2]))
        for figure in found.figures:
            print(f"{figure.name:30} {figure.value:10.2f} {figure.unit} {figure.note}")
        print(found.broken)
