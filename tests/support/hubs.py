"""Houses around hubs: a tree of nodes in one process, joined by folders, with one roster made of their own keys."""

import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from gateway.bundle.card import parse_card
from gateway.bundle.convoy import join_bundles, split_bundles
from gateway.bundle.envelope import parse_envelope
from gateway.bundle.keys import NodeKeys
from gateway.bundle.names import Kind, bundle_name, paper_name, parse, receipt_name
from gateway.bundle.receipt import Receipt, join_receipts, parse_receipt, sign_receipts, split_receipts
from gateway.bundle.seal import SealMember
from gateway.cli.demo_nodes import Place, init_place, write_link, write_routes
from gateway.compose.identity import Identity, load_keyring, load_settings
from gateway.daemon.progress import ProgressBoard
from gateway.domain.errors import GatewayError
from gateway.domain.ids import BundleId, UnitCode
from gateway.domain.lifecycle import Direction, ends
from gateway.domain.records import Priority, ReceiptCode, Transfer
from gateway.roster.content import (
    HUB,
    FlowClass,
    Level,
    Permission,
    RosterContent,
    RosterUnit,
    UnitKey,
)
from gateway.roster.directory import Directory
from gateway.roster.roster import Roster
from gateway.settings.writing import Values
from gateway.stages import layout
from gateway.standard.package import UNCLASSIFIED
from tests.support.bundles import finish, prepare
from tests.support.forging import package_of
from tests.support.houses import TURNS, House
from tests.support.ledger import START, ToldClock

OUT, IN, ON = Direction.OUTBOUND, Direction.INBOUND, Direction.RELAY
CLASS_OF_ARREST = 7
"""The class that tells hubs that a bundle carries an arrest request."""
PERMISSIONS = (
    Permission("arrest-request", "police", "procuratorate"),
    Permission(UNCLASSIFIED, "police", "procuratorate"),  # what the generic packer makes of a file
    Permission("*", "police", "court"),
    Permission(UNCLASSIFIED, "police", HUB),
)


@dataclass(frozen=True)
class Spot:
    """One unit of the province: its code and role, and the hub above it."""

    unit: UnitCode
    role: str
    region: str
    hub: str | None = None


COUNTY, PROSECUTOR, COURT = "county", "prosecutor", "court"
CITY_A, PROVINCE, CITY_B = "city-a", "province", "city-b"
SPOTS: Mapping[str, Spot] = MappingProxyType(
    {
        COUNTY: Spot(UnitCode("990102000000"), "police", "990102", CITY_A),
        CITY_A: Spot(UnitCode("HUB990100"), HUB, "990100", PROVINCE),
        PROVINCE: Spot(UnitCode("HUB990000"), HUB, "990000"),
        CITY_B: Spot(UnitCode("HUB990200"), HUB, "990200", PROVINCE),
        PROSECUTOR: Spot(UnitCode("990202"), "procuratorate", "990202", CITY_B),
        COURT: Spot(UnitCode("990202A00"), "court", "990202", CITY_B),
    }
)
"""A county whose police sends to a procuratorate and a court of another city."""


def build(root: Path, spots: Mapping[str, Spot] = SPOTS, links: Sequence[tuple[str, str]] = ()) -> None:
    """Make the nodes of `spots` below `root`, each joined to the hub above it by two folders; `links`: more of them."""
    clock = ToldClock()
    places = {name: Place(root / name, spot.unit, name, 2222) for name, spot in spots.items()}
    pairs = [(name, spot.hub) for name, spot in spots.items() if spot.hub is not None] + list(links)
    for place in places.values():
        init_place(place, clock)
    for one, other in pairs:
        for name, peer in ((one, other), (other, one)):
            (root / f"{name}-to-{peer}").mkdir()
            values: Values = {
                "name": peer,
                "peer": spots[peer].unit,
                "transport": "folder",
                "folder": {"deposit": f"../../{name}-to-{peer}", "collect": f"../../{peer}-to-{name}"},
            }
            write_link(places[name], values)
    for name, spot in spots.items():
        place = places[name]
        if spot.role == HUB:
            with (place.config / "gateway.yaml").open("a", encoding="utf-8") as config:
                config.write("relay:\n  enabled: true\n")
        for folder in ("files", "police"):
            (place.out / folder).mkdir(parents=True)
        place.into.mkdir()
        neighbour = next(spots[b if a == name else a].unit for a, b in pairs if name in (a, b))
        outgoing: Values = {
            "name": "files",
            "folder": "../out/files",
            "packer": "folder",
            "receivers": {"*": neighbour},
        }
        cases: Values = {
            "name": "police",
            "folder": "../out/police",
            "packer": "police",
            "receivers": {"*": neighbour},
            "feedback_encoding": "gb18030",
        }
        incoming: Values = {"name": "all", "senders": ["*"], "folder": "../in", "packer": "folder"}
        write_routes(place, "all", outbound=[outgoing, cases], inbound=[incoming])


def keys_of(root: Path, spots: Mapping[str, Spot] = SPOTS) -> dict[str, NodeKeys]:
    """Return the keys of the nodes below `root`."""
    return {name: load_keyring(load_settings(root / name / "etc"), {}).signing_keys(START) for name in spots}


def roster_of(root: Path, spots: Mapping[str, Spot] = SPOTS) -> RosterContent:
    """Return the roster of the nodes below `root`, made of the keys that they have."""
    units = [_listed(root / name, name, spot, spots) for name, spot in spots.items()]
    return RosterContent(
        version=1,
        issued_at=int(START),
        province="990000",
        units=tuple(sorted(units, key=lambda unit: unit.unit)),
        permissions=PERMISSIONS,
        classes=(
            FlowClass(3, "", Priority.BULK),
            FlowClass(CLASS_OF_ARREST, "arrest-request", Priority.CUSTODY),
        ),
    )


def _listed(root: Path, name: str, spot: Spot, spots: Mapping[str, Spot]) -> RosterUnit:
    card = parse_card(load_keyring(load_settings(root / "etc"), {}).card(spot.unit, name))
    return RosterUnit(
        unit=spot.unit,
        name=name,
        role=spot.role,
        level=Level.COUNTY,
        region=spot.region,
        parent=None,
        hubs=() if spot.hub is None else (spots[spot.hub].unit,),
        names=(),
        keys=tuple(UnitKey(key.public, key.not_before, key.not_after) for key in card.keys),
        suites=card.suites,
        ssh_host_key=card.ssh_host_key,
        ssh_user_keys=(card.ssh_user_key,),
        since=0,
    )


@dataclass
class Province:
    """The houses below `root`. `contents`: the roster of a house that has another one than the rest."""

    root: Path
    content: RosterContent
    spots: Mapping[str, Spot] = field(default_factory=lambda: SPOTS)
    open_only: tuple[str, ...] = ()
    """The houses that are started; none named: all."""
    contents: dict[str, RosterContent] = field(default_factory=dict)
    receivers: dict[str, str] = field(default_factory=lambda: {COUNTY: PROSECUTOR})
    """For whom what is dropped at a house is meant."""
    clock: ToldClock = field(default_factory=lambda: ToldClock(START + 10))
    houses: dict[str, House] = field(default_factory=dict)
    signing: Mapping[str, NodeKeys] = field(default_factory=dict)
    """The keys of the houses, where they are known already."""

    def open(self) -> "Province":
        for name in self.open_only or tuple(self.spots):
            equip = self._equipment(name)
            self.houses[name] = House(self.root / name, self.spots[name].unit, self.clock, equip=equip)
        for house in self.houses.values():
            house.open()
        if not any(house.transfers(way) for house in self.houses.values() for way in Direction):
            self.greet()
        return self

    def close(self) -> None:
        for house in self.houses.values():
            house.close()

    def greet(self) -> None:
        """Let the neighbours say where they stand, as they do when they start."""
        for _turn in range(3):
            for house in self.houses.values():
                for worker in house.plan.workers:
                    if worker.name.startswith(("out-", "in-")):
                        self.step(house, worker.name)

    def reopen(self, name: str, content: RosterContent | None = None) -> House:
        """End one node and start it again, with another roster if one is given."""
        self.houses[name].close()
        if content is not None:
            self.contents[name] = content
        old = self.houses[name]
        self.houses[name] = House(old.root, old.unit, self.clock, log=old.log, equip=self._equipment(name)).open()
        return self.houses[name]

    def __getitem__(self, name: str) -> House:
        return self.houses[name]

    def unit(self, name: str) -> UnitCode:
        return self.spots[name].unit

    def mailbox(self, sender: str, receiver: str) -> Path:
        """Return the folder in which `receiver` finds what `sender` left."""
        return self.root / f"{sender}-to-{receiver}"

    def mail(self) -> list[Path]:
        """Return what lies between the houses."""
        return [path for folder in self.root.glob("*-to-*") for path in folder.iterdir()]

    def bundles(self, sender: str, receiver: str) -> list[BundleId]:
        """Return the bundles that lie in a mailbox, alone or in convoys."""
        found: list[BundleId] = []
        for path in self.mailbox(sender, receiver).iterdir():
            match parse(path.name):
                case (Kind.BUNDLE, text):
                    found.append(BundleId(text))
                case (Kind.CONVOY, _):
                    found += [one for one, _ in split_bundles(path.read_bytes())]
        return found

    def lose(self, sender: str, receiver: str, lost: Collection[BundleId]) -> None:
        """Take bundles out of a mailbox, alone or out of their convoys."""
        for path in list(self.mailbox(sender, receiver).iterdir()):
            match parse(path.name):
                case (Kind.BUNDLE, text) if text in lost:
                    path.unlink()
                case (Kind.CONVOY, _):
                    left = [(one, bytes(body)) for one, body in split_bundles(path.read_bytes()) if one not in lost]
                    path.unlink()
                    if left:
                        raw = join_bundles(left)
                        path.with_name(paper_name(raw, Kind.CONVOY)).write_bytes(raw)

    def drop(self, name: str, export: str, content: bytes) -> None:
        """Have the case software of a house export a file."""
        (self.root / name / "out" / "files" / export).write_bytes(content)

    def put(self, sender: str, receiver: str, sealed: "Sealed") -> None:
        """Leave a bundle in a mailbox."""
        (self.mailbox(sender, receiver) / bundle_name(sealed.bundle)).write_bytes(sealed.raw)

    def step(self, house: House, name: str) -> float | None:
        """Let one worker do one step as the supervisor would."""
        try:
            return house.worker(name).step()
        except GatewayError:
            return 1.0

    def work(self, *names: str, turns: int = 1, seconds: float = 0.5) -> None:
        """Let these houses (by default all) work so often, and `seconds` pass after each turn."""
        for _turn in range(turns):
            for name in names or tuple(self.houses):
                house = self.houses[name]
                for worker in house.plan.workers:
                    if worker.name not in ("retain", ProgressBoard.name):
                        self.step(house, worker.name)
            self.clock.time += seconds

    def settle(self, turns: int = TURNS) -> None:
        """Let everybody work until nobody owes anything; AssertionError if that never comes."""
        for _turn in range(turns):
            self.work()
            if all(house.is_quiet() for house in self.houses.values()) and not (self.mail() or self._unclaimed()):
                return
        raise AssertionError(self.story())

    def _unclaimed(self) -> list[Path]:
        exports = [path for path in self.root.glob("*/out/files/*") if path.is_file()]
        return exports + list(self.root.glob("*/state/spool/claims/*/.*"))

    def story(self) -> list[str]:
        """Return every transfer that owes something, to be read by whoever mends a test."""
        return [
            f"{name}: {t.direction} {t.state} {t.link} {t.hold_code} {t.last_error}"
            for name, house in self.houses.items()
            for way in Direction
            for t in house.transfers(way)
            if t.state not in ends(way)
        ] + [str(path.relative_to(self.root)) for path in self.mail()]

    def delivered(self, name: str) -> dict[str, bytes]:
        """Return name -> bytes of everything delivered at a house; AssertionError if a name came twice."""
        files = [path for folder in (self.root / name / "in").glob("*/content") for path in folder.iterdir()]
        assert len({path.name for path in files}) == len(files), files
        return {path.name: path.read_bytes() for path in files}

    def relays(self, name: str) -> list[Transfer]:
        return self.houses[name].transfers(ON)

    def held_bytes(self, name: str) -> list[Path]:
        """Return the bundles in the spool of a hub."""
        return sorted((self.root / name / "state" / "spool").rglob("*.cfb"))

    def receipts(self, name: str, transfer: Transfer) -> list[tuple[str, UnitCode]]:
        """Return code and issuer of what is on record about the bundle of a transfer."""
        return [(str(r.code), r.issuer) for r in self.houses[name].ledger.receipts(transfer.bundle_id or BundleId(""))]

    def keys(self, name: str) -> NodeKeys:
        """Return the keys of a house."""
        if name in self.signing:
            return self.signing[name]
        return self.houses[name].identity.keyring.signing_keys(self.clock.now())

    def _equipment(self, name: str) -> Callable[[Identity], Identity]:
        def equip(identity: Identity) -> Identity:
            content = self.contents.get(name, self.content)
            settings = identity.settings
            receiver = self.receivers.get(name)
            if receiver is not None:
                routes = tuple(
                    route.model_copy(update={"receivers": {"*": self.unit(receiver)}}) for route in settings.outbound
                )
                settings = settings.model_copy(update={"outbound": routes})
            directory = Directory(identity.directory.book, Roster(content))
            return replace(identity, settings=settings, directory=directory)

        return equip


@dataclass(frozen=True)
class Sealed:
    """A bundle made by hand."""

    bundle: BundleId
    raw: bytes


def seal(
    province: Province,
    sender: str,
    recipients: Sequence[str],
    *,
    numbers: Sequence[int] | None = None,
    content: bytes = b"content",
    name: str = "doc.txt",
    age: int = 0,
    life: int = 86400,
    routing_class: int = 0,
    epoch: int = 7,
    keys: NodeKeys | None = None,
) -> Sealed:
    """Return a bundle from `sender` for `recipients`; `numbers`: in their streams, by default 1 for each."""
    path = province.root / name
    path.write_bytes(content)
    package = package_of(path)
    path.unlink()
    members = [
        SealMember(path, None, len(body), lambda body=body: io.BytesIO(body))
        for path, body in ((layout.CASE_PACKAGE, package.to_json()), (layout.CONTENT + name, content))
    ]
    out = io.BytesIO()
    created = int(province.clock.now()) - age
    signing = keys or province.keys(sender)
    prepared = prepare(
        out,
        members,
        meta={layout.FLOW: package.flow, layout.CASE_NO: "", layout.EXPORT_NAME: name},
        keys=signing,
        recipients=[province.keys(one).public for one in recipients],
        created=created,
        expires=created + life,
        epoch=epoch,
        routing_class=routing_class,
    )
    sealed = finish(out, prepared, list(numbers or [1] * len(recipients)), signing)
    return Sealed(sealed.bundle_id, out.getvalue())


def state(province: Province, issuer: str, sealed: Sealed, code: ReceiptCode, **facts: object) -> bytes:
    """Return a receipt of `issuer` about a bundle from the county to the prosecutor, unless `facts` say otherwise."""
    envelope = parse_envelope(sealed.raw)
    told: dict[str, object] = {
        "origin": province.unit(COUNTY),
        "recipient": province.unit(PROSECUTOR),
        "sequence": 1,
        **facts,
    }
    receipt = Receipt(
        bundle_id=sealed.bundle,
        header_hash=envelope.header_hash,
        size=envelope.size,
        code=code,
        issuer=province.unit(issuer),
        epoch=envelope.epoch,
        issued_at=int(province.clock.now()),
        **told,  # type: ignore[arg-type]  # names of fields
    )
    return sign_receipts([receipt], province.keys(issuer))[0]


def post(province: Province, sender: str, receiver: str, *receipts: bytes) -> None:
    """Leave receipts in a mailbox."""
    body = join_receipts(receipts)
    part = province.mailbox(sender, receiver) / ".part"
    part.write_bytes(body)
    part.rename(part.with_name(receipt_name(body)))


def letters(province: Province, sender: str, receiver: str) -> list[tuple[str, UnitCode]]:
    """Return code and issuer of every receipt that lies in a mailbox, each once, in the order of their writing."""
    files = sorted(province.mailbox(sender, receiver).glob("*.cfr"), key=lambda path: path.stat().st_mtime_ns)
    found = [parse_receipt(raw) for path in files for raw in split_receipts(path.read_bytes())]
    return list(dict.fromkeys((str(one.code), one.issuer) for one in found))


@contextmanager
def opened(province: Province) -> Iterator[Province]:
    """Open all houses, and close them in any case."""
    province.open()
    try:
        yield province
    finally:
        province.close()
