"""Run every gate to its end, then print one table; the exit code is 1 if any gate failed."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TESTERS = str((os.cpu_count() or 1) + 1)
"""One more than processors: a fifth of the time a test waits for a disk or for a daemon to start."""

GATES = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-logo"],
    "words": ["python", "-m", "tests.support.catalogue", "check"],
    "docs": ["python", "-m", "tests.support.pages", "check"],
    "tests": ["pytest", "-n", TESTERS, "--dist", "worksteal"],
}


def run(name: str, command: list[str]) -> tuple[bool, float]:
    print(f"\n=== gate: {name}: {' '.join(command)}", flush=True)
    began = time.monotonic()
    code = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, check=False).returncode
    return code == 0, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="GATE", help=f"some of: {', '.join(GATES)} (default: all)")
    names = parser.parse_args().names or list(GATES)
    if unknown := set(names) - set(GATES):
        parser.error(f"no such gate: {', '.join(sorted(unknown))}")
    results = {name: run(name, GATES[name]) for name in names}
    print("\n=== gates")
    for name, (passed, seconds) in results.items():
        print(f"{name:<10} {'passed' if passed else 'FAILED':<8} {seconds:7.1f} s")
    return 0 if all(passed for passed, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
