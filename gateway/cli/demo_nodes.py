"""Two real nodes on this machine for the demo: their folders, trust, links and routes, and their daemon processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.bundle.card import fingerprint, parse_card
from gateway.compose.identity import load_keyring, load_settings, open_ledger
from gateway.compose.setup import NewNode, free_ports, init_node
from gateway.domain.clock import Clock
from gateway.domain.errors import TransientError
from gateway.domain.ids import UnitCode
from gateway.folders import disk
from gateway.ledger.store import Ledger
from gateway.roster.peers import PeerBook
from gateway.settings.load import LINKS_FOLDER, ROUTES_FOLDER
from gateway.settings.writing import Values, link_yaml, routes_yaml

POLICE = UnitCode("990102000000")
PROCURATORATE = UnitCode("990102")

STOP_SECONDS = 15.0
"""SIGTERM is answered within ten."""

_FAST: Values = MappingProxyType(
    {
        "timing": {"scan_every": "200ms", "stable_scans": 2, "poll_every": "1s"},
        "limits": {"free_space": "64 MiB"},
        "log": {"to": "file"},
    }
)
"""A demo is looked at by somebody who waits, on a disk that may be small."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one node of the demo lives, and how it is called."""

    root: Path
    unit: UnitCode
    name: str
    port: int

    @property
    def config(self) -> Path:
        """The configuration folder."""
        return self.root / "etc"

    @property
    def out(self) -> Path:
        """The folder that holds the outbound folders."""
        return self.root / "out"

    @property
    def into(self) -> Path:
        """The inbound folder."""
        return self.root / "in"


class DemoNode:
    """One node: a folder, and a daemon process that may be started, stopped and killed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._process: subprocess.Popen[bytes] | None = None
        self._is_asked = False

    def start(self) -> None:
        """Start the daemon; it is another process of the same Python, as an operator would run it."""
        self._is_asked = False
        command = [sys.executable, "-m", "gateway", "run", "--config", str(self.place.config)]
        with (self.place.root / "daemon.err").open("ab") as errors:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)  # noqa: S603 - our own command line

    def is_running(self) -> bool:
        """Whether the daemon process lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End the daemon as a power cut would: SIGKILL, nothing is finished."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask_stop(self) -> None:
        """Ask the daemon to end as systemd would; `stop` waits for it."""
        if self.is_running() and self._process is not None and not self._is_asked:
            self._is_asked = True
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> int | None:
        """End the daemon as systemd would and return its exit code; None if it was not running."""
        if self._process is None:
            return None
        self.ask_stop()  # once: a second SIGTERM would end it in the middle
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TransientError("demo-node-hangs", f"node {self.place.unit} did not stop in time") from None

    def errors(self) -> str:
        """Return what the daemon wrote to its standard error, for when it did not start."""
        return (self.place.root / "daemon.err").read_text("utf-8", "replace")

    def ledger(self, clock: Clock) -> Ledger:
        """Open the node's ledger for reading."""
        return open_ledger(load_settings(self.place.config), clock, read_only=True)


def make_nodes(root: Path, clock: Clock) -> tuple[DemoNode, DemoNode]:
    """Make the police node and the procuratorate node below `root`, each trusting the other, ready to start."""
    ports = free_ports(2)
    police = Place(root / "police", POLICE, "测试市公安局甲区分局", ports[0])
    procuratorate = Place(root / "procuratorate", PROCURATORATE, "测试市甲区人民检察院", ports[1])
    for place in (police, procuratorate):
        init_place(place, clock)
    for folder in (police.out / "police", police.out / "files", procuratorate.into):
        folder.mkdir(parents=True)
    trust(police, procuratorate, clock)
    trust(procuratorate, police, clock)
    _link(police, "procuratorate", procuratorate)
    _link(procuratorate, "police", police)
    exports: Values = {
        "name": "police",
        "folder": "../out/police",
        "packer": "police",
        "receivers": {PROCURATORATE: PROCURATORATE},
        "feedback_encoding": "gb18030",
    }
    files: Values = {
        "name": "files",
        "folder": "../out/files",
        "packer": "folder",
        "receivers": {"*": PROCURATORATE},
    }
    deliveries: Values = {"name": "from-police", "senders": [POLICE], "folder": "../in", "packer": "folder"}
    write_routes(police, "police", outbound=[exports, files])
    write_routes(procuratorate, "procuratorate", inbound=[deliveries])
    return DemoNode(police), DemoNode(procuratorate)


def init_place(place: Place, clock: Clock, more: Values = MappingProxyType({})) -> None:
    """Make the node of `place`: configuration with the demo's timing and the sections `more`, state folder and keys."""
    node = NewNode(place.unit, place.name, "../state", "127.0.0.1", place.port, {**_FAST, **more})
    init_node(place.config, node, None, clock)


def trust(place: Place, peer: Place, clock: Clock) -> None:
    """Confirm the peer's card. Here one program sees both fingerprints; between servers, two people read them aloud."""
    theirs = load_settings(peer.config)
    card = load_keyring(theirs, os.environ).card(peer.unit, peer.name)
    book = PeerBook.open(load_settings(place.config).paths.peers)
    book.add(card, fingerprint(parse_card(card)), now=clock.now())


def _link(place: Place, name: str, peer: Place) -> None:
    values: Values = {
        "name": name,
        "peer": peer.unit,
        "initiate": "push",
        "sftp": {"host": "127.0.0.1", "port": peer.port},
    }
    write_link(place, values)


def write_link(place: Place, values: Values) -> None:
    """Write the link that `values` describe, under its own name."""
    _write(place, LINKS_FOLDER, str(values["name"]), link_yaml(values))


def write_routes(place: Place, name: str, outbound: Sequence[Values] = (), inbound: Sequence[Values] = ()) -> None:
    """Write a file of routes."""
    _write(place, ROUTES_FOLDER, name, routes_yaml(outbound, inbound))


def _write(place: Place, folder: str, name: str, text: str) -> None:
    disk.write_durably(place.config / folder / f"{name}.yaml", text.encode(), mode=0o644)
