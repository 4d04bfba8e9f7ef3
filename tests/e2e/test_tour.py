"""The tour of the README, performed as it is printed, in an empty folder."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import free_ports
from gateway.daemon.lock import running_pid

ROOT = Path(__file__).resolve().parents[2]
PRINTED_PORTS = ("2401", "2402")
TOUR_SECONDS = 200


def script() -> str:
    """Return the shell blocks of the README after the first, which only enters the folder; ports that are free.

    A person types the fingerprint that the command before has shown; here it is read out of the card's own node.
    """
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    text = "\n".join(blocks[1:])
    for printed, port in zip(PRINTED_PORTS, free_ports(2), strict=True):
        text = re.sub(rf"\b{printed}\b", str(port), text)
    return re.sub(
        r"^caseferry peer add --config (\w+)/etc (\w+)\.card$",
        r"caseferry peer card --config \2/etc | tail -1 | caseferry peer add --config \1/etc \2.card",
        text,
        flags=re.MULTILINE,
    )


def is_running(state: Path) -> bool:
    return running_pid(state) is not None


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """An empty folder; what a broken tour leaves running in it is ended."""
    yield tmp_path
    for name in ("police", "procuratorate"):
        pid = running_pid(tmp_path / name / "state")
        if pid:  # 0 = it cannot be told whose
            os.kill(pid, signal.SIGTERM)


@pytest.mark.soak
@pytest.mark.timeout(TOUR_SECONDS * 2)
def test_the_tour_goes_as_the_readme_says(place: Path) -> None:
    (place / "samples").symlink_to(ROOT / "samples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Numbered jobs, as in a terminal; what the tour leaves running is ended as it says.
    whole = f"set -m\nset -x\n{script()}\nkill $(jobs -p)\nwait\n"
    done = subprocess.run(
        ["bash", "-c", whole],
        cwd=place,
        env={**os.environ, "PATH": path, "CASEFERRY_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        timeout=TOUR_SECONDS,
        check=False,
    )
    said = done.stdout + done.stderr
    for expected in (
        "Confirmed 990102.",
        "Confirmed 990102000000.",
        "The gateway can start.",
        "Normal: nothing needs a person.",
        "原始数据/案件信息.xml",
        "the recipient confirmed delivery",
        "States: 110 delivered",
        "Opened bundle",
        "Not genuine: manifest-corrupt",
        "It would be refused and given back.",
        "25_id_checksum.zip.err.txt",
        "It waits because link procuratorate does not work",
        "张**: not answered yet",
        "Detained: decided within 7 days",
        "Request for approval of arrest",
        "is asked what it holds",
        "Backed up ledger, peers, roster and configuration",
    ):
        assert expected in said, f"{shlex.quote(expected)} is missing in:\n{said}"
    assert re.search(r"^ +3 .* A9901020000002026030027 .*delivered", done.stdout, re.MULTILINE), said
    assert not any(is_running(place / name / "state") for name in ("police", "procuratorate"))
