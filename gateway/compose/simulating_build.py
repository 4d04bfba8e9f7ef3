"""Builds a simulated province on disk: every node's configuration and keys, the folders between them, one roster."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gateway.compose.identity import Identity, load_keyring, load_settings, roster_store
from gateway.compose.setup import NewNode, free_ports, init_node
from gateway.compose.simulating_case import IN, OUT
from gateway.compose.simulating_plan import Exchange, SimUnit, links, province, schedule
from gateway.compose.trialroster import Member, trial_roster
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.ids import UnitCode
from gateway.folders import disk
from gateway.roster.content import HUB
from gateway.roster.directory import Directory
from gateway.roster.peers import PeerBook
from gateway.settings.load import LINKS_FOLDER, ROUTES_FOLDER
from gateway.settings.writing import Values, link_yaml, routes_yaml
from gateway.standard.loading import place_of
from gateway.standard.reference import load_reference

PORTS_FILE = "ports.json"
SFTP_POLL = "500ms"
"""Between two looks of a unit at its hub's server; folders are looked at all the time."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One simulation, whole: the same scenario always means the same exchanges.

    scale: what sizes are multiplied by.   window: exchanges that each process keeps under way.
    day_seconds: so long a day of the two years takes; 0: as fast as it goes.   durable: files and commits are forced to
    the disk as in a daemon.   sftp: so many links go over the embedded server of their hub, all others over folders.
    """

    root: Path
    units: int
    count: int
    scale: float
    seed: int
    window: int
    day_seconds: float
    faults: bool
    durable: bool
    sftp: int = 0

    def province(self) -> tuple[SimUnit, ...]:
        """Return the units and hubs."""
        return province(self.units)

    def exchanges(self) -> list[Exchange]:
        """Return every exchange in order."""
        return _exchanges(self.units, self.count, self.scale, self.seed)

    def journal(self, share: int) -> Path:
        """Return the journal of one process."""
        return self.root / "journal" / f"{share}.log"


@cache
def _exchanges(units: int, count: int, scale: float, seed: int) -> list[Exchange]:
    return schedule(load_reference(), province(units), count, scale, seed)


def home_of(root: Path, unit: UnitCode) -> Path:
    """Return the folder of one node."""
    return root / "nodes" / unit


def config_of(root: Path, unit: UnitCode) -> Path:
    """Return the configuration folder of one node."""
    return home_of(root, unit) / "etc"


def lines_into(scenario: Scenario, unit: UnitCode) -> Iterator[tuple[Path, Path]]:
    """Yield (where a neighbour deposits, where `unit` collects) of each of its links; one folder if nothing goes wrong.

    The folders differ only where something carries the files from one to the other.
    """
    over_sftp = sftp_links(scenario)
    for lower, hub in links(scenario.province()):
        for one, other in ((lower.unit, hub.unit), (hub.unit, lower.unit)):
            if other == unit and lower.unit not in over_sftp:
                yield wire(scenario, one, other)


def sftp_links(scenario: Scenario) -> frozenset[UnitCode]:
    """Return the lower units of the links that go over SFTP, spread over the province."""
    lower = [one.unit for one, _hub in links(scenario.province())]
    count = min(scenario.sftp, len(lower))
    return frozenset(lower[at * len(lower) // count] for at in range(count))


def wire(scenario: Scenario, sender: UnitCode, receiver: UnitCode) -> tuple[Path, Path]:
    """Return the folder into which `sender` deposits for `receiver`, and the one in which that collects."""
    deposit = scenario.root / "wire" / f"{sender}-{receiver}"
    return deposit, deposit.with_name(f"{deposit.name}.in") if scenario.faults else deposit


def prepare(scenario: Scenario) -> None:
    """Make the folders that belong to no node."""
    for name in ("nodes", "wire", "journal", "log"):
        (scenario.root / name).mkdir()
    over_sftp = sftp_links(scenario)
    hubs = sorted({hub.unit for lower, hub in links(scenario.province()) if lower.unit in over_sftp})
    ports = dict(zip(hubs, free_ports(len(hubs)), strict=True))
    (scenario.root / PORTS_FILE).write_text(json.dumps(ports), "ascii")
    for lower, hub in links(scenario.province()):
        for one, other in ((lower.unit, hub.unit), (hub.unit, lower.unit)):
            for folder in wire(scenario, one, other):
                folder.mkdir(exist_ok=True)


def build_nodes(scenario: Scenario, units: Sequence[UnitCode], clock: Clock) -> None:
    """Make the nodes of `units`: configuration, keys, links, routes, and the folders of their case software."""
    by_code = {one.unit: one for one in scenario.province()}
    over_sftp = sftp_links(scenario)
    ports: Mapping[str, int] = json.loads((scenario.root / PORTS_FILE).read_bytes())
    joined: dict[UnitCode, list[UnitCode]] = {}
    for lower, hub in links(scenario.province()):
        joined.setdefault(lower.unit, []).append(hub.unit)
        joined.setdefault(hub.unit, []).append(lower.unit)
    for unit in units:
        one = by_code[unit]
        config = config_of(scenario.root, unit)
        init_node(config, _new_node(scenario, one, ports.get(unit)), None, clock)
        for peer in joined.get(unit, ()):
            values = _sftp_link(unit, peer, over_sftp, ports) or _link(scenario, unit, peer)
            _write(config, LINKS_FOLDER, str(values["name"]), link_yaml(values))
        for name in (OUT, IN):
            (home_of(scenario.root, unit) / name).mkdir()
        if one.role != HUB:
            _write(config, ROUTES_FOLDER, "cases", routes_yaml([_outbound()], [_inbound()]))


def build_lot(lot: tuple[Scenario, tuple[UnitCode, ...]], progress: Callable[[int], None]) -> None:
    """Make some of the nodes, see `build_nodes`; for a worker process."""
    build_nodes(*lot, SystemClock())
    progress(len(lot[1]))


def sign_roster(scenario: Scenario, clock: Clock) -> None:
    """Let an authority sign the roster of all nodes, whose keys are then forgotten, and every node trust it.

    One node proves it and the others get the proven file: five hundred proofs would show nothing that one does not.
    """
    members = []
    for one in scenario.province():
        card = load_keyring(load_settings(config_of(scenario.root, one.unit)), {}).card(one.unit, one.name)
        members.append(Member(card, one.role, one.level, one.region, one.hub))
    now = clock.now()
    raw, fingerprint = trial_roster(members, now)
    stores = [roster_store(load_settings(config_of(scenario.root, one.unit))) for one in scenario.province()]
    stores[0].trust(raw, fingerprint, now=now)
    for store in stores[1:]:
        disk.owner_only(store.path.parent)
        store.path.hardlink_to(stores[0].path)


def _new_node(scenario: Scenario, unit: SimUnit, port: int | None) -> NewNode:
    timing: dict[str, object] = {
        # Whoever drops an export, or deposits a file, rings; the rest only catches what went wrong.
        "scan_every": "30s",
        "poll_every": "20s",
        "retry_first": "1s",
        "retry_most": "5s",
    }
    if scenario.faults:
        timing |= {"receipt_timeout": "8s", "gap_patience": "3s", "resync_every": "15s", "poll_every": "5s"}
    sections: dict[str, object] = {"timing": timing, "limits": {"free_space": "64 MiB"}}
    if port is None:
        sections["server"] = {"enabled": False}
    if unit.role == HUB:
        sections["relay"] = {"enabled": True}
    return NewNode(unit.unit, unit.name, "../state", "127.0.0.1", port or 0, sections)


def _sftp_link(
    unit: UnitCode, peer: UnitCode, over_sftp: Collection[UnitCode], ports: Mapping[str, int]
) -> Values | None:
    """Return the link between a unit and its hub if it goes over SFTP: the unit calls, as from behind a firewall."""
    name = {"name": f"to-{peer.lower()}", "peer": peer}
    if unit in over_sftp and peer in ports:
        sftp = {"host": "127.0.0.1", "port": ports[peer]}
        return {**name, "initiate": "both", "sftp": sftp, "poll_every": SFTP_POLL}
    if peer in over_sftp and unit in ports:
        return {**name, "initiate": "none"}
    return None


def _link(scenario: Scenario, unit: UnitCode, peer: UnitCode) -> Values:
    deposit, _ = wire(scenario, unit, peer)
    _, collect = wire(scenario, peer, unit)
    return {
        "name": f"to-{peer.lower()}",
        "peer": peer,
        "transport": "folder",
        "folder": {"deposit": str(deposit), "collect": str(collect)},
    }


def _outbound() -> Values:
    return {"name": "cases", "folder": "../out", "packer": "folder", "receivers": {"*": "roster"}}


def _inbound() -> Values:
    return {"name": "deliveries", "folder": "../in", "packer": "folder"}


def _write(config: Path, folder: str, name: str, text: str) -> None:
    disk.write_durably(config / folder / f"{name}.yaml", text.encode(), mode=0o644)


def trusting(scenario: Scenario, units: Sequence[UnitCode]) -> Mapping[UnitCode, Identity]:
    """Return what each of `units` is and trusts. One roster serves them all: it is verified once in this process."""
    identities: dict[UnitCode, Identity] = {}
    trusted = None
    for unit in units:
        settings = load_settings(config_of(scenario.root, unit))
        trusted = trusted or roster_store(settings).load()
        directory = Directory(PeerBook.open(settings.paths.peers), trusted=trusted)
        identities[unit] = Identity(settings, load_keyring(settings, {}), directory, place_of(None))
    return identities
