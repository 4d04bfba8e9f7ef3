"""A province of real daemons on loopback: four units in a ring, links of every kind, every line through a relay."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.bundle.names import Kind
from gateway.cli.demo_nodes import (
    POLICE,
    PROCURATORATE,
    DemoNode,
    Place,
    free_ports,
    init_place,
    trust,
    write_link,
    write_routes,
)
from gateway.domain.ids import UnitCode
from gateway.settings.writing import Values
from tests.support.nodes import CLOCK, QUICK, Neighbours, Node, configure
from tests.support.wires import Relay, relay

UNITS = MappingProxyType(
    {
        "police": (POLICE, "测试市公安局甲区分局"),
        "procuratorate": (PROCURATORATE, "测试市甲区人民检察院"),
        "court": (UnitCode("990102A00"), "测试市甲区人民法院"),
        "prison": (UnitCode("990102P01"), "测试市第一监狱"),
    }
)
RING = (
    ("police", "push", "procuratorate", "push"),
    ("procuratorate", "both", "court", "none"),
    ("court", "folder", "prison", "folder"),
    ("prison", "pull", "police", "pull"),
)
"""(one unit, how it reaches the other, the other, how that reaches the one)"""
SENTINEL = "mounted"
RECEIPT_SECONDS = 4
"""A receipt that has not come by then is asked for by sending again."""
TIMING = f"{QUICK}  receipt_timeout: {RECEIPT_SECONDS}s\n  resync_every: 10s\n  gap_patience: 3s\n"
DEADLINES = MappingProxyType({"connect": "3s", "login": "5s", "stall": "5s", "idle": "60s"})
"""A line that stands still is given up within a run of a minute."""


@dataclass(frozen=True)
class Way:
    """One direction between two neighbours: what is dropped in `out` at `source` is for `target`."""

    source: Node
    target: Node
    out: Path


@dataclass(frozen=True)
class Mailbox:
    """A folder in which mail waits, and the node that collects it."""

    folder: Path
    collector: Node


@dataclass(frozen=True)
class Province(Neighbours):
    """The parts of a province; `relays` are named `caller-host`, `shares` are the folders of links without a line."""

    root: Path
    by_name: MappingProxyType[str, Node]
    ways: tuple[Way, ...]
    police_out: Path
    """The police's outbound folder for the zips of its case software, which go to the procuratorate."""
    mailboxes: tuple[Mailbox, ...]
    relays: MappingProxyType[str, Relay]
    shares: tuple[Path, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(self.by_name.values())

    def name_of(self, node: Node) -> str:
        return node.root.name

    def mail(self) -> list[Path]:
        """Return what lies in the mailboxes and is owed to somebody; inventories come and go for ever."""
        return [
            path
            for box in self.mailboxes
            if box.folder.exists()
            for path in box.folder.iterdir()
            if path.name != SENTINEL and not path.name.endswith(Kind.INVENTORY)
        ]

    def unclaimed(self) -> list[Path]:
        """Return the exports that no node has claimed."""
        folders = [self.police_out, *(way.out for way in self.ways)]
        return [path for folder in folders for path in folder.iterdir() if path.name not in ("ack", "err", "reject")]


@contextmanager
def province(root: Path, *, timing: str = TIMING) -> Iterator[Province]:
    """Make the nodes below `root`, ready to start, with their relays running; all ends when the body does."""
    ports = free_ports(len(UNITS))
    places = {
        name: Place(root / name, unit, title, port)
        for (name, (unit, title)), port in zip(UNITS.items(), ports, strict=True)
    }
    nodes = {name: Node(DemoNode(place)) for name, place in places.items()}
    for node in nodes.values():
        init_place(node.daemon.place, CLOCK)
        configure(node, "poll_every: 1s\n", timing.removeprefix("  "))
        node.daemon.place.into.mkdir()
        (node.daemon.place.into / SENTINEL).touch()
    with ExitStack() as stack:
        relays: dict[str, Relay] = {}
        boxes: list[Mailbox] = []
        ways: list[Way] = []
        shares: list[Path] = []
        for one, its_way, other, their_way in RING:
            trust(places[one], places[other], CLOCK)
            trust(places[other], places[one], CLOCK)
            if its_way == "folder":
                shares += _share(root, places[one], places[other])
                boxes += [Mailbox(shares[-2], nodes[other]), Mailbox(shares[-1], nodes[one])]
            else:
                for caller, how, host in ((one, its_way, other), (other, their_way, one)):
                    port = 0
                    if how != "none":
                        relays[f"{caller}-{host}"] = line = stack.enter_context(relay(places[host].port))
                        port = line.port
                    _call(places[caller], places[host], how, port)
                boxes += _hosted(nodes[one], its_way, nodes[other], their_way)
            for source, target in ((one, other), (other, one)):
                ways.append(Way(nodes[source], nodes[target], places[source].out / target))
        for name, place in places.items():
            _routes(place, [way for way in ways if way.source is nodes[name]])
        yield Province(
            root,
            MappingProxyType(nodes),
            tuple(ways),
            places["police"].out / "cases",
            tuple(boxes),
            MappingProxyType(relays),
            tuple(shares),
        )


def _share(root: Path, one: Place, other: Place) -> list[Path]:
    """Join two nodes by two folders, and return them: what leaves `one`, and what leaves `other`."""
    there, back = (root / f"{one.root.name}-to-{other.root.name}", root / f"{other.root.name}-to-{one.root.name}")
    for folder in (there, back):
        folder.mkdir()
        (folder / SENTINEL).touch()
    for place, peer, out, into in ((one, other, there, back), (other, one, back, there)):
        folders: Values = {"deposit": f"../../{out.name}", "collect": f"../../{into.name}", "sentinel": SENTINEL}
        values: Values = {"name": peer.root.name, "peer": peer.unit, "transport": "folder", "folder": folders}
        write_link(place, values)
    return [there, back]


def _call(place: Place, peer: Place, initiate: str, port: int) -> None:
    values: dict[str, object] = {"name": peer.root.name, "peer": peer.unit, "initiate": initiate}
    if port:
        values |= {"sftp": {"host": "127.0.0.1", "port": port}, "deadlines": DEADLINES}
    write_link(place, values)


def _hosted(one: Node, its_way: str, other: Node, their_way: str) -> list[Mailbox]:
    """Return the folders of the mailboxes through which two nodes exchange by SFTP, and who empties each."""
    found = []
    for guest, how, host in ((one, its_way, other), (other, their_way, one)):
        if how in ("push", "both"):
            found.append(Mailbox(host.mailbox(guest.unit, "in"), host))
        if how in ("pull", "both"):
            found.append(Mailbox(host.mailbox(guest.unit, "out"), guest))
    return found


def _routes(place: Place, ways: Sequence[Way]) -> None:
    outbound: list[Values] = [
        {"name": f"to-{way.out.name}", "folder": f"../out/{way.out.name}", "packer": "folder"}
        | {"receivers": {"*": way.target.unit}}
        for way in ways
    ]
    if place.unit == POLICE:
        outbound.append(
            {"name": "cases", "folder": "../out/cases", "packer": "police"}
            | {"receivers": {PROCURATORATE: PROCURATORATE}, "feedback_encoding": "gb18030"}
        )
    for route in outbound:
        (place.config / str(route["folder"])).mkdir(parents=True)
    into: Values = {"name": "all", "senders": ["*"], "folder": "../in", "packer": "folder", "sentinel": SENTINEL}
    write_routes(place, place.root.name, outbound, [into])
