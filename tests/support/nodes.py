"""Real daemons on loopback for tests: made, driven, killed, compared; and a peer that does what it should not."""

import json
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.names import bundle_name
from gateway.cli.demo_nodes import POLICE, PROCURATORATE, DemoNode, make_nodes
from gateway.compose.identity import load_keyring, load_settings
from gateway.domain.clock import SystemClock
from gateway.domain.ids import BundleId, UnitCode, WireName
from gateway.domain.lifecycle import Direction, State, ends
from gateway.domain.records import Transfer
from gateway.folders.spool import Spool
from gateway.keyring.keyring import Keyring
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.roster.peers import PeerBook
from gateway.settings.load import NODE_FILE
from gateway.transport.accounts import public_blob
from gateway.transport.channel import Deadlines
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.sftp import SftpTransport
from tests.support.forks import ForkedNode

CLOCK = SystemClock()
PATIENCE = 45.0
"""Seconds after which a state that has not come is taken never to come; hundreds of times what it takes."""
READY = 100.0
"""Seconds after which a daemon that is not ready hangs: it takes one, of a processor that dozens may share."""
LOOK = 0.02
QUICK = "  poll_every: 200ms\n  retry_first: 100ms\n  retry_most: 1s\n"
"""Timing of gateway.yaml for tests: what fails is tried again soon."""

T = TypeVar("T")
N = TypeVar("N", bound="Neighbours")


def eventually(probe: Callable[[], T | None], what: str = "", seconds: float = PATIENCE) -> T:
    """Return the first answer of `probe` that is true; AssertionError with `what` if none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        answer = probe()
        if answer:
            return answer
        now = time.monotonic()
        assert now < deadline, f"never came: {what or probe}"
        # Many a look is a whole command: the daemons that are waited for have the processor at least as long.
        time.sleep(max(LOOK, now - began))


@dataclass(frozen=True)
class Node:
    """One daemon and what a test wants to know of it."""

    daemon: DemoNode

    @property
    def root(self) -> Path:
        return self.daemon.place.root

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def config(self) -> Path:
        return self.daemon.place.config

    @property
    def unit(self) -> UnitCode:
        return self.daemon.place.unit

    @property
    def spool(self) -> Spool:
        return Spool(self.state / "spool")

    def start(self) -> None:
        """Start the daemon and return once it is at work."""
        self.begin()
        self.wait_ready()

    def begin(self) -> None:
        """Start the daemon and return at once."""
        (self.state / "health.json").unlink(missing_ok=True)
        self.daemon.start()

    @property
    def is_ready(self) -> bool:
        """Whether the daemon runs and has written its account of itself."""
        return self.daemon.is_running() and (self.state / "health.json").exists()

    def wait_ready(self, seconds: float = READY) -> None:
        """Return once the daemon has written its account of itself; AssertionError with what it said if it does not."""
        deadline = time.monotonic() + seconds
        while not self.is_ready and self.daemon.is_running() and time.monotonic() < deadline:
            time.sleep(LOOK)
        what = "ended" if not self.daemon.is_running() else f"was not ready within {seconds:.0f} s"
        assert self.is_ready, f"{self.root.name} {what}; load {os.getloadavg()[0]:.0f}: {self.daemon.errors()[-2000:]}"

    @property
    def pid(self) -> int:
        """The process id of the daemon that is at work."""
        return int(json.loads((self.state / "health.json").read_bytes())["pid"])

    def hang_up(self) -> None:
        """Ask the daemon to read its configuration again."""
        os.kill(self.pid, signal.SIGHUP)

    def keyring(self) -> Keyring:
        return load_keyring(load_settings(self.config), os.environ)

    def keys(self) -> NodeKeys:
        return self.keyring().signing_keys(CLOCK.now())

    def peers(self) -> PeerBook:
        return PeerBook.open(load_settings(self.config).paths.peers)

    def keys_of(self, unit: UnitCode) -> PublicKeys:
        return self.peers().recipient_keys(unit, CLOCK.now())

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Open the ledger for reading, as `caseferry log` does beside the daemon."""
        path = self.state / "ledger" / "ledger.db"
        with Ledger.open(path, unit=self.unit, clock=CLOCK, new_epoch=lambda: 0, read_only=True) as ledger:
            yield ledger

    def transfers(self, direction: Direction) -> list[Transfer]:
        with self.ledger() as ledger:
            return ledger.search(TransferFilter(direction=direction), 10_000)

    def outbound(self, name: str) -> Transfer | None:
        """Return the newest transfer of the export `name`; None before it is known."""
        return next((t for t in self.transfers(Direction.OUTBOUND) if t.export_name == name), None)

    def inbound(self, bundle: BundleId) -> Transfer | None:
        with self.ledger() as ledger:
            return next(iter(ledger.by_bundle(bundle, Direction.INBOUND)), None)

    def codes(self, transfer: Transfer) -> list[str]:
        """Return every code and note of the transfer's history."""
        with self.ledger() as ledger:
            return [text for entry in ledger.timeline(transfer.id) for text in (entry.code, entry.note) if text]

    def events(self, transfer: Transfer) -> list[str]:
        """Return what happened to the transfer, in order."""
        with self.ledger() as ledger:
            return [entry.what for entry in ledger.timeline(transfer.id) if entry.kind == "event"]

    def log(self) -> list[dict[str, object]]:
        """Return the entries of the operations log."""
        lines = []
        for path in sorted((self.state / "log").glob("*.log*")):
            for line in path.read_text("utf-8").splitlines():
                with suppress(ValueError):
                    lines.append(json.loads(line))
        return lines

    def logged(self, event: str, **facts: object) -> list[dict[str, object]]:
        """Return the facts of the log entries of `event` that bear these ones."""
        found = []
        for line in self.log():
            known = line.get("facts")
            if line.get("event") == event and isinstance(known, dict) and facts.items() <= known.items():
                found.append(known)
        return found

    def owed(self) -> int:
        """Return how many transfers the node can move on by itself, or hopes that the peer does."""
        with self.ledger() as ledger:
            counts = ledger.counts().by_state
        return sum(n for (direction, state), n in counts.items() if state not in ends(direction) | {State.QUARANTINED})

    def owes_word(self) -> bool:
        """Whether an inventory of the node's is on its way to a mailbox."""
        with self.ledger() as ledger:
            return any(word.wanted_at is not None or word.owed for word in ledger.resync.pressing())

    def mailbox(self, guest: UnitCode, folder: str = "in") -> Path:
        return self.state / "mailboxes" / guest / folder

    def quarantined(self) -> list[dict[str, object]]:
        """Return the notes of what is in quarantine."""
        return [json.loads(path.read_bytes()) for path in (self.state / "quarantine").glob("*/note.json")]

    def leftovers(self) -> list[str]:
        """Return what should not be there once nothing is under way: temporaries, stagings, letters, mail."""
        found = []
        spool = self.state / "spool"
        for folder in (spool / "outbound", spool / "inbound", spool / "staging", self.state / "mailboxes"):
            for path in folder.rglob("*"):
                if path.name.startswith(".") or (path.is_file() and folder.name != "outbound"):
                    found.append(str(path.relative_to(self.state)))
        for claim in (spool / "claims").glob("*/.*"):
            found.append(str(claim.relative_to(self.state)))
        return found


@dataclass(frozen=True)
class Neighbours(ABC):
    """Nodes that know one another."""

    @property
    @abstractmethod
    def nodes(self) -> tuple[Node, ...]:
        """All of them."""

    def start(self) -> None:
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait_ready()

    def stop(self) -> list[int | None]:
        """Stop all, whatever state they are in, and return their exit codes; None where none ran.

        One that hangs is killed, and told of once all have ended.
        """
        for node in self.nodes:
            node.daemon.ask_stop()
        with ExitStack() as ending:
            codes: list[int | None] = []
            for node in self.nodes:
                ending.callback(lambda node=node: codes.append(node.daemon.stop()))
        return codes[::-1]

    def are_quiet(self) -> bool:
        """Whether no node owes anything that it can do by itself."""
        return not any(node.owed() for node in self.nodes)

    def come_to_rest(self) -> None:
        """Wait until no node owes anything, and nothing is left of what was under way."""

        def look() -> bool:
            # In the order of an inventory's way: it is wanted, it lies in a mailbox, and what it says may be owed.
            talks = any(node.owes_word() for node in self.nodes)
            return not talks and not any(node.leftovers() for node in self.nodes) and self.are_quiet()

        # Twice: what was on its way at the first look may have been answered by another one.
        eventually(lambda: look() and look(), f"rest: {[node.leftovers() for node in self.nodes]}")


@dataclass(frozen=True)
class Pair(Neighbours):
    """A police node and a procuratorate node."""

    police: Node
    procuratorate: Node

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.police, self.procuratorate

    @property
    def out(self) -> Path:
        """The police's outbound folder for plain files and folders."""
        return self.police.daemon.place.out / "files"

    @property
    def police_out(self) -> Path:
        """The police's outbound folder for the zips of its case software."""
        return self.police.daemon.place.out / "police"

    @property
    def into(self) -> Path:
        """The procuratorate's inbound folder."""
        return self.procuratorate.daemon.place.into

    def drop(self, name: str, content: bytes) -> None:
        """Drop the export `name`, a file, as careful case software does."""
        drop(self.out, name, content)

    def ended(self, name: str, *states: State) -> Transfer | None:
        """Return the outbound transfer of `name` once it is in one of `states`."""
        transfer = self.police.outbound(name)
        return transfer if transfer is not None and transfer.state in states else None

    def ferried(self, name: str) -> Transfer:
        """Wait until the export `name` is receipted, and return its transfer."""
        return eventually(lambda: self.ended(name, State.DELIVERED), f"receipt for {name}")

    def delivery(self, transfer: Transfer) -> Path:
        """Return the delivered folder of an outbound transfer."""
        assert transfer.bundle_id is not None
        theirs = self.procuratorate.inbound(transfer.bundle_id)
        assert theirs is not None
        return self.into / theirs.export_name

    def content(self, transfer: Transfer) -> bytes:
        """Return what arrived of an export that was one file."""
        return (self.delivery(transfer) / "content" / transfer.export_name).read_bytes()


def drop(folder: Path, name: str, content: bytes) -> None:
    """Put a file into an outbound folder, whole at once."""
    arriving = folder / f".{name}"
    arriving.write_bytes(content)
    arriving.rename(folder / name)


def drop_zip(folder: Path, archive: Path) -> None:
    """Drop an export of police software: the zip, then its mark."""
    drop(folder, archive.name, archive.read_bytes())
    mark = archive.with_name(f"{archive.name}.ok")
    if mark.exists():
        drop(folder, mark.name, mark.read_bytes())


def make_pair(root: Path, *, timing: str = QUICK) -> Pair:
    """Make two nodes below `root` that push to each other, ready to start."""
    police, procuratorate = make_nodes(root, CLOCK)
    pair = Pair(Node(ForkedNode(police.place)), Node(ForkedNode(procuratorate.place)))
    for node in pair.nodes:
        configure(node, "poll_every: 1s\n", timing.removeprefix("  "))
    return pair


def configure(node: Node, old: str, new: str, path: str = NODE_FILE) -> None:
    """Change one place of a node's configuration."""
    file = node.config / path
    text = file.read_text("utf-8")
    assert text.count(old) == 1, (old, text)
    file.write_text(text.replace(old, new), "utf-8")


def relink(pair: Pair, node: Node, initiate: str, *more: str) -> None:
    """Write the link of `node` to the other one anew, with `more` lines."""
    other = next(one for one in pair.nodes if one is not node)
    name = "procuratorate" if node is pair.police else "police"
    lines = [f"name: {name}", f'peer: "{other.unit}"', f"initiate: {initiate}", *more]
    if initiate != "none":
        lines += ["sftp:", "  host: 127.0.0.1", f"  port: {other.daemon.place.port}"]
    (node.config / "links.d" / f"{name}.yaml").write_text("\n".join(lines) + "\n", "utf-8")


@contextmanager
def running(made: N) -> Iterator[N]:
    """Start the daemons and end them in any case."""
    try:
        made.start()
        yield made
    finally:
        made.stop()


class Guest:
    """The police as a guest of the procuratorate's server, holding the police's own keys: an evil or broken peer."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self._folder = folder
        keyring = pair.police.keyring()
        peer = SshPeer(
            "127.0.0.1",
            pair.procuratorate.daemon.place.port,
            POLICE,
            keyring.ssh_user.to_openssh(),
            (public_blob(pair.police.peers().ssh_host_key(PROCURATORATE)),),
        )
        self._transport = SftpTransport.over(ParamikoChannel, peer, Deadlines(), CLOCK)

    def deposit(self, name: str, content: bytes) -> None:
        """Deposit `content` in the mailbox under `name`."""
        path = self._folder / f"guest-{name}"
        path.write_bytes(content)
        self._transport.deposit(path, WireName(name))

    def deposit_bundle(self, bundle: BundleId, content: bytes) -> None:
        """Deposit a bundle under its own name."""
        self.deposit(bundle_name(bundle), content)

    def close(self) -> None:
        self._transport.close()


def same_bytes(sent: Sequence[tuple[str, bytes]], pair: Pair) -> None:
    """Assert that each export arrived exactly once with its bytes, and nothing else did."""
    arrived = sorted(
        (path.name, path.read_bytes()) for folder in pair.into.iterdir() for path in (folder / "content").iterdir()
    )
    assert arrived == sorted(sent)
