"""`python -m benchmarks`: measures whole exchanges between two real nodes on this machine and prints what it found."""

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from benchmarks import exchanges, lanes, parts, report, rosters, simulated
from benchmarks.data import MIB
from benchmarks.figures import BenchmarkError, Outcome, Section
from benchmarks.reference import Reference, is_installed, reference

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "samples/police/TQPZDB_990102000000_990102_A9901020000002026030027_20260318094501.zip"
CHOICES = ("big", "many", "idle", "lanes", "parts", "roster", "simulate")
PART = 64 * MIB
"""The largest member that the format compresses."""
EXIT_BROKEN = 1
EXIT_FAILED = 2


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Return the options; what was not given is filled in, less of everything with --quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: under three minutes")
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=list(CHOICES), help="some of the benchmarks")
    parser.add_argument("--work", type=Path, help="folder to work in (four times the largest export must fit)")
    parser.add_argument("--write", action="store_true", help=f"write {report.PAGE} and {report.MACHINE}")
    parser.add_argument("--size", type=int, nargs="+", metavar="MIB", help="sizes of the big exports")
    parser.add_argument("--count", type=int, help="how many small exports are dropped at once")
    parser.add_argument("--dossiers", type=int, help="large exports that fill the link for `lanes`")
    parser.add_argument(
        "--dossier", type=int, metavar="MIB", help="size of each; all of them need six times as much room in --work"
    )
    parser.add_argument("--rounds", type=int, help="repetitions of what is repeated")
    found = parser.parse_args(given)
    found.size = found.size or ([256] if found.quick else [1024, 5120])
    found.count = found.count or (200 if found.quick else 1000)
    found.dossiers = found.dossiers or (6 if found.quick else 20)
    found.dossier = found.dossier or (32 if found.quick else 64)
    found.rounds = found.rounds or (3 if found.quick else 5)
    return found


def main(given: Sequence[str]) -> int:
    """Run what was asked for; return 0, 1 if a promise was broken, 2 if a benchmark could not be carried through."""
    options = arguments(given)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else report.PIPE_WIDTH)
    sections: list[Section] = []
    try:
        with _workplace(options.work) as root:
            machine = report.machine(root)
            for name, value in machine.items():
                console.print(f"{name:12}  {value}")
            for number, measure in enumerate(_chosen(options)):
                place = root / f"part-{number}"
                place.mkdir()
                with ExitStack() as stack:
                    bare = stack.enter_context(reference(root / f"sshd-{number}")) if is_installed() else None
                    sections.append(measure(place, bare))
                report.print_section(console, sections[-1])
    except BenchmarkError as error:
        console.print(f"FAILED: {error}", style="bold red", markup=False)
        return EXIT_FAILED
    machine = {**machine, "load after": report.load()}
    told = {"options": shlex.join(given) or "none", "reference": "OpenSSH sshd" if is_installed() else "not installed"}
    outcome = Outcome(MappingProxyType(dict(machine)), MappingProxyType(told), tuple(sections))
    if options.write:
        report.write(HERE, outcome, shlex.join(given))
        console.print(f"Written: {report.PAGE}, {report.MACHINE}")
    console.print("Every promise was kept." if not outcome.broken else f"{len(outcome.broken)} promises were broken.")
    return EXIT_BROKEN if outcome.broken else 0


def _chosen(options: argparse.Namespace) -> Iterator[Callable[[Path, Reference | None], Section]]:
    """Yield each benchmark that was asked for, as a function of a folder of its own and of the reference."""
    if "big" in options.only:
        for size in options.size:
            # The largest says what memory it takes; once is enough for that.
            rounds = options.rounds if size == min(options.size) else 1
            yield lambda root, bare, size=size, rounds=rounds: exchanges.big(root, size * MIB, rounds, bare)  # type: ignore[misc] # a lambda's defaults have no types
    if "many" in options.only:
        yield lambda root, bare: exchanges.many(root, options.count, bare)
    if "idle" in options.only:
        yield lambda root, _bare: exchanges.idle(root, options.rounds * 4, SAMPLE)
    if "lanes" in options.only:
        yield lambda root, _bare: lanes.lanes(root, options.dossiers, options.dossier * MIB, options.rounds * 4)
    if "parts" in options.only:
        yield lambda root, _bare: parts.parts(root, PART)
    if "roster" in options.only:
        yield lambda root, _bare: rosters.rosters(root, (600,) if options.quick else (600, 3000))
    if "simulate" in options.only:
        units, count = (20, 100) if options.quick else (60, 1000)
        yield lambda root, _bare: simulated.simulated(root, units, count, processes=os.cpu_count() or 1)


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    """Yield a new folder that is removed in the end, below `folder` or where temporary files go."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="caseferry-bench-", dir=folder) as made:
        yield Path(made).resolve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
