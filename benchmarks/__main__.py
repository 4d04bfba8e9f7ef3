"""`python -m benchmarks`: measures this project and its peers side by side on this machine, and says what it found."""

import argparse
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from benchmarks import report, results
from benchmarks.choices import CHOICES, Options
from benchmarks.figures import BenchmarkError, Section
from benchmarks.quiet import BALLAST, Quiet
from benchmarks.results import Part

HERE = Path(__file__).parent
SLOW = ("huge", "sparse", "wire", "ledger", "standing", "restart", "growth", "links", "parts", "roster", "simulate")
"""What a quick run leaves out: it compares nothing."""
EXIT_BROKEN = 1
EXIT_FAILED = 2


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Return the options; what was not given is filled in, less of everything with --quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a little, and only what compares: under three minutes, writes no page"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=CHOICES,
        help="some of the benchmarks; writes no page unless told to --write: then the other parts of it stay",
    )
    parser.add_argument("--work", type=Path, help="folder to work in (fourteen times the largest case must fit)")
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, help=f"write {report.PAGE}, JSON and charts")
    parser.add_argument("--rounds", type=int, help="repetitions of what is repeated")
    parser.add_argument("--size", type=int, metavar="MIB", help="size of the large case")
    parser.add_argument("--documents", type=int, help="documents of 100 KiB in one case")
    parser.add_argument("--count", type=int, help="small cases dropped at once")
    parser.add_argument("--handovers", type=int, help="small exports carried one by one; `lanes`: 3 times as many")
    parser.add_argument("--dossiers", type=int, help="large exports that fill the link for `lanes`")
    parser.add_argument(
        "--dossier", type=int, metavar="MIB", help="size of each; smaller where four times all of them do not fit"
    )
    parser.add_argument(
        "--huge", type=int, metavar="MIB", default=16_384, help="size of the largest export; less where it does not fit"
    )
    parser.add_argument(
        "--sparse",
        type=int,
        metavar="MIB",
        default=51_200,
        help="size of the sparse export; less where it does not fit",
    )
    parser.add_argument("--wire", type=int, metavar="MIB", default=256, help="size of the file over each SFTP engine")
    parser.add_argument(
        "--transfers", type=int, nargs="+", help="transfers in the large ledgers (1.8 GB for a million)"
    )
    parser.add_argument("--links", type=int, default=500, help="idle links of the node that waits")
    parser.add_argument("--waiting", type=float, metavar="S", default=300.0, help="how long it waits")
    parser.add_argument("--in-flight", type=int, default=100_000, help="bundles owed by the node that is started again")
    parser.add_argument("--patience", type=float, metavar="S", help="wait so long for idle processors before each run")
    parser.add_argument("--ballast", action=argparse.BooleanOptionalAction, help="fill the page cache before each run")
    found = parser.parse_args(given)
    found.rounds = found.rounds or (3 if found.quick else 5)
    found.size = found.size or (64 if found.quick else 1024)
    found.documents = found.documents or (200 if found.quick else 2000)
    found.count = found.count or (60 if found.quick else 2000)
    found.transfers = found.transfers or [100_000, 1_000_000]
    found.handovers = found.handovers or (6 if found.quick else 20)
    found.dossiers = found.dossiers or (6 if found.quick else 20)
    found.dossier = found.dossier or (64 if found.quick else 500)
    found.ballast = not found.quick if found.ballast is None else found.ballast
    found.patience = (2.0 if found.quick else 15.0) if found.patience is None else found.patience
    if found.write is None:
        found.write = not found.quick and not found.only
    found.only = found.only or [name for name in CHOICES if name not in SLOW or not found.quick]
    return found


def options_of(found: argparse.Namespace) -> Options:
    """Return what the benchmarks need to know of the options."""
    return Options(
        quick=found.quick,
        rounds=found.rounds,
        size=found.size,
        documents=found.documents,
        count=found.count,
        batch=min(found.count, 20 if found.quick else 100),
        singles=min(found.count, 0 if found.quick else 5),
        handovers=found.handovers,
        dossiers=found.dossiers,
        dossier=found.dossier,
        huge=found.huge,
        sparse=found.sparse,
        wire=found.wire,
        transfers=tuple(found.transfers),
        links=found.links,
        waiting=found.waiting,
        in_flight=found.in_flight,
    )


def main(given: Sequence[str]) -> int:
    """Run what was asked for; return 0, 1 if a promise was broken, 2 if a benchmark could not be carried through."""
    found = arguments(given)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else report.PIPE_WIDTH)
    sections: list[Section] = []
    began, has_failed = time.monotonic(), False
    with _workplace(found.work) as root:
        quiet = Quiet(root, found.patience, BALLAST if found.ballast else 0)
        machine = report.machine(root)
        for name, value in machine.items():
            console.print(f"{name:12}  {value}")
        try:
            for name in found.only:
                started = time.monotonic()
                with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=root) as place:
                    sections.append(CHOICES[name](Path(place), options_of(found), quiet))
                report.print_section(console, sections[-1], time.monotonic() - started)
        except BenchmarkError as error:
            console.print(f"FAILED: {error}", style="bold red", markup=False)
            has_failed = True
    told = {
        "load after": report.load(),
        "waited for idle processors": f"{quiet.waited:.0f} s; {quiet.disturbed} runs began without",
        "filled memory": f"for {quiet.filling:.0f} s",
        "whole run": f"{(time.monotonic() - began) / 60:.1f} minutes",
        "options": shlex.join(given) or "none",
    }
    measured = [Part(MappingProxyType({**machine, **told}), section) for section in sections]
    broken = [one for part in measured for one in part.broken]
    if found.write:  # what was measured before one failed, too
        parts = results.replaced(results.read(HERE), measured)
        results.write(HERE, parts)
        report.write(HERE, parts)
        console.print(f"Written: {report.PAGE}, {results.MACHINE}, charts")
    console.print("Every promise was kept." if not broken else f"{len(broken)} promises were broken.")
    return EXIT_FAILED if has_failed else EXIT_BROKEN if broken else 0


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    """Yield a new folder that is removed in the end, below `folder` or where temporary files go."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="caseferry-bench-", dir=folder) as made:
        yield Path(made).resolve()


if __name__ == "__main__":
    # Else whoever stops a run from outside leaves nodes, servers and agents running.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
