"""The roster of a province: how long a node takes to accept it, and to load and verify it, and in what memory."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.data import MIB
from benchmarks.figures import BenchmarkError, Figure, Section
from gateway.bundle.card import ssh_text
from gateway.bundle.keys import generate
from gateway.bundle.suites import DEFAULT_SUITE
from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode
from gateway.keyring.officer import OfficerKey
from gateway.roster.authority import Officers, next_root, propose, sign
from gateway.roster.content import HUB, Level, RosterContent, RosterUnit, UnitKey
from gateway.roster.drafting import default_classes, default_permissions
from gateway.roster.file import join
from gateway.roster.proving import fingerprint
from gateway.roster.store import RosterStore

LOAD_SECONDS = 1.0
"""What loading and verifying the roster of PROMISED units may take, the library's own start apart."""
PROMISED = 600
VALID = 86_400 * 365
HUB_UNIT = UnitCode("990000000000")

_CHILD = """
import json, sys, time
from pathlib import Path
import gateway.roster.proving
from gateway.roster.store import RosterStore
def most():
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])

before = most()
began = time.perf_counter()
trusted = RosterStore(Path(sys.argv[1])).load()
seconds = time.perf_counter() - began
print(json.dumps([len(trusted.roster.units), seconds, before, most()]))
"""


def rosters(root: Path, counts: tuple[int, ...]) -> Section:
    """Measure rosters of `counts` units, each with one pair of keys of the default suite."""
    figures: list[Figure] = []
    broken: list[str] = []
    for count in counts:
        found, seconds = _one(root / str(count), count)
        figures += found
        if count <= PROMISED and seconds >= LOAD_SECONDS:
            broken.append(f"a roster of {count} units took {seconds:.2f} s to load, promised is {LOAD_SECONDS:.0f} s")
    work = (
        "one hub and units below it, each with one pair of keys of the default suite and two SSH keys, signed by two "
        "of three officers; loaded in a new process from the state folder, all signatures and digests verified"
    )
    return Section("B8", "The roster of a province", work, tuple(figures), tuple(broken))


def _one(folder: Path, count: int) -> tuple[list[Figure], float]:
    clock = SystemClock()
    now = int(clock.now())
    officers = [OfficerKey.draw() for _ in range(3)]
    root = next_root([], Officers(tuple(one.public for one in officers), 2), now + VALID)
    units = [
        unit_of(HUB_UNIT, HUB, (), now),
        *(unit_of(_code(one), "police", (HUB_UNIT,), now) for one in range(count - 1)),
    ]
    content = RosterContent(1, now, "测试省", tuple(units), default_permissions(), default_classes())
    file = propose([root], content, now + VALID)
    for one in officers[:2]:
        file = sign(file, one.public, one.sign)
    raw = join(file)
    store = RosterStore(folder)
    began = clock.monotonic()
    store.trust(raw, fingerprint(file.roots[0]), now=now)
    accepting = clock.monotonic() - began
    done = subprocess.run([sys.executable, "-c", _CHILD, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"a roster of {count} units could not be loaded: {done.stderr[-300:]}")
    listed, seconds, before, after = json.loads(done.stdout)
    if listed != count:
        raise BenchmarkError(f"{listed} of {count} units were loaded")
    return [
        Figure(f"{count} units, file", len(raw) / MIB, "MiB"),
        Figure(f"{count} units, accept", accepting, "s", "once a version: every key's point is checked"),
        Figure(f"{count} units, load and verify", seconds, "s", "at each start"),
        Figure(f"{count} units, memory of that", (after - before) / 1024, "MiB", f"{after / 1024:.0f} MiB in all"),
    ], seconds


def _code(number: int) -> UnitCode:
    return UnitCode(f"9901{number:08d}")


def unit_of(code: UnitCode, role: str, hubs: tuple[UnitCode, ...], now: int) -> RosterUnit:
    host, user = (ssh_text(OfficerKey.draw().public) for _ in range(2))
    return RosterUnit(
        unit=code,
        name=f"单位{code}",
        role=role,
        level=Level.PROVINCE if role == HUB else Level.COUNTY,
        region="990000" if role == HUB else "990102",
        parent=None,
        hubs=hubs,
        names=(),
        keys=(UnitKey(generate().public, now, now + VALID),),
        suites=(DEFAULT_SUITE,),
        ssh_host_key=host,
        ssh_user_keys=(user,),
        since=now,
    )
