"""Every benchmark by its name: each a function of a folder of its own, the options and the quiet machine."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from benchmarks import bigledger, growth, huge, latency, parts, races, restart, rosters, simulated, standing, wire
from benchmarks.data import MIB, SPARSE_BYTES
from benchmarks.figures import BenchmarkError, Section
from benchmarks.peers.age import Age
from benchmarks.peers.bare import Bare
from benchmarks.peers.gpg import Gpg
from benchmarks.peers.nncp import Nncp
from benchmarks.peers.peer import Peer
from benchmarks.peers.rclone import Rclone
from benchmarks.quiet import Quiet

SAMPLE = (
    Path(__file__).parent.parent
    / "samples/police/TQPZDB_990102000000_990102_A9901020000002026030027_20260318094501.zip"
)
WIRE_FILES = 500
DISK_SHARE = 0.75
"""Of the free disk that what is large may take."""
LANES_HANDOVERS = 3
"""Times as many handovers on the idle link as where nothing is compared with their 95th percentile."""
DOSSIER_TAKES = 4
"""Times its own size, at the most."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much is done. Sizes in MiB.

    size: of the large case. huge, sparse: of those that are carried by this project alone.
    documents, count: of the case of many, of small cases. batch, singles: small cases for a peer that needs long for
    each, together and one by one, 0 for none. handovers: carried one by one. dossiers, dossier: what fills the link.
    wire: of the large file over each engine. transfers: in the large ledgers. links, waiting: of the node that waits,
    and for how many seconds. in_flight: bundles that the node that is started again owes.
    """

    quick: bool
    rounds: int
    size: int
    documents: int
    count: int
    batch: int
    singles: int
    handovers: int
    dossiers: int
    dossier: int
    huge: int
    sparse: int
    wire: int
    transfers: tuple[int, ...]
    links: int
    waiting: float
    in_flight: int


Measure = Callable[[Path, Options, Quiet], Section]


def _peers() -> list[Peer]:
    return [
        Bare(),
        Gpg(is_batched=False),
        Age(is_batched=False),
        Nncp(is_carried=False),
        Nncp(is_carried=True),
        Rclone(),
    ]


def _large(root: Path, options: Options, quiet: Quiet) -> Section:
    work = races.one_large(_cases(root), options.size * MIB)
    return races.race(work, [(one, None) for one in _peers()], options.rounds, root, quiet)


def _huge(root: Path, options: Options, quiet: Quiet) -> Section:
    return _fitted(root, options.huge, huge.TAKES, lambda size: huge.huge(root, size, quiet))


def _sparse(root: Path, options: Options, quiet: Quiet) -> Section:
    return _fitted(root, options.sparse, huge.SPARSE_TAKES, lambda size: huge.sparse(root, size, quiet))


def _of_many(root: Path, options: Options, quiet: Quiet) -> Section:
    work = races.one_of_many(_cases(root), options.documents)
    return races.race(work, [(one, None) for one in _peers()], options.rounds, root, quiet)


def _small(root: Path, options: Options, quiet: Quiet) -> Section:
    work = races.many_small(_cases(root), options.count)
    peers: list[tuple[Peer, int | None]] = [
        (Bare(), None),
        (Gpg(is_batched=True), options.batch),
        (Age(is_batched=True), options.batch),
        (Nncp(is_carried=False), options.batch),
        (Nncp(is_carried=True), options.batch),
        (Rclone(), None),
        (Gpg(is_batched=False), options.singles),
        (Age(is_batched=False), options.singles),
    ]
    return races.race(work, [one for one in peers if one[1] != 0], options.rounds, root, quiet)


def _idle(root: Path, options: Options, quiet: Quiet) -> Section:
    return latency.idle(root, options.handovers, SAMPLE, quiet)


def _lanes(root: Path, options: Options, quiet: Quiet) -> Section:
    # The dossiers lie in the folder, the spools and the mailbox, and their copies to compare them with.
    count = options.dossiers
    carry = partial(latency.full, root, count, handed=LANES_HANDOVERS * options.handovers, quiet=quiet)
    return _fitted(root, options.dossier, DOSSIER_TAKES * count, lambda size: carry(size=size))


def _fitted(root: Path, wanted: int, takes: int, measure: Callable[[int], Section]) -> Section:
    """Return what `measure` finds with `wanted` MiB, or with as much as fits `takes` times on the disk, and say so."""
    fits = int(shutil.disk_usage(root).free * DISK_SHARE) // takes // MIB
    if not fits:
        raise BenchmarkError("the disk has no room for this: see --work")
    section = measure(min(wanted, fits) * MIB)
    if fits < wanted:
        section = replace(section, work=f"{section.work}; {wanted:,} MiB did not fit on the disk")
    return section


def _wire(root: Path, options: Options, quiet: Quiet) -> Section:
    quiet.settle()
    return wire.wire(root, options.wire * MIB, WIRE_FILES, options.rounds)


def _ledger(root: Path, options: Options, _quiet: Quiet) -> Section:
    return bigledger.bigledger(root, options.transfers)


def _standing(root: Path, options: Options, quiet: Quiet) -> Section:
    quiet.settle()
    return standing.standing(root, options.links, options.waiting)


def _restart(root: Path, options: Options, quiet: Quiet) -> Section:
    quiet.settle()
    return restart.restart(root, options.in_flight)


def _growth(root: Path, options: Options, quiet: Quiet) -> Section:
    quiet.settle()
    return growth.growth(root, options.quick)


def _links(root: Path, _options: Options, quiet: Quiet) -> Section:
    quiet.settle()
    return growth.by_links(root)


def _parts(root: Path, _options: Options, _quiet: Quiet) -> Section:
    return parts.parts(root, SPARSE_BYTES)


def _roster(root: Path, options: Options, _quiet: Quiet) -> Section:
    return rosters.rosters(root, (600,) if options.quick else (600, 3000))


def _simulate(root: Path, options: Options, _quiet: Quiet) -> Section:
    units, count = (20, 100) if options.quick else (60, 1000)
    return simulated.simulated(root, units, count, processes=os.cpu_count() or 1)


def _cases(root: Path) -> Path:
    folder = root / "cases"
    folder.mkdir()
    return folder


CHOICES: Mapping[str, Measure] = MappingProxyType(
    {
        "large": _large,
        "of-many": _of_many,
        "small": _small,
        "idle": _idle,
        "lanes": _lanes,
        "huge": _huge,
        "sparse": _sparse,
        "wire": _wire,
        "ledger": _ledger,
        "standing": _standing,
        "restart": _restart,
        "growth": _growth,
        "links": _links,
        "parts": _parts,
        "roster": _roster,
        "simulate": _simulate,
    }
)
"""In the order in which they run."""
