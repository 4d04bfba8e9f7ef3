"""Builds the demo's province: seven nodes, one signed roster, links of every kind, the folders of case software."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import shake_128
from pathlib import Path
from threading import Event
from types import MappingProxyType

from gateway.cli import demo_boundaries
from gateway.cli.demo import LOOK_SECONDS
from gateway.cli.demo_boundaries import GAP_FILE, Carrier
from gateway.cli.demo_map import BY_KEY, COPIES, LINKS, THE_HUB, UNITS, DemoExport, DemoLink, DemoUnit, Way
from gateway.cli.demo_nodes import DemoNode, Place, init_place, write_link, write_routes
from gateway.cli.demo_samples import Sample
from gateway.compose.identity import load_keyring, load_settings, roster_store
from gateway.compose.setup import free_ports
from gateway.compose.trialroster import Member, trial_roster
from gateway.domain.clock import Clock
from gateway.roster.content import HUB
from gateway.settings.writing import Values

PORTS_FILE = "ports.json"
LABEL = "_CASE.json"
PAGES = "扫描页.bin"
_TIMING: Values = MappingProxyType(
    # Seven start at once: whoever calls a server that is not there yet soon calls again.
    {"scan_every": "200ms", "stable_scans": 2, "poll_every": "1s", "retry_first": "500ms"}
)
_INBOX: Values = MappingProxyType({"name": "deliveries", "folder": "../in"})
_OUTBOX: Values = MappingProxyType(
    {"name": "files", "folder": "../out/files", "packer": "folder", "receivers": {"*": "roster"}}
)

_OWN_FORMAT = ("police", "procuratorate")
"""Units whose case systems have a format of their own: their packers are called as they are."""


@dataclass(frozen=True, slots=True)
class DemoProvince:
    """The nodes by their keys, and what carries files over the boundaries that are no cable."""

    root: Path
    nodes: Mapping[str, DemoNode]
    carriers: Mapping[DemoLink, tuple[Carrier, ...]]

    @contextmanager
    def carrying(self, clock: Clock) -> Iterator[Future[None]]:
        """Let gap devices and diodes do what is due, whatever else is done meanwhile: a boundary waits for nobody.
        Yield what is done only if they failed; what they failed with is raised in the end."""
        over = Event()

        def carry() -> None:
            while not over.wait(LOOK_SECONDS):
                for several in self.carriers.values():
                    for one in several:
                        one.step(clock)

        with ThreadPoolExecutor(1, "boundaries") as pool:
            carried = pool.submit(carry)
            try:
                yield carried
            finally:
                over.set()
                carried.result()


def make_province(root: Path, clock: Clock) -> DemoProvince:
    """Make everything below `root`, ready to start."""
    serving = [unit.key for unit in UNITS if unit.serves]
    ports = dict(zip(serving, free_ports(len(serving)), strict=True))
    (root / PORTS_FILE).write_text(json.dumps(ports), "ascii")
    places = _places(root, ports)
    for unit in UNITS:
        more: dict[str, object] = {"workers": {"processes": 1}, "timing": _TIMING}
        more["server"] = {"listen": "127.0.0.1", "port": ports[unit.key]} if unit.serves else {"enabled": False}
        if unit.role == HUB:
            more["relay"] = {"enabled": True}
        init_place(places[unit.key], clock, more)
    for link in LINKS:
        _join(root, places, link)
    for unit in UNITS:
        _case_folders(places[unit.key], unit)
    _trust(places, clock)
    return _assembled(root, places)


def open_province(root: Path) -> DemoProvince:
    """Return the province that was kept below `root`. Raises FileNotFoundError if none was."""
    return _assembled(root, _places(root, json.loads((root / PORTS_FILE).read_bytes())))


def inbound_packer(key: str) -> str:
    """Return which packer writes what a unit's case system imports."""
    return key if key in _OWN_FORMAT else "folder"


def make_export(export: DemoExport, samples: Path, into: Path) -> Sample:
    """Fill in a template as case software would, aside in `into`; return the export, ready to be dropped."""
    folder = into / f"{export.template}_{export.flow}"
    shutil.copytree(samples / "province" / export.template, folder)
    for document in folder.glob("*.txt"):
        document.write_text(document.read_text("utf-8").replace("{case_no}", export.case_no), "utf-8")
    if export.pages:
        (folder / PAGES).write_bytes(shake_128(export.flow.encode()).digest(export.pages))
    label = {
        "flow": export.flow,
        "sender": BY_KEY[export.sender].unit,
        "receiver": BY_KEY[export.to[0]].unit,
        "case_no": export.case_no,
    }
    (folder / LABEL).write_text(json.dumps(label, ensure_ascii=False), "utf-8")
    return Sample(folder.name, (folder,), "files", "folder", "delivered", "")


def _places(root: Path, ports: Mapping[str, int]) -> dict[str, Place]:
    return {unit.key: Place(root / unit.key, unit.unit, unit.name, ports.get(unit.key, 0)) for unit in UNITS}


def _assembled(root: Path, places: Mapping[str, Place]) -> DemoProvince:
    carriers = {
        link: tuple(demo_boundaries.carriers(root, link.one, link.other, is_diode=link.way is Way.DIODE))
        for link in LINKS
        if link.way in (Way.GAP, Way.DIODE)
    }
    return DemoProvince(root, {key: DemoNode(place) for key, place in places.items()}, carriers)


def _join(root: Path, places: Mapping[str, Place], link: DemoLink) -> None:
    """Write both sides of a link."""
    one, other = places[link.one], places[link.other]

    def calling(peer: Place, initiate: str) -> Values:
        return {"initiate": initiate, "sftp": {"host": "127.0.0.1", "port": peer.port}}

    match link.way:
        case Way.SFTP:
            _write_link(one, link.other, other, calling(other, "both"))
            _write_link(other, link.one, one, {"initiate": "none"})
        case Way.PULL:
            _write_link(one, link.other, other, calling(other, "pull"))
            _write_link(other, link.one, one, calling(one, "pull"))
        case Way.MEDIA:
            _write_link(one, link.other, other, {"transport": "media"})
            _write_link(other, link.one, one, {"transport": "media"})
        case Way.GAP | Way.DIODE:
            for near, deposit, collect in demo_boundaries.folders(root, link.one, link.other):
                deposit.mkdir(parents=True)
                collect.mkdir()
                far = link.other if near == link.one else link.one
                values: dict[str, object] = {
                    "transport": "folder",
                    "folder": {
                        "deposit": os.path.relpath(deposit, places[near].config),
                        "collect": os.path.relpath(collect, places[near].config),
                    },
                }
                if link.way is Way.GAP:
                    values["gap"] = {"max_file": f"{GAP_FILE >> 10} KiB", "ending": ".dat"}
                else:
                    values |= {"receipts": "late", "repeat": {"times": 10, "every": "2s"}}
                _write_link(places[near], far, places[far], values)


def _write_link(place: Place, name: str, peer: Place, values: Values) -> None:
    write_link(place, {"name": name, "peer": peer.unit, **values})


def _case_folders(place: Place, unit: DemoUnit) -> None:
    if unit.key == THE_HUB:
        return
    place.into.mkdir()
    (place.out / "files").mkdir(parents=True)
    outbound: list[Values] = [_OUTBOX]
    if unit.key == "procuratorate":
        outbound = [{**_OUTBOX, "cc": [COPIES]}]
    if unit.key in _OWN_FORMAT:
        (place.out / unit.key).mkdir()
        own: dict[str, object] = {
            "name": unit.key,
            "folder": f"../out/{unit.key}",
            "packer": unit.key,
            "receivers": {"*": "roster"},
        }
        if unit.key == "police":
            own["feedback_encoding"] = "gb18030"
        outbound.append(own)
    write_routes(place, "cases", outbound=outbound, inbound=[{**_INBOX, "packer": inbound_packer(unit.key)}])


def _trust(places: Mapping[str, Place], clock: Clock) -> None:
    """Let an authority that is forgotten at once sign everybody into one roster, and everybody trust it."""
    members = []
    for unit in UNITS:
        card = load_keyring(load_settings(places[unit.key].config), {}).card(unit.unit, unit.name)
        hub = None if unit.key == THE_HUB else BY_KEY[THE_HUB].unit
        members.append(Member(card, unit.role, unit.level, unit.region, hub))
    now = clock.now()
    raw, fingerprint = trial_roster(members, now)
    for place in places.values():
        roster_store(load_settings(place.config)).trust(raw, fingerprint, now=now)
