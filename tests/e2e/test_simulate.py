"""`caseferry simulate` and `caseferry demo` as a person runs them: real processes, real faults, the proof."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.cli.demo_map import EXPORTS, UNITS
from gateway.daemon.lock import running_pid

SECONDS = 600


def caseferry(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.soak
@pytest.mark.timeout(SECONDS)
def test_a_province_under_every_fault_loses_and_doubles_nothing(tmp_path: Path) -> None:
    done = caseferry(
        *("simulate", "--units", "12", "--exchanges", "120", "--processes", "2", "--window", "24"),
        *("--faults", "--kills", "2", "--sftp", "2", "--keep", str(tmp_path / "province"), "--json"),
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["complaints"], told["delivered"]) == (0, [], 120), done.stderr
    assert told["kills"] == 2
    assert told["faults"]["dropped"] > 0


@pytest.mark.soak
@pytest.mark.timeout(SECONDS)
def test_the_demo_s_province_can_be_started_again(tmp_path: Path) -> None:
    keep = tmp_path / "province"
    done = caseferry("demo", "--keep", str(keep), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (0, True), done.stdout + done.stderr
    assert {row["flow"] for row in told["rows"]} >= {export.flow for export in EXPORTS}
    assert {way for row in told["rows"] for way in row["over"]} == {"sftp", "pull", "gap", "diode", "media"}
    again = subprocess.Popen([sys.executable, "-m", "gateway", "demo", "--run", str(keep)])
    try:
        deadline = time.monotonic() + 90
        while not all(running_pid(keep / unit.key / "state") for unit in UNITS):
            assert again.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        again.send_signal(signal.SIGINT)
        code = again.wait(60)
    assert code == 0
    assert not any(running_pid(keep / unit.key / "state") for unit in UNITS)
