"""A ledger whose process is killed while several threads write: whole, and nothing that was reported is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from gateway.domain.ids import TransferId
from gateway.domain.lifecycle import Direction, State
from tests.support.ledger import PEER, open_ledger

ROOT = Path(__file__).parents[3]
REPORTS = 60
"""Lines to read before the kill: by then every thread has written."""

WRITER = """
import itertools, sys, threading
from pathlib import Path
from gateway.domain.lifecycle import Event
from gateway.domain.records import Stage, Step
from tests.support.ledger import found, open_ledger, seal

ledger = open_ledger(Path(sys.argv[1]))
numbers = itertools.count(1)
sealing = threading.Lock()

def report(transfer):
    sys.stdout.write(f"{transfer.id} {transfer.version} {transfer.state}\\n")
    sys.stdout.flush()
    return transfer

def write():
    while True:
        with sealing:
            number = next(numbers)
            sealed = report(ledger.advance(seal(report(found(ledger, number)), number, number)))
        report(ledger.advance(Step(sealed, Event.SENT, Stage.SEND)))

for _ in range(4):
    threading.Thread(target=write).start()
"""


def test_a_killed_writer_leaves_a_whole_ledger(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(REPORTS)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines()  # what it had still said before it died
    assert writer.returncode == -signal.SIGKILL
    reports = [line.split() for line in lines if len(line.split()) == 3]
    assert len(reports) >= REPORTS

    with open_ledger(tmp_path) as ledger:
        ledger.check()
        for identifier, version, _state in reports[:-1]:
            assert ledger.get(TransferId(int(identifier))).version >= int(version)
        moved = [t for t in map(ledger.get, every_id(reports)) if t.state is not State.FOUND]
        assert all(len(ledger.timeline(t.id)) == t.version for t in moved)
        sequences = sorted(t.sequence for t in moved if t.sequence is not None)
        assert sequences == list(range(1, len(sequences) + 1))
        assert ledger.next_sequence(PEER) >= len(sequences) + 1
        assert sum(n for (way, _), n in ledger.counts().by_state.items() if way is Direction.OUTBOUND) >= len(moved)


def every_id(reports: list[list[str]]) -> list[TransferId]:
    return [TransferId(number) for number in sorted({int(report[0]) for report in reports[:-1]})]
