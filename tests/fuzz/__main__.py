"""The long run: every target in turn under atheris, its new inputs held to the bounds, and a table at the end."""

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.catalogue import TARGETS
from tests.fuzz.files import WORKING
from tests.fuzz.target import exercise

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
"""Beyond the session's own time: imports, the working corpus read again, the last input."""


@dataclass(frozen=True)
class Outcome:
    """What became of one target. `coverage`: edges and comparisons reached when it began and when it ended."""

    name: str
    executions: int
    seconds: float
    coverage: tuple[int, int]
    inputs: int
    crashes: tuple[Path, ...]
    ended: str

    @property
    def is_sound(self) -> bool:
        return not self.crashes and not self.ended


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"some of: {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: %(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    outcomes = []
    for name in arguments.names or TARGETS:
        print(f"fuzz: {name}: {arguments.seconds} s", flush=True)
        outcomes.append(fuzz(name, arguments.seconds))
    print_table(outcomes)
    return 0 if all(outcome.is_sound for outcome in outcomes) else 1


def fuzz(name: str, seconds: int) -> Outcome:
    """Run one session, then every new input once more with its memory counted."""
    found, crashes = WORKING / name / "found", WORKING / name / "crashes"
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    before = {path.name for path in found.iterdir()}
    known = set(crashes.iterdir())
    log = WORKING / name / "log.txt"
    began = time.monotonic()
    with log.open("wb") as out:
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.session",
            name,
            str(found),
            str(crashes),
            "--seconds",
            str(seconds),
        ]
        environment = os.environ | {"PYTHONWARNINGS": "ignore"}
        session = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            code: int | None = session.wait(seconds + START_SECONDS)
        except subprocess.TimeoutExpired:
            session.kill()
            session.wait()
            code = None
    text = log.read_text("utf-8", "replace")
    fresh = [path for path in found.iterdir() if path.name not in before]
    broken = [over(name, path, crashes) for path in fresh]
    new = tuple(sorted({*(set(crashes.iterdir()) - known), *filter(None, broken)}))
    ended = "" if code == 0 else "never ended" if code is None else f"ended with {code}, see {log.relative_to(ROOT)}"
    return Outcome(name, executions(text), time.monotonic() - began, coverage(text), len(fresh), new, ended)


def over(name: str, path: Path, crashes: Path) -> Path | None:
    """Return the copy among the crashes of an input that breaks the bounds; None if it keeps them."""
    try:
        exercise(TARGETS[name], path.read_bytes())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the run looks for
        copy = crashes / f"bounds-{path.name}"
        copy.write_bytes(path.read_bytes())
        print(f"fuzz: {name}: {copy.relative_to(ROOT)}: {type(error).__name__}: {error}", flush=True)
        return copy
    return None


def executions(log: str) -> int:
    """Return the number of inputs tried, also where a crash left no summary."""
    stated = re.findall(r"stat::number_of_executed_units: (\d+)", log) or re.findall(r"^#(\d+)\s", log, re.MULTILINE)
    return int(stated[-1]) if stated else 0


def coverage(log: str) -> tuple[int, int]:
    seen = [int(count) for count in re.findall(r"\bft: (\d+)", log)]
    return (seen[0], seen[-1]) if seen else (0, 0)


def print_table(outcomes: list[Outcome]) -> None:
    row = "{:<16} {:>11} {:>6} {:>9} {:>7} {:>6} {:>7}  {}"
    print("\n" + row.format("target", "executions", "s", "features", "new", "inputs", "crashes", "").rstrip())
    for one in outcomes:
        first, last = one.coverage
        fields = (one.name, one.executions, round(one.seconds), last, last - first, one.inputs, len(one.crashes))
        print(row.format(*fields, one.ended).rstrip())
    total = sum(outcome.executions for outcome in outcomes)
    print(f"\n{total} executions, {sum(len(outcome.crashes) for outcome in outcomes)} crashes")
    for crash in (path for outcome in outcomes for path in outcome.crashes):
        print(f"  {crash.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
