"""`python -m tests.soak --minutes N --seed S`: one soak and its table; ends with 1 if a promise was broken."""

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.soak.run import Pace, soak


def main() -> int:
    usual = Pace()
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of work under faults (default: %(default)s)")
    parser.add_argument("--seed", default="", help="draws the same drops and faults again (default: a new one)")
    parser.add_argument("--drop", type=float, default=usual.drop, help="mean seconds between drops (%(default)s)")
    parser.add_argument("--fault", type=float, default=usual.fault, help="mean seconds between faults (%(default)s)")
    parser.add_argument("--big-every", type=int, default=usual.big_every, help="drops to one big one (%(default)s)")
    parser.add_argument("--keep", type=Path, help="an empty folder to work in, which stays (default: a temporary one)")
    given = parser.parse_args()
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
    # However it is told to end, the daemons end with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))
    seed = given.seed or str(int(time.time()))
    pace = Pace(given.drop, given.fault, given.big_every)
    report = soak(
        given.minutes * 60, seed, pace, lambda line: print(line, flush=True), given.keep and given.keep.resolve()
    )
    print()
    for name, value in report.rows:
        print(f"{name:<14}{value}")
    for breach in report.breaches:
        print(f"BREACH  {breach}")
    if report.is_sound and given.keep is None:
        shutil.rmtree(report.root)
    else:
        print(f"Everything is kept in {report.root}; {report.root / 'soak.log'} says what was done when.")
    return 0 if report.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
